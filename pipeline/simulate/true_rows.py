"""Rows of the truth tables, from the lives of the vessels."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.simulate.known import find_crossing, find_stays
from pipeline.simulate.life import Played, Stage
from pipeline.simulate.model import Floats, Off, Timeline, Vessel
from pipeline.simulate.truth import TRUTH_TABLES

SHORTEST_CALL_S = 4 * 3600  # METHOD 5


class Truth:
    """Rows of the truth tables as they gather, vessel by vessel."""

    def __init__(self) -> None:
        self._rows: dict[str, list[pl.DataFrame]] = {name: [] for name in TRUTH_TABLES}
        self._calls = 0

    def add_shared(self, stage: Stage, vessels: list[Vessel]) -> None:
        """Add what is true of the whole world."""
        self._add("ships", _ships(vessels))
        self._add("identities", _identities(stage, vessels))
        self._add("outages", stage.radio.outage_rows(stage.world.start))
        self._add("closures", stage.calendar.closure_rows(stage.world.start))
        self._add("interference", _with_instants(stage, stage.interference, "from", "to"))

    def add_vessel(self, stage: Stage, played: Played) -> None:
        """Add what is true of one vessel."""
        calls = port_calls(stage, played).with_columns(
            call_id=pl.int_range(pl.len(), dtype=pl.Int32) + self._calls
        )
        self._calls += calls.height
        self._add("port_calls", calls)
        self._add("off_intervals", _off_intervals(stage, played, calls))
        self._add("ship_hours", _ship_hours(stage, played))

    def table(self, name: str) -> pl.DataFrame:
        """Return a whole table, in its schema's types, sorted by its key."""
        schema = TRUTH_TABLES[name]
        parts = [part.select(schema.column_names()) for part in self._rows[name]]
        whole = pl.concat(parts, how="vertical_relaxed") if parts else schema.create_empty()
        return schema.validate(whole, cast=True).sort(schema.primary_key())

    def _add(self, name: str, frame: pl.DataFrame) -> None:
        self._rows[name].append(frame)


def _with_instants(stage: Stage, frame: pl.DataFrame, *names: str) -> pl.DataFrame:
    """Add `<name>_at` in UTC for every `<name>_s` in seconds from the start of the world."""
    return frame.with_columns(
        (
            pl.lit(stage.world.start).dt.cast_time_unit("us")
            + pl.duration(microseconds=(pl.col(f"{name}_s") * 1e6).cast(pl.Int64))
        ).alias(f"{name}_at")
        for name in names
    )


def _ships(vessels: list[Vessel]) -> pl.DataFrame:
    owners: dict[int, set[int]] = {}
    for vessel in vessels:
        for identity in vessel.identities:
            owners.setdefault(identity.mmsi, set()).add(vessel.number)
    return pl.DataFrame(
        [
            {
                "vessel": vessel.number,
                "imo": vessel.imo,
                "fleet": vessel.fleet,
                "habit": vessel.habit,
                "ship_type": vessel.ship_type,
                "ais_class": vessel.ais_class,
                "length_m": vessel.length_m,
                "speed_kn": vessel.speed_kn,
                "antenna": vessel.antenna,
                "is_habitual": vessel.is_habitual,
                "shares_mmsi": any(len(owners[one.mmsi]) > 1 for one in vessel.identities),
            }
            for vessel in vessels
        ]
    )


def _identities(stage: Stage, vessels: list[Vessel]) -> pl.DataFrame:
    rows = [
        (vessel.number, one.from_s, until_s, one.mmsi, one.flag, one.name)
        for vessel in vessels
        for one, until_s in zip(
            vessel.identities,
            [*(after.from_s for after in vessel.identities[1:]), stage.world.span_s],
            strict=True,
        )
    ]
    frame = pl.DataFrame(
        rows, schema=["vessel", "from_s", "to_s", "mmsi", "flag", "name"], orient="row"
    )
    return _with_instants(stage, frame, "from", "to")


