"""Reads the texts of provider files as numbers, ITU-R M.1371 codes and words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import polars as pl

Reader: TypeAlias = Callable[[pl.Expr], pl.Expr]

# Words that stand for "no value" in the files of the providers, in lower case.
MISSING_WORDS = ("", "na", "n/a", "nan", "none", "null", "undefined", "unknown", "\\n")

# Whole numbers above this are not exact in a double, so a text read as one would be changed.
MAX_EXACT = 2**53

# The words of the Danish Maritime Authority and of Global Fishing Watch, in lower case.
SHIP_TYPES: dict[str, int] = {
    "wig": 20,
    "fishing": 30,
    "towing": 31,
    "towing long/wide": 32,
    "dredging": 33,
    "diving": 34,
    "military": 35,
    "sailing": 36,
    "pleasure": 37,
    "hsc": 40,
    "pilot": 50,
    "sar": 51,
    "tug": 52,
    "port tender": 53,
    "anti-pollution": 54,
    "law enforcement": 55,
    "spare 1": 56,
    "spare 2": 57,
    "medical": 58,
    "not party to conflict": 59,
    "passenger": 60,
    "cargo": 70,
    "tanker": 80,
    "other": 90,
}

NAV_STATUSES: dict[str, int] = {
    "under way using engine": 0,
    "at anchor": 1,
    "not under command": 2,
    "restricted maneuverability": 3,
    "restricted manoeuvrability": 3,
    "constrained by her draught": 4,
    "moored": 5,
    "aground": 6,
    "engaged in fishing": 7,
    "under way sailing": 8,
    "reserved for future amendment [hsc]": 9,
    "reserved for future amendment [wig]": 10,
    "power-driven vessel towing astern": 11,
    "power-driven vessel pushing ahead or towing alongside": 12,
    "reserved for future use": 13,
    "ais-sart": 14,
    "ais-sart (active)": 14,
}


def words(text: pl.Expr) -> pl.Expr:
    """Return the text without blanks around it; null where it stands for "no value"."""
    bare = text.str.strip_chars()
    return pl.when(~bare.str.to_lowercase().is_in(MISSING_WORDS)).then(bare)


def number(text: pl.Expr) -> pl.Expr:
    """Return the finite number in the text, else null."""
    value = text.str.strip_chars().cast(pl.Float64, strict=False)
    return pl.when(value.is_finite()).then(value)


def whole(text: pl.Expr) -> pl.Expr:
    """Return the whole number in the text ("5", "5.0"), else null."""
    return text.map_batches(read_whole, return_dtype=pl.Int64)


def read_whole(texts: pl.Series) -> pl.Series:
    """Read plain digits, which is quick, and only the rest as decimal numbers."""
    found = texts.str.strip_chars().cast(pl.Int64, strict=False)
    rest = (found.is_null() & texts.is_not_null()).arg_true()
    if rest.is_empty():
        return found
    value = number(pl.col(texts.name))
    is_whole = (value == value.round()) & (value.abs() <= MAX_EXACT)
    slow = texts.gather(rest).to_frame().select(pl.when(is_whole).then(value).cast(pl.Int64))
    return found.scatter(rest, slow.to_series())


def imo_number(text: pl.Expr) -> pl.Expr:
    """Return the digits of "IMO9627980", "9627980" or "9627980.0"; null for anything else."""
    digits = text.str.extract(r"^\s*(?i:IMO)?\s*(\d+)(?:\.0+)?\s*$", 1)
    return digits.cast(pl.Int64, strict=False)


def ais_class(text: pl.Expr) -> pl.Expr:
    """Return A or B from "A", "Class A" and the like; null for any other kind of sender."""
    return text.str.extract(r"^\s*(?i:class)?\s*([ABab])\s*$", 1).str.to_uppercase()


def message_type(text: pl.Expr) -> pl.Expr:
    """Return the AIS message type from "18" or Global Fishing Watch's "AIS.18"."""
    return whole(text.str.replace(r"^\s*(?i:AIS)\.", ""))


def receiver(text: pl.Expr) -> pl.Expr:
    """Return terrestrial or satellite; null for anything else ("dynamic" is neither)."""
    word = text.str.strip_chars().str.to_lowercase()
    return pl.when(word.is_in(("terrestrial", "satellite"))).then(word)


def is_beacon_kind(text: pl.Expr) -> pl.Expr:
    """Say whether the Danish "type of mobile" is a base station or an aid to navigation."""
    return text.str.strip_chars().str.to_lowercase().is_in(("base station", "aton"))


def code_or_word(codes: Mapping[str, int]) -> Reader:
    """Return a reader of codes given as a number or as one of the words; null for others."""

    def read(text: pl.Expr) -> pl.Expr:
        word = text.str.strip_chars().str.to_lowercase()
        code = word.replace_strict(dict(codes), default=None, return_dtype=pl.Int64)
        return pl.coalesce(whole(text), code)

    return read


nav_status = code_or_word(NAV_STATUSES)
ship_type = code_or_word(SHIP_TYPES)


def same(value: pl.Expr) -> pl.Expr:
    """Return the value as it is: the unit of the source is the canonical one."""
    return value


def scaled(multiplier: float, divisor: float = 1) -> Reader:
    """Return a conversion of units: value x multiplier / divisor.

    numpy divides, because polars multiplies by the reciprocal of a constant: its 1023 / 10 is not
    102.3, the sender's word for "no speed", and its 54600000 / 600000 may not be 91.
    """

    def divide(column: pl.Series) -> pl.Series:
        quotients = column.to_numpy() * float(multiplier) / float(divisor)
        return pl.Series(column.name, quotients, nan_to_null=True)

    def convert(value: pl.Expr) -> pl.Expr:
        return value.map_batches(divide, return_dtype=pl.Float64)

    return convert
