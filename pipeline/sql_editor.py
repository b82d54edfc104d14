"""The terminal SQL editor: which one is there, and what it opens with.

Harlequin opens with the questions in its first buffer, DuckDB's own shell prints them. Harlequin
gets a cache folder of its own below the user's: what an analyst wrote there last comes back the
next time, and buffers of other work stay out of it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.store import settings_for

QUESTIONS = """\
-- darkport, read-only. Put the cursor into a question and run it: Ctrl+J (Harlequin).
-- More of them: darkport show; sql/README.md. How to read the answers: the end of that page.

-- Russian merchant ships and their gaps of 30 h and more by month, with exposure
from monthly('RUS', at_least_h := 30);

-- Which ships went dark near Amirabad in the last complete month? Another one: put '2023-06' second
from ships_dark_near('amirabad');

-- The gaps of 30 h and more near Astrakhan, with their reasons
from gaps_near('astrakhan', 30);

-- Dark, unheard and lit calls at Iranian ports by month
from dark_share('IRN');

-- What became of one ship? First its number, then its story: from ship_story(9990545)
from find_ships('a');

-- The names of ports to ask by
from port_groups();

-- Every table and column is commented
select table_name, comment from duckdb_tables() order by table_name;

-- Sightings of the last day, out of their files
from positions where date = (select cast(max(data_end) - interval 1 second as date) from runs);
"""

# Run by Harlequin's own Python: its buffers are its business.
SEED = """\
import sys
from harlequin.editor_cache import BufferState, Cache, get_cache_file, write_cache
from textual.widgets.text_area import Selection
if not get_cache_file().exists():
    start = Selection((0, 0), (0, 0))
    write_cache(Cache(focus_index=0, buffers=[BufferState(selection=start, text=sys.stdin.read())]))
"""


@dataclass(frozen=True)
class Editor:
    """An editor to be started: its command, and what is set in its environment."""

    command: list[str]
    environment: Mapping[str, str] = field(default_factory=dict)


def find_editor(database: Path) -> Editor:
    """Return how to open `database`: in Harlequin, else in DuckDB's own shell.

    Raises:
        UsageError: neither is installed.
    """
    # Not resolved: with the next night the paths lead on to the new files.
    settings = settings_for(database.absolute().parent)
    if harlequin := _find_program("harlequin"):
        return _prepare_harlequin(harlequin, database, settings)
    if duckdb := _find_program("duckdb"):
        lines = [f'.print "{line}"' for line in QUESTIONS.splitlines() if line]
        commands = [part for line in (*settings, *lines) for part in ("-cmd", line)]
        return Editor([duckdb, "-readonly", *commands, str(database)])
    raise UsageError("no SQL editor found: pip install 'darkport[analyst]' brings harlequin")


def _find_program(name: str) -> str | None:
    return shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)


def _prepare_harlequin(harlequin: str, database: Path, settings: list[str]) -> Editor:
    """Return Harlequin's command, its settings in a file and the questions in its first buffer."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "darkport"
    command = [harlequin, "-r"]
    environment = {}
    # A home that cannot be written to must not keep the database shut.
    with suppress(OSError):
        cache.mkdir(parents=True, exist_ok=True)
        start = cache / f"start_{hashlib.sha256(settings[-1].encode()).hexdigest()[:12]}.sql"
        start.write_text(";\n".join([*settings, ""]), "utf-8")
        command += ["--init-path", str(start)]
        environment["XDG_CACHE_HOME"] = str(cache)
        python = shutil.which("python", path=str(Path(harlequin).resolve().parent))
        subprocess.run(
            [python or sys.executable, "-c", SEED],
            input=QUESTIONS,
            text=True,
            capture_output=True,
            check=False,
            env={**os.environ, **environment},
        )
    return Editor([*command, str(database)], environment)
