"""The remaining time of a night: estimates on scripted clocks, and how they are told."""

from __future__ import annotations

import io
import json
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from pipeline import bars, plan
from pipeline.bars import Bar
from pipeline.ingest import FileAccount
from pipeline.inputs import Changes, RawFile
from pipeline.paces import NO_PACES, STAGES, Paces, read_paces
from pipeline.progress import choose_log
from pipeline.remaining import NOTHING, Forecast, Remaining, Work, say_remaining

DAYS, RECEPTION = "putting days together", "learning reception"


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def tell_steadily(forecast: Forecast, clock: Clock, stage: str, pace_s: float, units: int) -> None:
    forecast.tell(stage, 0, units)
    for done in range(1, units + 1):
        clock.now += pace_s
        forecast.tell(stage, done, units)


def known_forecast(clock: Clock) -> Forecast:
    """A night of 10 days of 2 s and 3 months of 20 s, as in nights before."""
    forecast = Forecast(clock)
    forecast.know({DAYS: 2.0, RECEPTION: 20.0})
    forecast.expect({DAYS: Work(10, 10), RECEPTION: Work(3, 3)})
    return forecast


def estimate(forecast: Forecast) -> Remaining:
    told = forecast.estimate()
    assert told is not None
    return told


def test_nothing_is_told_of_a_night_of_which_nothing_is_known() -> None:
    clock = Clock()
    forecast = Forecast(clock)
    assert forecast.estimate() is None
    tell_steadily(forecast, clock, "reading raw files", 1, 10)
    assert forecast.estimate() is None


def test_a_night_as_those_before_takes_what_they_took() -> None:
    clock = Clock()
    forecast = known_forecast(clock)
    forecast.tell(DAYS, 0, 10)
    assert estimate(forecast).s == pytest.approx(80)
    tell_steadily(forecast, clock, DAYS, 2, 10)
    forecast.tell(RECEPTION, 0, 3)
    assert estimate(forecast).s == pytest.approx(60)


def test_a_machine_half_as_fast_as_before_makes_later_stages_longer() -> None:
    clock = Clock()
    forecast = known_forecast(clock)
    tell_steadily(forecast, clock, DAYS, 4, 10)
    told = estimate(forecast)
    # 40 s where 20 were assumed; a tenth of the night, 8 s, speaks for the assumption.
    assert told.s == pytest.approx(60 * 48 / 28)
    assert told.low_s < 120 < told.high_s


def test_the_running_stage_goes_by_its_own_pace() -> None:
    clock = Clock()
    forecast = Forecast(clock)
    forecast.know({DAYS: 2.0})
    forecast.expect({DAYS: Work(1000, 1000)})
    forecast.tell(DAYS, 0, 1000)
    for done in range(1, 501):
        clock.now += 6
        forecast.tell(DAYS, done, 1000)
    assert estimate(forecast).s == pytest.approx(3000, rel=0.05)


def test_a_first_night_is_told_when_enough_of_it_is_done() -> None:
    clock = Clock()
    forecast = Forecast(clock)
    forecast.expect(plan.expect_first_night(plan.Made(lambda _: [], {})))
    forecast.tell("reading raw files", 0, 10)
    assert forecast.estimate() is None
    for done in range(1, 11):
        clock.now += STAGES["reading raw files"] * 1000 / 10
        forecast.tell("reading raw files", done, 10)
    told = estimate(forecast)
    rest_s = 1000 * (sum(STAGES.values()) - STAGES["reading raw files"])
    assert told.s == pytest.approx(rest_s)
    assert (told.low_s, told.high_s) == pytest.approx((rest_s / 2, rest_s * 2))


def test_units_on_the_shelf_are_no_work() -> None:
    clock = Clock()
    forecast = known_forecast(clock)
    forecast.expect({DAYS: Work(0, 10), RECEPTION: Work(1, 3)})
    forecast.tell(DAYS, 0, 0)
    assert estimate(forecast).s == pytest.approx(20)


def test_a_look_at_what_a_stopped_run_did_is_no_pace() -> None:
    clock = Clock()
    forecast = Forecast(clock)
    forecast.know({"linking tracks": 30.0, RECEPTION: 20.0})
    forecast.expect({"linking tracks": Work(0, 2), RECEPTION: Work(3, 3)})
    tell_steadily(forecast, clock, "linking tracks", 0.01, 2)
    assert estimate(forecast).s == pytest.approx(60)
    assert "linking tracks" not in forecast.paces()


def test_days_an_earlier_step_makes_anew_a_later_one_makes_anew_too() -> None:
    clock = Clock()
    forecast = Forecast(clock)
    forecast.know({DAYS: 2.0, "finding segments": 1.0})
    forecast.expect({DAYS: Work(0, 10), "finding segments": Work(0, 10)})
    forecast.tell(DAYS, 0, 10)
    assert estimate(forecast).s == pytest.approx(30)


