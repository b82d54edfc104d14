-- One row per gap near a port group, longest first: gaps_near('amirabad', 30).
-- Gaps and open gaps of at least `longer_than_h` hours (4, if left out) that begin or end near it;
-- `near_at` says which, `is_off_near` gaps are those the monthly counts hold there. Silences of
-- ships that left the region are left out. An open gap has its length so far. A gap is no call.
create or replace macro gaps_near(port, longer_than_h := 4) as table
    with
    asked as (
        select
            lower(port) as port_group,
            longer_than_h * 3600 as least_s
    ),

    silences as (
        select
            gaps.*,
            date_sub(
                'second',
                gaps.off_at,
                case when gaps.is_closed then gaps.on_at else gaps.data_end end
            ) as silent_s,
            coalesce(gaps.off_port_group = asked.port_group, false) as is_off_near,
            coalesce(gaps.on_port_group = asked.port_group, false) as is_on_near,
            asked.least_s
        from gaps
        cross join asked
        where gaps.cause is distinct from 'left_region'
    )

    select
        gap_id,
        ship_id,
        name,
        flag,
        fleet,
        off_at,
        on_at,
        round(silent_s / 3600, 1) as silent_h,
        is_closed,
        case
            when is_off_near and is_on_near then 'off and on point'
            when is_off_near then 'off point'
            when is_on_near then 'on point'
        end as near_at,
        off_port_group,
        on_port_group,
        cause,
        p_off,
        live_h,
        expected_receptions,
        reasons,
        is_off_near
    from silences
    where (is_off_near or is_on_near) and silent_s >= least_s
    order by silent_s desc, gap_id asc
