"""The command `darkport report`: one page for the people who look."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli_nightly import PROCESSED, AreasFolder, Processed
from pipeline.process import write_output
from pipeline.resources import bundled_folder


def report(
    processed: Processed = PROCESSED,
    areas: AreasFolder = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder to write it to; default: published with the tables, report/."),
    ] = None,
    with_figures: Annotated[
        bool, typer.Option("--figures/--no-figures", help="PNG and SVG figures beside the page.")
    ] = True,
) -> None:
    """Make the report again from the published tables: one page that needs no network."""
    from pipeline.errors import printable
    from pipeline.nightly import report_again
    from pipeline.report import write_report

    geo = areas or bundled_folder("geo")
    if out is None:
        page = report_again(processed, geo, with_figures=with_figures)
    else:
        page = write_report(processed, out, geo, with_figures=with_figures)
    write_output(printable(f"open {page}"))
