"""What is true of a simulated world: the tables written beside its feed, in `truth/`.

Every table is SIMULATED. Instants are UTC without a zone, as in the published tables. Evaluation
reads these and nothing else of the simulator.
"""

from __future__ import annotations

from typing import Any

import dataframely as dy

OFF_KINDS = ("dark_call", "whole_voyage", "sts", "at_sea", "in_port", "failure", "lay_up")


def _text(what: str, **more: Any) -> dy.String:
    return dy.String(description=what, **{"nullable": False, **more})


def _number(what: str, unit: str = "", **more: Any) -> dy.Float64:
    return dy.Float64(description=what, metadata={"unit": unit}, **{"nullable": False, **more})


def _small(what: str, unit: str = "", **more: Any) -> dy.Float32:
    return dy.Float32(description=what, metadata={"unit": unit}, **{"nullable": False, **more})


def _whole(what: str, unit: str = "", **more: Any) -> dy.Int32:
    return dy.Int32(description=what, metadata={"unit": unit}, **{"nullable": False, **more})


def _instant(what: str, **more: Any) -> dy.Datetime:
    return dy.Datetime(description=what, metadata={"unit": "UTC"}, **{"nullable": False, **more})


def _yes(what: str, **more: Any) -> dy.Bool:
    return dy.Bool(description=what, **{"nullable": False, **more})


class TrueShips(dy.Schema):
    """One row per simulated vessel."""

    vessel = _whole("number of the vessel", primary_key=True)
    imo = _whole("IMO number; null where it has none", nullable=True)
    fleet = _text("what it truly is")
    habit = _text("trade it follows")
    ship_type = _whole("ship type sent, ITU-R M.1371 code")
    ais_class = _text("A or B")
    length_m = _number("length over all", "m")
    speed_kn = _number("usual speed in open water", "kn")
    antenna = _number("factor on every expected reception")
    is_habitual = _yes("switches off much more often than others")
    shares_mmsi = _yes("another vessel sends the same MMSI at some time")


class Identities(dy.Schema):
    """One row per vessel and what it calls itself: MMSI and flag, from when to when."""

    vessel = _whole("number of the vessel", primary_key=True)
    from_at = _instant("from when", primary_key=True)
    to_at = _instant("until when; the end of the world for the last")
    mmsi = _whole("MMSI sent")
    flag = _text("flag, ISO 3166 alpha-3")
    name = _text("name sent")


class OffIntervals(dy.Schema):
    """One row per time in which a set sent nothing."""

    vessel = _whole("number of the vessel", primary_key=True)
    off_at = _instant("set off", primary_key=True)
    on_at = _instant("set on again; beyond the end of the world where it stays off")
    kind = _text(f"why: {', '.join(OFF_KINDS)}")
    call_id = _whole("port call the switch-off was made for", nullable=True)
    plan = _whole("number of the plan: re-appearances split one plan into several rows")


class PortCalls(dy.Schema):
    """One row per stay of a vessel in a port, at rest from arrival to departure."""

    call_id = _whole("number of the call in this world", primary_key=True)
    vessel = _whole("number of the vessel")
    mmsi = _whole("MMSI at arrival")
    flag = _text("flag at arrival")
    fleet = _text("what the vessel truly is")
    port = _text("port area of geo/ports.geojson")
    port_group = _text("its port group")
    country = _text("its country, ISO 3166 alpha-3")
    kind = _text("cargo, ferry, base, lay_up or repair")
    arrival_at = _instant("at rest in the port from")
    departure_at = _instant("at rest in the port until")
    draught_before_m = _number("true draught on arrival", "m")
    draught_after_m = _number("true draught on departure", "m")
    is_draught_sent = _yes("the crew typed the new draught in")
    sightings = _whole("positions of the stay that are in the feed")
    is_heard = _yes("at least one position of the stay is in the feed")
    is_dark = _yes("set off for the whole stay, which lasted at least 4 h (METHOD 6)")
    is_crossing = _yes(
        "the last known port before or the first known after, each within 30 days, lies in another"
        " country (METHOD 7; known = two positions of the feed within 4 km of it at 0.5 kn or less)"
    )
    is_ru_ir_crossing = _yes("in the headline scope of METHOD 7 (dark or not)")
    off_h = _number("hours of the stay with the set off", "h")


class ShipHours(dy.Schema):
    """One row per vessel and UTC hour: where it was, and whether a sending set was to be heard."""

    vessel = dy.Int16(description="number of the vessel", primary_key=True, nullable=False)
    hour = dy.Int32(
        description="hours since the start of the world", primary_key=True, nullable=False
    )
    lon_deg = _small("longitude in the middle of the hour", "deg")
    lat_deg = _small("latitude in the middle of the hour", "deg")
    expected_terrestrial = _small("receptions expected of a set that sends all through the hour")
    expected_satellite = _small("the same, by satellite")
    private = _small(
        "factor on both that no witness can know (berth, heading): Gamma, mean 1, shape"
        " `private_shape` of the parameters, one draw an episode;"
        " chance heard = 1 - exp(-private x (terrestrial + satellite))"
    )
    episode = _whole("number of the stay or leg the hour begins in")
    off_s = dy.Int16(description="seconds of the hour with the set off", nullable=False)
    inside_s = dy.Int16(description="seconds of the hour inside the region", nullable=False)


class Outages(dy.Schema):
    """One row per time in which a receiver, a receiver kind or a whole feed heard nothing."""

    kind = _text("station, satellites or feed", primary_key=True)
    place = _text("station, satellite or feed", primary_key=True)
    from_at = _instant("from when", primary_key=True)
    to_at = _instant("until when")


class TrueClosures(dy.Schema):
    """One row per time in which a waterway was shut or went by convoy."""

    kind = _text("season, ice or grounding", primary_key=True)
    waterway = _text("line of geo/lines.geojson", primary_key=True)
    from_at = _instant("from when", primary_key=True)
    to_at = _instant("until when")


class Interference(dy.Schema):
    """One row per time and place of GNSS interference."""

    from_at = _instant("from when", primary_key=True)
    to_at = _instant("until when")
    lon_deg = _number("middle of the disturbed circle", "deg")
    lat_deg = _number("middle of the disturbed circle", "deg")
    radius_km = _number("its radius", "km")
    shown_lon_deg = _number("where disturbed sets believe to be", "deg")
    shown_lat_deg = _number("where disturbed sets believe to be", "deg")


TRUTH_TABLES: dict[str, type[dy.Schema]] = {
    "ships": TrueShips,
    "identities": Identities,
    "off_intervals": OffIntervals,
    "port_calls": PortCalls,
    "ship_hours": ShipHours,
    "outages": Outages,
    "closures": TrueClosures,
    "interference": Interference,
}
# Beside them `world.json`: {"is_simulated": true, "name", "seed", "start", "end" (UTC, ISO),
# "rated_from" (first day of the last twelve months), "settings" (all of them, as used),
# "settings_hash", "private_shape", "clipped": bool, "format"}.
