r"""Time and station of each line of an NMEA log.

Where a sentence's time may stand, in the order they are believed:

1. `\s:STATION,c:EPOCH*hh\` tag block before it, seconds to nanoseconds since 1970;
2. `,rSTATION,EPOCH` after its checksum (US Coast Guard). Of two epochs the one just after the
   station is taken: it is the station's own logger, the second a later copier (in the published
   examples it agrees with the receiver's clock `t...` to seconds, the second is a minute off);
3. `2012-11-07 22:30:33|MMSI|LAT|LON|` (SpaceQuest, UTC), an ISO time that says UTC, or an epoch
   whose count of digits says its unit, before the sentence;
4. the first line of its tag group, `\g:1-2-7218,s:..,c:..*hh\` or `\1G2:7218,..\`;
5. the `$PGHP` line directly before it, tag blocks on a line of their own left aside.

All are times of reception. No other line lends its time: a receiver's `$GPZDA` or `$GPRMC` says
when that line was sent, and a log may hold sentences back or merge receivers.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from pipeline.feeds.instants import INSTANT, within_calendar
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
# The usual tag, whole: one anchored search tells station and time.
PLAIN_TAG = r"^\\(?:g:\d+-\d+-\d+,)?s:([^,*\\]+),c:([^,*\\]*)\*[0-9A-Fa-f]{2}\\$"
TAG_TIME = r"(?:,c:|\\c:)([^,*\\]*)"
TAG_STATION = r"(?:,s:|\\s:)([^,*\\]+)"
IS_GROUPED = r"[,\\](?:g:|\dG)"
IS_FIRST = r"^\\(?:[^\\]*,)?(?:g:1-|1G)"
TAG_GROUP = r"[,\\](?:g:(\d+)-(\d+)-([^,*\\]+)|(\d+)G(\d+):([^,*\\]+))"

TAIL_TIME = r",(\d{9,}(?:\.\d+)?)(?:[,\s]|$)"
TAIL_STATION = r",([rRbBD][A-Za-z0-9_-]*)(?:[,\s]|$)"
LEAD_EPOCH = r"^\s*(\d{10}\.\d+|\d{10}|\d{13}|\d{16}|\d{19})[\s,;|]+(?:\\|$)"
LEAD_ISO = (
    r"^\s*(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d(?:\.\d+)?)"
    r"(?:(?:Z|\+00:?00| ?UTC)[\s,;|]+(?:\\|$)|\|\d+\|[-\d.]+\|[-\d.]+\|$)"
)

PGHP = (
    r"^\$(PGHP,\d+,(\d+),(\d+),(\d+),(\d+),(\d+),(\d+),(\d+),[^,*]*,[^,*]*,([^,*]*),[^,*]*,"
    r"([0-9A-Fa-f]{2}))\*([0-9A-Fa-f]{2})"
)
PGHP_FIELDS = [
    "body",
    "year",
    "month",
    "day",
    "hour",
    "minute",
    "second",
    "millisecond",
    "pghp_station",
    "pghp_seal",
    "checksum",
]
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
    lines = lines.with_columns(_tag_before(pl.col("lead")).alias("tag"))
    lines = lines.with_columns(
        (pl.col("start") + pl.col("lead").str.len_bytes() - pl.col("tag").str.len_bytes())
        .cast(pl.Int64)
        .alias("tag_start"),
    )
    lines = _with_tag(lines, block).with_columns(pl.col("is_sound") & pl.col("is_tag_sound"))
    lines = _with_untagged_time(lines)
    lines = _with_group_time(lines, block, context)
    return _with_pghp(lines, block, context)


def instants(epochs: pl.Series) -> pl.Series:
    """Return UTC instants of epochs as text; seconds to nanoseconds by their size.

    Null where a text is no number. Seconds reach the year 5138, milliseconds begin in 1973.
    """
    whole, broken = pl.col("whole"), pl.col("broken")
    microseconds = (
        pl.when(whole < 10**11)
        .then(whole * 1_000_000)
        .when(whole < 10**14)
        .then(whole * 1_000)
        .when(whole < 10**17)
        .then(whole)
        .when(whole.is_not_null())
        .then(whole // 1_000)
        .when(broken < 10**11)
        .then((broken * 1e6).round().cast(pl.Int64, strict=False))
        .when(broken < 10**14)
        .then((broken * 1e3).round().cast(pl.Int64, strict=False))
    )
    numbers = pl.DataFrame({"text": epochs}).select(
        pl.col("text").cast(pl.Int64, strict=False).alias("whole"),
        pl.col("text").cast(pl.Float64, strict=False).alias("broken"),
    )
    return numbers.select(
        pl.when(broken >= 0).then(microseconds).cast(pl.Datetime("us")).alias("instant")
    ).to_series()


def _tag_before(lead: pl.Expr) -> pl.Expr:
    """Return the tag blocks in what stands before a sentence; null where there are none."""
    backslash = "\\"
    is_all_tag = lead.str.starts_with(backslash) & lead.str.ends_with(backslash)
    after_time = lead.str.extract(TAG_AFTER_TIME)
    return pl.when(is_all_tag).then(lead).when(lead != "").then(after_time)


def _with_tag(lines: pl.DataFrame, block: bytes) -> pl.DataFrame:
    """Add what the column `tag` says: is_tag_sound, time, is_time_bad, station, is_grouped."""
    tag = lines["tag"]
    station, epoch = _read_tags(tag)
    time = instants(epoch)
    return lines.with_columns(
        is_tag_sound(lines, block).alias("is_tag_sound"),
        time.alias("time"),
        (epoch.is_not_null() & time.is_null()).alias("is_time_bad"),
        station.alias("station"),
        tag.str.contains(IS_GROUPED).alias("is_grouped"),
    )


def _read_tags(tag: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Return station and epoch, as text, of tag blocks; null where they name none."""
    plain = tag.str.extract_groups(PLAIN_TAG).struct.unnest()
    station, epoch = plain["1"], plain["2"]
    odd = (station.is_null() & tag.is_not_null()).arg_true()
    others = tag.gather(odd)
    return (
        station.scatter(odd, others.str.extract(TAG_STATION)),
        epoch.scatter(odd, others.str.extract(TAG_TIME)),
    )


