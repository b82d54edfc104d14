r"""Canonical rows as NMEA sentences with tag blocks: `\s:STATION,c:EPOCH*hh\!AIVDM,...*hh`.

All messages of a type have one layout, so a layout is filled for all its rows at once: numbers to
bits, six bits to a character (ITU-R M.1371-5; pyais writes some 19,000 sentences a second, this
ten times as many; the tests compare the two). `c:` is the instant the report was heard; when it
arrived is told by the order of the lines alone, and whether a satellite heard it by the station's
name and the feed.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipeline.simulate.nmea_messages import MESSAGES, Fields

ARMOUR = np.frombuffer(
    "".join(chr(48 + six if six < 40 else 56 + six) for six in range(64)).encode(), np.uint8
)
PLACES = np.array([32, 16, 8, 4, 2, 1], np.uint8)
# A sentence is 82 characters at most: what this leaves for the payload (NMEA 0183).
PART_CHARACTERS = 60
# Numbers that tell messages of two parts apart: one digit in the sentence, four in the tag block.
SEQUENCES, GROUPS = 10, 10_000
NOT_IN_TAG = r"[^A-Za-z0-9_.-]"


def nmea_lines(rows: pl.DataFrame, first_row: int = 0) -> list[str]:
    r"""Return the physical lines of canonical rows, in their order, without line ends.

    A static report of class A is one message in two sentences, of class B two messages; any other
    row is one sentence.

    Args:
        rows: canonical rows, categories as texts, `message_type` never null.
        first_row: number of the first row in its file; numbers the messages of two parts.
    """
    numbered = rows.with_row_index("row", offset=first_row).with_columns(
        pl.col("station").str.replace_all(NOT_IN_TAG, "_").fill_null("none")
    )
    parts: list[pl.DataFrame] = []
    for (message_type,), some in numbered.partition_by("message_type", as_dict=True).items():
        for place, write_fields in enumerate(MESSAGES[int(message_type)]):
            payloads, fill_bits = armour(write_fields(some), some.height)
            parts += _sentences(some, payloads, fill_bits, place)
    if not parts:
        return []
    return pl.concat(parts).sort("row", "place")["line"].to_list()


def armour(fields: Fields, height: int) -> tuple[pl.Series, int]:
    """Return the payloads of messages with these fields, and how many bits fill the last character.

    A value wider than its field loses its highest bits; a negative one is two's complement.
    """
    width = sum(bits for _, bits in fields)
    fill_bits = -width % 6
    bits = np.zeros((height, width + fill_bits), np.uint8)
    at = 0
    for values, count in fields:
        shifts = np.arange(count - 1, -1, -1)
        bits[:, at : at + count] = (np.asarray(values, np.int64).reshape(-1, 1) >> shifts) & 1
        at += count
    sixes = (bits.reshape(height, -1, 6) * PLACES).sum(axis=2, dtype=np.uint8)
    letters = ARMOUR[sixes]
    payloads = pl.Series(letters.view(f"S{letters.shape[1]}").ravel(), dtype=pl.Binary)
    return payloads.cast(pl.String), fill_bits


def _sentences(
    rows: pl.DataFrame, payloads: pl.Series, fill_bits: int, place: int
) -> list[pl.DataFrame]:
    """Return row, place among the row's lines, and line, of messages in one sentence or more.

    The parts of a message are a tag group, whose first line alone has station and instant.
    """
    characters = payloads.str.len_bytes().max()
    assert isinstance(characters, int)
    total = -(-characters // PART_CHARACTERS)
    heard = pl.format("s:{},c:{}", "station", pl.col("timestamp").dt.epoch("s"))
    sequence = (pl.col("row") % SEQUENCES).cast(pl.String) if total > 1 else pl.lit("")
    frames: list[pl.DataFrame] = []
    for part in range(1, total + 1):
        group = pl.format(f"g:{part}-{total}-{{}}", pl.col("row") % GROUPS)
        tag = heard if total == 1 else pl.format("{},{}", group, heard) if part == 1 else group
        piece = payloads.str.slice((part - 1) * PART_CHARACTERS, PART_CHARACTERS)
        fill = fill_bits if part == total else 0
        body = pl.format(f"AIVDM,{total},{part},{{}},A,{{}},{fill}", sequence, piece)
        made = rows.select("row", tag=tag, body=body)
        sealed = pl.format(
            "\\{}*{}\\!{}*{}", "tag", checksums(made["tag"]), "body", checksums(made["body"])
        )
        frames.append(made.select("row", pl.lit(2 * place + part).alias("place"), line=sealed))
    return frames


def checksums(texts: pl.Series) -> pl.Series:
    """Return the exclusive or of the bytes of each text, none of them empty, as two hex digits."""
    characters = np.frombuffer(texts.str.join("").item().encode("ascii"), np.uint8)
    lengths = texts.str.len_bytes().to_numpy().astype(np.int64)
    sums = np.bitwise_xor.reduceat(characters, np.cumsum(lengths) - lengths)
    return pl.Series([f"{number:02X}" for number in range(256)]).gather(sums)
