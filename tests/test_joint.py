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
from pipeline.joint import NONE, SCHEMA, Habits, fit_habits, weigh_candidates
from pipeline.joint.choice import fit_choice, weigh_choices
from pipeline.joint.combine import combine
from pipeline.joint.ends import find_ends
from pipeline.joint.expect import expect_receptions, name_places
from pipeline.joint.features import NAMES
from pipeline.joint.habits import ALL, count_calls
from pipeline.joint.hidden import STAYS, draw_hidden
from pipeline.joint.routes import Routes, find_ports, place_hours
from pipeline.joint.silence import weigh_silence
from pipeline.joint.steps import Stretches
from pipeline.reception import COLUMNS, Learned
from pipeline.water import Water, load_water
from tests.joint_world import (
    HOUR,
    RULES,
    Place,
    candidates_of,
    gap_of,
    judge,
    plain_candidates,
    sail,
    ship_with,
    teach,
    watch,
)
from tests.night import GEO

OFF, ON = (47.8, 42.9), (49.9, 42.1)
PORT: Place = (47.49, 42.99)
SEA: tuple[Place, ...] = ((48.2, 42.6), (48.7, 42.6), (48.7, 42.4), (49.2, 42.4), (49.8, 42.2))
GAP = gap_of(99, 300, 340, OFF, ON)
NO_STAYS = pl.DataFrame(schema=STAYS)
# All groups and none are equally likely.
EVEN = Habits(
    {ALL: np.zeros(len(NAMES))},
    count_calls(NO_STAYS, None, 26, 4.0),
    {ALL: 0},
    0,
    float("nan"),
)
CALL = {"makhachkala": (2.0, 13.0)}


@pytest.fixture(scope="module")
def water() -> Water:
    return load_water(GEO)


def world(port: float, sea: float) -> Learned:
    """Return what is learned where ships at the port and on the way are heard that often."""
    return teach([*watch({PORT: port, **dict.fromkeys(SEA, sea)}), ship_with(GAP)])


def weigh(learned: Learned, water: Water, hours: dict[str, tuple[float, float]]) -> pl.DataFrame:
    gap = judge(GAP, learned)
    return weigh_candidates(gap, candidates_of(gap, hours), EVEN, learned, water, RULES)


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
    found = weigh_candidates(gap, candidates_of(gap, {}), EVEN, learned, water, RULES)
    assert found["port_group"].to_list() == [NONE]
    assert found["p_off_joint"][0] == pytest.approx(gap["p_off"][0], abs=1e-9)
    assert found["p_prior"][0] == 1


