"""What stands beside the probability of a call: second calls, changes across the gap, reasons."""

from __future__ import annotations

import polars as pl

from pipeline.rules import CallRules, Rules

# One word whatever its case, blanks and punctuation.
NO_LETTER = r"[\W_]+"


def find_second(best: pl.DataFrame, placed: pl.DataFrame, rules: Rules) -> pl.DataFrame:
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


def find_changes(calls: pl.DataFrame, statics: pl.DataFrame, rules: Rules) -> pl.DataFrame:
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


def tell_reasons(rules: CallRules) -> pl.Expr:
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
