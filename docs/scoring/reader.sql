-- The headline of the latest month; `cd PROCESSED && duckdb -noheader -list < reader.sql`.
select
    case
        when split_part(last.contract_version, '.', 1) <> '1'
            then error('contract ' || last.contract_version || ': this reader knows version 1')
        else concat_ws(' | ', last.month, last.report_rating, last.report_arrow)
    end
    || chr(10)
    || last.why
    || chr(10)
    || 'calls of the month: '
    -- Null: nothing was observed, which is not 0.
    || coalesce(printf('%.1f', monthly.expected_calls), 'not observed') as told
from 'indicator.parquet' as last
inner join 'monthly_dark_port_calls.parquet' as monthly using (month, scope)
where
    last.scope = 'ru_ir_crossing'
    and (monthly.flag, monthly.port_country, monthly.port_group) = ('all', 'all', 'all')
order by last.month desc
limit 1;
