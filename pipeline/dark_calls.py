"""Tables dark_port_calls and call_sums: what the posterior of gaps comes to (METHOD 6, 7)."""

from __future__ import annotations

import hashlib
from datetime import datetime

import numpy as np
import polars as pl

from pipeline.areas import Areas
from pipeline.port_stays import find_gap_ends_in_port, find_known_around, mark_scopes
from pipeline.proofs import add_labels, mark_proofs
from pipeline.rules import METHOD_VERSION, CallRules, Rules
from pipeline.schema import CallSums, DarkPortCalls, conform, polars_schema
from pipeline.user_evidence import NO_EVIDENCE, Evidence

SCOPES = ("in_ru_ir_crossing", "in_ru_ir_any", "in_any_flag_crossing")
OF_GAP = (
    *("gap_id", "ship_id", "mmsi", "track", "imo", "name", "flag", "fleet", "cause", "p_off"),
    *("off_at", "on_at", "off_lon", "off_lat", "on_lon", "on_lat"),
)
OF_CANDIDATE = (
    *("gap_id", "port_group", "country", "to_h", "from_h", "slack_h", "window_from", "window_to"),
    *("p_prior", "p_call", "p_unheard"),
)
CONCLUDED = ("p_call", "p_unheard")
# Of these a visit's row tells more than the first gap's.
TOLD_OF_ALL = ("gap_id", "window_from", "window_to", "is_confirmed", "is_proven", "proofs")
# One word whatever its case, blanks and punctuation.
NO_LETTER = r"[\W_]+"


def place_calls(
    gap_rows: pl.DataFrame,
    candidates: pl.DataFrame,
    known: pl.DataFrame,
    areas: Areas,
    rules: Rules,
    confirmations: pl.DataFrame = NO_EVIDENCE.confirmations,
) -> pl.DataFrame:
    """Return a row per closed gap x port group in reach: its scopes, visit, month and proofs.

    `is_glimpsed`: an end of the gap lies in the port, so that a stay there was not dark all along.
    `month` is that of the middle of the presence window. `visit` numbers the gaps of a track at a
    group between which the ship was heard near the group only; it is null where glimpsed.

    Args:
        gap_rows: table gaps.
        candidates: table port_candidates.
        known: `port_stays.list_known_ports` with ship_id.
        areas: ports.
        rules: thresholds.
        confirmations: dated proofs (`proofs.mark_proofs`).
    """
    reachable = candidates.select(OF_CANDIDATE).filter(pl.col("port_group") != "none")
    gaps = gap_rows.select(OF_GAP).join(
        reachable.select("gap_id").unique(), on="gap_id", how="semi"
    )
    around = find_known_around(gaps, known, rules)
    ends = find_gap_ends_in_port(gaps, areas, rules)
    here = pl.col("port_group")
    middle = pl.col("window_from") + (pl.col("window_to") - pl.col("window_from")) / 2
    is_end_there = (pl.col("off_in_group") == here) | (pl.col("on_in_group") == here)
    placed = (
        reachable.join(around, on="gap_id")
        .join(ends.select("gap_id", "off_in_group", "on_in_group"), on="gap_id", how="left")
        .rename({"country": "port_country"})
        .with_columns(
            is_glimpsed=is_end_there.fill_null(value=False),
            month=middle.dt.truncate("1mo").dt.date(),
        )
    )
    return mark_proofs(_number_visits(mark_scopes(placed), areas, rules.calls), confirmations)


def _number_visits(placed: pl.DataFrame, areas: Areas, rules: CallRules) -> pl.DataFrame:
    """Return rows with `visit`, sorted by ship, group and time."""
    key = ("mmsi", "track", "port_group")
    rows = placed.sort(*key, "off_at", "gap_id")
    names = areas.port_groups()["port_group"].to_list()
    group = rows["port_group"].replace_strict(names, np.arange(len(names)), return_dtype=pl.Int64)
    at = group.to_numpy().astype(np.int64)
    near = {
        end: pl.Series(_km_to(rows, end, at, areas) <= rules.visit_within_km)
        for end in ("off", "on")
    }
    apart = pl.col("off_at") - pl.col("on_at").shift(1)
    goes_on = (
        (pl.struct(key) == pl.struct(key).shift(1))
        & pl.col("near_off")
        & pl.col("near_on").shift(1)
        & ~pl.col("is_glimpsed")
        & ~pl.col("is_glimpsed").shift(1)
        & (apart <= pl.duration(seconds=round(rules.visit_apart_h * 3600)))
    )
    return (
        rows.with_columns(near_off=near["off"], near_on=near["on"])
        .with_columns(visit=(~goes_on.fill_null(value=False)).cum_sum())
        .with_columns(visit=pl.when(~pl.col("is_glimpsed")).then("visit"))
        .drop("near_off", "near_on")
    )


