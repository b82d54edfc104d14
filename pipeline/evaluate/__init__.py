"""Published tables against known truth: `darkport evaluate` (METHOD 8).

Truth comes from a simulated world, from a file of labels, or from receivers that are withheld.
Nothing here takes an estimate of the chain for the truth.
"""

from __future__ import annotations

from pipeline.evaluate.evaluation import Evaluation, evaluate
from pipeline.evaluate.outside import Labels, read_labels
from pipeline.evaluate.outside_findings import evaluate_labels
from pipeline.evaluate.printed import write_evaluation
from pipeline.evaluate.runs import Run, read_run
from pipeline.evaluate.withheld import withhold

__all__ = [
    "Evaluation",
    "Labels",
    "Run",
    "evaluate",
    "evaluate_labels",
    "read_labels",
    "read_run",
    "withhold",
    "write_evaluation",
]
