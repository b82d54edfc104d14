"""Every table: its fields with type, unit and meaning, and its grain.

Said once here; the data dictionary, the comments in the DuckDB database, the checks on columns
and the builders of the tests derive from these classes. Instants are UTC without a zone, in
microseconds (DESIGN 3): a zoned timestamp would let the reader's time zone move a gap into
another month. The docstring of a table says what one row is.
"""

from __future__ import annotations

from typing import Any

import dataframely as dy
import polars as pl

from pipeline.errors import SchemaError

MAX_MMSI = 999_999_999

# What a report may tell of the ship itself and of its voyage.
STATIC_FIELDS = (
    "imo",
    "name",
    "callsign",
    "ship_type",
    "length_m",
    "beam_m",
    "draught_m",
    "destination",
    "eta",
)

RECEIVERS = ("terrestrial", "satellite", "both", "unknown")
FLEETS = ("merchant", "ferry", "service", "naval", "fishing", "class_b", "in_tow", "unknown")
CAUSES = (
    "left_region",
    "identity",
    "in_port",
    "laid_up",
    "gnss",
    "outage",
    "unobservable",
    "coverage",
    "unexplained",
    "probable_off",
)
STATUSES = ("provisional", "final")
PASSAGES = ("lit", "dark", "unheard")
DIRECTIONS = ("volga_to_don", "don_to_volga")
TRENDS = ("Upward", "Downward", "No change", "Undetermined", "Not assessable")
ARROWS = ("up", "right", "down", "undetermined", "not assessable")
GRADES = ("A", "B", "C", "D", "X")
VERDICTS = ("agree", "disagree", "undecided")
# What is found about an hour of a receiver, and why an hour of an area counts as an outage.
HEALTH_WORDS = ("silent", "few", "not_judged")
OUTAGE_WORDS = ("receivers_out", "ships_lost")

# Why a row is refused. A feed names the first nine, clean the next, the merge the last two.
REASONS: dict[str, str] = {
    "not_ais": "a line of an NMEA log that is no AIS sentence (comment, blank, another talker)",
    "other_message": "an AIS message without a position or static data",
    "bad_checksum": "the checksum of the sentence or of its tag block is wrong or missing",
    "undecodable": "the sentence passes its checksum but its payload cannot be decoded",
    "incomplete_group": "a part of a multi-part message whose other parts never came",
    "malformed_row": "the row has too few or too many fields, or is no valid record",
    "no_time": "the row carries no time, and none is invented",
    "bad_time": "the row's time cannot be read, or is older than AIS itself",
    "no_mmsi": "the row carries no MMSI",
    "no_content": "the row has neither a position nor static data",
    "not_a_ship": "the id is no ship's (00x, 111x, 8xx, 97x, 98x, 99x, not nine digits)",
    "position_not_available": "latitude 91 or longitude 181, the sender's word for 'no position'",
    "position_out_of_range": "latitude beyond 90 or longitude beyond 180 degrees, or no number",
    "unconfirmed": "a lone ping more than 4 h from its neighbours and out of reach of one of them",
    "jump": "a one-sighting track with sightings of the same MMSI before and after it",
}

# Half of the last digit in which probabilities are published: what lies beyond is not told apart.
LEAST_TOLD_P = 5e-7


def _text(what: str, **more: Any) -> dy.String:
    return dy.String(description=what, **{"nullable": True, **more})


def _key(what: str, **more: Any) -> dy.String:
    return dy.String(description=what, primary_key=True, **more)


def _one_of(what: str, words: tuple[str, ...], **more: Any) -> dy.String:
    def is_known(column: pl.Expr) -> pl.Expr:
        return column.is_in(list(words))

    return dy.String(
        description=f"{what} ({', '.join(words)})",
        check=is_known,
        **{"nullable": True, **more},
    )


def _whole(what: str, unit: str = "", **more: Any) -> dy.Int64:
    return dy.Int64(description=what, metadata={"unit": unit}, **{"nullable": True, **more})


def _small(what: str, unit: str = "", **more: Any) -> dy.Int16:
    return dy.Int16(description=what, metadata={"unit": unit}, **{"nullable": True, **more})


def _number(what: str, unit: str = "", **more: Any) -> dy.Float64:
    return dy.Float64(description=what, metadata={"unit": unit}, **{"nullable": True, **more})


def _few(what: str, unit: str = "", **more: Any) -> dy.Float32:
    return dy.Float32(description=what, metadata={"unit": unit}, **{"nullable": True, **more})


def _probability(what: str) -> dy.Float64:
    return dy.Float64(description=what, nullable=True, min=0, max=1)


def _inner_probability(what: str) -> dy.Float64:
    return dy.Float64(description=f"{what}; never 0 or 1", min_exclusive=0, max_exclusive=1)


def _instant(what: str, **more: Any) -> dy.Datetime:
    return dy.Datetime(description=what, metadata={"unit": "UTC"}, **{"nullable": True, **more})


def _yes(what: str, **more: Any) -> dy.Bool:
    return dy.Bool(description=what, **{"nullable": True, **more})


def _mmsi(**more: Any) -> dy.Int32:
    return dy.Int32(description="MMSI, nine digits", **{"nullable": False, **more})


def _month(**more: Any) -> dy.Date:
    return dy.Date(description="month of UTC, as its first day", **{"nullable": False, **more})


# --------------------------------------------------------------------- from feeds to clean


class Reports(dy.Schema):
    """One row per report (message or provider row) as a feed tells it: the canonical feed.

    Values are in canonical units and may still be the sender's "not available" (latitude 91,
    SOG 102.3); `clean` turns those into nulls or refusals. `reason` is filled where the feed
    itself refuses the row. Internal: never published.
    """

    row = _whole("number of the report's first row in the raw file, from 1", nullable=False)
    rows = _whole("raw rows the report stands on (parts of a multi-part message)", nullable=False)
    mmsi = _whole("MMSI as sent; may still be no ship's")
    timestamp = _instant("instant of the report")
    longitude = _number("longitude east", "deg")
    latitude = _number("latitude north", "deg")
    sog = _number("speed over ground", "kn")
    cog = _number("course over ground", "deg")
    heading = _number("true heading", "deg")
    nav_status = _small("navigational status, ITU-R M.1371 code")
    ais_class = _text("AIS class: A or B")
    message_type = _small("AIS message type")
    receiver = _text("kind of receiver: terrestrial or satellite")
    station = _text("receiving station, as the feed names it")
    received_at = _instant("instant at which the feed received the report")
    imo = _whole("IMO number as sent")
    name = _text("ship name as sent")
    callsign = _text("call sign as sent")
    ship_type = _small("ship type, ITU-R M.1371 code")
    length_m = _number("length over all", "m")
    beam_m = _number("beam", "m")
    draught_m = _number("draught", "m")
    destination = _text("destination as typed in by the crew")
    eta = _text("estimated time of arrival as sent")
    is_beacon = _yes("base station or aid to navigation (types 4, 21): no ship", nullable=False)
    reason = _text("why the feed refuses the row; null where it does not")


# --------------------------------------------------------------------------- what ingest keeps


