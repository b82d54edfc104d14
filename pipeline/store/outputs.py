"""The published outputs: whole generations, and the one link whose replacement publishes."""

from __future__ import annotations

import os
import re
import shutil
from contextlib import suppress
from pathlib import Path

from pipeline.errors import StorageError, printable
from pipeline.store.faults import storing
from pipeline.store.links import (
    TEMPORARY_LINK,
    link_file,
    link_tree,
    list_names,
    list_visible,
    read_link,
    require_symlinks,
    sync_folder,
)

CURRENT = ".current"
GENERATIONS = ".generations"
REPLACED = "replaced"
HALF_BUILT = ".new"
GENERATION = re.compile(r"\d{6,}")


class Outputs:
    """The processed folder: `.generations/000012/`, `.current` to it, a link for each output.

    All methods but `current` are called under the lock. Readers use `processed/<name>`; whichever
    generation `.current` names, they see it whole.

    Attributes:
        processed: the folder that readers know.
        generations: where the generations lie.
    """

    def __init__(self, processed: Path) -> None:
        self.processed = processed
        self.generations = processed / GENERATIONS

    @property
    def current(self) -> Path | None:
        """Folder of the published generation; None before the first."""
        target = Path(read_link(self.processed / CURRENT) or REPLACED)
        path = self.processed / target
        return path if GENERATION.fullmatch(target.name) and path.is_dir() else None

    def sweep(self, *, keep_before: bool = False) -> list[str]:
        """Remove what earlier runs left over; return a line on each thing done.

        Half-built and earlier generations go, temporary links, `.wal` files beside outputs, links
        of ours that lead nowhere. Where `.current` is lost, the newest whole generation is
        published again: each was checked before it got its number. Outputs without a link get it.
        What stands in `.generations/replaced` stays.

        Args:
            keep_before: the newest generation before the current one stays, for its readers, until
                `drop_earlier` is called.

        Raises:
            StorageError: a permission was lost, ...
        """
        with storing(self.processed):
            words = self._restore_current()
            stale = self._stale_generations(keep_before=keep_before)
            words += [self._remove_generation(name) for name in stale]
            words += self._sweep_top_level()
            self._link_outputs(list_visible(self.processed / CURRENT))
        return words

    def _restore_current(self) -> list[str]:
        whole = sorted((int(name), name) for name in self._numbered() if GENERATION.fullmatch(name))
        if self.current is not None or not whole:
            return []
        newest = self.generations / whole[-1][1]
        self._link_outputs(list_visible(newest))
        self._point_to(newest)
        return [f"published generation {newest.name} again: none was marked as current"]

    def drop_earlier(self) -> list[str]:
        """Remove all generations but the current one and the one before; say what was removed.

        A generation is thousands of files: their removal is left to the end of a night, when the
        new outputs stand.

        Raises:
            StorageError: a permission was lost, ...
        """
        with storing(self.generations):
            stale = self._stale_generations(keep_before=True)
            return [self._remove_generation(name) for name in stale]

    def _stale_generations(self, *, keep_before: bool) -> list[str]:
        current = self.current
        if current is None:
            return self._numbered()
        kept = {current.name}
        whole = [name for name in self._numbered() if GENERATION.fullmatch(name)]
        earlier = [name for name in whole if int(name) < int(current.name)]
        if keep_before and earlier:
            kept.add(max(earlier, key=int))
        return [name for name in self._numbered() if name not in kept]

    def _remove_generation(self, name: str) -> str:
        number = name.removesuffix(HALF_BUILT)
        kind = "half-built" if name != number else "earlier"
        gone = self.generations / f"{number}{HALF_BUILT}"
        try:
            if name == number:
                # Renamed first: a generation half removed must not look like a whole one.
                (self.generations / name).rename(gone)
            shutil.rmtree(gone)
        except OSError as error:
            # A reader on a network file system can keep a folder alive; the next night may not.
            return f"could not remove {kind} generation {number}: {printable(error)}"
        return f"removed {kind} generation {number}"

    def _sweep_top_level(self) -> list[str]:
        words = []
        for name in list_names(self.processed):
            path = self.processed / name
            if name.startswith(".") and name.endswith(TEMPORARY_LINK) and path.is_symlink():
                words.append(f"removed temporary link {printable(name)}")
            elif self._is_ours(name) and not path.exists():
                words.append(f"removed link {printable(name)}, which led nowhere")
            elif self._is_stray_wal(name):
                words.append(f"removed {printable(name)}, left over beside an output")
            else:
                continue
            path.unlink()
        # DuckDB follows the links: a log that a writing reader left lies in the generation.
        for name in list_names(self.processed / CURRENT):
            path = self.processed / CURRENT / name
            if name.endswith(".wal") and path.with_suffix("").exists():
                words.append(f"removed {printable(name)}, left over beside an output")
                path.unlink()
        return words

    def begin(self) -> Path:
        """Return a new empty folder for the next generation.

        Raises:
            StorageError: it cannot be made; or the file system has no symbolic links, which is
                found out now rather than after the night's work.
        """
        with storing(self.generations):
            self.generations.mkdir(parents=True, exist_ok=True)
            require_symlinks(self.processed)
            numbers = [int(name.removesuffix(HALF_BUILT)) for name in self._numbered()]
            new = self.generations / f"{max(numbers, default=0) + 1:06d}{HALF_BUILT}"
            new.mkdir()
        return new

    def carry(self, new: Path, name: str) -> None:
        """Hard-link a file or a tree of the current generation into `new`; else copy it.

        `name` may lie deeper (`positions/date=2023-05-01`). Files that are in `new` already stay.

        Raises:
            StorageError: there is no such output, the disk is full, ...
        """
        current = self.current
        with storing(new / name):
            if current is None:
                raise StorageError(f"no generation to carry {printable(name)} from")
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            if (current / name).is_dir():
                link_tree(str(current / name), str(new / name))
            else:
                link_file(str(current / name), str(new / name))

    def link(self, source: Path, target: Path) -> None:
        """Hard-link one file, else copy it, making folders; a `target` that is there stays.

        Raises:
            StorageError: the disk is full, a permission was lost, ...
        """
        with storing(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            link_file(str(source), str(target))

    def commit(self, new: Path) -> None:
        """Publish the finished generation `new`: at every instant the old or the new one is whole.

        Names that begin with a dot stay inside the generation, all others get a link.

        Raises:
            StorageError: before the switch only; the old outputs stand.
        """
        final = new.with_name(new.name.removesuffix(HALF_BUILT))
        with storing(self.processed):
            for wal in new.glob("*.wal"):
                wal.unlink()
            # All bytes are on the disk before any name leads to them.
            os.sync()
            self._link_outputs(list_visible(new))
            new.rename(final)
            sync_folder(self.generations)
            for name in filter(self._is_stray_wal, list_names(self.processed)):
                (self.processed / name).unlink()
            self._point_to(final)
        # Published. What fails from here on must not say that the old outputs stand; the next
        # sweep does it again.
        sync_folder(self.processed)
        with suppress(OSError):
            self._remove_gone(final)

    def _link_outputs(self, names: list[str]) -> None:
        """Make the top-level links `names`; what else stands there moves into `replaced`.

        Outputs of an earlier layout are reached through `.current` on the way, so that a reader,
        or a run killed in between, still finds the old files.
        """
        for name in names:
            if self._is_ours(name):
                continue
            if os.path.lexists(self.processed / name):
                self._move_aside(name)
            self._replace_link(f"{CURRENT}/{name}", name)

    def _move_aside(self, name: str) -> None:
        replaced = self.generations / REPLACED
        replaced.mkdir(exist_ok=True)
        if not os.path.lexists(self.processed / CURRENT):
            self._point_to(replaced)
        path, aside, number = self.processed / name, replaced / name, 0
        while os.path.lexists(aside):
            if path.is_file() and aside.is_file() and aside.samefile(path):
                return
            number += 1
            aside = replaced / f"{name}.{number}"
        try:
            # A file keeps its name until the link takes it over in one step.
            os.link(path, aside, follow_symlinks=False)
        except OSError:
            path.rename(aside)

    def _remove_gone(self, final: Path) -> None:
        kept = set(list_visible(final))
        for name in list_names(self.processed):
            if name not in kept and self._is_ours(name):
                (self.processed / name).unlink()

    def _point_to(self, generation: Path) -> None:
        self._replace_link(f"{GENERATIONS}/{generation.name}", CURRENT)

    def _replace_link(self, target: str, name: str) -> None:
        temporary = self.processed / f".{name.removeprefix('.')}{TEMPORARY_LINK}"
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(target)
        temporary.replace(self.processed / name)

    def _numbered(self) -> list[str]:
        return [
            name
            for name in list_names(self.generations)
            if GENERATION.fullmatch(name.removesuffix(HALF_BUILT))
        ]

    def _is_ours(self, name: str) -> bool:
        """Return whether the top-level `name` is a link of ours."""
        return read_link(self.processed / name) == f"{CURRENT}/{name}"

    def _is_stray_wal(self, name: str) -> bool:
        return name.endswith(".wal") and self._is_ours(name.removesuffix(".wal"))
