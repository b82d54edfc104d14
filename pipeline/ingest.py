"""From raw files to days of sightings: every row accounted for, one file's failure its own.

A raw file is read once, judged row by row, and what it holds is kept by UTC day. A day is put
together from the rows of all files that touch it: duplicates, outside runs, areas, segments.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from pipeline import clean, health, store, tracks
from pipeline.areas import Areas
from pipeline.errors import CheckError, RawFileError, ShelfError
from pipeline.feeds import open_feed
from pipeline.feeds.base import FeedFormat
from pipeline.rules import Rules
from pipeline.schema import (
    Beacons,
    Files,
    Positions,
    Rejected,
    Reports,
    Statics,
    polars_schema,
)

TOP_FEED = "raw"
SIMULATED_PREFIX = "simulated_"

Progress = Callable[[str, int, int], None]


def no_progress(stage: str, done: int, total: int) -> None:
    """Tell nobody."""


@dataclass
class FileAccount:
    """What was found in one raw file.

    Attributes:
        days: (kind, date, rows) of what was accepted row by row.
    """

    feed: str
    file: str
    bytes: int
    sha256: str | None = None
    format: str | None = None
    error: str | None = None
    read: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    first_at: datetime | None = None
    last_at: datetime | None = None
    days: list[tuple[str, date, int]] = field(default_factory=list)

    def note_span(self, instants: pl.Series) -> None:
        """Widen first_at and last_at by some accepted instants."""
        first, last = instants.min(), instants.max()
        if isinstance(first, datetime) and isinstance(last, datetime):
            self.first_at = min(first, self.first_at or first)
            self.last_at = max(last, self.last_at or last)


def feed_of(path: Path, raw: Path) -> str:
    """Return the feed a raw file belongs to: its first folder under `raw`."""
    feed, slash, _ = name_of(path, raw).partition("/")
    return feed if slash else TOP_FEED


def name_of(path: Path, raw: Path) -> str:
    """Return a raw file's name below `raw`; bytes of it that are no UTF-8 stay visible."""
    name = path.relative_to(raw).as_posix()
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def stage_file(
    path: Path,
    account: FileAccount,
    staged: store.StagedFile,
    rules: Rules,
    mappings: Sequence[FeedFormat],
) -> None:
    """Read a raw file into `staged`, and fill its account.

    Raises:
        RawFileError: the file cannot be read; what is staged of it must be dropped.
    """
    opened = open_feed(path, rules.feeds, mappings)
    account.format = opened.format
    label = _plain(account.feed)
    for batch in opened.batches:
        judged = clean.judge_reports(batch.reports, rules.clean)
        account.read += int(judged["rows"].sum())
        refused = judged.select(pl.col("reason").is_not_null().arg_true()).to_series()
        if len(refused):
            rows = judged[refused].select(
                "row",
                "rows",
                "reason",
                feed=pl.lit(account.feed),
                file=pl.lit(account.file),
                text=pl.Series(batch.texts(refused.to_list()), dtype=pl.String),
            )
            staged.add_rejected(rows.select(polars_schema(Rejected).names()))
            account.reasons.update(
                dict(rows.group_by("reason").agg(pl.col("rows").sum()).iter_rows())
            )
        for kind, pick in (
            ("sightings", clean.pick_sightings),
            ("statics", clean.pick_statics),
            ("beacons", clean.pick_beacons),
        ):
            staged.add(kind, pick(judged).with_columns(feed=pl.lit(label)))
        account.note_span(judged.filter(pl.col("reason").is_null())["timestamp"])
    account.days = [(kind, day, rows) for kind, day, rows in staged.close().iter_rows()]


def _plain(name: str) -> str:
    """Return a feed name without the separators of `heard_by`."""
    return "".join("_" if letter in "|;" or letter.isspace() else letter for letter in name)


# --------------------------------------------------------------------------------- whole days


