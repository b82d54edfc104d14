"""From raw files to days of sightings: every row accounted for, one file's failure its own.

Each raw file is read once, judged row by row and parted into UTC days; then each day is put
together from the parts of all files: duplicates, outside runs, areas, segments.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from pipeline import clean, store, tracks
from pipeline.areas import Areas
from pipeline.errors import CheckError, RawFileError
from pipeline.feeds import open_feed
from pipeline.feeds.base import FeedFormat
from pipeline.rules import Rules
from pipeline.schema import Files, Positions, Rejected, polars_schema

TOP_FEED = "raw"
SIMULATED_PREFIX = "simulated_"

Progress = Callable[[str, int, int], None]


def no_progress(stage: str, done: int, total: int) -> None:
    """Tell nobody."""


@dataclass
class FileAccount:
    """Where the rows of one raw file went."""

    feed: str
    file: str
    bytes: int
    sha256: str | None = None
    format: str | None = None
    error: str | None = None
    read: int = 0
    accepted: int = 0
    duplicate: int = 0
    outside: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    first_at: datetime | None = None
    last_at: datetime | None = None

    def note_span(self, instants: pl.Series) -> None:
        """Widen first_at and last_at by some accepted instants."""
        first, last = instants.min(), instants.max()
        if isinstance(first, datetime) and isinstance(last, datetime):
            self.first_at = min(first, self.first_at or first)
            self.last_at = max(last, self.last_at or last)


def feed_of(path: Path, raw: Path) -> str:
    """Return the feed a raw file belongs to: its first folder under `raw`."""
    parts = path.relative_to(raw).parts
    return parts[0] if len(parts) > 1 else TOP_FEED


def stage_files(
    paths: Sequence[Path],
    raw: Path,
    stage: store.Stage,
    rejected: store.Parts,
    rules: Rules,
    mappings: Callable[[Path], Sequence[FeedFormat]],
    progress: Progress = no_progress,
) -> list[FileAccount]:
    """Read every raw file into `stage` and `rejected`; return their accounts, in order of path.

    A file that cannot be read is reported in its account (`error`) and leaves no rows behind.
    `accepted`, `duplicate` and `outside` are filled later, when the days are put together.
    """
    accounts: list[FileAccount] = []
    for file_no, path in enumerate(paths):
        progress("reading raw files", file_no, len(paths))
        account = FileAccount(feed_of(path, raw), path.relative_to(raw).as_posix(), 0)
        accounts.append(account)
        try:
            account.bytes = path.stat().st_size
            account.sha256 = store.hash_file(path)
            _stage_file(path, file_no, account, stage, rejected, rules, mappings(path))
        except OSError as error:
            account.error = f"cannot be read: {error.strerror or error}"
        except RawFileError as error:
            account.error = str(error)
        if account.error is None:
            stage.end_file()
        else:
            stage.drop_file(file_no)
            rejected.drop_matching("rejected", f"{file_no:06d}-*")
            account.read, account.reasons = 0, Counter()
            account.first_at = account.last_at = None
    progress("reading raw files", len(paths), len(paths))
    return accounts


def _stage_file(
    path: Path,
    file_no: int,
    account: FileAccount,
    stage: store.Stage,
    rejected: store.Parts,
    rules: Rules,
    mappings: Sequence[FeedFormat],
) -> None:
    opened = open_feed(path, rules.feeds, mappings)
    account.format = opened.format
    label = _plain(account.feed)
    for number, batch in enumerate(opened.batches):
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
            rejected.write(
                "rejected",
                f"{file_no:06d}-{number:06d}",
                rows.select(polars_schema(Rejected).names()),
            )
            account.reasons.update(
                dict(rows.group_by("reason").agg(pl.col("rows").sum()).iter_rows())
            )
        origin: dict[str, Any] = {
            "feed": pl.lit(label),
            "file_no": pl.lit(file_no, dtype=pl.Int32),
        }
        for kind, pick in (
            ("sightings", clean.pick_sightings),
            ("statics", clean.pick_statics),
            ("beacons", clean.pick_beacons),
        ):
            stage.add(kind, pick(judged).with_columns(**origin))
        account.note_span(judged.filter(pl.col("reason").is_null())["timestamp"])


def _plain(name: str) -> str:
    """Return a feed name without the separators of `heard_by`."""
    return "".join("_" if letter in "|;" or letter.isspace() else letter for letter in name)


# --------------------------------------------------------------------------------- whole days


def assemble_day(
    day: date,
    stage: store.Stage,
    areas: Areas,
    high_speed: pl.Series,
    rules: Rules,
    accounts: list[FileAccount],
) -> tuple[pl.DataFrame, pl.DataFrame] | None:
    """Return (one UTC day of sightings with area and segment, its feed hours), None without any.

    Duplicates and outside rows are booked in `accounts`.
    """
    staged = stage.read("sightings", day)
    if staged is None:
        return None
    heard = clean.count_feed_hours(staged)
    unique, duplicates = clean.drop_duplicates(staged)
    for file_no, rows in duplicates.iter_rows():
        accounts[file_no].duplicate += rows
    kept, outside = clean.thin_outside(areas.locate(unique, rules))
    for file_no, rows in outside.iter_rows():
        accounts[file_no].outside += rows
    for file_no, rows in kept.group_by("file_no").agg(pl.col("rows").sum()).iter_rows():
        accounts[file_no].accepted += rows
    return tracks.segment_day(kept, high_speed, rules.tracks), heard


def refuse_late(
    day_rows: pl.DataFrame, refused: pl.DataFrame, reason: str, accounts: list[FileAccount]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return (sightings that stay, rows for `rejected`) of one day after the merge refused some.

    Args:
        day_rows: the day, with `file_no`, `row` and `rows`.
        refused: sightings to refuse, by (mmsi, seen_at, lon, lat).
        reason: `unconfirmed` or `jump`.
        accounts: the files' books, written again.
    """
    key = list(clean.SIGHTING_KEY)
    gone = day_rows.join(refused.select(key), on=key, how="semi")
    stays = day_rows.join(refused.select(key), on=key, how="anti", maintain_order="left")
    if gone.height != refused.height:
        raise CheckError(f"{reason}: {refused.height} sightings to refuse, {gone.height} found")
    for file_no, rows in gone.select("file_no", "rows").iter_rows():
        accounts[file_no].accepted -= rows
        accounts[file_no].reasons[reason] += rows
    text = pl.format("{},{},{},{}", "mmsi", pl.col("seen_at").dt.strftime("%FT%TZ"), "lon", "lat")
    names = pl.DataFrame(
        {
            "file_no": pl.Series(range(len(accounts)), dtype=pl.Int32),
            "feed": [account.feed for account in accounts],
            "file": [account.file for account in accounts],
        }
    )
    rows = gone.join(names, on="file_no", how="left").select(
        "feed", "file", "row", "rows", reason=pl.lit(reason), text=text
    )
    return stays, rows


