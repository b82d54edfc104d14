"""Armoured AIS payloads to columns, a whole batch at a time.

Every type that carries a position or static data has a fixed layout, so each layout is read for
all its messages at once: characters to six-bit numbers, neighbouring numbers to a field. pyais is
what the tests compare every field with.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipeline.feeds.ais_layouts import COARSE, LAYOUTS, STATIC_B_SHIP, USED_TYPES, Layout

HIGHEST_TYPE = 28  # ITU-R M.1371-6 added the last one
ARMOUR = [chr(48 + six) if six < 40 else chr(56 + six) for six in range(64)]
UNARMOUR = bytes.maketrans("".join(ARMOUR).encode("ascii"), bytes(range(64)))
NOT_A_PAYLOAD = r"[^0-W`-w]"

COORDINATES = {"longitude", "latitude"}
AS_SENT = ("mmsi", "nav_status", "heading", "longitude", "latitude")

# A message whose sender or logger miscounted the fill bits still has the right characters.
FILL_SLACK_BITS = 5


def decode_payloads(messages: pl.DataFrame) -> pl.DataFrame:
    """Return one row per message: its `row`, `message_type`, fields and `reason`.

    Columns and units are those of schema.Reports; columns no message carries are missing.
    `reason` is `undecodable` where the payload is empty, has a character outside the armour or
    a length its type cannot have, or names a type nobody defined; `other_message` where the type
    carries neither position nor static data; else null.

    Args:
        messages: `row`, `payload` (text) and `fill` (bits to drop at its end).
    """
    typed = messages.select(
        "row",
        "payload",
        (pl.col("payload").str.len_bytes().cast(pl.Int64) * 6 - pl.col("fill")).alias("bits"),
        _character(0).alias("message_type"),
        pl.col("payload").str.contains(NOT_A_PAYLOAD).alias("is_foreign"),
    ).with_columns(
        pl.when(pl.col("message_type") == 24)
        .then((_character(6) // 4) % 4)
        .otherwise(0)
        .alias("part_number"),
    )
    typed = typed.with_columns(_reason().alias("reason"))
    refused = typed.filter(pl.col("reason").is_not_null())
    nothing = pl.lit(value=False).alias("is_beacon")
    frames = [refused.select("row", "message_type", "reason", nothing)]
    good = typed.filter(pl.col("reason").is_null())
    for layout in dict.fromkeys(map(id, LAYOUTS.values())):
        keys = [key for key, other in LAYOUTS.items() if id(other) == layout]
        of_layout = good.filter(_is_any(keys))
        if of_layout.height:
            frames.append(_decode(of_layout, LAYOUTS[keys[0]]))
    return pl.concat(frames, how="diagonal_relaxed")


def _character(position: int) -> pl.Expr:
    """Return the six-bit number of the payload's character at `position`; null where none is."""
    return (
        pl.col("payload")
        .str.slice(position, 1)
        .replace_strict(ARMOUR, list(range(64)), default=None, return_dtype=pl.Int64)
    )


def _is_any(keys: list[tuple[int, int]]) -> pl.Expr:
    """Say whether a message is of one of the (type, part number) `keys`."""
    return pl.any_horizontal(
        (pl.col("message_type") == message_type) & (pl.col("part_number") == part)
        for message_type, part in keys
    )


def _reason() -> pl.Expr:
    """Return why a payload gives no report, or null."""
    fits = pl.any_horizontal(
        _is_any([key])
        & pl.any_horizontal(
            pl.col("bits").is_between(least - FILL_SLACK_BITS, most + FILL_SLACK_BITS)
            for least, most in layout.lengths
        )
        for key, layout in LAYOUTS.items()
    )
    is_defined = pl.col("message_type").is_between(1, HIGHEST_TYPE)
    return (
        pl.when(pl.col("is_foreign") | ~is_defined.fill_null(value=False))
        .then(pl.lit("undecodable"))
        .when(~pl.col("message_type").is_in(USED_TYPES))
        .then(pl.lit("other_message"))
        .when(~fits.fill_null(value=False))
        .then(pl.lit("undecodable"))
    )


def _decode(messages: pl.DataFrame, layout: Layout) -> pl.DataFrame:
    """Return the fields of messages that all have `layout`, in canonical units."""
    sixes = _six_bit_numbers(messages["payload"], layout.characters)
    numbers = {
        name: _number(sixes, at, width, name) for name, (at, width) in layout.numbers.items()
    }
    texts = {name: _texts(sixes, at, count) for name, (at, count) in layout.texts.items()}
    raw = pl.DataFrame(_scaled(numbers, layout) | texts)
    canonical = raw.select(
        *(name for name in AS_SENT if name in raw.columns),
        *(_none_for(0, name) for name in ("imo", "ship_type") if name in raw.columns),
        *texts,
        *_speed(layout),
        *_measures(layout),
        pl.lit(layout.ais_class, pl.String).alias("ais_class"),
        pl.lit(layout.is_beacon).alias("is_beacon"),
    )
    return messages.select("row", "message_type").hstack(canonical)


