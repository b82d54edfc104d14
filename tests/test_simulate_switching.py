"""When sets are switched off (simulated): order, forced and barred visits, null worlds, rates."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from pipeline.errors import UsageError
from pipeline.simulate.model import Identity, Off, Stop, Timeline, Vessel, Visit
from pipeline.simulate.quota import Quota, choose_dark_visits
from pipeline.simulate.switching import SwitchingSettings, switch_off
from pipeline.simulate.switching_plans import make_plans, merge_plans

H, D = 3600.0, 86_400.0
START = datetime(2022, 1, 1)
SPAN_S = 500 * D
SOUTH, NORTH = (53.38, 36.87), (48.0, 46.34)
FLEETS = ("merchant", "ferry", "service", "naval", "fishing", "class_b", "in_tow")
# Everything that can be more often is.
BUSY = SwitchingSettings(
    dark_call_share=0.3,
    at_sea_share=dict.fromkeys(FLEETS, 0.5),
    in_port_share=dict.fromkeys(FLEETS, 0.5),
    failures_per_year=dict.fromkeys(FLEETS, 60.0),
    failure_mean_h=30.0,
    failure_h=(1.0, 120.0),
    reappear_share=1.0,
)
# Only dark calls.
CALLS: dict[str, Any] = {
    "at_sea_share": {},
    "in_port_share": {},
    "failures_per_year": {},
    "sts_share": {},
    "lay_up_share": 0.0,
}


def vessel(number: int = 1, **changes: Any) -> Vessel:
    known: dict[str, Any] = {
        "number": number,
        "imo": None,
        "fleet": "merchant",
        "habit": "crossing",
        "ship_type": 70,
        "ais_class": "A",
        "length_m": 120.0,
        "beam_m": 14.0,
        "draught_light_m": 2.0,
        "draught_laden_m": 4.0,
        "speed_kn": 9.0,
        "antenna": 1.0,
        "is_habitual": False,
        "home": "port_astrakhan",
        "tug": None,
        "identities": (Identity(0.0, 273990001, "RUS", "SIMULATED 1", "SIM1"),),
    }
    return Vessel(**{**known, **changes})


def timeline(
    visits: int = 100,
    leg_s: float = 70 * H,
    stay_s: float = 40 * H,
    kind: str = "cargo",
    countries: tuple[str, ...] = ("IRN", "RUS"),
) -> Timeline:
    """To and fro between Iran and the Volga; every third leg has a ship-to-ship stop half way."""
    at_s, places, stays, stops = [-leg_s], [NORTH], [], []
    arrival = 0.0
    for number in range(visits):
        country = countries[number % len(countries)]
        port = SOUTH if number % 2 == 0 else NORTH
        departure = arrival + stay_s
        stays.append(
            Visit("port_x", "x", country, arrival, departure, 4.0, 2.0, True, kind),
        )
        at_s += [arrival, departure]
        places += [port, port]
        if number % 3 == 0:
            half = departure + leg_s / 2
            stops.append(Stop("sts", "sea", half, half + 10 * H))
        arrival = departure + leg_s
    at_s.append(arrival)
    places.append(SOUTH)
    lon, lat = (np.array(column) for column in zip(*places, strict=True))
    pieces = len(at_s) - 1
    return Timeline(
        np.array(at_s),
        lon,
        lat,
        np.zeros(pieces, dtype=np.int8),
        np.full(pieces, 9.0),
        np.arange(pieces, dtype=np.int32),
        tuple(stays),
        tuple(stops),
        (),
    )


def off_by(
    settings: SwitchingSettings, line: Timeline, seed: int = 1, **changes: Any
) -> tuple[Off, ...]:
    wishes = {name: changes.pop(name) for name in ("forced", "barred") if name in changes}
    return switch_off(vessel(**changes), line, settings, START, SPAN_S, seed, **wishes)


def wholly_off(offs: tuple[Off, ...], line: Timeline) -> set[int]:
    return {
        number
        for number, visit in enumerate(line.visits)
        for off in offs
        if off.from_s <= visit.arrival_s and visit.departure_s <= off.to_s
    }


def count(offs: tuple[Off, ...], *kinds: str) -> int:
    return len({off.plan for off in offs if off.kind in kinds})


@pytest.mark.parametrize("fleet", FLEETS)
def test_times_off_are_sorted_and_disjoint_in_every_fleet(fleet: str) -> None:
    for seed in range(5):
        offs = off_by(BUSY, timeline(kind="cargo"), seed, fleet=fleet)
        assert len(offs) > 20
        assert all(off.from_s < off.to_s for off in offs)
        assert all(one.to_s + 60 <= other.from_s for one, other in pairwise(offs))
        assert all(off.to_s > 0 and off.from_s < SPAN_S for off in offs)
        assert all(edge == int(edge) for off in offs for edge in (off.from_s, off.to_s))


@pytest.mark.parametrize(("apart_s", "count"), [(59.0, 1), (60.0, 2)])
def test_times_off_less_than_a_minute_apart_are_one(apart_s: float, count: int) -> None:
    first, last = np.array([0.0, 10 * H + apart_s]), np.array([10 * H, 20 * H])
    merged = merge_plans(make_plans(first, last, "failure"), SwitchingSettings().shortest_on_s)
    assert len(merged.from_s) == count


def test_forced_visit_lies_wholly_inside_one_off_that_names_it() -> None:
    line = timeline()
    forced = frozenset({0, 7, 20, 99})
    for settings in (SwitchingSettings(), BUSY, SwitchingSettings(dark_call_share=0.0, **CALLS)):
        offs = off_by(settings, line, forced=forced)
        for number in forced:
            visit = line.visits[number]
            held = [o for o in offs if o.from_s <= visit.arrival_s and o.to_s >= visit.departure_s]
            assert [off.kind in {"dark_call", "whole_voyage"} for off in held] == [True]
            assert settings is BUSY or held[0].visit == number
    assert wholly_off(offs, line) == forced


def test_visit_beside_a_forced_one_is_not_dark() -> None:
    line = timeline()
    for seed in range(10):
        offs = off_by(BUSY, line, seed, forced=frozenset({10, 20}))
        dark = wholly_off(offs, line)
        assert {10, 20} <= dark
        assert not {9, 11, 19, 21} & dark


def test_barred_visit_is_never_wholly_off() -> None:
    line = timeline(stay_s=20 * H)
    assert wholly_off(off_by(BUSY, line), line)
    barred = frozenset(range(0, 100, 2)) | {5000}
    for seed in range(10):
        assert not wholly_off(off_by(BUSY, line, seed, barred=barred), line) & barred


def test_barred_visit_that_would_be_off_is_lit_for_half_of_it() -> None:
    line = timeline(stay_s=30 * H)
    always = SwitchingSettings(silent_days={"naval": 1000.0}, sending_days={"naval": 1.0})
    offs = off_by(always, line, fleet="naval", barred=frozenset(range(0, 100, 2)))
    dark = wholly_off(offs, line)
    assert len(dark) > 30
    for number in range(0, 100, 2):
        stay = line.visits[number]
        off_s = sum(
            max(0.0, min(off.to_s, stay.departure_s) - max(off.from_s, stay.arrival_s))
            for off in offs
        )
        assert off_s <= 15 * H + 2


def test_stay_below_four_hours_may_be_off_though_barred() -> None:
    line = timeline(stay_s=3.5 * H)
    offs = off_by(BUSY, line, barred=frozenset(range(100)))
    assert wholly_off(offs, line)


def test_stay_of_exactly_four_hours_may_not() -> None:
    line = timeline(stay_s=4 * H)
    assert not wholly_off(off_by(BUSY, line, barred=frozenset(range(100))), line)


def test_barring_a_visit_leaves_all_off_elsewhere_as_it_was() -> None:
    line = timeline()
    free = off_by(BUSY, line)
    number = min(wholly_off(free, line))
    barred = off_by(BUSY, line, barred=frozenset({number}))
    around = (line.visits[number].arrival_s - 80 * H, line.visits[number].departure_s + 80 * H)

    def far(offs: tuple[Off, ...]) -> list[tuple[float, float]]:
        return [(o.from_s, o.to_s) for o in offs if o.to_s < around[0] or o.from_s > around[1]]

    assert far(free) == far(barred)


@pytest.mark.parametrize("fleet", FLEETS)
def test_null_world_without_dark_calls_has_no_stay_wholly_off(fleet: str) -> None:
    settings = BUSY.model_copy(update={"is_any_dark_call": False})
    for seed in range(3):
        for stay_s in (4 * H, 30 * H):
            line = timeline(stay_s=stay_s)
            offs = off_by(settings, line, seed, fleet=fleet)
            assert not wholly_off(offs, line)
            assert not count(offs, "dark_call", "whole_voyage")
            assert count(offs, "at_sea", "in_port", "failure") > 10


def test_null_world_keeps_the_other_switch_offs() -> None:
    line = timeline()
    settings = SwitchingSettings(dark_call_share=0.2)
    null = off_by(settings.model_copy(update={"is_any_dark_call": False}), line)
    busy = off_by(settings, line)
    assert count(busy, "dark_call", "whole_voyage") > 5
    other = {(off.from_s, off.kind) for off in null if off.kind in {"in_port", "sts"}}
    hidden = [(o.from_s, o.to_s) for o in busy if o.kind in {"dark_call", "whole_voyage"}]
    kept = {(off.from_s, off.kind) for off in busy}
    assert {
        one for one in other - kept if not any(low - 1 <= one[0] <= high for low, high in hidden)
    } == set()


def test_world_without_switch_offs_has_none() -> None:
    for fleet in FLEETS:
        assert off_by(BUSY.model_copy(update={"is_any": False}), timeline(), fleet=fleet) == ()


def test_forcing_is_refused_where_nobody_may_be_dark() -> None:
    line = timeline()
    for name in ("is_any", "is_any_dark_call"):
        with pytest.raises(UsageError, match="none"):
            off_by(BUSY.model_copy(update={name: False}), line, forced=frozenset({3}))
    with pytest.raises(UsageError, match=r"\[3\] are both"):
        off_by(SwitchingSettings(), line, forced=frozenset({3}), barred=frozenset({3}))
    with pytest.raises(UsageError, match="100 visits"):
        off_by(SwitchingSettings(), line, forced=frozenset({100}))


@pytest.mark.parametrize("kind", ["cargo", "lay_up"])
def test_off_in_port_begins_after_arrival_and_ends_before_departure(kind: str) -> None:
    only = {**CALLS, "dark_call_share": 0.0, "dark_call_share_other": 0.0}
    only |= {"in_port_share": {"merchant": 0.8}} if kind == "cargo" else {"lay_up_share": 1.0}
    line = timeline(stay_s=45 * H, kind=kind)
    offs = off_by(SwitchingSettings(**only), line)
    assert len(offs) > 20
    stays = [(visit.arrival_s, visit.departure_s) for visit in line.visits]
    for off in offs:
        assert off.kind == ("in_port" if kind == "cargo" else "lay_up")
        assert any(low + 0.3 * H - 1 <= off.from_s and off.to_s < high for low, high in stays)


def test_off_at_sea_touches_no_stay_and_begins_on_the_open_sea() -> None:
    only = {**CALLS, "dark_call_share": 0.0, "at_sea_share": {"merchant": 0.9}}
    only |= {"dark_call_share_other": 0.0}
    line = timeline()
    offs = off_by(SwitchingSettings(**only), line)
    assert len(offs) > 50
    for off in offs:
        assert not any(v.arrival_s < off.to_s and off.from_s < v.departure_s for v in line.visits)
        assert 36.6 < np.interp(off.from_s, line.at_s, line.lat_deg) < 45.3
    hours = [(off.to_s - off.from_s) / H for off in offs]
    assert 1 <= min(hours) < 8
    assert max(hours) > 30


def test_nobody_goes_off_at_sea_on_a_river() -> None:
    line = timeline()
    river = replace(line, lat_deg=np.full(len(line.at_s), 47.5))
    only = {**CALLS, "dark_call_share": 0.0, "dark_call_share_other": 0.0}
    assert not off_by(SwitchingSettings(**{**only, "at_sea_share": {"merchant": 0.9}}), river)


def test_most_ship_to_ship_stops_are_off_from_before_to_after() -> None:
    line = timeline()
    settings = SwitchingSettings(**{**CALLS, "sts_share": {"merchant": 0.7}, "dark_call_share": 0})
    offs = [off for off in off_by(settings, line) if off.kind == "sts"]
    stops = [stop for stop in line.stops if stop.to_s < SPAN_S]
    hidden = [s for s in stops if any(o.from_s <= s.from_s and s.to_s <= o.to_s for o in offs)]
    assert len(hidden) == len(offs)
    assert 0.5 < len(hidden) / len(stops) < 0.95


def test_reappearances_are_short_and_outside_the_stay_mostly_near_the_port() -> None:
    line = timeline()
    settings = SwitchingSettings(
        **CALLS, dark_call_share=0.5, reappear_share=1.0, whole_voyage_share=0.5
    )
    lit, near = [], []
    for seed in range(10):
        # Plans of neighbouring calls can overlap: here every second visit is lit.
        offs = off_by(settings, line, seed, barred=frozenset(range(1, 100, 2)))
        for one, other in pairwise(offs):
            if one.plan != other.plan:
                continue
            assert one.visit == other.visit is not None
            visit = line.visits[one.visit or 0]
            assert other.from_s <= visit.arrival_s or one.to_s >= visit.departure_s
            lit.append((other.from_s - one.to_s) / 60)
            here, port = (
                [np.interp(at_s, line.at_s, column) for column in (line.lon_deg, line.lat_deg)]
                for at_s in (one.to_s, visit.arrival_s)
            )
            near.append(np.hypot((here[0] - port[0]) * 0.75, here[1] - port[1]) * 111 < 31)
        assert all(off.visit in wholly_off(offs, line) for off in offs if off.kind == "dark_call")
    assert len(lit) > 100
    assert min(lit) > 9.9
    assert max(lit) < 40.1
    assert 0.6 < np.mean(near) < 1


@pytest.mark.parametrize(("near_share", "low", "high"), [(1.0, 0.97, 1.0), (0.0, 0.0, 0.1)])
def test_reappearances_are_near_the_port_as_often_as_the_setting_says(
    near_share: float, low: float, high: float
) -> None:
    line = timeline()
    settings = SwitchingSettings(
        **CALLS, whole_voyage_share=1.0, reappear_share=1.0, reappear_near_share=near_share
    )
    offs = off_by(settings, line, forced=frozenset(range(0, 100, 2)))
    lit = [(a.to_s, a.visit or 0) for a, b in pairwise(offs) if a.plan == b.plan]
    away_h = [
        min(abs(at_s - edge) for edge in (line.visits[n].arrival_s, line.visits[n].departure_s)) / H
        for at_s, n in lit
    ]
    # The straight way of this timeline is sailed at 15 km/h.
    assert len(lit) > 40
    assert low <= np.mean(np.array(away_h) < 2) <= high


def test_whole_voyage_is_off_over_the_leg_and_leaves_the_lit_port_first() -> None:
    settings = SwitchingSettings(
        **CALLS, dark_call_share=0.3, whole_voyage_share=1.0, reappear_share=0.0
    )
    line = timeline()
    offs = off_by(settings, line, barred=frozenset(range(0, 100, 2)))
    assert len(offs) > 10
    for off in offs:
        assert off.kind == "whole_voyage"
        left_s = line.visits[(off.visit or 0) - 1].departure_s
        assert 0.3 * H - 1 <= off.from_s - left_s <= 6 * H
    back = [off.to_s - line.visits[off.visit or 0].departure_s > 60 * H for off in offs]
    assert 0 < sum(back) < len(back)


def test_dark_calls_come_as_often_as_the_setting_says() -> None:
    line = timeline(visits=100, leg_s=70 * H, stay_s=40 * H)
    settings = SwitchingSettings(**CALLS, dark_call_share=0.1)
    shares = [
        len(wholly_off(switch_off(vessel(n), line, settings, START, SPAN_S, 1), line)) / 100
        for n in range(60)
    ]
    assert np.mean(shares) == pytest.approx(0.1, abs=0.015)


@pytest.mark.parametrize(
    ("changes", "countries"),
    [
        ({}, ("IRN", "AZE")),
        ({"fleet": "ferry"}, ("IRN", "RUS")),
        ({"identities": (Identity(0.0, 1, "KAZ", "S", "S"),)}, ("IRN", "RUS")),
    ],
)
def test_other_calls_fleets_and_flags_go_dark_more_seldom(
    changes: dict[str, Any], countries: tuple[str, ...]
) -> None:
    settings = SwitchingSettings(**CALLS, dark_call_share=0.2, dark_call_share_other=0.01)
    line, other = timeline(), timeline(countries=countries)
    crossing = [wholly_off(off_by(settings, line, seed), line) for seed in range(10)]
    seldom = [wholly_off(off_by(settings, other, seed, **changes), other) for seed in range(10)]
    assert sum(map(len, seldom)) < 0.2 * sum(map(len, crossing))


def test_habitual_vessel_goes_dark_several_times_as_often() -> None:
    settings = SwitchingSettings(**CALLS)
    line = timeline()
    usual, often = (
        sum(len(wholly_off(off_by(settings, line, s, is_habitual=is_one), line)) for s in range(20))
        for is_one in (False, True)
    )
    assert 3 < often / usual < 8


def test_flag_of_the_time_decides() -> None:
    identities = (Identity(0.0, 1, "KAZ", "S", "S"), Identity(250 * D, 2, "IRN", "S", "S"))
    settings = SwitchingSettings(**CALLS, dark_call_share=0.5, dark_call_share_other_flags=0.0)
    line = timeline()
    dark = wholly_off(off_by(settings, line, identities=identities), line)
    assert len(dark) > 10
    assert all(line.visits[number].arrival_s >= 250 * D for number in dark)


def test_change_factor_acts_from_its_instant_on_and_leaves_before_alone() -> None:
    line = timeline()
    settings = SwitchingSettings(**CALLS, dark_call_share=0.1)
    change = {"change_at": datetime(2022, 9, 8), "change_factor": 3.0}
    change_s = 250 * D
    before, after, before_changed, after_changed = 0, 0, 0, 0
    for seed in range(15):
        plain = off_by(settings, line, seed)
        changed = off_by(settings.model_copy(update=change), line, seed)
        early = [[off for off in offs if off.to_s < change_s] for offs in (plain, changed)]
        assert early[0] == early[1]
        for number in wholly_off(plain, line):
            before += line.visits[number].arrival_s < change_s
            after += line.visits[number].arrival_s >= change_s
        for number in wholly_off(changed, line):
            before_changed += line.visits[number].arrival_s < change_s
            after_changed += line.visits[number].arrival_s >= change_s
    assert before == before_changed
    assert after_changed / after == pytest.approx(3.0, abs=0.5)


def test_change_of_zero_ends_deliberate_switching_off() -> None:
    settings = SwitchingSettings(change_at=START, change_factor=0.0)
    offs = off_by(settings, timeline(), is_habitual=True)
    assert {off.kind for off in offs} <= {"failure"}


def test_overlapping_plans_are_one_off_of_the_most_important_kind() -> None:
    settings = SwitchingSettings(
        **{**CALLS, "failures_per_year": {"merchant": 300.0}}, dark_call_share=0.9
    )
    offs = off_by(settings, timeline())
    dark = [off for off in offs if off.kind in {"dark_call", "whole_voyage"}]
    # Between two failures a day there is hardly a dark call that no failure touches.
    longest = max(off.to_s - off.from_s for off in dark)
    assert longest > 60 * H
    assert count(offs, "failure") < 300 * SPAN_S / (365 * D)


def test_warship_is_off_for_days_and_small_craft_at_night() -> None:
    line = timeline(leg_s=5 * D, stay_s=5 * D, visits=40)
    naval = off_by(SwitchingSettings(), line, fleet="naval")
    share = sum(min(o.to_s, SPAN_S) - max(o.from_s, 0.0) for o in naval) / SPAN_S
    assert 0.25 < share < 0.6
    nights = SwitchingSettings(**{**CALLS, "night_share": {"class_b": 0.9}})
    small = off_by(nights, line, fleet="class_b", identities=vessel().identities)
    assert len(small) > 100
    assert all(17 <= off.from_s / H % 24 < 18.1 for off in small)


def test_same_seed_gives_the_same_and_another_seed_another() -> None:
    line = timeline()
    assert off_by(BUSY, line, 5) == off_by(BUSY, line, 5)
    assert off_by(BUSY, line, 5) != off_by(BUSY, line, 6)
    assert off_by(BUSY, line, 5) != off_by(BUSY, line, 5, number=2)


def test_vessel_without_a_visit_or_with_one_gets_through() -> None:
    for visits in (0, 1):
        for fleet in FLEETS:
            offs = off_by(BUSY, timeline(visits=visits, leg_s=500 * D), fleet=fleet)
            assert all(off.visit is None or off.visit == 0 for off in offs)
    forced = off_by(BUSY, timeline(visits=1), forced=frozenset({0}))
    assert wholly_off(forced, timeline(visits=1)) == {0}


def test_setting_out_of_range_is_refused() -> None:
    for wrong in ({"dark_call_share": 1.5}, {"lead_h": (3, 2)}, {"at_sea_share": {"liner": 0.1}}):
        with pytest.raises(ValidationError):
            SwitchingSettings.model_validate(wrong)


# --- quotas ---


def candidates(vessels: int = 30, visits: int = 40) -> pl.DataFrame:
    rows = [
        (number, visit, (visit * 9 + 1) * D, (visit * 9 + 3) * D, number < 6)
        for number in range(vessels)
        for visit in range(visits)
    ]
    return pl.DataFrame(
        rows, schema=["vessel", "visit", "arrival_s", "departure_s", "is_habitual"], orient="row"
    )


def quota(first: date, last: date, calls: int, **more: Any) -> Quota:
    return Quota(**{"from": first, "to": last, "calls": calls, **more})


YEAR = quota(date(2022, 1, 1), date(2023, 1, 1), 60)


def test_quotas_are_met_exactly_in_each_period() -> None:
    halves = [
        quota(date(2022, 1, 1), date(2022, 7, 1), 21),
        quota(date(2022, 7, 1), date(2023, 1, 1), 40),
    ]
    chosen = choose_dark_visits(candidates(), halves, START, 3)
    assert chosen.height == 61
    assert chosen.unique(["vessel", "visit"]).height == 61
    assert chosen.filter(pl.col("departure_s") < 181 * D).height == 21
    assert chosen.filter(pl.col("arrival_s") >= 181 * D).height == 40
    assert choose_dark_visits(candidates(), [], START, 3).is_empty()


def test_visit_across_the_edge_of_a_period_is_not_chosen() -> None:
    for first, last in ((date(2022, 1, 2), date(2022, 1, 3)), (date(2022, 1, 3), date(2022, 1, 5))):
        with pytest.raises(UsageError, match="only 0 of 0 fit"):
            choose_dark_visits(candidates(1, 1), [quota(first, last, 1)], START, 3)
    inside = quota(date(2022, 1, 2), date(2022, 1, 5), 1)
    assert choose_dark_visits(candidates(1, 1), [inside], START, 3).height == 1


def test_no_two_visits_of_a_vessel_in_a_row_are_chosen() -> None:
    chosen = choose_dark_visits(candidates(8), [quota(date(2022, 1, 1), date(2023, 1, 1), 90)],
                                START, 3)  # fmt: skip
    steps = chosen.sort("vessel", "visit").select(
        pl.col("visit").diff().over("vessel").drop_nulls()
    )
    assert steps["visit"].min() == 2


def test_larger_quota_keeps_the_visits_of_a_smaller_and_order_of_rows_is_nothing() -> None:
    few = choose_dark_visits(candidates(), [YEAR.model_copy(update={"calls": 20})], START, 3)
    many = choose_dark_visits(
        candidates().sample(fraction=1, shuffle=True, seed=1), [YEAR], START, 3
    )
    assert few.join(many, on=["vessel", "visit"], how="anti").is_empty()
    assert many.equals(choose_dark_visits(candidates(), [YEAR], START, 3))
    assert not many.equals(choose_dark_visits(candidates(), [YEAR], START, 4))


def test_candidate_left_out_changes_only_its_neighbours() -> None:
    chosen = choose_dark_visits(candidates(), [YEAR], START, 3)
    without = candidates().join(chosen.head(1), on=["vessel", "visit"], how="anti")
    again = choose_dark_visits(without, [YEAR], START, 3)
    assert again.height == 60
    assert chosen.join(again, on=["vessel", "visit"], how="anti").height <= 3


def test_habitual_vessels_are_preferred() -> None:
    habitual = choose_dark_visits(candidates(), [YEAR], START, 3)["is_habitual"].mean()
    even = YEAR.model_copy(update={"habitual_weight": 1.0})
    plain = choose_dark_visits(candidates(), [even], START, 3)["is_habitual"].mean()
    assert isinstance(habitual, float)
    assert isinstance(plain, float)
    assert plain < 0.3
    assert habitual > 0.4


def test_world_too_small_for_its_quota_is_refused() -> None:
    with pytest.raises(UsageError, match="60 dark calls are asked for from 2022-01-01"):
        choose_dark_visits(candidates(2, 10), [YEAR], START, 3)


def test_period_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ValidationError, match="has no day"):
        quota(date(2023, 1, 1), date(2022, 1, 1), 3)