def _km_to(
    rows: pl.DataFrame, end: str, group: np.ndarray, areas: Areas
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the straight distance in km from an end of each row's gap to its group."""
    points = rows.select(pl.struct(f"{end}_lon", f"{end}_lat").alias("at"))["at"]
    distinct = points.unique(maintain_order=True).struct.unnest()
    which = rows.select(f"{end}_lon", f"{end}_lat").join(
        distinct.with_row_index("which"), on=distinct.columns, how="left", maintain_order="left"
    )["which"]
    if rows.is_empty():
        return np.zeros(0)
    km = areas.straight_km_to_groups(*(distinct[name].to_numpy() for name in distinct.columns))
    return km[which.to_numpy(), group]


def sum_calls(placed: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """Return table call_sums: what is expected by month, flag, port group and scopes.

    Gaps of one visit count once, with the largest of their probabilities. Unobservable gaps add
    nothing: they are grade D; nor does what dated proof refutes. Sums are of whole millionths: the
    same whatever the order.

    Args:
        placed: `place_calls`.
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
        placed: `place_calls`.
        statics: table statics, of the ships at least.
        rules: thresholds.
        data_end: end of the data: no window reaches beyond it.
        rules_hash: name of the rules and areas.
        evidence: reviews and watch list, told beside the grade.
    """
    told = _find_changes(
        _find_second(_pick_groups(placed, rules.calls, data_end), placed, rules), statics, rules
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
    ).with_columns(reasons=_tell(rules.calls))
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


def _find_second(best: pl.DataFrame, placed: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """Return calls with `second_call_possible`, and the next likeliest group.

    Possible is what two minimum visits and the least ways leave room for, the way between the two
    groups being no shorter than the ways from the off point, or to the on point, differ.
    """
    other = placed.filter(~pl.col("is_refuted")).select(
        "gap_id",
        other_group="port_group",
        other_to_h="to_h",
        other_from_h="from_h",
        other_p_call="p_call",
    )
    pairs = (
        best.select("gap_id", "port_group", "to_h", "from_h", "slack_h")
        .join(other, on="gap_id")
        .filter(pl.col("other_group") != pl.col("port_group"))
    )
    between_h = pl.max_horizontal(
        (pl.col("to_h") - pl.col("other_to_h")).abs(),
        (pl.col("from_h") - pl.col("other_from_h")).abs(),
    )
    duration_h = pl.col("slack_h") + pl.col("to_h") + pl.col("from_h")
    least_h = between_h + pl.min_horizontal(
        pl.col("to_h") + pl.col("other_from_h"), pl.col("other_to_h") + pl.col("from_h")
    )
    found = (
        pairs.with_columns(is_room=duration_h - least_h >= 2 * rules.causes.min_visit_h)
        .sort("gap_id", "other_p_call", "other_group", descending=[False, True, False])
        .group_by("gap_id", "port_group", maintain_order=True)
        .agg(
            second_call_possible=pl.col("is_room").any(),
            next_group=pl.col("other_group").first(),
            next_p_call=pl.col("other_p_call").first(),
        )
    )
    return best.join(
        found, on=["gap_id", "port_group"], how="left", maintain_order="left"
    ).with_columns(pl.col("second_call_possible").fill_null(value=False))


def _find_changes(calls: pl.DataFrame, statics: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """Return calls with draught_change_m and is_destination_changed across the gap (METHOD 6)."""
    within = pl.duration(seconds=round(rules.ports.known_within_d * 86_400))
    mine = statics.join(calls.select("mmsi").unique(), on="mmsi", how="semi")
    for name, short in (("draught_m", "draught"), ("destination", "destination")):
        told = mine.filter(pl.col(name).is_not_null())
        for side, instant, at, way in (
            ("before", "off_at", "last_at", "backward"),
            ("after", "on_at", "first_at", "forward"),
        ):
            said = told.select("mmsi", said_at=at, value=name).sort("said_at", "value")
            asked = calls.select("gap_id", "mmsi", at=instant).unique().sort("at", "gap_id")
            found = (
                asked.join_asof(
                    said,
                    left_on="at",
                    right_on="said_at",
                    by="mmsi",
                    strategy=way,  # pyright: ignore[reportArgumentType]
                    check_sortedness=False,
                )
                .filter((pl.col("said_at") - pl.col("at")).abs() <= within)
                .select("gap_id", pl.col("value").alias(f"{short}_{side}"))
            )
            calls = calls.join(found, on="gap_id", how="left", maintain_order="left")
    change_m = (pl.col("draught_after") - pl.col("draught_before")).round(2)
    place = [
        pl.col(f"destination_{side}").str.to_uppercase().str.replace_all(NO_LETTER, "")
        for side in ("before", "after")
    ]
    is_told = pl.all_horizontal(name.str.len_chars() > 0 for name in place)
    is_changed = (is_told & (place[0] != place[1])).fill_null(value=False)
    return calls.with_columns(draught_change_m=change_m, is_destination_changed=is_changed)


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


def _tell(rules: CallRules) -> pl.Expr:
    """Return why a row stands here, in words with figures."""

    def short(name: str, digits: int) -> pl.Expr:
        return pl.col(name).round(digits).cast(pl.String).fill_null("unknown")

    where = pl.format(
        "It can have been at {} ({}) between {} UTC and {} UTC, with {} h to spare at most.",
        "port_group",
        "port_country",
        pl.col("window_from").dt.strftime("%Y-%m-%d %H:%M"),
        pl.col("window_to").dt.strftime("%Y-%m-%d %H:%M"),
        short("slack_h", 1),
    )
    blind = pl.format(
        " Not assessable: too little would have been received of it in any case. By habits and the"
        " way alone the probability of this port is {}.",
        short("p_prior", 3),
    )
    judged = pl.format(
        " Probability that its set was off and it called there: {}; that it was off at all: {}."
        " By habits and the way alone the probability of this port is {}.",
        short("p_call", 3),
        short("p_off", 3),
        short("p_prior", 3),
    )
    other = pl.format(" Next likeliest: {} with {}.", "next_group", short("next_p_call", 3))
    draught = pl.format(
        " Draught typed in changed by {} m; ship-to-ship transfer explains that too.",
        short("draught_change_m", 1),
    )
    families = pl.col("families").fill_null("")
    proven = pl.format(" Proof from outside: {}.", "proofs")
    lit = pl.lit(
        " It was there; that its set was off is not likely enough for grade A: p_off is below"
        f" {rules.confirmed_p_off_from:g}."
    )
    return pl.concat_str(
        where,
        pl.when("is_blind").then(blind).otherwise(judged),
        pl.when(~pl.col("is_blind")).then(other).fill_null(""),
        pl.when(families.str.contains("draught")).then(draught).otherwise(pl.lit("")),
        pl.when(families.str.contains("destination"))
        .then(
            pl.lit(
                " The destination typed in changed: weak, as most voyages change it and 40-52 % of"
                " destinations are wrong."
            )
        )
        .otherwise(pl.lit("")),
        proven.fill_null(""),
        pl.when(pl.col("is_confirmed") & ~pl.col("is_proven") & ~pl.col("is_refuted"))
        .then(lit)
        .otherwise(pl.lit("")),
        pl.when("is_refuted")
        .then(pl.lit(" Refuted by it: the row counts nowhere."))
        .otherwise(pl.lit("")),
        pl.when(pl.col("gaps") > 1)
        .then(pl.format(" {} gaps of one visit.", "gaps"))
        .otherwise(pl.lit("")),
    )


def _ids(kind: str, visits: pl.DataFrame) -> pl.Series:
    """Return 16 hex digits of BLAKE2b over kind, first gap and port group."""
    return pl.Series(
        [
            hashlib.blake2b("|".join((kind, *row)).encode(), digest_size=8).hexdigest()
            for row in visits.select("first_gap", "port_group").iter_rows()
        ],
        dtype=pl.String,
    )
