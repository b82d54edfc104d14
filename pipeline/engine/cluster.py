"""Units of work on the workers of a Dask cluster.

What a worker does lies in a folder without a name, or at a place of its own in the scratch folder;
only the process that holds the lock names results (`Shelf.land`). So a unit that Dask does again,
as the worker that did it was lost, changes nothing, nor does one that a worker goes on with after
the run has ended. What all units share is a task of Dask's own: a worker that comes later gets it
like the others, which data laid on some workers (`scatter`) would not survive their loss for.
"""

from __future__ import annotations

import logging
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import polars as pl
from distributed import Client, Future, LocalCluster, as_completed, get_worker
from distributed.scheduler import KilledWorker

from pipeline.engine.here import Done, Shared, Unit
from pipeline.engine.likeness import Likeness, describe_likeness, hold_likeness
from pipeline.errors import EngineError, UsageError, printable
from pipeline.rules import ClusterRules

# Short beside any unit of work, long beside looking into a queue.
PAUSE_S = 0.02
LOGGERS = ("distributed", "tornado", "asyncio")
AGAIN = "nothing is published; run again, what was finished is used"


@dataclass(frozen=True)
class _Answer:
    """What a worker says of a unit: what it made, or why it refuses, or how it failed."""

    made: Any = None
    refused: str | None = None
    failed: str | None = None


class Cluster:
    """Does units of work on a Dask cluster.

    Attributes:
        is_elsewhere: its workers may be on other machines.
        warnings: what is worth a look, in sentences.
    """

    def __init__(
        self, client: Client, likeness: Likeness, limits: ClusterRules, *, is_elsewhere: bool
    ) -> None:
        self.is_elsewhere = is_elsewhere
        self.warnings: list[str] = []
        self._client = client
        self._likeness = likeness
        self._limits = limits
        self._worker_seen_at = self._watched_at = time.monotonic()

    def run(
        self, work: Callable[[Shared, Unit], Done], shared: Shared, units: Iterable[Unit]
    ) -> Iterator[tuple[Unit, Done]]:
        """Yield each unit with what `work(shared, unit)` returned, as they are done.

        What fails on a worker is done once more in this process, whose word counts: it is the one
        that would have to do without.

        Raises:
            EngineError: the cluster was lost, or a unit with every worker that tried it, or a
                worker that came later is unlike this process.
        """
        asked = list(units)
        if not asked:
            return
        # Never `pure`: what was done for another run must not stand for what is asked now.
        common = self._client.submit(_hand_on, shared, pure=False)
        futures = self._client.map(
            _do_unit,
            asked,
            work=work,
            shared=common,
            likeness=self._likeness,
            key=work.__name__,
            pure=False,
        )
        unit_of = dict(zip([one.key for one in futures], asked, strict=True))
        pending = as_completed(futures)
        del futures
        self._worker_seen_at = time.monotonic()
        while not pending.is_empty():
            batch = cast("list[Future]", pending.next_batch(block=False))
            for future in batch:
                unit = unit_of.pop(future.key)
                answer = self._read(future, unit)
                if answer.failed is not None:
                    self._warn(f"{unit} failed on a worker and was done here: {answer.failed}")
                    yield unit, work(shared, unit)
                else:
                    yield unit, answer.made
            if not batch:
                self._watch()
                time.sleep(PAUSE_S)

    def check_workers(self) -> None:
        """Hold all workers against this process.

        Raises:
            EngineError: there is none, or one is unlike this process.
        """
        try:
            self._client.wait_for_workers(1, timeout=self._limits.no_worker_s)
            said_by = self._client.run(_tell_unlike, self._likeness, on_error="return")
        except (Exception, CancelledError) as error:
            raise EngineError(
                f"the cluster's workers do not answer: {_first_line(error)}"
            ) from error
        for worker, said in cast("dict[str, object]", said_by).items():
            if isinstance(said, BaseException):
                raise EngineError(
                    f"worker {worker} cannot run darkport: {_first_line(said)}:"
                    " install the same lock file there"
                )
            if said:
                raise EngineError(f"worker {worker} cannot be used: {said}")

    def _read(self, future: Future, unit: object) -> _Answer:
        try:
            answer = cast("_Answer", future.result())
        except KilledWorker as error:
            raise EngineError(
                f"{unit} was lost with {error.allowed_failures + 1} workers, one after the other"
                f" (the last: {error.last_worker.address}); they may lack memory; {AGAIN}"
            ) from error
        # Whatever it is: of the unit's own errors none comes this way.
        except (Exception, CancelledError) as error:
            raise EngineError(
                f"the cluster was lost while it did {unit}: {_first_line(error)}; {AGAIN}"
            ) from error
        if answer.refused is not None:
            raise EngineError(f"a worker cannot be used: {answer.refused}; {AGAIN}")
        return answer

    def _watch(self) -> None:
        """Look now and then if any worker is left.

        Raises:
            EngineError: there has been none for a while.
        """
        now = time.monotonic()
        if now < self._watched_at + self._limits.watch_every_s:
            return
        self._watched_at = now
        # A scheduler that is gone is told of by the units that wait for it.
        with suppress(Exception):
            if self._client.nthreads():
                self._worker_seen_at = now
        if now > self._worker_seen_at + self._limits.no_worker_s:
            raise EngineError(
                f"the cluster has had no worker for {self._limits.no_worker_s:.0f} s; {AGAIN}"
            )

    def _warn(self, words: str) -> None:
        self.warnings.append(printable(words))


