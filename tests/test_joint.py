"""Off or on, and where: gaps whose story is made by hand (METHOD 6)."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import SchemaError
from pipeline.joint import NONE, SCHEMA, weigh_candidates
from pipeline.joint.combine import combine
from pipeline.joint.ends import find_ends
from pipeline.joint.expect import expect_receptions, name_places
from pipeline.joint.routes import Routes, find_ports, place_hours
from pipeline.joint.silence import weigh_silence
from pipeline.joint.steps import Stretches
from pipeline.reception import Learned
from pipeline.water import Water, load_water
from tests.joint_world import (
    RULES,
    Place,
    candidates_of,
    gap_of,
    judge,
    ship_with,
    teach,
    watch,
)
from tests.night import GEO

OFF, ON = (47.8, 42.9), (49.9, 42.1)
PORT: Place = (47.49, 42.99)
SEA: tuple[Place, ...] = ((48.2, 42.6), (48.7, 42.6), (48.7, 42.4), (49.2, 42.4), (49.8, 42.2))
GAP = gap_of(99, 300, 340, OFF, ON)
CALL = {"makhachkala": (2.0, 13.0)}


@pytest.fixture(scope="module")
def water() -> Water:
    return load_water(GEO)


def world(port: float, sea: float) -> Learned:
    """Return what is learned where ships at the port and on the way are heard that often."""
    return teach([*watch({PORT: port, **dict.fromkeys(SEA, sea)}), ship_with(GAP)])


def weigh(learned: Learned, water: Water, hours: dict[str, tuple[float, float]]) -> pl.DataFrame:
    gap = judge(GAP, learned)
    return weigh_candidates(gap, candidates_of(gap, hours), learned, water, RULES)


def row_of(found: pl.DataFrame, group: str) -> dict[str, float]:
    return found.row(by_predicate=pl.col("port_group") == group, named=True)


# ------------------------------------------------------------------------- one posterior


def test_where_only_the_port_is_deaf_the_call_is_unheard_rather_than_dark(water: Water) -> None:
    learned = world(port=0.02, sea=0.9)
    before = judge(GAP, learned)["p_off"][0]
    found = weigh(learned, water, CALL)
    port = row_of(found, "makhachkala")
    assert before > 0.9
    assert port["log_silence_via"] > port["log_silence_direct"] + 2
    assert port["p_unheard"] > 0.5
    assert port["p_off_joint"] < before - 0.2


def test_a_lit_ship_is_not_turned_dark_by_a_port_where_nobody_hears(water: Water) -> None:
    learned = world(port=0.02, sea=0.02)
    before = judge(GAP, learned)["p_off"][0]
    found = weigh(learned, water, CALL)
    assert before < 0.1
    assert found["p_off_joint"].max() <= before + 1e-9  # pyright: ignore[reportOperatorIssue]
    assert row_of(found, "makhachkala")["p_call"] < 0.1


def test_where_all_is_heard_well_a_silent_ship_stays_dark(water: Water) -> None:
    heard, deaf = (weigh(world(port, sea=0.9), water, CALL) for port in (0.9, 0.02))
    assert heard["p_off_joint"][0] > max(0.6, deaf["p_off_joint"][0] + 0.3)


def test_without_a_candidate_p_off_is_that_of_the_direct_way(water: Water) -> None:
    learned = world(port=0.5, sea=0.5)
    gap = judge(GAP, learned)
    found = weigh_candidates(gap, candidates_of(gap, {}), learned, water, RULES)
    assert found["port_group"].to_list() == [NONE]
    assert found["p_off_joint"][0] == pytest.approx(gap["p_off"][0], abs=1e-9)
    assert found["p_prior"][0] == 1


def test_a_port_where_the_ship_is_heard_as_on_its_way_says_nothing_new(water: Water) -> None:
    """Lying in the port already, under one and the same factor, the call changes no likelihood."""
    lying = gap_of(99, 300, 340, PORT, PORT, sog_kn=0.0)
    learned = teach([*watch({PORT: 0.3}), ship_with(lying, sog_kn=0.0)])
    gap = judge(lying, learned)
    found = weigh_candidates(
        gap, candidates_of(gap, {"makhachkala": (0.0, 0.0)}), learned, water, RULES
    )
    port = row_of(found, "makhachkala")
    assert port["log_silence_via"] == pytest.approx(port["log_silence_direct"], abs=1e-9)
    assert port["p_off_joint"] == pytest.approx(gap["p_off"][0], abs=1e-9)


def test_a_gap_without_p_off_has_no_row_but_where_it_is_unobservable(water: Water) -> None:
    learned = world(port=0.5, sea=0.5)
    in_port = gap_of(99, 300, 340, OFF, ON, p_off=None, cause="in_port")
    nobody = gap_of(98, 300, 340, OFF, ON, p_off=None, cause="unobservable")
    weak = gap_of(97, 300, 340, OFF, ON, p_off=0.3, cause="unobservable")
    still_open = gap_of(96, 300, 340, OFF, ON).with_columns(
        on_at=pl.lit(None, pl.Datetime("us")), on_lon=None, on_lat=None
    )
    gaps = pl.concat([in_port, nobody, weak, still_open], how="vertical_relaxed")
    found = weigh_candidates(gaps, candidates_of(gaps, CALL), learned, water, RULES)
    assert found["gap_id"].unique().sort().to_list() == ["97-0300", "98-0300"]
    assert found["is_unobservable"].all()
    of_nobody = found.filter(pl.col("gap_id") == "98-0300")
    assert of_nobody["p_call"].null_count() == of_nobody.height == 2
    assert of_nobody["p_prior"].sum() == pytest.approx(1)


def test_the_order_of_rows_changes_nothing_and_a_strange_port_is_refused(water: Water) -> None:
    learned = world(port=0.2, sea=0.6)
    gaps = judge(pl.concat([GAP, gap_of(1_001, 100, 130, SEA[0], SEA[1])]), learned).with_columns(
        pl.col("p_off").fill_null(0.4)
    )
    asked = candidates_of(gaps, {**CALL, "derbent": (8.0, 11.0), "aktau": (12.0, 9.0)})
    once = weigh_candidates(gaps, asked, learned, water, RULES)
    again = weigh_candidates(
        gaps.reverse(), asked.sample(fraction=1, shuffle=True, seed=1), learned, water, RULES
    )
    assert once.equals(again)
    assert once.schema == pl.Schema(SCHEMA)
    strange = candidates_of(gaps, {"atlantis": (1.0, 1.0)})
    with pytest.raises(SchemaError, match="atlantis"):
        weigh_candidates(gaps, strange, learned, water, RULES)


def test_nothing_learned_leaves_p_off_as_it_was(water: Water) -> None:
    gap = gap_of(99, 300, 340, OFF, ON, p_off=0.7)
    found = weigh_candidates(gap, candidates_of(gap, CALL), None, water, RULES)
    assert found["p_off_joint"].to_list() == pytest.approx([0.7, 0.7])


PARTS = st.tuples(
    st.floats(0, 1), st.floats(0, 1), st.lists(st.floats(-800, 800), min_size=0, max_size=5)
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PARTS, min_size=1, max_size=4), st.integers(0, 2**31))
def test_the_posterior_adds_up_to_one_and_stays_between_the_way_it_was_and_a_call(
    parts: list[tuple[float, float, list[float]]], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    gap = np.repeat(np.arange(len(parts)), [1 + len(ratios) for _, _, ratios in parts])
    weight = rng.gamma(1, size=len(gap)) + 1e-9
    prior = weight / np.bincount(gap, weight)[gap]
    ratio = np.concatenate([[0.0, *ratios] for _, _, ratios in parts])
    p_off = np.array([p for p, _, _ in parts])
    on = np.array([one for _, one, _ in parts])
    found = combine(gap, prior, ratio, p_off, on)
    assert np.bincount(gap, found.on + found.off) == pytest.approx(1, abs=1e-9)
    assert (found.on >= 0).all()
    assert (found.off >= 0).all()
    assert found.p_off == pytest.approx(np.bincount(gap, found.off))
    no_better = np.maximum.reduceat(ratio, np.flatnonzero(np.diff(gap, prepend=-1))) <= 0
    assert (found.p_off[no_better] >= p_off[no_better] - 1e-9).all()
    no_worse = np.minimum.reduceat(ratio, np.flatnonzero(np.diff(gap, prepend=-1))) >= 0
    assert (found.p_off[no_worse] <= p_off[no_worse] + 1e-9).all()


# --------------------------------------------------------------------- silence on the way


def test_silence_is_weighed_as_every_story_of_the_factor_says(water: Water) -> None:
    """Against the sum over all stories of a factor of few values, on two ways of unlike length."""
    learned = world(port=0.5, sea=0.5)
    whole = learned.parameters

    few = replace(
        whole,
        factor=np.array([0.1, 1.0, 3.0]),
        factor_share=np.array([0.3, 0.5, 0.2]),
        redraw=0.1,
        redraw_at_change=0.6,
    )
    ways = Stretches(np.array([2, 4]))
    expected = np.array([0.5, 2.0, 0.0, 1.0, 0.7, 0.3])
    changes = np.array([True, False, False, True, False, True])
    before = np.array([[0.2, 0.3], [0.3, 0.3], [0.5, 0.4]])
    after = np.array([[1.0, 0.1], [0.5, 0.2], [0.1, 1.0]])
    found = weigh_silence(ways, expected, changes, before, after, few)

    def step(one: int, other: int, chance: float) -> float:
        return (1 - chance) * (one == other) + chance * float(few.factor_share[other])

    for way, (begin, size) in enumerate(((0, 2), (2, 4))):
        told = untold = 0.0
        for story in product(range(3), repeat=size + 1):
            heard = unheard = float(before[story[0], way])
            for hour in range(size):
                one, other, at = story[hour], story[hour + 1], begin + hour
                heard *= step(one, other, few.redraw_at_change if changes[at] else few.redraw)
                heard *= np.exp(-few.factor[other] * expected[at])
                unheard *= step(one, other, few.redraw)
            told += heard * after[story[-1], way]
            untold += unheard * after[story[-1], way]
        assert found[way] == pytest.approx(np.log(told / untold))


def test_on_all_along_is_never_likelier_than_on_in_any_hour() -> None:

    for chance in (0.05, 0.3, 0.9):
        learned = world(port=chance, sea=chance)
        window = learned.window
        track = int(np.flatnonzero(window.tracks["mmsi"] == 99)[0])
        off = int(np.flatnonzero((window.track == track) & (window.hour == 300))[0])
        found = find_ends(learned, np.array([off]), np.array([39]), 10_000)
        in_any = learned.on[off + 1 : off + 40].min()
        assert 0 <= found.on_all_along[0] <= in_any + 1e-3
        if chance < 0.1:
            assert found.on_all_along[0] > 0.5


def test_hours_on_the_direct_way_are_expected_what_they_were_judged_with() -> None:
    """A ship bears no witness for itself here either; the learned pass is one step older."""
    learned = world(port=0.4, sea=0.7)
    window = learned.window
    row = np.flatnonzero(~window.is_beacon)[::7]
    found = expect_receptions(
        learned,
        window.ship[row],
        window.hour[row],
        name_places(window, RULES.reception)[window.place[row]],
        window.stratum[row],
        RULES.reception,
    )
    assert found == pytest.approx(learned.rates.expected[row], rel=0.05, abs=0.02)


def test_a_place_that_nobody_was_in_promises_nothing() -> None:
    learned = world(port=0.4, sea=0.7)
    one = np.zeros(1, np.int64)
    found = expect_receptions(learned, one, one + 300, one + 77, one, RULES.reception)
    assert found == pytest.approx([0.0])


def test_the_ship_sails_there_stays_and_sails_on(water: Water) -> None:
    ports = find_ports(water)
    group = ports["port_group"].to_list().index("makhachkala")
    ends = water.snap([48.7, 49.9], [42.6, 42.1])[0].astype(np.int64)
    one = np.ones(1)
    routes = Routes(
        np.zeros(1, np.int64), np.array([group]), ends[:1], ends[1:], 30 * one, 5 * one, 10 * one
    )
    after_h = np.linspace(0.5, 28.5, 29)
    ways = Stretches(np.array([29]))
    lon, lat, under_way = place_hours(routes, ways, after_h, ports, water, 4.0)
    assert under_way.tolist() == [h < 5 or h > 20 for h in after_h]
    place = (ports["lon"][group], ports["lat"][group])
    assert np.allclose(lon[~under_way], place[0])
    assert np.allclose(lat[~under_way], place[1])
    assert lon[0] > lon[4]  # towards the port in the west
    assert lon[21] < lon[28] < 49.9
    assert (lon[28] - place[0]) / (49.9 - place[0]) == pytest.approx(0.85, abs=0.1)
    # Too far to be reached as fast as usual: as much faster, for the shortest stay.
    slow = Routes(
        np.zeros(1, np.int64), np.array([group]), ends[:1], ends[1:], 30 * one, 26 * one, 26 * one
    )
    _, _, hurried = place_hours(slow, ways, after_h, ports, water, 4.0)
    assert (~hurried).sum() == 4
