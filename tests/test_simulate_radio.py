"""Who hears what in a simulated world: receptions agree with what they are drawn from."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from pipeline.simulate.model import AT_ANCHOR, MOORED, Heard, Identity, Off, Timeline, Vessel
from pipeline.simulate.radio import (
    Radio,
    RadioSettings,
    build_radio,
    listen,
    listen_beacons,
    outage_rows,
)
from pipeline.simulate.truth import Outages

START = datetime(2022, 1, 1)
DAY_S, HOUR_S = 86_400, 3600
AMIRABAD, MAKHACHKALA, OPEN_SEA = (53.37, 36.85), (47.49, 43.0), (50.9, 39.2)
NO_SHORE = {"table": [], "aids": []}
ALWAYS_UP = {"feed_outages_a_year": 0, "satellite_lost_days_a_year": 0, "down_factor": 0}
# Every message beside a station arrives, and nothing is random but phases.
EVERYTHING = {
    "private_shape": 1e6,
    "outages": ALWAYS_UP,
    "stations": {"top_receptions": 1e6, "copy_share": 0},
    "sending": {"stale_status_share": 0},
}


def a_vessel(number: int = 0, ais_class: str = "A", antenna: float = 1.0) -> Vessel:
    identity = Identity(0, 273_990_000 + number, "RUS", "SIMULATED", "SIM")
    return Vessel(
        number=number,
        imo=None,
        fleet="merchant",
        habit="test",
        ship_type=70,
        ais_class=ais_class,
        length_m=110.0,
        beam_m=14.0,
        draught_light_m=2.0,
        draught_laden_m=4.0,
        speed_kn=9.0,
        antenna=antenna,
        is_habitual=False,
        home="port_astrakhan",
        tug=None,
        identities=(identity,),
    )


def a_timeline(
    at_s: list[float],
    places: list[tuple[float, float]],
    status: list[int],
    speed_kn: list[float],
    episode: list[int] | None = None,
) -> Timeline:
    return Timeline(
        np.array(at_s, dtype=float),
        np.array([lon for lon, _ in places]),
        np.array([lat for _, lat in places]),
        np.array(status, dtype=np.int8),
        np.array(speed_kn, dtype=float),
        np.array(range(len(status)) if episode is None else episode, dtype=np.int32),
        (),
        (),
        (),
    )


def at_rest(place: tuple[float, float], span_s: int) -> Timeline:
    return a_timeline([-1.0, span_s + 1.0], [place, place], [MOORED], [0.0])


def to_and_fro(span_s: int, stay_h: float = 48.0, first_h: float = 0.0) -> Timeline:
    """Amirabad - Makhachkala and back: stays of `stay_h`, 86 hours under way at 5 kn or so."""
    at_s, places, status, speed_kn = [-first_h * HOUR_S - 1.0], [AMIRABAD], [], []
    while at_s[-1] < span_s:
        here = places[-1]
        there = MAKHACHKALA if here == AMIRABAD else AMIRABAD
        at_s += [at_s[-1] + stay_h * HOUR_S]
        at_s += [at_s[-1] + 43 * HOUR_S, at_s[-1] + 86 * HOUR_S]
        places += [here, OPEN_SEA, there]
        status += [MOORED, 0, 0]
        speed_kn += [0.0, 5.0, 5.0]
    episode = [number // 3 * 2 + min(number % 3, 1) for number in range(len(status))]
    return a_timeline(at_s, places, status, speed_kn, episode)


def a_radio(days: int, seed: int = 1, **groups: object) -> Radio:
    return build_radio(RadioSettings.model_validate(groups), START, days * DAY_S, seed)


def hear(
    radio: Radio,
    vessel: Vessel,
    timeline: Timeline,
    offs: tuple[Off, ...] = (),
    thin_s: int = 300,
    full_rate: bool = False,
    seed: int = 1,
):
    return listen(radio, vessel, timeline, offs, thin_s, full_rate, radio.span_s, seed)


def columns(heard: object) -> dict[str, np.ndarray]:
    return {name: getattr(heard, name) for name in heard.__dataclass_fields__}


def is_same(one: object, other: object) -> bool:
    return all(np.array_equal(value, columns(other)[name]) for name, value in columns(one).items())


def is_in(at_s: np.ndarray, spans: list[tuple[float, float]]) -> np.ndarray:
    return np.array([any(a <= at < b for a, b in spans) for at in at_s], dtype=bool)


# ------------------------------------------------------------------------------ off and on

OFFS = (
    Off(3 * DAY_S + 1234.5, 6 * DAY_S + 77, "dark_call", 0, 0),
    Off(20 * DAY_S, 21 * DAY_S, "failure", None, 1),
)


@pytest.mark.parametrize("full_rate", [False, True])
def test_nothing_is_heard_while_the_set_is_off(full_rate: bool):
    radio = a_radio(30)
    timeline = to_and_fro(radio.span_s)
    heard, statics, _ = hear(radio, a_vessel(), timeline, OFFS, full_rate=full_rate)
    spans = [(off.from_s, off.to_s) for off in OFFS]
    assert len(heard.at_s) > 500
    assert not is_in(heard.at_s, spans).any()
    assert not is_in(statics.at_s, spans).any()


def test_a_set_is_heard_until_the_very_second_it_is_off_and_from_the_one_it_is_on():
    radio = a_radio(1, **EVERYTHING)
    timeline = a_timeline([-1.0, DAY_S + 1.0], [MAKHACHKALA] * 2, [0], [0.0])
    all_on, _, _ = hear(radio, a_vessel(), timeline, full_rate=True)
    on_s = all_on.at_s[all_on.kind == 0]
    off = Off(float(on_s[1000]), float(on_s[1100]), "failure", None, 0)
    heard, _, _ = hear(radio, a_vessel(), timeline, (off,), full_rate=True)
    assert np.array_equal(heard.at_s[heard.kind == 0], np.delete(on_s, np.s_[1000:1100]))


def test_a_switch_off_changes_no_other_reception_and_no_hour():
    radio = a_radio(30)
    timeline = to_and_fro(radio.span_s)
    with_offs, offs_statics, offs_hours = hear(radio, a_vessel(), timeline, OFFS)
    without, statics, hours = hear(radio, a_vessel(), timeline)
    spans = [(off.from_s, off.to_s) for off in OFFS]
    kept = ~is_in(without.at_s, spans)
    assert 0 < kept.sum() < len(kept)
    assert is_same(with_offs, Heard(**{name: v[kept] for name, v in columns(without).items()}))
    assert set(offs_statics.at_s) <= set(statics.at_s)
    assert is_same(offs_hours, hours)


def test_the_same_seed_gives_the_same_receptions_and_another_seed_others():
    timeline = to_and_fro(20 * DAY_S)
    first = hear(a_radio(20), a_vessel(), timeline)
    again = hear(a_radio(20), a_vessel(), timeline)
    other = hear(a_radio(20, seed=2), a_vessel(), timeline, seed=2)
    assert all(is_same(one, two) for one, two in zip(first, again, strict=True))
    assert not np.array_equal(first[0].at_s, other[0].at_s)


# -------------------------------------------------------------------------------- outages


def test_nothing_is_heard_in_an_outage():
    often = {"down_factor": 2, "feed_outages_a_year": 60, "satellite_lost_days_a_year": 60}
    radio = a_radio(40, outages=often)
    heard, _, _ = hear(radio, a_vessel(), to_and_fro(radio.span_s), thin_s=1800)
    beacons = listen_beacons(radio, START, radio.span_s, 1)
    for at_s, kind, station in (
        (heard.at_s, heard.kind, heard.station),
        tuple(beacons[name].to_numpy() for name in ("at_s", "kind", "station")),
    ):
        for outage in radio.outages:
            in_it = (at_s >= outage.from_s) & (at_s < outage.to_s)
            feeds = np.array([*radio.feed_of_station, "none"])[np.where(kind == 0, station, -1)]
            names = np.array([*radio.station_names, "none"])[np.where(kind == 0, station, -1)]
            hit = {
                "station": names == outage.place,
                "feed": np.where(kind == 1, radio.satellite_feed, feeds) == outage.place,
                "satellites": kind == 1,
            }[outage.kind]
            assert not (in_it & hit).any(), outage


def test_outages_are_rows_of_the_truth_and_their_shares_are_those_of_the_table():
    radio = a_radio(2000)
    rows = outage_rows(radio, START)
    assert Outages.validate(rows, cast=True).height == len(radio.outages)
    assert set(rows["kind"]) == {"station", "satellites", "feed"}
    down = rows.filter(pl.col("kind") == "station").group_by("place").agg(
        pl.sum_horizontal((pl.col("to_at") - pl.col("from_at")).dt.total_seconds()).sum()
    )  # fmt: skip
    down_share = dict(down.iter_rows())
    assert down_share["sim_amirabad"] / radio.span_s == pytest.approx(0.75, abs=0.08)
    assert down_share["sim_makhachkala"] / radio.span_s == pytest.approx(0.03, abs=0.01)


# ------------------------------------------------------------------- honest expectations


@pytest.mark.parametrize("ais_class", ["A", "B"])
@pytest.mark.parametrize("thin_s", [300, 1800])
def test_the_share_of_hours_heard_is_what_expected_receptions_say(ais_class: str, thin_s: int):
    # A weak shore and a weak antenna, so that chances are neither 0 nor 1.
    radio = a_radio(60, stations={"top_receptions": 0.05})
    hits, chances = {0: [], 1: []}, {0: [], 1: []}
    for number in range(25):
        vessel = a_vessel(number, ais_class, antenna=0.3)
        heard, _, hours = hear(
            radio, vessel, to_and_fro(radio.span_s, first_h=9.0 * number), thin_s=thin_s
        )
        # The mean private factor of an hour in which an episode changes is no factor.
        whole = np.append(np.diff(hours.episode) == 0, True)
        for kind, expected in ((0, hours.expected_terrestrial), (1, hours.expected_satellite)):
            was_heard = np.zeros(len(expected), dtype=bool)
            was_heard[np.unique(heard.at_s[heard.kind == kind] // HOUR_S)] = True
            hits[kind].append(was_heard[whole])
            chances[kind].append(-np.expm1(-hours.private * expected)[whole])
    for kind in (0, 1):
        hit, chance = np.concatenate(hits[kind]), np.concatenate(chances[kind])
        assert not hit[chance == 0].any()
        for least, most in ((0, 0.1), (0.1, 0.4), (0.4, 0.7), (0.7, 1)):
            inside = (chance > least) & (chance <= most)
            error = np.sqrt(np.sum(chance[inside] * (1 - chance[inside])))
            assert abs(hit[inside].sum() - chance[inside].sum()) < 4 * error + 1, (kind, least)


def test_expected_receptions_are_in_proportion_to_the_antenna():
    radio = a_radio(15)
    weak, strong = (
        hear(radio, a_vessel(antenna=antenna), to_and_fro(radio.span_s))[2]
        for antenna in (0.5, 2.0)
    )
    for name in ("expected_terrestrial", "expected_satellite"):
        assert getattr(weak, name).sum() > 0
        assert np.allclose(getattr(strong, name), 4 * getattr(weak, name))


def test_the_first_reception_of_a_slot_comes_late_where_receptions_are_rare():
    for top_receptions, mean_s in ((1e-3, 900), (5.0, 36)):
        groups = {"private_shape": 1e6, "outages": ALWAYS_UP}
        radio = a_radio(200, **groups, stations={"top_receptions": top_receptions})
        timeline = at_rest(MAKHACHKALA, radio.span_s)
        heard, _, _ = hear(radio, a_vessel(), timeline, thin_s=1800)
        within_s = heard.at_s[heard.kind == 0] % 1800
        error_s = 1800 / np.sqrt(12 * len(within_s))
        assert len(within_s) > 50
        assert abs(within_s.mean() - mean_s) < 4 * error_s


def test_expected_receptions_do_not_depend_on_how_the_feed_is_thinned():
    radio = a_radio(20, outages=ALWAYS_UP)
    fine, coarse = (
        hear(radio, a_vessel(), to_and_fro(radio.span_s), thin_s=thin_s)[2]
        for thin_s in (300, 1800)
    )
    for name in ("expected_terrestrial", "expected_satellite"):
        total = getattr(fine, name).sum()
        assert total > 100
        assert getattr(coarse, name).sum() == pytest.approx(total, rel=0.02)


def test_private_factors_have_mean_one_and_the_shape_of_the_settings():
    radio = a_radio(5, private_shape=0.5)
    place = [OPEN_SEA] * 20_001
    many = a_timeline(
        list(np.linspace(-1, radio.span_s + 1, 20_001)), place, [MOORED] * 20_000, [0.0] * 20_000
    )
    # Slots of 20 s: at most one episode ends in each; the hours show means of some 170 of them.
    private = hear(radio, a_vessel(), many, thin_s=20)[2].private
    assert private.mean() == pytest.approx(1, abs=0.05)
    assert private.var() * 167 == pytest.approx(1 / 0.5, rel=0.4)


# ------------------------------------------------------------------------- sending rates


def intervals(
    status: int, speed_kn: float, ais_class: str = "A", turns: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Return seconds between messages, and between static reports, of a ship beside a station."""
    radio = a_radio(1, **EVERYTHING)
    lon, lat = MAKHACHKALA
    if turns:  # a square of sides a minute long
        corners = [(0, 0), (0.003, 0), (0.003, 0.003), (0, 0.003)]
        knots = list(np.arange(-60.0, radio.span_s + 61, 60))
        places = [(lon + corners[k % 4][0], lat + corners[k % 4][1]) for k in range(len(knots))]
    else:
        knots, places = [-1.0, radio.span_s + 1.0], [(lon, lat), (lon + 0.01, lat)]
    pieces = len(knots) - 1
    timeline = a_timeline(knots, places, [status] * pieces, [speed_kn] * pieces, [0] * pieces)
    heard, statics, _ = hear(radio, a_vessel(ais_class=ais_class), timeline, full_rate=True)
    return np.diff(heard.at_s[heard.kind == 0]), np.diff(statics.at_s[statics.kind == 0])


