"""Speeds, draughts and distances, beside what they are drawn from or checked with."""

from __future__ import annotations

import polars as pl

from pipeline.simulate.model import FLEETS
from tests.simulation_page.figure_rows import ISSUE, JUDGEMENT, Row, lay_rows, percentiles, spread
from tests.simulation_page.measured import Scene
from tests.simulation_page.waters import name_port

CANALS = {"volga_caspian_canal": "Volga-Caspian canal", "volga_don_canal": "Volga-Don canal"}
RIVERS = ("volga_lower", "lower_don", "tsimlyansk_reservoir", "taganrog_bay")
FEWEST_HOURS = 300


def tell_speeds(scene: Scene) -> list[str]:
    """Return true speeds under way by fleet and water, beside the ranges they are drawn from."""
    waters = {
        "sea": ("sea",),
        **{words: (line,) for line, words in CANALS.items()},
        "rivers, reservoir, Taganrog Bay": RIVERS,
    }
    rows = [
        row
        for fleet in FLEETS
        for name in waters
        if (row := _speed_row(scene, fleet, name, waters[name])) is not None
    ]
    return [
        "### Speeds",
        "",
        "True speed while moving (above 0.5 kn), at full hours: median (1st to 99th percentile)."
        " Slower than stated: gales, ice, approaches, work, gear out, a tow astern; faster by 15 %"
        " at most.",
        "",
        *lay_rows(rows),
        "",
    ]


def _speed_row(scene: Scene, fleet: str, name: str, waters: tuple[str, ...]) -> Row | None:
    """Return the speeds of a fleet on some waters, None where it hardly ever is."""
    of_fleet = pl.col("fleet") == fleet
    kn = scene.under_way.filter(of_fleet, pl.col("water").is_in(waters))["kn"]
    if len(kn) < FEWEST_HOURS:
        return None
    ours = spread(kn, 0.01, 0.99, "kn")
    if (fleet, name) == ("merchant", "sea"):
        return Row(f"{fleet}, {name}", ours, "7 to 11 kn", f"river-sea ships, {ISSUE}")
    factors = scene.world.voyages.legs.speed_factors
    usual = [vessel.speed_kn for vessel in scene.fleet(fleet)]
    slow, fast = (end(factors.get(one, 1.0) for one in waters) * end(usual) for end in (min, max))
    source = f"{JUDGEMENT}: usual speeds times the factor of the water"
    return Row(f"{fleet}, {name}", ours, f"{slow:.1f} to {fast:.1f} kn", source)


def tell_draughts(scene: Scene) -> list[str]:
    """Return true draughts of merchants beside the limits of the canals."""
    moving = scene.under_way.filter(pl.col("fleet") == "merchant")
    limits = {"volga_caspian_canal": "at most 4.5 m", "volga_don_canal": "at most 3.6 m"}
    rows = [
        Row(
            f"under way in the {CANALS[line]}: median, deepest",
            "{} m, {} m".format(
                *percentiles(moving.filter(pl.col("water") == line)["draught_m"], 0.5, 1.0)
            ),
            stated,
            "issue of the simulator",
        )
        for line, stated in limits.items()
    ]
    rows.append(
        Row(
            "under way at sea: median (1st to 99th percentile)",
            spread(moving.filter(pl.col("water") == "sea")["draught_m"], 0.01, 0.99, "m"),
            "as the canals allow",
            f"{JUDGEMENT}; real tankers that stay at sea draw more",
        )
    )
    return ["### Draughts of merchants", "", *lay_rows(rows), ""]


CHECKS_NM = (
    ("port_amirabad", "port_astrakhan", 649),
    ("port_anzali", "port_astrakhan", 597),
    ("port_amirabad", "port_makhachkala", 459),
    ("port_anzali", "port_makhachkala", 407),
    ("port_amirabad", "port_olya", 602),
)


def tell_distances(scene: Scene) -> list[str]:
    """Return distances by the simulator's own routes beside METHOD 5's check figures."""
    rows = []
    for one, other, stated in CHECKS_NM:
        ours = scene.stage.waters.route(one, other).long_km / 1.852
        words = " to ".join(map(name_port, (one, other)))
        rows.append(
            Row(
                words,
                f"{ours:.0f} nm ({100 * (ours / stated - 1):+.1f} %)",
                f"{stated} nm",
                "METHOD 5, check figure",
            )
        )
    return [
        "### Distances between ports",
        "",
        "Over the simulator's own mesh, which shares nothing with the pipeline's. Ships keep off"
        " the oil fields east of Absheron; that was chosen with these figures.",
        "",
        *lay_rows(rows),
        "",
    ]