class Positions(dy.Schema):
    """One row per sighting: an accepted position, duplicates merged (METHOD 1, 2)."""

    mmsi = _mmsi(primary_key=True)
    segment = _whole("segment of its day, see tracks", nullable=False)
    seen_at = _instant(
        "instant of the sighting, on whole seconds", primary_key=True, nullable=False
    )
    lon = dy.Float64(
        description="longitude east, to a micro-degree",
        primary_key=True,
        metadata={"unit": "deg"},
        min=-180,
        max=180,
    )
    lat = dy.Float64(
        description="latitude north, to a micro-degree",
        primary_key=True,
        metadata={"unit": "deg"},
        min=-90,
        max=90,
    )
    sog_kn = dy.Float32(description="speed over ground", nullable=True, metadata={"unit": "kn"})
    cog_deg = dy.Float32(description="course over ground", nullable=True, metadata={"unit": "deg"})
    heading_deg = dy.Float32(description="true heading", nullable=True, metadata={"unit": "deg"})
    nav_status = _small("navigational status, ITU-R M.1371 code")
    ais_class = _text("AIS class: A or B; null where the feed does not say")
    message_type = _small("AIS message type; null where the feed does not say")
    receiver = _one_of("kind of receiver that heard it", RECEIVERS, nullable=False)
    heard_by = _text(
        "everybody who heard it, sorted: feed|receiver|station, separated by ';'", nullable=False
    )
    is_outside = _yes(
        "outside the region: ends and begins silences, gives no hours", nullable=False
    )


class Tracks(dy.Schema):
    """One row per segment: which track of its MMSI it belongs to."""

    mmsi = _mmsi(primary_key=True)
    segment = _whole(
        "day since 1970-01-01 times a million plus the segment's number in that day",
        primary_key=True,
        nullable=False,
    )
    track = _whole("segment in which the track begins", nullable=False)


class Statics(dy.Schema):
    """One row per change of a ship's static data, and per UTC day it was repeated on."""

    mmsi = _mmsi()
    first_at = _instant("first report of the day with these values", nullable=False)
    last_at = _instant("last report of the day with these values", nullable=False)
    reports = _whole("reports of the day with these values, duplicates merged", nullable=False)
    ais_class = _text("AIS class of the sender")
    imo = _whole("IMO number as sent, right check digit or not")
    name = _text("ship name as sent")
    callsign = _text("call sign as sent")
    ship_type = _small("ship type, ITU-R M.1371 code")
    length_m = _number("length over all", "m")
    beam_m = _number("beam", "m")
    draught_m = _number("draught as typed in", "m")
    destination = _text("destination as typed in")
    eta = _text("estimated time of arrival as sent")


class Beacons(dy.Schema):
    """One row per base station or aid to navigation x UTC hour x feed x receiver kind x station."""

    mmsi = _mmsi(primary_key=True)
    hour = _instant("start of the UTC hour", primary_key=True, nullable=False)
    feed = _key("feed that heard it")
    receiver = dy.String(description="kind of receiver", primary_key=True)
    station = dy.String(description="receiving station, empty where unnamed", primary_key=True)
    lon = _number("longitude of the first report of the hour", "deg")
    lat = _number("latitude of the first report of the hour", "deg")
    messages = _whole("reports in the hour, before duplicates are dropped", nullable=False)


class FeedHealth(dy.Schema):
    """One row per feed x receiver kind x station x UTC hour from the first one heard: was it alive?

    Hours in which nothing was heard have a row too. A unit silent for more than 28 days is gone:
    no rows until it is heard again.
    """

    feed = _key("feed that heard it")
    receiver = dy.String(description="kind of receiver", primary_key=True)
    station = dy.String(description="receiving station, empty where unnamed", primary_key=True)
    hour = _instant("start of the UTC hour", primary_key=True, nullable=False)
    messages = _whole("positions heard, before duplicates are dropped", nullable=False)
    ships = _whole("distinct MMSIs among them", nullable=False)
    beacons = _whole("distinct base stations and aids to navigation heard", nullable=False)
    delay_s = _whole("lower median of receipt minus sending; null where the feed is silent", "s")
    expected = _whole(
        "ships and beacons usually heard in this hour of the day, by the trailing 28 days; null:"
        " not judged"
    )
    is_outage = _yes("heard much less than usual, and not by chance", nullable=False)
    why = _one_of("what was found", HEALTH_WORDS)


class OutageHours(dy.Schema):
    """One row per monthly area x UTC hour x reason in which nobody could have been heard there."""

    area = _key("monthly area")
    hour = _instant("start of the UTC hour", primary_key=True, nullable=False)
    why = _one_of("how it was found", OUTAGE_WORDS, primary_key=True, nullable=False)
    units = _whole("receivers that usually hear the area in this hour, all of them out")
    ships = _whole("ships lost at once")


class GnssHours(dy.Schema):
    """One row per UTC hour x cell in which many ships' positions jumped, from there or to there."""

    hour = _instant("start of the UTC hour", primary_key=True, nullable=False)
    cell_lon_deg = _number(
        "longitude of the cell's south-west corner", "deg", primary_key=True, nullable=False
    )
    cell_lat_deg = _number(
        "latitude of the cell's south-west corner", "deg", primary_key=True, nullable=False
    )
    ships = _whole("ships that jumped in it or in the cells around it", nullable=False)
    flags = _whole("their flags, by MMSI", nullable=False)


class Rejected(dy.Schema):
    """One row per refused report (a multi-part message counts its rows in `rows`)."""

    feed = _key("feed folder under data/raw")
    file = _key("raw file, relative to data/raw")
    row = _whole("number of its first row in the file, from 1", primary_key=True, nullable=False)
    rows = _whole("raw rows refused with it", nullable=False)
    reason = _one_of("why it was refused", tuple(REASONS), nullable=False)
    text = _text(
        "the row as it stood in the file; of rows the merge refuses, their canonical fields"
    )


class Files(dy.Schema):
    """One row per raw file; read = accepted + duplicate + outside + rejected."""

    feed = _key("feed folder under data/raw")
    file = _key("raw file, relative to data/raw")
    bytes = _whole("size of the file", "bytes", nullable=False)
    sha256 = _text("hash of the file's bytes")
    format = _text("feed format found in it; null where none was")
    error = _text("why the whole file was refused; null where it was read")
    read = _whole("rows read", nullable=False)
    accepted = _whole("rows that became a sighting, static report or beacon", nullable=False)
    duplicate = _whole("rows that repeat an accepted one", nullable=False)
    outside = _whole(
        "positions outside the region between the first and last of a run", nullable=False
    )
    rejected = _whole("rows refused", nullable=False)
    rejected_by_reason = _text("JSON object: reason -> rows")
    first_at = _instant("earliest instant of an accepted row")
    last_at = _instant("latest instant of an accepted row")


class Rules(dy.Schema):
    """One row per threshold of this run."""

    name = _key("name of the threshold")
    value = _text("its value in this run", nullable=False)
    unit = _text("its unit", nullable=False)
    source = _text("where the value comes from", nullable=False)
    is_overridden = _yes("changed by the user's rules file", nullable=False)


class Ships(dy.Schema):
    """One row per MMSI and span of time in which its identity, flag and fleet are the same."""

    mmsi = _mmsi(primary_key=True)
    ship_id = _text(
        "imo:NNNNNNN where the IMO number is trusted (METHOD 2), else mmsi:NNNNNNNNN",
        nullable=False,
    )
    imo = _whole("trusted IMO number")
    name = _text("last name sent")
    callsign = _text("last call sign sent")
    flag = _text(
        "registry override, else country of the MMSI's MID; ISO 3166 alpha-3; null unknown"
    )
    fleet = _one_of("fleet (METHOD 2)", FLEETS, nullable=False)
    ship_type = _small("ship type sent most often")
    ais_class = _text("AIS class sent most often")
    length_m = _number("length over all sent most often", "m")
    beam_m = _number("beam sent most often", "m")


# --------------------------------------------------------------------------- gaps and calls


