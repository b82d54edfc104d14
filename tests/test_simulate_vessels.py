from __future__ import annotations

import numpy as np
import pytest

from pipeline.errors import UsageError
from pipeline.simulate.identities import MID
from pipeline.simulate.model import FLEETS, Vessel
from pipeline.simulate.roster import RosterSettings
from pipeline.simulate.vessels import VesselSettings, draw_vessels

DAY_S = 86_400
SPAN_S = 516 * DAY_S


@pytest.fixture(scope="module")
def fleet() -> list[Vessel]:
    return draw_vessels(VesselSettings(), 7, SPAN_S)


def flag_of(vessel: Vessel) -> str:
    return vessel.identities[0].flag


def test_the_default_fleet_has_the_size_of_table_5(fleet: list[Vessel]) -> None:
    merchants = [flag_of(vessel) for vessel in fleet if vessel.fleet == "merchant"]
    assert merchants.count("RUS") == 150 and merchants.count("IRN") == 48
    assert 300 <= len(fleet) <= 340
    assert [vessel.number for vessel in fleet] == list(range(len(fleet)))


@pytest.mark.parametrize("ships", [20, 27, 40, 100, 333])
def test_a_smaller_or_larger_world_keeps_every_fleet_and_flag(ships: int) -> None:
    vessels = draw_vessels(VesselSettings(ships=ships), 3, SPAN_S)
    merchants = [flag_of(vessel) for vessel in vessels if vessel.fleet == "merchant"]
    assert len(vessels) == ships
    assert {vessel.fleet for vessel in vessels} == set(FLEETS)
    assert {flag_of(vessel) for vessel in vessels} == set(MID) == set(merchants)
    assert merchants.count("RUS") + merchants.count("IRN") > ships / 2
    assert merchants.count("RUS") > merchants.count("IRN") > 0


@pytest.mark.parametrize("ships", [1, 2, 5, 19])
def test_a_tiny_world_has_as_many_vessels_as_asked_for(ships: int) -> None:
    vessels = draw_vessels(VesselSettings(ships=ships), 3, SPAN_S)
    assert len(vessels) == ships
    assert sum(flag_of(vessel) in ("RUS", "IRN") for vessel in vessels) > ships / 2


@pytest.mark.parametrize("ships", [None, 20, 40, 150])
def test_every_tow_has_a_tug_of_its_own_that_comes_before_it(ships: int | None) -> None:
    vessels = draw_vessels(VesselSettings(ships=ships), 5, SPAN_S)
    tows = [vessel for vessel in vessels if vessel.fleet == "in_tow"]
    assert tows and len({tow.tug for tow in tows}) == len(tows)
    for tow in tows:
        assert tow.tug is not None and tow.tug < tow.number
        tug = vessels[tow.tug]
        assert tug.fleet == "service" and tug.ship_type in (31, 52)
        assert (tug.home, flag_of(tug)) == (tow.home, flag_of(tow))
    assert all(vessel.tug is None for vessel in vessels if vessel.fleet != "in_tow")


def test_imo_numbers_have_a_right_check_digit_and_no_ship(fleet: list[Vessel]) -> None:
    numbers = [vessel.imo for vessel in fleet if vessel.imo is not None]
    assert len(set(numbers)) == len(numbers) > 250
    for number in numbers:
        digits = [int(digit) for digit in str(number)]
        check = sum(digit * weight for digit, weight in zip(digits, range(7, 1, -1), strict=False))
        assert 9_990_000 <= number <= 9_999_999 and check % 10 == digits[-1]
    assert all(vessel.imo for vessel in fleet if vessel.fleet == "merchant")
    assert not any(vessel.imo for vessel in fleet if vessel.fleet in ("naval", "class_b"))


def test_names_say_simulated_and_numbers_say_the_flag(fleet: list[Vessel]) -> None:
    own = [vessel.identities[0].mmsi for vessel in fleet]
    assert len(set(own)) == len(own)
    for vessel in fleet:
        first = vessel.identities[0]
        assert first.mmsi == MID[first.flag] * 1_000_000 + 990_000 + vessel.number
        for identity in vessel.identities:
            assert identity.name.startswith("SIMULATED") and len(identity.name) <= 20
            assert len(identity.callsign) <= 7
            assert identity.mmsi // 1_000_000 == MID[identity.flag]


