"""The hours of all ships in some months, laid out for estimating reception (METHOD 4)."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.geodesy import KM_PER_NM, local_distance_km_array
from pipeline.reception.ways import WAYS
from pipeline.rules import ReceptionRules

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

# What a stratum holds: class and whether under way, as far as it is known.
STRATA = ("A stopped", "A under way", "B stopped", "B under way", "beacon")
BEACON = STRATA.index("beacon")
CHAIN = ("mmsi", "track")
NO_TRACK, NO_AREA = -1, ""  # of beacons
NO_GROUP = "none"  # of hours that are not near a port
SEA, PORT = " off ports", " near ports"  # sets go off at other rates there
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
    "port_group": pl.String,
}
# Hours in which base stations and aids to navigation were heard.
BEACON_HOURS = {
    "mmsi": pl.Int32,
    "hour": pl.Datetime("us"),
    "lon": pl.Float64,
    "lat": pl.Float64,
    "terrestrial": pl.Boolean,
    "satellite": pl.Boolean,
}


@dataclass(frozen=True, eq=False)
class Window:
    """Every UTC hour of every track between its first and its last sighting, one row each.

    Beacons have rows like ships, after those of all ships: they send all the time. Rows are sorted
    by track and hour; all arrays have one entry a row but those said otherwise.

    Attributes:
        tracks: one row per track: mmsi, track, in the order of the numbers in `track`.
        areas: names by number: monthly areas, near a port and off it apart.
        corners: longitude and latitude of the south-west corner of every place (places, 2), deg.
        start: the first hour; `hour` counts from it.
        track, hour, ship, place, stratum, area: whole numbers; a place is a cell of half a degree.
        is_heard, terrestrial, satellite: heard at all, by ground stations, by satellites.
        is_outside: last heard outside the region, or left it: no witness, no silence.
        is_beacon: of a base station or an aid to navigation.
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
    is_beacon: Bools
    begins: Bools
    changes: Bools
    returns: Bools

    @property
    def rows(self) -> int:
        """How many hours of ships there are."""
        return len(self.hour)

    def extend(self, ship: Ints, hour: Ints, place: Ints, stratum: Ints) -> Window:
        """Return the window with more hours of ships behind its own: unheard, inside the region.

        With no weight they teach nothing, and `rates.estimate_rates` says what to expect in them.
        A place beyond the known ones has no corner.
        """
        own = {"ship": ship, "hour": hour, "place": place, "stratum": stratum}
        nothing = np.zeros(len(ship))
        longer = {
            one.name: np.concatenate(
                [values, own.get(one.name, nothing).astype(values.dtype)], dtype=values.dtype
            )
            for one in fields(self)
            if one.name != "corners" and isinstance(values := getattr(self, one.name), np.ndarray)
        }
        return replace(self, **longer)

    @property
    def month_areas(self) -> tuple[str, ...]:
        """The monthly area of each of `areas`."""
        return tuple(name.removesuffix(SEA).removesuffix(PORT) for name in self.areas)

    @property
    def hours(self) -> int:
        """How many hours lie between the first and the last, both included."""
        return int(self.hour.max()) + 1 if self.rows else 0


