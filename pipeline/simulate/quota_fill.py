"""Worlds with an exact number of true headline calls: which visits are dark."""

from __future__ import annotations

import numpy as np
import polars as pl

from pipeline.errors import UsageError
from pipeline.simulate.life import NONE, Stage, VisitsByVessel, play
from pipeline.simulate.model import Vessel
from pipeline.simulate.quota import choose_dark_visits
from pipeline.simulate.true_rows import SHORTEST_CALL_S, port_calls

# A visit made dark can hide the port stay that made another one crossing; what fails is left out
# and the choice is made again.
ATTEMPTS = 12
EVERY_VISIT = frozenset(range(10_000))


def fill_quotas(stage: Stage, vessels: list[Vessel]) -> tuple[VisitsByVessel, VisitsByVessel]:
    """Return (visits forced dark, visits barred from it) by vessel, so that quotas hold exactly.

    A visit is a candidate where it is in the headline scope by the world's own sightings while no
    visit is dark (METHOD 7). Those chosen are made dark, all others of these ships are barred.

    Raises:
        UsageError: the world has too few such visits.
    """
    if not stage.world.quotas:
        return NONE, NONE
    traders = [vessel for vessel in vessels if vessel.fleet == "merchant"]
    everything = {vessel.number: EVERY_VISIT for vessel in traders}
    lit = _visits(stage, traders, NONE, everything)
    candidates = lit.filter(
        pl.col("is_ru_ir_crossing")
        & (pl.col("departure_s") - pl.col("arrival_s") >= SHORTEST_CALL_S)
        & (pl.col("arrival_s") > 0)
        & (pl.col("departure_s") < stage.world.span_s)
    )
    for _ in range(ATTEMPTS):
        chosen = choose_dark_visits(candidates, stage.world.quotas, stage.world.start, stage.seed)
        forced = _by_vessel(chosen)
        barred = {
            number: visits - forced.get(number, frozenset())
            for number, visits in everything.items()
        }
        held = [vessel for vessel in traders if vessel.number in forced]
        found = _visits(stage, held, forced, barred).filter("is_dark", "is_ru_ir_crossing")
        failed = chosen.join(found, on=["vessel", "visit"], how="anti")
        if failed.is_empty() and found.height == chosen.height:
            return forced, barred
        candidates = candidates.join(failed, on=["vessel", "visit"], how="anti")
    raise UsageError(
        f"world {stage.world.name}: no choice of visits fills its quotas after {ATTEMPTS} attempts;"
        " more ships or fewer calls are needed"
    )


def _visits(
    stage: Stage, vessels: list[Vessel], forced: VisitsByVessel, barred: VisitsByVessel
) -> pl.DataFrame:
    """Return the visits of some vessels with what the feed would show of them."""
    return pl.concat(
        port_calls(stage, played).with_columns(is_habitual=pl.lit(played.vessel.is_habitual))
        for played in play(stage, vessels, forced, barred)
    )


def _by_vessel(visits: pl.DataFrame) -> VisitsByVessel:
    grouped = visits.group_by("vessel", maintain_order=True).agg("visit")
    return {
        int(vessel): frozenset(int(one) for one in np.asarray(numbers))
        for vessel, numbers in grouped.iter_rows()
    }
