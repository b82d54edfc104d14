"""Gaps a ship and month beside Table 5, and monthly totals beside those of LLI."""

from __future__ import annotations

from datetime import date

import polars as pl

from tests.night import SQL
from tests.simulation_page.figure_rows import Row, lay_rows, mean, percent, ratio, spread, total
from tests.simulation_page.measured import HEADLINE, Scene

TABLE_5_FROM, TABLE_5_TO = date(2023, 5, 1), date(2023, 7, 1)
RUNGS_H = (4, 6, 12, 24, 30, 72)


def tell_gaps(scene: Scene) -> list[str]:
    """Return gaps a ship and month by rung, beside Table 5, and the monthly totals of LLI."""
    counts = pl.read_csv(SQL / "published_counts.csv", try_parse_dates=True)
    lines = [
        "### Gaps a ship and month",
        "",
        "Merchants, May to July 2023, closed gaps of every cause but `left_region`, as the night"
        " counts them. The threshold behind Table 5, its area, and whether its ships are those seen"
        " or those with a gap are not published. Nothing is tuned to it.",
        "",
        "| flag | gaps of at least | gaps, May / June / July | a ship seen | a ship with a gap |",
        "|---|---|---|---|---|",
    ]
    notes: list[str] = []
    rates_6h: list[float] = []
    for flag in HEADLINE:
        published = published_rates(counts, flag)
        gaps = " / ".join(f"{gap:.0f}" for gap, _ in published)
        rates = " / ".join(f"{gap / ship:.2f}" for gap, ship in published)
        lines.append(f"| {flag} | CNA, Table 5: not published | {gaps} | {rates} | |")
        rungs, ours = _tell_rungs(scene, flag)
        lines += rungs
        notes.append(compare_rates(flag, sum(g / s for g, s in published) / len(published), ours))
        rates_6h.append(dict(ours)[6])
    notes.append(
        "Table 5 has both flags alike; here an Iranian ship has"
        f" {rates_6h[1] / rates_6h[0]:.1f} times the gaps of 6 h of a Russian one, for its coast is"
        " hardly heard from the shore."
    )
    return [*lines, "", f"**Ours differ:** {' '.join(notes)}", "", *tell_totals(scene, counts), ""]


def _tell_rungs(scene: Scene, flag: str) -> tuple[list[str], list[tuple[int, float]]]:
    """Return the lines of one flag by rung, and (rung, gaps a ship seen and month)."""
    monthly = scene.published("monthly_gaps").filter(
        pl.col("flag") == flag,
        pl.col("fleet") == "merchant",
        pl.col("area") == "all",
        pl.col("port_group") == "all",
        pl.col("month").is_between(TABLE_5_FROM, TABLE_5_TO),
    )
    lines, ours = [], []
    for rung_h in RUNGS_H:
        rows = monthly.filter(pl.col("at_least_h") == rung_h).sort("month")
        gaps = total(rows["gaps"])
        seen, with_gap = (
            ratio(gaps, total(rows[name])) for name in ("ships_seen", "ships_with_gap")
        )
        ours.append((rung_h, seen))
        counted = " / ".join(map(str, rows["gaps"]))
        lines.append(f"| {flag} | {rung_h} h | {counted} | {seen:.2f} | {with_gap:.2f} |")
    return lines, ours


def published_rates(counts: pl.DataFrame, flag: str) -> list[tuple[float, float]]:
    """Return Table 5's gaps and ships of a flag, by month."""
    table = counts.filter(
        pl.col("figure_id").str.starts_with("cna_table_5"), pl.col("flag") == flag
    ).sort("period_from")
    gaps = table.filter(pl.col("measure") == "gaps")["value"]
    ships = table.filter(pl.col("measure") == "ships")["value"]
    return [(float(gap), float(ship)) for gap, ship in zip(gaps, ships, strict=True)]


def compare_rates(flag: str, published: float, ours: list[tuple[int, float]]) -> str:
    """Return between which of our rungs a published rate lies."""
    above = [rung for rung, rate in ours if rate >= published]
    below = [rung for rung, rate in ours if rate < published]
    if above and below:
        where = f"between our {above[-1]} h and {below[0]} h"
    else:
        where = f"above our {below[0]} h" if below else f"below our {above[-1]} h"
    return f"{flag}: Table 5's {published:.1f} a ship and month lies {where}."


LLI = "Lloyd's List Intelligence, 2022"


def tell_totals(scene: Scene, counts: pl.DataFrame) -> list[str]:
    """Return our monthly gaps of 30 h and more beside those of LLI."""
    monthly = scene.published("monthly_gaps").filter(
        pl.col("at_least_h") == 30,
        pl.col("port_group") == "all",
        pl.col("flag") == "all",
        pl.col("fleet") == "all",
    )
    rows, notes = [], []
    for prefix, name, areas in (
        ("lli_caspian_gaps", "Caspian", ["caspian"]),
        ("lli_don_volga_gaps", "Don and Volga", ["lower_volga", "volga_don", "taganrog_bay"]),
    ):
        here = monthly.filter(pl.col("area").is_in(areas))
        ours = here.group_by("month").agg(pl.col("gaps").sum())["gaps"]
        theirs = counts.filter(pl.col("figure_id").str.starts_with(prefix)).sort("period_from")
        stated = ", ".join(
            f"{value:.0f} ({month:%b %Y})"
            for month, value in theirs.select("period_from", "value").iter_rows()
        )
        share = mean(ours) / mean(theirs["value"])
        notes.append(f"{name}: {percent(share)} of the published months' mean")
        figure = f"gaps of 30 h and more a month, {name}"
        rows.append(Row(figure, spread(ours, 0, 1, "", 0).strip(), stated, LLI))
    return [
        "All flags and fleets; ours is the median month (least to most). The world holds a part of"
        " the real traffic on the rivers, see the passages of the canal below.",
        "",
        *lay_rows(rows),
        "",
        f"**Ours differ:** {'; '.join(notes)}.",
    ]
