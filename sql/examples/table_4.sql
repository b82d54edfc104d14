-- One row per complete month in the form of CNA's Table 4: the rating in capitals and an arrow.
-- The arrow is that of the count trend, calls against 2020-21. Where the trend is undetermined or
-- not assessable there is no arrow, and the words stand in its place.
select
    strftime(month, '%Y-%m') as month,
    report_rating as rating,
    case report_arrow
        when 'up' then '↑'
        when 'right' then '→'
        when 'down' then '↓'
        else report_arrow
    end as trend,
    round(expected_12m, 1) as expected_12m,
    p_low,
    p_medium,
    p_high,
    why
from indicator
where scope = 'ru_ir_crossing'
order by month