def _end(side: str) -> dict[str, dy.Column]:
    when = "last sighting before" if side == "off" else "first sighting after"
    return {
        f"{side}_sog_kn": _number(f"speed over ground at the {when} the gap", "kn"),
        f"{side}_cog_deg": _number(f"course over ground at the {when} the gap", "deg"),
        f"{side}_nav_status": _small(f"navigational status at the {when} the gap"),
        f"{side}_receiver": _one_of(f"receiver kind of the {when} the gap", RECEIVERS),
        f"{side}_area": _text(f"monthly area of the {when} the gap"),
        f"{side}_port_group": _text(f"port group near the {when} the gap (METHOD 1); 'none'"),
    }


class Gaps(dy.Schema):
    """One row per silence of at least 4 h between two sightings of a track, open ones included."""

    gap_id = _key("hash of MMSI, off time and off position; never changes (METHOD 1)")
    ship_id = _text("ship, see ships", nullable=False)
    mmsi = _mmsi()
    imo = _whole("trusted IMO number")
    track = _whole("track of the MMSI, see tracks", nullable=False)
    name = _text("ship name; typed in by strangers")
    flag = _text("flag at the off point, ISO 3166 alpha-3; null unknown")
    fleet = _one_of("fleet (METHOD 2)", FLEETS, nullable=False)
    ship_type = _small("ship type, ITU-R M.1371 code")
    off_at = _instant("last sighting before the silence", nullable=False)
    on_at = _instant("first sighting after it; null while open")
    off_lon = _number("longitude of the off point", "deg", nullable=False)
    off_lat = _number("latitude of the off point", "deg", nullable=False)
    on_lon = _number("longitude of the on point", "deg")
    on_lat = _number("latitude of the on point", "deg")
    off_sog_kn, off_cog_deg, off_nav_status, off_receiver, off_area, off_port_group = _end(
        "off"
    ).values()
    on_sog_kn, on_cog_deg, on_nav_status, on_receiver, on_area, on_port_group = _end("on").values()
    on_is_outside = _yes("the on point lies outside the region")
    on_mmsi = dy.Int32(
        description="MMSI of the on point, where it differs (cause identity)", nullable=True
    )
    duration_s = _whole("length of the silence; null while open", "s")
    duration_h = _number("length of the silence; null while open", "h")
    distance_km = _number("geodesic distance from off to on point", "km")
    implied_speed_kn = _number("distance over duration", "kn")
    positions_12h_before = _whole(
        "sightings in the UTC hour of the off time and the 11 before it", nullable=False
    )
    positions_12h_before_terrestrial = _whole("of these, heard by a ground station", nullable=False)
    positions_12h_before_satellite = _whole("of these, heard by a satellite", nullable=False)
    is_closed = _yes("ended by a sighting", nullable=False)
    status = _one_of("provisional until 45 days after the month's end", STATUSES, nullable=False)
    month = _month()
    data_end = _instant("end of the data this row was judged with", nullable=False)
    cause = _one_of("why the ship was not heard (METHOD 4); null: not judged yet", CAUSES)
    p_off = _probability("probability that the set was off")
    p_off_low = _probability("lower end of its 90 % interval")
    p_off_high = _probability("upper end of its 90 % interval")
    p_off_direct = _probability(
        "the same, had it gone straight from off to on; p_off takes in where it may have called"
    )
    witnesses = _whole("other emitters heard in the live hours")
    live_h = _number("hours in which somebody could be heard where the ship could be", "h")
    expected_receptions = _number("receptions expected in the live hours if the set was on")
    weakly_identified = _yes("learned quantities rest on thin data (METHOD 4)")
    own_factor = _number(
        "receptions of this ship over those of a middling one there, as heard until the off point"
    )
    log_odds_before = _number(
        "part of the log-odds of p_off_direct: how often sets go off there and for how long, the"
        " silence not counted"
    )
    log_odds_silence = _number(
        "part of the log-odds of p_off_direct: the silence, if the ship were a middling one; the"
        " rest to the log-odds of p_off_direct is what its own factor, before and after, changes"
    )
    reasons = _text("the row's story in words", nullable=False)
    method_version = _text("version of the method", nullable=False)
    rules_hash = _text("hash of the rules and areas of the run", nullable=False)


class PortCandidates(dy.Schema):
    """One row per closed gap x port group in reach of it, and `none`: did it call there? (METHOD 6)

    Of gaps that reception was asked about and nothing else explains. Over the rows of a gap p_call
    and p_unheard add up to one, and p_call to its p_off. Null in both: nothing is known of its
    silence.
    """

    gap_id = _key("gap, see gaps")
    port_group = _key("port group it could have called at; 'none': no call")
    country = _text("country of the port group, ISO 3166 alpha-3; null for 'none'")
    to_h = _number("least hours from the off point to it", "h")
    from_h = _number("least hours from it to the on point", "h")
    slack_h = _number("length of the gap less both, at least 4", "h")
    window_from = _instant("earliest presence there")
    window_to = _instant("latest presence there")
    detour_km = _number("usual way through it less the direct one", "km")
    season_unknown = _yes("a waterway on the way has a season, and that time's is not listed")
    p_prior = dy.Float64(
        description="probability by the way and by habits of ships heard, silence not counted",
        min=0,
        max=1,
    )
    p_call = _probability("probability that the set was off and the ship was there")
    p_unheard = _probability("probability that the set was on, the ship there and nobody heard it")
    p_call_flat = _probability("p_call, were all groups equally likely before")
    log_silence_gain = _number(
        "log of how much likelier silence is on the way through it than straight on, the set on",
        nullable=False,
    )


class VisitedCandidates(PortCandidates):
    """One row per closed gap x port group in reach of it, and `none`: did it call there? (METHOD 6)

    Of gaps that reception was asked about and nothing else explains. Over the rows of a gap p_call
    and p_unheard add up to one, and p_call to its p_off. Null in both: nothing is known of its
    silence.
    """

    visit_id = _text("visit in dark_port_calls that the gap belongs to there; null: no row of its")


class NearPortGaps(dy.Schema):
    """One row per closed gap near a port group: a list to look at, not calls (METHOD 1).

    Gaps of cause left_region, identity and in_port are left out.
    """

    gap_id = _key("gap, see gaps")
    ship_id = _text("ship, see ships", nullable=False)
    mmsi = _mmsi()
    flag = _text("flag at the off point, ISO 3166 alpha-3; null unknown")
    fleet = _one_of("fleet (METHOD 2)", FLEETS, nullable=False)
    port_group = _text("port group near the off point", nullable=False)
    port_country = _text("country of the port group, ISO 3166 alpha-3", nullable=False)
    in_ru_ir_any = _yes("in scope ru_ir_any, if it were a call")
    month = _month()
    method_version = _text("version of the method", nullable=False)
    rules_hash = _text("hash of the rules and areas of the run", nullable=False)


class CallSums(dy.Schema):
    """One row per month x flag x port group x scopes: what all candidates add up to (METHOD 7).

    Gaps of one visit count once; unobservable gaps do not count.
    """

    month = _month(primary_key=True)
    flag = _key("flag, ISO 3166 alpha-3, or 'unknown'")
    port_country = _key("country of the port group")
    port_group = _key("port group")
    in_ru_ir_crossing = _yes("in scope ru_ir_crossing", primary_key=True, nullable=False)
    in_ru_ir_any = _yes("in scope ru_ir_any", primary_key=True, nullable=False)
    in_any_flag_crossing = _yes("in scope any_flag_crossing", primary_key=True, nullable=False)
    expected_calls = _number("sum of p_call", nullable=False)
    expected_unheard = _number("sum of p_unheard", nullable=False)
    glimpsed = _whole(
        "gaps that begin or end in the port, with room for a stay there and a p_off of 0.8 and"
        " more: neither dark nor lit",
        nullable=False,
    )


