"""Writes docs/tables.md (from the schema), docs/rules.md, and docs/real_files.md (from real files).

`make docs`; a test holds that the first two are current.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from pathlib import Path

import dataframely as dy
import polars as pl

from pipeline import ingest, inputs, store
from pipeline.feeds import list_formats
from pipeline.ingest import no_progress
from pipeline.rules import Rules, rules_frame
from pipeline.schema import REASONS, STEP_TABLES, TABLES, GapsCalibrated
from tests.night import REPOSITORY

DOCS = REPOSITORY / "docs"


def tell_tables() -> str:
    """Return the data dictionary."""
    lines = [
        "# Tables",
        "",
        "Written by `make docs` from `pipeline/schema.py`; the same words are comments in"
        " `darkport.duckdb`.",
        "Instants are UTC without a zone. Units stand last in a name.",
    ]
    for name, table in TABLES.items():
        lines += ["", f"## {name}", "", *tell_columns(table)]
    for name, table in STEP_TABLES.items():
        lines += ["", f"## {name}, in `darkport.duckdb` alone", "", *tell_columns(table)]
    lines += ["", "## gaps_calibrated, of `darkport calibrate`", "", *tell_columns(GapsCalibrated)]
    lines += ["", "## Reasons in `rejected`", "", "| reason | meaning |", "|---|---|"]
    lines += [f"| {reason} | {meaning} |" for reason, meaning in REASONS.items()]
    return "\n".join(lines) + "\n"


def tell_columns(table: type[dy.Schema]) -> list[str]:
    """Return what a table is, and its columns as a Markdown table."""
    lines = [" ".join((table.__doc__ or "").split()), ""]
    lines += ["| column | type | unit | may be null | meaning |", "|---|---|---|---|---|"]
    for field, column in table.columns().items():
        unit = (column.metadata or {}).get("unit", "")
        key = " (key)" if column.primary_key else ""
        null = "yes" if column.nullable else "no"
        lines.append(f"| {field}{key} | {column.dtype} | {unit} | {null} | {column.description} |")
    return lines


def tell_rules() -> str:
    """Return every threshold with unit and source."""
    lines = [
        "# Thresholds",
        "",
        "Written by `make docs` from `pipeline/rules.py`; a TOML file given as `--rules` overrides"
        " any of them.",
        "",
        "| name | value | unit | source |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {row['name']} | {row['value']} | {row['unit']} | {row['source']} |"
        for row in rules_frame(Rules()).iter_rows(named=True)
    ]
    return "\n".join(lines) + "\n"


MAPPING_WORDS = """
## Anything else: a mapping file

A file `mapping.toml` beside the raw files says what the columns of a provider mean. It is tried
before the formats above, on the files it names (by default all beside it). An unknown key is
refused.

```toml
name = "harbour_office"            # told in table files
files = ["*.csv.gz"]               # globs of file names; left out: all beside it
separator = ";"                    # default ","
decimal = ","                      # default "."
# has_header = false               # then columns = ["id", "lon", ...] names them in order

[fields]                           # canonical column = source column, or a table of
mmsi = "Vessel id"
timestamp = { column = "Local time", time_format = "%d.%m.%Y %H:%M", zone = "Europe/Moscow" }
longitude = { column = "X", unit = "deg" }       # deg, 0.1deg, 1/600000deg, 1/10000min
latitude = { column = "Y", unit = "deg" }
sog = { column = "Speed", unit = "km/h" }        # kn, 0.1kn, m/s, km/h
draught_m = { column = "Draught", unit = "dm" }  # m, dm, cm
```

`time_format` is `iso`, `epoch_s`, `epoch_ms` or a strptime pattern; without it the shape of the
text decides. `mmsi` and `timestamp` must be given; a file with static data alone needs no position.
"""


def tell_feeds() -> str:
    """Return the feed formats and how to describe another."""
    lines = [
        "# Feeds",
        "",
        "Written by `make docs`; `darkport feeds` prints the same list. A format is recognised by",
        "content, never by name; gzip, zstd and zip are unpacked on the way. One raw file is one",
        "feed format; the first folder below `data/raw` is the feed's name.",
        "",
        "| format | what | needs |",
        "|---|---|---|",
    ]
    lines += [f"| {name} | {title} | {needs} |" for name, title, needs in list_formats()]
    return "\n".join(lines) + "\n" + MAPPING_WORDS


def read_real_files(shared: Path) -> pl.DataFrame:
    """Return table files of every real file, each read as its own feed."""
    from tests.test_known_answers import ARCHIMEDES_MAPPING

    with tempfile.TemporaryDirectory() as folder:
        raw, shelf = Path(folder) / "raw", store.Shelf(Path(folder) / "shelf")
        for kind in ("csv", "json", "nmea"):
            shutil.copytree(shared / kind, raw / kind)
            (raw / kind / "mapping.toml").write_text(ARCHIMEDES_MAPPING)
        found = inputs.read_inputs(raw, shelf, Rules(), {}, time.time_ns(), no_progress)
        accounts = [file.account for file in found]
        # Before duplicates are dropped and outside rows thinned: those need whole days.
        booked = pl.DataFrame(
            {
                "file": [account.file for account in accounts],
                "accepted": [account.read - sum(account.reasons.values()) for account in accounts],
            }
        )
    return ingest.files_frame(accounts, booked)


def tell_real_files(shared: Path) -> str:
    """Return the table of real files: format found, rows read and accepted, rejected by reason."""
    lines = [
        "# Real files",
        "",
        "Written by `make docs` where the files are at hand; they are not part of the project."
        " Accepted: before duplicates are dropped. A file that is refused as a whole says why.",
        "",
        "| file | format found | rows read | accepted | rejected by reason |",
        "|---|---|---|---|---|",
    ]
    for row in read_real_files(shared).iter_rows(named=True):
        if row["error"]:
            lines.append(f"| {row['file']} | refused | | | {row['error'].replace('|', '/')} |")
            continue
        reasons = ", ".join(
            f"{reason} {count:,}" for reason, count in json.loads(row["rejected_by_reason"]).items()
        )
        lines.append(
            f"| {row['file']} | {row['format']} | {row['read']:,} | {row['accepted']:,} |"
            f" {reasons} |"
        )
    return "\n".join(lines) + "\n"


GHOST_WORDS = """
# Tracks that interference leaves behind

