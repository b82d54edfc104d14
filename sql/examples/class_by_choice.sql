-- One row per choice made anew: does the class of the headline scope hang on it?
-- Each row is the last trailing year's rating with one choice changed and the same random numbers.
-- rating is null where only another night could tell.
select
    strftime(month, '%Y-%m') as month,
    choice,
    value,
    round(expected_12m, 1) as expected_12m,
    round(p_low, 2) as p_low,
    round(p_medium, 2) as p_medium,
    round(p_high, 2) as p_high,
    rating,
    case
        when choice = 'headline' then 'the class as published'
        when is_changed then 'yes'
        when not is_changed then 'no'
        else 'not known'
    end as class_hangs_on_it,
    why
from sensitivity
where scope = 'ru_ir_crossing'
order by
    choice <> 'headline',
    choice,
    try_cast(split_part(value, ' ', 1) as integer),
    value