class CallChances(dy.Schema):
    """One row per closed gap x port group in reach: the call it may hold (METHOD 6, 7).

    What intervals, rating and trends are drawn from. Flag and fleet are those of table gaps.
    """

    gap_id = _key("gap, see gaps")
    port_group = _key("port group; 'none' has no row")
    port_country = _text("its country, ISO 3166 alpha-3", nullable=False)
    ship_id = _text("ship, see ships", nullable=False)
    flag = _text("flag at the off point, ISO 3166 alpha-3, or 'unknown'", nullable=False)
    month = _month()
    in_ru_ir_crossing = _yes("in scope ru_ir_crossing", nullable=False)
    in_ru_ir_any = _yes("in scope ru_ir_any", nullable=False)
    in_any_flag_crossing = _yes("in scope any_flag_crossing", nullable=False)
    is_glimpsed = _yes("an end of the gap lies in the port: no dark call there", nullable=False)
    is_unobservable = _yes("too little would have been received of it in any case", nullable=False)
    is_counted = _yes(
        "of the gaps of one visit the proved or likeliest: the row that stands for the visit",
        nullable=False,
    )
    visit_gap_id = _text("gap of the row that stands for the visit; null: glimpsed, no visit")
    p_call = _probability("P(off, call at the group); of an unobservable gap it counts nowhere")
    p_unheard = _probability("P(on, call at the group)")


class DarkPortCalls(dy.Schema):
    """One row per visit with the set off, at its likeliest port group, and per gap of grade D.

    P_call of 0.4 and more, or dated proof (METHOD 6); what is less likely is in the sums of
    monthly_dark_port_calls alone. Rows of grade X are refuted: they count nowhere.
    """

    call_id = _key("hash of the visit's first gap and its port group")
    visit_id = _text("visit the gaps belong to", nullable=False)
    ship_id = _text("ship, see ships", nullable=False)
    mmsi = _mmsi()
    imo = _whole("trusted IMO number")
    name = _text("ship name; typed in by strangers")
    flag = _text("flag at the off point, ISO 3166 alpha-3; null unknown")
    fleet = _one_of("fleet (METHOD 2)", FLEETS, nullable=False)
    port_group = _text("port group", nullable=False)
    port_country = _text("country of the port group, ISO 3166 alpha-3", nullable=False)
    in_ru_ir_crossing = _yes("in scope ru_ir_crossing")
    in_ru_ir_any = _yes("in scope ru_ir_any")
    in_any_flag_crossing = _yes("in scope any_flag_crossing")
    window_from = _instant("earliest presence at the port", nullable=False)
    window_to = _instant("latest presence at the port", nullable=False)
    gap_ids = _text("gaps of the visit, separated by ';'", nullable=False)
    p_off = _probability("probability that the set was off")
    p_call = _probability("probability of a call with the set off")
    grade = _one_of("grade (METHOD 6)", GRADES)
    families = _text(
        "evidence outside P_call: draught, destination, outside (dated proof); separated by ';';"
        " null: none"
    )
    slack_h = _number("hours left for the stay after the sailing times", "h")
    draught_change_m = _number("draught after minus draught before", "m")
    second_call_possible = _yes("the gap has room for a second call")
    on_watch_list = _yes("the ship stands on the user's watch list: a label, no evidence")
    last_verdict = _one_of("the last review's; it changes no grade; null: no review", VERDICTS)
    last_reviewed_by = _text("its analyst")
    last_reviewed_on = dy.Date(description="its date", nullable=True)
    month = _month()
    reasons = _text("why this row stands here, in words", nullable=False)
    method_version = _text("version of the method", nullable=False)
    rules_hash = _text("hash of the rules and areas of the run", nullable=False)


class ImagingRequests(dy.Schema):
    """One row per call of grade B or C: where and when an image would tell, most telling first."""

    call_id = _key("call, see dark_port_calls")
    port_group = _text("port group", nullable=False)
    lon = _number("longitude of the middle of its ports", "deg", nullable=False)
    lat = _number("latitude of the middle of its ports", "deg", nullable=False)
    window_from = _instant("earliest presence at the port", nullable=False)
    window_to = _instant("latest presence at the port", nullable=False)
    length_m = _number("length over all sent most often; null: not known", "m")
    priority = dy.Float64(
        description="p_call x (1 - p_call): what an image settles", min=0, max=0.25
    )
    method_version = _text("version of the method", nullable=False)
    rules_hash = _text("hash of the rules and areas of the run", nullable=False)


class LitPortCalls(dy.Schema):
    """One row per call heard in port: a port stay with 4 h at rest or silent (METHOD 6)."""

    call_id = _key("hash of MMSI, entry and port group")
    ship_id = _text("ship, see ships", nullable=False)
    mmsi = _mmsi()
    track = _whole("track of the MMSI, see tracks", nullable=False)
    imo = _whole("trusted IMO number")
    name = _text("ship name; typed in by strangers")
    flag = _text("flag on entry, ISO 3166 alpha-3; null unknown")
    fleet = _one_of("fleet (METHOD 2)", FLEETS, nullable=False)
    port_group = _text("port group", nullable=False)
    port_country = _text("country of the port group, ISO 3166 alpha-3", nullable=False)
    in_ru_ir_crossing = _yes("in scope ru_ir_crossing", nullable=False)
    in_ru_ir_any = _yes("in scope ru_ir_any", nullable=False)
    in_any_flag_crossing = _yes("in scope any_flag_crossing", nullable=False)
    before_group = _text("known port before it, within 30 days")
    before_at = _instant("last slow sighting there")
    after_group = _text("known port after it, within 30 days")
    after_at = _instant("first slow sighting there")
    entered_at = _instant("first sighting within 3 km", nullable=False)
    left_at = _instant("last sighting before one beyond 4 km, or at all", nullable=False)
    stay_h = _number("time between the two", "h", nullable=False)
    stopped_h = _number("the part heard stopped; silences of 4 h left out", "h", nullable=False)
    sightings = _whole("sightings in port", nullable=False)
    silences = _whole("silences of 4 h and more inside", nullable=False)
    silent_h = _number("their sum", "h", nullable=False)
    longest_silence_h = _number("longest silence of any length inside", "h", nullable=False)
    is_left = _yes("a later sighting of the track lies elsewhere", nullable=False)
    is_glimpsed = _yes(
        "less than 4 h heard at rest, and a gap that begins or ends in it has a p_off of 0.8 and"
        " more: not counted as lit",
        nullable=False,
    )
    month = _month()
    status = _one_of("provisional until 90 days after the month's end", STATUSES, nullable=False)
    method_version = _text("version of the method", nullable=False)
    rules_hash = _text("hash of the rules and areas of the run", nullable=False)


class Legs(dy.Schema):
    """One row per voyage of a ship from one known port to the next (METHOD 7)."""

    ship_id = _key("ship, see ships")
    left_at = _instant(
        "last sighting within 4 km of the port it left", primary_key=True, nullable=False
    )
    mmsi = _mmsi()
    flag = _text("flag on leaving, ISO 3166 alpha-3; null unknown")
    fleet = _one_of("fleet (METHOD 2)", FLEETS, nullable=False)
    from_group = _text("port group it left", nullable=False)
    from_country = _text("its country, ISO 3166 alpha-3", nullable=False)
    to_group = _text("port group it came to", nullable=False)
    to_country = _text("its country, ISO 3166 alpha-3", nullable=False)
    arrived_at = _instant("first sighting within 4 km of the next port", nullable=False)
    hours = _number("time between the two", "h", nullable=False)
    is_crossing = _yes("the two countries differ", nullable=False)
    is_ru_ir_crossing = _yes("from Russia to Iran or back", nullable=False)
    gaps = _whole("closed gaps that lie wholly in it", nullable=False)
    longest_gap_h = _number("the longest of them", "h")
    expected_off = _number("sum of their p_off", nullable=False)
    passage = _one_of(
        "dark: one of them has a p_off of 0.8 and more; unheard: there are others only; lit: none",
        PASSAGES,
        nullable=False,
    )
    month = _month()
    method_version = _text("version of the method", nullable=False)
    rules_hash = _text("hash of the rules and areas of the run", nullable=False)


