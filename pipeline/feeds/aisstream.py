"""AISStream.io: one decoded message per JSON object, in an envelope with its time."""

from __future__ import annotations

from typing import Any

from pipeline.feeds import layout, values
from pipeline.feeds.layout import Layout, field
from pipeline.feeds.records import RecordFormat

POSITIONS = (
    "PositionReport",
    "StandardClassBPositionReport",
    "ExtendedClassBPositionReport",
    "LongRangeAisBroadcastMessage",
    "BaseStationReport",
    "AidsToNavigationReport",
)
STATICS = ("ShipStaticData", "StaticDataReport")


def envelopes(value: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the envelopes in an object: itself, or its values where they are envelopes."""
    inner = list(value.values())
    if "MessageType" not in value and all(
        isinstance(one, dict) and "Message" in one for one in inner
    ):
        return inner
    return [value]


def flatten(envelope: dict[str, Any]) -> dict[str, Any]:
    """Return envelope, message and its parts side by side.

    MetaData has a ship name and a position too, but from the provider's memory of the ship: what
    a message does not say itself is left out.
    """
    meta = mapping_in(envelope, "MetaData")
    kind = str(envelope.get("MessageType"))
    message = mapping_in(mapping_in(envelope, "Message"), kind)
    fields = {**envelope, **meta}
    if "MMSI" not in meta and "UserID" in message:
        fields["MMSI"] = message["UserID"]
    if kind not in POSITIONS + STATICS:
        return {**fields, "reason": "other_message"}
    for part in ("ReportA", "ReportB"):
        report = mapping_in(message, part)
        if report.get("Valid") is True:
            message = {**message, **report}
    if kind == "AidsToNavigationReport":
        # Its Type is that of the aid, which is none of a ship.
        message = {**message, "Type": None}
    eta = mapping_in(message, "Eta")
    return {
        **fields,
        **message,
        **mapping_in(message, "Dimension"),
        "reason": None,
        "Eta": "{Month!s:0>2}-{Day!s:0>2} {Hour!s:0>2}:{Minute!s:0>2}".format(**eta)
        if is_eta(eta)
        else None,
    }


def mapping_in(record: dict[str, Any], key: str) -> dict[str, Any]:
    """Return the object under a key, an empty one where there is none."""
    found = record.get(key)
    return found if isinstance(found, dict) else {}


def is_eta(eta: dict[str, Any]) -> bool:
    """Say whether all parts of an arrival time are there."""
    return all(part in eta for part in ("Month", "Day", "Hour", "Minute"))


AISSTREAM = RecordFormat(
    "aisstream",
    "AISStream.io, JSON",
    "MessageType, MetaData with MMSI and time_utc, Message",
    Layout(
        {
            "mmsi": layout.mmsi("MMSI"),
            "timestamp": layout.time("time_utc"),
            "message_type": field("MessageID", read=values.message_type),
            "longitude": layout.number("Longitude"),
            "latitude": layout.number("Latitude"),
            "sog": layout.number("Sog"),
            "cog": layout.number("Cog"),
            "heading": layout.number("TrueHeading"),
            "nav_status": field("NavigationalStatus", read=values.nav_status),
            "imo": field("ImoNumber", read=values.imo_number),
            "name": field("Name"),
            "callsign": field("CallSign"),
            "ship_type": field("Type", "ShipType", read=values.ship_type),
            "draught_m": layout.number("MaximumStaticDraught"),
            "destination": field("Destination"),
            "eta": field("Eta"),
            "bow": layout.number("A"),
            "stern": layout.number("B"),
            "port": layout.number("C"),
            "starboard": layout.number("D"),
            "reason": field("reason"),
        },
        marks=frozenset(("messagetype", "message", "metadata")),
        marks_needed=2,
    ),
    flatten,
    envelopes,
)
