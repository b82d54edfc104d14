"""What a person at a terminal sees of a run: a bar a stage, and how long the rest will take."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn
from rich.progress import Progress as RichProgress
from rich.progress import TimeElapsedColumn as Elapsed
from rich.text import Text

from pipeline.remaining import Forecast, say_remaining


class Bar:
    """One bar a stage, on standard error; colours as NO_COLOR and TERM allow.

    Under the bars of a run with a forecast stands how long the rest of it will take.
    """

    def __init__(self, last_stage: str | None = None, forecast: Forecast | None = None) -> None:
        self._last_stage = last_stage
        self._progress = _Bars(
            TextColumn("{task.description:<24}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            Elapsed(),
            console=Console(stderr=True),
        )
        self._progress.forecast = forecast
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Move the bar of `stage`; the last stage's end closes the display."""
        with suppress(OSError):
            if not self._tasks:
                self._progress.start()
            if stage not in self._tasks:
                self._tasks[stage] = self._progress.add_task(stage, total=total)
            self._progress.update(self._tasks[stage], completed=done, total=total)
            if all(task.finished for task in self._progress.tasks):
                self._progress.refresh()
                if stage == self._last_stage:
                    self._progress.stop()

    def close(self) -> None:
        """Leave the bars as they are and give the cursor back."""
        # What was left when the run ended, however it did, is no news.
        self._progress.forecast = None
        with suppress(OSError):
            self._progress.stop()


class _Bars(RichProgress):
    """The bars, and a line under them; drawn anew in a thread, so that it counts down."""

    forecast: Forecast | None = None

    def get_renderables(self) -> Iterable[RenderableType]:
        yield from super().get_renderables()
        if self.forecast is not None:
            yield Text(say_remaining(self.forecast.estimate()))