class CanalTransits(dy.Schema):
    """One row per passage of the Volga-Don canal from one side to the other (METHOD 7)."""

    mmsi = _mmsi(primary_key=True)
    track = _whole("track of the MMSI, see tracks", primary_key=True, nullable=False)
    entered_at = _instant("last sighting beyond the one end", primary_key=True, nullable=False)
    ship_id = _text("ship, see ships", nullable=False)
    flag = _text("flag at that time, ISO 3166 alpha-3; null unknown")
    fleet = _one_of("fleet (METHOD 2)", FLEETS, nullable=False)
    direction = _one_of("from which side to which", DIRECTIONS, nullable=False)
    left_at = _instant("first sighting beyond the other end", nullable=False)
    hours = _number("time between the two", "h", nullable=False)
    gap_id = _text("the gap that spans both, see gaps; null: none")
    p_off = _probability("its probability that the set was off")
    passage = _one_of(
        "dark: one gap of p_off 0.8 and more spans both sightings; unheard: another gap does; lit",
        PASSAGES,
        nullable=False,
    )
    season_days = _whole("days of navigation in the month; null: not known", "d")
    month = _month()
    method_version = _text("version of the method", nullable=False)
    rules_hash = _text("hash of the rules and areas of the run", nullable=False)


class ShipMonths(dy.Schema):
    """One row per MMSI x month x area x port_group: what was seen of it there, and for how long.

    The exposure behind the monthly tables, in integer seconds (METHOD 2): credited to the area
    and port group of the earlier sighting, cut at UTC midnight, outside and left_region excluded.
    """

    month = _month(primary_key=True)
    mmsi = _mmsi(primary_key=True)
    area = _key("monthly area")
    port_group = _key("port group near the sighting, or 'none'")
    ship_id = _text("ship, see ships", nullable=False)
    flag = _text("flag, ISO 3166 alpha-3; null unknown")
    fleet = _one_of("fleet (METHOD 2)", FLEETS, nullable=False)
    sightings = _whole("sightings there, outside ones excluded", nullable=False)
    ship_s = _whole("time between consecutive sightings, gaps included", "s", nullable=False)
    heard_s = _whole("the part between sightings less than 4 h apart", "s", nullable=False)
    observable_s = _whole(
        "the part in UTC hours in which somebody else was heard there", "s", nullable=False
    )


class ReceptionCells(dy.Schema):
    """One row per UTC hour x place (cell of half a degree) in which a ship was known to be.

    Known to be there: between two sightings of its track, or in a silence that is still open; of a
    silence that ends in a later month, the hours of that month alone. Ships outside the region are
    left out.
    """

    hour = _instant("start of the UTC hour", primary_key=True, nullable=False)
    cell_lon_deg = _number(
        "longitude of the cell's south-west corner", "deg", primary_key=True, nullable=False
    )
    cell_lat_deg = _number(
        "latitude of the cell's south-west corner", "deg", primary_key=True, nullable=False
    )
    area = _text("monthly area of all that was heard in the cell in the window; null where several")
    ships_present = _small("ships known to be there, heard in the hour or not", nullable=False)
    ships_heard = _small(
        "ships heard there by ground stations; the hour that ends a silence of some hours does not"
        " count (docs/reception.md)",
        nullable=False,
    )
    ships_heard_by_satellite = _small("ships heard there by satellites, likewise", nullable=False)
    beacons_heard = _small("base stations and aids to navigation heard there", nullable=False)
    is_live = _yes(
        "a ship or beacon was heard there by a ground station, or by a satellite anywhere in the"
        " basin",
        nullable=False,
    )
    expected_stopped = _few(
        "receptions expected in the hour of a stopped class A ship, own factor 1; null: not live"
    )
    expected_under_way = _few(
        "receptions expected in the hour of a class A ship under way, own factor 1; null: not live"
    )


class GapHours(dy.Schema):
    """One row per gap x whole UTC hour inside it: what was expected of the ship if its set was on.

    Of gaps that reception was asked about (gaps.live_h is not null), in the window with which they
    are judged. The hours in which the ship was last and first heard are left out.
    """

    gap_id = _key("gap, see gaps")
    hour = _instant("start of the UTC hour", primary_key=True, nullable=False)
    cell_lon_deg = _number(
        "where it could have been: longitude of the cell's south-west corner", "deg", nullable=False
    )
    cell_lat_deg = _number("latitude of that corner; see reception_cells", "deg", nullable=False)
    is_live = _yes("another ship was heard there, or by satellite anywhere", nullable=False)
    expected_receptions = dy.Float32(
        description="receptions expected of it: by what the others were heard, times own_factor",
        nullable=False,
    )


# --------------------------------------------------------------------------- history

# What became of a gap in a run, and why (pipeline/history.py says how each is told).
CHANGES = ("opened", "first_seen", "closed", "reopened", "changed", "withdrawn", "returned")
WHYS = (
    "new_data",
    "closed",
    "late_data",
    "raw_removed",
    "earlier_data_end",
    "relabelled",
    "rejudged",
    "rules",
    "method",
    "software",
)


class GapVersions(dy.Schema):
    """One row per gap and run in which what is told of it changed; rows are only ever added.

    A version is made by a change of any column of gaps but data_end, status, reasons (they change
    with every night's data_end), method_version and rules_hash (see runs). Columns of the gap are
    as told by that run, of a withdrawn gap as told last. The state at a run is the last version
    up to that run, where is_present.
    """

    gap_id = _key("gap, see gaps")
    version = _whole("number of the change of this gap, from 1", primary_key=True, nullable=False)
    run = _whole("run that told it first, see runs", nullable=False)
    data_end = _instant("end of the data of that run", nullable=False)
    change = _one_of("what became of it", CHANGES, nullable=False)
    why = _one_of("why", WHYS, nullable=False)
    what = _text(
        "columns that changed, old -> new; holds names typed in by strangers, quoted and shortened;"
        " null where the whole gap came or went"
    )
    was_final = _yes("its month was final in the run before", nullable=False)
    mmsi = _mmsi()
    ship_id = _text("ship, see ships", nullable=False)
    flag = _text("flag at the off point, ISO 3166 alpha-3; null unknown")
    fleet = _one_of("fleet (METHOD 2)", FLEETS, nullable=False)
    month = _month()
    off_at = _instant("last sighting before the silence", nullable=False)
    on_at = _instant("first sighting after it; null while open")
    off_area = _text("monthly area of the off point")
    off_port_group = _text("port group near the off point; 'none'")
    duration_s = _whole("length of the silence; null while open", "s")
    is_closed = _yes("ended by a sighting", nullable=False)
    is_present = _yes("in table gaps of that run; no: withdrawn", nullable=False)
    cause = _one_of("why the ship was not heard (METHOD 4); null: not judged yet", CAUSES)
    p_off = _probability("probability that the set was off")