def as_positions(day_rows: pl.DataFrame) -> pl.DataFrame:
    """Return a day of sightings as table positions, sorted by (mmsi, seen_at, lon, lat)."""
    return day_rows.select(polars_schema(Positions).names()).sort(clean.SIGHTING_KEY)


def account_statics(statics: pl.DataFrame, accounts: list[FileAccount]) -> pl.DataFrame:
    """Return one day of table statics; rows that are static reports only are booked."""
    table, duplicates = clean.summarise_statics(statics)
    repeated = dict(duplicates.iter_rows())
    only = statics.filter("is_only_static").group_by("file_no").agg(pl.col("rows").sum())
    for file_no, rows in only.iter_rows():
        accounts[file_no].duplicate += repeated.get(file_no, 0)
        accounts[file_no].accepted += rows - repeated.get(file_no, 0)
    return table


def account_beacons(beacons: pl.DataFrame, accounts: list[FileAccount]) -> pl.DataFrame:
    """Return one day of table beacons; every report of a beacon is booked as accepted."""
    for file_no, rows in beacons.group_by("file_no").agg(pl.col("rows").sum()).iter_rows():
        accounts[file_no].accepted += rows
    return clean.summarise_beacons(beacons)


def is_simulated(files: pl.DataFrame) -> bool:
    """Return whether any feed of table files is a simulated one, as its name says."""
    return bool(files["feed"].str.starts_with(SIMULATED_PREFIX).any())


def files_frame(accounts: Sequence[FileAccount]) -> pl.DataFrame:
    """Return table files."""
    return pl.DataFrame(
        [
            {
                "feed": account.feed,
                "file": account.file,
                "bytes": account.bytes,
                "sha256": account.sha256,
                "format": account.format,
                "error": account.error,
                "read": account.read,
                "accepted": account.accepted,
                "duplicate": account.duplicate,
                "outside": account.outside,
                "rejected": sum(account.reasons.values()),
                "rejected_by_reason": json.dumps(dict(sorted(account.reasons.items()))),
                "first_at": account.first_at,
                "last_at": account.last_at,
            }
            for account in accounts
        ],
        schema=polars_schema(Files),
    ).sort("feed", "file")
