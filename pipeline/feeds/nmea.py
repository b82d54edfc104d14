r"""NMEA logs of AIS sentences (`!AIVDM`, `!BSVDO`, any talker) to reports.

`timestamp` is the log's time of reception (nmea_times says where it may stand); no dialect has a
time of transmission beside it, so `received_at` stays null. No dialect says whether a ground
station or a satellite heard a message, so `receiver` stays null; message type 27 proves neither.
`station` is the tag block's, the US Coast Guard's or the $PGHP line's base station.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import polars as pl

from pipeline.feeds.ais_payload import decode_payloads
from pipeline.feeds.base import Batch, complete
from pipeline.feeds.nmea_groups import MESSAGE_SCHEMA, Groups, to_messages
from pipeline.feeds.nmea_lines import BYTE_ORDER_MARK, line_blocks
from pipeline.feeds.nmea_times import Context, read_lines

# An AIS sentence with nothing before it but what the dialects put there.
EARLY_SENTENCE = re.compile(rb"^(?:\\[^\\\r\n]*\\|[-+0-9.:;,|TZUC \t])*![^,!*\r\n]{2}VD[MO],", re.M)


@dataclass
class Nmea:
    """The feed format of NMEA logs, see the module."""

    name: str = "nmea"
    title: str = "NMEA log of AIS sentences"
    needs: str = (
        "a time for each message: tag block c:, US Coast Guard suffix, $PGHP line, or UTC or epoch"
        " before the sentence"
    )

    def recognises(self, head: bytes) -> bool:
        """Say whether an AIS sentence stands in the first bytes, as a line of its own."""
        return EARLY_SENTENCE.search(head.removeprefix(BYTE_ORDER_MARK)) is not None

    def read(self, stream: BinaryIO, batch_rows: int) -> Iterator[Batch]:
        """Yield the reports of a log in batches of `batch_rows` physical lines.

        A message that began up to REACH_LINES lines before a batch stands in the batch that
        ends it.
        """
        context, groups = Context(), Groups()
        for block in line_blocks(stream, batch_rows):
            lines = read_lines(block, context)
            ended = groups.take(_parts(lines))
            closed = to_messages(groups.close(context.next_row))
            yield _batch(block, lines, pl.concat([ended, closed]))
        left = to_messages(groups.close())
        if left.height:
            yield _batch(b"", read_lines(b"", context), left)


def _parts(lines: pl.DataFrame) -> pl.DataFrame:
    """Return the lines that are parts of a message of several."""
    return lines.filter((pl.col("total") > 1) & (pl.col("part") <= pl.col("total")))


def _singles(lines: pl.DataFrame) -> pl.DataFrame:
    """Return the lines that are a message of their own, columns of MESSAGE_SCHEMA but the text."""
    return lines.filter((pl.col("total") == 1) & (pl.col("part") == 1)).select(
        "row",
        *(name for name in MESSAGE_SCHEMA if name in lines.columns and name not in ("row", "text")),
        pl.lit(1, pl.Int64).alias("rows"),
        pl.lit(value=True).alias("is_whole"),
    )


def _refused_lines(lines: pl.DataFrame) -> pl.DataFrame:
    """Return row and reason of the lines that are no sentence, or none that can be read."""
    is_odd = pl.col("part") > pl.col("total")
    reason = (
        pl.when(~pl.col("is_ais"))
        .then(pl.lit("not_ais"))
        .when(is_odd & pl.col("is_sound"))
        .then(pl.lit("undecodable"))
        .when(is_odd)
        .then(pl.lit("bad_checksum"))
        .otherwise("reason")
    )
    return lines.select("row", reason.alias("reason")).filter(pl.col("reason").is_not_null())


def _reports(messages: pl.DataFrame) -> pl.DataFrame:
    """Return the messages' reports: payload decoded, time and station settled, reason told."""
    messages = messages.with_columns(
        pl.when(~pl.col("is_sound"))
        .then(pl.lit("bad_checksum"))
        .when(~pl.col("is_whole"))
        .then(pl.lit("incomplete_group"))
        .alias("fault"),
        # A $PGHP whose seal is another's checksum belongs to a sentence the log left out. What a
        # base station says of itself (VDO) is sealed with 00.
        (
            (pl.col("pghp_seal") == pl.col("checksum"))
            | ((pl.col("pghp_seal") == 0) & pl.col("talker").str.ends_with("VDO"))
        )
        .fill_null(value=False)
        .alias("is_sealed"),
    )
    decoded = decode_payloads(messages.filter(pl.col("fault").is_null()))
    pghp_time, pghp_station = (
        pl.when("is_sealed").then(pl.col(name)) for name in ("pghp_time", "pghp_station")
    )
    is_time_bad = pl.col("is_time_bad") | (pl.col("is_sealed") & pl.col("pghp_time").is_null())
    return (
        messages.with_columns(
            pl.coalesce(pl.col("time"), pghp_time).alias("timestamp"),
            pl.coalesce(pl.col("station"), pghp_station).alias("station"),
        )
        .join(decoded, on="row", how="left", maintain_order="left")
        .with_columns(
            pl.coalesce(
                "fault",
                "reason",
                pl.when(pl.col("timestamp").is_null() & is_time_bad)
                .then(pl.lit("bad_time"))
                .when(pl.col("timestamp").is_null())
                .then(pl.lit("no_time")),
            ).alias("reason"),
            pl.col("is_beacon").fill_null(value=False),
        )
    )


def _batch(block: bytes, lines: pl.DataFrame, several: pl.DataFrame) -> Batch:
    """Return the batch of one block of lines and the multi-part messages it ended."""
    messages = pl.concat([_singles(lines), several], how="diagonal")
    reports = pl.concat([complete(_reports(messages)), complete(_refused_lines(lines))])
    reports = reports.sort("row")
    rows, first_row = reports["row"], lines["row"].first()

    def texts(positions: Sequence[int]) -> list[str]:
        together = dict(several.select("row", "text").iter_rows())
        alone = block.split(b"\n")
        return [
            printable(together[row].encode() if row in together else alone[row - first_row])
            for row in rows.gather(list(positions))
        ]

    return Batch(reports, texts)


def printable(line: bytes) -> str:
    """Return a line as text: UTF-8 where it is, control characters and foreign bytes as escapes."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")
        for letter in line.strip().decode("utf-8", "backslashreplace")
    )


NMEA = Nmea()
