"""Distances over water beside published ones: `python -m tests.water_figures`."""

from __future__ import annotations

from pipeline.geodesy import KM_PER_NM
from pipeline.water import Water, load_water
from pipeline.water_fields import bounding_cost_h
from pipeline.water_paths import lengths_km
from pipeline.water_ways import Ways
from tests.night import GEO

# Harbour points stated in the project's geometry notes: latitude, longitude.
HARBOURS = {
    "astrakhan": (46.350, 48.030),
    "olya": (45.783, 47.551),
    "makhachkala": (42.994, 47.503),
    "anzali": (37.479, 49.465),
    "amirabad": (36.854, 53.367),
    "baku": (40.300, 49.900),
    "turkmenbashi": (40.000, 53.000),
    "kalach": (48.680, 43.530),
    "rostov": (47.200, 39.690),
}
# METHOD 5, in nautical miles; Olya as in its test case.
PUBLISHED = {
    ("amirabad", "astrakhan"): 649,
    ("anzali", "astrakhan"): 597,
    ("amirabad", "makhachkala"): 459,
    ("anzali", "makhachkala"): 407,
    ("amirabad", "olya"): 602,
}


def way_nm(water: Water, one: str, other: str) -> float:
    """Return the length of the usual way between two harbours in nautical miles."""
    nodes = [water.snap([lon], [lat])[0] for lat, lon in (HARBOURS[one], HARBOURS[other])]
    return float(water.between_km(*nodes)[0]) / KM_PER_NM


def shortest_nm(water: Water, one: str, other: str) -> float:
    """Return the length of the shortest way, which avoids nothing."""
    assert water.network is not None
    nodes = [water.snap([lon], [lat])[0] for lat, lon in (HARBOURS[one], HARBOURS[other])]
    ways = Ways(water.network, bounding_cost_h(water.network), frozenset())
    return float(lengths_km(ways, *nodes)[0]) / KM_PER_NM


def main() -> None:
    """Print published, usual and shortest distances."""
    water = load_water(GEO)
    print("| from | to | published, nm | usual way, nm | difference | shortest, nm |")
    print("|---|---|---|---|---|---|")
    for (one, other), published in PUBLISHED.items():
        found = way_nm(water, one, other)
        print(
            f"| {one} | {other} | {published} | {found:.1f} | {found / published - 1:+.1%} "
            f"| {shortest_nm(water, one, other):.1f} |"
        )


if __name__ == "__main__":
    main()