@pytest.mark.parametrize(
    ("status", "speed_kn", "ais_class", "turns", "seconds"),
    [
        (MOORED, 0.0, "A", False, 180),
        (AT_ANCHOR, 3.0, "A", False, 180),
        (AT_ANCHOR, 3.1, "A", False, 10),
        (0, 0.0, "A", False, 10),
        (0, 9.0, "A", False, 10),
        (0, 9.0, "A", True, 10 / 3),
        (0, 16.0, "A", False, 6),
        (0, 16.0, "A", True, 2),
        (0, 25.0, "A", False, 2),
        (0, 2.0, "B", False, 180),
        (0, 2.1, "B", False, 30),
        (0, 9.0, "B", True, 30),
    ],
)
def test_intervals_at_full_rate_are_those_of_the_standard(
    status: int, speed_kn: float, ais_class: str, turns: bool, seconds: float
):
    between, _ = intervals(status, speed_kn, ais_class, turns)
    assert len(between) == pytest.approx(DAY_S / seconds, abs=2)
    assert set(between) <= {int(np.floor(seconds)), int(np.ceil(seconds))}


def test_static_reports_come_every_six_minutes_at_full_rate_and_thinned_once_in_six_hours():
    _, between = intervals(0, 9.0)
    assert len(between) == 239
    assert set(between) <= {360}
    radio = a_radio(10, **EVERYTHING)
    _, statics, _ = hear(radio, a_vessel(), at_rest(MAKHACHKALA, radio.span_s))
    for kind in (0, 1):
        at_s = statics.at_s[statics.kind == kind]
        assert len(np.unique(at_s // 21_600)) == len(at_s) <= 40
    assert (statics.kind == 0).sum() == 40


def test_type_27_is_sent_every_three_minutes_and_only_beyond_the_reach_of_stations():
    loud = {**EVERYTHING, "satellites": {"alone_receptions": 1e9, "missing_share": 0}}
    radio = a_radio(4, **loud)
    far, _, _ = hear(radio, a_vessel(), at_rest(OPEN_SEA, radio.span_s), full_rate=True)
    near, _, _ = hear(radio, a_vessel(), at_rest(MAKHACHKALA, radio.span_s), full_rate=True)
    small, _, _ = hear(
        radio, a_vessel(ais_class="B"), at_rest(OPEN_SEA, radio.span_s), full_rate=True
    )
    long = far.message_type == 27
    assert (near.message_type != 27).all()
    assert (small.message_type == 18).all()
    assert set(np.diff(far.at_s[long]) % 180) == {0}
    assert (far.kind[long] == 1).all()
    for degrees in (far.lon_deg[long], far.lat_deg[long]):
        assert np.allclose(degrees * 600, np.rint(degrees * 600), atol=1e-6)
    assert np.array_equal(far.sog_kn[long], np.rint(far.sog_kn[long]))
    assert (far.heading_deg[long] == 511).all()


def test_a_stale_status_is_the_one_before_and_slows_or_quickens_the_set():
    radio = a_radio(6, **{**EVERYTHING, "sending": {"stale_status_share": 1.0}})
    knots = [-1.0, 3.0 * DAY_S, radio.span_s + 1.0]
    timeline = a_timeline(knots, [MAKHACHKALA] * 3, [0, MOORED], [0.0, 0.0])
    heard, _, _ = hear(radio, a_vessel(), timeline, full_rate=True)
    late = (heard.at_s > 3 * DAY_S) & (heard.kind == 0)
    assert set(heard.nav_status[late]) == {0}
    assert set(np.diff(heard.at_s[late])) == {10}


# ------------------------------------------------------------------------ stations, feeds


def test_class_b_is_heard_less_far_and_farther_is_heard_less():
    radio = a_radio(3, outages=ALWAYS_UP)
    at_km = np.array([5.0, 20.0, 30.0, 50.0, 70.0])
    expects = {"A": [], "B": []}
    for ais_class, found in expects.items():
        for km in at_km:
            place = (MAKHACHKALA[0] + km / 81.3, MAKHACHKALA[1])
            timeline = a_timeline([-1.0, radio.span_s + 1.0], [place, place], [0], [9.0])
            hours = hear(radio, a_vessel(ais_class=ais_class), timeline)[2]
            interval_s = 10 if ais_class == "A" else 30
            found.append(hours.expected_terrestrial.mean() * interval_s / HOUR_S)
    a, b = np.array(expects["A"]), np.array(expects["B"])
    assert (np.diff(a) <= 0).all()
    assert (np.diff(b) <= 0).all()
    assert a[0] == pytest.approx(2, rel=0.02)
    assert b[0] == pytest.approx(2, rel=0.02)
    assert (b[3:] < 0.05 * a[3:]).all()


def test_ducts_carry_farther_in_summer_nights():
    radio = a_radio(365, stations={"duct_spread": 0})
    day = radio.stations.range_km.reshape(len(radio.station_names), 365, 24)
    caspian = radio.station_names.index("sim_baku")
    july_night, july_noon = day[caspian, 195, 22], day[caspian, 195, 10]
    january_night = day[caspian, 15, 22]
    assert july_night > 1.25 * july_noon
    assert january_night < 1.05 * july_noon


@pytest.mark.parametrize("feed", ["simulated_coast", "simulated_satellite"])
def test_a_feed_that_grows_expects_as_much_more_from_that_instant_on(feed: str):
    growth = [{"from": datetime(2022, 1, 21), "feed": feed, "factor": 1.5}]
    timeline = to_and_fro(40 * DAY_S)
    before, after = (
        hear(a_radio(40, growth=steps), a_vessel(), timeline)[2] for steps in ([], growth)
    )
    later = np.arange(40 * 24) >= 20 * 24
    grown = "expected_terrestrial" if feed == "simulated_coast" else "expected_satellite"
    for name in ("expected_terrestrial", "expected_satellite"):
        old, new = getattr(before, name), getattr(after, name)
        assert old[later].sum() > 0
        factor = np.where(later & (name == grown), 1.5, 1.0)
        assert np.allclose(new, old * factor)


def test_a_feed_that_doubles_hears_twice_as_many_rare_messages():
    # Seldom heard, so that thinning hides nothing.
    rare = {"satellites": {"alone_receptions": 0.004}, "stations": NO_SHORE, "outages": ALWAYS_UP}
    growth = [{"from": START, "feed": "simulated_satellite", "factor": 2.0}]
    counts = [
        sum(
            len(hear(radio, a_vessel(number), at_rest(OPEN_SEA, radio.span_s))[0].at_s)
            for number in range(100)
        )
        for radio in (a_radio(30, **rare), a_radio(30, **rare, growth=growth))
    ]
    assert counts[0] > 300
    assert counts[1] / counts[0] == pytest.approx(2, rel=0.15)


def test_a_growth_of_an_unknown_feed_and_a_station_named_twice_are_refused():
    with pytest.raises(ValidationError, match="unknown feeds simulated_nowhere: there are"):
        a_radio(1, growth=[{"from_at": START, "feed": "simulated_nowhere", "factor": 2}])
    one = {"id": "sim_one", "lon_deg": 50, "lat_deg": 40, "range_km": 30, "mid": 423}
    with pytest.raises(ValidationError, match="named twice: sim_one"):
        a_radio(1, stations={"table": [one, one]})


# ----------------------------------------------------------------------------- satellites


def test_passes_last_8_to_14_minutes_and_leave_a_hole_every_day():
    radio = a_radio(100, outages=ALWAYS_UP)
    passes = radio.passes
    length_min = (passes.to_s - passes.from_s) / 60
    assert length_min.min() >= 7.9
    assert length_min.max() <= 14.1
    longest_h = longest_silences_h(passes.from_s, 100)
    assert 2.0 < np.median(longest_h) < 4.0


def longest_silences_h(at_s: np.ndarray, days: int) -> np.ndarray:
    """Return the longest silence of each UTC day, cut at midnight; 24 where nothing was heard."""
    edges = np.arange(days + 1) * DAY_S
    return np.array(
        [
            np.diff(np.concatenate([[a], at_s[(at_s >= a) & (at_s < b)], [b]])).max() / HOUR_S
            for a, b in pairwise(edges)
        ]
    )


def test_an_honest_ship_at_an_iranian_berth_may_be_unheard_for_a_day():
    radio = a_radio(150)
    unheard = []
    for number in range(10):
        timeline = to_and_fro(radio.span_s, 72.0, first_h=16.0 * number)
        heard, _, _ = hear(radio, a_vessel(number), timeline)
        berthed = np.flatnonzero(
            (timeline.speed_kn == 0) & (timeline.lat_deg[:-1] == AMIRABAD[1])
            & (timeline.at_s[:-1] >= 0) & (timeline.at_s[1:] <= radio.span_s)
        )  # fmt: skip
        for piece in berthed:
            a, b = timeline.at_s[piece : piece + 2]
            inside = heard.at_s[(heard.at_s >= a) & (heard.at_s < b)]
            unheard.append(np.diff(np.concatenate([[a], inside, [b]])).max() >= DAY_S)
    assert 0.02 < np.mean(unheard) < 0.5


# -------------------------------------------------------------------------------- reports


def test_the_thinned_feed_keeps_one_position_a_slot_and_receiver_kind():
    radio = a_radio(20, stations={"copy_share": 1.0})
    heard, _, _ = hear(radio, a_vessel(), at_rest((47.6, 45.5), radio.span_s))
    own = ~heard.is_copy
    slot = heard.at_s // 300 * 2 + heard.kind
    assert len(np.unique(slot[own])) == own.sum() > 1000
    order = np.lexsort((heard.station, heard.kind, heard.at_s))
    assert np.array_equal(order, np.arange(len(order)))
    assert 100 < heard.is_copy.sum() < own.sum()


def test_a_copy_is_the_same_message_heard_by_another_station():
    radio = a_radio(20, stations={"copy_share": 1.0})
    heard, _, _ = hear(radio, a_vessel(), at_rest((47.6, 45.5), radio.span_s))
    frame = pl.DataFrame(columns(heard))
    said = ["at_s", "lon_deg", "lat_deg", "sog_kn", "cog_deg", "heading_deg", "kind"]
    pairs = frame.filter("is_copy").join(frame.filter(~pl.col("is_copy")), on=said)
    assert pairs.height == heard.is_copy.sum()
    assert (pairs["station"] != pairs["station_right"]).all()


def test_reported_values_are_near_the_truth_and_on_the_grid_of_the_message():
    radio = a_radio(30)
    timeline = to_and_fro(radio.span_s)
    heard, _, _ = hear(radio, a_vessel(), timeline)
    kept = heard.message_type == 1
    lon, lat = timeline.locate(heard.at_s.astype(float))
    north_m = (heard.lat_deg - lat)[kept] * 111_190
    east_m = (heard.lon_deg - lon)[kept] * 111_190 * np.cos(np.radians(lat[kept]))
    assert 5 < np.median(np.hypot(north_m, east_m)) < 10
    assert np.allclose((heard.lat_deg * 600_000) % 1 % 0.999999, 0, atol=1e-4)
    resting = timeline.speed_kn[timeline.piece_at(heard.at_s.astype(float))] == 0
    assert set(np.rint(heard.sog_kn[resting & kept] * 10)) == {0, 1, 2}
    assert heard.sog_kn[~resting & kept].mean() == pytest.approx(5, abs=0.05)
    sailing = ~resting & kept & (np.abs(heard.cog_deg - heard.heading_deg) < 180)
    assert sailing.sum() > 100
    assert np.abs(heard.cog_deg - heard.heading_deg)[sailing].max() < 20
    assert (heard.delay_s[heard.kind == 0] < 120).all()
    assert 20 < np.median(heard.delay_s[heard.kind == 1]) / 60 < 90


def test_class_b_says_no_status_and_often_no_heading():
    radio = a_radio(5)
    timeline = at_rest(MAKHACHKALA, radio.span_s)
    heard = [hear(radio, a_vessel(n, "B"), timeline)[0] for n in range(40)]
    heard = [one for one in heard if len(one.at_s)]
    assert all((one.nav_status == 15).all() for one in heard)
    without = np.mean([(one.heading_deg == 511).all() for one in heard])
    assert 0.6 < without < 0.95


# -------------------------------------------------------------------------------- beacons


def test_beacons_are_base_stations_and_aids_heard_by_the_receivers_beside_them():
    radio = a_radio(10)
    beacons = listen_beacons(radio, START, radio.span_s, 1)
    bases = beacons.filter(pl.col("message_type") == 4)
    aids = beacons.filter(pl.col("message_type") == 21)
    assert beacons.height == bases.height + aids.height
    assert ((bases["mmsi"] // 10_000).is_in([273, 422, 423, 434, 436])).all()
    assert ((aids["mmsi"] // 10_000).is_in([99_273, 99_422, 99_423, 99_434, 99_436])).all()
    slots = beacons.select("mmsi", "kind", pl.col("at_s") // 1800)
    originals = slots.unique().height
    assert originals <= beacons.height < 1.3 * originals
    own = bases.filter(pl.col("mmsi") == 2_730_004, pl.col("kind") == 0)
    assert radio.station_names[own["station"].mode()[0]] == "sim_makhachkala"
    assert own["at_s"].n_unique() > 0.8 * 480
    assert beacons.equals(listen_beacons(radio, START, radio.span_s, 1))


def test_an_empty_shore_hears_nothing_and_has_no_beacons():
    radio = a_radio(5, stations=NO_SHORE)
    heard, _, hours = hear(radio, a_vessel(), at_rest(MAKHACHKALA, radio.span_s))
    assert (heard.kind == 1).all()
    assert hours.expected_terrestrial.sum() == 0
    assert listen_beacons(radio, START, radio.span_s, 1).height == 0