def test_a_port_where_the_ship_is_heard_as_on_its_way_says_nothing_new(water: Water) -> None:
    """Lying in the port already, under one and the same factor, the call changes no likelihood."""
    lying = gap_of(99, 300, 340, PORT, PORT, sog_kn=0.0)
    learned = teach([*watch({PORT: 0.3}), ship_with(lying, sog_kn=0.0)])
    gap = judge(lying, learned)
    found = weigh_candidates(
        gap, candidates_of(gap, {"makhachkala": (0.0, 0.0)}), EVEN, learned, water, RULES
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
    found = weigh_candidates(gaps, candidates_of(gaps, CALL), EVEN, learned, water, RULES)
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
    once = weigh_candidates(gaps, asked, EVEN, learned, water, RULES)
    again = weigh_candidates(
        gaps.reverse(), asked.sample(fraction=1, shuffle=True, seed=1), EVEN, learned, water, RULES
    )
    assert once.equals(again)
    assert once.schema == pl.Schema(SCHEMA)
    strange = candidates_of(gaps, {"atlantis": (1.0, 1.0)})
    with pytest.raises(SchemaError, match="atlantis"):
        weigh_candidates(gaps, strange, EVEN, learned, water, RULES)


def test_nothing_learned_leaves_p_off_as_it_was(water: Water) -> None:
    gap = gap_of(99, 300, 340, OFF, ON, p_off=0.7)
    found = weigh_candidates(gap, candidates_of(gap, CALL), EVEN, None, water, RULES)
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
    before = np.array([[0.2, 0.3], [0.3, 0.3], [0.5, 0.4]])
    after = np.array([[1.0, 0.1], [0.5, 0.2], [0.1, 1.0]])
    found = weigh_silence(ways, expected, before, after, few)

    def step(one: int, other: int, chance: float) -> float:
        return (1 - chance) * (one == other) + chance * float(few.factor_share[other])

    for way, (begin, size) in enumerate(((0, 2), (2, 4))):
        told = untold = 0.0
        for story in product(range(3), repeat=size + 1):
            heard = unheard = float(before[story[0], way])
            for hour in range(size):
                one, other, at = story[hour], story[hour + 1], begin + hour
                heard *= step(one, other, few.redraw)
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


def walk_slowly(learned: Learned, rows: np.ndarray, silent: range) -> float:
    """Return P(on in all silent hours | the whole track), state by state (Rabiner 1989)."""
    window, known = learned.window, learned.parameters
    factors, phases = len(known.factor), len(known.back_rate)
    share = known.factor_share
    size = (1 + phases) * factors

    def move(row: int) -> np.ndarray:
        redraw = known.redraw_at_change if window.changes[row] else known.redraw
        drawn = (1 - redraw) * np.eye(factors) + redraw * share[None, :]
        rate = known.off_rate[window.area[row]]
        switch = np.zeros((1 + phases, 1 + phases))
        switch[0, 0], switch[0, 1:] = 1 - rate, rate * known.phase_share
        switch[1:, 0] = known.back_rate
        switch[1:, 1:] = np.diag(1 - known.back_rate)
        return np.kron(switch, drawn)

    def chance(row: int) -> np.ndarray:
        expected = learned.rates.expected[row]
        quiet = np.exp(-known.factor * expected)
        if not window.is_heard[row]:
            return np.concatenate([quiet, np.ones(size - factors)])
        heard = np.maximum(1 - quiet, 1e-9) if expected > 0 else np.full(factors, 0.5)
        return np.concatenate([heard, np.full(size - factors, 1e-9)])

    told: list[float] = []
    for is_on_only in (True, False):
        state = np.zeros(size)
        state[:factors] = share
        log = 0.0
        for number, row in enumerate(rows):
            state = state if number == 0 else state @ move(row)
            state = state * chance(row)
            if is_on_only and row in silent:
                state[factors:] = 0
            log += np.log(state.sum())
            state /= state.sum()
        told.append(log)
    return float(np.exp(told[0] - told[1]))


def test_on_all_along_is_what_the_whole_chain_says() -> None:
    for chance in (0.1, 0.4, 0.9):
        learned = world(port=chance, sea=chance)
        window = learned.window
        track = int(np.flatnonzero(window.tracks["mmsi"] == 99)[0])
        rows = np.flatnonzero(window.track == track)
        off = int(rows[300])
        found = find_ends(learned, np.array([off]), np.array([39]), 10_000)
        slowly = walk_slowly(learned, rows, range(off + 1, off + 40))
        assert found.on_all_along[0] == pytest.approx(slowly, rel=1e-3)


def test_ten_days_of_a_track_say_as_much_as_all_of_it() -> None:
    learned = world(port=0.3, sea=0.3)
    window = learned.window
    track = int(np.flatnonzero(window.tracks["mmsi"] == 99)[0])
    off = np.flatnonzero((window.track == track) & (window.hour == 300))
    size = np.array([39])
    short, whole = (
        find_ends(learned, off, size, hours).on_all_along[0]
        for hours in (RULES.joint.memory_h, 10_000)
    )
    assert short == pytest.approx(whole, rel=0.02)


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
    stay = [one * ports[name][group] for name in ("lon", "lat")]
    pair = (np.zeros(1, np.int64), np.array([group]), ends[:1], ends[1:])
    routes = Routes(*pair, 30 * one, 5 * one, 10 * one, *stay)
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
    slow = Routes(*pair, 30 * one, 26 * one, 26 * one, *stay)
    _, _, hurried = place_hours(slow, ways, after_h, ports, water, 4.0)
    assert (~hurried).sum() == 4


# ------------------------------------------------------------------------- where ships call

EAST = ("makhachkala", "aktau") * 6
WEST = ("makhachkala", "derbent") * 9


@pytest.fixture(scope="module")
def voyages(water: Water) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return hours, stays and fleets: tankers sail to Aktau, ferries to Derbent."""
    parts = [
        sail(2_000 + ship, ports, water, first_h=5 * ship, stay_h=16 + ship)
        for ports, ships in ((EAST, range(5)), (WEST, range(5, 10)))
        for ship in ships
    ]
    fleets = pl.DataFrame(
        {
            "mmsi": np.arange(2_000, 2_010, dtype=np.int32),
            "fleet": ["merchant"] * 5 + ["ferry"] * 5,
        }
    )
    hours, stays = (pl.concat([part[one] for part in parts]) for one in (0, 1))
    return hours, stays, fleets


def test_hidden_voyages_tell_where_the_ship_lay_for_four_hours(
    voyages: tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame],
) -> None:
    hours, stays, _ = voyages
    found = draw_hidden(hours, stays, 4.0, RULES.joint)
    assert found.height > 500
    assert (found["on_at"] - found["off_at"]).dt.total_hours().min() == RULES.joint.hidden_usual_h
    assert set(found["called_at"]) == {"makhachkala", "aktau", "derbent", NONE}
    # Slowly and obviously, one by one.
    for row in found[::97].iter_rows(named=True):
        inside: dict[str, float] = {}
        for stay in stays.filter(pl.col("mmsi") == row["mmsi"]).iter_rows(named=True):
            begin = max(stay["entered_at"], row["off_at"])
            took = (min(stay["left_at"], row["on_at"]) - begin).total_seconds() / 3600
            if took >= 4:
                inside[stay["port_group"]] = max(took, inside.get(stay["port_group"], 0.0))
        best = max(inside.values(), default=0.0)
        assert row["called_at"] in {k for k, v in inside.items() if v == best} or not inside
        assert bool(inside) == (row["called_at"] != NONE)


def test_no_silence_is_hidden_that_may_hide_a_call_of_its_own(
    voyages: tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame],
) -> None:
    hours, stays, _ = voyages
    one = hours.filter(pl.col("mmsi") == 2_000).sort("hour")
    holed = pl.concat([one[:60], one[75:]])
    found = draw_hidden(holed, stays, 4.0, RULES.joint)
    last, back = one["hour"][59], one["hour"][75]
    over = found.filter(pl.col("off_at") < back, pl.col("on_at").dt.truncate("1h") > last)
    assert over.height == 0
    # The real silence, of 16 h, is now the length of all hidden ones, to the next hour heard.
    assert set((found["on_at"] - found["off_at"]).dt.total_hours()) <= {16, 17}
    lying = found.join(stays, on="mmsi").filter(
        pl.col("entered_at") <= pl.col("off_at"), pl.col("left_at") >= pl.col("on_at")
    )
    assert sorted(lying["gap_id"]) == sorted(found.filter("is_within")["gap_id"])
    assert lying["called_at"].equals(lying["port_group"])


def test_the_gradient_is_that_of_the_loss_and_weights_are_found_again() -> None:
    rng = np.random.default_rng(5)
    truth, size, each = np.array([1.5, -1.0, 0.5]), 4_000, 4
    features = rng.normal(size=(size * each, 3))
    chooser = np.repeat(np.arange(size), each)
    share = weigh_choices(features, chooser, truth).reshape(size, each)
    assert share.sum(1) == pytest.approx(1)
    picked = (rng.random(size)[:, None] > share.cumsum(1)).sum(1)
    is_chosen = np.zeros(size * each, np.bool_)
    is_chosen[np.arange(size) * each + np.minimum(picked, each - 1)] = True
    found = fit_choice(features, chooser, is_chosen, np.zeros(3), 10.0, 200)
    assert found == pytest.approx(truth, abs=0.15)
    held = fit_choice(features, chooser, is_chosen, np.zeros(3), 1e-4, 200)
    assert held == pytest.approx(np.zeros(3), abs=0.01)


def test_habits_name_the_port_of_voyages_they_were_not_learned_of(
    water: Water, voyages: tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]
) -> None:
    hours, stays, fleets = voyages
    is_learned = pl.col("mmsi") % 5 != 0
    habits = fit_habits(
        hours.filter(is_learned),
        stays.filter(is_learned),
        water,
        RULES,
        candidates_of=lambda gaps: plain_candidates(gaps, water),
        fleets=fleets,
    )
    assert habits.hidden[ALL] == habits.hidden["merchant"] + habits.hidden["ferry"]
    assert set(habits.weights) == {ALL, "merchant", "ferry"}
    gaps = draw_hidden(hours.filter(~is_learned), stays, 4.0, RULES.joint).join(fleets, on="mmsi")
    gaps = gaps.with_columns(p_off=pl.lit(0.5), cause=pl.lit("unexplained"))
    found = weigh_candidates(gaps, plain_candidates(gaps, water), habits, None, water, RULES)
    top = found.sort("gap_id", "p_prior", descending=[False, True]).unique(
        "gap_id", keep="first", maintain_order=True
    )
    called = gaps.select("gap_id", "called_at").join(top, on="gap_id")
    right = (called["called_at"] == called["port_group"]).to_numpy().mean()
    truth = gaps.select("gap_id", port_group="called_at").join(found, on=["gap_id", "port_group"])
    assert gaps.height > 150
    assert right > 0.75
    # Better than all candidates and none alike.
    alike = found.group_by("gap_id").len()["len"].log().to_numpy().mean()
    assert -np.log(truth["p_prior"].to_numpy()).mean() < 0.6 * alike


def test_habits_are_the_same_whatever_the_order_of_rows(
    water: Water, voyages: tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]
) -> None:
    hours, stays, fleets = voyages
    once, again = (
        fit_habits(
            hours.sample(fraction=1, shuffle=True, seed=seed),
            stays.sample(fraction=1, shuffle=True, seed=seed),
            water,
            RULES,
            candidates_of=lambda gaps: plain_candidates(gaps, water).reverse(),
            fleets=fleets.reverse() if seed else fleets,
        )
        for seed in (0, 1)
    )
    assert {name: list(one) for name, one in once.weights.items()} == {
        name: list(one) for name, one in again.weights.items()
    }
    assert once.log_loss == pytest.approx(again.log_loss, abs=1e-12)
    assert once.calls.by_ship.equals(again.calls.by_ship)


def nothing_learned(water: Water) -> Habits:
    hours = pl.DataFrame(schema=COLUMNS)
    return fit_habits(
        hours, NO_STAYS, water, RULES, candidates_of=lambda gaps: plain_candidates(gaps, water)
    )


def test_where_nothing_can_be_learned_the_stated_weights_hold(water: Water) -> None:
    habits = nothing_learned(water)
    assert habits.weights[ALL].tolist() == list(RULES.joint.prior_weights)
    assert habits.hidden == {ALL: 0}
    assert np.isnan(habits.log_loss)


def test_a_call_in_azerbaijan_is_not_turned_into_one_in_iran(water: Water) -> None:
    """A ship that always calls at Baku, silent off Baku with time enough for Anzali."""
    gap = gap_of(99, 200, 248, (50.2, 40.1), (50.4, 40.0))
    at_baku = pl.DataFrame(
        {
            "mmsi": [99] * 6,
            "port_group": ["baku"] * 6,
            "entered_at": [gap["off_at"][0] - (day + 1) * 24 * HOUR for day in range(6)],
            "left_at": [gap["off_at"][0] - (day + 0.5) * 24 * HOUR for day in range(6)],
        },
        schema=STAYS,
    )
    stated = nothing_learned(water)
    knows = replace(stated, calls=count_calls(at_baku, None, 26, 4.0))
    gap = gap.with_columns(p_off=pl.lit(0.95))
    asked = plain_candidates(gap, water)
    assert {"baku", "anzali"} <= {*asked["port_group"]}
    for habits, least in ((stated, 3), (knows, 30)):
        found = weigh_candidates(gap, asked, habits, None, water, RULES)
        p = dict(zip(found["port_group"], found["p_call"], strict=True))
        iranian = sum(p.get(one, 0) for one in ("anzali", "astara_ir", "amirabad", "nowshahr"))
        assert p["baku"] > least * p["anzali"]
        assert p["baku"] + p["alat"] + p["dubendi"] > iranian


def test_with_every_candidate_more_all_still_add_up_to_one_and_the_others_lose(
    water: Water,
) -> None:
    learned = world(port=0.3, sea=0.6)
    gap = judge(GAP, learned)
    groups = {
        "makhachkala": (2.0, 13.0),
        "derbent": (6.0, 12.0),
        "aktau": (17.0, 10.0),
        "baku": (18.0, 14.0),
    }
    habits = nothing_learned(water)
    before: dict[str, float] = {NONE: 1.0}
    for count in range(1, len(groups) + 1):
        asked = dict(list(groups.items())[:count])
        found = weigh_candidates(gap, candidates_of(gap, asked), habits, learned, water, RULES)
        assert found.height == count + 1
        assert (found["p_call"] + found["p_unheard"]).sum() == pytest.approx(1)
        assert found["p_call"].sum() == pytest.approx(found["p_off_joint"][0])
        assert found["p_call_flat"].sum() == pytest.approx(found["p_off_flat"][0])
        assert found["p_prior"].sum() == pytest.approx(1)
        now = dict(zip(found["port_group"], found["p_prior"], strict=True))
        assert all(now[name] < share for name, share in before.items())
        before = now


def test_the_flattened_prior_keeps_no_call_and_makes_all_groups_alike(water: Water) -> None:
    gap = gap_of(99, 300, 360, OFF, ON, p_off=0.8)
    groups = {"makhachkala": (2.0, 13.0), "baku": (18.0, 14.0), "aktau": (17.0, 10.0)}
    found = weigh_candidates(
        gap, candidates_of(gap, groups), nothing_learned(water), None, water, RULES
    )
    calls = found.filter(pl.col("port_group") != NONE)
    assert calls["p_call"].n_unique() == 3
    assert calls["p_call_flat"].n_unique() == 1
    none = row_of(found, NONE)
    assert none["p_call_flat"] == pytest.approx(none["p_call"])


def test_lying_off_a_port_speaks_less_for_a_call_than_lying_in_it(
    water: Water, voyages: tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]
) -> None:
    """Learned of ships that lie in port; none of them ever waited at roads."""
    hours, stays, fleets = voyages
    habits = fit_habits(
        hours,
        stays,
        water,
        RULES,
        candidates_of=lambda gaps: plain_candidates(gaps, water),
        fleets=fleets,
    )
    gap = gap_of(99, 200, 218, OFF, OFF, sog_kn=0.1)
    p = {}
    for far_h in (0.0, 0.8):
        asked = candidates_of(gap, {"makhachkala": (far_h, far_h)}).with_columns(
            usual_direct_h=pl.lit(0.0)
        )
        found = weigh_candidates(gap, asked, habits, None, water, RULES)
        p[far_h] = row_of(found, "makhachkala")["p_prior"]
    assert p[0.0] > 0.9
    assert p[0.8] / (1 - p[0.8]) < 0.2 * p[0.0] / (1 - p[0.0])


def test_a_ship_s_own_history_does_not_hold_the_call_that_is_hidden(water: Water) -> None:
    """Each ship calls once at one of two ports: but for the call itself, history says nothing."""
    parts = [
        sail(
            3_000 + ship,
            ("makhachkala", ("aktau", "derbent")[ship % 2], "makhachkala"),
            water,
            first_h=3 * ship,
        )
        for ship in range(24)
    ]
    hours, stays = (pl.concat([part[one] for part in parts]) for one in (0, 1))
    habits = fit_habits(
        hours, stays, water, RULES, candidates_of=lambda gaps: plain_candidates(gaps, water)
    )
    stated = RULES.joint.prior_weights[NAMES.index("own")]
    assert habits.hidden[ALL] > 500
    assert habits.weights[ALL][NAMES.index("own")] < stated
