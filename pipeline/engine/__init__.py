"""Where the work on raw files and on UTC days is done: here, or on a Dask cluster.

A unit of work is one call of a function with what all units share and what is its own. It returns
something small: where it left its results. What crosses midnight, and every name that a result
gets, stays with the one who asked, who holds the lock.

here       one unit after the other, in this process
cluster    on the workers of a Dask cluster, a given one or one made for the run
likeness   that a worker would make the same bytes, and sees the same folders
"""

from pipeline.engine.here import HERE, ON_THIS_PROCESS, Engine, EngineChoice, open_engine

__all__ = ["HERE", "ON_THIS_PROCESS", "Engine", "EngineChoice", "open_engine"]