class Runs(dy.Schema):
    """One row per published run of the nightly job; a run that failed leaves none."""

    run = _whole("number of the run, from 1", primary_key=True, nullable=False)
    started_at = _instant("begin of the run, by the machine's clock", nullable=False)
    finished_at = _instant("end of its work, just before it was published", nullable=False)
    data_end = _instant("end of the data its tables were judged with", nullable=False)
    method_version = _text("version of the method", nullable=False)
    rules_hash = _text("hash of the rules and areas", nullable=False)
    code_hash = _text("hash of the code", nullable=False)
    files_new = _whole("raw files read for the first time", nullable=False)
    files_changed = _whole("raw files whose content was replaced", nullable=False)
    files_removed = _whole("raw files that are gone", nullable=False)
    files_failed = _whole("raw files that could not be read", nullable=False)
    rows_read = _whole("rows read from new and changed raw files", nullable=False)
    days_redone = _whole("UTC days put together again", "d", nullable=False)
    gaps = _whole("closed gaps in table gaps", nullable=False)
    open_gaps = _whole("open gaps in table gaps", nullable=False)
    versions_written = _whole("rows added to gap_versions", nullable=False)
    warnings = _text("what the run warned of, separated by '; '; null: nothing")
    is_accepted_out_of_bands = _yes(
        "its counts were out of their bands, and the user accepted them", nullable=False
    )
    versions = _text("versions of darkport, polars and duckdb", nullable=False)


# --------------------------------------------------------------------------- monthly tables


class MonthlyGaps(dy.Schema):
    """One row per month x flag x fleet x area x port_group x at_least_h, with its exposure.

    `all` may stand for flag, fleet, area and port_group. Additive over flag, fleet, area and
    port group: ship_hours, heard_hours, observable_ship_hours, gaps, open_gaps, left_region,
    expected_off. Not additive: ships_seen, ships_with_gap, outage_hours, ratios, interval ends.
    `at_least_h` is cumulative.
    """

    month = _month(primary_key=True)
    flag = _key("flag, ISO 3166 alpha-3, 'unknown' or 'all'")
    fleet = _key("fleet or 'all'")
    area = _key("monthly area of the off point, or 'all'")
    port_group = _key("port group near the off point, 'none' or 'all'")
    at_least_h = _whole(
        "gaps of at least this length; cumulative", "h", primary_key=True, nullable=False
    )
    ships_seen = _whole("distinct ships with a sighting there in the month")
    ship_hours = _number("time between consecutive sightings, gaps included", "h")
    heard_hours = _number("the part between sightings less than 4 h apart", "h")
    observable_ship_hours = _number("the part in which somebody could be heard there", "h")
    outage_hours = _whole(
        "UTC hours in which every feed that usually hears the area was out, or many of its ships"
        " were lost at once; under 'all' those of every area with ships",
        "h",
    )
    ships_with_gap = _whole("distinct ships with a closed gap of at least at_least_h")
    gaps = _whole("closed gaps of at least at_least_h that begin in the month")
    open_gaps = _whole("gaps not ended by data_end that have reached at_least_h")
    left_region = _whole("silences of ships that left the region; in no other column")
    gaps_per_1000_ship_hours = _number("gaps over ship_hours, times 1000", "1/1000 h")
    expected_off = _number("sum of p_off")
    expected_off_low = _number("lower end of its 90 % interval")
    expected_off_high = _number("upper end of its 90 % interval")
    status = _one_of("provisional until 45 days after the month's end", STATUSES, nullable=False)
    method_version = _text("version of the method", nullable=False)
    rules_hash = _text("hash of the rules and areas of the run", nullable=False)


class MonthlyDarkPortCalls(dy.Schema):
    """One row per month x scope x flag x port_country x port_group."""

    month = _month(primary_key=True)
    scope = _key("scope (METHOD 7)")
    flag = _key("flag, ISO 3166 alpha-3, 'unknown' or 'all'")
    port_country = _key("country of the port group, or 'all'")
    port_group = _key("port group or 'all'")
    calls_a = _whole("calls of grade A")
    calls_b = _whole("calls of grade B")
    calls_c = _whole("calls of grade C")
    calls_d = _whole("calls of grade D")
    near_port_gaps = _whole("closed gaps near the port group: not calls")
    expected_calls = _number("sum of p_call")
    expected_calls_low = _number("lower end of its 90 % interval")
    expected_calls_high = _number("upper end of its 90 % interval")
    expected_unheard = _number("sum of p_unheard")
    lit_calls = _whole("calls heard in port")
    glimpsed = _whole("gaps that begin or end in port and may hide a stay there, set probably off")
    dark_share = _number("dark / (dark + lit + unheard), in expectations")
    observable_ship_hours = _number(
        "ship-hours near the port group, of the scope's flags and fleet, in which somebody else was"
        " heard there",
        "h",
    )
    status = _one_of("provisional until 90 days after the month's end", STATUSES, nullable=False)
    method_version = _text("version of the method", nullable=False)
    rules_hash = _text("hash of the rules and areas of the run", nullable=False)
    contract_version = _text(
        "version of the scoring tool's contract (docs/scoring)", nullable=False
    )


class Indicator(dy.Schema):
    """One row per complete month (end of a trailing year) x scope."""

    month = _month(primary_key=True)
    scope = _key("scope (METHOD 7)")
    calls_12m_a = _whole("calls of grade A in the twelve months; beside the rating, never rated")
    calls_12m_b = _whole("calls of grade B in the twelve months, likewise")
    upper_bound_12m = _whole(
        "closed gaps of the scope's flags and fleet in the twelve months: no more calls than this"
        " can be seen; null where one of the months has no data"
    )
    expected_12m = _number("expected calls in the twelve months, proved ones as 1")
    expected_12m_low = _number("lower end of its 90 % interval")
    expected_12m_high = _number("upper end of its 90 % interval")
    p_low = _probability("probability of class Low: below 5 calls")
    p_medium = _probability("probability of class Medium: 5 to 20 calls")
    p_high = _probability("probability of class High: above 20 calls")
    rating = _text(
        "printed class: one at 0.8 and more, else the two likeliest; 'at least' where it hangs on"
        " gaps nobody could have heard; 'not assessable'",
        nullable=False,
    )
    count_trend = _one_of("expected calls against 2020-21", TRENDS)
    count_ratio = _number("ratio behind it; calls weighted by 1 / observability")
    count_ratio_low = _number("lower end of its 90 % interval")
    count_ratio_high = _number("upper end of its 90 % interval")
    rate_trend = _one_of("calls per visit (dark, lit, unheard) against 2020-21", TRENDS)
    rate_ratio = _number("ratio behind it")
    rate_ratio_low = _number("lower end of its 90 % interval")
    rate_ratio_high = _number("upper end of its 90 % interval")
    raw_gap_ratio = _number(
        "gaps of 30 h and more of the scope's flags and fleet against the base period, uncorrected"
    )
    baseline = _text("base period of the trends and of the raw gap ratio, and where it comes from")
    report_rating = _text(
        "rating in the report's form: LOW, MEDIUM, HIGH, two of them, or AT LEAST one;"
        " 'not assessable' in small letters",
        nullable=False,
    )
    report_arrow = _one_of(
        "count trend in the report's form: its arrow, or the word where there is none",
        ARROWS,
        nullable=False,
    )
    why = _text("the rating in a sentence", nullable=False)
    method_version = _text("version of the method", nullable=False)
    rules_hash = _text("hash of the rules and areas of the run", nullable=False)
    contract_version = _text(
        "version of the scoring tool's contract (docs/scoring)", nullable=False
    )


class IndicatorYears(dy.Schema):
    """One row per calendar year with data x scope: the same rating of January to December."""

    calendar_year = _whole("year", primary_key=True, nullable=False)
    scope = _key("scope (METHOD 7)")
    months_with_data = _whole("complete months of it with data", nullable=False)
    calls_a = _whole("calls of grade A")
    calls_b = _whole("calls of grade B")
    expected_calls = _number("expected calls, proved ones as 1; null: fewer than twelve months")
    expected_calls_low = _number("lower end of its 90 % interval")
    expected_calls_high = _number("upper end of its 90 % interval")
    p_low = _probability("probability of class Low")
    p_medium = _probability("probability of class Medium")
    p_high = _probability("probability of class High")
    rating = _text("printed class, as in indicator", nullable=False)
    why = _text("the rating in a sentence", nullable=False)
    method_version = _text("version of the method", nullable=False)
    rules_hash = _text("hash of the rules and areas of the run", nullable=False)


