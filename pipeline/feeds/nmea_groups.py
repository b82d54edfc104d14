"""Parts of multi-part AIS messages to whole messages.

Parts belong together when talker, number of parts, sequence number, channel and station agree and
they come in order; a part without a station fits any. A new part 1 closes the group before it,
and so do REACH_LINES lines: a group that waits longer would take a stranger's part.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
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


KEY = ("talker", "total", "sequence", "channel")
Key = tuple[str, int, str, str]
Group = list[Part]
# What `str.strip` removes.
BLANKS = "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)


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

    def take(self, parts: pl.DataFrame) -> pl.DataFrame:
        """Take the parts of a block, in order; return the messages that end in it.

        Args:
            parts: with the columns of nmea_lines.read_lines.

        Returns:
            Complete or not, columns of MESSAGE_SCHEMA, those in pairs first.
        """
        pairs, others = part_pairs(parts, [key for key, groups in self.waiting.items() if groups])
        rows = others.select(Part._fields).iter_rows()
        closed = [group for row in rows for group in self.add(Part(*row))]
        return pl.concat([pairs, to_messages(closed)])

    def close(self, row: int | None = None) -> Iterator[Group]:
        """Yield and drop the groups too old to go on at line `row`; all of them without one."""
        waiting = [(key, group) for key, groups in self.waiting.items() for group in groups]
        self.waiting = {}
        for key, group in waiting:
            if row is None or is_stale(group, row):
                yield group
            else:
                self.waiting.setdefault(key, []).append(group)


def part_pairs(parts: pl.DataFrame, waiting: Sequence[Key]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the messages of two parts that follow each other, and the parts left for `add`.

    Most messages are such. Of a key whose parts come in pairs throughout, and for which no group
    waits, `add` would make the same messages part by part.

    Args:
        parts: in order, with the columns of nmea_lines.read_lines.
        waiting: keys for which groups wait.
    """
    sorted_parts = parts.filter(pl.col("total") == 2).sort(*KEY, "row")
    number = pl.int_range(pl.len()).over(KEY)
    before = {name: pl.col(name).shift(1) for name in ("row", "station")}
    is_first = number % 2 == 0
    is_far = pl.col("row") - before["row"] > REACH_LINES
    is_elsewhere = (pl.col("station") != before["station"]).fill_null(value=False)
    is_odd = (
        (pl.col("part") != number % 2 + 1)
        | (is_first & (number == pl.len().over(KEY) - 1))
        | (~is_first & (is_far | is_elsewhere))
    )
    paired = sorted_parts.filter(~is_odd.any().over(KEY))
    if waiting:
        schema = {name: parts.schema[name] for name in KEY}
        keys = pl.DataFrame(list(waiting), schema=schema, orient="row")
        paired = paired.join(keys, on=KEY, how="anti", maintain_order="left")
    if paired.is_empty():
        return pl.DataFrame(schema=MESSAGE_SCHEMA), parts
    return _join_pairs(paired), parts.join(paired, on="row", how="anti", maintain_order="left")


def _join_pairs(paired: pl.DataFrame) -> pl.DataFrame:
    """Return the messages of parts that stand in pairs, columns of MESSAGE_SCHEMA."""
    stripped = paired.with_columns(pl.col("text").str.strip_chars(BLANKS))
    first, second = stripped.gather_every(2), stripped.gather_every(2, offset=1)
    both = pl.concat([first, second.select(pl.all().name.prefix("next_"))], how="horizontal")
    time = pl.coalesce("time", "next_time")
    made = both.with_columns(
        pl.concat_str("text", "next_text", separator=" "),
        pl.col("payload") + pl.col("next_payload"),
        pl.col("next_fill").alias("fill"),
        pl.col("checksum") ^ pl.col("next_checksum"),
        pl.col("is_sound") & pl.col("next_is_sound"),
        time,
        pl.coalesce("station", "next_station"),
        rows=pl.lit(2, pl.Int64),
        is_whole=pl.lit(value=True),
        is_time_bad=time.is_null() & (pl.col("is_time_bad") | pl.col("next_is_time_bad")),
    )
    return made.select(pl.col(name).cast(dtype) for name, dtype in MESSAGE_SCHEMA.items())


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