def test_one_long_sleep_of_the_machine_does_not_set_the_pace() -> None:
    clock = Clock()
    forecast = Forecast(clock)
    forecast.know({DAYS: 1.0})
    forecast.expect({DAYS: Work(200, 200)})
    forecast.tell(DAYS, 0, 200)
    for done in range(1, 101):
        clock.now += 1 if done != 10 else 3600
        forecast.tell(DAYS, done, 200)
    told = estimate(forecast)
    assert told.low_s <= 100 <= told.s < 250


def test_a_stage_that_never_ends_is_not_told_to_end() -> None:
    clock = Clock()
    forecast = Forecast(clock)
    forecast.know({"making the report": 10.0})
    forecast.expect({"making the report": Work(1)})
    forecast.tell("making the report", 0, 1)
    told = []
    for _ in range(200):
        clock.now += 1
        told.append(forecast.estimate())
    assert told[2] is not None
    assert told[2].s == pytest.approx(7)
    assert told[-1] is None


def test_the_wait_for_a_unit_counts_down() -> None:
    clock = Clock()
    forecast = known_forecast(clock)
    forecast.tell(RECEPTION, 0, 3)
    before = estimate(forecast)
    clock.now += 5
    assert estimate(forecast).s == pytest.approx(before.s - 5)


def test_a_finished_night_has_nothing_left() -> None:
    clock = Clock()
    forecast = known_forecast(clock)
    forecast.tell(DAYS, 3, 10)
    forecast.finish()
    assert forecast.estimate() == NOTHING
    forecast.begin()
    assert forecast.estimate() is None


TELLS = st.lists(
    st.tuples(
        st.sampled_from([*STAGES, "unheard of"]),
        st.integers(-3, 30),
        st.integers(-3, 30),
        st.floats(-5, 500),
    ),
    max_size=60,
)


@given(TELLS, st.dictionaries(st.sampled_from(list(STAGES)), st.floats(0, 1e4)), st.booleans())
def test_a_range_holds_its_estimate_in_any_order(
    tells: list[tuple[str, int, int, float]], paces: dict[str, float], is_alike: bool
) -> None:
    clock = Clock()
    forecast = Forecast(clock)
    forecast.expect(plan.expect_first_night(plan.Made(lambda _: [], {})))
    forecast.know(paces, is_alike=is_alike)
    for stage, done, total, later_s in tells:
        clock.now += later_s
        forecast.tell(stage, done, total)
        told = forecast.estimate()
        if told is not None:
            assert 0 <= told.low_s <= told.s * (1 + 1e-9) <= told.high_s * (1 + 1e-6)
    assert all(pace >= 0 for pace in forecast.paces().values())
    forecast.finish()
    assert forecast.estimate() == NOTHING


@given(st.integers(1, 400), st.integers(1, 400), st.floats(0.1, 50), st.integers(0, 40))
def test_more_left_takes_longer(fewer: int, more: int, pace_s: float, months: int) -> None:
    told: list[Remaining] = []
    for left in sorted([fewer, more]):
        clock = Clock()
        forecast = Forecast(clock)
        forecast.know({DAYS: pace_s, RECEPTION: 3 * pace_s})
        forecast.expect({DAYS: Work(left, 400), RECEPTION: Work(months, 40)})
        forecast.tell("linking tracks", 0, 0)
        told.append(estimate(forecast))
    assert told[0].s <= told[1].s
    assert told[0].low_s <= told[1].low_s
    assert told[0].high_s <= told[1].high_s


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=80))
def test_a_night_told_to_its_end_reaches_0(costs: list[float]) -> None:
    clock = Clock()
    forecast = Forecast(clock)
    forecast.know({DAYS: 1.0})
    forecast.expect({DAYS: Work(len(costs), len(costs))})
    forecast.tell(DAYS, 0, len(costs))
    for done, cost_s in enumerate(costs, 1):
        clock.now += cost_s
        forecast.tell(DAYS, done, len(costs))
    assert forecast.estimate() == NOTHING


# ------------------------------------------------------------------------------- kept paces


def test_paces_are_kept_by_kind_and_the_last_night_counts_half() -> None:
    paces = NO_PACES.add("many", {DAYS: 2.0}).add("many", {DAYS: 4.0}).add("few", {DAYS: 9.0})
    assert paces.of("many") == ({DAYS: 3.0}, True)
    assert paces.of("few") == ({DAYS: 9.0}, True)
    assert Paces({"few": {DAYS: 9.0}}).of("many") == ({DAYS: 9.0}, False)
    assert NO_PACES.of("many") == ({}, False)
    assert read_paces(json.loads(json.dumps(paces.by_kind))) == paces


