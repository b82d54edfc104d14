"""Off or on, and at which port: one posterior per closed gap (METHOD 6)."""

from pipeline.joint.habits import Habits, fit_habits
from pipeline.joint.hidden import NONE
from pipeline.joint.weigh import SCHEMA, weigh_candidates

__all__ = ["NONE", "SCHEMA", "Habits", "fit_habits", "weigh_candidates"]
