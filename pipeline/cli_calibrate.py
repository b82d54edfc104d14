"""The command `darkport calibrate`: a user's labels, and what they make of p_off."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli_nightly import PROCESSED, AsJson, Processed
from pipeline.process import write_output


def calibrate(
    labels: Annotated[Path, typer.Option(help="CSV: gap_id, is_off, source, date.")],
    processed: Processed = PROCESSED,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the results; default: calibration in it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Calibrate p_off on labels of your own, beside the outputs; p_off stays the headline."""
    from pipeline.calibrate import FOLDER, PAGE
    from pipeline.calibrate import calibrate as calibrate_gaps
    from pipeline.calibrate_page import tell_outcome
    from pipeline.errors import printable

    folder = out or processed / FOLDER
    found = calibrate_gaps(processed, labels, folder)
    if as_json:
        write_output(json.dumps(found.facts, indent=2))
    else:
        write_output(printable(f"{tell_outcome(found.facts)}; see {folder / PAGE}"))
