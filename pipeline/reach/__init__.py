"""Which ports could a silent ship have called at? (METHOD 5)"""

from pipeline.reach.candidates import CANDIDATES, find_candidates
from pipeline.reach.speeds import SPEEDS, sum_up_speeds

__all__ = ["CANDIDATES", "SPEEDS", "find_candidates", "sum_up_speeds"]
