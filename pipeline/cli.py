"""The command `darkport`: parse, call, print. What takes long to import is imported inside."""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from pipeline import cli_calibrate, cli_nightly, cli_remote, cli_report, cli_worlds
from pipeline.cli_nightly import PROCESSED, AsJson, Processed
from pipeline.errors import DarkportError, UsageError, printable
from pipeline.process import (
    BROKEN_PIPE_CODE,
    Stopped,
    find_cause,
    flush_streams,
    say_line,
    secure_streams,
    stopping_on_signals,
)
from pipeline.resources import bundled_folder

if TYPE_CHECKING:
    import polars as pl

app = typer.Typer(
    help="AIS tracking gaps and dark port calls on the Caspian Sea and the Volga-Don waterway.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

# The list in `darkport --help` is in this order.
app.command()(cli_nightly.nightly)
app.command()(cli_nightly.rollup)
app.command()(cli_nightly.doctor)
app.command()(cli_report.report)
app.command()(cli_remote.push)
app.command()(cli_worlds.simulate)
app.command()(cli_worlds.evaluate)
app.command()(cli_calibrate.calibrate)


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
    question: Annotated[
        str | None, typer.Argument(help="Name of a query in sql/examples; without it: their list.")
    ] = None,
    processed: Processed = PROCESSED,
    as_json: AsJson = False,
) -> None:
    """Print the answer of one of the queries in sql/examples, or what there is to ask."""
    from pipeline.store import list_examples, run_example

    examples = bundled_folder("sql") / "examples"
    if question is None:
        known = list_examples(examples)
        if as_json:
            _print_json([{"question": name, "words": words} for name, words in known.items()])
            return
        for name, words in known.items():
            print(f"{name:24} {words}")  # noqa: T201
        return
    frame = run_example(processed, examples, question)
    _print_answer(frame, as_json)


@app.command()
def sql(
    query: Annotated[
        str | None, typer.Argument(help="Query to answer; without it: the editor.")
    ] = None,
    processed: Processed = PROCESSED,
    as_json: AsJson = False,
) -> None:
    """Answer a query, or open the database read-only in a terminal SQL editor (extra `analyst`)."""
    if query is not None:
        from pipeline.store import run_query

        _print_answer(run_query(processed, query), as_json)
        return
    from pipeline.sql_editor import find_editor
    from pipeline.store import DATABASE

    database = processed / DATABASE
    if not database.is_file():
        raise UsageError(f"no database at {database}: run darkport nightly first")
    editor = find_editor(database)
    flush_streams()
    os.execve(editor.command[0], editor.command, {**os.environ, **editor.environment})


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


def _print_answer(frame: pl.DataFrame, as_json: bool) -> None:
    if as_json:
        _print_json(frame.to_dicts())
        return
    import polars as pl

    # Names are typed in by strangers: none may steer the terminal.
    texts = pl.col(pl.String).map_elements(printable, return_dtype=pl.String)
    with pl.Config(
        tbl_rows=200,
        tbl_cols=40,
        tbl_width_chars=200,
        fmt_str_lengths=80,
        tbl_hide_column_data_types=True,
        tbl_hide_dataframe_shape=True,
        tbl_formatting="ASCII_MARKDOWN",
    ):
        print(frame.with_columns(texts))  # noqa: T201


def _print_json(content: Any) -> None:
    print(json.dumps(content, indent=2, default=str))  # noqa: T201


def main() -> NoReturn:
    """Run the command; an expected failure is one line and its exit code."""
    secure_streams()
    with stopping_on_signals():
        code = _run()
    if not flush_streams() and code == 0:
        code = BROKEN_PIPE_CODE
    sys.exit(code)


def _run() -> int:
    """Return the exit code of the command."""
    try:
        # Outside its stand-alone mode the library hands an exit code back instead of leaving.
        code = app(standalone_mode=False)
    except SystemExit:
        # It leaves where nobody reads what is printed, and only there.
        return BROKEN_PIPE_CODE
    except (Exception, KeyboardInterrupt, Stopped) as error:  # noqa: BLE001
        return _tell(find_cause(error))
    return code if isinstance(code, int) else 0


def _tell(error: BaseException) -> int:
    """Say in one line what ended the command; return its exit code.

    Raises:
        BaseException: `error`, where nobody expected it, for its traceback.
    """
    if isinstance(error, typer.Abort):
        error = Stopped(signal.SIGINT)
    if isinstance(error, DarkportError | Stopped):
        say_line(str(error))
        return error.exit_code
    if isinstance(error, BrokenPipeError):
        return BROKEN_PIPE_CODE
    # typer vendors click in some versions; its usage errors carry these two.
    message = getattr(error, "format_message", None)
    if message is not None and hasattr(error, "exit_code"):
        say_line(str(message()))
        return UsageError.exit_code
    raise error


if __name__ == "__main__":
    main()
