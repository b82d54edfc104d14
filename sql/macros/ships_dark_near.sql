-- One row per ship that fell silent near a port in a month: ships_dark_near('olya', '2023-06').
-- Gaps and open gaps of 4 h and more whose off point is near the port group and that begin in the
-- month; without a month, the last complete one with data. `expected_off` is in how many of them
-- the set was off, as a sum of p_off; gaps without p_off add nothing. `probable_calls` counts rows
-- of dark_port_calls of grade A and B at that group in that month, `possible_calls` those of C.
create or replace macro ships_dark_near(port, in_month := null) as table
    with
    asked as (
        select
            lower(port) as port_group,
            coalesce(
                cast(left(cast(in_month as varchar), 7) || '-01' as date),
                (
                    select max(months.month)
                    from months
                    where months.is_complete and months.has_data
                )
            ) as month
    ),

    silent as (
        select
            asked.month,
            gaps.ship_id,
            max(gaps.name) as name,
            max(gaps.flag) as flag,
            max(gaps.fleet) as fleet,
            count(*) as gaps,
            count(*) filter (where not gaps.is_closed) as open_gaps,
            count(*) filter (where gaps.cause = 'probable_off') as probable_off,
            round(coalesce(sum(gaps.p_off), 0), 2) as expected_off,
            round(max(date_sub(
                'second',
                gaps.off_at,
                case when gaps.is_closed then gaps.on_at else gaps.data_end end
            )) / 3600, 1) as longest_h,
            string_agg(distinct gaps.cause, ', ' order by gaps.cause) as causes
        from gaps
        inner join asked on gaps.off_port_group = asked.port_group and gaps.month = asked.month
        where gaps.cause is distinct from 'left_region'
        group by asked.month, gaps.ship_id
    ),

    called as (
        select
            calls.ship_id,
            count(*) filter (where calls.grade in ('A', 'B')) as probable_calls,
            count(*) filter (where calls.grade = 'C') as possible_calls
        from dark_port_calls as calls
        inner join asked on calls.port_group = asked.port_group and calls.month = asked.month
        group by calls.ship_id
    )

    select
        silent.month,
        silent.ship_id,
        silent.name,
        silent.flag,
        silent.fleet,
        silent.expected_off,
        silent.probable_off,
        silent.gaps,
        silent.open_gaps,
        silent.longest_h,
        silent.causes,
        coalesce(called.probable_calls, 0) as probable_calls,
        coalesce(called.possible_calls, 0) as possible_calls
    from silent
    left join called on silent.ship_id = called.ship_id
    order by silent.expected_off desc, silent.longest_h desc, silent.ship_id asc
