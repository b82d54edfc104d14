"""Reception: sightings a ship and day, stays nobody heard, satellite passes."""

from __future__ import annotations

import numpy as np
import polars as pl

from tests.simulation_page.charts import show_picture
from tests.simulation_page.figure_rows import (
    JUDGEMENT,
    Row,
    lay_rows,
    mean,
    percent,
    percentiles,
    spread,
)
from tests.simulation_page.maps import FEWEST_CELL_HOURS
from tests.simulation_page.measured import DAY_S, HOUR_S, Scene


def tell_reception(scene: Scene) -> list[str]:
    """Return sightings a ship and day, stays nobody heard, passes a day."""
    seen = scene.heard.group_by("vessel", "day").agg(
        satellite=pl.col("is_satellite").sum(), terrestrial=(~pl.col("is_satellite")).sum()
    )
    days = scene.honest_days.join(seen, on=["vessel", "day"], how="left").with_columns(
        pl.col("satellite", "terrestrial").fill_null(0)
    )
    rows = [
        Row(
            f"sightings a ship and day, {kind}: median (10th to 90th percentile)",
            spread(days[kind], 0.1, 0.9, "", 0).strip(),
            f"at most {DAY_S // scene.world.feed.thin_s}",
            f"{JUDGEMENT}: the feed is thinned to one in {scene.world.feed.thin_s} s",
        )
        for kind in ("terrestrial", "satellite")
    ]
    rows.append(
        Row(
            "ship-days without a sighting",
            percent(mean(days["satellite"] + days["terrestrial"] == 0)),
        )
    )
    rows += [*_stay_rows(scene), *_pass_rows(scene)]
    return [
        "### Reception",
        "",
        "Merchants whose set is on and who are inside the region all day. All of it is judgement:"
        " places and ranges of stations (triangles) are invented. The chance is the mean over all"
        " ships and hours in a cell of 0.25 degree, antennas included, the private factor left out;"
        f" cells with fewer than {FEWEST_CELL_HOURS} ship-hours are blank.",
        "",
        *lay_rows(rows),
        "",
        show_picture("receptions", "Density of sightings by kind of receiver"),
        "",
        show_picture("chance", "Chance that a sending ship is heard within an hour"),
        "",
    ]


def _stay_rows(scene: Scene) -> list[Row]:
    lit = scene.whole_calls.filter(pl.col("fleet") == "merchant", pl.col("off_h") == 0)
    countries = lit.group_by("country").agg((~pl.col("is_heard")).mean()).sort("country")
    parts = ", ".join(f"{country} {percent(share)}" for country, share in countries.iter_rows())
    unheard = percent(mean(~lit["is_heard"]))
    return [
        Row("stays with the set on that nobody heard", unheard),
        Row("the same by country", parts),
    ]


def _pass_rows(scene: Scene) -> list[Row]:
    passes = scene.stage.radio.passes
    long_min = (passes.to_s - passes.from_s) / 60
    between_h = np.diff(passes.from_s) / HOUR_S
    satellites = len(scene.stage.radio.satellite_names)
    return [
        Row(
            f"satellite passes a day ({satellites} satellites)",
            f"{len(long_min) / scene.world.days:.1f}",
        ),
        Row(
            "a pass: median (least to most)",
            spread(long_min, 0, 1, "min"),
            "8 to 14 min",
            "issue of the simulator",
        ),
        Row(
            "time from pass to pass: median, 99th percentile",
            "{} h, {} h".format(*percentiles(between_h, 0.5, 0.99)),
        ),
    ]
