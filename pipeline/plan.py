"""What a night will have to do, stage by stage, as far as its raw files tell beforehand."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from pipeline import inputs
from pipeline.days import DAYS, EDGES, NOTES
from pipeline.inputs import Changes, RawFile, files_by_day
from pipeline.months import JUDGED, RECEPTION, TRACKS
from pipeline.paces import STAGES
from pipeline.remaining import Work

OF_DAYS = {"putting days together": NOTES, "finding segments": EDGES, "summing up days": DAYS}
# Each is told as a whole, and is a matter of seconds; a stopped run may have done all of it.
OF_ALL_MONTHS = {"linking tracks": TRACKS, "judging months": JUDGED}
STEPS = {"linking tracks": 2}
RECEPTION_STAGE, REPORT_STAGE = "learning reception", "making the report"
MANY, FEW = "many", "few"


@dataclass(frozen=True)
class Made:
    """What earlier runs left on the shelf.

    Attributes:
        names: the results of a kind that are there.
        published: those that the last published night stands on, by kind.
        read_before: raw files that were on the shelf when the night began.
    """

    names: Callable[[str], Iterable[str]]
    published: Mapping[str, Collection[str]]
    read_before: frozenset[str] = frozenset()

    def find_lost(self, days: Iterable[date]) -> set[date]:
        """Return the days of which nothing is on the shelf: somebody deleted it."""
        there = {name.rpartition("-")[0] for name in self.names(NOTES)}
        return {day for day in days if str(day) not in there}

    def count_left(self, kind: str, redone: Iterable[str]) -> int:
        """Return how many of some days, YYYY-MM-DD (or months, YYYY-MM), are left to do.

        A result that no published night stands on was made by a run that was stopped, for the
        one that goes on now.
        """
        published = set(self.published.get(kind, ()))
        made = {name.rpartition("-")[0] for name in self.names(kind) if name not in published}
        return len(set(redone) - made)


def expect_first_night(made: Made) -> dict[str, Work]:
    """Return the work of a first night before its raw files are read: all of it, once.

    Where a stopped run read some, nothing: a file found on the shelf is only hashed, in no time,
    and how much of the rest is done shows when all of them are known.
    """
    return {} if any(made.names(inputs.KIND)) else {stage: Work(1) for stage in STAGES}


def find_redone(
    found: Sequence[RawFile],
    before: Mapping[str, RawFile],
    changes: Changes,
    made: Made,
    *,
    is_same_basis: bool,
) -> tuple[list[date], list[date]]:
    """Return the days that must be done anew, and all days, in order.

    Args:
        found: tonight's raw files.
        before: those of the last published night, by name.
        changes: how they differ.
        made: what is on the shelf.
        is_same_basis: code, rules and areas are those of that night.
    """
    days = list(files_by_day(found))
    if not is_same_basis:
        return days, days
    news = {*changes.new, *changes.changed}
    gone = {*changes.removed, *changes.changed}
    files = [file for file in found if file.account.file in news]
    files += [file for name, file in before.items() if name in gone]
    touched = {day for file in files for _, day, _ in file.account.days} | made.find_lost(days)
    return [day for day in days if day in touched], days


def expect_night(
    redone: Sequence[date], days: Sequence[date], made: Made, months_back: int, *, with_report: bool
) -> dict[str, Work]:
    """Return the work of each stage after the reading of raw files.

    Args:
        redone, days: `find_redone`.
        made: what is on the shelf.
        months_back: of how many earlier months a month's reception is learned.
        with_report: the report is made too.
    """
    all_months = sorted({day.replace(day=1) for day in days})
    months = sorted({day.replace(day=1) for day in redone})
    number = {month: 12 * month.year + month.month for month in all_months}
    learned = [
        month
        for month in all_months
        if any(0 <= number[month] - number[one] <= months_back for one in months)
    ]
    work = {
        stage: Work(made.count_left(kind, map(str, redone)), len(days))
        for stage, kind in OF_DAYS.items()
    }
    for stage, kind in OF_ALL_MONTHS.items():
        left = made.count_left(kind, (f"{month:%Y-%m}" for month in months))
        steps = STEPS.get(stage, 1)
        work[stage] = Work(steps if left else 0, steps)
    left = made.count_left(RECEPTION, (f"{month:%Y-%m}" for month in learned))
    work[RECEPTION_STAGE] = Work(left, len(all_months))
    work[REPORT_STAGE] = Work(int(with_report))
    published = set(made.published.get(inputs.KIND, ()))
    is_going_on = any(name not in published for name in made.read_before)
    # Files that a stopped run read were hashed only: their pace is none.
    work["reading raw files"] = Work(0 if is_going_on else 1)
    return {stage: work.get(stage, Work(1)) for stage in STAGES}


def name_kind(redone: Sequence[date], days: Sequence[date], many_share: float) -> str:
    """Return the kind of a night, by which its paces are kept."""
    return MANY if len(redone) >= many_share * len(days) else FEW
