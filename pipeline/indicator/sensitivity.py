"""What the rating of the last twelve months would be under other choices (METHOD 7).

Each choice is made on the rows that the rating is drawn from, and drawn with the same random
numbers: what differs is the choice. What only another night could tell has a row that says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from pipeline.geodesy import local_distance_km
from pipeline.indicator import rating
from pipeline.indicator.chances import mark_counted
from pipeline.indicator.figures import Published, find_observed, list_trailing_years
from pipeline.indicator.rating import Evidence, rate_months
from pipeline.indicator.totals import SCOPES, draw_calls

KM_PER_NM = 1.852
HEADLINE = "headline"
CHOICES = {
    "month": pl.Date,
    **dict.fromkeys(("scope", "choice", "value"), pl.String),
    **rating.SCHEMA,
}
# What is counted in place of the sum of probabilities.
GRADES = {"rows of grade A and B": ("A", "B"), "rows of grade A, B and C": ("A", "B", "C")}


@dataclass(frozen=True, eq=False)
class Places:
    """What is known of the calls that the rating asks about, beside `Published`.

    Attributes:
        candidates: gap_id, port_group, slack_h, p_prior, p_call_flat of table port_candidates.
        port_groups: port_group, lon, lat of table port_groups.
        min_visit_h: the shortest visit for which the candidates left room.
    """

    candidates: pl.DataFrame
    port_groups: pl.DataFrame
    min_visit_h: float


@dataclass(frozen=True, eq=False)
class Choice:
    """One choice made otherwise.

    Attributes:
        name, value: of the choice.
        rows: what is drawn under it; None: only another night can tell.
        note: what else is to be known of it; empty: nothing.
    """

    name: str
    value: str
    rows: pl.DataFrame | None
    note: str = ""


def try_choices(published: Published, places: Places) -> pl.DataFrame:
    """Return CHOICES: the rating of the last trailing year by scope and choice, headline first.

    Without a complete month there is none, and no row.
    """
    years = list_trailing_years(published.months)
    if not years:
        return pl.DataFrame(schema=CHOICES)
    months, rules = years[-1], published.rules
    found: list[dict[str, Any]] = []
    rows = _describe(published, places, months)
    for choice in _list_choices(rows, published, places):
        made = {"month": months[-1], "choice": choice.name, "value": choice.value}
        if choice.rows is None:
            found += [{**made, "scope": scope, "rating_why": choice.note} for scope in SCOPES]
            continue
        evidence = _draw(choice.rows, published)
        for told in rate_months(evidence, months, list(SCOPES), rules):
            found.append({**made, **told, "rating_why": _add_note(told["rating_why"], choice.note)})
    for value, grades in GRADES.items():
        counted = _count_rows(published, months, grades)
        made = {"month": months[-1], "choice": "counted", "value": value}
        note = "each row a sure call, and nothing else is one"
        for told in rate_months(counted, months, list(SCOPES), rules):
            found.append({**made, **told, "rating_why": _add_note(told["rating_why"], note)})
    return pl.DataFrame(found, schema=CHOICES)


def _describe(published: Published, places: Places, months: list[date]) -> pl.DataFrame:
    """Return the chances of these months with what the choices ask of them.

    Whole gaps: one outcome is drawn of each, and its candidates may lie in two months.

    Adds `duration_h` of the gap, `port_km` (straight, from its off point to the middle of the port
    group), `slack_h`, `p_prior`, `p_call_flat`.
    """
    ends = published.gaps.select("gap_id", "duration_h", "off_lon", "off_lat")
    km = local_distance_km(pl.col("off_lon"), pl.col("off_lat"), pl.col("lon"), pl.col("lat"))
    wanted = ("gap_id", "port_group", "slack_h", "p_prior", "p_call_flat")
    return (
        published.chances.filter(pl.col("month").is_in(months).any().over("gap_id"))
        .join(ends, on="gap_id", how="left", maintain_order="left")
        .join(
            places.candidates.select(wanted),
            on=["gap_id", "port_group"],
            how="left",
            maintain_order="left",
        )
        .join(
            places.port_groups.select("port_group", "lon", "lat"),
            on="port_group",
            how="left",
            maintain_order="left",
        )
        .with_columns(port_km=km)
    )


def _list_choices(rows: pl.DataFrame, published: Published, places: Places) -> Iterator[Choice]:
    """Yield the headline, then every other choice on `rows` of `_describe`."""
    rules = published.rules
    yield Choice(HEADLINE, "as published", rows)
    for hours in rules.tried_gap_h:
        kept = rows.filter(pl.col("duration_h") >= hours)
        yield Choice("shortest gap", f"{hours} h", _count_visits(kept))
    for miles in rules.tried_near_nm:
        kept = rows.filter(pl.col("port_km") <= miles * KM_PER_NM)
        note = "only calls at a port whose middle lies so near, straight, to where the gap begins"
        yield Choice("farthest port", f"{miles} nm", _count_visits(kept), note)
    for hours in rules.tried_visit_h:
        yield _try_visit(rows, hours, places.min_visit_h)
    flat = rows.with_columns(p_call=pl.col("p_call_flat"))
    yield Choice("where ships call", "every port in reach equally likely", _count_visits(flat))
    note = (
        "no reception asked: what nobody could have heard counts as well;"
        " gaps that something else explains (in port, outage, ...) stay out"
    )
    yield Choice("silence", "every gap a switch-off", _count_visits(_switch_off(rows)), note)


def _try_visit(rows: pl.DataFrame, hours: int, min_visit_h: float) -> Choice:
    """Return the choice of a shortest visit; the candidates left room for `min_visit_h` only."""
    made = ("shortest visit", f"{hours} h")
    if hours < min_visit_h:
        why = f"candidates left room for {min_visit_h:g} h: another night has to tell"
        return Choice(*made, None, why)
    note = "calls for which the gap leaves less time are no calls; the others keep theirs"
    return Choice(*made, _count_visits(rows.filter(pl.col("slack_h") >= hours)), note)


def _switch_off(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows as if the set had been off in every gap, the unobservable ones included.

    P(call | off) stands for P(off, call); where nothing is known of the silence, what the way and
    habits say.
    """
    sure = dict.fromkeys(("p_off", "p_off_low", "p_off_high"), pl.lit(1.0))
    is_told = (pl.col("p_off") > 0) & pl.col("p_call").is_not_null()
    given_off = (pl.col("p_call") / pl.col("p_off")).clip(0, 1)
    return rows.with_columns(
        p_call=pl.when(is_told).then(given_off).otherwise("p_prior"),
        is_unobservable=pl.lit(value=False),
        **sure,
    )


