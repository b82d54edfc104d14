-- Counts and hours are null in months without data, and only there.
select
    monthly_gaps.month,
    monthly_gaps.flag,
    monthly_gaps.fleet,
    monthly_gaps.area,
    monthly_gaps.port_group,
    monthly_gaps.at_least_h,
    months.has_data,
    monthly_gaps.gaps,
    monthly_gaps.ship_hours
from monthly_gaps
inner join months using (month)
where
    (monthly_gaps.gaps is null) = months.has_data
    or (monthly_gaps.open_gaps is null) = months.has_data
    or (monthly_gaps.left_region is null) = months.has_data
    or (monthly_gaps.ships_seen is null) = months.has_data
    or (monthly_gaps.ships_with_gap is null) = months.has_data
    or (monthly_gaps.ship_hours is null) = months.has_data
    or (monthly_gaps.heard_hours is null) = months.has_data
order by
    monthly_gaps.month,
    monthly_gaps.flag,
    monthly_gaps.fleet,
    monthly_gaps.area,
    monthly_gaps.port_group,
    monthly_gaps.at_least_h
