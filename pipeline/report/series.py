"""What the page draws by month: ships and gaps, calls, the indicator, published figures."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl

from pipeline.report.packing import pack_frame, plain

GAP_MEASURES = (
    *("ships_seen", "ship_hours", "heard_hours", "observable_ship_hours", "outage_hours"),
    *("ships_with_gap", "gaps", "open_gaps", "left_region", "expected_off", "expected_off_low"),
    *("expected_off_high", "status"),
)
CALL_MEASURES = (
    *("calls_a", "calls_b", "calls_c", "calls_d", "near_port_gaps", "expected_calls"),
    *("expected_calls_low", "expected_calls_high", "expected_unheard", "lit_calls", "glimpsed"),
    *("dark_share", "status"),
)
REPORT_FLAGS = ("all", "RUS", "IRN")
FLEETS_SHOWN = ("all", "merchant")
NOT_SHOWN = ("method_version", "rules_hash")


def pack_monthly_gaps(monthly: pl.DataFrame) -> dict[str, Any]:
    """Return ships, gaps and exposure by month, flag, fleet and length, everywhere together."""
    whole = monthly.filter(
        pl.col("area") == "all", pl.col("port_group") == "all", pl.col("fleet").is_in(FLEETS_SHOWN)
    )
    return pack_frame(
        whole.sort("month", "flag", "fleet", "at_least_h")
        .select("month", "flag", "fleet", "at_least_h", *GAP_MEASURES)
        .with_columns(pl.col(pl.Float64).round(2))
    )


def pack_monthly_calls(monthly: pl.DataFrame) -> dict[str, Any]:
    """Return calls by month, scope and flag, all ports together."""
    whole = monthly.filter(
        pl.col("port_country") == "all",
        pl.col("port_group") == "all",
        pl.col("flag").is_in(REPORT_FLAGS),
    )
    return pack_frame(
        whole.sort("month", "scope", "flag")
        .select("month", "scope", "flag", *CALL_MEASURES)
        .with_columns(pl.col(pl.Float64).round(4))
    )


def pack_port_calls(monthly: pl.DataFrame, first_month: date) -> dict[str, Any]:
    """Return calls by month, scope, flag and port group since `first_month`; empty rows left out.

    The measures add up over months.
    """
    adding = ("expected_calls", "expected_unheard", "lit_calls", "glimpsed", "near_port_gaps")
    grades = ("calls_a", "calls_b", "calls_c", "calls_d")
    ports = monthly.filter(
        pl.col("month") >= first_month,
        pl.col("port_country") != "all",
        pl.col("port_group") != "all",
        pl.col("flag").is_in(REPORT_FLAGS),
        pl.sum_horizontal(*adding, *grades) > 0,
    )
    return pack_frame(
        ports.sort("month", "scope", "flag", "port_country", "port_group")
        .select("month", "scope", "flag", "port_country", "port_group", *adding, *grades)
        .with_columns(pl.col(pl.Float64).round(4))
    )


def pack_indicator(indicator: pl.DataFrame) -> dict[str, Any]:
    """Return the indicator by month and scope, whatever columns it has."""
    return pack_frame(indicator.drop(NOT_SHOWN, strict=False).sort("month", "scope"))


def pack_years(years: pl.DataFrame) -> dict[str, Any]:
    """Return the rating of calendar years by scope."""
    return pack_frame(years.drop(NOT_SHOWN, strict=False).sort("calendar_year", "scope"))


def pack_spikes(spikes: pl.DataFrame) -> dict[str, Any]:
    """Return months tested for more gaps than foreseen, by flags."""
    shown = ("month", "flags", "at_least_h", "gaps", "expected", "limit", "is_spike", "why")
    return pack_frame(spikes.select(shown).sort("month", "flags"))


def list_beside(beside: pl.DataFrame) -> list[dict[str, Any]]:
    """Return published counts of a month, by flag or area, with our nearest comparable."""
    shown = beside.select(
        *("month", "flag", "area", "measure", "published", "ours", "ships_seen", "ship_hours"),
        *("status", "source", "note"),
    )
    return [_plain_row(row) for row in shown.sort("month", "flag", "measure").to_dicts()]


def list_published(published: pl.DataFrame) -> list[dict[str, Any]]:
    """Return all published figures, those we have nothing beside too."""
    shown = published.select(
        *("measure", "period_from", "period_to", "flag", "area", "at_least_h", "value", "unit"),
        *("source", "note"),
    )
    return [_plain_row(row) for row in shown.sort("period_from", "measure", "source").to_dicts()]


def list_optional(frames: dict[str, pl.DataFrame]) -> dict[str, Any]:
    """Return tables of later methods as {columns, rows}, as they are published."""
    return {
        name: {
            "columns": (told := frame.drop(NOT_SHOWN, strict=False)).columns,
            "rows": [plain(row) for row in told.head(500).rows()],
        }
        for name, frame in frames.items()
    }


def _plain_row(row: dict[str, Any]) -> dict[str, Any]:
    return {name: plain(value) for name, value in row.items()}