def test_identities_begin_at_the_start_and_follow_one_another(fleet: list[Vessel]) -> None:
    for vessel in fleet:
        instants = [identity.from_s for identity in vessel.identities]
        assert instants[0] == 0 and instants == sorted(set(instants)) and instants[-1] < SPAN_S


def test_a_few_change_flag_and_some_share_an_mmsi_for_weeks(fleet: list[Vessel]) -> None:
    own = {vessel.identities[0].mmsi: vessel.number for vessel in fleet}
    reflagged = [one for one in fleet if len({identity.flag for identity in one.identities}) > 1]
    sharing = [
        one
        for one in fleet
        if any(own.get(i.mmsi, one.number) != one.number for i in one.identities)
    ]
    assert 1 <= len(reflagged) <= 10 and len(sharing) == 2
    assert all(vessel.fleet == "merchant" for vessel in reflagged + sharing)
    for vessel in sharing:
        first, wrong, *again = vessel.identities
        other = fleet[own[wrong.mmsi]]
        assert len(other.identities) == 1 and wrong.name == first.name
        assert all(one.mmsi == first.mmsi for one in again)
        assert all(7 * DAY_S < one.from_s - wrong.from_s < 60 * DAY_S for one in again)
    for vessel in reflagged:
        assert 0.2 * SPAN_S <= vessel.identities[1].from_s <= 0.8 * SPAN_S


def test_river_sea_ships_have_river_sea_sizes(fleet: list[Vessel]) -> None:
    for vessel in (one for one in fleet if one.fleet == "merchant"):
        assert 90 <= vessel.length_m <= 140 and 12 <= vessel.beam_m <= 17
        assert 7 <= vessel.speed_kn <= 11 and 70 <= vessel.ship_type <= 89
        assert 1.5 <= vessel.draught_light_m < vessel.draught_laden_m <= 4.5
        if vessel.habit in ("volga_don", "volga_up"):
            assert vessel.draught_laden_m <= 3.6
    types = {one.ship_type for one in fleet if one.fleet == "service"}
    assert {33, 50, 52} <= types <= {31, 32, 33, 50, 52}
    assert {one.ship_type for one in fleet if one.fleet == "naval"} == {35}
    assert {one.ship_type for one in fleet if one.ais_class == "B"} <= {36, 37}
    assert {one.fleet for one in fleet if one.ais_class == "B"} == {"class_b"}


def test_only_merchants_are_habitual_and_only_few(fleet: list[Vessel]) -> None:
    habitual = [vessel for vessel in fleet if vessel.is_habitual]
    assert 8 <= len(habitual) <= 60 and {vessel.fleet for vessel in habitual} == {"merchant"}


def test_antennas_lie_round_one_with_a_weak_tail(fleet: list[Vessel]) -> None:
    antenna = np.array([vessel.antenna for vessel in fleet])
    assert 0.75 < np.median(antenna) < 1.3
    assert 0.08 < np.mean(antenna < 0.35) < 0.25


def test_the_same_seed_draws_the_same_vessels_and_another_seed_others() -> None:
    settings = VesselSettings(ships=40)
    assert draw_vessels(settings, 1, SPAN_S) == draw_vessels(settings, 1, SPAN_S)
    assert draw_vessels(settings, 1, SPAN_S) != draw_vessels(settings, 2, SPAN_S)


def test_a_share_of_nobody_changes_nobody() -> None:
    settings = VesselSettings.model_validate(
        {"identities": {"reflag_share": 0.0, "renumber_share": 0.0, "shared_pairs": 0}, "ships": 15}
    )
    assert all(len(one.identities) == 1 for one in draw_vessels(settings, 1, SPAN_S))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (VesselSettings(ships=1001), "at most 1000"),
        (VesselSettings(roster=RosterSettings(counts={"submarine": {"RUS": 1}})), "submarine"),
        (VesselSettings(roster=RosterSettings(counts={"in_tow": {"RUS": 1}})), "outnumber"),
        (VesselSettings(roster=RosterSettings(counts={"naval": {"USA": 1}})), "USA"),
        (VesselSettings(roster=RosterSettings(counts={"merchant": {"USA": 1}})), "USA"),
    ],
)
def test_an_impossible_fleet_is_refused_in_words(settings: VesselSettings, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        draw_vessels(settings, 1, SPAN_S)
