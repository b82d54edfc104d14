"""Object storage on the command line: URLs of raw files, `--publish-to`, `darkport push`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.errors import DarkportError, PushError, printable
from pipeline.process import write_output

if TYPE_CHECKING:
    from pipeline.progress import Log
    from pipeline.remote import Address, Pushed

PublishTo = Annotated[
    str | None,
    typer.Option(
        help="Copy the published tables to s3://bucket/folder, gs://... or file:///... as well."
    ),
]


def push(
    url: Annotated[str, typer.Argument(help="s3://bucket/folder, gs://... or file:///...")],
    processed: Annotated[Path, typer.Option(help="Folder of the published tables.")] = Path(
        "data/processed"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Copy the published tables to object storage."""
    from pipeline.progress import choose_log
    from pipeline.remote import push_outputs

    told = choose_log("none" if as_json else "auto")
    try:
        pushed = push_outputs(processed, read_target(url, processed), told.progress)
    finally:
        told.close()
    if pushed.warning:
        told.warn(pushed.warning)
    write_output(json.dumps(asdict(pushed), indent=2) if as_json else describe_push(pushed))


def read_raw(raw: str, processed: Path) -> tuple[Path, Address | None]:
    """Return the folder that raw files are read in, and where they are fetched from before.

    Raises:
        UsageError: the URL cannot be used.
    """
    from pipeline.nightly import MIRROR
    from pipeline.remote import is_url, read_address

    return (processed / MIRROR, read_address(raw)) if is_url(raw) else (Path(raw), None)


def require_apart(raw: Path, source: Address | None, processed: Path) -> None:
    """Hold that outputs do not lie among raw files, nor raw files among outputs to be fetched.

    Raises:
        UsageError: they do.
    """
    from pipeline.errors import UsageError

    if source and not source.is_local:
        return
    given = source.folder if source else raw
    if processed.resolve().is_relative_to(given.resolve()):
        raise UsageError(
            f"--processed {processed} lies in --raw {given}: outputs would be read as raw files"
        )
    if source and given.resolve().is_relative_to(processed.resolve()):
        raise UsageError(f"--raw {source.shown} lies in --processed {processed}")


def read_target(
    url: str, processed: Path, raw: Path | None = None, source: Address | None = None
) -> Address:
    """Return where outputs are to be copied to; nobody is asked yet.

    Args:
        url: where to.
        processed: where they lie here.
        raw, source: where raw files lie, or are fetched from, if that is known.

    Raises:
        UsageError: it is no URL, or lies where raw files are fetched from or outputs lie.
    """
    from pipeline.errors import UsageError
    from pipeline.remote import is_url, read_address

    if not is_url(url):
        raise UsageError("outputs are copied to a URL: s3://bucket/folder, gs://... or file:///...")
    target = read_address(url)
    if source and (source.holds(target) or target.holds(source)):
        words = "outputs would be read as raw files"
        raise UsageError(f"{target.shown} and {source.shown} lie in one another: {words}")
    if target.is_local:
        for folder in (processed, *([raw] if raw else [])):
            here, there = folder.resolve(), target.folder.resolve()
            if here.is_relative_to(there) or there.is_relative_to(here):
                raise UsageError(f"{target.shown} and the folder {folder} lie in one another")
    return target


def push_night(processed: Path, target: Address, told: Log) -> Pushed | str:
    """Copy the night that was just published; return what was done, or why it failed.

    The night itself stands: a failure to copy it is no failure of its own.
    """
    from pipeline.remote import push_outputs

    try:
        pushed = push_outputs(processed, target, told.progress)
    except PushError as error:
        return str(error)
    except DarkportError as error:
        return f"published here, but not pushed: {error}"
    return pushed


def describe_push(pushed: Pushed) -> str:
    """Return the line that says what a push did."""
    return printable(
        f"run {pushed.run} is at {pushed.place}: {pushed.files} files,"
        f" {pushed.uploaded} uploaded ({pushed.bytes / 1e6:.1f} MB),"
        f" {pushed.removed} of earlier nights removed"
    )


def push_figures(pushed: Pushed | str) -> dict[str, Any]:
    """Return what machines are told of a push."""
    return (
        {"pushed": None, "why_not_pushed": pushed}
        if isinstance(pushed, str)
        else {"pushed": asdict(pushed)}
    )
