"""Off or on, and at which port: one posterior per closed gap (METHOD 6)."""

from pipeline.joint.weigh import NONE, SCHEMA, weigh_candidates

__all__ = ["NONE", "SCHEMA", "weigh_candidates"]