@pytest.mark.parametrize("text", ["[]", "3", '{"many": 3}', '{"many": {"a": "x", "b": -1}}'])
def test_damaged_paces_are_none(text: str) -> None:
    assert read_paces(json.loads(text)).of("many") == ({}, False)


# ------------------------------------------------------------------------------- the plan


def make_file(name: str, *days: date) -> RawFile:
    account = FileAccount("feed", name, 0)
    account.days.extend(("sightings", day, 1) for day in days)
    return RawFile(account, name, (), is_racy=False)


def test_an_ordinary_night_redoes_the_days_of_its_new_file() -> None:
    first = date(2022, 12, 31)
    days = [first + timedelta(days=number) for number in range(3)]
    old, new = make_file("old.csv", *days[:2]), make_file("new.csv", days[2])
    names = {"notes": ["2022-12-31-aa", "2023-01-01-bb"], "days": ["2023-01-02-cc"]}
    made = plan.Made(lambda kind: names.get(kind, []), {"notes": names["notes"]})
    changes = Changes(("new.csv",), (), ())
    redone, every = plan.find_redone(
        [old, new], {"old.csv": old}, changes, made, is_same_basis=True
    )
    assert (redone, every) == ([days[2]], days)
    work = plan.expect_night(redone, every, made, 5, with_report=False)
    assert work[DAYS] == Work(1, 3)
    assert work["summing up days"] == Work(0, 3), "a stopped run did it"
    assert work[RECEPTION] == Work(1, 2)
    assert work["making the report"] == Work(0)
    assert plan.name_kind(redone, every, 0.5) == plan.FEW


def test_a_night_that_goes_on_takes_no_pace_from_files_that_were_only_hashed() -> None:
    days = [date(2022, 6, 1)]
    made = plan.Made(lambda _: ["aa"], {}, frozenset(["aa"]))
    assert plan.expect_first_night(made) == {}
    assert plan.expect_night(days, days, made, 5, with_report=False)["reading raw files"].left == 0
    clock = Clock()
    forecast = Forecast(clock)
    tell_steadily(forecast, clock, "reading raw files", 0.001, 12)
    forecast.expect(plan.expect_night(days, days, made, 5, with_report=False))
    assert forecast.estimate() is None


def test_another_code_redoes_all_days_and_the_months_after_a_day_are_learned_anew() -> None:
    days = [date(2022, month, 1) for month in range(1, 13)]
    file = make_file("a.csv", *days)
    made = plan.Made(lambda _: [f"{day}-aa" for day in days], {"notes": []})
    same = Changes((), (), ())
    redone, every = plan.find_redone([file], {"a.csv": file}, same, made, is_same_basis=False)
    assert redone == every == days
    none_made = plan.Made(lambda _: [], {})
    assert plan.expect_night(days[2:3], days, none_made, 5, with_report=True)[RECEPTION].left == 6


# ------------------------------------------------------------------------------- telling


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (None, "remaining time not known yet"),
        (Remaining(720, 500, 1170), "about 12 min left (8 to 20)"),
        (Remaining(41, 30, 59.5), "about 41 s left (30 to 60)"),
        (Remaining(9000, 6000, 14000), "about 2.5 h left (1.6 to 3.9)"),
        (NOTHING, "about 0 s left (0 to 0)"),
    ],
)
def test_a_person_reads_a_range(told: Remaining | None, words: str) -> None:
    assert say_remaining(told) == words


def test_logs_have_the_range_or_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    forecast = known_forecast(clock)
    log = choose_log("json", forecast)
    log.progress(DAYS, 0, 10)
    forecast.tell(DAYS, 5, 10)
    log.progress(DAYS, 5, 10)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["remaining_s"] for line in lines] == [None, 70.0]
    assert (lines[1]["remaining_low_s"], lines[1]["remaining_high_s"]) == (46.7, 105.0)
    choose_log("text", forecast).progress(DAYS, 5, 10)
    said = capsys.readouterr().err
    assert "remaining_s=70.0 remaining_low_s=46.7 remaining_high_s=105.0" in said
    choose_log("none", forecast).progress(DAYS, 5, 10)
    assert capsys.readouterr().err == ""


def test_a_terminal_has_a_line_under_the_bars_until_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=100)
    monkeypatch.setattr(bars, "Console", lambda **_: console)
    clock = Clock()
    forecast = known_forecast(clock)
    forecast.tell(DAYS, 5, 10)
    bar = Bar(forecast=forecast)
    bar(DAYS, 5, 10)
    bar.close()
    said = screen.getvalue()
    assert "about 70 s left (46 to 105)" in said
    assert "left" not in said.rpartition(DAYS)[2]
