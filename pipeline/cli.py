"""The command `darkport`: parse, call, print. What takes long to import is imported inside."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from pipeline import cli_worlds
from pipeline.errors import DarkportError, UsageError, printable
from pipeline.resources import bundled_folder

if TYPE_CHECKING:
    from pipeline.nightly import Job

app = typer.Typer(
    help="AIS tracking gaps and dark port calls on the Caspian Sea and the Volga-Don waterway.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Raw = Annotated[Path, typer.Option(help="Folder with provider files, one folder a feed.")]
Processed = Annotated[Path, typer.Option(help="Folder of the published tables.")]
RulesFile = Annotated[
    Path | None, typer.Option("--rules", help="TOML file that overrides thresholds.")
]
AreasFolder = Annotated[
    Path | None, typer.Option("--areas", help="Geo folder; default: the Caspian one.")
]
Registry = Annotated[
    Path | None, typer.Option(help="CSV of flags and fleets that override the MMSI's.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]

RAW, PROCESSED = Path("data/raw"), Path("data/processed")

app.command()(cli_worlds.simulate)
app.command()(cli_worlds.evaluate)


@app.command()
def nightly(
    raw: Raw = RAW,
    processed: Processed = PROCESSED,
    rules: RulesFile = None,
    areas: AreasFolder = None,
    registry: Registry = None,
    data_end: Annotated[
        str | None, typer.Option(help="End of the data, UTC, e.g. 2023-06-10T00:00.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Do the whole job: raw files to monthly tables, indicator and database."""
    from pipeline.nightly import run_night
    from pipeline.progress import choose_progress

    outcome = run_night(
        _job(raw, processed, rules, areas, registry, data_end),
        choose_progress("writing tables", quiet=as_json),
    )
    if as_json:
        _print_json(
            {
                "files_read": outcome.files_read,
                "files_failed": dict(outcome.files_failed),
                "rows_read": outcome.rows_read,
                "sightings": outcome.sightings,
                "gaps": outcome.gaps,
                "open_gaps": outcome.open_gaps,
                "data_end": outcome.data_end.isoformat() + "Z",
                "is_simulated": outcome.is_simulated,
            }
        )
    else:
        _say(
            f"{'SIMULATED feed: ' if outcome.is_simulated else ''}"
            f"{outcome.files_read} files, {outcome.rows_read} rows,"
            f" {outcome.sightings} sightings, {outcome.gaps} gaps, {outcome.open_gaps} open;"
            f" data until {outcome.data_end:%Y-%m-%d %H:%M} UTC; written to {processed}"
        )
    for file, why in outcome.files_failed:
        _complain(f"raw file {file} not read: {why}")
    if outcome.files_failed:
        raise typer.Exit(3)


@app.command()
def rollup(
    processed: Processed = PROCESSED, rules: RulesFile = None, areas: AreasFolder = None
) -> None:
    """Run sql/ again on the published tables: monthly tables, indicator, database."""
    from pipeline.nightly import roll_up_again

    roll_up_again(_job(RAW, processed, rules, areas, None, None))
    _say(f"rolled up again in {processed}")


@app.command()
def explain(
    row_id: Annotated[str, typer.Argument(metavar="ID", help="gap_id or call_id.")],
    processed: Processed = PROCESSED,
    as_json: AsJson = False,
) -> None:
    """Tell the whole story of a gap or call in words."""
    from pipeline.explain import find_story

    story = find_story(processed, row_id)
    if as_json:
        _print_json(story.facts)
    else:
        for line in story.lines:
            print(line)  # noqa: T201


@app.command()
def show(
    question: Annotated[str, typer.Argument(help="Name of a query in sql/examples.")],
    processed: Processed = PROCESSED,
    as_json: AsJson = False,
) -> None:
    """Print the answer of one of the queries in sql/examples."""
    from pipeline.store import run_example

    frame = run_example(processed, bundled_folder("sql") / "examples", question)
    if as_json:
        _print_json(frame.to_dicts())
        return
    import polars as pl

    with pl.Config(
        tbl_rows=200,
        tbl_cols=40,
        tbl_width_chars=200,
        fmt_str_lengths=80,
        tbl_hide_column_data_types=True,
        tbl_hide_dataframe_shape=True,
        tbl_formatting="ASCII_MARKDOWN",
    ):
        print(frame)  # noqa: T201


