"""What more positions would cost, computed from the measured night: one machine, several workers.

Work on files and days is divided among the workers of a cluster (docs/scale.md); the rest is done
by the one that holds the lock. Both are taken to grow as the positions do, which the section on
growth shows or refutes; memory is not computed, as it does not.
"""

from __future__ import annotations

from typing import Any

# Parts of a night, by the names of its log, that a cluster shares out.
DIVIDED = ("reading raw files", "putting days together", "finding segments", "summing up days")
# "More than 60 million points of information per day from more than 300,000 vessels" (Global
# Fishing Watch, 2019).
WORLD_POSITIONS_A_DAY = 60_000_000
WORKERS = (1, 8, 64)
SPANS_D = {"a day": 1, "a year": 365, "ten years": 3_653}
HOUR_S = 3_600


def cost_hours(night: dict[str, Any], positions: float, workers: int) -> tuple[float, float]:
    """Return the hours of (divided work, the rest) that so many positions would take.

    Args:
        night: `wall_s`, `parts_wall_s` and `rows` of a measured one on one processor.
        positions: how many.
        workers: of one processor each.
    """
    parts = night["parts_wall_s"]
    divided_s = sum(parts[name] for name in DIVIDED)
    each = positions / night["rows"] / HOUR_S
    return divided_s * each / workers, (night["wall_s"] - divided_s) * each


def tell_scale(chain: dict[str, Any]) -> list[str]:
    """Return the section on what the world's positions would cost, by the largest feed measured."""
    night = {**chain["night"], "rows": chain["rows"]}
    lines = [
        "## The world",
        "",
        f"Computed, not measured, from the night on {chain['rows']:,} rows above: {DIVIDED[0]},"
        f" {', '.join(DIVIDED[1:])} are shared out among workers of one processor, the rest is done"
        f" by one. The world: {WORLD_POSITIONS_A_DAY / 1e6:.0f} million positions a day (Global"
        " Fishing Watch, 2019). Hours, shared out + the rest:",
        "",
        f"| positions of | {' | '.join(_name_workers(count) for count in WORKERS)} |",
        f"|---|{'---|' * len(WORKERS)}",
    ]
    for span, days in SPANS_D.items():
        cells = []
        for count in WORKERS:
            divided_h, rest_h = cost_hours(night, days * WORLD_POSITIONS_A_DAY, count)
            cells.append(f"{divided_h:,.1f} + {rest_h:,.1f}")
        lines.append(f"| {span} | {' | '.join(cells)} |")
    return lines


def _name_workers(count: int) -> str:
    return "1 worker" if count == 1 else f"{count} workers"
