"""All that is derived from the raw files, step by step; each step done only where it must be.

The order is the one in which the steps need each other: notes of the days, the end of the data,
pings to refuse, segments, tracks and silences, jumps to refuse, finished days, sums, tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import polars as pl

from pipeline import (
    call_places,
    calls,
    dark_calls,
    derive,
    gap_table,
    gaps,
    ghosts,
    health,
    imaging,
    indicator,
    ingest,
    inputs,
    proofs,
    reception,
    ships,
    store,
    tracks,
    voyages,
)
from pipeline.chains import OpenEnds
from pipeline.days import DAYS, EDGES, NOTES, Days, by_day
from pipeline.engine import HERE, Engine
from pipeline.errors import RawFileError
from pipeline.ingest import Progress
from pipeline.inputs import RawFile
from pipeline.months import HEALTH, JUDGED, LOST, MONTH_NOTES, RECEPTION, SUMS, Months
from pipeline.rules import Rules
from pipeline.user_evidence import NO_EVIDENCE, Evidence
from pipeline.water import Water


@dataclass(frozen=True)
class Question:
    """What an archive is derived from, beside its raw files.

    Attributes:
        water: the geo folder: areas, and the ways over water.
        registry: schema.ShipRegistry.
        rules: thresholds.
        rules_hash: name of the rules and areas.
        data_end: end of the data, where the user gives one.
        evidence: the user's proofs, reviews and watch list.
    """

    water: Water
    registry: pl.DataFrame
    rules: Rules
    rules_hash: str
    data_end: datetime | None
    evidence: Evidence = NO_EVIDENCE


@dataclass(frozen=True)
class Archive:
    """What was derived.

    Attributes:
        found: the raw files.
        days, months: the steps, with their names on the shelf.
        data_end: end of the data.
        tables: tables that are one file each, by name.
    """

    found: Sequence[RawFile]
    days: Days
    months: Months
    data_end: datetime
    tables: Mapping[str, pl.DataFrame]

    @property
    def sightings(self) -> int:
        """How many positions there are."""
        return sum(self.sightings_by_day().values())

    def sightings_by_day(self) -> dict[date, int]:
        """Return how many positions each UTC day has, days without any among them."""
        counts = self.months.read_all(SUMS, "counts")
        return dict(counts.select("date", "sightings").iter_rows())

    def counts(self, rows_read: int, rows_refused: int, *, has_lost: bool) -> health.NightCounts:
        """Return what the bands of a night are held against.

        Args:
            rows_read, rows_refused: of the raw files meant (`health.NightCounts`).
            has_lost: sightings may be fewer than the night before, and rightly so.
        """
        hours = self.months.read_all(MONTH_NOTES, "hours")
        by_day = hours.group_by(date=pl.col("hour").dt.date()).agg(pl.col("sightings").sum())
        return health.NightCounts(
            data_end=self.data_end,
            days=by_day.sort("date"),
            feed_days=self.months.read_all(MONTH_NOTES, "feed_days"),
            rows_read=rows_read,
            rows_refused=rows_refused,
            has_lost_files=has_lost,
        )

    def names(self) -> dict[str, list[str]]:
        """Return the results on the shelf that this archive stands on, by kind."""
        # A file whose rows are all refused touches no day, and has its refused rows all the same.
        files = {file.key for file in self.found if file.account.error is None}
        return {**self.days.names(), **self.months.shelf_names(), inputs.KIND: sorted(files)}

    def derived_from(self) -> dict[str, Any]:
        """Return what every day and month was derived from, for the manifest."""
        return {
            "days": {
                day.isoformat(): {
                    "files": [file.account.file for file in self.days.files[day]],
                    NOTES: self.days.notes[day],
                    EDGES: self.days.edges[day],
                    DAYS: self.days.days[day],
                }
                for day in self.days.files
            },
            "months": self.months.derived(),
        }

    def days_redone(self) -> list[date]:
        """Return the days of which any step was done by this run, in order."""
        return sorted(set().union(*self.days.made.values()))


def derive_archive(
    found: Sequence[RawFile],
    shelf: store.Shelf,
    scratch: store.Scratch,
    question: Question,
    progress: Progress,
    engine: Engine = HERE,
) -> Archive:
    """Return all that follows from the raw files.

    Args:
        found: the raw files (`inputs.read_inputs`).
        shelf: where finished steps lie, those of earlier runs among them.
        scratch: an empty scratch folder.
        question: waters, registry, rules, end of the data.
        progress: told of each stage.
        engine: where the steps of days are done.

    Raises:
        RawFileError: there is no sighting at all.
    """
    rules = question.rules
    areas = question.water.areas
    days = Days(inputs.files_by_day(found), shelf, scratch, areas, rules, progress, engine)
    if not days.files:
        raise RawFileError("the raw files hold no accepted row: nothing is published")
    days.take_notes()
    progress("linking tracks", 0, 2)
    months = Months(days, question.water)
    months.gather_notes()
    hours = months.read_all(MONTH_NOTES, "hours")
    if hours.is_empty():
        raise RawFileError("the raw files hold no accepted position: nothing is published")
    data_end = question.data_end or gaps.find_data_end(hours, rules.gaps)
    identities = months.read_all(MONTH_NOTES, "identities")
    fast, tugs = ships.high_speed_mmsis(identities), ships.tug_mmsis(identities)
    unconfirmed = by_day(months.judge_lone_pings(fast, data_end))
    days.find_edges(unconfirmed, _sensitive(months, fast), fast, data_end)
    progress("linking tracks", 1, 2)
    ends = months.link(fast, data_end)
    jumps = tracks.find_jumps(ends.tracks)
    progress("linking tracks", 2, 2)
    days.finish(unconfirmed, by_day(jumps), fast, data_end)
    progress("judging months", 0, 1)
    months.sum_up(jumps)
    lasting = _drop_jumps(ends, jumps)
    taken_over = months.find_taken_over(
        lasting.tracks, gaps.open_silences(lasting.tracks, rules.gaps, data_end)
    )
    months.judge(tugs, taken_over, data_end)
    months.judge_health(data_end)
    progress("judging months", 1, 1)
    progress("listing gaps", 0, 1)
    who = derive.identify(
        identities,
        months.read_all(SUMS, "classes"),
        months.read_all(SUMS, "port_visits"),
        question.registry,
        rules,
    )
    still_open = _judge_open(months, lasting, taken_over, who, tugs, data_end)
    closed = months.read_all(JUDGED, "silences")
    # A total order without sorting all of them anew every night: by the month in which they ended,
    # then those that no sighting of their MMSI ended; by gap_id within.
    silences = pl.concat([closed, still_open.select(closed.columns)])
    months.find_lost_ships(silences, data_end)
    outages = pl.concat([months.read_all(kind, "outage_hours") for kind in (HEALTH, LOST)])
    silences = _judge_causes(months, silences, still_open, outages, who, data_end)
    progress("listing gaps", 0, 1)
    gap_rows = derive.list_gaps(silences, who, rules, data_end, question.rules_hash)
    progress("listing gaps", 1, 1)
    progress("adding up exposure", 0, 1)
    tables = _follow_gaps(months, gap_rows, still_open, outages, who, question, data_end)
    tables["gnss_hours"] = months.read_all(SUMS, "gnss_hours")
    tables["files"] = ingest.files_frame([file.account for file in found], _booked(months))
    progress("adding up exposure", 1, 1)
    return Archive(found, days, months, data_end, tables)


def _sensitive(months: Months, fast: pl.Series) -> dict[date, list[int]]:
    rows = months.read_all(MONTH_NOTES, "sensitive").filter(pl.col("mmsi").is_in(fast.implode()))
    by_date = rows.group_by("date").agg(pl.col("mmsi"))
    return dict(by_date.select("date", "mmsi").iter_rows())


def _booked(months: Months) -> pl.DataFrame:
    """Return where the rows of each file went: file, accepted, ..., unconfirmed, jump."""
    accounts = [months.read_all(MONTH_NOTES, "accounts"), months.read_all(SUMS, "refused")]
    return (
        pl.concat(accounts, how="diagonal")
        .group_by("file")
        .agg(pl.exclude("file").sum())
        .sort("file")
    )


def _drop_jumps(ends: OpenEnds, jumps: pl.DataFrame) -> OpenEnds:
    lasting = ends.tracks.join(
        jumps, left_on=["mmsi", "track"], right_on=["mmsi", "segment"], how="anti"
    )
    return replace(ends, tracks=lasting)


def _judge_open(
    months: Months,
    ends: OpenEnds,
    taken_over: pl.DataFrame,
    who: derive.WhoIsWho,
    tugs: pl.Series,
    data_end: datetime,
) -> pl.DataFrame:
    """Return the silences that no later sighting of their MMSI ended, in words."""
    rules = months.days.rules
    still_open = ghosts.drop_taken_over(
        gaps.open_silences(ends.tracks, rules.gaps, data_end), taken_over
    )
    still_open = gaps.close_under_other_mmsi(still_open, ends.tracks, who.plain, rules)
    still_open = gaps.count_positions_before(still_open, ends.hours, rules.gaps)
    return gap_table.tell_silences(months.judge_silences(still_open, tugs), data_end)


def _judge_causes(
    months: Months,
    silences: pl.DataFrame,
    still_open: pl.DataFrame,
    outages: pl.DataFrame,
    who: derive.WhoIsWho,
    data_end: datetime,
) -> pl.DataFrame:
    """Return all silences with their cause and p_off, in words too."""
    rules = months.days.rules
    silences = reception.name_explained(
        silences,
        outages,
        months.read_all(SUMS, "gnss_hours"),
        months.water.areas.area_closures(),
        rules,
    )
    explained = silences.filter(pl.col("cause").is_in(reception.EXPLAINED))
    months.judge_reception(still_open, explained.select("gap_id", "on_at"), who, data_end)
    judged = months.read_all(RECEPTION, "judged")
    return gap_table.tell_causes(reception.add_causes(silences, judged, rules))


def _follow_gaps(
    months: Months,
    gap_rows: pl.DataFrame,
    still_open: pl.DataFrame,
    outages: pl.DataFrame,
    who: derive.WhoIsWho,
    question: Question,
    data_end: datetime,
) -> dict[str, pl.DataFrame]:
    """Return the tables of one file each: gaps, and what follows from them."""
    areas, rules, name = question.water.areas, question.rules, question.rules_hash
    evidence = question.evidence
    heard = voyages.put_together(
        months.read_all(SUMS, "port_parts"), months.read_all(SUMS, "canal_parts"), who, areas, rules
    )
    candidates = months.read_parts(RECEPTION, "port_candidates")
    placed = call_places.place_calls(
        gap_rows, candidates, heard.known, areas, rules, evidence.confirmations
    )
    statics = months.read_parts(MONTH_NOTES, "statics")
    dark = dark_calls.list_dark_calls(placed, statics, rules, data_end, name, evidence)
    port_groups = proofs.list_port_groups(areas)
    by_month = [months.read_all(kind, "by_month") for kind in (SUMS, JUDGED)]
    return {
        "ships": who.listed,
        "gaps": gap_rows,
        "dark_port_calls": dark,
        "imaging_requests": imaging.list_requests(dark, port_groups, who.listed, name),
        "call_sums": dark_calls.sum_calls(placed, rules),
        "call_chances": indicator.list_call_chances(placed, rules.calls),
        "near_port_gaps": calls.list_near_port(gap_rows, areas.port_groups(), data_end, name),
        "lit_port_calls": voyages.list_lit_port_calls(heard, gap_rows, who, rules, data_end, name),
        "legs": voyages.list_legs(heard, gap_rows, who, rules, name),
        "canal_transits": voyages.list_canal_transits(
            heard, gap_rows, who, areas.seasons, rules, name
        ),
        "ship_months": derive.sum_ship_months(
            pl.concat(by_month), still_open, months.read_all(RECEPTION, "observable"), who
        ),
        "outage_hours": outages.sort("area", "hour", "why"),
        "port_groups": port_groups,
    }
