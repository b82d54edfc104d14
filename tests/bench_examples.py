"""How long the example queries of sql/ take on a published database.

    python -m tests.bench_examples data/processed

`make bench` runs it on its archive of three years. Asked of them: less than 0.1 s each.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from pipeline import store
from tests import night

REPEATS = 5


def measure_examples(processed: Path) -> dict[str, float]:
    """Return the least seconds in REPEATS answers of each example; and of opening the database."""
    took_s = {"opening the database": min(_open(processed) for _ in range(REPEATS))}
    with store.open_database(processed / store.DATABASE) as connection:
        for path in sorted((night.SQL / "examples").glob("*.sql")):
            text = path.read_text("utf-8")
            taken = []
            for _ in range(REPEATS):
                begun = time.perf_counter()
                connection.sql(text).fetchall()
                taken.append(time.perf_counter() - begun)
            took_s[path.stem] = min(taken)
    return took_s


def _open(processed: Path) -> float:
    begun = time.perf_counter()
    with store.open_database(processed / store.DATABASE) as connection:
        connection.sql("select max(data_end) from runs").fetchall()
    return time.perf_counter() - begun


def tell_examples(took_s: dict[str, float]) -> list[str]:
    """Return the figures of `measure_examples` as lines of Markdown."""
    return [
        "## Example queries",
        "",
        f"On the largest archive at hand, the best of {REPEATS}; less than 0.1 s each is asked.",
        "",
        "| query | s |",
        "|---|---|",
        *(f"| {name} | {took:.3f} |" for name, took in took_s.items()),
    ]


if __name__ == "__main__":
    print("\n".join(tell_examples(measure_examples(Path(sys.argv[1])))))