def _with_untagged_time(lines: pl.DataFrame) -> pl.DataFrame:
    """Fill time, is_time_bad and station from what stands after and before the sentence."""
    tail, lead = lines["tail"], lines["lead"]
    says_nothing = (lead == "") | lead.eq_missing(lines["tag"])
    if says_nothing.all() and not tail.str.contains(",", literal=True).any():
        return lines
    iso = (
        lead.str.extract_groups(LEAD_ISO)
        .struct.unnest()
        .select(pl.concat_str("1", "2", separator=" "))
        .to_series()
    )
    iso_time = within_calendar(
        iso.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False)
    )
    tail_time = instants(tail.str.extract(TAIL_TIME))
    lead_time = instants(lead.str.extract(LEAD_EPOCH))
    return lines.with_columns(
        pl.coalesce(pl.col("time"), tail_time, lead_time, iso_time).alias("time"),
        pl.col("is_time_bad") | (iso.is_not_null() & iso_time.is_null()),
        pl.coalesce(pl.col("station"), tail.str.extract(TAIL_STATION)).alias("station"),
    )


def _with_group_time(lines: pl.DataFrame, block: bytes, context: Context) -> pl.DataFrame:
    """Give the lines of a tag group without a time that of its first line, and its station."""
    is_first = pl.col("group_part") == 1
    grouped = _groups(lines)
    heads = pl.concat([grouped, _groups(_first_lines_of_others(lines, block))]).filter(is_first)
    heads = heads.select(
        "row",
        "group_id",
        "group_total",
        pl.col("time").alias("head_time"),
        pl.col("station").alias("head_station"),
    )
    heads = pl.concat([context.heads, heads.sort("row")])
    context.heads = heads.filter(pl.col("row") >= context.next_row - REACH_LINES)
    followers = grouped.filter(~is_first & pl.col("time").is_null())
    if followers.is_empty():
        return lines
    lent = followers.select("row", "group_id", "group_total").join_asof(
        heads,
        on="row",
        by=["group_id", "group_total"],
        tolerance=REACH_LINES,
        check_sortedness=False,
    )
    lent = lent.select("row", "head_time", "head_station")
    return lines.join(lent, on="row", how="left", maintain_order="left").with_columns(
        pl.coalesce("time", "head_time").alias("time"),
        pl.coalesce("station", "head_station").alias("station"),
    )


