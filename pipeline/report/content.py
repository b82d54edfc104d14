"""All that the page shows, as one JSON object."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from pipeline.report import places, series, words
from pipeline.report.limits import ReportRules
from pipeline.report.packing import pack_frame, pack_sentences, plain
from pipeline.report.rows import Chosen, choose_rows
from pipeline.report.ships import list_ships
from pipeline.report.sources import Sources

GAP_SHOWN = (
    *("gap_id", "ship", "off_at", "on_at", "off_lon", "off_lat", "on_lon", "on_lat", "off_area"),
    *("off_port_group", "on_area", "on_port_group", "length_s", "is_closed", "month", "cause"),
    *("flag", "p_off", "p_off_low", "p_off_high", "call"),
)
CALL_SHOWN = (
    *("call_id", "ship", "flag", "fleet", "port_group", "port_country", "window_from", "window_to"),
    *("gap_ids", "p_off", "p_call", "grade", "families", "slack_h", "draught_change_m"),
    *("second_call_possible", "in_ru_ir_crossing", "in_ru_ir_any", "in_any_flag_crossing", "month"),
    *("on_watch_list", "last_verdict", "last_reviewed_by", "last_reviewed_on"),
)


def make_content(sources: Sources, geo: Path, rules: ReportRules) -> dict[str, Any]:
    """Return what the page shows.

    Args:
        sources: the published tables.
        geo: geo folder they were made with.
        rules: how much of them.
    """
    chosen = choose_rows(sources.gaps, sources.calls, sources.data_end, rules)
    first = chosen.first_month
    on_page = pl.concat([chosen.gaps["ship_id"], chosen.calls["ship_id"]])
    listed = list_ships(
        sources.gaps, sources.calls, sources.lit_calls, sources.legs, first, on_page, rules
    )
    return {
        "is_simulated": sources.is_simulated,
        "data_end": sources.manifest["data_end"],
        "method_version": sources.manifest["method_version"],
        "rules_hash": sources.manifest["rules_hash"],
        "limits": rules.model_dump(),
        "first_month": first.isoformat(),
        "headlines": words.tell_indicator(sources.indicator, sources.monthly_calls, rules),
        "not_measured": list(words.NOT_MEASURED),
        "indicator": series.pack_indicator(sources.indicator),
        "years": series.pack_years(sources.years),
        "spikes": series.pack_spikes(sources.spikes),
        "monthly_gaps": series.pack_monthly_gaps(sources.monthly_gaps),
        "monthly_calls": series.pack_monthly_calls(sources.monthly_calls),
        "port_calls": series.pack_port_calls(sources.monthly_calls, first),
        "beside": series.list_beside(sources.beside_ours),
        "published": series.list_published(sources.published),
        "optional": series.list_optional(sources.optional),
        "ships": pack_frame(listed),
        **_pack_rows(chosen, listed),
        "counts": chosen.counts,
        "left_out": words.tell_left_out(chosen.counts, first, rules),
        "map": places.pack_map(geo, rules),
        "cells": places.pack_cells(sources.cells, first),
        "health": places.pack_health(sources.health, first),
        "outages": places.pack_outages(sources.outages, first),
        "transits": _count_transits(sources.transits),
        "coverage": words.list_coverage(sources.files, sources.manifest),
        "rules": [
            [plain(value) for value in row]
            for row in sources.rules.select(
                "name", "value", "unit", "source", "is_overridden"
            ).rows()
        ],
    }


def _pack_rows(chosen: Chosen, ships: pl.DataFrame) -> dict[str, Any]:
    """Return gaps and calls, their ship by its number in `ships` (null: beyond the list)."""
    numbered = ships.select("ship_id", ship=pl.int_range(pl.len()))
    gaps = (
        chosen.gaps.join(numbered, on="ship_id", how="left", maintain_order="left")
        .select(*GAP_SHOWN)
        .with_columns(pl.col("^(off|on)_(lon|lat)$").round(3), pl.col("^p_off.*$").round(3))
    )
    calls = (
        chosen.calls.join(numbered, on="ship_id", how="left", maintain_order="left")
        .select(*CALL_SHOWN)
        .with_columns(pl.col("p_off", "p_call").round(4), pl.col("slack_h").round(1))
    )
    return {
        "gaps": pack_frame(gaps),
        "gap_reasons": pack_sentences(chosen.gaps["reasons"].to_list()),
        "calls": pack_frame(calls),
        "call_reasons": pack_sentences(chosen.calls["reasons"].to_list()),
    }


def _count_transits(transits: pl.DataFrame) -> dict[str, Any]:
    """Return passages of the Volga-Don canal by month, lit, dark and unheard."""
    counted = transits.group_by("month").agg(
        **{word: (pl.col("passage") == word).sum() for word in ("lit", "dark", "unheard")}
    )
    return pack_frame(counted.sort("month"))
