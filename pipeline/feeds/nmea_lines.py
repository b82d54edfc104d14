"""Physical lines of an NMEA log to one row per line: sentence, tag block, checksums."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from operator import xor
from typing import BinaryIO

import numpy as np
import polars as pl

CHUNK_BYTES = 1 << 20
# Judgement: NMEA 0183 ends a sentence at 82 characters; what a line has beyond this is not read.
LONGEST_LINE = 64 * 1024
# 200,000 lines of that length would be 13 GB.
LONGEST_BLOCK = 64 * 1024 * 1024
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

# NMEA is ASCII; any other byte becomes one that neither a payload nor a number has.
AS_ASCII = bytes(range(128)) + b"~" * 128

SENTENCE = (
    r"^([^!]*)!(([^,!*]{2}VD[MO]),([1-9]),([1-9]),(\d*),([^,*]*),([^,*]*),([0-5]?))"
    r"\*([0-9A-Fa-f]{2})(.*)"
)
SENTENCE_FIELDS = [
    "lead",
    "body",
    "talker",
    "total",
    "part",
    "sequence",
    "channel",
    "payload",
    "fill",
    "checksum",
    "tail",
]
# An AIS sentence all the same, but cut, run into the next one or otherwise broken.
BROKEN = r"^([^!]*)!([^,!*]{2}VD[MO],[^*]*)(?:\*([0-9A-Fa-f]{2}))?"
BROKEN_FIELDS = ["lead", "body", "checksum"]
COMMENT = r"^\s*#"


def line_blocks(stream: BinaryIO, lines_each: int) -> Iterator[bytes]:
    r"""Yield a log in blocks of `lines_each` whole lines, fewer where they are long or the last.

    Lines end with \n; what a line has beyond LONGEST_LINE is dropped.
    """
    lines: list[bytes] = []
    begun = b""
    size = 0
    for number, chunk in enumerate(iter(lambda: stream.read(CHUNK_BYTES), b"")):
        pieces = (begun + (chunk if number else chunk.removeprefix(BYTE_ORDER_MARK))).split(b"\n")
        if max(map(len, pieces)) > LONGEST_LINE:
            pieces = [piece[:LONGEST_LINE] for piece in pieces]
        begun = pieces.pop()
        lines += pieces
        size += sum(map(len, pieces))
        while len(lines) >= lines_each or size > LONGEST_BLOCK:
            block = b"\n".join(lines[:lines_each]) + b"\n"
            del lines[:lines_each]
            size = sum(map(len, lines))
            yield block
    if begun:
        lines.append(begun)
    if lines:
        yield b"\n".join(lines) + b"\n"


def split_lines(block: bytes, first_row: int) -> pl.DataFrame:
    r"""Return row, start (first byte in the block) and text of each line of `block`.

    A \r before the \n stays in the text; bytes beyond ASCII become ~, so that bytes and
    characters count alike.
    """
    plain = block if block.isascii() else block.translate(AS_ASCII)
    texts = plain.decode("ascii").split("\n")[:-1]
    length = pl.col("text").str.len_bytes().cast(pl.Int64) + 1
    return pl.DataFrame({"text": texts}, schema={"text": pl.String}).select(
        pl.int_range(first_row, first_row + pl.len(), dtype=pl.Int64).alias("row"),
        (length.cum_sum() - length).alias("start"),
        "text",
    )


def with_sentence(lines: pl.DataFrame, block: bytes) -> pl.DataFrame:
    """Add what each line of split_lines says as an AIS sentence.

    lead, talker, total, part, sequence, channel, payload, fill, checksum and tail (what follows
    the checksum) of a whole sentence, else null; is_ais (a sentence, whole or broken); is_sound
    (its checksum holds); reason, why a broken one is refused: `bad_checksum`, or `undecodable`
    where its checksum holds.
    """
    lines = lines.hstack(_fields(lines["text"], SENTENCE, SENTENCE_FIELDS))
    is_whole = lines["body"].is_not_null()
    odd = lines.filter(~is_whole).select("row", "start", "text")
    odd = odd.filter(pl.col("text").str.contains(r"VD[MO],"))
    odd = odd.hstack(_fields(odd["text"], BROKEN, BROKEN_FIELDS)).filter(
        pl.col("body").is_not_null()
    )
    broken = odd.select(
        "row",
        pl.when(_is_right(odd, block))
        .then(pl.lit("undecodable"))
        .otherwise(pl.lit("bad_checksum"))
        .alias("reason"),
    )
    return (
        lines.join(broken, on="row", how="left", maintain_order="left")
        .select(
            pl.exclude("body"),
            (is_whole | pl.col("reason").is_not_null()).alias("is_ais"),
            _is_right(lines, block).alias("is_sound"),
        )
        .with_columns(
            hexadecimal("checksum"),
            pl.col("total", "part").cast(pl.Int64),
            pl.col("fill").cast(pl.Int64, strict=False).fill_null(0),
        )
    )


def _fields(texts: pl.Series, pattern: str, names: list[str]) -> pl.DataFrame:
    """Return the groups of `pattern` by name; all null where a text does not match or is a comment.

    The first group is what stands before the sentence.
    """
    fields = texts.str.extract_groups(pattern).struct.rename_fields(names)
    is_comment = fields.struct.field(names[0]).str.contains(COMMENT)
    if is_comment.any():
        fields = fields.set(is_comment, None)
    return fields.struct.unnest()


def _is_right(sentences: pl.DataFrame, block: bytes) -> pl.Series:
    """Say whether body and checksum agree; null where one is missing."""
    starts = sentences["start"] + sentences["lead"].str.len_bytes() + 1
    expected = sentences["checksum"].str.to_integer(base=16, strict=False, dtype=pl.Int64)
    return checksums(block, starts, sentences["body"]) == expected


def hexadecimal(name: str) -> pl.Expr:
    """Return a column of hexadecimal digits as numbers; null where they are none."""
    return pl.col(name).str.to_integer(base=16, strict=False, dtype=pl.Int64)


def checksums(block: bytes, starts: pl.Series, texts: pl.Series) -> pl.Series:
    """Return the exclusive or of the bytes of each text, at `starts` in `block`; null for null."""
    ranges = pl.DataFrame({"start": starts, "length": texts.str.len_bytes().cast(pl.Int64)})
    present = ranges.with_row_index("place").filter(pl.col("length") > 0)
    # reduceat takes every two neighbours for a range; every other result lies between two texts.
    edges = present.select("start", end=pl.col("start") + pl.col("length")).to_numpy().ravel()
    sums = np.zeros(len(texts), dtype=np.int64)
    if edges.size:
        characters = np.frombuffer(block, dtype=np.uint8)
        sums[present["place"].to_numpy()] = np.bitwise_xor.reduceat(characters, edges)[::2]
    return pl.Series(sums).set(texts.is_null(), None)


def is_tag_sound(tags: pl.DataFrame, block: bytes) -> pl.Series:
    r"""Say of each `tag`, which begins at `tag_start`, whether the checksums it carries hold.

    True where it carries none. One block ends with *hh\; anything else is looked at by itself.
    """
    tag = tags["tag"]
    is_plain = (tag.str.slice(-4, 1) == "*") & ~tag.str.contains("\\\\", literal=True)
    inside = tag.str.slice(1, tag.str.len_bytes() - 5)
    expected = tag.str.slice(-3, 2).str.to_integer(base=16, strict=False, dtype=pl.Int64)
    sound = (checksums(block, tags["tag_start"] + 1, inside) == expected).set(~is_plain, True)
    odd = (~is_plain & tag.str.contains("*", literal=True)).arg_true()
    sound.scatter(
        odd, pl.Series([_are_blocks_sound(tag[place]) for place in odd], dtype=pl.Boolean)
    )
    return sound.fill_null(value=True)


def _are_blocks_sound(tag: str) -> bool:
    """Say whether each block of a tag of several has the checksum it carries."""
    for inside, star, expected in (block.rpartition("*") for block in tag.split("\\")):
        try:
            if star and reduce(xor, inside.encode("ascii"), 0) != int(expected, 16):
                return False
        except ValueError:
            return False
    return True
