"""What the page says in sentences: the indicator, how sure it is, what is not measured."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from pipeline.report.limits import ReportRules

SCOPES = {
    "ru_ir_crossing": "Headline: merchant ships of Russia or Iran at a port of either, coming from"
    " or going to the other country",
    "ru_ir_any": "The same with domestic calls",
    "any_flag_crossing": "Merchant ships of any flag at a port of Russia or Iran, coming from or"
    " going to the other country",
    "all": "Every call found",
}
# METHOD 9, in the words of the page.
NOT_MEASURED = (
    "Positions falsified while the set is on: counts of switch-offs are lower bounds there.",
    "Stolen identities.",
    "Ships that never carry AIS.",
    "Cargo.",
    "Intent: switching off can be lawful (IMO A.1106(29)), and a silence alone says nothing of it.",
)
CLASSES = (("Low", "p_low"), ("Medium", "p_medium"), ("High", "p_high"))


def tell_indicator(
    indicator: pl.DataFrame, monthly_calls: pl.DataFrame, rules: ReportRules
) -> list[dict[str, Any]]:
    """Return for each scope {scope, title, month, rating, headline, sure, since}, headline first.

    Args:
        indicator: table indicator; ratings, intervals and trends may be null.
        monthly_calls: table monthly_dark_port_calls.
        rules: months of a year, bounds of the classes.
    """
    told = []
    for scope, title in SCOPES.items():
        rows = indicator.filter(pl.col("scope") == scope).sort("month").to_dicts()
        if not rows:
            told.append(_tell_nothing(scope, title))
            continue
        last = rows[-1]
        expected = _sum_expected(monthly_calls, scope, last["month"], rules)
        told.append(
            {
                "scope": scope,
                "title": title,
                "month": f"{last['month']:%Y-%m}",
                "rating": last["rating"],
                "headline": _tell_headline(last, rules),
                "sure": _tell_sure(last, expected),
                "since": _tell_since(rows),
                "probabilities": _take(last, CLASSES),
            }
        )
    return told


def _tell_nothing(scope: str, title: str) -> dict[str, Any]:
    headline = "Not rated: no month of data is complete yet."
    return {
        **{"scope": scope, "title": title, "month": None, "rating": None, "headline": headline},
        **{"sure": [], "since": [], "probabilities": None},
    }


def _take(row: Mapping[str, Any], pairs: tuple[tuple[str, str], ...]) -> dict[str, float] | None:
    values = {word: row[name] for word, name in pairs}
    return None if any(value is None for value in values.values()) else values


def _tell_headline(last: Mapping[str, Any], rules: ReportRules) -> str:
    return (
        f"In the {rules.year_months} months to {last['month']:%Y-%m}, {last['why'].rstrip('. ')}."
    )


def _tell_sure(last: Mapping[str, Any], expected: float | None) -> list[str]:
    """Return how sure the rating is: class probabilities, calls with interval, bounds."""
    lines = []
    classes = _take(last, CLASSES)
    if classes:
        words = ", ".join(f"{word} {value:.2f}" for word, value in classes.items())
        lines.append(f"Probability of each class: {words}.")
    else:
        lines.append("Probabilities of the classes Low, Medium and High: not given.")
    if last["expected_12m"] is not None:
        ends = (last["expected_12m_low"], last["expected_12m_high"])
        interval = (
            "; interval not published"
            if None in ends
            else f" (90 % interval {ends[0]:.1f} to {ends[1]:.1f})"
        )
        lines.append(
            f"Expected dark calls in the twelve months: {last['expected_12m']:.1f}{interval}."
        )
    elif expected is not None:
        lines.append(
            f"The expected calls of these twelve months add up to {expected:.1f}, without an"
            " interval: a sum of probabilities, from which no class is read."
        )
    if last["calls_12m_a"] is not None:
        lines.append(
            f"Beside it, never rated: {last['calls_12m_a']} calls of grade A,"
            f" {last['calls_12m_b']} of grade B."
        )
    if last["upper_bound_12m"] is not None:
        lines.append(
            f"There can have been no more calls than the {last['upper_bound_12m']:,} closed gaps of"
            " these ships. Gaps are not calls."
        )
    if last["expected_12m"] is not None:
        lines.append(
            "Not in it: calls of ships that were last or first heard inside the port (glimpsed);"
            " they are counted apart."
        )
    return lines


def _tell_since(rows: list[dict[str, Any]]) -> list[str]:
    """Return since when the rating stands, and what became of the counts since the base years."""
    last = rows[-1]
    lines = [f"The data begin in {rows[0]['month']:%Y-%m}."]
    since = last["month"]
    for row in reversed(rows):
        if row["rating"] != last["rating"]:
            break
        since = row["month"]
    lines.append(f"The rating has been {last['rating']} since {since:%Y-%m}.")
    for name, words in (("count", "Number of calls"), ("rate", "Calls per visit")):
        trend = last[f"{name}_trend"]
        if trend is None:
            lines.append(f"{words}, trend: not given.")
            continue
        ratio, low, high = (last[f"{name}_ratio{end}"] for end in ("", "_low", "_high"))
        ends = (
            "" if None in (ratio, low, high) else f", {ratio:.2f} times ({low:.2f} to {high:.2f})"
        )
        base = f" against {last['baseline']}" if last["baseline"] not in (None, "none") else ""
        lines.append(f"{words}, trend: {trend}{ends}{base}.")
    if last["raw_gap_ratio"] is not None:
        lines.append(
            f"Raw gaps, uncorrected: {last['raw_gap_ratio']:.2f} times those of the base period"
            f" ({last['baseline'] or 'not named'})."
        )
    return lines


def _sum_expected(
    monthly: pl.DataFrame, scope: str, month: date, rules: ReportRules
) -> float | None:
    """Return the sum of a year's monthly expected calls; None where a month lacks them."""
    number = month.year * 12 + month.month - rules.year_months
    first = date(number // 12, number % 12 + 1, 1)
    rows = monthly.filter(
        pl.col("scope") == scope,
        pl.col("month").is_between(first, month),
        *(pl.col(name) == "all" for name in ("flag", "port_country", "port_group")),
    )
    values = rows["expected_calls"].drop_nulls()
    return float(values.sum()) if len(values) == rules.year_months else None


def tell_left_out(counts: Mapping[str, int], first_month: date, rules: ReportRules) -> list[str]:
    """Return what the page holds and what it leaves out."""
    return [
        f"On this page: {counts['calls_shown']:,} graded calls of {counts['calls_in_time']:,} since"
        f" {first_month:%Y-%m} ({counts['calls_all']:,} in the whole archive), and"
        f" {counts['gaps_shown']:,} gaps: {counts['gaps_of_calls_shown']:,} of these calls, however"
        f" short, and others of {rules.least_h:g} h and more"
        f" ({counts['gaps_long']:,} there are in that time).",
        f"Left out: gaps shorter than {rules.least_h:g} h that belong to no call, silences of ships"
        f" that left the region, all before {first_month:%Y-%m}, and what is beyond"
        f" {rules.rows_most:,} rows. The archive holds {counts['gaps_all']:,} gaps: they are in the"
        " tables gaps and dark_port_calls and in darkport.duckdb.",
    ]


def list_coverage(files: pl.DataFrame, manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what the data are, as (what, words)."""
    read, refused = int(files["read"].sum()), int(files["rejected"].sum())
    failed = files["error"].drop_nulls().len()
    first, last = files["first_at"].min(), files["last_at"].max()
    # Nothing of the run itself (its number, its warnings: `darkport doctor` tells them), so that
    # the same archive makes the same page, however many nights it took.
    return [
        ("Data until", f"{manifest['data_end']}"),
        ("First and last report", f"{first} to {last} UTC"),
        ("Feeds", ", ".join(sorted(files["feed"].unique().to_list())) or "none"),
        ("Raw files", f"{files.height:,}, of which {failed:,} could not be read"),
        (
            "Raw rows",
            f"{read:,} read: {int(files['accepted'].sum()):,} accepted,"
            f" {int(files['duplicate'].sum()):,} repeated, {int(files['outside'].sum()):,} outside,"
            f" {refused:,} refused",
        ),
        ("Method and rules", f"{manifest['method_version']}, rules {manifest['rules_hash']}"),
    ]
