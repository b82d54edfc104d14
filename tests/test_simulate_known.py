"""Known ports of a world: the published rule on the world's own sightings (METHOD 7)."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.simulate.known import Stays, find_crossing, find_stays
from pipeline.simulate.model import MOORED, UNDER_WAY, Heard, Timeline
from pipeline.simulate.waters import load_waters
from tests import night

DAY_S = 86_400.0
WATERS = load_waters(night.GEO)


def in_port_then_at_sea(port: str, away_km: float = 0.0) -> Timeline:
    """Return a ship that lies a day at a port (or off it), then sails into the sea for a day."""
    berth = WATERS.ports[port]
    lat = berth.lat_deg + away_km / 111.2
    return Timeline(
        np.array([0.0, DAY_S, 2 * DAY_S]),
        np.array([berth.lon_deg, berth.lon_deg, berth.lon_deg]),
        np.array([lat, lat, lat + 1.0]),
        np.array([MOORED, UNDER_WAY], dtype=np.int8),
        np.array([0.0, 2.5]),
        np.array([0, 1], dtype=np.int32),
        (),
        (),
        (),
    )


def heard(at_s: list[float], sog_kn: float = 0.1, is_copy: bool = False) -> Heard:
    count = len(at_s)
    return Heard(
        np.array(at_s, dtype=np.int64),
        np.full(count, 50.0),
        np.full(count, 40.0),
        np.full(count, sog_kn),
        np.zeros(count),
        np.zeros(count),
        np.zeros(count, dtype=np.int8),
        np.ones(count, dtype=np.int8),
        np.zeros(count, dtype=np.int8),
        np.zeros(count, dtype=np.int16),
        np.zeros(count),
        np.full(count, is_copy),
    )


def test_two_slow_sightings_at_a_berth_are_a_stay_in_its_group() -> None:
    stays = find_stays(in_port_then_at_sea("port_amirabad"), heard([100, 5000]), WATERS)
    assert (stays.country, stays.group) == (("IRN",), ("amirabad",))
    assert (stays.first_s.tolist(), stays.last_s.tolist()) == ([100.0], [5000.0])


@pytest.mark.parametrize(
    "seen",
    [
        heard([100]),
        heard([100, 5000], sog_kn=0.6),
        heard([100, 5000], is_copy=True),
        heard([DAY_S + 100, DAY_S + 5000]),
    ],
    ids=["one", "moving", "a copy", "at sea"],
)
def test_less_than_two_slow_sightings_in_port_are_no_stay(seen: Heard) -> None:
    assert find_stays(in_port_then_at_sea("port_amirabad"), seen, WATERS).country == ()


def test_a_ship_at_rest_far_off_every_port_is_in_none() -> None:
    timeline = in_port_then_at_sea("port_amirabad", away_km=25.0)
    assert find_stays(timeline, heard([100, 5000]), WATERS).country == ()


def stays(*rows: tuple[float, float, str]) -> Stays:
    """Return stays of (first day, last day, country)."""
    return Stays(
        np.array([first for first, _, _ in rows]) * DAY_S,
        np.array([last for _, last, _ in rows]) * DAY_S,
        tuple(country for _, _, country in rows),
        tuple(country.lower() for _, _, country in rows),
    )


def crossing(country: str, known: Stays) -> tuple[bool, bool]:
    """Return the answers for a visit on days 100 to 102."""
    any_two, headline = find_crossing(
        np.array([100 * DAY_S]), np.array([102 * DAY_S]), [country], known
    )
    return bool(any_two[0]), bool(headline[0])


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (stays((80, 90, "RUS")), (True, True)),
        (stays((110, 111, "RUS")), (True, True)),
        (stays((80, 90, "IRN"), (110, 111, "RUS")), (True, True)),
        (stays((80, 90, "AZE")), (True, False)),
        (stays((80, 90, "IRN")), (False, False)),
        (stays((40, 69, "RUS")), (False, False)),
        (stays((40, 70, "RUS")), (True, True)),
        (stays((133, 134, "RUS")), (False, False)),
        # Only the last before and the first after are looked at.
        (stays((80, 85, "RUS"), (90, 95, "IRN")), (False, False)),
        # The stay that is the visit itself is neither.
        (stays((100.5, 101.5, "IRN")), (False, False)),
        (stays(), (False, False)),
    ],
)
def test_a_visit_crosses_by_the_known_ports_beside_it(
    known: Stays, expected: tuple[bool, bool]
) -> None:
    assert crossing("IRN", known) == expected


def test_a_visit_in_a_third_country_is_never_in_the_headline() -> None:
    assert crossing("AZE", stays((90, 95, "RUS"), (110, 111, "IRN"))) == (True, False)
