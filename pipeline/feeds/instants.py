"""Reads times as instants in UTC without a zone, in microseconds; their shape says how."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeAlias

import polars as pl

INSTANT = pl.Datetime("us")
SECOND_US = 1_000_000

# The years 1 to 9999, which is what Python and SQL know; polars counts on to the year 290,000.
FIRST_INSTANT, LAST_INSTANT = datetime.min, datetime.max
# In Parquet an instant is any 64 bits; those outside the calendar are nulled before they overflow.
# In nanoseconds 64 bits reach the years 1677 to 2262 only.
PER_SECOND = {"ms": 1_000, "us": SECOND_US}
FIRST_S, PAST_S = -62_135_596_800, 253_402_300_800

# Numbers below 1e11 are epoch seconds (until the year 5138), up to 1e14 epoch milliseconds.
MAX_EPOCH_S = 1e11
MAX_EPOCH_MS = 1e14

# What may follow "2022-12-29 18:22:32": a fraction of any length, then a zone, and the zone's
# name once more, as Go prints it.
FRACTION = r"^[.,](\d+)"
ZONE = re.compile(
    r"\s*(?:Z|UTC|GMT|(?P<sign>[+-])(?P<hours>\d{2}):?(?P<minutes>\d{2})?(?:\s[A-Z]{1,5})?)?"
)

Shape: TypeAlias = Callable[[pl.Series, str], pl.Series]


def instants(times: pl.Series, zone: str = "UTC") -> pl.Series:
    """Return the instants, null where a time is missing or cannot be read.

    Texts are read by their shape: ISO 8601 with T or blank, with or without a zone; epoch seconds
    or milliseconds; yyyymmdd_HHMMSS; dd/mm/yyyy HH:MM[:SS], always day first. Times without a
    zone are in `zone`; those that its clock shows twice or never are null.
    """
    if times.dtype != pl.String:
        return within_calendar(to_naive_utc(times, zone))
    return within_calendar(read_by_shape(times, (iso, epoch, compact, day_first), zone))


def instants_as(pattern: str, zone: str = "UTC") -> Callable[[pl.Series], pl.Series]:
    """Return a reader of times in one stated form: iso, epoch_s, epoch_ms or a strptime pattern."""
    scales = {"epoch_s": SECOND_US, "epoch_ms": 1_000}

    def read(times: pl.Series) -> pl.Series:
        if pattern in scales:
            return from_epoch(times.cast(pl.Float64, strict=False), scales[pattern])
        if times.dtype != pl.String:
            return to_naive_utc(times, zone)
        if pattern == "iso":
            return read_by_shape(times, (iso,), zone)
        return read_by_shape(times, (by_patterns((pattern,)),), zone)

    return lambda times: within_calendar(read(times))


def within_calendar(times: pl.Series) -> pl.Series:
    """Return the instants, null for those before the year 1 or after the year 9999."""
    is_usable = (times >= FIRST_INSTANT) & (times <= LAST_INSTANT)
    return times if is_usable.all() else times.set(~is_usable, None)


def to_naive_utc(times: pl.Series, zone: str = "UTC") -> pl.Series:
    """Return typed times in UTC without their zone; null where the type is no timestamp, or the
    instant is none of the calendar.
    """
    dtype = times.dtype
    if not isinstance(dtype, pl.Datetime):
        return pl.Series(times.name, [None] * len(times), dtype=INSTANT)
    if dtype.time_unit in PER_SECOND:
        counts, per_second = times.cast(pl.Int64), PER_SECOND[dtype.time_unit]
        is_usable = (counts >= FIRST_S * per_second) & (counts < PAST_S * per_second)
        if not is_usable.all():
            times = times.set(~is_usable, None)
    if dtype.time_zone is None:
        return localise(times.cast(INSTANT), zone)
    return times.dt.convert_time_zone("UTC").dt.replace_time_zone(None).cast(INSTANT)


def read_by_shape(times: pl.Series, shapes: Sequence[Shape], zone: str) -> pl.Series:
    """Return what the first fitting shape reads of each text, the likeliest shape first."""
    texts = times.str.strip_chars()
    first = texts.drop_nulls().filter(texts.drop_nulls() != "").head(1)
    shapes = sorted(shapes, key=lambda shape: shape(first, zone).null_count())
    found = shapes[0](texts, zone)
    for shape in shapes[1:]:
        rest = (found.is_null() & texts.is_not_null()).arg_true()
        if rest.is_empty():
            break
        found = found.scatter(rest, shape(texts.gather(rest), zone))
    return found.rename(times.name)


def iso(texts: pl.Series, zone: str) -> pl.Series:
    """Read ISO 8601; seconds may be left out."""
    found = iso_with_seconds(texts, zone)
    rest = (found.is_null() & texts.is_not_null()).arg_true()
    if rest.is_empty():
        return found
    minutes = r"^(\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2})([^:\d].*)?$"
    return found.scatter(
        rest, iso_with_seconds(texts.gather(rest).str.replace(minutes, "${1}:00${2}"), zone)
    )


def iso_with_seconds(texts: pl.Series, zone: str) -> pl.Series:
    """Read the 19 characters down to the second at once, and each distinct zone only once."""
    clock = texts.str.slice(0, 19).str.replace("T", " ", literal=True)
    local = read_pattern(clock, "%Y-%m-%d %H:%M:%S")
    tails = texts.str.slice(19)
    if not (tails != "").any():
        return localise(local, zone)
    zones = tails.str.replace(FRACTION, "")
    shifts = {text: zone_shift(text) for text in zones.unique().drop_nulls()}
    if zone != "UTC":
        local = localise(local, zone).zip_with(zones == "", local)
    microseconds = zones.replace_strict(shifts, default=None, return_dtype=pl.Int64)
    fraction = tails.str.extract(FRACTION, 1).str.slice(0, 6).str.pad_end(6, "0")
    microseconds += fraction.cast(pl.Int64, strict=False).fill_null(0)
    return local + microseconds.cast(pl.Duration("us"))


def zone_shift(text: str) -> int | None:
    """Return the microseconds from a zone's clock to UTC: 0 for none, null for no zone at all."""
    parts = ZONE.fullmatch(text)
    if parts is None:
        return None
    seconds = int(parts["hours"] or 0) * 3600 + int(parts["minutes"] or 0) * 60
    return seconds * SECOND_US * (-1 if parts["sign"] == "+" else 1)


