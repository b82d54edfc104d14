"""What is told of every gap, run by run: what changed tonight and why, and what was told before.

`gap_versions` holds a row per gap and run in which what is told of it changed, and only grows;
`runs` a row per published run. Together they give back the gaps of any past night (DESIGN 5:
"May 2023 as reported with data up to 10 June").

words      which columns make a version; what changed in them, in words
compare    last night's gaps against tonight's: the rows a run adds, and why
past       the history as it is kept; the gaps as any past run told them
"""

from pipeline.history.compare import Basis, Context, compare_gaps
from pipeline.history.past import (
    add_known,
    append_run,
    append_versions,
    find_run_as_of,
    gaps_as_of,
    gaps_at_run,
    last_basis,
    list_known,
    name_part,
    next_run,
)
from pipeline.history.words import SILENT, STATE, WATCHED

__all__ = [
    "SILENT",
    "STATE",
    "WATCHED",
    "Basis",
    "Context",
    "add_known",
    "append_run",
    "append_versions",
    "compare_gaps",
    "find_run_as_of",
    "gaps_as_of",
    "gaps_at_run",
    "last_basis",
    "list_known",
    "name_part",
    "next_run",
]
