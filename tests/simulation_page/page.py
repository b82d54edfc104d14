"""The page: its five parts in order, and the computed part read back."""

from __future__ import annotations

from tests.simulation_page.assumed import ASSUMED
from tests.simulation_page.marks import COMMAND, PAGE
from tests.simulation_page.settings_table import tell_settings
from tests.simulation_page.truth_tables import tell_truth
from tests.simulation_page.words import TITLE, tell_world

FIGURES_BEGIN, FIGURES_END = "<!-- figures begin -->", "<!-- figures end -->"


def lay_page(figures: str) -> str:
    """Return the page with its five parts in order; `figures` is the computed one."""
    parts = [
        f"{TITLE}\n\n{tell_world()}",
        f"{FIGURES_BEGIN}\n{figures}\n{FIGURES_END}",
        ASSUMED,
        tell_truth(),
        tell_settings(),
    ]
    return "\n\n".join(parts) + "\n"


def read_figures(page: str) -> str:
    """Return the computed part of a page.

    Raises:
        SystemExit: it has none.
    """
    if FIGURES_BEGIN not in page or FIGURES_END not in page:
        raise SystemExit(f"{PAGE} holds no figures: run {COMMAND}")
    return page.partition(FIGURES_BEGIN)[2].partition(FIGURES_END)[0].strip()
