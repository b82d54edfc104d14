"""The months of a run: what their days add up to, and what goes on from one month to the next.

A month is the step in which the chains of `chains` run and in which days are added up: a night
reads the days of the months that changed, and of all others only these sums.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Any

import polars as pl

from pipeline import (
    canal_parts,
    causes,
    chains,
    exposure,
    gap_table,
    ghosts,
    gnss,
    health,
    port_parts,
    posterior,
    reception,
    ships,
    store,
    summaries,
    tow,
)
from pipeline.clean import SIGHTING_KEY
from pipeline.days import DAYS, EDGES, NOTES, Days
from pipeline.derive import WhoIsWho, name_ships
from pipeline.keys import code_key, frame_key, key_of, pick_rules, rows_key
from pipeline.schema import (
    STATIC_FIELDS,
    Beacons,
    FeedHealth,
    GapHours,
    OutageHours,
    PortCandidates,
    ReceptionCells,
    Statics,
    Tracks,
    polars_schema,
)
from pipeline.summaries import Edges
from pipeline.water import Water

KINDS = (
    MONTH_NOTES,
    LONE,
    TRACKS,
    SUMS,
    JUDGED,
    WAYS,
    RECEPTION,
    HEALTH,
    LOST,
) = (
    "month_notes",
    "lone_pings",
    "tracks",
    "month_sums",
    "judged",
    "ways",
    "reception",
    "health",
    "lost_ships",
)
# What months long past hold, kept in one file for each frame that is read of all months.
PAST = "past"
# So many of the last months that are more than a few stray days (a clock was wrong) may still
# change in most nights (judgement: rows come weeks late, seldom months).
RECENT_MONTHS, STRAY_DAYS = 3, 7
STATICS_KEY = ("mmsi", "first_at", "last_at", "ais_class", *STATIC_FIELDS)


@dataclass
class Months:
    """The months that any day lies in, and the names of their results.

    Attributes:
        days: the days of the run.
        water: the ways over water.
        names: the names of the results on the shelf, by kind and month.
        made: the months whose results were made by this run, by kind.
        past: the names of what was read of months long past.
    """

    days: Days
    water: Water
    names: dict[str, dict[date, str]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    made: dict[str, list[date]] = field(default_factory=dict)
    past: set[str] = field(default_factory=set)

    @property
    def shelf(self) -> store.Shelf:
        """Where finished results lie."""
        return self.days.shelf

    def months(self) -> dict[date, list[date]]:
        """Return the days of each month with any, in order."""
        found: dict[date, list[date]] = {}
        for day in self.days.files:
            found.setdefault(day.replace(day=1), []).append(day)
        return found

    # -------------------------------------------------------------------------------- notes

    def gather_notes(self) -> None:
        """Add up the notes of the days of every month."""
        for month, days in self.months().items():
            notes = [self.days.notes[day] for day in days]
            name = self._name(MONTH_NOTES, month, key_of(code_key(), notes))
            if not self._is_missing(MONTH_NOTES, month):
                continue
            read = {
                frame: self.shelf.read_many(NOTES, notes, frame)
                for frame in (
                    *("lone", "hours", "sensitive", "accounts"),
                    *("station_hours", "station_areas", "statics", "beacons"),
                )
            }
            statics = read.pop("statics").sort(STATICS_KEY, nulls_last=False)
            beacons = read.pop("beacons").sort("mmsi", "hour", "feed", "receiver", "station")
            read["accounts"] = (
                read["accounts"].group_by("file").agg(pl.exclude("file").sum()).sort("file")
            )
            read["identities"] = ships.sum_up_statics(statics)
            read["feed_days"] = _sum_feed_days(read["station_hours"])
            self._put(
                MONTH_NOTES,
                name,
                read,
                {
                    "statics": store.validate(statics, Statics),
                    "beacons": store.validate(beacons, Beacons),
                },
            )

    def read_all(self, kind: str, frame: str) -> pl.DataFrame:
        """Return one frame of all months, one month under the other.

        What the months long past hold is put under one name as well: each night reads it, and of
        some years of small files the opening takes longest.
        """
        names = self.names[kind]
        past = [name for month, name in names.items() if month in self._settled]
        if not past:
            return self.shelf.read_many(kind, list(names.values()), frame)
        recent = [name for month, name in names.items() if month not in self._settled]
        together = f"{kind}-{frame}-{key_of(past)}".replace("_", "-")
        if not self.shelf.has(PAST, together):
            rows = self.shelf.read_many(kind, past, frame)
            self.shelf.write(PAST, together, {frame: rows})
        self.past.add(together)
        return store.read_parquet(
            [
                self.shelf.path(PAST, together) / f"{frame}.parquet",
                *(self.shelf.path(kind, name) / f"{frame}.parquet" for name in recent),
            ]
        )

    def read_parts(self, kind: str, table: str) -> pl.DataFrame:
        """Return a published table that lies on the shelf a month a file, as it lies there."""
        return self.shelf.read_many(kind, list(self.names[kind].values()), table)

    @cached_property
    def _settled(self) -> set[date]:
        """Return the months long past."""
        months = self.months()
        whole = [month for month, days in months.items() if len(days) > STRAY_DAYS]
        before = whole[-RECENT_MONTHS] if len(whole) > RECENT_MONTHS else date.min
        return {month for month in months if month < before}

    # ------------------------------------------------------------------------------- chains

    def judge_lone_pings(self, high_speed: pl.Series, data_end: datetime) -> pl.DataFrame:
        """Return the unconfirmed pings of all months, by SIGHTING_KEY."""
        made_by = key_of(code_key(), pick_rules(self.days.rules, "tracks"), high_speed.to_list())
        left_open, earlier = "", None
        for month in self.months():
            notes = self.names[MONTH_NOTES][month]
            waits = earlier is not None and _midnight(month) >= data_end
            before, begins_with = (None, "") if waits else (earlier, left_open)
            name = self._name(
                LONE, month, key_of(made_by, begins_with, notes, _judged_until(month, data_end))
            )
            if self._is_missing(LONE, month):
                found, open_now = chains.judge_lone_pings(
                    self.shelf.read(LONE, before, "left_open") if before else None,
                    self.shelf.read(MONTH_NOTES, notes, "lone"),
                    high_speed,
                    self.days.rules,
                    data_end,
                )
                self._put(LONE, name, {"refused": found, "left_open": open_now}, {})
            if not waits:
                left_open, earlier = self._left_open(LONE, name), name
        return self.read_all(LONE, "refused").unique().sort(SIGHTING_KEY)

    def link(self, high_speed: pl.Series, data_end: datetime) -> chains.OpenEnds:
        """Link the segments of all months; return the tracks as the last month leaves them.

        A month after `data_end` has no edges yet: it goes on from nothing, so that it is not
        linked anew whenever a month before it leaves other tracks.
        """
        rules = self.days.rules
        made_by = key_of(
            code_key(),
            pick_rules(
                rules,
                *("tracks", "gaps.min_gap_s", "gaps.count_above_only", "gaps.positions_before_h"),
            ),
            high_speed.to_list(),
        )
        left_open, earlier = "", None
        for month, days in self.months().items():
            edges = [self.days.edges[day] for day in days]
            waits = earlier is not None and _midnight(month) >= data_end
            before, begins_with = (None, "") if waits else (earlier, left_open)
            name = self._name(TRACKS, month, key_of(made_by, begins_with, edges))
            if self._is_missing(TRACKS, month):
                decided, ends = chains.link_days(
                    self._open_ends(before) if before else None,
                    Edges(
                        **{
                            one.name: self.shelf.read_many(EDGES, edges, one.name)
                            for one in fields(Edges)
                        }
                    ),
                    high_speed,
                    rules,
                )
                frames = {one.name: getattr(decided, one.name) for one in fields(decided)}
                frames |= {"open_tracks": ends.tracks, "open_hours": ends.hours}
                self._put(TRACKS, name, frames, {})
            if not waits:
                left_open, earlier = self._left_open(TRACKS, name), name
        assert earlier is not None, "a run has at least one day"
        return self._open_ends(earlier)

    def _open_ends(self, name: str) -> chains.OpenEnds:
        return chains.OpenEnds(
            self.shelf.read(TRACKS, name, "open_tracks"),
            self.shelf.read(TRACKS, name, "open_hours"),
        )

    def _left_open(self, kind: str, name: str) -> str:
        """Return what names the content that a month leaves open: equal content, equal name."""
        return (self.shelf.path(kind, name) / "left_open.key").read_text("utf-8")

    # ------------------------------------------------------------------------------- sums

    def sum_up(self, jumps: pl.DataFrame) -> None:
        """Add up the finished days of every month, and publish their tracks.

        Args:
            jumps: segments refused as jumps: mmsi, segment.
        """
        made_by = key_of(code_key(), pick_rules(self.days.rules, "gnss"))
        for month, days in self.months().items():
            finished = [self.days.days[day] for day in days]
            linked = self.names[TRACKS][month]
            name = self._name(SUMS, month, key_of(made_by, finished, linked))
            if not self._is_missing(SUMS, month):
                continue
            read = {
                frame: self.shelf.read_many(DAYS, finished, frame)
                for frame in (
                    *("presence", "classes", "speeds", "refused", "counts"),
                    *("ship_hours", "port_parts", "canal_parts"),
                )
            }
            segments = self.shelf.read(TRACKS, linked, "segments").join(
                jumps, on=["mmsi", "segment"], how="anti", maintain_order="left"
            )
            short = self.shelf.read(TRACKS, linked, "short")
            leaps = self.shelf.read_many(EDGES, [self.days.edges[day] for day in days], "leaps")
            by_month = exposure.sum_days(read["presence"])
            parts = {
                part: read[part]
                .join(segments.select("mmsi", "segment", "track"), on=["mmsi", "segment"])
                .drop("segment")
                for part in ("port_parts", "canal_parts")
            }
            sums = {
                "ship_hours": read["ship_hours"]
                .join(segments.select("mmsi", "segment", "track"), on=["mmsi", "segment"])
                .drop("segment")
                .sort("mmsi", "track", "hour", "lon", "lat"),
                "by_month": pl.concat([by_month, short.select(by_month.columns)]),
                "classes": read["classes"]
                .group_by("mmsi", "ais_class")
                .agg(pl.col("reports").sum())
                .sort("mmsi", "ais_class", nulls_last=False),
                "speeds": read["speeds"]
                .group_by("mmsi", "month", "speed_bin")
                .agg(pl.col("sightings").sum())
                .sort("mmsi", "month", "speed_bin"),
                "counts": read["counts"].sort("date"),
                "gnss_hours": gnss.mark_hours(leaps, self.days.rules.gnss),
                "port_visits": summaries.merge_port_visits(
                    summaries.pick_port_visits(read["port_parts"])
                ),
                "port_parts": port_parts.merge_port_parts(
                    parts["port_parts"], self.days.rules.gaps.shortest_s
                ),
                "canal_parts": canal_parts.merge_canal_parts(parts["canal_parts"]),
                "refused": read["refused"]
                .group_by("file")
                .agg(pl.exclude("file").sum())
                .sort("file"),
            }
            table = store.validate(segments.select(polars_schema(Tracks).names()), Tracks)
            self._put(SUMS, name, sums, {"tracks": table})

    def find_taken_over(self, tracks: pl.DataFrame, still_open: pl.DataFrame) -> pl.DataFrame:
        """Return the silences in which the ship was heard on another track (`ghosts`).

        Args:
            tracks: all tracks, jumps left out.
            still_open: `gaps.open_silences` of them.
        """
        several = ghosts.pick_several(tracks)
        columns = (*ghosts.KEY, "on_at")
        if several.is_empty():
            return still_open.clear().select(columns)
        silences = pl.concat(
            [self.read_all(TRACKS, "silences").select(columns), still_open.select(columns)]
        )
        return ghosts.find_taken_over(
            silences.join(several, on="mmsi", how="semi"),
            self.read_all(TRACKS, "segments").join(several, on="mmsi", how="semi"),
            self.days.rules.tracks,
        )

    def judge(self, tugs: pl.Series, taken_over: pl.DataFrame, data_end: datetime) -> None:
        """Say of the silences that each month ended what no other month is needed for.

        They are told in words and their hours are added up, too, so that of past months only
        the finished rows are read again.

        Args:
            tugs: MMSIs of tugs.
            taken_over: silences to leave out (`find_taken_over`).
            data_end: end of the data.
        """
        rules = self.days.rules
        made_by = key_of(
            code_key(),
            self.water.hash,
            tugs.to_list(),
            pick_rules(
                rules,
                *("causes", "tracks.v_max_kn"),
                *("ships.stay_within_km", "ships.tow_within_km", "ships.tow_within_s"),
            ),
        )
        past = ""
        for month, days in self.months().items():
            past = key_of(past, [self.days.days[day] for day in days])
            # A month that waits has no silence yet: nothing is asked of the days before it.
            asked = [past, self._soon_after(month)] if _midnight(month) < data_end else []
            linked = self.names[TRACKS][month]
            left_out = taken_over.filter(pl.col("on_at").dt.truncate("1mo").dt.date() == month)
            name = self._name(JUDGED, month, key_of(made_by, linked, asked, left_out.rows()))
            if self._is_missing(JUDGED, month):
                silences = ghosts.drop_taken_over(
                    self.shelf.read(TRACKS, linked, "silences"), taken_over
                )
                judged = gap_table.tell_silences(self.judge_silences(silences, tugs))
                by_month = exposure.sum_silences(judged)
                self._put(JUDGED, name, {"silences": judged, "by_month": by_month}, {})

    def _soon_after(self, month: date) -> list[str]:
        """Return the finished days in which a tug can be beside a ship heard in this month."""
        begin = _month_after(month)
        end = begin + timedelta(seconds=self.days.rules.ships.tow_within_s)
        return [name for day, name in self.days.days.items() if begin <= _midnight(day) <= end]

    def judge_silences(self, silences: pl.DataFrame, tugs: pl.Series) -> pl.DataFrame:
        """Return silences with cause, is_towed and what `gap_table.measure_silences` adds.

        Args:
            silences: `gaps.close_silences` with counts; `on_mmsi` where it is known.
            tugs: MMSIs of tugs.
        """
        rules = self.days.rules
        if "on_mmsi" not in silences.columns:
            silences = silences.with_columns(on_mmsi=pl.lit(None, dtype=pl.Int32))
        named = causes.name_causes(silences, self.water, rules)
        seen = self._tug_sightings(tow.days_beside(named, rules.ships), tugs)
        return gap_table.measure_silences(named).with_columns(
            tow.find_towed(named, seen, tugs, rules.ships)
        )

    def _tug_sightings(self, days: Sequence[date], tugs: pl.Series) -> pl.DataFrame:
        positions = self.days.positions_of(days) if len(tugs) else None
        if positions is None:
            return tow.pick_tugs(pl.DataFrame(schema=tow.SIGHTING_SCHEMA), tugs)
        wanted = positions.select(*tow.SIGHTING_SCHEMA).filter(pl.col("mmsi").is_in(tugs.implode()))
        return tow.pick_tugs(wanted.collect(), tugs)

    # ------------------------------------------------------------------------------- reception

    def judge_reception(
        self,
        still_open: pl.DataFrame,
        explained: pl.DataFrame,
        who: WhoIsWho,
        data_end: datetime,
    ) -> None:
        """Say of the gaps that each month ended if the set was off, and where the ship called.

        What is learned for a month is learned of it and the months before it (METHOD 4); a gap is
        judged with the month in which it ended, an open one with the month of `data_end`.

        Args:
            still_open: `judge_silences` of those that no sighting ended, by gap_id.
            explained: gap_id and on_at of the silences that something else explains.
            who: the ships. Of them a month hangs on the fleets of those of its window alone.
            data_end: end of the data.
        """
        without_ways = self._name_ways()
        rules = self.days.rules.reception
        asked_rules = ("reception", "joint", "reach", "ports", "causes", "tracks")
        made_by = key_of(code_key(), self.water.hash, pick_rules(self.days.rules, *asked_rules))
        ships_of = {
            month: self.shelf.read(SUMS, name, "classes")["mmsi"]
            for month, name in self.names[SUMS].items()
        }
        begun = [month for month in self.months() if _midnight(month) < data_end]
        missing: list[tuple[Sequence[date], date, pl.DataFrame, pl.Series, pl.DataFrame]] = []
        for month in self.months():
            earliest = month
            for _ in range(rules.months_back):
                earliest = _month_before(earliest)
            window = [one for one in begun if earliest <= one <= month]
            is_last = begun[-1:] == [month]
            unended = still_open if is_last else still_open.clear()
            judged, until = self.names[JUDGED][month], _judged_until(month, data_end)
            fleets = _name_fleets([ships_of[one] for one in window], who, until)
            ended = pl.col("on_at").dt.truncate("1mo").dt.date() == month
            left_out = explained.filter(ended)["gap_id"].sort()
            self._name(
                RECEPTION,
                month,
                key_of(
                    made_by,
                    [self.names[kind][one] for kind in (SUMS, WAYS, MONTH_NOTES) for one in window],
                    *(judged, until, frame_key(unended.select("gap_id", "cause"))),
                    *(rows_key(fleets), rows_key(left_out.to_frame())),
                ),
            )
            if self._is_missing(RECEPTION, month):
                missing.append((window, month, unended, left_out, fleets))
        progress, stage = self.days.progress, "learning reception"
        progress(stage, 0, len(missing))
        self._find_ways(without_ways)
        for done, (window, month, unended, left_out, fleets) in enumerate(missing, 1):
            silences = self.shelf.read(JUDGED, self.names[JUDGED][month], "silences")
            silences = pl.concat([silences, unended.select(silences.columns)])
            until = _judged_until(month, data_end)
            found = self._learn_reception(window, month, silences, left_out, fleets, until)
            self._put(RECEPTION, self.names[RECEPTION][month], *found)
            progress(stage, done, len(missing))

    def _name_ways(self) -> list[date]:
        """Name where ships were in the silences that each month ended; return what is missing."""
        rules = self.days.rules
        made_by = key_of(code_key(), self.water.hash, pick_rules(rules, "reception", "causes"))
        for month in self.months():
            self._name(WAYS, month, key_of(made_by, self.names[JUDGED][month]))
        return [month for month in self.months() if self._is_missing(WAYS, month)]

    def _find_ways(self, months: Sequence[date]) -> None:
        """Find where ships were in the silences that each of some months ended."""
        rules = self.days.rules
        for month in months:
            silences = self.shelf.read(JUDGED, self.names[JUDGED][month], "silences")
            found = reception.find_ways(silences, self.water, rules.reception, rules.causes)
            self._put(WAYS, self.names[WAYS][month], {"ways": found}, {})

    def _learn_reception(
        self,
        window: Sequence[date],
        month: date,
        silences: pl.DataFrame,
        explained: pl.Series,
        fleets: pl.DataFrame,
        until: datetime,
    ) -> tuple[dict[str, pl.DataFrame], dict[str, pl.DataFrame]]:
        """Return what is kept of the month, and its parts of published tables."""
        rules = self.days.rules.reception
        names = [self.names[SUMS][one] for one in window]
        hours = self.shelf.read_many(SUMS, names, "ship_hours") if names else None
        asked = silences.filter(pl.col("cause").is_null())
        learned = None
        if hours is not None and not hours.is_empty():
            unended = asked.filter(pl.col("on_at").is_null())
            read = self.shelf.read_many
            ways = read(WAYS, [self.names[WAYS][one] for one in window], "ways")
            heard = read(MONTH_NOTES, [self.names[MONTH_NOTES][one] for one in window], "beacons")
            beacon_hours = heard.filter(pl.col("hour") < until).select(
                *("mmsi", "hour", "lon", "lat"),
                terrestrial=pl.col("receiver") != "satellite",
                satellite=pl.col("receiver") == "satellite",
            )
            laid_out = reception.lay_out(hours, unended, until, rules, ways, beacon_hours)
            learned = reception.learn(laid_out, rules)
        places = pl.DataFrame() if hours is None else hours
        judged = reception.judge_gaps(asked, learned, len(window), until, rules)
        candidates = pl.DataFrame(schema=polars_schema(PortCandidates))
        if hours is not None:
            speeds, parts = (
                self.shelf.read_many(SUMS, names, one) for one in ("speeds", "port_parts")
            )
            past = posterior.Past(hours, speeds, parts, fleets)
            not_explained = asked.filter(~pl.col("gap_id").is_in(explained.implode()))
            judged, candidates = posterior.weigh_calls(
                not_explained, judged, learned, past, self.water, self.days.rules
            )
        found = {
            "judged": judged,
            "observable": reception.sum_observable(
                learned, places, silences.filter(pl.col("cause").ne_missing("left_region")), month
            ),
        }
        cells = reception.list_cells(learned, month, rules)
        hours_inside = reception.list_gap_hours(asked, learned, until)
        return found, {
            "reception_cells": store.validate(cells, ReceptionCells),
            "gap_hours": store.validate(hours_inside, GapHours),
            "port_candidates": store.validate(candidates, PortCandidates),
        }

    # ------------------------------------------------------------------------------- health

    def judge_health(self, data_end: datetime) -> None:
        """Say of every station and hour whether it was alive (tables feed_health, outage_hours)."""
        rules = self.days.rules
        made_by = key_of(code_key(), pick_rules(rules, "health"))
        months = list(self.months())
        for month in months:
            window = [one for one in months if one in (_month_before(month), month)]
            notes = [self.names[MONTH_NOTES][one] for one in window]
            name = self._name(HEALTH, month, key_of(made_by, notes, _judged_until(month, data_end)))
            if not self._is_missing(HEALTH, month):
                continue
            heard_where = self.shelf.read_many(MONTH_NOTES, notes, "station_areas")
            stations = health.judge_stations(
                self.shelf.read_many(MONTH_NOTES, notes, "station_hours"),
                rules.health,
                month,
                data_end,
                heard_where,
            )
            outages = health.judge_areas(stations, heard_where, rules.health, month, data_end)
            self._put(
                HEALTH,
                name,
                {"outage_hours": outages.select(polars_schema(OutageHours).names())},
                {"feed_health": store.validate(stations, FeedHealth)},
            )

    def find_lost_ships(self, silences: pl.DataFrame, data_end: datetime) -> None:
        """Find the hours in which many ships were lost at once (table outage_hours).

        Args:
            silences: all, closed and open, with `month`.
            data_end: end of the data.
        """
        rules = self.days.rules
        made_by = key_of(code_key(), pick_rules(rules, "health"))
        lost = silences.select("mmsi", "off_at", "on_at", "off_area", "month")
        begun = {
            month: rows
            for (month,), rows in lost.partition_by(
                "month", as_dict=True, include_key=False, maintain_order=True
            ).items()
        }
        keys = {month: rows_key(rows) for month, rows in begun.items()}
        for month in self.months():
            window = [
                one for one in (_month_before(month), month) if one in self.names[MONTH_NOTES]
            ]
            notes = [self.names[MONTH_NOTES][one] for one in window]
            begun_keys = [keys.get(one) for one in window]
            name = self._name(
                LOST, month, key_of(made_by, notes, begun_keys, _judged_until(month, data_end))
            )
            if self._is_missing(LOST, month):
                given = [begun[one] for one in window if one in begun]
                of_window = pl.concat(given) if given else lost.drop("month").clear()
                heard = self.shelf.read_many(MONTH_NOTES, notes, "station_areas")
                found = health.find_lost_ships(of_window, heard, rules.health, month, data_end)
                self._put(LOST, name, {"outage_hours": found}, {})

    # ------------------------------------------------------------------------------- shelf

    def _name(self, kind: str, month: date, key: str) -> str:
        name = f"{month:%Y-%m}-{key}"
        self.names[kind][month] = name
        return name

    def _is_missing(self, kind: str, month: date) -> bool:
        missing = not self.shelf.has(kind, self.names[kind][month])
        if missing:
            self.made.setdefault(kind, []).append(month)
        return missing

    def _put(
        self,
        kind: str,
        name: str,
        frames: Mapping[str, pl.DataFrame],
        published: Mapping[str, pl.DataFrame],
    ) -> None:
        """Put a result on the shelf; `published` frames are written as they are published."""
        open_frames = [
            frame for part, frame in frames.items() if part.startswith(("left_", "open_"))
        ]
        with self.shelf.put(kind, name) as folder:
            for part, frame in frames.items():
                store.write_scratch(frame, folder / f"{part}.parquet")
            for part, frame in published.items():
                store.write_parquet(frame, folder / f"{part}.parquet")
            if open_frames:
                (folder / "left_open.key").write_text(frame_key(*open_frames), "utf-8")

    def shelf_names(self) -> dict[str, list[str]]:
        """Return the results on the shelf that this run stands on, by kind."""
        by_month = {kind: list(names.values()) for kind, names in self.names.items()}
        return {**by_month, PAST: sorted(self.past)}

    def derived(self) -> dict[str, Any]:
        """Return what each month was derived from, for the manifest."""
        return {
            f"{month:%Y-%m}": {
                kind: names[month] for kind, names in self.names.items() if month in names
            }
            for month in self.months()
        }


def _sum_feed_days(station_hours: pl.DataFrame) -> pl.DataFrame:
    return (
        station_hours.group_by("feed", date=pl.col("hour").dt.date())
        .agg(pl.col("messages").sum())
        .sort("feed", "date")
    )


def _name_fleets(ships: Sequence[pl.Series], who: WhoIsWho, at: datetime) -> pl.DataFrame:
    """Return mmsi and fleet at an instant, by mmsi: each ship once."""
    mmsi = pl.concat(ships).unique().sort() if ships else pl.Series(dtype=pl.Int32)
    rows = pl.DataFrame({"mmsi": mmsi}).with_columns(at=pl.lit(at, pl.Datetime("us")))
    return name_ships(rows, who, "at").select("mmsi", "fleet")


def _judged_until(month: date, data_end: datetime) -> datetime:
    """Return where the judged hours of a month end: silence is judged too, without a day of it.

    A month that lies after `data_end` waits, and its results with it: they end where it begins.
    """
    return max(_midnight(month), min(_month_after(month), data_end))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min)


def _month_before(month: date) -> date:
    return (month.replace(day=1) - timedelta(days=1)).replace(day=1)


def _month_after(month: date) -> datetime:
    return _midnight((month.replace(day=1) + timedelta(days=32)).replace(day=1))
