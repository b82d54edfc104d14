-- One row per scope x choice x value: the rating of the last trailing year, one choice made anew.
-- Drawn with the same random numbers as the headline (choices), whose row stands among them: what
-- differs is the choice. rating is null where only another night could tell.
select
    choices.month,
    choices.scope,
    choices.choice,
    choices.value,
    choices.expected as expected_12m,
    choices.expected_low as expected_12m_low,
    choices.expected_high as expected_12m_high,
    choices.p_low,
    choices.p_medium,
    choices.p_high,
    choices.rating,
    choices.rating <> headline.rating as is_changed,
    coalesce(choices.rating || ': ', '')
    || choices.rating_why
    || case
        when
            (
                select count(*) > 0
                from files
                where starts_with(files.feed, 'simulated_')
            )
            then '; from a SIMULATED feed'
        else ''
    end as why,
    $method_version as method_version,
    $rules_hash as rules_hash
from choices
inner join choices as headline
    on choices.scope = headline.scope and headline.choice = 'headline'
order by
    choices.scope,
    choices.choice <> 'headline',
    choices.choice,
    try_cast(split_part(choices.value, ' ', 1) as integer),
    choices.value
