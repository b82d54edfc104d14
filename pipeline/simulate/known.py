"""Known ports of a world: where its own feed shows a vessel at rest (METHOD 7, section 8's truth).

The published rule, applied to what the world's receivers heard: a port stay is at least two
sightings within 4 km of one port at 0.5 kn or less. A vessel at rest does not move, so the rule is
asked once an episode.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.simulate.model import Bools, Floats, Heard, Timeline
from pipeline.simulate.waters import Waters

NEAR_PORT_KM, AT_REST_KN, FEWEST_SIGHTINGS = 4.0, 0.5, 2  # METHOD 7
WITHIN_S = 30 * 86_400  # METHOD 7
HEADLINE = frozenset({"RUS", "IRN"})


@dataclass(frozen=True)
class Stays:
    """Port stays the feed shows: instants of first and last slow sighting, country and group."""

    first_s: Floats
    last_s: Floats
    country: tuple[str, ...]
    group: tuple[str, ...]


def find_stays(timeline: Timeline, heard: Heard, waters: Waters) -> Stays:
    """Return the port stays of one vessel that its receptions show, in order of time."""
    slow = ~heard.is_copy & (heard.sog_kn <= AT_REST_KN) & (heard.lon_deg <= 180)
    at_s = np.sort(heard.at_s[slow].astype(float))
    piece = timeline.piece_at(at_s)
    is_at_rest = timeline.speed_kn[piece] <= AT_REST_KN
    at_s, episode = at_s[is_at_rest], timeline.episode[piece[is_at_rest]]
    _, first, count = np.unique(episode, return_index=True, return_counts=True)
    first, count = first[count >= FEWEST_SIGHTINGS], count[count >= FEWEST_SIGHTINGS]
    last = first + count - 1
    lon, lat = timeline.locate(at_s[first])
    ports = waters.ports_near(lon, lat, NEAR_PORT_KM)
    found = [place for place, port in enumerate(ports) if port is not None]
    return Stays(
        at_s[first][found],
        at_s[last][found],
        tuple(port.country for port in ports if port is not None),
        tuple(port.group for port in ports if port is not None),
    )


def find_crossing(
    arrival_s: Floats, departure_s: Floats, country: list[str], stays: Stays
) -> tuple[Bools, Bools]:
    """Return (another country, the other headline country) for visits of one vessel.

    The last stay that ends before a visit and the first that begins after it, each within 30
    days, are looked at (METHOD 7). The first answer is for any two countries, the second for a
    visit in RUS or IRN with the neighbour in the other one of the two.
    """
    any_two = np.zeros(len(arrival_s), dtype=bool)
    headline = np.zeros(len(arrival_s), dtype=bool)
    for number, here in enumerate(country):
        before = int(np.searchsorted(stays.last_s, arrival_s[number], side="left")) - 1
        after = int(np.searchsorted(stays.first_s, departure_s[number], side="right"))
        neighbours = [
            stays.country[place]
            for place, away_s in (
                (before, arrival_s[number] - stays.last_s[before] if before >= 0 else np.inf),
                (
                    after,
                    stays.first_s[after] - departure_s[number]
                    if after < len(stays.first_s)
                    else np.inf,
                ),
            )
            if away_s <= WITHIN_S
        ]
        any_two[number] = any(there != here for there in neighbours)
        headline[number] = here in HEADLINE and any(
            there != here and there in HEADLINE for there in neighbours
        )
    return any_two, headline