@app.command()
def sql(processed: Processed = PROCESSED) -> None:
    """Open the database read-only in a terminal SQL editor (extra `analyst`)."""
    import shutil

    from pipeline.store import DATABASE

    database = processed / DATABASE
    if not database.is_file():
        raise UsageError(f"no database at {database}: run darkport nightly first")
    beside = Path(sys.executable).parent
    for program, options in (("harlequin", ["-r"]), ("duckdb", ["-readonly"])):
        found = shutil.which(program, path=str(beside)) or shutil.which(program)
        if found:
            os.execv(found, [found, *options, str(database)])
    raise UsageError("no SQL editor found: pip install 'darkport[analyst]' brings harlequin")


@app.command()
def feeds(as_json: AsJson = False) -> None:
    """List the feed formats and what each needs."""
    from pipeline.feeds import list_formats

    formats = list_formats()
    if as_json:
        _print_json([dict(zip(("name", "title", "needs"), row, strict=True)) for row in formats])
        return
    for name, title, needs in formats:
        print(f"{name}\n    {title}\n    needs: {needs}")  # noqa: T201
    print("anything else\n    a mapping file beside the raw files: mapping.toml, see docs/feeds.md")  # noqa: T201


@app.command()
def doctor(
    raw: Raw = RAW,
    processed: Processed = PROCESSED,
    rules: RulesFile = None,
    areas: AreasFolder = None,
) -> None:
    """Check what a run needs: versions, rules, areas, folders."""
    from pipeline.doctor import examine

    findings = examine(_job(raw, processed, rules, areas, None, None))
    for finding in findings:
        print(f"{'ok  ' if finding.is_fine else 'FAIL'} {finding.what}: {finding.words}")  # noqa: T201
    if not all(finding.is_fine for finding in findings):
        raise typer.Exit(1)


def _job(
    raw: Path,
    processed: Path,
    rules: Path | None,
    areas: Path | None,
    registry: Path | None,
    data_end: str | None,
) -> Job:
    from pipeline.nightly import Job
    from pipeline.rules import load_rules

    return Job(
        raw=raw,
        processed=processed,
        areas_folder=areas or bundled_folder("geo"),
        sql_folder=bundled_folder("sql"),
        rules=load_rules(rules),
        registry=registry,
        data_end=_instant(data_end) if data_end else None,
    )


def _instant(text: str) -> datetime:
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"--data-end: {text!r} is no instant; write e.g. 2023-06-10T00:00 (UTC)"
        ) from None
    return given.astimezone(UTC).replace(tzinfo=None) if given.tzinfo else given


def _print_json(content: Any) -> None:
    print(json.dumps(content, indent=2, default=str))  # noqa: T201


def _say(line: str) -> None:
    print(line)  # noqa: T201


def _complain(line: str) -> None:
    print(f"darkport: {printable(line)}", file=sys.stderr)  # noqa: T201


def main() -> NoReturn:
    """Run the command; an expected failure is one line and its exit code."""
    try:
        # Outside its stand-alone mode the library hands an exit code back instead of leaving.
        code = app(standalone_mode=False)
    except DarkportError as error:
        _complain(str(error))
        sys.exit(error.exit_code)
    except typer.Abort:
        _complain("stopped")
        sys.exit(130)
    except KeyboardInterrupt:
        _complain("stopped")
        sys.exit(130)
    except Exception as error:
        # typer vendors click in some versions; its usage errors carry these two.
        message = getattr(error, "format_message", None)
        if message is not None and hasattr(error, "exit_code"):
            _complain(str(message()))
            sys.exit(2)
        raise
    sys.exit(code if isinstance(code, int) else 0)
