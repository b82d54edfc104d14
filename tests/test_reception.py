"""Reception: made-up hours of ships whose sets are known to be on or off (METHOD 4).

All are drawn by a little radio of this file alone: it shares nothing with the package or the
simulator but the idea that a weak place hears seldom.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from pipeline import reception
from pipeline.reception import chain
from pipeline.reception.chain import smooth
from pipeline.reception.grid import Grid
from pipeline.reception.judge import Inside, find_ends, number_silences
from pipeline.reception.learn import first_guess
from pipeline.reception.rates import Groups, estimate_rates
from pipeline.reception.why import add_causes, name_explained
from pipeline.rules import CauseRules, ReceptionRules, Rules
from pipeline.water import Water, load_water
from tests import night

RULES = ReceptionRules()
START = datetime(2023, 5, 1)
HOUR = timedelta(hours=1)
DAYS = 40
HOURS = DAYS * 24
END = START + HOURS * HOUR
OFF = slice(300, 340)  # hours in which the one ship of interest is off
Row = Mapping[str, object]
CLOSURES = {
    "closed_from": pl.Datetime("us"),
    "closed_to": pl.Datetime("us"),
    "area": pl.String,
}
CELL_HOURS = {
    "hour": pl.Datetime("us"),
    "cell_lon_deg": pl.Float64,
    "cell_lat_deg": pl.Float64,
}


def hours_of(
    mmsi: int,
    heard: np.ndarray,
    *,
    lon: float = 50.1,
    lat: float = 42.1,
    area: str = "caspian",
    is_satellite: bool = False,
) -> pl.DataFrame:
    """Return the hours in which a ship was heard at one place."""
    at = np.flatnonzero(heard)
    size = len(at)
    return pl.DataFrame(
        {
            "mmsi": np.full(size, mmsi, np.int32),
            "track": np.zeros(size, np.int64),
            "hour": [START + int(hour) * HOUR for hour in at],
            "lon": np.full(size, lon),
            "lat": np.full(size, lat),
            "sog_kn": np.zeros(size, np.float32),
            "is_class_b": np.zeros(size, bool),
            "terrestrial": np.full(size, not is_satellite),
            "satellite": np.full(size, is_satellite),
            "is_outside": np.zeros(size, bool),
            "area": [area] * size,
            "port_group": ["none"] * size,
        }
    )


def draw(chance: float, seed: int, off: slice | None = None) -> np.ndarray:
    """Return in which hours a ship is heard; in the first and last it always is."""
    heard = np.random.default_rng(seed).random(HOURS) < chance
    heard[0] = heard[-1] = True
    if off is not None:
        heard[off] = False
        heard[off.start - 1] = heard[off.stop] = True
    return heard


def fleet(chance: float, ships: int = 8, **more: float) -> list[pl.DataFrame]:
    """Return the hours of ships that are never off, all at one place."""
    return [hours_of(1_000 + n, draw(chance, n), **more) for n in range(ships)]  # pyright: ignore[reportArgumentType]


def silence(heard: np.ndarray, mmsi: int, least_h: int = 6) -> pl.DataFrame:
    """Return the silences of a ship that are long enough."""
    at = np.flatnonzero(heard)
    begin, end = at[:-1], at[1:]
    long = end - begin >= least_h
    half = timedelta(minutes=30)
    return pl.DataFrame(
        {
            "gap_id": [f"{mmsi}-{hour}" for hour in begin[long]],
            "mmsi": np.full(long.sum(), mmsi, np.int32),
            "track": np.zeros(long.sum(), np.int64),
            "off_at": [START + int(hour) * HOUR + half for hour in begin[long]],
            "on_at": [START + int(hour) * HOUR + half for hour in end[long]],
            "off_area": ["caspian"] * int(long.sum()),
        },
        schema_overrides={"off_at": pl.Datetime("us"), "on_at": pl.Datetime("us")},
    )


def judge(
    ships: list[pl.DataFrame], silences: pl.DataFrame, rules: ReceptionRules = RULES
) -> pl.DataFrame:
    end = START + HOURS * HOUR
    window = reception.lay_out(pl.concat(ships), silences.clear(), end, rules)
    return reception.judge_gaps(silences, reception.learn(window, rules), 6, end, rules)


# ---------------------------------------------------------------------------------- was it off


def test_a_ship_silent_among_ships_heard_every_hour_was_off() -> None:
    heard = draw(0.9, 99, OFF)
    found = judge([*fleet(0.9), hours_of(99, heard)], silence(heard, 99, 30))
    assert found.height == 1
    assert found["p_off"][0] > 0.95
    assert found["witnesses"][0] == 8
    assert found["live_h"][0] == pytest.approx(41, abs=1.1)


def test_a_ship_silent_where_all_are_heard_seldom_was_not() -> None:
    heard = draw(0.15, 99)
    found = judge([*fleet(0.15), hours_of(99, heard)], silence(heard, 99, 10))
    assert found.height > 5
    assert found["p_off"].fill_null(0.0).to_numpy().max() < 0.3


def test_a_weak_transmitter_does_not_look_dark() -> None:
    heard = draw(0.1, 99)
    found = judge([*fleet(0.9), hours_of(99, heard)], silence(heard, 99, 10))
    assert found.height > 10
    assert found["p_off"].to_numpy().mean() < 0.2


def test_a_habit_of_switching_off_does_not_look_like_a_weak_transmitter() -> None:
    heard = draw(0.9, 99)
    for begin in range(60, HOURS - 60, 120):
        heard[begin : begin + 40] = False
        heard[begin - 1] = heard[begin + 40] = True
    found = judge([*fleet(0.9), hours_of(99, heard)], silence(heard, 99, 30))
    assert found.height == 7
    assert found["p_off"].to_numpy().min() > 0.8


def test_when_everybody_falls_silent_nobody_was_off() -> None:
    quiet = [draw(0.9, n) for n in range(9)]
    for heard in quiet:
        heard[OFF] = False
        heard[OFF.start - 1] = heard[OFF.stop] = True
    ships = [hours_of(1_000 + n, heard) for n, heard in enumerate(quiet)]
    found = judge(
        ships, pl.concat([silence(heard, 1_000 + n, 30) for n, heard in enumerate(quiet)])
    )
    assert found.height == 9
    assert found["p_off"].fill_null(0.0).to_numpy().max() < 0.2
    assert found["live_h"].to_numpy().max() <= 1
    assert found["expected_receptions"].to_numpy().max() < RULES.least_expected


def test_a_ship_alone_has_no_witness_and_cannot_be_judged() -> None:
    heard = draw(0.9, 99, OFF)
    found = judge([hours_of(99, heard)], silence(heard, 99, 30))
    assert found["witnesses"].to_list() == [0]
    assert found["expected_receptions"][0] < RULES.least_expected


def test_nobody_bears_witness_for_himself() -> None:
    # Two tracks of one MMSI at one place: the same ship, however its track is numbered.
    heard, other = (
        draw(0.9, 99, OFF),
        hours_of(99, draw(0.9, 5)).with_columns(track=pl.lit(1, pl.Int64)),
    )
    found = judge([hours_of(99, heard), other], silence(heard, 99, 30))
    assert found["witnesses"].to_list() == [0]


def test_satellites_hear_the_whole_basin() -> None:
    heard = draw(0.9, 99, OFF)
    ships = [
        hours_of(1_000 + n, draw(0.9, n), lon=49.0 + n / 2, is_satellite=True) for n in range(8)
    ]
    found = judge(
        [*ships, hours_of(99, heard, lon=53.3, is_satellite=True)], silence(heard, 99, 30)
    )
    assert found["witnesses"].to_list() == [8]
    assert found["p_off"][0] > 0.9


def test_without_any_switch_off_next_to_none_is_expected() -> None:
    rng = np.random.default_rng(7)
    heard = {2_000 + n: draw(float(rng.uniform(0.1, 0.9)), 50 + n) for n in range(30)}
    ships = [hours_of(mmsi, one) for mmsi, one in heard.items()]
    gaps = pl.concat([silence(one, mmsi, 5) for mmsi, one in heard.items()])
    found = judge(ships, gaps)
    assert gaps.height > 300
    assert found["p_off"].to_numpy().sum() < 0.03 * gaps.height


def test_the_number_of_switch_offs_is_recovered() -> None:
    rng = np.random.default_rng(8)
    heard = {2_000 + n: draw(float(rng.uniform(0.4, 0.9)), 80 + n) for n in range(30)}
    true = 0
    for one in heard.values():
        for begin in rng.integers(50, HOURS - 150, 2):
            one[begin : begin + 48] = False
            one[begin - 1] = one[begin + 48] = True
            true += 1
    gaps = pl.concat([silence(one, mmsi, 12) for mmsi, one in heard.items()])
    found = judge([hours_of(mmsi, one) for mmsi, one in heard.items()], gaps)
    assert 0.8 * true < found["p_off"].to_numpy().sum() < 1.2 * true


# ---------------------------------------------------------------------------------- intervals


def test_the_interval_holds_the_probability_and_narrows_with_witnesses() -> None:
    heard = draw(0.5, 99, slice(300, 308))
    gap = silence(heard, 99, 8).filter(pl.col("gap_id") == "99-299")
    few, many = (judge([*fleet(0.5, ships), hours_of(99, heard)], gap) for ships in (3, 24))
    for found in (few, many):
        assert found["p_off_low"][0] <= found["p_off"][0] <= found["p_off_high"][0]

    def width(found: pl.DataFrame) -> float:
        logit = (found[name][0] for name in ("p_off_low", "p_off_high"))
        low, high = (np.log(p / (1 - p)) for p in logit)
        return float(high - low)

    assert width(many) < width(few)


def test_few_months_are_said_to_be_thin() -> None:
    heard = draw(0.9, 99, OFF)
    gap, ships = silence(heard, 99, 30), [*fleet(0.9), hours_of(99, heard)]
    end = START + HOURS * HOUR
    window = reception.lay_out(pl.concat(ships), gap.clear(), end, RULES)
    learned = reception.learn(window, RULES)
    assert reception.judge_gaps(gap, learned, 2, end, RULES)["weakly_identified"].to_list() == [
        True
    ]


# ---------------------------------------------------------------------------------- the same again


def test_the_order_of_rows_changes_nothing() -> None:
    heard = draw(0.7, 99, OFF)
    ships, gap = pl.concat([*fleet(0.7), hours_of(99, heard)]), silence(heard, 99, 10)
    first = judge([ships], gap)
    again = judge([ships.sample(fraction=1, shuffle=True, seed=1)], gap.reverse())
    assert first.equals(again)


def test_two_segments_of_one_hour_are_one_hour() -> None:
    ship = hours_of(99, draw(0.7, 99))
    twice = pl.concat([ship, ship.with_columns(terrestrial=pl.lit(value=False))])
    end = START + HOURS * HOUR
    none = silence(draw(1.0, 1), 1).clear()
    once, both = (reception.lay_out(one, none, end, RULES) for one in (ship, twice))
    assert once.rows == both.rows
    assert (once.terrestrial == both.terrestrial).all()


def test_an_open_silence_lasts_until_the_end() -> None:
    heard = draw(0.9, 99)
    heard[700:] = False
    heard[699] = True
    end = START + HOURS * HOUR
    gap = silence(heard, 99, 10).clear()
    open_gap = pl.DataFrame(
        {
            "gap_id": ["open"],
            "mmsi": [99],
            "track": [0],
            "off_at": [START + 699 * HOUR],
            "on_at": [None],
            "off_area": ["caspian"],
        },
        schema=gap.schema,
    )
    ships = pl.concat([*fleet(0.9), hours_of(99, heard)])
    window = reception.lay_out(ships, open_gap, end, RULES)
    found = reception.judge_gaps(open_gap, reception.learn(window, RULES), 6, end, RULES)
    assert found["p_off"][0] > 0.95
    assert found["live_h"][0] == pytest.approx(HOURS - 699, abs=1)


def test_what_is_taken_in_slices_for_its_memory_is_judged_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard = [draw(0.9, seed, OFF) for seed in (97, 98, 99)]
    ships = [*fleet(0.9), *(hours_of(97 + at, one) for at, one in enumerate(heard))]
    gaps = pl.concat(silence(one, 97 + at, 8) for at, one in enumerate(heard))
    assert gaps.height > 2
    whole = judge(ships, gaps)
    monkeypatch.setattr(chain, "TRACKS_AT_ONCE", 2)
    monkeypatch.setattr(reception.judge, "SILENCES_AT_ONCE", 2)
    sliced = judge(ships, gaps)
    assert sliced.select("gap_id", "witnesses").equals(whole.select("gap_id", "witnesses"))
    for name in whole.columns[1:]:
        assert sliced[name].cast(pl.Float64).to_list() == pytest.approx(
            whole[name].cast(pl.Float64).to_list(), abs=2e-6
        )


# ---------------------------------------------------------------------------------- the parts


def test_the_chain_adds_up_to_what_every_story_of_a_short_track_gives() -> None:
    """Forward and backward against the sum over all stories, one by one."""
    heard = np.array([True, False, False, True, False, True])
    rows = hours_of(99, np.concatenate([heard, np.zeros(HOURS - 6, bool)]))
    rules = ReceptionRules(factors=2, off_hours=(10.0,))
    end = START + 6 * HOUR
    window = reception.lay_out(rows, silence(draw(1.0, 1), 1).clear(), end, rules)
    grid, guess = Grid.of(window), first_guess(1, rules)
    expected = np.full((6, 1), 0.8)
    other = replace(guess, off_rate=guess.off_rate * 3, back_rate=guess.back_rate / 2, redraw=0.5)
    # What lies beside it changes nothing.
    found, beside = smooth(grid, [expected, expected / 2], [guess, other])
    assert beside.log_likelihood != found.log_likelihood
    (alone,) = smooth(grid, [expected], [guess])
    assert (alone.on == found.on).all()
    assert (alone.counted.returns == found.counted.returns).all()

    def weight(story: tuple[int, ...]) -> float:
        """Return the chance of a story (0, 1: on with that factor; 2, 3: off with it)."""
        total = 1.0
        for hour, state in enumerate(story):
            is_off, factor = divmod(state, 2)
            if hour == 0:
                total *= 0.0 if is_off else guess.factor_share[factor]
            else:
                was_off, was = divmod(story[hour - 1], 2)
                at_change = grid.changes[hour, 0]
                redraw = guess.redraw_at_change if at_change else guess.redraw
                total *= redraw * guess.factor_share[factor] + (1 - redraw) * (factor == was)
                leave = guess.back_rate[0] if was_off else guess.off_rate[0]
                total *= leave if is_off != was_off else 1 - leave
            silent = np.exp(-0.8 * guess.factor[factor])
            chance_on = 1 - silent if heard[hour] else silent
            total *= (1e-9 if heard[hour] else 1.0) if is_off else chance_on
        return float(total)

    stories = [
        tuple(int(digit) for digit in np.base_repr(number, 4).zfill(6)) for number in range(4**6)
    ]
    weights = np.array([weight(story) for story in stories])
    states = np.array(stories)
    on = ((states < 2) * weights[:, None]).sum(0) / weights.sum()
    assert found.on[:, 0] == pytest.approx(on, abs=1e-4)
    assert found.log_likelihood == pytest.approx(np.log(weights.sum()), abs=1e-4)
    switched = sum(
        w * sum(b >= 2 > a for a, b in pairwise(s)) for s, w in zip(stories, weights, strict=True)
    )
    assert found.counted.switched_off[0] == pytest.approx(switched / weights.sum(), rel=1e-3)


def test_rates_are_those_of_the_others() -> None:
    ships = [*fleet(0.5, 20), hours_of(99, draw(0.02, 99))]
    window = reception.lay_out(
        pl.concat(ships), silence(draw(1.0, 1), 1).clear(), START + HOURS * HOUR, RULES
    )
    rates = estimate_rates(window, Groups.of(window), np.ones(window.rows), RULES)
    mine = window.ship == window.ship.min()
    # Half of the hours heard: 1 - (1 + r / 1.5) ** -1.5 = 0.5 gives 0.88 receptions an hour.
    assert rates.expected[mine].mean() == pytest.approx(0.88, rel=0.3)


def test_live_hours_are_credited_once_and_by_month() -> None:
    heard = draw(0.9, 99)
    ships = pl.concat([*fleet(0.9), hours_of(99, heard)])
    none = silence(heard, 99, 500)
    window = reception.lay_out(ships, none, START + HOURS * HOUR, RULES)
    learned = reception.learn(window, RULES)
    june = reception.sum_observable(learned, ships, none, date(2023, 6, 1))
    assert june["month"].unique().to_list() == [date(2023, 6, 1)]
    mine = june.filter(pl.col("mmsi") == 99)["observable_s"].to_list()
    assert mine == [pytest.approx((HOURS - 31 * 24) * 3600, rel=0.02)]


# ---------------------------------------------------------------------------------- hour by hour

MAY, JUNE = date(2023, 5, 1), date(2023, 6, 1)


def learn_of(ships: list[pl.DataFrame], silences: pl.DataFrame) -> reception.Learned:
    window = reception.lay_out(pl.concat(ships), silences.clear(), START + HOURS * HOUR, RULES)
    return reception.learn(window, RULES)


def test_a_place_tells_who_was_known_there_who_was_heard_and_what_was_expected() -> None:
    heard = draw(0.9, 99, OFF)
    learned = learn_of([*fleet(0.9), hours_of(99, heard)], silence(heard, 99, 30))
    cells = reception.list_cells(learned, MAY, RULES)
    assert cells.height == 31 * 24
    assert set(cells.select("cell_lon_deg", "cell_lat_deg", "area").rows()) == {
        (50.0, 42.0, "caspian")
    }
    row = cells.row(310, named=True)
    others = np.array([draw(0.9, n) for n in range(8)])
    assert others[:, 307:310].any(axis=1).all()  # none of them ends a silence in hour 310
    assert row["hour"] == START + 310 * HOUR
    assert (row["ships_present"], row["ships_heard"]) == (9, others[:, 310].sum())
    assert (row["ships_heard_by_satellite"], row["is_live"]) == (0, True)
    # 0.9 of the hours heard: 1 - (1 + r / 1.5) ** -1.5 gives 5.5 receptions an hour.
    assert 3 < cells["expected_stopped"].to_numpy().mean() < 8


def test_a_place_in_which_nobody_is_heard_is_not_live_and_promises_nothing() -> None:
    quiet = [draw(0.9, n, OFF) for n in range(9)]
    ships = [hours_of(1_000 + n, heard) for n, heard in enumerate(quiet)]
    cells = reception.list_cells(learn_of(ships, silence(quiet[0], 1_000)), MAY, RULES)
    inside = cells[OFF.start : OFF.stop]
    assert set(
        inside.select(pl.exclude("hour", "area", "cell_lon_deg", "cell_lat_deg")).rows()
    ) == {(9, 0, 0, 0, False, None, None)}
    # The hour in which all come back ends a silence: it does not count.
    assert cells["ships_heard"][OFF.stop] == 0
    assert cells["is_live"][OFF.stop + 1]


def test_a_satellite_makes_every_place_live() -> None:
    heard = draw(0.9, 99, OFF)
    ships = [*fleet(0.9, 8, is_satellite=True), hours_of(99, heard, lon=53.3)]
    cells = reception.list_cells(learn_of(ships, silence(heard, 99)), MAY, RULES)
    alone = cells.filter(pl.col("cell_lon_deg") == 53.0)[OFF.start : OFF.stop]
    assert alone["ships_heard"].sum() + alone["ships_heard_by_satellite"].sum() == 0
    assert alone["is_live"].all()
    assert alone["expected_stopped"].to_numpy().min() > 0


def test_cells_are_of_the_hours_of_the_month_alone_whatever_the_order_of_rows() -> None:
    heard = draw(0.9, 99)
    ships = pl.concat([*fleet(0.9), hours_of(99, heard)])
    shuffled = ships.sample(fraction=1, shuffle=True, seed=1)
    june, again = (
        reception.list_cells(learn_of([one], silence(heard, 99)), JUNE, RULES)
        for one in (ships, shuffled)
    )
    assert (june["hour"].min(), june.height) == (datetime(2023, 6, 1), HOURS - 31 * 24)
    assert june.equals(again)
    assert reception.list_cells(None, JUNE, RULES).is_empty()


def test_the_hours_of_a_gap_add_up_to_what_was_expected_in_it() -> None:
    heard = draw(0.9, 99, OFF)
    gap = silence(heard, 99, 30)
    learned = learn_of([*fleet(0.9), hours_of(99, heard)], gap)
    end = START + HOURS * HOUR
    hours = reception.list_gap_hours(gap, learned, end)
    judged = reception.judge_gaps(gap, learned, 6, end, RULES)
    assert hours["hour"].to_list() == [START + hour * HOUR for hour in range(OFF.start, OFF.stop)]
    assert set(hours.select("cell_lon_deg", "cell_lat_deg", "is_live").rows()) == {
        (50.0, 42.0, True)
    }
    # The gap begins and ends half way through an hour: 41 hours, of which 40 are whole ones.
    assert hours["expected_receptions"].sum() == pytest.approx(
        judged["expected_receptions"][0] * 40 / 41, rel=0.05
    )
    assert reception.list_gap_hours(gap.clear(), learned, end).is_empty()


def parts_of(found: pl.DataFrame) -> tuple[float, float, float]:
    """Return the parts of the log-odds of p_off: before, silence, own factor."""
    p = float(np.clip(found["p_off"][0], 5e-7, 1 - 5e-7))
    before, silent = found["log_odds_before"][0], found["log_odds_silence"][0]
    return before, silent, float(np.log(p / (1 - p))) - before - silent


def test_before_its_silence_a_gap_is_as_likely_off_as_the_rates_say() -> None:
    heard = draw(0.9, 99, OFF)
    gap = silence(heard, 99, 30)
    learned = learn_of([*fleet(0.9), hours_of(99, heard)], gap)
    end = START + HOURS * HOUR
    before, silent, _ = parts_of(reception.judge_gaps(gap, learned, 6, end, RULES))
    # From hour to hour: on, then off by phase. On in the hours of both ends, nothing heard between.
    known = learned.parameters
    step = np.diag(np.concatenate([1 - known.off_rate[:1], 1 - known.back_rate]))
    step[0, 1:] = known.off_rate[0] * known.phase_share
    step[1:, 0] = known.back_rate
    rows = number_silences(gap, learned.window)
    middle = Inside(learned.window, *find_ends(learned.window, rows, end)).find_middle(
        learned.rates.expected
    )
    at = int(learned.window.hour[middle[0]]) - (OFF.start - 1)
    ahead = np.linalg.matrix_power(step, at)[0]
    back = np.linalg.matrix_power(step, 41 - at)[:, 0]
    off = (ahead * back)[1:].sum() / (ahead * back).sum()
    assert before == pytest.approx(np.log(off / (1 - off)), abs=0.01)
    assert before < 0 < silent


def test_a_weak_ship_is_excused_by_its_own_factor() -> None:
    heard = draw(0.1, 99)
    gap = silence(heard, 99, 15).tail(1)
    found = judge([*fleet(0.9), hours_of(99, heard)], gap)
    assert found["own_factor"][0] < 0.2
    before, silent, own = parts_of(found)
    assert silent > 10
    assert own < -10
    assert before + silent + own < 0


def test_what_nobody_could_hear_says_nothing() -> None:
    quiet = [draw(0.9, n, OFF) for n in range(9)]
    gap = silence(quiet[0], 1_000, 30)
    found = judge([hours_of(1_000 + n, heard) for n, heard in enumerate(quiet)], gap)
    assert parts_of(found)[1] == pytest.approx(0, abs=0.05)
    alone = draw(0.9, 99, OFF)
    unknown = judge([hours_of(99, alone)], silence(alone, 99, 30))
    assert unknown.select("p_off", "log_odds_before", "log_odds_silence").row(0) == (None,) * 3


# ---------------------------------------------------------------------------------- causes


def named(
    judged: Row,
    outage: list[datetime] | None = None,
    closures: pl.DataFrame | None = None,
    gnss: list[datetime] | None = None,
    **row: object,
) -> Row:
    """Return the row of one silence with its cause."""
    off_at = START
    usual: dict[str, object] = {
        "gap_id": "g",
        "off_at": off_at,
        "on_at": off_at + 20 * HOUR,
        "off_area": "caspian",
        "off_lon": 47.6,
        "off_lat": 43.1,
        "duration_s": 20 * 3600,
        "distance_km": 0.0,
        "off_sog_kn": 0.1,
        "on_sog_kn": 0.1,
        "cause": None,
        **row,
    }
    silences = pl.DataFrame([usual], schema_overrides={"cause": pl.String})
    known: dict[str, object] = {
        "gap_id": "g",
        "p_off": 0.9,
        "p_off_low": 0.8,
        "p_off_high": 0.95,
        "p_off_direct": 0.85,
        "witnesses": 5,
        "live_h": 10.0,
        "expected_receptions": 30.0,
        "weakly_identified": False,
        "own_factor": 1.0,
        "log_odds_before": -4.0,
        "log_odds_silence": 6.0,
        **judged,
    }
    hours = pl.DataFrame(
        {"area": ["caspian"] * len(outage or []), "hour": outage or []},
        schema={"area": pl.String, "hour": pl.Datetime("us")},
    )
    none = pl.DataFrame(schema=CLOSURES)
    marked = (
        pl.DataFrame(
            {"hour": gnss or [], "cell_lon_deg": 47.5, "cell_lat_deg": 43.0},
            schema_overrides=CELL_HOURS,
        )
        if gnss
        else pl.DataFrame(schema=CELL_HOURS)
    )
    shut = none if closures is None else closures
    explained = name_explained(silences, hours, marked, shut, Rules())
    assert explained.columns == silences.columns
    found = add_causes(explained, pl.DataFrame([known], schema=reception.SCHEMA), Rules())
    return found.row(0, named=True)


@pytest.mark.parametrize(
    ("judged", "cause"),
    [
        ({"p_off": 0.1}, "coverage"),
        ({"p_off": 0.2}, "unexplained"),
        ({"p_off": 0.799}, "unexplained"),
        ({"p_off": 0.8}, "probable_off"),
        ({"p_off": 0.9, "expected_receptions": 2.9}, "unobservable"),
    ],
)
def test_the_probability_names_the_cause(judged: Row, cause: str) -> None:
    found = named(judged)
    assert found["cause"] == cause
    assert found["p_off"] == judged["p_off"]


def test_a_cause_known_before_stays_and_has_no_probability() -> None:
    found = named({}, cause="in_port")
    assert (found["cause"], found["p_off"], found["p_off_low"]) == ("in_port", None, None)


def test_a_cause_that_needs_no_reception_leaves_no_part_of_p_off() -> None:
    parts = ("p_off", "p_off_direct", "log_odds_before", "log_odds_silence")
    assert [named({}, cause="identity")[name] for name in parts] == [None] * 4
    assert None not in [named({})[name] for name in parts]


def test_two_weeks_at_one_place_are_laid_up() -> None:
    long = {"duration_s": 14 * 86_400, "on_at": START + timedelta(days=14)}
    assert named({}, **long)["cause"] == "laid_up"
    assert named({}, **{**long, "duration_s": 14 * 86_400 - 1})["cause"] == "probable_off"
    assert named({}, **long, distance_km=4.1)["cause"] == "probable_off"
    assert named({}, **long, off_sog_kn=0.6)["cause"] == "probable_off"


def test_a_ship_that_lay_still_through_a_closure_is_laid_up() -> None:
    one = {"closed_from": [START + 5 * HOUR], "closed_to": [START + 6 * HOUR]}
    here, elsewhere, anywhere = (
        pl.DataFrame({**one, "area": [area]}, schema=CLOSURES)
        for area in ("caspian", "volga_don", None)
    )
    assert named({}, closures=elsewhere)["cause"] == named({})["cause"] != "laid_up"
    assert named({}, closures=here)["cause"] == "laid_up"
    assert named({}, closures=anywhere)["cause"] == "laid_up"


def test_an_outage_explains_what_leaves_less_than_four_hours() -> None:
    hours = [START + hour * HOUR for hour in range(17)]
    found = named({}, hours)
    assert (found["cause"], found["p_off"]) == ("outage", None)
    assert named({}, hours[:16])["cause"] == "probable_off"
    assert named({}, hours, off_area="volga_don")["cause"] == "probable_off"


def test_hours_of_interference_explain_what_leaves_less_than_four_hours() -> None:
    hours = [START + hour * HOUR for hour in range(17)]
    found = named({}, gnss=hours)
    assert (found["cause"], found["p_off"]) == ("gnss", None)
    assert named({}, gnss=hours[:16])["cause"] == "probable_off"
    assert named({}, gnss=hours, off_lon=47.4)["cause"] == "probable_off"
    assert named({}, gnss=hours, off_lat=43.5)["cause"] == "probable_off"


def test_hours_of_interference_and_of_outages_are_subtracted_together_and_once() -> None:
    early = [START + hour * HOUR for hour in range(10)]
    late = [START + hour * HOUR for hour in range(8, 17)]
    assert named({}, early, gnss=late)["cause"] == "gnss"
    assert named({}, early, gnss=late[:-1])["cause"] == "probable_off"
    assert named({}, early, gnss=early[:7])["cause"] == "probable_off"
    # An outage alone needs no interference, elsewhere or at another time.
    outage = [START + hour * HOUR for hour in range(17)]
    assert named({}, outage, gnss=[START - HOUR])["cause"] == "outage"


def test_part_of_an_outage_hour_counts_for_its_part() -> None:
    # 20 h 30 min from 00:30: marked are 00:00 to 17:00, so 4 h are left, which is a gap.
    half = timedelta(minutes=30)
    row = {
        "off_at": START + half,
        "on_at": START + 21 * HOUR,
        "duration_s": 20 * 3600 + 1800,
    }
    hours = [START + hour * HOUR for hour in range(17)]
    assert named({}, hours, **row)["cause"] == "probable_off"
    assert named({}, [*hours, START + 17 * HOUR], **row)["cause"] == "outage"


def test_a_silence_of_which_nothing_was_learned_stays_unjudged() -> None:
    found = named({"gap_id": "another"})
    assert (found["cause"], found["p_off"]) == (None, None)


# ---------------------------------------------------------------------------------- in between


def moving(mmsi: int, hours: Mapping[int, tuple[float, float, float]]) -> pl.DataFrame:
    """Return the hours of a ship: longitude, latitude and speed in knots by hour."""
    heard = np.zeros(HOURS, bool)
    heard[list(hours)] = True
    place = {
        name: [values[at] for values in hours.values()] for at, name in enumerate(("lon", "lat"))
    }
    speed = pl.Series("sog_kn", [values[2] for values in hours.values()], dtype=pl.Float32)
    columns = [*(pl.Series(name, values) for name, values in place.items()), speed]
    return hours_of(mmsi, heard).with_columns(columns)


def test_when_a_ship_stopped_in_a_silence_nobody_knows() -> None:
    ship = moving(99, {0: (50.1, 42.1, 9.0), 100: (50.1, 42.1, 9.0), 101: (50.1, 42.1, 0.0)})
    window = reception.lay_out(ship, ship.select("mmsi", "track").clear(), END, RULES)
    assert np.flatnonzero(window.changes).tolist() == [0, 101]


def test_between_two_sightings_a_ship_lies_on_its_way_over_water() -> None:
    ship = moving(99, {0: (51.0, 40.0, 9.0), 10: (51.0, 43.0, 9.0)})
    at = {"mmsi": [99], "track": [0], "hour": [START + 5 * HOUR]}
    ways = pl.DataFrame(
        {**at, "way_lon": [48.1], "way_lat": [41.1], "is_beyond": [False]}, schema=reception.WAYS
    )
    straight, over_water = (
        reception.lay_out(ship, ship.select("mmsi", "track").clear(), END, RULES, one)
        for one in (None, ways)
    )
    assert straight.corners[straight.place[5]].tolist() == [51.0, 41.5]
    assert over_water.corners[over_water.place[5]].tolist() == [48.0, 41.0]
    # The hours beside it lie between it and the sightings.
    assert over_water.corners[over_water.place[4]].tolist() == [48.5, 40.5]


def test_ways_lead_over_water_and_end_at_the_exit() -> None:
    water = load_water(night.GEO)
    silences = silences_of(
        (53.2, 37.0, START, 47.9, 45.0, START + 60 * HOUR, False),
        (39.1, 47.1, START, 33.0, 44.0, START + 60 * HOUR, True),
    )
    found = reception.find_ways(silences, water, RULES, CauseRules())
    first, second = (found.filter(pl.col("mmsi") == mmsi) for mmsi in (0, 1))
    assert first.height == second.height == 59
    assert not first["is_beyond"].any()
    # Out by the Azov Sea in some hours, the rest is beyond.
    assert 2 < second.filter(~pl.col("is_beyond")).height < 20
    assert second["is_beyond"].is_sorted()
    sea = areas_of(water, first)
    assert sea.filter(sea == "caspian").len() > 50


def silences_of(*ends: tuple[float, float, datetime, float, float, datetime, bool]) -> pl.DataFrame:
    columns = ("off_lon", "off_lat", "off_at", "on_lon", "on_lat", "on_at", "on_is_outside")
    rows = [
        {
            **dict(zip(columns, end, strict=True)),
            **{"mmsi": number, "track": 0, "cause": None, "distance_km": 500.0},
            **{"off_sog_kn": 9.0, "off_cog_deg": 90.0},
        }
        for number, end in enumerate(ends)
    ]
    return pl.DataFrame(rows, schema_overrides={"cause": pl.String})


def areas_of(water: Water, ways: pl.DataFrame) -> pl.Series:
    points = ways.select(lon="way_lon", lat="way_lat")
    return water.areas.locate(points, Rules())["area"]