class Sensitivity(dy.Schema):
    """One row per scope x choice x value: the last trailing year's rating, one choice made anew.

    The row `headline` is that of `indicator`. A choice is made on the rows that the rating is drawn
    from, with the same random numbers; what only another night could tell has no rating.
    """

    month = _month()
    scope = _key("scope (METHOD 7)")
    choice = _key(
        "what is chosen anew: headline (nothing), shortest gap, farthest port, shortest visit,"
        " where ships call, silence, counted"
    )
    value = _key("how, with its unit")
    expected_12m = _number("expected calls in the twelve months, proved ones as 1")
    expected_12m_low = _number("lower end of its 90 % interval")
    expected_12m_high = _number("upper end of its 90 % interval")
    p_low = _probability("probability of class Low")
    p_medium = _probability("probability of class Medium")
    p_high = _probability("probability of class High")
    rating = _text("printed class, as in indicator; null: only another night could tell")
    is_changed = _yes("it is another one than the headline's; null: not told")
    why = _text("the rating in a sentence, or why there is none", nullable=False)
    method_version = _text("version of the method", nullable=False)
    rules_hash = _text("hash of the rules and areas of the run", nullable=False)


class Spikes(dy.Schema):
    """One row per month with data x flags: more gaps than the months before foresee?

    Merchant ships, gaps of `at_least_h` and more, everywhere.
    """

    month = _month(primary_key=True)
    flags = _key("all, IRN, RUS, or the two together: RUS+IRN")
    at_least_h = _whole("gaps of at least this length", "h", nullable=False)
    gaps = _whole("closed gaps that begin in the month", nullable=False)
    observable_ship_hours = _number("ship-hours in which somebody could be heard", "h")
    months_before = _whole("months before it that are compared with", nullable=False)
    expected = _number("gaps that their rate an observable ship-hour foresees; null: not tested")
    limit = _number("more gaps than this are a spike")
    dispersion = _number("variance over mean of the months before; 1 is Poisson's")
    is_spike = _yes("more gaps than the limit; null: not tested")
    false_alarms_a_year = _number("spikes a year of a series in which nothing changes")
    why = _text("in a sentence", nullable=False)
    method_version = _text("version of the method", nullable=False)
    rules_hash = _text("hash of the rules and areas of the run", nullable=False)


class Baseline(dy.Schema):
    """One row per month x scope x flag x area x port_group x at_least_h of the user's own base.

    Empty without a file. Where expected_calls, visits or observability is null, only the raw gap
    ratio has a base.
    """

    month = _month(primary_key=True)
    scope = _key("scope (METHOD 7)")
    flag = _key("flag, ISO 3166 alpha-3, 'unknown' or 'all'")
    area = _key("monthly area, or 'all'")
    port_group = _key("port group, 'none' or 'all'")
    at_least_h = _whole("gaps of at least this length", "h", primary_key=True, nullable=False)
    ships = _whole("ships")
    gaps = _whole("gaps of at least at_least_h")
    ship_hours = _number("ship-hours", "h")
    expected_calls = _number("expected dark port calls, whatever at_least_h")
    visits = _number("visits: dark, lit and unheard, whatever at_least_h")
    observability = dy.Float64(
        description="observable share of the ship-hours",
        nullable=True,
        min_exclusive=0,
        max=1,
    )
    source = _text("source", nullable=False)


class PublishedCounts(dy.Schema):
    """One row per published figure (METHOD 0): what ours is compared with, never tuned to."""

    figure_id = _key("short name of the figure")
    source = _text("publication", nullable=False)
    measure = _text("ships, gaps, gap_ratio, transits, port_calls, ...", nullable=False)
    period_from = dy.Date(description="first day of the period", nullable=True)
    period_to = dy.Date(description="last day of the period", nullable=True)
    flag = _text("flag, ISO 3166 alpha-3; null where not by flag")
    area = _text("area in the source's words")
    at_least_h = _whole("threshold; null where unpublished", "h")
    value = _number("published value", nullable=False)
    unit = _text("unit of the value", nullable=False)
    note = _text("what is not known about it")


class PublishedBesideOurs(dy.Schema):
    """One row per published count of ships or gaps of a month, with our nearest comparable.

    Ours: merchant ships, silences of 30 h and more, uncorrected; of a flag everywhere, or of all
    flags in `our_areas`. The threshold and the area behind the counts by flag are not known, nor
    the outline and the fleet behind those of an area: a difference is no error of either side.
    """

    figure_id = _key("short name of the figure, see published_counts")
    source = _text("publication", nullable=False)
    measure = _text("ships (with such a gap) or gaps", nullable=False)
    month = _month()
    flag = _text("flag, ISO 3166 alpha-3; null: a count of an area, not split by flag")
    published = _number("published value", nullable=False)
    ours = _whole("ours; null in a month without data, or where 30 h is no rung of the ladder")
    difference = _number("ours less published")
    ratio = _number("ours over published")
    ships_seen = _whole(
        "distinct merchant ships of the flag with a sighting in the month; null of an area"
    )
    ship_hours = _number("their time between consecutive sightings, gaps included", "h")
    status = _one_of("provisional until 45 days after the month's end", STATUSES)
    note = _text("what is not known about the published figure")
    method_version = _text("version of the method", nullable=False)
    rules_hash = _text("hash of the rules and areas of the run", nullable=False)
    area = _text("area in the source's words; null where it names none")
    at_least_h = _whole("published threshold; null where unpublished", "h")
    our_areas = _text("monthly areas that ours is of, separated by ';', or 'all'", nullable=False)


class Months(dy.Schema):
    """One row per calendar month (UTC) from the first with data to that of data_end."""

    month = _month(primary_key=True)
    ends_at = _instant("begin of the next month", nullable=False)
    data_end = _instant("end of the data of the run", nullable=False)
    has_data = _yes("at least one sighting; no: all its measures are null", nullable=False)
    is_complete = _yes("it ends no later than the data", nullable=False)
    gap_status = _one_of("of its gaps: final 45 days after its end", STATUSES, nullable=False)
    call_status = _one_of("of its calls: final 90 days after its end", STATUSES, nullable=False)


class Thresholds(dy.Schema):
    """One row per rung of the ladder of lengths that gaps are counted by (METHOD 1)."""

    at_least_h = _whole("least length", "h", primary_key=True, nullable=False)
    least_s = _whole("the least whole seconds that count", "s", nullable=False)


class Scopes(dy.Schema):
    """One row per scope of the calls (METHOD 7). Scopes overlap: they are never added up."""

    scope = _key("name of the scope")
    fleet = _text("fleet that is in it; null: any")
    flags = dy.List(dy.String(), description="flags that are in it; null: any", nullable=True)
    port_countries = dy.List(
        dy.String(), description="countries of the port that are in it; null: any", nullable=True
    )
    is_crossing = _yes("the port before or after lies in the other country", nullable=False)
    meaning = _text("the same in words", nullable=False)


