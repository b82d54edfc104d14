"""What a run tells while it works: a bar on a terminal, plain lines or JSON in a log.

A log whose reader went away, or whose disk is full, ends no run: its lines are dropped.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import structlog

from pipeline.bars import Bar
from pipeline.errors import DarkportError, printable
from pipeline.process import Stopped, raise_if_stopped, say_line, write_stderr
from pipeline.remaining import Forecast, figures_of

if TYPE_CHECKING:
    from pipeline.ingest import Progress


def choose_progress(last_stage: str, *, quiet: bool) -> Progress:
    """Return a bar on a terminal, plain lines in a log, nothing where quiet.

    `last_stage` is the stage whose end closes the bar's display.
    """
    if quiet:
        return _tell_nobody
    return Bar(last_stage) if sys.stderr.isatty() else Lines()


def _tell_nobody(stage: str, done: int, total: int) -> None:
    """Tell nobody; as `ingest.no_progress`, whose import would take longer than it may."""


class Log(Protocol):
    """What a night is told to; `close` before its last words."""

    def progress(self, stage: str, done: int, total: int) -> None:
        """Tell how far a stage is."""

    def close(self) -> None:
        """End the display of progress."""

    def warn(self, words: str) -> None:
        """Tell what is worth a look."""

    def refuse(self, file: str, why: str) -> None:
        """Tell of a raw file that could not be read."""

    def fail(self, error: BaseException, exit_code: int) -> None:
        """Tell why the run failed, in one line."""

    def finish(self, figures: Mapping[str, Any]) -> None:
        """Tell what the run did, its exit code among the figures."""


def choose_log(form: str, forecast: Forecast | None = None) -> Log:
    """Return the log of a run in the form asked for: auto, text, json or none.

    `auto` is a bar on a terminal, plain lines (logfmt) elsewhere; `none` tells warnings and
    failures only. With a forecast of the run, the remaining time is told beside its progress.
    """
    if form == "json":
        return JsonLog(forecast)
    if form == "none":
        return PlainLog(_tell_nobody)
    if form == "auto" and sys.stderr.isatty():
        return PlainLog(Bar(forecast=forecast))
    return TextLog(forecast)


class PlainLog:
    """Sentences, each a line that begins with `darkport: `."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def progress(self, stage: str, done: int, total: int) -> None:
        """Tell how far a stage is; a run that was asked to stop stops here at the latest."""
        raise_if_stopped()
        self._progress(stage, done, total)

    def close(self) -> None:
        """End the display of progress."""
        if isinstance(self._progress, Bar):
            self._progress.close()

    def warn(self, words: str) -> None:
        """Tell what is worth a look."""
        say_line(f"warning: {words}")

    def refuse(self, file: str, why: str) -> None:
        """Tell of a raw file that could not be read."""
        say_line(f"raw file {file} not read: {why}")

    def fail(self, error: BaseException, exit_code: int) -> None:
        """Tell why the run failed: a line, after the traceback of what nobody expected."""
        if not isinstance(error, DarkportError | Stopped):
            write_stderr("".join(traceback.format_exception(error)))
        say_line(describe_failure(error))

    def finish(self, figures: Mapping[str, Any]) -> None:
        """Tell nothing more: the line on standard output says it."""


class TextLog(PlainLog):
    """Plain lines of logfmt; what makes the exit code is a sentence."""

    def __init__(self, forecast: Forecast | None = None) -> None:
        super().__init__(Lines(forecast))
        self._log = _make_logger(_LOGFMT)

    def warn(self, words: str) -> None:
        """Tell what is worth a look."""
        self._log.warning(printable(words))


class JsonLog:
    """One JSON object a line: time, level, event, and its figures; no line is anything else."""

    def __init__(self, forecast: Forecast | None = None) -> None:
        self._forecast = forecast
        self._log = _make_logger(_JSON)
        self._quarters = _Quarters()

    def progress(self, stage: str, done: int, total: int) -> None:
        """Tell when a stage begins, at every quarter of it, and when it ends."""
        raise_if_stopped()
        if self._quarters.is_next(stage, done, total):
            more = _tell_remaining(self._forecast)
            self._log.info("progress", stage=stage, done=done, total=total, **more)

    def close(self) -> None:
        """Do nothing: there is no display."""

    def warn(self, words: str) -> None:
        """Tell what is worth a look."""
        self._log.warning("warning", words=words)

    def refuse(self, file: str, why: str) -> None:
        """Tell of a raw file that could not be read."""
        self._log.error("raw file not read", file=file, why=why)

    def fail(self, error: BaseException, exit_code: int) -> None:
        """Tell why the run failed; what nobody expected brings its traceback."""
        more = {}
        if not isinstance(error, DarkportError | Stopped):
            more["traceback"] = "".join(traceback.format_exception(error))
        self._log.error("failed", words=describe_failure(error), exit_code=exit_code, **more)

    def finish(self, figures: Mapping[str, Any]) -> None:
        """Tell what the run did."""
        self._log.info("finished", **figures)


def describe_failure(error: BaseException) -> str:
    """Return one line on what ended a run."""
    if isinstance(error, Stopped):
        return f"{error}; the outputs are whole: last night's, or this run's if it was through"
    if isinstance(error, DarkportError):
        return str(error)
    return printable(f"unexpected {type(error).__name__}: {error}"[:300])


class Lines:
    """A line when a stage begins, at every quarter of it, and when it ends."""

    def __init__(self, forecast: Forecast | None = None) -> None:
        self._forecast = forecast
        self._log = _make_logger(_LOGFMT)
        self._quarters = _Quarters()

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Write a line where `done` has reached another quarter of `total`."""
        if self._quarters.is_next(stage, done, total):
            self._log.info(stage, done=done, total=total, **_tell_remaining(self._forecast))


def _tell_remaining(forecast: Forecast | None) -> dict[str, float | None]:
    return figures_of(forecast.estimate()) if forecast is not None else {}


class _Quarters:
    """How far each stage was told of."""

    def __init__(self) -> None:
        self._told: dict[str, int] = {}

    def is_next(self, stage: str, done: int, total: int) -> bool:
        quarter = 4 * done // total if total else 4
        is_new = self._told.get(stage) != quarter
        self._told[stage] = quarter
        return is_new


class _Stderr:
    """What structlog hands finished lines to, whatever their level."""

    def msg(self, line: str) -> None:
        write_stderr(f"{line}\n")

    info = warning = error = msg


def _put_first(_: Any, __: str, event: Mapping[str, Any]) -> dict[str, Any]:
    return {name: event[name] for name in ("time", "level", "event")} | dict(event)


_LOGFMT = structlog.processors.LogfmtRenderer()
_JSON = structlog.processors.JSONRenderer(default=str)


def _make_logger(renderer: Callable[..., Any]) -> Any:
    return structlog.wrap_logger(
        _Stderr(),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            _put_first,
            renderer,
        ],
    )
