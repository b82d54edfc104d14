"""Progress of a run: a bar on a terminal, plain lines in a log."""

from __future__ import annotations

import sys
from collections.abc import Callable

import structlog
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.progress import TimeElapsedColumn as Elapsed

from pipeline.ingest import no_progress


def choose_progress(last_stage: str, *, quiet: bool) -> Callable[[str, int, int], None]:
    """Return a bar on a terminal, plain lines in a log, nothing where quiet.

    `last_stage` is the stage whose end closes the bar's display.
    """
    if quiet:
        return no_progress
    return Bar(last_stage) if sys.stderr.isatty() else Lines()


class Bar:
    """One bar a stage, on standard error."""

    def __init__(self, last_stage: str) -> None:
        self._last_stage = last_stage
        self._progress = Progress(
            TextColumn("{task.description:<24}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            Elapsed(),
            console=Console(stderr=True),
        )
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Move the bar of `stage`; the last stage's end closes the display."""
        if not self._tasks:
            self._progress.start()
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(stage, total=total)
        self._progress.update(self._tasks[stage], completed=done, total=total)
        if all(task.finished for task in self._progress.tasks):
            self._progress.refresh()
            if stage == self._last_stage:
                self._progress.stop()


class Lines:
    """A line when a stage begins, at every quarter of it, and when it ends."""

    def __init__(self) -> None:
        structlog.configure(
            processors=[
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.LogfmtRenderer(key_order=["timestamp", "event"]),
            ],
            logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        )
        self._log = structlog.get_logger()
        self._quarters: dict[str, int] = {}

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Write a line where `done` has reached another quarter of `total`."""
        quarter = 4 * done // total if total else 4
        if self._quarters.get(stage) != quarter:
            self._quarters[stage] = quarter
            self._log.info(stage, done=done, total=total)
