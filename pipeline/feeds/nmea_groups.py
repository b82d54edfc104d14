"""Parts of multi-part AIS messages to whole messages.

Parts belong together when talker, number of parts, sequence number, channel and station agree and
they come in order; a part without a station fits any. A new part 1 closes the group before it,
and so do REACH_LINES lines: a group that waits longer would take a stranger's part.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from operator import xor
from typing import Any, NamedTuple

import polars as pl

from pipeline.feeds.nmea_times import REACH_LINES

MESSAGE_SCHEMA = {
    "row": pl.Int64,
    "rows": pl.Int64,
    "text": pl.String,
    "talker": pl.String,
    "payload": pl.String,
    "fill": pl.Int64,
    "checksum": pl.Int64,
    "is_sound": pl.Boolean,
    "is_whole": pl.Boolean,
    "time": pl.Datetime("us"),
    "is_time_bad": pl.Boolean,
    "station": pl.String,
    "pghp_time": pl.Datetime("us"),
    "pghp_station": pl.String,
    "pghp_seal": pl.Int64,
}


class Part(NamedTuple):
    """One sentence of a multi-part message, columns as nmea_lines.read_lines gives them."""

    row: int
    text: str
    talker: str
    total: int
    part: int
    sequence: str
    channel: str
    payload: str
    fill: int
    checksum: int
    is_sound: bool
    time: datetime | None
    is_time_bad: bool
    station: str | None
    pghp_time: datetime | None
    pghp_station: str | None
    pghp_seal: int | None


Key = tuple[str, int, str, str]
Group = list[Part]


@dataclass
class Groups:
    """Groups that wait for parts, by what their parts agree in, oldest first."""

    waiting: dict[Key, list[Group]] = field(default_factory=dict)

    def add(self, part: Part) -> Iterator[Group]:
        """Take one part; yield the groups it completes, closes or cannot join."""
        key = (part.talker, part.total, part.sequence, part.channel)
        groups = self.waiting.setdefault(key, [])
        while groups and is_stale(groups[0], part.row):
            yield groups.pop(0)
        if part.part == 1:
            for group in [group for group in groups if station_of(group) == part.station]:
                groups.remove(group)
                yield group
            groups.append([part])
            return
        fitting = [group for group in groups if is_next(group, part)]
        if not fitting:
            yield [part]
            return
        fitting[-1].append(part)
        if part.part == part.total:
            groups.remove(fitting[-1])
            yield fitting[-1]

    def add_all(self, parts: pl.DataFrame) -> Iterator[Group]:
        """Take the parts of a block, in order, with the columns of nmea_lines.read_lines."""
        for row in parts.select(Part._fields).iter_rows():
            yield from self.add(Part(*row))

    def close(self, row: int | None = None) -> Iterator[Group]:
        """Yield and drop the groups too old to go on at line `row`; all of them without one."""
        waiting = [(key, group) for key, groups in self.waiting.items() for group in groups]
        self.waiting = {}
        for key, group in waiting:
            if row is None or is_stale(group, row):
                yield group
            else:
                self.waiting.setdefault(key, []).append(group)


def is_stale(group: Group, row: int) -> bool:
    """Say whether a part at line `row` comes too late for `group`."""
    return row - group[0].row > REACH_LINES


def station_of(group: Group) -> str | None:
    """Return the first station a part of the group names."""
    first = group[0].station
    if first is not None:
        return first
    return next((part.station for part in group if part.station is not None), None)


def is_next(group: Group, part: Part) -> bool:
    """Say whether `part` is the one `group` waits for."""
    station = station_of(group)
    return part.part == group[-1].part + 1 and (
        station is None or part.station is None or station == part.station
    )


def to_messages(groups: Iterable[Group]) -> pl.DataFrame:
    """Return one row per group, complete or not, columns of MESSAGE_SCHEMA."""
    return pl.DataFrame([to_message(group) for group in groups], schema=MESSAGE_SCHEMA)


def to_message(group: Group) -> dict[str, Any]:
    """Return the message of a group's parts, columns of MESSAGE_SCHEMA; they share its fate.

    The time is that of the first part that has one. A $PGHP stands before the first part and
    seals the message with the exclusive or of the checksums of all parts.
    """
    first = group[0]
    time = next((part.time for part in group if part.time is not None), None)
    return {
        "row": first.row,
        "rows": len(group),
        "text": " ".join(part.text.strip() for part in group),
        "talker": first.talker,
        "payload": "".join(part.payload for part in group),
        "fill": group[-1].fill,
        "checksum": reduce(xor, (part.checksum for part in group)),
        "is_sound": all(part.is_sound for part in group),
        "is_whole": first.part == 1 and group[-1].part == first.total,
        "time": time,
        "is_time_bad": time is None and any(part.is_time_bad for part in group),
        "station": station_of(group),
        "pghp_time": first.pghp_time,
        "pghp_station": first.pghp_station,
        "pghp_seal": first.pghp_seal,
    }