@dataclass(frozen=True)
class DayNotes:
    """What a UTC day holds before its neighbours are asked.

    Attributes:
        rows: one row per sighting, outside runs thinned, with area and `file_no`; not kept.
        lone: `tracks.pick_lone_candidates`.
        hours: hour, sightings.
        sensitive: MMSIs whose segments depend on how fast they may run.
        accounts: file_no, accepted, duplicate, outside: where the rows of each file went.
        station_hours, station_areas: what each station heard, of whom, where.
        statics, beacons: the day's part of these tables.
    """

    rows: pl.DataFrame
    lone: pl.DataFrame
    hours: pl.DataFrame
    sensitive: pl.DataFrame
    accounts: pl.DataFrame
    station_hours: pl.DataFrame
    station_areas: pl.DataFrame
    statics: pl.DataFrame
    beacons: pl.DataFrame


def put_together(
    day: date, folders: Sequence[Path], rows: Mapping[str, int], areas: Areas, rules: Rules
) -> DayNotes:
    """Return what all files say of one UTC day.

    Args:
        day: the day.
        folders: what is staged of each raw file that touches the day, in order of path;
            `file_no` counts in this order.
        rows: how many rows of each kind were staged of the day.
        areas: the geo folder.
        rules: thresholds.

    Raises:
        ShelfError: other rows are there than were staged.
    """
    staged = {kind: store.read_staged(folders, kind, day) for kind in store.StagedFile.kinds}
    for kind, frame in staged.items():
        there = 0 if frame is None else frame.height
        if there != rows.get(kind, 0):
            raise ShelfError(f"{day}: {rows.get(kind, 0)} rows of {kind} staged, {there} found")
    sightings, beacons = staged["sightings"], staged["beacons"]
    booked: list[pl.DataFrame] = []
    kept, booked_rows = _keep_sightings(sightings, areas, rules)
    booked.append(booked_rows)
    statics_table = pl.DataFrame(schema=polars_schema(Statics))
    beacons_table = pl.DataFrame(schema=polars_schema(Beacons))
    if staged["statics"] is not None:
        statics_table, booked_rows = _keep_statics(staged["statics"])
        booked.append(booked_rows)
    if beacons is not None:
        beacons_table = clean.summarise_beacons(beacons)
        booked.append(beacons.group_by("file_no").agg(accepted=pl.col("rows").sum()))
    hours = pl.col("seen_at").dt.truncate("1h").alias("hour")
    return DayNotes(
        rows=kept,
        lone=tracks.pick_lone_candidates(kept, rules.tracks),
        hours=kept.group_by(hours).agg(sightings=pl.len().cast(pl.Int64)).sort("hour"),
        sensitive=tracks.find_speed_sensitive(kept, rules.tracks),
        accounts=pl.concat(booked, how="diagonal")
        .group_by("file_no")
        .agg(pl.col("accepted", "duplicate", "outside").sum())
        .sort("file_no"),
        station_hours=health.count_station_hours(sightings, beacons),
        station_areas=health.count_station_areas(kept, _locate_beacons(beacons, areas, rules)),
        statics=statics_table.select(polars_schema(Statics).names()),
        beacons=beacons_table.select(polars_schema(Beacons).names()),
    )