def epoch(texts: pl.Series, zone: str) -> pl.Series:
    """Read epoch seconds or milliseconds, told apart by their size; no zone moves them."""
    numbers = texts.cast(pl.Float64, strict=False)
    seconds = from_epoch(numbers, SECOND_US)
    milliseconds = from_epoch(numbers.set(~(numbers < MAX_EPOCH_MS), None), 1_000)
    return seconds.zip_with((numbers < MAX_EPOCH_S).fill_null(value=False), milliseconds)


def from_epoch(numbers: pl.Series, scale: int) -> pl.Series:
    """Return the instants of numbers since 1970; `scale` is microseconds per unit."""
    microseconds = numbers * scale
    is_usable = (microseconds >= 0) & (microseconds < MAX_EPOCH_S * SECOND_US)
    return microseconds.set(~is_usable, None).round().cast(pl.Int64, strict=False).cast(INSTANT)


def compact(texts: pl.Series, zone: str) -> pl.Series:
    """Read exactEarth's yyyymmdd_HHMMSS."""
    return localise(read_pattern(texts, "%Y%m%d_%H%M%S"), zone)


def day_first(texts: pl.Series, zone: str) -> pl.Series:
    """Read dd/mm/yyyy HH:MM:SS and dd/mm/yyyy HH:MM."""
    return by_patterns(("%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M"))(texts, zone)


def by_patterns(patterns: Sequence[str]) -> Shape:
    """Return a shape that reads the first of the strptime patterns that fits."""

    def read(texts: pl.Series, zone: str) -> pl.Series:
        found = read_pattern(texts, patterns[0])
        for pattern in patterns[1:]:
            rest = (found.is_null() & texts.is_not_null()).arg_true()
            if rest.is_empty():
                break
            found = found.scatter(rest, read_pattern(texts.gather(rest), pattern))
        return localise(found, zone)

    return read


def read_pattern(texts: pl.Series, pattern: str) -> pl.Series:
    """Return what the strptime pattern reads of the whole text, in UTC where it holds a zone."""
    found = texts.str.to_datetime(pattern, time_unit="us", strict=False)
    return found if found.dtype == INSTANT else to_naive_utc(found)


def localise(times: pl.Series, zone: str) -> pl.Series:
    """Return the UTC of clock times in `zone`; null where its clock shows them twice or never."""
    if zone == "UTC":
        return times
    zoned = times.dt.replace_time_zone(zone, ambiguous="null", non_existent="null")
    return to_naive_utc(zoned)