def _groups(tagged: pl.DataFrame) -> pl.DataFrame:
    """Return row, time, station and tag group of the lines that are in one."""
    grouped = tagged.filter(pl.col("is_grouped") & pl.col("is_tag_sound"))
    fields = grouped["tag"].str.extract_groups(TAG_GROUP).struct.unnest()
    return grouped.select("row", "time", "station").hstack(
        fields.select(
            pl.coalesce("1", "4").cast(pl.Int64, strict=False).alias("group_part"),
            pl.coalesce("2", "5").alias("group_total"),
            pl.coalesce("3", "6").alias("group_id"),
        )
    )


def _first_lines_of_others(lines: pl.DataFrame, block: bytes) -> pl.DataFrame:
    """Return the first lines of tag groups that are no AIS sentence, with their tags read."""
    others = lines.filter(~pl.col("is_ais") & pl.col("text").str.starts_with("\\"))
    firsts = others.filter(pl.col("text").str.contains(IS_FIRST))
    tag = pl.col("text").str.extract(TAG_OF_ANY).alias("tag")
    return _with_tag(firsts.select("row", pl.col("start").alias("tag_start"), tag), block)


def _with_pghp(lines: pl.DataFrame, block: bytes, context: Context) -> pl.DataFrame:
    """Add the $PGHP directly before each line; tag blocks on a line of their own are passed."""
    own = _read_pghp(lines.filter(pl.col("text").str.starts_with("$PGHP,")), block)
    if own.is_empty() and context.pghp["pghp_seal"].is_null().all():
        nothing = (pl.lit(None, dtype).alias(name) for name, dtype in PGHP_SCHEMA.items())
        return lines.with_columns(nothing)
    acting = (
        lines.filter(~pl.col("text").str.contains(TAG_ALONE))
        .select("row")
        .join(own, on="row", how="left", maintain_order="left")
    )
    offered = pl.concat([context.pghp, acting.drop("row")])
    context.pghp = offered.tail(1)
    before = acting.select("row").hstack(offered.head(acting.height))
    return lines.join(before, on="row", how="left", maintain_order="left")


def _read_pghp(lines: pl.DataFrame, block: bytes) -> pl.DataFrame:
    """Return row, time, base station and seal of $PGHP lines whose own checksum holds."""
    fields = lines.select(
        "row",
        "start",
        pl.col("text").str.extract_groups(PGHP).struct.rename_fields(PGHP_FIELDS).struct.unnest(),
    )
    expected = fields.select(hexadecimal("checksum")).to_series()
    is_right = checksums(block, fields["start"] + 1, fields["body"]) == expected
    day = pl.concat_str("year", "month", "day", separator="-")
    clock = pl.concat_str("hour", "minute", "second", separator=":")
    fraction = pl.concat_str(pl.lit("."), pl.col("millisecond").str.pad_start(3, "0"))
    return fields.filter(is_right).select(
        "row",
        pl.concat_str(day, pl.lit(" "), clock, fraction)
        .str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False)
        .map_batches(within_calendar, return_dtype=INSTANT)
        .alias("pghp_time"),
        pl.when(pl.col("pghp_station") != "").then(pl.col("pghp_station")).alias("pghp_station"),
        hexadecimal("pghp_seal"),
    )
