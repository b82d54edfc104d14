"""Global Fishing Watch: research messages as CSV and JSON, gpsdio messages as msgpack."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import msgpack

from pipeline.errors import RawFileError
from pipeline.feeds import layout, values
from pipeline.feeds.base import Batch
from pipeline.feeds.json_text import Record
from pipeline.feeds.layout import Field, Layout, field
from pipeline.feeds.records import RECOGNISED_BY, RecordFormat, as_text, read_records
from pipeline.feeds.table import TableFormat

FIELDS: dict[str, Field] = {
    "timestamp": layout.time("timestamp"),
    "sog": layout.number("speed_knots", "speed"),
    "cog": layout.number("course"),
    "heading": layout.number("heading"),
    "nav_status": field("status", read=values.nav_status),
    "message_type": field("type", read=values.message_type),
    "ais_class": field("AIS_class", "ais_class", read=values.ais_class),
    "receiver": field("receiver_type", read=values.receiver),
    "station": field("receiver", "tagblock_station"),
    "name": field("shipname"),
    "callsign": field("callsign"),
    "imo": field("imo", read=values.imo_number),
    "ship_type": field("shiptype", read=values.ship_type),
    "length_m": layout.number("length"),
    "beam_m": layout.number("width"),
    "draught_m": layout.number("draught"),
    "destination": field("destination"),
    "eta": field("eta"),
    "bow": layout.number("to_bow"),
    "stern": layout.number("to_stern"),
    "port": layout.number("to_port"),
    "starboard": layout.number("to_starboard"),
}

MESSAGES = TableFormat(
    "gfw",
    "Global Fishing Watch messages, CSV",
    "ssvid, timestamp, lat, lon; speed or speed_knots, type, receiver_type, receiver where told",
    Layout(
        {
            "mmsi": layout.mmsi("ssvid"),
            "latitude": layout.number("lat", is_required=True),
            "longitude": layout.number("lon", is_required=True),
            **FIELDS,
        },
        marks=frozenset(
            ("ssvid", "seg_id", "msgid", "gap_id", "receiver_type", "speed_knots", "nnet_score")
        ),
        marks_needed=1,
    ),
)

MESSAGES_JSON = RecordFormat(
    "gfw_json",
    "Global Fishing Watch or gpsd messages, JSON",
    "ssvid or mmsi, timestamp, lat, lon",
    Layout(
        {
            "mmsi": layout.mmsi("ssvid", "mmsi"),
            "latitude": layout.number("lat"),
            "longitude": layout.number("lon"),
            **FIELDS,
        },
        marks=frozenset(("lat", "lon")),
        marks_needed=2,
    ),
)

CHUNK_BYTES = 1024 * 1024
LONGEST_LIST = 64 * 1024

# The first byte of a map in msgpack: up to 15 pairs, or 16 and 32 bits of length.
MAP_STARTS = (*range(0x80, 0x90), 0xDE, 0xDF)


@dataclass(frozen=True)
class PackedFormat:
    """gpsdio messages as a stream of msgpack maps; see base.FeedFormat."""

    name: str
    title: str
    needs: str
    records: RecordFormat

    def recognises(self, head: bytes) -> bool:
        """Say whether the first maps are messages with a position."""
        if not head or head[0] not in MAP_STARTS:
            return False
        objects = itertools.islice(unpack(io.BytesIO(head)), RECOGNISED_BY)
        try:
            return self.records.fits([found.value for found in objects if found.value])
        except RawFileError:
            return False

    def read(self, stream: BinaryIO, batch_rows: int) -> Iterator[Batch]:
        """Yield one report per map; one cut off at the end is malformed.

        Raises:
            RawFileError: what follows a map is none, so that nothing behind it can be found.
        """
        return read_records(self.records, unpack(stream), batch_rows)


def unpack(stream: BinaryIO) -> Iterator[Record]:
    """Yield the msgpack maps of the stream, their texts as JSON."""
    unpacker = msgpack.Unpacker(
        strict_map_key=False,
        unicode_errors="replace",
        # A list of 100 million is made at its announcement, before any of it is read.
        max_array_len=LONGEST_LIST,
        max_map_len=LONGEST_LIST,
    )
    fed = end = 0
    try:
        while chunk := stream.read(CHUNK_BYTES):
            fed += len(chunk)
            unpacker.feed(chunk)
            for value in unpacker:
                if not isinstance(value, dict):
                    raise RawFileError(f"gpsdio messages in msgpack: no message at byte {end}")
                message = {str(key): one for key, one in value.items()}
                yield Record(message, as_text(message) or "")
                end = unpacker.tell()
    except (TypeError, ValueError, msgpack.exceptions.UnpackException) as error:
        raise RawFileError(f"gpsdio messages in msgpack: unreadable from byte {end} on") from error
    if end < fed:
        yield Record(None, f"{fed - end} bytes that are no whole message")


GPSDIO = PackedFormat(
    "gpsdio",
    "gpsdio messages, msgpack",
    "mmsi, timestamp, lat, lon",
    MESSAGES_JSON,
)