def port_calls(stage: Stage, played: Played) -> pl.DataFrame:
    """Return the visits of a vessel that overlap the world, with what the feed shows of them."""
    visits = played.timeline.visits
    arrival_s = np.array([visit.arrival_s for visit in visits], dtype=float)
    departure_s = np.array([visit.departure_s for visit in visits], dtype=float)
    at_s = np.sort(played.heard.at_s[~played.heard.is_copy])
    sightings = np.searchsorted(at_s, departure_s, "right") - np.searchsorted(at_s, arrival_s)
    stays = find_stays(played.timeline, played.heard, stage.waters)
    any_two, headline = find_crossing(
        arrival_s, departure_s, [visit.country for visit in visits], stays
    )
    own = [played.vessel.identity_at(max(0.0, one)) for one in arrival_s]
    frame = pl.DataFrame(
        {
            "visit": np.arange(len(visits)),
            "vessel": np.full(len(visits), played.vessel.number),
            "mmsi": [one.mmsi for one in own],
            "flag": [one.flag for one in own],
            "fleet": [played.vessel.fleet] * len(visits),
            "port": [visit.port for visit in visits],
            "port_group": [visit.port_group for visit in visits],
            "country": [visit.country for visit in visits],
            "kind": [visit.kind for visit in visits],
            "arrival_s": arrival_s,
            "departure_s": departure_s,
            "draught_before_m": [visit.draught_before_m for visit in visits],
            "draught_after_m": [visit.draught_after_m for visit in visits],
            "is_draught_sent": [visit.is_draught_sent for visit in visits],
            "sightings": sightings,
            "is_heard": sightings > 0,
            "off_s": overlap_s(arrival_s, departure_s, played.offs),
            "is_crossing": any_two,
            "is_headline": headline,
        },
        schema_overrides={"draught_before_m": pl.Float64, "draught_after_m": pl.Float64},
    )
    inside = (pl.col("departure_s") > 0) & (pl.col("arrival_s") < stage.world.span_s)
    stay_s = pl.col("departure_s") - pl.col("arrival_s")
    shown = _with_instants(stage, frame.filter(inside), "arrival", "departure")
    return shown.with_columns(
        is_dark=(stay_s >= SHORTEST_CALL_S) & (pl.col("off_s") >= stay_s - 1),
        is_ru_ir_crossing=pl.col("is_headline")
        & (pl.col("fleet") == "merchant")
        & pl.col("flag").is_in(["RUS", "IRN"]),
        off_h=pl.col("off_s") / 3600,
    )


def overlap_s(from_s: Floats, to_s: Floats, offs: tuple[Off, ...]) -> Floats:
    """Return the seconds of each span in which the set was off."""
    edges = np.array([edge for off in offs for edge in (off.from_s, off.to_s)], dtype=float)
    if not len(edges):
        return np.zeros(len(from_s))
    length = np.where(np.arange(len(edges) - 1) % 2 == 0, np.diff(edges), 0.0)
    off_until = np.concatenate([[0.0], np.cumsum(length)])
    return np.interp(to_s, edges, off_until) - np.interp(from_s, edges, off_until)


def _off_intervals(stage: Stage, played: Played, calls: pl.DataFrame) -> pl.DataFrame:
    ids = dict(zip(calls["visit"], calls["call_id"], strict=True))
    frame = pl.DataFrame(
        [
            {
                "vessel": played.vessel.number,
                "off_s": float(off.from_s),
                "on_s": float(off.to_s),
                "kind": off.kind,
                "call_id": None if off.visit is None else ids.get(off.visit),
                "plan": off.plan,
            }
            for off in played.offs
        ],
        schema={
            "vessel": pl.Int32,
            "off_s": pl.Float64,
            "on_s": pl.Float64,
            "kind": pl.String,
            "call_id": pl.Int32,
            "plan": pl.Int32,
        },
    )
    return _with_instants(stage, frame, "off", "on")


def _ship_hours(stage: Stage, played: Played) -> pl.DataFrame:
    hours = played.hours
    count = stage.world.span_s // 3600
    begin: Floats = 3600.0 * np.arange(count, dtype=np.float64)
    return pl.DataFrame(
        {
            "vessel": np.full(count, played.vessel.number, dtype=np.int16),
            "hour": np.arange(count, dtype=np.int32),
            "lon_deg": hours.lon_deg.astype(np.float32),
            "lat_deg": hours.lat_deg.astype(np.float32),
            "expected_terrestrial": hours.expected_terrestrial.astype(np.float32),
            "expected_satellite": hours.expected_satellite.astype(np.float32),
            "private": hours.private.astype(np.float32),
            "episode": hours.episode.astype(np.int32),
            "off_s": np.round(overlap_s(begin, begin + 3600, played.offs)).astype(np.int16),
            "inside_s": _inside_s(stage, played.timeline, begin),
        }
    )


def _inside_s(stage: Stage, timeline: Timeline, begin: Floats) -> NDArray[np.int16]:
    """Return seconds inside the region by hour, to ten minutes."""
    inside = np.full(len(begin), 3600, dtype=np.int16)
    for stop in timeline.stops:
        if stop.kind != "outside":
            continue
        # A voyage beyond the region begins and ends some hours inside it.
        hours = np.flatnonzero(
            (begin > stop.from_s - 5 * 86_400) & (begin < stop.to_s + 5 * 86_400)
        )
        at_s = (begin[hours, None] + np.arange(300, 3600, 600)).ravel()
        is_inside = stage.waters.is_inside_region(*timeline.locate(at_s))
        inside[hours] = is_inside.reshape(len(hours), 6).sum(axis=1) * 600
    return inside