def _six_bit_numbers(payloads: pl.Series, characters: int) -> np.ndarray:
    """Return the first `characters` six-bit numbers, one row per position, one column per payload.

    A payload that is shorter is filled with zero bits.
    """
    even = payloads.str.slice(0, characters).str.pad_end(characters, ARMOUR[0])
    numbers = np.frombuffer(even.str.join("").item().encode("ascii").translate(UNARMOUR), np.uint8)
    return np.ascontiguousarray(numbers.reshape(len(payloads), characters).T)


def _number(sixes: np.ndarray, at: int, width: int, name: str = "") -> np.ndarray:
    """Return the number in bits `at` to `at + width`; coordinates are two's complement."""
    first, last = at // 6, (at + width - 1) // 6
    value = sixes[first].astype(np.int64)
    for position in range(first + 1, last + 1):
        value = (value << 6) | sixes[position]
    value = (value >> (6 * (last + 1) - at - width)) & ((1 << width) - 1)
    if name in COORDINATES:
        value -= (value >> (width - 1)) << width
    return value


def _texts(sixes: np.ndarray, at: int, count: int) -> pl.Series:
    """Return texts of `count` characters; null where nothing is left.

    The first @ ends a text and what follows is dropped: real senders leave the remains of an
    older text there.
    """
    codes = np.stack([_number(sixes, at + 6 * place, 6) for place in range(count)], axis=1)
    is_over = np.logical_or.accumulate(codes == 0, axis=1)
    letters = np.where(is_over, 32, np.where(codes < 32, codes + 64, codes)).astype(np.uint8)
    joined = letters.tobytes().decode("ascii")
    texts = [joined[start : start + count] for start in range(0, len(joined), count)]
    stripped = pl.Series(texts, dtype=pl.String).str.strip_chars(" ")
    return stripped.set(stripped == "", None)


def _scaled(numbers: dict[str, np.ndarray], layout: Layout) -> dict[str, np.ndarray]:
    """Return the numbers in degrees, knots and metres.

    Divided here, as polars multiplies by the reciprocal and makes 102.30000000000001 of 1023 / 10.
    """
    scaled = dict(numbers)
    # Whole-number arithmetic for "in millionths of a degree, rounded": exact, and no half occurs.
    per_six = 6_000_000 // layout.per_degree
    for name in COORDINATES & numbers.keys():
        scaled[name] = ((numbers[name] * per_six + 3) // 6) / 1e6
    tenths = {"draught"} if layout.per_degree == COARSE else {"draught", "sog", "cog"}
    for name in tenths & numbers.keys():
        scaled[name] = numbers[name] / 10
    return scaled


def _none_for(unknown: float, name: str) -> pl.Expr:
    """Return a column with null for the sender's "not available"."""
    return pl.when(pl.col(name) != unknown).then(pl.col(name)).alias(name)


def _speed(layout: Layout) -> list[pl.Expr]:
    """Return speed and course; type 27 has its own words for "not available"."""
    if "sog" not in layout.numbers:
        return []
    if layout.per_degree == COARSE:
        return [_none_for(63, "sog"), _none_for(511, "cog")]
    return [pl.col("sog"), pl.col("cog")]


def _measures(layout: Layout) -> list[pl.Expr]:
    """Return length, beam and draught in metres and the ETA, as far as the layout has them."""
    measures: list[pl.Expr] = []
    if "to_bow" in layout.numbers:
        # An auxiliary craft (98 in front) has its mother ship's MMSI in these bits of type 24.
        is_size = (pl.col("mmsi") // 10_000_000 != 98) | pl.lit(layout is not STATIC_B_SHIP)
        for name, one, other in (
            ("length_m", "to_bow", "to_stern"),
            ("beam_m", "to_port", "to_starboard"),
        ):
            total = pl.col(one) + pl.col(other)
            measures.append(pl.when((total > 0) & is_size).then(total).alias(name))
    if "draught" in layout.numbers:
        measures += [_none_for(0, "draught").alias("draught_m"), _eta().alias("eta")]
    return measures


def _eta() -> pl.Expr:
    """Return the ETA as MM-DD HH:MM; null where a part of it is "not available" or impossible."""
    is_whole = (
        pl.col("eta_month").is_between(1, 12)
        & pl.col("eta_day").is_between(1, 31)
        & (pl.col("eta_hour") < 24)
        & (pl.col("eta_minute") < 60)
    )
    month, day, hour, minute = (
        pl.col(f"eta_{part}").cast(pl.String).str.pad_start(2, "0")
        for part in ("month", "day", "hour", "minute")
    )
    return pl.when(is_whole).then(pl.format("{}-{} {}:{}", month, day, hour, minute))
