r"""Time and station of each line of an NMEA log.

Where a sentence's time may stand, in the order they are believed:

1. `\s:STATION,c:EPOCH*hh\` tag block before it, seconds to nanoseconds since 1970;
2. `,rSTATION,EPOCH` after its checksum (US Coast Guard). Of two epochs the one just after the
   station is taken: it is the station's own logger, the second a later copier (in the published
   examples it agrees with the receiver's clock `t...` to seconds, the second is a minute off);
3. `2012-11-07 22:30:33|...|` (SpaceQuest, UTC), an ISO time that says UTC, or an epoch whose
   count of digits says its unit, before the sentence;
4. the first line of its tag group, `\g:1-2-7218,s:..,c:..*hh\` or `\1G2:7218,..\`;
5. the `$PGHP` line directly before it, tag blocks on a line of their own left aside.

All are times of reception. No other line lends its time: a receiver's `$GPZDA` or `$GPRMC` says
when that line was sent, and a log may hold sentences back or merge receivers.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from pipeline.feeds.nmea_lines import (
    checksums,
    hexadecimal,
    is_tag_sound,
    split_lines,
    with_sentence,
)

# Judgement: parts of a group stand 3 lines apart at most in the logs we have; a national network
# writes 3,000 lines a second, and all parts are sent within 0.14 s.
REACH_LINES = 200

TAG_AFTER_TIME = r"(\\.*\\)\s*$"
TAG_OF_ANY = r"^(\\[^\\]*\\)"
TAG_ALONE = r"^\s*\\[^\\]*\\\s*$"
TAG_TIME = r"(?:,c:|\\c:)([^,*\\]*)"
TAG_STATION = r"(?:,s:|\\s:)([^,*\\]+)"
TAG_GROUP = r"[,\\](?:g:(\d+)-(\d+)-([^,*\\]+)|(\d+)G(\d+):([^,*\\]+))"

TAIL_TIME = r",(\d{9,}(?:\.\d+)?)(?:[,\s]|$)"
TAIL_STATION = r",([rRbBD][A-Za-z0-9_-]*)(?:[,\s]|$)"
LEAD_EPOCH = r"^\s*(\d{10}\.\d+|\d{10}|\d{13}|\d{16}|\d{19})[\s,;|]+(?:\\|$)"
LEAD_ISO = (
    r"^\s*(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d(?:\.\d+)?)"
    r"(?:(?:Z|\+00:?00| ?UTC)[\s,;|]+(?:\\|$)|\|)"
)

PGHP = (
    r"^\$(PGHP,\d+,(\d+),(\d+),(\d+),(\d+),(\d+),(\d+),(\d+),[^,*]*,[^,*]*,([^,*]*),[^,*]*,"
    r"([0-9A-Fa-f]{2}))\*([0-9A-Fa-f]{2})"
)
PGHP_FIELDS = (
    "body year month day hour minute second millisecond pghp_station pghp_seal checksum".split()
)
PGHP_SCHEMA = {
    "pghp_time": pl.Datetime("us"),
    "pghp_station": pl.String,
    "pghp_seal": pl.Int64,
}
HEAD_SCHEMA = {
    "row": pl.Int64,
    "group_id": pl.String,
    "group_total": pl.String,
    "head_time": pl.Datetime("us"),
    "head_station": pl.String,
}


@dataclass
class Context:
    """What the lines read so far lend to the next ones.

    Attributes:
        next_row: number of the next line.
        heads: first lines of tag groups among the last REACH_LINES lines.
        pghp: the $PGHP that the next sentence may belong to; all null where there is none.
    """

    next_row: int = 1
    heads: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=HEAD_SCHEMA))
    pghp: pl.DataFrame = field(
        default_factory=lambda: pl.DataFrame(dict.fromkeys(PGHP_SCHEMA), schema=PGHP_SCHEMA)
    )


def read_lines(block: bytes, context: Context) -> pl.DataFrame:
    """Return one row per physical line of `block`; `context` is moved on to the line after them.

    Beside the columns of nmea_lines.with_sentence: is_sound minds the tag block's checksum too;
    time (UTC), is_time_bad (a time is there and cannot be read), station; pghp_time, pghp_station
    and pghp_seal of the $PGHP before it, whose seal is the checksum of the message it belongs to.
    """
    lines = with_sentence(split_lines(block, context.next_row), block)
    context.next_row += lines.height
    lines = with_tag(lines, block)
    lines = with_group_time(lines, block, context)
    return with_pghp(lines, block, context)


def instants(epochs: pl.Expr) -> pl.Expr:
    """Return UTC instants of epochs as text; seconds to nanoseconds by their size.

    Null where a text is no number. Seconds reach the year 5138, milliseconds begin in 1973.
    """
    whole = epochs.cast(pl.Int64, strict=False)
    microseconds = (
        pl.when(whole < 10**11)
        .then(whole * 1_000_000)
        .when(whole < 10**14)
        .then(whole * 1_000)
        .when(whole < 10**17)
        .then(whole)
        .otherwise(whole // 1_000)
    )
    return pl.when(whole >= 0).then(microseconds).cast(pl.Datetime("us"))
