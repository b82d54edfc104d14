"""Hard links and folders: what a generation is put together from."""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import suppress
from pathlib import Path

from pipeline.errors import StorageError, printable

# What link(2) says on file systems without hard links, across file systems, at the limit of
# links, and where the system forbids linking other people's files.
NO_HARD_LINK = {errno.EPERM, errno.EXDEV, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS, errno.EACCES}
TEMPORARY_LINK = ".new-link"


def link_tree(source: str, target: str) -> None:
    """Hard-link (or copy) a tree of files; files that are in `target` already stay."""
    # Plain strings but for this: a tree of thousands of files is carried every night.
    with suppress(FileExistsError):
        Path(target).mkdir()
    with os.scandir(source) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                link_tree(entry.path, f"{target}/{entry.name}")
            else:
                link_file(entry.path, f"{target}/{entry.name}")


def link_file(source: str, target: str) -> None:
    """Hard-link one file, or copy it where that cannot be; a `target` that is there stays."""
    try:
        os.link(source, target)
    except FileExistsError:
        return
    except OSError as error:
        if error.errno not in NO_HARD_LINK:
            raise
        shutil.copy2(source, target)


def list_names(folder: Path) -> list[str]:
    """Return the names in a folder, sorted; none where there is no folder."""
    try:
        return sorted(path.name for path in folder.iterdir())
    except FileNotFoundError:
        return []


def list_visible(folder: Path) -> list[str]:
    """Return the names in a folder that do not begin with a dot, sorted."""
    return [name for name in list_names(folder) if not name.startswith(".")]


def read_link(path: Path) -> str | None:
    """Return what a symbolic link says, None where there is none."""
    try:
        return str(path.readlink())
    except OSError:
        return None


def require_symlinks(folder: Path) -> None:
    """Make and remove a symbolic link in `folder`.

    Raises:
        StorageError: its file system has none.
    """
    trial = folder / f".trial{TEMPORARY_LINK}"
    trial.unlink(missing_ok=True)
    try:
        trial.symlink_to("nowhere")
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS):
            raise
        raise StorageError(
            f"{printable(folder)} lies on a file system without symbolic links;"
            " name a processed folder on one that has them (ext4, xfs, btrfs, apfs)"
        ) from error
    trial.unlink()


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk; where folders cannot be synced, that is left out."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def sync_files(folder: Path) -> None:
    """Have the files in a folder, and their names, on the disk."""
    for name in list_names(folder):
        handle = os.open(folder / name, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    sync_folder(folder)
