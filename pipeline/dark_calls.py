"""Tables dark_port_calls and call_sums: what the posterior of gaps comes to (METHOD 6, 7)."""

from __future__ import annotations

import hashlib
from datetime import datetime

import polars as pl

from pipeline.call_words import find_changes, find_second, tell_reasons
from pipeline.proofs import add_labels
from pipeline.rules import METHOD_VERSION, CallRules, Rules
from pipeline.schema import CallSums, DarkPortCalls, conform, polars_schema
from pipeline.user_evidence import NO_EVIDENCE, Evidence

SCOPES = ("in_ru_ir_crossing", "in_ru_ir_any", "in_any_flag_crossing")
CONCLUDED = ("p_call", "p_unheard")
# Of these a visit's row tells more than the first gap's.
TOLD_OF_ALL = ("gap_id", "window_from", "window_to", "is_confirmed", "is_proven", "proofs")


def sum_calls(placed: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """Return table call_sums: what is expected by month, flag, port group and scopes.

    Gaps of one visit count once, with the largest of their probabilities. Unobservable gaps add
    nothing: they are grade D; nor does what dated proof refutes. Sums are of whole millionths: the
    same whatever the order.

    Args:
        placed: `call_places.place_calls`.
        rules: thresholds.
    """
    cell = ("month", "flag", "port_country", "port_group", *SCOPES)
    judged = placed.filter(
        pl.col("cause") != "unobservable", pl.col("p_call").is_not_null(), ~pl.col("is_refuted")
    )
    is_probable = pl.col("p_off") >= rules.reception.probable_from
    visits = (
        judged.filter(pl.col("visit").is_not_null())
        .sort("visit", pl.col("p_call"), "gap_id", descending=[False, True, False])
        .group_by("visit", maintain_order=True)
        .agg(pl.col(cell).first(), *(pl.col(name).max() for name in CONCLUDED))
    )
    glimpsed = judged.filter("is_glimpsed").select(*cell, glimpsed=is_probable.cast(pl.Int64))
    rows = pl.concat([visits.drop("visit"), glimpsed], how="diagonal").with_columns(
        *((pl.col(name).fill_null(0) * 1e6).round().cast(pl.Int64) for name in CONCLUDED),
        pl.col("flag").fill_null("unknown"),
        pl.col("glimpsed").fill_null(0),
    )
    sums = rows.group_by(cell).agg(
        expected_calls=(pl.col("p_call").sum() / 1e6).round(6),
        expected_unheard=(pl.col("p_unheard").sum() / 1e6).round(6),
        glimpsed=pl.col("glimpsed").sum(),
    )
    return conform(sums.select(polars_schema(CallSums).names()), CallSums).sort(cell)


def list_dark_calls(
    placed: pl.DataFrame,
    statics: pl.DataFrame,
    rules: Rules,
    data_end: datetime,
    rules_hash: str,
    evidence: Evidence = NO_EVIDENCE,
) -> pl.DataFrame:
    """Return table dark_port_calls: a row per visit, at its likeliest port group (METHOD 6).

    Of each gap the group of dated proof counts, else the likeliest. Grades B and C ask for P_call;
    D says that nothing can be told where nobody would have been heard. A visit that dated proof
    refutes has a row of grade X besides, whatever its P_call.

    Args:
        placed: `call_places.place_calls`.
        statics: table statics, of the ships at least.
        rules: thresholds.
        data_end: end of the data: no window reaches beyond it.
        rules_hash: name of the rules and areas.
        evidence: reviews and watch list, told beside the grade.
    """
    told = find_changes(
        find_second(_pick_groups(placed, rules.calls, data_end), placed, rules), statics, rules
    )
    by_weight = ("visit", "is_refuted", "is_blind", "score", "gap_id")
    visits = (
        told.sort(*by_weight, descending=[False, False, False, True, False])
        .group_by("visit", "is_refuted", maintain_order=True)
        .agg(
            pl.exclude(*TOLD_OF_ALL, "off_at").first(),
            pl.col("window_from").min(),
            pl.col("window_to").max(),
            pl.col("is_confirmed", "is_proven").any(),
            proofs=pl.col("proofs").drop_nulls().unique(maintain_order=True).str.join("; "),
            first_gap=pl.col("gap_id").sort_by("off_at").first(),
            gap_ids=pl.col("gap_id").sort_by("off_at").str.join(";"),
            gaps=pl.len(),
        )
        .with_columns(
            families=_name_families(rules.calls), proofs=pl.col("proofs").replace("", None)
        )
    )
    rows = visits.with_columns(
        grade=_grade(rules.calls),
        call_id=_ids("call", visits),
        visit_id=_ids("visit", visits),
        method_version=pl.lit(METHOD_VERSION),
        rules_hash=pl.lit(rules_hash),
    ).with_columns(reasons=tell_reasons(rules.calls))
    labelled = add_labels(rows, evidence.reviews, evidence.watch_list)
    return conform(labelled.select(polars_schema(DarkPortCalls).names()), DarkPortCalls).sort(
        "call_id"
    )


def _pick_groups(placed: pl.DataFrame, rules: CallRules, data_end: datetime) -> pl.DataFrame:
    """Return the port group of each gap that may have a row, and those that proof refutes."""
    is_blind = (pl.col("cause") == "unobservable").fill_null(value=False)
    is_proven = pl.col("is_confirmed") & (pl.col("p_off") >= rules.confirmed_p_off_from)
    standing = placed.filter(
        pl.col("visit").is_not_null(), pl.col("on_at") <= data_end
    ).with_columns(
        is_blind=is_blind,
        is_proven=is_proven.fill_null(value=False),
        # An unobservable gap stands at the group that habits make likeliest.
        score=pl.when(is_blind).then("p_prior").otherwise("p_call"),
    )
    likely = pl.col("p_call") >= rules.possible_from
    # A ship that habits leave in the port where it lay at both ends is silent in port, and no call.
    stayed = placed.filter(
        pl.col("off_in_group") == pl.col("port_group"),
        pl.col("on_in_group") == pl.col("port_group"),
        pl.col("p_prior") == pl.col("p_prior").max().over("gap_id"),
    )["gap_id"]
    is_not_assessable = pl.col("is_blind") & ~pl.col("gap_id").is_in(stayed.implode())
    best = (
        standing.filter(
            ~pl.col("is_refuted"), pl.any_horizontal("is_proven", is_not_assessable, likely)
        )
        .sort("gap_id", "is_proven", "score", "port_group", descending=[False, True, True, False])
        .unique("gap_id", keep="first", maintain_order=True)
    )
    return pl.concat([best, standing.filter("is_refuted")])


def _grade(rules: CallRules) -> pl.Expr:
    """Return the grade by the first match of METHOD 6's order."""
    return (
        pl.when("is_refuted")
        .then(pl.lit("X"))
        .when("is_proven")
        .then(pl.lit("A"))
        .when("is_blind")
        .then(pl.lit("D"))
        .when((pl.col("p_call") >= rules.probable_from) & pl.col("families").is_not_null())
        .then(pl.lit("B"))
        .otherwise(pl.lit("C"))
    )


def _name_families(rules: CallRules) -> pl.Expr:
    """Return the families of evidence that are not inside P_call, null where there is none."""
    is_draught = pl.col("draught_change_m").abs() >= rules.draught_change_m
    return pl.concat_str(
        pl.when(is_draught).then(pl.lit("draught")),
        pl.when("is_destination_changed").then(pl.lit("destination")),
        pl.when("is_confirmed").then(pl.lit("outside")),
        separator=";",
        ignore_nulls=True,
    ).replace("", None)


def _ids(kind: str, visits: pl.DataFrame) -> pl.Series:
    """Return 16 hex digits of BLAKE2b over kind, first gap and port group."""
    return pl.Series(
        [
            hashlib.blake2b("|".join((kind, *row)).encode(), digest_size=8).hexdigest()
            for row in visits.select("first_gap", "port_group").iter_rows()
        ],
        dtype=pl.String,
    )
