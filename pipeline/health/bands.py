"""Are a night's counts too unusual to be published: sentences, none where all is well."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from pipeline.rules import BandRules

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class NightCounts:
    """What is counted of a night for its bands.

    Attributes:
        data_end: end of its data.
        days: (date, sightings): accepted sightings of each UTC day, one row a day with any.
        feed_days: (feed, date, messages): positions heard, duplicates included.
        rows_read: rows read; of the night before, all rows its tables stand on, of tonight, those
            of new and changed raw files.
        rows_refused: refused rows among them.
        has_lost_files: a raw file was removed or replaced since the night before.
    """

    data_end: datetime
    days: pl.DataFrame
    feed_days: pl.DataFrame
    rows_read: int
    rows_refused: int
    has_lost_files: bool = False


def check_bands(before: NightCounts | None, tonight: NightCounts, rules: BandRules) -> list[str]:
    """Return what is out of its band, a sentence each; nothing without a night before.

    A complete UTC day that is new tonight with much fewer or many more sightings than usual; a
    share of refused rows that is high and new; sightings that vanish while no raw file did.

    Args:
        before: the last published night.
        tonight: this one.
        rules: the bands.
    """
    if before is None:
        return []
    return [
        *_check_days(before, tonight, rules),
        *_check_refused(before, tonight, rules),
        *_check_fall(before, tonight, rules),
    ]


def warn_bands(before: NightCounts | None, tonight: NightCounts, rules: BandRules) -> list[str]:
    """Return a sentence per feed and new complete day with much fewer messages than usual."""
    if before is None:
        return []
    found = []
    for (feed,), counts in sorted(tonight.feed_days.partition_by("feed", as_dict=True).items()):
        by_day = dict(counts.select("date", "messages").iter_rows())
        for day in _new_days(before, tonight):
            usual = _usual(by_day, day, rules)
            count = by_day.get(day, 0)
            if usual is not None and count < rules.feed_least_share * usual:
                found.append(
                    f"feed {feed}: {count:,} messages on {day}, usually {usual:,}:"
                    f" below {rules.feed_least_share:.0%}"
                )
    return found


def _new_days(before: NightCounts, tonight: NightCounts) -> Iterator[date]:
    """Yield the UTC days that are complete tonight and were not the night before."""
    day = before.data_end.date()
    while datetime.combine(day + ONE_DAY, datetime.min.time()) <= tonight.data_end:
        yield day
        day += ONE_DAY


def _usual(by_day: dict[date, int], day: date, rules: BandRules) -> int | None:
    """Return the lower median of the days with data before a day; None where it is no measure.

    None too where the latest of them is older than the window: what was given up is not missed.
    """
    earlier = sorted(one for one, count in by_day.items() if one < day and count > 0)
    if not earlier or day - earlier[-1] > rules.window_days * ONE_DAY:
        return None
    counts = sorted(by_day[one] for one in earlier[-rules.window_days :])
    if len(counts) < rules.least_days:
        return None
    usual = counts[(len(counts) - 1) // 2]
    return usual if usual >= rules.least_median else None


def _check_days(before: NightCounts, tonight: NightCounts, rules: BandRules) -> Iterator[str]:
    by_day = dict(tonight.days.select("date", "sightings").iter_rows())
    for day in _new_days(before, tonight):
        usual, count = _usual(by_day, day, rules), by_day.get(day, 0)
        if usual is None:
            continue
        if count < rules.day_least_share * usual:
            yield (
                f"{count:,} sightings on {day}, usually {usual:,}:"
                f" below {rules.day_least_share:.0%}"
            )
        elif count > rules.day_most_factor * usual:
            yield (
                f"{count:,} sightings on {day}, usually {usual:,}:"
                f" more than {rules.day_most_factor:g} times as many"
            )


def _check_refused(before: NightCounts, tonight: NightCounts, rules: BandRules) -> Iterator[str]:
    if not (before.rows_read and tonight.rows_read):
        return
    share = tonight.rows_refused / tonight.rows_read
    share_before = before.rows_refused / before.rows_read
    if share > rules.refused_most_share and share_before * rules.refused_least_growth < share:
        yield (
            f"{tonight.rows_refused:,} of {tonight.rows_read:,} rows read tonight were refused"
            f" ({share:.0%}; before: {share_before:.1%})"
        )


def _check_fall(before: NightCounts, tonight: NightCounts, rules: BandRules) -> Iterator[str]:
    if tonight.has_lost_files:
        return
    total_before, total = int(before.days["sightings"].sum()), int(tonight.days["sightings"].sum())
    if total < (1 - rules.fall_most_share) * total_before:
        yield (
            f"{total:,} sightings in all, {total_before:,} the night before, though no raw file was"
            " removed or replaced"
        )