def _keep_sightings(
    staged: pl.DataFrame | None, areas: Areas, rules: Rules
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return (one row per sighting with its area, where the files' rows went)."""
    if staged is None:
        staged = _no_sightings(rules)
    unique, duplicates = clean.drop_duplicates(staged)
    kept, outside = clean.thin_outside(areas.locate(unique, rules))
    accepted = kept.group_by("file_no").agg(accepted=pl.col("rows").sum())
    return kept, pl.concat([accepted, duplicates, outside], how="diagonal")


def _locate_beacons(
    beacons: pl.DataFrame | None, areas: Areas, rules: Rules
) -> pl.DataFrame | None:
    """Return the reports of beacons that say where they are, with their area."""
    if beacons is None:
        return None
    return areas.locate(
        beacons.filter(pl.col("lon").is_not_null() & pl.col("lat").is_not_null()), rules
    )


def _no_sightings(rules: Rules) -> pl.DataFrame:
    reports = pl.DataFrame(schema=polars_schema(Reports))
    return clean.pick_sightings(clean.judge_reports(reports, rules.clean)).with_columns(
        feed=pl.lit("", dtype=pl.String), file_no=pl.lit(0, dtype=pl.Int32)
    )


def _keep_statics(staged: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return (the day's part of table statics, where rows that are static reports only went)."""
    table, duplicates = clean.summarise_statics(staged)
    only = staged.filter("is_only_static").group_by("file_no").agg(rows=pl.col("rows").sum())
    booked = only.join(duplicates, on="file_no", how="left").with_columns(
        pl.col("duplicate").fill_null(0)
    )
    return table, booked.select(
        "file_no", "duplicate", accepted=pl.col("rows") - pl.col("duplicate")
    )


def drop_refused(
    rows: pl.DataFrame, refused: pl.DataFrame, reason: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return (sightings that stay, those that go) of one day after the merge refused some.

    Args:
        rows: the day, with `file_no`, `row` and `rows`.
        refused: sightings to refuse, by (mmsi, seen_at, lon, lat).
        reason: `unconfirmed` or `jump`.

    Raises:
        CheckError: a sighting to refuse is not there.
    """
    key = list(clean.SIGHTING_KEY)
    gone = rows.join(refused.select(key), on=key, how="semi", maintain_order="left")
    if gone.height != refused.height:
        raise CheckError(f"{reason}: {refused.height} sightings to refuse, {gone.height} found")
    stays = rows.join(refused.select(key), on=key, how="anti", maintain_order="left")
    text = pl.format("{},{},{},{}", "mmsi", pl.col("seen_at").dt.strftime("%FT%TZ"), "lon", "lat")
    return stays, gone.select("file_no", "row", "rows", reason=pl.lit(reason), text=text)


def as_rejected(gone: pl.DataFrame, files: Sequence[tuple[str, str]]) -> pl.DataFrame:
    """Return sightings that the merge refused as rows of table rejected.

    Args:
        gone: `drop_refused`.
        files: (feed, file) by `file_no`.
    """
    names = pl.DataFrame(
        {
            "file_no": pl.Series(range(len(files)), dtype=pl.Int32),
            "feed": pl.Series([feed for feed, _ in files], dtype=pl.String),
            "file": pl.Series([file for _, file in files], dtype=pl.String),
        }
    )
    return (
        gone.join(names, on="file_no", how="left")
        .select(polars_schema(Rejected).names())
        .sort("feed", "file", "row")
    )


def as_positions(day_rows: pl.DataFrame) -> pl.DataFrame:
    """Return a day of sightings as table positions, sorted by (mmsi, seen_at, lon, lat)."""
    return day_rows.select(polars_schema(Positions).names()).sort(clean.SIGHTING_KEY)


def is_simulated(files: pl.DataFrame) -> bool:
    """Return whether any feed of table files is a simulated one, as its name says."""
    return bool(files["feed"].str.starts_with(SIMULATED_PREFIX).any())


def files_frame(accounts: Sequence[FileAccount], booked: pl.DataFrame) -> pl.DataFrame:
    """Return table files.

    Args:
        accounts: what was found in each raw file.
        booked: file, accepted, duplicate, outside, unconfirmed, jump of all days.
    """
    by_file = {row["file"]: row for row in booked.to_dicts()}
    nothing: dict[str, Any] = {}
    rows: list[dict[str, Any]] = []
    for account in accounts:
        went = by_file.get(account.file, nothing)
        late = {name: went.get(name, 0) for name in ("unconfirmed", "jump")}
        reasons = Counter(account.reasons) + Counter(late)
        rows.append(
            {
                "feed": account.feed,
                "file": account.file,
                "bytes": account.bytes,
                "sha256": account.sha256,
                "format": account.format,
                "error": account.error,
                "read": account.read,
                "accepted": went.get("accepted", 0) - sum(late.values()),
                "duplicate": went.get("duplicate", 0),
                "outside": went.get("outside", 0),
                "rejected": sum(reasons.values()),
                "rejected_by_reason": json.dumps(dict(sorted(reasons.items()))),
                "first_at": account.first_at,
                "last_at": account.last_at,
            }
        )
    return pl.DataFrame(rows, schema=polars_schema(Files)).sort("feed", "file")


def failed(account: FileAccount, why: str) -> FileAccount:
    """Return the account of a file that could not be read: nothing of it counts."""
    return FileAccount(
        account.feed,
        account.file,
        account.bytes,
        account.sha256,
        account.format,
        error=why,
    )


def words_for(error: OSError | RawFileError) -> str:
    """Return why a raw file could not be read, in one line."""
    if isinstance(error, OSError):
        return f"cannot be read: {error.strerror or error}"
    return str(error)