def _count_visits(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows with `is_counted` anew, of the gaps of a visit that are left."""
    told = rows.with_columns(
        is_refuted=(pl.col("grade") == "X").fill_null(value=False),
        is_proved=(pl.col("grade") == "A").fill_null(value=False),
    )
    return mark_counted(told, ("port_group", "visit_gap_id")).sort("gap_id", "port_group")


def _draw(rows: pl.DataFrame, published: Published) -> Evidence:
    totals: dict[tuple[str, date], np.ndarray] = {}
    expected: dict[tuple[str, date], float] = {}
    for drawn in draw_calls(rows, published.learned):
        for scope in SCOPES:
            totals[scope, drawn.month] = drawn.total(scope)
            expected[scope, drawn.month] = drawn.expect(scope)
    return Evidence(totals, expected, rows, find_observed(published), published.learned.draws)


def _count_rows(published: Published, months: list[date], grades: tuple[str, ...]) -> Evidence:
    """Return the rows of some grades, as if each were a call and nothing else were one."""
    mine = published.dark_port_calls.filter(
        pl.col("grade").is_in(grades), pl.col("month").is_in(months)
    )
    draws = published.learned.draws
    expected: Mapping[tuple[str, date], float] = {
        (scope, months[-1]): float((mine if column is None else mine.filter(column)).height)
        for scope, column in SCOPES.items()
    }
    totals = {key: np.full(draws, int(count)) for key, count in expected.items()}
    return Evidence(totals, expected, published.chances.clear(), find_observed(published), draws)


def _add_note(why: str, note: str) -> str:
    return f"{why}; {note}" if note else why
