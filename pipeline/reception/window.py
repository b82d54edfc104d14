"""The hours of all ships in some months, laid out for estimating reception (METHOD 4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.geodesy import KM_PER_NM, local_distance_km_array
from pipeline.rules import ReceptionRules

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

# What a stratum holds: class and whether under way, as far as it is known.
STRATA = ("A stopped", "A under way", "B stopped", "B under way")
CHAIN = ("mmsi", "track")
# Hours of ships (`summaries.Summary.ship_hours`) with their track.
COLUMNS = {
    "mmsi": pl.Int32,
    "track": pl.Int64,
    "hour": pl.Datetime("us"),
    "lon": pl.Float64,
    "lat": pl.Float64,
    "sog_kn": pl.Float32,
    "is_class_b": pl.Boolean,
    "terrestrial": pl.Boolean,
    "satellite": pl.Boolean,
    "is_outside": pl.Boolean,
    "area": pl.String,
}


@dataclass(frozen=True, eq=False)
class Window:
    """Every UTC hour of every track between its first and its last sighting, one row each.

    Rows are sorted by track and hour; all arrays have one entry a row but those said otherwise.

    Attributes:
        tracks: one row per track: mmsi, track, in the order of the numbers in `track`.
        areas: names by number.
        corners: longitude and latitude of the south-west corner of every place (places, 2), deg.
        start: the first hour; `hour` counts from it.
        track, hour, ship, place, stratum, area: whole numbers; a place is a cell of half a degree.
        is_heard, terrestrial, satellite: heard at all, by ground stations, by satellites.
        is_outside: last heard outside the region: no witness, no silence.
        begins: first row of its track.
        changes: the ship got under way, stopped, or was not heard on this track before.
        returns: heard again after a silence that is long enough to be a gap.
    """

    tracks: pl.DataFrame
    areas: tuple[str, ...]
    corners: Floats
    start: datetime
    track: Ints
    hour: Ints
    ship: Ints
    place: Ints
    stratum: Ints
    area: Ints
    is_heard: Bools
    terrestrial: Bools
    satellite: Bools
    is_outside: Bools
    begins: Bools
    changes: Bools
    returns: Bools

    @property
    def rows(self) -> int:
        """How many hours of ships there are."""
        return len(self.hour)

    @property
    def hours(self) -> int:
        """How many hours lie between the first and the last, both included."""
        return int(self.hour.max()) + 1 if self.rows else 0


def lay_out(
    ship_hours: pl.DataFrame, still_open: pl.DataFrame, end: datetime, rules: ReceptionRules
) -> Window:
    """Return the hours of ships as one table without holes.

    Between two sightings a ship lies on the straight line between them.

    Args:
        ship_hours: COLUMNS, the hours with a sighting; several rows of one track and hour are one.
        still_open: mmsi, track of the silences that last until `end`.
        end: end of the hours.
        rules: thresholds.
    """
    heard = _merge_segments(ship_hours.select(*COLUMNS).cast(COLUMNS))  # pyright: ignore[reportArgumentType]
    last_moment = end - timedelta(microseconds=1)
    until = last_moment.replace(minute=0, second=0, microsecond=0)
    tails = (
        heard.group_by(CHAIN, maintain_order=True)
        .last()
        .join(still_open.select(CHAIN).unique(), on=CHAIN, how="semi", maintain_order="left")
        .filter(pl.col("hour") < until)
        .with_columns(
            hour=pl.lit(until, pl.Datetime("us")),
            sog_kn=pl.lit(None, pl.Float32),
            terrestrial=pl.lit(value=False),
            satellite=pl.lit(value=False),
        )
    )
    known = pl.concat([heard, tails]).sort(*CHAIN, "hour")
    spans = known.group_by(CHAIN, maintain_order=True).agg(
        first=pl.col("hour").min(), last=pl.col("hour").max()
    )
    rows = (
        spans.select(*CHAIN, hour=pl.datetime_ranges("first", "last", "1h"))
        .explode("hour")
        .join(known, on=[*CHAIN, "hour"], how="left", maintain_order="left")
        # The first and last row of every track are known, so nothing reaches into the next one.
        .with_columns(
            pl.col("lon", "lat").interpolate(),
            pl.col("is_class_b", "is_outside", "area").forward_fill(),
            pl.col("terrestrial", "satellite").fill_null(value=False),
        )
    )
    return _number(rows, spans.select(CHAIN), rules)


def _merge_segments(heard: pl.DataFrame) -> pl.DataFrame:
    """Return one row per track and hour: where it was last, and all that heard it."""
    return (
        heard.sort(*CHAIN, "hour", "lon", "lat", "terrestrial")
        .group_by(*CHAIN, "hour", maintain_order=True)
        .agg(
            pl.col("lon", "lat", "sog_kn").last(),
            pl.col("is_class_b").max(),
            pl.col("terrestrial", "satellite").max(),
            pl.col("is_outside").min(),
            pl.col("area").last(),
        )
        .select(*COLUMNS)
    )


def _number(rows: pl.DataFrame, tracks: pl.DataFrame, rules: ReceptionRules) -> Window:
    start = rows["hour"].min() if rows.height else datetime(2000, 1, 1)
    assert isinstance(start, datetime)
    mmsi, own = rows["mmsi"].to_numpy(), rows["track"].to_numpy()
    begins = np.ones(rows.height, dtype=np.bool_)
    begins[1:] = (mmsi[1:] != mmsi[:-1]) | (own[1:] != own[:-1])
    lon, lat = rows["lon"].to_numpy(), rows["lat"].to_numpy()
    is_heard = (rows["terrestrial"] | rows["satellite"]).to_numpy()
    is_under_way = _find_under_way(rows, lon, lat, begins, rules)
    changes = begins.copy()
    changes[1:] |= is_under_way[1:] != is_under_way[:-1]
    cells = np.floor(lon / rules.cell_deg).astype(np.int64) * 10_000 + np.floor(
        lat / rules.cell_deg
    ).astype(np.int64)
    _, of_place, place = np.unique(cells, return_index=True, return_inverse=True)
    corner = np.stack([lon[of_place], lat[of_place]], axis=1) / rules.cell_deg
    areas = sorted(rows["area"].unique().to_list())
    is_class_b = rows["is_class_b"].fill_null(value=False).to_numpy()
    silent = _count_silent(is_heard, begins)
    return Window(
        tracks=tracks,
        areas=tuple(areas),
        corners=np.round(np.floor(corner) * rules.cell_deg, 6),
        start=start,
        track=np.cumsum(begins) - 1,
        hour=((rows["hour"] - start).dt.total_hours()).to_numpy().astype(np.int64),
        ship=np.unique(mmsi, return_inverse=True)[1].astype(np.int64),
        place=place.astype(np.int64),
        stratum=is_class_b.astype(np.int64) * 2 + is_under_way,
        area=np.searchsorted(np.array(areas, dtype=object), rows["area"].to_numpy()).astype(
            np.int64
        )
        if areas
        else np.zeros(0, np.int64),
        is_heard=is_heard,
        terrestrial=rows["terrestrial"].to_numpy(),
        satellite=rows["satellite"].to_numpy(),
        is_outside=rows["is_outside"].to_numpy(),
        begins=begins,
        changes=changes,
        returns=is_heard & (silent >= rules.return_after_h),
    )


def _find_under_way(
    rows: pl.DataFrame, lon: Floats, lat: Floats, begins: Bools, rules: ReceptionRules
) -> Bools:
    """Return whether a ship is under way: by its own word, else by how far it gets in an hour."""
    km = np.zeros(len(lon))
    km[:-1] = local_distance_km_array(lon[:-1], lat[:-1], lon[1:], lat[1:])
    km[:-1][begins[1:]] = 0
    said = rows["sog_kn"].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    speed_kn = np.where(np.isnan(said), km / KM_PER_NM, said)
    return speed_kn > rules.moving_from_kn


def _count_silent(is_heard: Bools, begins: Bools) -> Ints:
    """Return the hours before each row in which its track was not heard, in a row."""
    numbers = np.arange(len(is_heard))
    last = np.maximum.accumulate(np.where(is_heard | begins, numbers, 0))
    before = np.zeros(len(is_heard), np.int64)
    before[1:] = numbers[1:] - 1 - last[:-1]
    before[begins] = 0
    return before
