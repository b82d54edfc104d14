"""The rows of table `gaps`: ids, measures, status and the story in words."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

import polars as pl

from pipeline.geodesy import KM_PER_NM, geodesic_km
from pipeline.rules import METHOD_VERSION, Rules
from pipeline.schema import Gaps, conform, polars_schema
from pipeline.tracks import epoch_s

CAUSE_WORDS = {
    "left_region": "It left the region by an exit: no gap, counted apart.",
    "identity": "It was next heard under another MMSI with the same IMO number.",
    "in_port": "Both ends lie in one port, and the time is too short for a call elsewhere.",
    "laid_up": "It lay still at one place, for weeks or while the waterway was closed.",
    "gnss": "Positions of many ships jumped there then: less than 4 h of silence are left.",
    "outage": "Receivers of the area were out: less than 4 h of silence are left.",
    "unobservable": "Too little would have been received of it in any case.",
    "coverage": "Weak reception explains the silence better than a set that is off.",
    "unexplained": "Neither weak reception nor a set that is off explains the silence alone.",
    "probable_off": "The set was probably off.",
}
NOT_JUDGED = "Why is not judged."


def measure_silences(silences: pl.DataFrame) -> pl.DataFrame:
    """Return silences with what follows from their ends alone: ids and measures.

    Returns:
        The same rows and gap_id, month, is_closed, duration_s, duration_h, distance_km,
        implied_speed_kn.
    """
    km = geodesic_km(
        *(
            silences[name].fill_null(float("nan")).to_numpy()
            for name in ("off_lon", "off_lat", "on_lon", "on_lat")
        )
    )
    return silences.with_columns(
        gap_id=gap_ids(silences),
        month=pl.col("off_at").dt.truncate("1mo").dt.date(),
        is_closed=pl.col("on_at").is_not_null(),
        duration_s=epoch_s("on_at") - epoch_s("off_at"),
        distance_km=pl.Series(km).fill_nan(None).round(3),
    ).with_columns(
        duration_h=(pl.col("duration_s") / 3600.0).round(6),
        implied_speed_kn=(
            pl.col("distance_km") / KM_PER_NM / (pl.col("duration_s") / 3600.0)
        ).round(3),
    )


def tell_silences(silences: pl.DataFrame, data_end: datetime | None = None) -> pl.DataFrame:
    """Return silences with `reasons`, their story in words, sorted by gap_id.

    Args:
        silences: `measure_silences` of `name_causes` of `count_positions_before`.
        data_end: until when an open silence was not heard again; None where all are closed.
    """
    return silences.with_columns(reasons=tell_gap(data_end)).sort("gap_id")


def tell_causes(silences: pl.DataFrame) -> pl.DataFrame:
    """Return silences of `reception.add_causes` with the cause in words behind `reasons`."""
    cause = pl.col("cause").replace_strict(CAUSE_WORDS, default=NOT_JUDGED).fill_null(NOT_JUDGED)
    heard = pl.format(
        " In {} h of it {} other ships and beacons were heard where it could have been or, by"
        " satellite, in the basin, and {} receptions were"
        " to be expected of it with its set on.",
        pl.col("live_h").round(1),
        "witnesses",
        pl.col("expected_receptions").round(1),
    )
    off = pl.format(
        " Probability that the set was off: {} (90 % interval {} to {}).",
        *(pl.col(name).round(3) for name in ("p_off", "p_off_low", "p_off_high")),
    )
    weak = pl.when("weakly_identified").then(pl.lit(" Learned of thin data.")).otherwise(pl.lit(""))
    why = pl.concat_str(
        pl.lit(" "),
        cause,
        heard.fill_null(""),
        off.fill_null(""),
        pl.when(pl.col("p_off").is_not_null()).then(weak).otherwise(pl.lit("")).fill_null(""),
    )
    return silences.with_columns(reasons=pl.col("reasons") + why)


def assemble_gaps(
    silences: pl.DataFrame,
    rules: Rules,
    data_end: datetime,
    rules_hash: str,
) -> pl.DataFrame:
    """Return table `gaps` (schema.Gaps), in the order of `silences`.

    Args:
        silences: `tell_causes`, with the ship's fields, flag and fleet as of the off point.
        rules: thresholds.
        data_end: end of the data the rows are judged with.
        rules_hash: name of the rules and areas.
    """
    rows = silences.with_columns(
        status=judge_status(pl.col("month"), data_end, rules.gaps.final_after_d),
        data_end=pl.lit(data_end),
        method_version=pl.lit(METHOD_VERSION),
        rules_hash=pl.lit(rules_hash),
    )
    return conform(rows.select(polars_schema(Gaps).names()), Gaps)


def gap_ids(silences: pl.DataFrame) -> pl.Series:
    """Return the ids of silences: a hash of MMSI, off time and off position only (METHOD 1).

    polars' own `hash` differs between versions, so a stated one is used: 16 hex digits of
    BLAKE2b over "mmsi|microseconds|micro-degrees east|micro-degrees north".
    """
    columns = silences.select(
        "mmsi",
        pl.col("off_at").dt.epoch("us"),
        (pl.col("off_lon") * 1e6).round().cast(pl.Int64),
        (pl.col("off_lat") * 1e6).round().cast(pl.Int64),
    )
    return pl.Series(
        "gap_id",
        [
            hashlib.blake2b("|".join(map(str, row)).encode(), digest_size=8).hexdigest()
            for row in columns.iter_rows()
        ],
        dtype=pl.String,
    )


def judge_status(month: pl.Expr, data_end: datetime, final_after_d: int) -> pl.Expr:
    """Return `final` where the month ended at least `final_after_d` days before `data_end`."""
    final_from = month.dt.offset_by("1mo").cast(pl.Datetime("us")) + timedelta(days=final_after_d)
    return (
        pl.when(final_from <= pl.lit(data_end))
        .then(pl.lit("final"))
        .otherwise(pl.lit("provisional"))
    )


def tell_gap(data_end: datetime | None) -> pl.Expr:
    """Return what happened in words, with its figures; `tell_causes` adds why."""

    def instant(column: pl.Expr) -> pl.Expr:
        return column.dt.strftime("%Y-%m-%d %H:%M:%S UTC")

    def whole(name: str, decimals: int = 1) -> pl.Expr:
        return pl.col(name).cast(pl.Float64).round(decimals).cast(pl.String).fill_null("unknown")

    def speed(side: str) -> pl.Expr:
        return (
            pl.when(pl.col(f"{side}_sog_kn").is_null())
            .then(pl.lit("speed unknown"))
            .when(pl.col(f"{side}_sog_kn") > 1)
            .then(pl.format("under way at {} kn", whole(f"{side}_sog_kn")))
            .otherwise(pl.format("at {} kn", whole(f"{side}_sog_kn")))
        )

    def place(side: str) -> pl.Expr:
        group = pl.col(f"{side}_port_group")
        return (
            pl.when(group == "none")
            .then(pl.format("in {}", f"{side}_area"))
            .otherwise(pl.format("in {}, near port group {}", f"{side}_area", group))
        )

    off = pl.format(
        "Last heard {} {}, {}, by {} receivers; {} sightings in the 12 h before.",
        instant(pl.col("off_at")),
        place("off"),
        speed("off"),
        "off_receiver",
        "positions_12h_before",
    )
    on = pl.format(
        " Heard again {} after {} h, {} km away, {}, {}; that takes {} kn in a straight line.",
        instant(pl.col("on_at")),
        whole("duration_h"),
        whole("distance_km"),
        pl.when(pl.col("on_is_outside")).then(pl.lit("outside the region")).otherwise(place("on")),
        speed("on"),
        whole("implied_speed_kn"),
    )
    still = pl.format(" Not heard again by {}.", instant(pl.lit(data_end, pl.Datetime("us"))))
    ended = pl.when("is_closed").then(on).otherwise(still)
    return off + ended
