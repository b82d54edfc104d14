"""What an engine is; the one that needs nothing; the choice between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, Protocol, TypeVar

from pipeline.errors import UsageError

Shared = TypeVar("Shared")
Unit = TypeVar("Unit")
Done = TypeVar("Done")


class Engine(Protocol):
    """Does units of work."""

    @property
    def is_elsewhere(self) -> bool:
        """Whether units may be done on other machines."""
        ...

    @property
    def warnings(self) -> Sequence[str]:
        """What was worth a look so far, in sentences."""
        ...

    def run(
        self, work: Callable[[Shared, Unit], Done], shared: Shared, units: Iterable[Unit]
    ) -> Iterator[tuple[Unit, Done]]:
        """Yield each unit with what `work(shared, unit)` returned, as they are done.

        What `work` raises is raised here.

        Raises:
            EngineError: the cluster was lost, or a unit with every worker that tried it.
        """
        ...


class Here:
    """Does one unit after the other, in this process."""

    is_elsewhere = False
    warnings = ()

    def run(
        self, work: Callable[[Shared, Unit], Done], shared: Shared, units: Iterable[Unit]
    ) -> Iterator[tuple[Unit, Done]]:
        """Yield each unit with what `work(shared, unit)` returned, in order."""
        for unit in units:
            yield unit, work(shared, unit)


HERE = Here()


@dataclass(frozen=True)
class EngineChoice:
    """Where a run is to be done.

    Attributes:
        name: `local` or `dask`.
        scheduler: address of a Dask scheduler; None makes a cluster of this machine's processors.
    """

    name: Literal["local", "dask"] = "local"
    scheduler: str | None = None


ON_THIS_PROCESS = EngineChoice()


@contextmanager
def open_engine(choice: EngineChoice, raw: Path, processed: Path) -> Iterator[Engine]:
    """Yield the engine of a run, and close it.

    Args:
        choice: which one.
        raw, processed: the folders of the run, which every worker must see.

    Raises:
        UsageError: the options contradict each other, or Dask is not installed.
        EngineError: no cluster can be reached, or its workers are unlike this process.
    """
    if choice.name == "local":
        if choice.scheduler is not None:
            raise UsageError("--scheduler needs --engine dask")
        yield HERE
        return
    if find_spec("distributed") is None:
        raise UsageError("--engine dask needs more libraries: pip install 'darkport[cluster]'")
    # It takes half a second, and is an extra.
    from pipeline.engine.cluster import open_cluster

    with open_cluster(choice.scheduler, raw, processed) as cluster:
        yield cluster
