"""Proofs, reviews and watch list beside calls: what users bring from outside (METHOD 6)."""

from __future__ import annotations

import polars as pl

from pipeline.areas import Areas
from pipeline.schema import PortGroups, VisitedCandidates, conform, polars_schema

AT = ("gap_id", "port_group")


def mark_proofs(placed: pl.DataFrame, confirmations: pl.DataFrame) -> pl.DataFrame:
    """Return `placed` with is_confirmed, is_refuted and `proofs`: what they say, in words, or null.

    A proof counts for a gap and port group where its ship is the gap's, by MMSI or by trusted IMO
    number, its port of the group, and its instant inside the presence window, both ends included.
    Elsewhere it says nothing. A glimpsed gap is asked for no proof: it is no dark call.

    Args:
        placed: `call_places.place_calls` without these columns.
        confirmations: schema.Confirmations.
    """
    asked = placed.filter(pl.col("visit").is_not_null()).select(
        *AT, "mmsi", "imo", "window_from", "window_to"
    )
    told = confirmations.select("port_group", "seen_at", "is_present", "source", "mmsi", "imo")
    met = pl.concat(
        asked.join(told.filter(pl.col(key).is_not_null()), on=["port_group", key]).select(
            *AT, "window_from", "window_to", "seen_at", "is_present", "source"
        )
        for key in ("mmsi", "imo")
    ).filter(pl.col("seen_at").is_between("window_from", "window_to"))
    words = pl.format(
        "{} at {} UTC by {}",
        pl.when("is_present").then(pl.lit("there")).otherwise(pl.lit("not there")),
        pl.col("seen_at").dt.strftime("%Y-%m-%d %H:%M"),
        "source",
    )
    found = (
        met.sort(*AT, "seen_at", "is_present", "source")
        .group_by(AT, maintain_order=True)
        .agg(
            is_confirmed=pl.col("is_present").any(),
            is_refuted=(~pl.col("is_present")).any(),
            proofs=words.str.join("; "),
        )
    )
    return placed.join(found, on=list(AT), how="left", maintain_order="left").with_columns(
        pl.col("is_confirmed", "is_refuted").fill_null(value=False)
    )


def add_labels(
    call_rows: pl.DataFrame, reviews: pl.DataFrame, watch_list: pl.DataFrame
) -> pl.DataFrame:
    """Return calls with on_watch_list, last_verdict, last_reviewed_by and last_reviewed_on.

    They stand beside the grade and change nothing. The last review is that of the latest date, of
    one date the last line of the file.

    Args:
        call_rows: with call_id, mmsi and imo.
        reviews: schema.Reviews.
        watch_list: schema.WatchList.
    """
    last = reviews.sort("reviewed_on", maintain_order=True).unique("call_id", keep="last")
    is_listed = [
        pl.col(key).is_in(watch_list[key].drop_nulls().implode()).fill_null(value=False)
        for key in ("mmsi", "imo")
    ]
    return call_rows.with_columns(on_watch_list=pl.any_horizontal(is_listed)).join(
        last.select(
            "call_id",
            last_verdict="verdict",
            last_reviewed_by="analyst",
            last_reviewed_on="reviewed_on",
        ),
        on="call_id",
        how="left",
        maintain_order="left",
    )


def warn_of_reviews(reviews: pl.DataFrame, call_rows: pl.DataFrame) -> list[str]:
    """Return a sentence where reviews name calls that are in table dark_port_calls no more."""
    lost = reviews.join(call_rows.select("call_id"), on="call_id", how="anti")["call_id"].n_unique()
    return [f"reviews name {lost} calls that dark_port_calls does not have"] if lost else []


def name_visits(candidates: pl.DataFrame, call_rows: pl.DataFrame) -> pl.DataFrame:
    """Return table port_candidates with the visit of each gap and group that has one.

    Args:
        candidates: schema.PortCandidates.
        call_rows: table dark_port_calls.
    """
    visits = call_rows.select(
        "port_group", "visit_id", gap_id=pl.col("gap_ids").str.split(";")
    ).explode("gap_id")
    rows = candidates.join(visits, on=list(AT), how="left", maintain_order="left")
    return conform(rows.select(polars_schema(VisitedCandidates).names()), VisitedCandidates)


def list_port_groups(areas: Areas) -> pl.DataFrame:
    """Return table port_groups."""
    rows = areas.port_groups().join(areas.port_centres(), on="port_group", maintain_order="left")
    return conform(rows.with_columns(pl.col("ports").list.join(";")), PortGroups)
