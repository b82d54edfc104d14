"""How many dark port calls, how surely, and whether more than before (METHOD 7)."""

from pipeline.indicator.baseline import no_baseline, read_baseline
from pipeline.indicator.chances import list_call_chances
from pipeline.indicator.contract import CONTRACT_VERSION, tell_indicator
from pipeline.indicator.figures import Published, draw_gap_intervals, rate, tell_trends
from pipeline.indicator.ratios import Ratio, find_dispersion, find_ratio
from pipeline.indicator.sensitivity import Places, try_choices
from pipeline.indicator.spikes import find_spikes

__all__ = [
    "CONTRACT_VERSION",
    "Places",
    "Published",
    "Ratio",
    "draw_gap_intervals",
    "find_dispersion",
    "find_ratio",
    "find_spikes",
    "list_call_chances",
    "no_baseline",
    "rate",
    "read_baseline",
    "tell_indicator",
    "tell_trends",
    "try_choices",
]