def lay_out(
    ship_hours: pl.DataFrame,
    still_open: pl.DataFrame,
    end: datetime,
    rules: ReceptionRules,
    ways: pl.DataFrame | None = None,
    beacon_hours: pl.DataFrame | None = None,
) -> Window:
    """Return the hours of ships as one table without holes.

    Between two sightings a ship lies where `ways` say, else on the straight line between them.

    Args:
        ship_hours: COLUMNS, the hours with a sighting; several rows of one track and hour are one.
        still_open: mmsi, track of the silences that last until `end`.
        end: end of the hours.
        rules: thresholds.
        ways: `ways.WAYS`, hours between two sightings; None: none.
        beacon_hours: BEACON_HOURS; several rows of one beacon and hour are one; None: no beacon.
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
        .join(
            pl.DataFrame(schema=WAYS) if ways is None else ways,
            on=[*CHAIN, "hour"],
            how="left",
            maintain_order="left",
        )
        .with_columns(
            lon=pl.coalesce("lon", "way_lon"),
            lat=pl.coalesce("lat", "way_lat"),
            is_beacon=pl.lit(value=False),
        )
        # The first and last row of every track are known, so nothing reaches into the next one.
        .with_columns(
            pl.col("lon", "lat").interpolate(),
            pl.col("is_class_b", "is_outside", "area", "port_group").forward_fill(),
            pl.col("terrestrial", "satellite").fill_null(value=False),
        )
        .with_columns(is_outside=pl.col("is_outside") | pl.col("is_beyond").fill_null(value=False))
    )
    tracks = spans.select(CHAIN)
    if beacon_hours is not None and rows.height:
        lit = _lay_out_beacons(beacon_hours.filter(pl.col("hour").is_between(*_ends(rows))))
        rows = pl.concat([rows.select(*COLUMNS, "is_beacon"), lit])
        tracks = pl.concat([tracks, lit.select(CHAIN).unique(maintain_order=True)])
    return _number(rows, tracks, rules)


def _ends(rows: pl.DataFrame) -> tuple[pl.Expr, pl.Expr]:
    return pl.lit(rows["hour"].min()), pl.lit(rows["hour"].max())


def _lay_out_beacons(heard: pl.DataFrame) -> pl.DataFrame:
    """Return every hour of every beacon between the first and the last in which it was heard."""
    known = (
        heard.drop_nulls(["lon", "lat"])
        .sort(*BEACON_HOURS)
        .group_by("mmsi", "hour", maintain_order=True)
        .agg(pl.col("lon", "lat").first(), pl.col("terrestrial", "satellite").max())
    )
    return (
        known.group_by("mmsi", maintain_order=True)
        .agg(hour=pl.datetime_range(pl.col("hour").min(), pl.col("hour").max(), "1h"))
        .explode("hour")
        .join(known, on=["mmsi", "hour"], how="left", maintain_order="left")
        .with_columns(
            pl.col("lon", "lat").forward_fill(),
            pl.col("terrestrial", "satellite").fill_null(value=False),
            track=pl.lit(NO_TRACK, pl.Int64),
            sog_kn=pl.lit(0.0, pl.Float32),
            is_class_b=pl.lit(value=False),
            is_outside=pl.lit(value=False),
            area=pl.lit(NO_AREA),
            port_group=pl.lit(NO_AREA),
            is_beacon=pl.lit(value=True),
        )
        .select(*COLUMNS, "is_beacon")
        .cast(COLUMNS)  # pyright: ignore[reportArgumentType]
    )


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
            pl.col("area", "port_group").last(),
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
    changes = begins | _find_changes(is_under_way, is_heard | begins)
    cells = name_cells(lon, lat, rules)
    _, of_place, place = np.unique(cells, return_index=True, return_inverse=True)
    corner = np.stack([lon[of_place], lat[of_place]], axis=1) / rules.cell_deg
    is_beacon = rows["is_beacon"].to_numpy()
    # A beacon switches nothing off: its area is of no account, and it makes none.
    group = rows.select(
        pl.concat_str(
            "area",
            pl.when(pl.col("port_group") == NO_GROUP).then(pl.lit(SEA)).otherwise(pl.lit(PORT)),
        )
    ).to_series()
    areas = sorted(group.filter(~rows["is_beacon"]).unique().to_list())
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
        stratum=np.where(is_beacon, BEACON, is_class_b.astype(np.int64) * 2 + is_under_way),
        area=np.searchsorted(np.array(areas, dtype=object), group.to_numpy()).astype(np.int64)
        if areas
        else np.zeros(0, np.int64),
        is_heard=is_heard,
        terrestrial=rows["terrestrial"].to_numpy(),
        satellite=rows["satellite"].to_numpy(),
        is_outside=rows["is_outside"].to_numpy(),
        is_beacon=is_beacon,
        begins=begins,
        changes=changes,
        returns=is_heard & (silent >= rules.return_after_h),
    )


def name_cells(lon: Floats, lat: Floats, rules: ReceptionRules) -> Ints:
    """Return a number for the cell that each point (degrees) lies in."""
    x, y = (np.floor(one / rules.cell_deg).astype(np.int64) for one in (lon, lat))
    return x * 10_000 + y


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


def _find_changes(is_under_way: Bools, is_known: Bools) -> Bools:
    """Return in which hours a ship is heard to have stopped or got under way since the last time.

    When it did so in a silence nobody knows: the hours of the silence are not told apart by it.
    """
    known = np.flatnonzero(is_known)
    changes = np.zeros(len(is_known), np.bool_)
    changes[known[1:]] = is_under_way[known[1:]] != is_under_way[known[:-1]]
    return changes


def _count_silent(is_heard: Bools, begins: Bools) -> Ints:
    """Return the hours before each row in which its track was not heard, in a row."""
    numbers = np.arange(len(is_heard))
    last = np.maximum.accumulate(np.where(is_heard | begins, numbers, 0))
    before = np.zeros(len(is_heard), np.int64)
    before[1:] = numbers[1:] - 1 - last[:-1]
    before[begins] = 0
    return before
