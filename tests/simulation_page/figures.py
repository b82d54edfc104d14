"""Section 2 as a whole: the figures of one world, with its pictures."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.simulation_page.charts import show_picture
from tests.simulation_page.diagrams import draw_dark_call, draw_silences
from tests.simulation_page.gaps import tell_gaps
from tests.simulation_page.maps import draw_chance, draw_receptions, draw_tracks
from tests.simulation_page.marks import COMPUTED
from tests.simulation_page.measured import SEED, Scene
from tests.simulation_page.port_life import tell_ports
from tests.simulation_page.reception import tell_reception
from tests.simulation_page.sailing import tell_distances, tell_draughts, tell_speeds
from tests.simulation_page.silences import daily_silences, tell_silences
from tests.simulation_page.switch_offs import tell_switching


def tell_figures(scene: Scene) -> str:
    """Return section 2: the world's marginal figures beside published ones, with pictures."""
    world, silences = scene.world, daily_silences(scene)
    lines = [
        "## 2. Marginal figures beside published ones",
        "",
        COMPUTED,
        "",
        f"World `{world.name}` from {_day(world.start)} to"
        f" {_day(world.end - timedelta(days=1))}, seed {SEED}: {len(scene.vessels)} vessels,"
        f" {world.days} days, settings {world.hash}. Half a year holds a part of a winter and of a"
        " season: figures a year are scaled. Other seeds give other figures.",
        "",
        show_picture("tracks", "True tracks of some vessels"),
        "",
    ]
    draw_tracks(scene)
    draw_receptions(scene)
    draw_chance(scene)
    draw_silences(silences)
    draw_dark_call(scene)
    for part in (
        tell_silences(scene, silences),
        tell_gaps(scene),
        tell_speeds(scene),
        tell_draughts(scene),
        tell_distances(scene),
        tell_ports(scene),
        tell_reception(scene),
        tell_switching(scene),
    ):
        lines += part
    return "\n".join(lines).rstrip()


def _day(at: datetime) -> str:
    return f"{at.day} {at:%B %Y}"