class GapLadder(dy.Schema):
    """One row per silence x rung of the ladder that it has reached: what monthly_gaps counts."""

    gap_id = _key("gap, see gaps")
    at_least_h = _whole("rung, see thresholds", "h", primary_key=True, nullable=False)
    kind = _one_of(
        "closed, not ended by data_end, or of a ship that sailed out",
        ("gap", "open_gap", "left_region"),
        nullable=False,
    )
    ship_id = _text("ship, see ships", nullable=False)
    month = _month()
    flag = _text("flag at the off point, ISO 3166 alpha-3, or 'unknown'", nullable=False)
    fleet = _one_of("fleet (METHOD 2)", FLEETS, nullable=False)
    area = _text("monthly area of the off point")
    port_group = _text("port group near the off point; 'none'")
    cause = _one_of("why the ship was not heard (METHOD 4); null: not judged yet", CAUSES)
    length_s = _whole("length of the silence, of an open one so far", "s", nullable=False)
    p_off = _probability("probability that the set was off")
    p_off_low = _probability("lower end of its 90 % interval")
    p_off_high = _probability("upper end of its 90 % interval")


class Seasons(dy.Schema):
    """One row per navigation season of a waterway; a year not listed excludes nothing."""

    waterway = _key("area id")
    year = _whole("year", primary_key=True, nullable=False)
    opened_on = dy.Date(description="first day of navigation; null unknown", nullable=True)
    closed_on = dy.Date(description="last day of navigation; null unknown", nullable=True)
    days = _whole("days of navigation, where only that is published", "d")
    source = _text("source", nullable=False)


class Closures(dy.Schema):
    """One row per dated closure of a waterway."""

    waterway = _key("area id")
    closed_from = _instant("start of the closure", primary_key=True, nullable=False)
    closed_to = _instant("end of the closure", nullable=False)
    reason = _text("what closed it", nullable=False)
    source = _text("source", nullable=False)


class PortGroups(dy.Schema):
    """One row per port group of the geo folder."""

    port_group = _key("port group")
    country = _text("country, ISO 3166 alpha-3", nullable=False)
    ports = _text("ids of its ports, separated by ';'", nullable=False)
    lon = _number("longitude of the middle of their polygons", "deg", nullable=False)
    lat = _number("latitude of the middle of their polygons", "deg", nullable=False)


def _ship() -> tuple[dy.Int32, dy.Int64]:
    return (
        dy.Int32(
            description="MMSI, nine digits; null where the IMO number is given", nullable=True
        ),
        _whole("IMO number; null where the MMSI is given"),
    )


class Confirmations(dy.Schema):
    """One row per dated proof by the user that a ship was, or was not, in a port (METHOD 6)."""

    mmsi, imo = _ship()
    port = _text("port or port group, as entered", nullable=False)
    port_group = _text("its port group", nullable=False)
    seen_at = _instant("instant of the proof", nullable=False)
    is_present = _yes("the ship was there; no: it was not", nullable=False)
    source = _text("what proves it, and is not AIS", nullable=False)
    analyst = _text("who entered it", nullable=False)
    entered_on = dy.Date(description="date of the entry", nullable=False)


class Reviews(dy.Schema):
    """One row per analyst's review of a call; it stands beside the grade, never over it."""

    call_id = _text("call, see dark_port_calls", nullable=False)
    verdict = _one_of("what the analyst holds of the grade", VERDICTS, nullable=False)
    reason = _text("why", nullable=False)
    analyst = _text("who reviewed it", nullable=False)
    reviewed_on = dy.Date(description="date of the review", nullable=False)


class WatchList(dy.Schema):
    """One row per ship the user watches: a label, never evidence (METHOD 6)."""

    mmsi, imo = _ship()
    source = _text("who lists it", nullable=False)
    analyst = _text("who entered it", nullable=False)
    listed_on = dy.Date(description="date of the entry", nullable=False)
    note = _text("anything else")


class ShipRegistry(dy.Schema):
    """One row per override by the user: flag or fleet of a ship from a date on."""

    mmsi = dy.Int32(
        description="MMSI, nine digits; null where the IMO number is given", nullable=True
    )
    imo = _whole("IMO number; null where the MMSI is given")
    valid_from = _instant("from when; null: always")
    valid_to = _instant("until when (not included); null: still")
    flag = _text("flag, ISO 3166 alpha-3")
    fleet = _text("fleet")
    source = _text("source", nullable=False)
    analyst = _text("who entered it")


# Written by `darkport calibrate` into its own folder: in no night's outputs and no database.
class GapsCalibrated(dy.Schema):
    """One row per gap with a p_off, as `darkport calibrate` writes it beside the outputs."""

    gap_id = _key("gap, see gaps")
    p_off = dy.Float64(description="probability that the set was off, as published", min=0, max=1)
    p_off_calibrated = _inner_probability("what the labels make of p_off")
    p_off_calibrated_low = _inner_probability(
        "lower end: of p_off_low, and of 90 % of the maps drawn from the labels"
    )
    p_off_calibrated_high = _inner_probability("upper end, likewise")
    method_version = _text("version of the method", nullable=False)
    rules_hash = _text("hash of the rules and areas of the run p_off is of", nullable=False)


TABLES: dict[str, type[dy.Schema]] = {
    "positions": Positions,
    "tracks": Tracks,
    "statics": Statics,
    "beacons": Beacons,
    "feed_health": FeedHealth,
    "outage_hours": OutageHours,
    "gnss_hours": GnssHours,
    "rejected": Rejected,
    "files": Files,
    "rules": Rules,
    "ships": Ships,
    "gaps": Gaps,
    "port_candidates": VisitedCandidates,
    "dark_port_calls": DarkPortCalls,
    "imaging_requests": ImagingRequests,
    "call_sums": CallSums,
    "call_chances": CallChances,
    "near_port_gaps": NearPortGaps,
    "lit_port_calls": LitPortCalls,
    "legs": Legs,
    "canal_transits": CanalTransits,
    "ship_months": ShipMonths,
    "reception_cells": ReceptionCells,
    "gap_hours": GapHours,
    "gap_versions": GapVersions,
    "runs": Runs,
    "monthly_gaps": MonthlyGaps,
    "monthly_dark_port_calls": MonthlyDarkPortCalls,
    "indicator": Indicator,
    "indicator_years": IndicatorYears,
    "sensitivity": Sensitivity,
    "spikes": Spikes,
    "baseline": Baseline,
    "published_counts": PublishedCounts,
    "published_beside_ours": PublishedBesideOurs,
    "seasons": Seasons,
    "closures": Closures,
    "port_groups": PortGroups,
    "ship_registry": ShipRegistry,
    "confirmations": Confirmations,
    "reviews": Reviews,
    "watch_list": WatchList,
}

# Steps of sql/marts that stay in darkport.duckdb, for those who ask it.
STEP_TABLES: dict[str, type[dy.Schema]] = {
    "months": Months,
    "thresholds": Thresholds,
    "scopes": Scopes,
    "gap_ladder": GapLadder,
}


def polars_schema(table: type[dy.Schema]) -> pl.Schema:
    """Return the polars names and types of `table`, in order."""
    return pl.Schema({name: column.dtype for name, column in table.columns().items()})


def conform(frame: pl.DataFrame, table: type[dy.Schema]) -> pl.DataFrame:
    """Return `frame` with exactly the columns and types of `table`, in its order.

    A missing or surplus column is an error; types are cast strictly.

    Raises:
        SchemaError: naming the table, the column and what was there instead.
    """
    wanted = polars_schema(table)
    missing = [name for name in wanted if name not in frame.columns]
    surplus = [name for name in frame.columns if name not in wanted]
    if missing or surplus:
        raise SchemaError(
            f"{table.__name__}: missing {missing}, not known {surplus}; found {frame.columns}"
        )
    try:
        return frame.select(pl.col(name).cast(dtype) for name, dtype in wanted.items())
    except pl.exceptions.PolarsError as error:
        raise SchemaError(f"{table.__name__}: {str(error).splitlines()[0]}") from error
