-- One row per published figure (METHOD 0): what ours is compared with, never tuned to.
select
    figure_id,
    source,
    measure,
    period_from,
    period_to,
    flag,
    area,
    at_least_h,
    value,
    unit,
    note
from
    read_csv(
        $published_counts_file,
        auto_detect = false,
        header = true,
        delim = ',',
        quote = '"',
        escape = '"',
        nullstr = '',
        dateformat = '%Y-%m-%d',
        columns = {
            'figure_id': 'varchar',
            'source': 'varchar',
            'measure': 'varchar',
            'period_from': 'date',
            'period_to': 'date',
            'flag': 'varchar',
            'area': 'varchar',
            'at_least_h': 'bigint',
            'value': 'double',
            'unit': 'varchar',
            'note': 'varchar'
        }
    )
order by figure_id