def _hand_on(shared: Shared) -> Shared:
    return shared


def _do_unit(
    unit: Unit, *, work: Callable[[Shared, Unit], Any], shared: Shared, likeness: Likeness
) -> _Answer:
    """Do a unit: on a worker. A worker that joined later is held against the run here."""
    try:
        hold_likeness(likeness)
        return _Answer(made=work(shared, unit))
    except EngineError as error:
        return _Answer(refused=f"{get_worker().address}: {error}")
    except (Exception, pl.exceptions.PanicException) as error:  # noqa: BLE001
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(where.filename).name}:{where.lineno}"
        return _Answer(failed=f"{get_worker().address}: {_first_line(error)} ({place})")


def _tell_unlike(likeness: Likeness) -> str | None:
    try:
        hold_likeness(likeness)
    except EngineError as error:
        return str(error)
    return None


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return printable(f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__)


# --------------------------------------------------------------------------------- open and close


@contextmanager
def open_cluster(
    scheduler: str | None, raw: Path, processed: Path, limits: ClusterRules | None = None
) -> Iterator[Cluster]:
    """Yield a cluster whose workers were held against this process.

    Args:
        scheduler: its address; None starts a cluster of this machine's processors, which ends with
            the block.
        raw, processed: the folders of the run.
        limits: how long to wait.

    Raises:
        UsageError: the address is none.
        EngineError: the scheduler does not answer, or a worker is unlike this process.
    """
    limits = limits or ClusterRules()
    with _silence(), ExitStack() as stack:
        client = _start(stack) if scheduler is None else _connect(scheduler, limits.connect_s)
        stack.callback(_close, client)
        likeness = describe_likeness(raw, processed)
        stack.callback(likeness.note.unlink, missing_ok=True)
        cluster = Cluster(client, likeness, limits, is_elsewhere=scheduler is not None)
        cluster.check_workers()
        yield cluster


def _start(stack: ExitStack) -> Client:
    """Return the client of a new cluster on this machine: a process for each processor."""
    # One thread a process: two pools of threads would share one processor. No limit of memory, as
    # without a cluster: what the machine cannot hold, the system ends.
    cluster = LocalCluster(
        threads_per_worker=1,
        processes=True,
        memory_limit=0,
        # Nobody is told of it: on any free port, and for this machine alone.
        dashboard_address="127.0.0.1:0",
        silence_logs=logging.CRITICAL,
        env={"POLARS_MAX_THREADS": "1"},
    )
    stack.callback(_close, cluster)
    return Client(cluster)


def _connect(scheduler: str, timeout_s: float) -> Client:
    try:
        if not scheduler.strip():
            # Dask would start a cluster of its own.
            raise ValueError("no address")
        with warnings.catch_warnings():
            # Of versions that differ: they are refused where they matter, in our words.
            warnings.simplefilter("ignore")
            return Client(scheduler, timeout=timeout_s)
    except ValueError as error:
        raise UsageError(
            f"--scheduler {printable(scheduler)}: {_first_line(error)};"
            " write e.g. tcp://10.0.0.5:8786"
        ) from error
    # A host without a name, a port without a listener, another protocol, another version.
    except (Exception, CancelledError) as error:
        raise EngineError(
            f"no Dask scheduler answers at {printable(scheduler)} within {timeout_s:.0f} s:"
            f" {_first_line(error)}"
        ) from error


def _close(one: Client | LocalCluster) -> None:
    # The run is over: what goes wrong now is Dask's own affair.
    with suppress(Exception, CancelledError):
        one.close()


@contextmanager
def _silence() -> Iterator[None]:
    """Keep Dask's own log from standard error, where each line is one of the run's."""
    names = [
        name
        for name in (*LOGGERS, *logging.root.manager.loggerDict)
        if name.split(".")[0] in LOGGERS
    ]
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