A false position (GNSS interference, a bit error) out of reach of the ship starts a track of its
own. Later both places are within reach, and the ship goes on in the track heard last (METHOD 2):
mostly its own, sometimes the false one. The other track is left behind. Its silence never ends, or
ends with the next false position there, and its p_off is near 1, as its neighbours are heard.

METHOD says nothing of this. Here a silence of a track during which another track of the same MMSI
is heard (twice in a UTC day) is no silence of the ship: it is no gap and gives no ship-hours. The
silence of a ship that truly falls silent then stays, on the track that goes on. A set that sends
false positions is on (METHOD 9). Neither p_off nor a list is asked, and no marked hour, as a single
false position does the same. An open gap goes once the ship is heard twice in a day.

Two ships that share a MMSI keep their silences: on at least 4 UTC days at most 30 days before or
after the off time several tracks of the MMSI were heard, twice each (rules `tracks.two_ships_*`).
What stays wrong:

- silences of two ships that are heard together on fewer days are dropped: a gap in the first days
  appears once they were heard together often enough;
- a false track of a MMSI that two ships share stays a gap;
- the off point of the gap of a ship that falls silent right after interference may be the false
  place;
- reception is learned of the hours of both tracks, and of the silence between two visits of a false
  one.

SIMULATED, `python -m tests.measure_ghosts` (world hard, its small form, seed 12, 150 days; 19
events of interference):

| gaps | found | left |
|---|---|---|
| open | 17 | 9 |
| open, the ship heard meanwhile | 8 | 0 |
| open, of MMSIs of two ships | 2 | 2 |
| closed, 30 h and more | 226 | 224 |
| closed, 30 h and more, the ship heard meanwhile | 2 | 0 |
| closed, 30 h and more, of MMSIs of two ships | 1 | 1 |
| closed | 2,489 | 2,487 |

## Hours of interference

`gnss_hours` marks the hours and cells of half a degree in which at least 3 ships of at least 2
flags leapt out of reach, from there or to there, counted with the eight cells around. The marked
hours of the cell of its off point are subtracted from a silence, with those of outages; with less
than 4 h left its cause is `gnss`. Where only a few ships sail, most interference marks nothing: in
the run above 2 hours were marked, both in true events, of 19 events.
"""


def tell_tracks() -> str:
    """Return how our tracks of a shared MMSI differ from the published segments, row by row."""
    from tests.test_known_answers import compare_tracks, expected_segments, found_tracks

    with tempfile.TemporaryDirectory() as folder:
        found = compare_tracks(found_tracks(Path(folder)), expected_segments())
    lines = [
        "# Tracks against published segments",
        "",
        "Written by `make docs` where the files are at hand.",
        "",
        "The one published segmentation at hand is that of gpsdio-segment for MMSI 416000000,",
        "which several ships use at once (`json/gfw_gpsdio-segment_416000000.json.gz` and its",
        "expected segments).",
        f"Of {found.pairs:,} pairs of consecutive messages both put together or both apart"
        f" {found.agreement:.1%}.",
        "",
        "Theirs is another algorithm: a message that could continue several segments begins a new",
        "one. A track of ours goes on as long as the ship can have come so far, and a message that",
        "several tracks can take goes to the one heard last (METHOD 2). So their segments are",
        "pieces of our tracks, and the longer the span, the more the two part: of all pairs",
        f"of messages up to 4 h apart {found.agreement_within(4):.1%} agree, of those up to 48 h",
        f"apart {found.agreement_within(48):.1%}.",
        "",
        "Every difference:",
        "",
        "| message | ours | theirs | pause in our track, h | speed it takes, kn | tracks in reach |"
        " cause |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['at']:%Y-%m-%d %H:%M:%S} | {row['ours']} track | {row['theirs']} segment |"
        f" {row['pause_h']} | {row['speed_kn']} | {row['tracks_in_reach']} | {row['cause']} |"
        for row in found.differences
    ]
    return "\n".join(lines) + "\n" + GHOST_WORDS


def main() -> None:
    """Write the pages."""
    (DOCS / "tables.md").write_text(tell_tables(), "utf-8")
    (DOCS / "rules.md").write_text(tell_rules(), "utf-8")
    (DOCS / "feeds.md").write_text(tell_feeds(), "utf-8")
    shared = Path(os.environ.get("DARKPORT_REAL_FILES", REPOSITORY.parent / "shared" / "data"))
    if shared.is_dir():
        (DOCS / "real_files.md").write_text(tell_real_files(shared), "utf-8")
        (DOCS / "tracks.md").write_text(tell_tracks(), "utf-8")


if __name__ == "__main__":
    main()
