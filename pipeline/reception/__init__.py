"""Who could have been heard, and was the set off? (METHOD 4)"""

from pipeline.reception.cells import list_cells
from pipeline.reception.gap_hours import list_gap_hours
from pipeline.reception.judge import SCHEMA, judge_gaps
from pipeline.reception.learn import Learned, learn
from pipeline.reception.observed import sum_observable
from pipeline.reception.ways import WAYS, find_ways
from pipeline.reception.why import EXPLAINED, add_causes, name_explained
from pipeline.reception.window import BEACON_HOURS, COLUMNS, Window, lay_out

__all__ = [
    "BEACON_HOURS",
    "COLUMNS",
    "EXPLAINED",
    "SCHEMA",
    "WAYS",
    "Learned",
    "Window",
    "add_causes",
    "find_ways",
    "judge_gaps",
    "lay_out",
    "learn",
    "list_cells",
    "list_gap_hours",
    "name_explained",
    "sum_observable",
]
