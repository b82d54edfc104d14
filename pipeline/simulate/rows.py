"""Receptions to rows of the canonical feed (DESIGN 3): compact frames, one vessel at a time.

Everything here is SIMULATED, and the feeds' folders say so: their names begin with `simulated_`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from pipeline.simulate.model import Heard, HeardStatics, Timeline, Vessel
from pipeline.simulate.sendable import (
    CALLSIGN_LETTERS,
    CLASS_A_POSITION,
    CLASS_A_STATIC,
    CLASS_B_POSITION,
    CLASS_B_STATIC,
    DESTINATION_LETTERS,
    LONG_RANGE,
    LONGEST_M,
    NAME_LETTERS,
    WIDEST_M,
    as_draught,
    as_sent,
    place_on_grid,
    round_courses,
    round_headings,
    round_speeds,
)

SATELLITE, SATELLITE_FEED = "simsat-", "simulated_satellite"
# Feed folder of each terrestrial station, in order of number or by name.
FeedOfStation = Sequence[str] | Mapping[str, str]

# The canonical columns in order, in the narrowest type that holds their values, and the feed:
# the folder the row's file goes to.
COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "mmsi": pl.Int32,
    "timestamp": pl.Datetime("us"),
    "longitude": pl.Float64,
    "latitude": pl.Float64,
    "sog": pl.Float32,
    "cog": pl.Float32,
    "heading": pl.Int16,
    "nav_status": pl.Int8,
    "ais_class": pl.Categorical,
    "message_type": pl.Int8,
    "receiver": pl.Categorical,
    "station": pl.Categorical,
    "received_at": pl.Datetime("us"),
    "imo": pl.Int32,
    "name": pl.String,
    "callsign": pl.String,
    "ship_type": pl.Int16,
    "length_m": pl.Float32,
    "beam_m": pl.Float32,
    "draught_m": pl.Float32,
    "destination": pl.String,
    "eta": pl.String,
    "feed": pl.Categorical,
}
CATEGORIES = tuple(name for name, dtype in COLUMNS.items() if dtype == pl.Categorical)


def position_rows(
    vessel: Vessel,
    heard: Heard,
    station_names: Sequence[str],
    feed_of_station: FeedOfStation,
    start: datetime,
) -> pl.DataFrame:
    """Return one row per reception of a position, in order of `heard`; no static columns.

    Values that are not available, or no finite numbers, are the sender's words for it (longitude
    181, latitude 91, sog 102.3, cog 360, heading 511). Class B sends no navigational status, type
    27 no heading: null.

    Args:
        vessel: who sends.
        heard: receptions; message type 27 stays, any other is the class's own (1 or 18).
        station_names, feed_of_station: names and feed folders of the terrestrial stations.
        start: first instant of the world, UTC without a zone.
    """
    is_class_a = vessel.ais_class == "A"
    own_type = CLASS_A_POSITION if is_class_a else CLASS_B_POSITION
    is_long = np.asarray(heard.message_type) == LONG_RANGE
    has_status = is_long | is_class_a
    longitude, latitude = place_on_grid(heard.lon_deg, heard.lat_deg, is_long)
    return pl.DataFrame(
        {
            "mmsi": _mmsi_at(vessel, heard.at_s),
            **_times(heard.at_s, heard.delay_s, start),
            "longitude": longitude,
            "latitude": latitude,
            "sog": round_speeds(heard.sog_kn, is_long),
            "cog": round_courses(heard.cog_deg, is_long),
            "heading": _nulled(round_headings(heard.heading_deg), is_long, pl.Int16),
            "nav_status": _nulled(heard.nav_status, ~has_status, pl.Int8),
            "message_type": np.where(is_long, LONG_RANGE, own_type).astype(np.int8),
            **_who_heard(heard.kind, heard.station, station_names, feed_of_station),
        }
    ).with_columns(ais_class=_constant(vessel.ais_class))


def static_rows(
    vessel: Vessel,
    statics: HeardStatics,
    timeline: Timeline,
    station_names: Sequence[str],
    feed_of_station: FeedOfStation,
    start: datetime,
) -> pl.DataFrame:
    """Return one row per reception of a static report (type 5, class B 24), its place null.

    Draught and destination are as the crew last typed them; class B sends neither, nor an IMO
    number. Lengths in whole metres, draught in 0.1 m, null where the set sends none.
    """
    is_class_a = vessel.ais_class == "A"
    identity = _identity_at(vessel, statics.at_s)
    names = pl.Series([one.name for one in vessel.identities], dtype=pl.String)
    callsigns = pl.Series([one.callsign for one in vessel.identities], dtype=pl.String)
    # A class B set, and a crew that never typed anything, send an empty voyage.
    voyages = timeline.voyage_sent if is_class_a and timeline.voyage_sent else ((0.0, "", 0.0),)
    voyage = _latest([from_s for from_s, _, _ in voyages], statics.at_s)
    destinations = pl.Series([destination for _, destination, _ in voyages], dtype=pl.String)
    draughts = pl.Series([draught_m for _, _, draught_m in voyages], dtype=pl.Float32)
    rows = pl.DataFrame(
        {
            "mmsi": _mmsi_at(vessel, statics.at_s),
            **_times(statics.at_s, statics.delay_s, start),
            "name": names.gather(identity),
            "callsign": callsigns.gather(identity),
            "draught_m": draughts.gather(voyage),
            "destination": destinations.gather(voyage),
            **_who_heard(statics.kind, statics.station, station_names, feed_of_station),
        }
    )
    imo = vessel.imo if is_class_a else None
    return rows.with_columns(
        as_sent("name", NAME_LETTERS),
        as_sent("callsign", CALLSIGN_LETTERS),
        as_sent("destination", DESTINATION_LETTERS),
        as_draught(),
        ais_class=_constant(vessel.ais_class),
        message_type=pl.lit(CLASS_A_STATIC if is_class_a else CLASS_B_STATIC, pl.Int8),
        longitude=pl.lit(None, pl.Float64),
        latitude=pl.lit(None, pl.Float64),
        imo=pl.lit(imo, pl.Int32),
        ship_type=pl.lit(vessel.ship_type, pl.Int16),
        length_m=pl.lit(round(min(vessel.length_m, LONGEST_M)), pl.Float32),
        beam_m=pl.lit(round(min(vessel.beam_m, WIDEST_M)), pl.Float32),
    )


def beacon_rows(
    beacons: pl.DataFrame,
    station_names: Sequence[str],
    feed_of_station: FeedOfStation,
    start: datetime,
) -> pl.DataFrame:
    """Return one row per reception of a base station or an aid to navigation.

    Args:
        beacons: mmsi, at_s, lon_deg, lat_deg, message_type (4 or 21), kind (0 terrestrial, 1
            satellite), station (number among its kind), delay_s.
        station_names, feed_of_station: names and feed folders of the terrestrial stations.
        start: first instant of the world, UTC without a zone.
    """
    columns = {name: beacons[name].to_numpy() for name in beacons.columns}
    never_long = np.zeros(beacons.height, dtype=np.bool_)
    longitude, latitude = place_on_grid(columns["lon_deg"], columns["lat_deg"], never_long)
    return pl.DataFrame(
        {
            "mmsi": columns["mmsi"].astype(np.int32),
            **_times(columns["at_s"], columns["delay_s"], start),
            "longitude": longitude,
            "latitude": latitude,
            "message_type": columns["message_type"].astype(np.int8),
            **_who_heard(columns["kind"], columns["station"], station_names, feed_of_station),
        }
    )


def _latest(from_s: Sequence[float], at_s: ArrayLike) -> NDArray[np.intp]:
    """Return the number of the latest entry at each instant; the first one before all of them."""
    return np.maximum(np.searchsorted(np.asarray(from_s, float), at_s, side="right") - 1, 0)


def _identity_at(vessel: Vessel, at_s: ArrayLike) -> NDArray[np.intp]:
    return _latest([one.from_s for one in vessel.identities], at_s)


def _mmsi_at(vessel: Vessel, at_s: ArrayLike) -> NDArray[np.int32]:
    numbers = np.array([one.mmsi for one in vessel.identities], dtype=np.int32)
    return numbers[_identity_at(vessel, at_s)]


def _times(at_s: ArrayLike, delay_s: ArrayLike, start: datetime) -> dict[str, pl.Series]:
    """Return timestamp and received_at, on whole seconds as providers give them."""
    sent = np.datetime64(start, "us") + np.asarray(at_s, np.int64) * np.timedelta64(1, "s")
    delay = np.rint(np.asarray(delay_s, float)).astype(np.int64) * np.timedelta64(1, "s")
    return {"timestamp": pl.Series(sent), "received_at": pl.Series(sent + delay)}


def _who_heard(
    kind: ArrayLike,
    station: ArrayLike,
    station_names: Sequence[str],
    feed_of_station: FeedOfStation,
) -> dict[str, pl.Series]:
    """Return receiver, station and feed; stations and satellites are numbered apart."""
    is_satellite, number = np.asarray(kind) == 1, np.asarray(station, np.int64)
    satellites = int(number.max(where=is_satellite, initial=-1)) + 1
    if isinstance(feed_of_station, Mapping):
        feed_of_station = [feed_of_station[name] for name in station_names]
    names = [*station_names, *(f"{SATELLITE}{one + 1}" for one in range(satellites))]
    feeds = [*feed_of_station, *([SATELLITE_FEED] * satellites)]
    number = number + np.where(is_satellite, len(station_names), 0)
    return {
        "receiver": _categories(("terrestrial", "satellite"), is_satellite.astype(np.int64)),
        "station": _categories(names, number),
        "feed": _categories(feeds, number),
    }


def _categories(words: Sequence[str], number: NDArray[np.int64]) -> pl.Series:
    return pl.Series(words, dtype=pl.Categorical).gather(number)


def _constant(word: str) -> pl.Expr:
    return pl.lit(word).cast(pl.Categorical)


def _nulled(values: ArrayLike, is_null: NDArray[np.bool_], dtype: type[pl.DataType]) -> pl.Series:
    """Return the values, null where told."""
    return pl.Series(np.asarray(values), dtype=dtype).set(pl.Series(is_null), None)
