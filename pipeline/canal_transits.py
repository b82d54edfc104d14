"""Passages of the Volga-Don canal, lit, dark or unheard (METHOD 7)."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from datetime import date

import polars as pl

from pipeline.canal_parts import CANAL, SIDES
from pipeline.rules import Rules
from pipeline.tracks import epoch_s

OTHER_SIDE = dict(zip(SIDES, reversed(SIDES), strict=True))


def list_canal_transits(
    merged: pl.DataFrame, gaps: pl.DataFrame, seasons: pl.DataFrame, rules: Rules
) -> pl.DataFrame:
    """Return one row per passage: the last sighting beyond one end, the next beyond the other.

    Args:
        merged: `canal_parts.merge_canal_parts` of all days.
        gaps: mmsi, track, gap_id, off_at, on_at, p_off.
        seasons: table `seasons`.
        rules: when a gap is probably off (`reception.probable_from`).

    Returns:
        (mmsi, track, direction, entered_at, left_at, hours, month, gap_id, p_off, passage,
        season_days): `direction` volga_to_don or don_to_volga, `month` that of left_at, the exit;
        `passage` is dark if one gap of p_off at least `probable_from` spans both sightings,
        unheard if another gap does (one without p_off too), else lit; `season_days` as
        `count_season_days`. By (mmsi, track, entered_at).
    """
    key = ("mmsi", "track")
    is_same = pl.struct(key) == pl.struct(key).shift(-1)
    there = pl.col("side").shift(-1)
    crossed = pl.col("side").replace_strict(OTHER_SIDE, default=None) == there
    passages = (
        merged.sort(*key, "first_at", "last_at")
        .with_columns(
            direction=pl.concat_str("side", pl.lit("_to_"), there),
            entered_at="last_at",
            left_at=pl.col("first_at").shift(-1),
            is_passage=is_same & crossed,
        )
        .filter(pl.col("is_passage").fill_null(value=False))
        .select(*key, "direction", "entered_at", "left_at")
    )
    # Gaps of a track do not overlap: only the last that began before can span the passage.
    spans = (
        passages.sort("entered_at")
        .join_asof(
            gaps.select(*key, "gap_id", "off_at", "on_at", "p_off").sort("off_at"),
            left_on="entered_at",
            right_on="off_at",
            by=list(key),
            strategy="backward",
            check_sortedness=False,
        )
        .filter(pl.col("on_at") >= pl.col("left_at"))
        .select(*key, "entered_at", "gap_id", "p_off")
    )
    is_dark = (pl.col("p_off") >= rules.reception.probable_from).fill_null(value=False)
    return (
        passages.join(spans, on=[*key, "entered_at"], how="left", validate="1:1")
        .with_columns(
            hours=(epoch_s("left_at") - epoch_s("entered_at")) / 3600.0,
            month=pl.col("left_at").dt.truncate("1mo").dt.date(),
            passage=pl.when(pl.col("gap_id").is_null())
            .then(pl.lit("lit"))
            .when(is_dark)
            .then(pl.lit("dark"))
            .otherwise(pl.lit("unheard")),
        )
        .join(count_season_days(passages, seasons), on="month", how="left")
        .select(
            *key,
            *("direction", "entered_at", "left_at", "hours", "month"),
            *("gap_id", "p_off", "passage", "season_days"),
        )
        .sort(*key, "entered_at")
    )


def count_season_days(passages: pl.DataFrame, seasons: pl.DataFrame) -> pl.DataFrame:
    """Return (month, season_days) of the months in which passages end.

    Days of the month from the year's opening to its closing day, both included. Null where the
    year is not listed, where only the number of its days is, and where the day that would decide
    is unknown: null is `season_unknown`, and excludes nothing.
    """
    years = {row["year"]: row for row in seasons.filter(pl.col("waterway") == CANAL).to_dicts()}
    months = passages["left_at"].dt.truncate("1mo").dt.date().unique().sort()
    counted = [days_open(month, years.get(month.year, {})) for month in months]
    return pl.DataFrame({"month": months, "season_days": pl.Series(counted, dtype=pl.Int64)})


def days_open(month: date, season: Mapping[str, date | None]) -> int | None:
    """Return the days of a month in a season of (opened_on, closed_on); None where unknown.

    A month wholly before the opening or after the closing has 0, whether or not the other day is
    known; of any other month both must be.
    """
    first = month
    last = month.replace(day=calendar.monthrange(month.year, month.month)[1])
    opened, closed = season.get("opened_on"), season.get("closed_on")
    if opened is not None and last < opened:
        return 0
    if closed is not None and first > closed:
        return 0
    if opened is None or closed is None:
        return None
    return max(0, (min(last, closed) - max(first, opened)).days + 1)
