"""Any delivery of the same raw files over nights publishes what one night publishes (DESIGN 5)."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline import months, store
from pipeline.errors import RawFileError
from pipeline.nightly import SHELF
from pipeline.rules import Rules
from tests import night
from tests.nights_archive import HOUR, Line, draw_archive
from tests.nights_model import (
    OTHER_VALUES,
    Arrival,
    Asked,
    Files,
    State,
    draw_plan,
    eager_rules,
    lay_out,
    make_light_sql,
    make_plan,
    run,
    split_rows,
    write_rows,
)
from tests.nights_published import read_bytes, tell_differences

long = pytest.mark.long
TURN = datetime(2023, 6, 1)
SHIP, TUG = 273_444_000, 273_555_000


@pytest.fixture(scope="session")
def light_sql(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_light_sql(tmp_path_factory.mktemp("sql"))


def run_nights(folder: Path, plan: Sequence[State], asked: Sequence[Asked]) -> Path:
    """Run a night on each state of the raw folder and return the processed folder.

    A night before the last that finds nothing it can read publishes nothing.
    """
    for number, (state, how) in enumerate(zip(plan, asked, strict=True), start=1):
        lay_out(folder / "raw", state)
        with suppress(*([RawFileError] if number < len(plan) else [])):
            run(folder / "raw", folder / "processed", how)
    return folder / "processed"


def assert_as_one_night(folder: Path, plan: Sequence[State], asked: Sequence[Asked]) -> None:
    """Run nights, and one fresh night on what the last of them found; compare the outputs."""
    processed = run_nights(folder, plan, asked)
    run(folder / "raw", folder / "fresh", asked[-1])
    assert tell_differences(processed, folder / "fresh") == []


# ------------------------------------------------------------------------------ whole archives


def draw_asked(rng: random.Random, folder: Path, nights: int, light_sql: Path) -> list[Asked]:
    """Return how each night is run: now and then with another rule, registry or data_end.

    What one night was asked another way, the next asks the usual way again.
    """
    registry = folder / "registry.csv"
    registry.write_text(
        "mmsi,imo,valid_from,valid_to,flag,fleet,source,analyst\n"
        "273111000,,2020-01-01,,IRN,naval,a test,\n",
        "utf-8",
    )
    usual = Asked(rules=rng.choice((Rules(), eager_rules(), eager_rules())))
    asked: list[Asked] = []
    for _ in range(nights - 1):
        light = usual.but(sql=light_sql)
        strange = (
            light.but(rules=eager_rules(*rng.sample(sorted(OTHER_VALUES), k=rng.randint(1, 3)))),
            light.but(registry=registry),
            light.but(data_end=datetime(2024, 1, 1) - timedelta(hours=rng.randrange(40_000))),
            light.but(rehash=True),
        )
        asked.append(rng.choice(strange) if rng.random() < 0.4 else light)
    return [*asked, usual.but(registry=rng.choice((None, None, registry)))]


def hold_delivery(folder: Path, seed: int, light_sql: Path) -> None:
    """Deliver the archive of a seed over some nights and hold them against one night."""
    rng = random.Random(seed)
    nights = rng.randint(2, 6)
    by_day = rng.random() < 0.6
    files = split_rows(rng, draw_archive(seed), by_day=by_day)
    plan = draw_plan(rng, files, nights, in_order=by_day)
    assert_as_one_night(folder, plan, draw_asked(rng, folder, nights, light_sql))


@pytest.mark.parametrize(
    "seed", [7, *(pytest.param(seed, marks=long) for seed in range(1_000, 1_150))]
)
def test_any_delivery_over_nights_publishes_what_one_night_publishes(
    seed: int, tmp_path: Path, light_sql: Path
) -> None:
    hold_delivery(tmp_path, seed, light_sql)


@pytest.mark.parametrize(
    "seed", [8, *(pytest.param(seed, marks=long) for seed in range(3_000, 3_020))]
)
def test_what_months_long_past_hold_lies_under_one_name_and_reads_the_same(
    seed: int, tmp_path: Path, light_sql: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(months, "RECENT_MONTHS", 1)
    monkeypatch.setattr(months, "STRAY_DAYS", 0)
    hold_delivery(tmp_path, seed, light_sql)
    assert any((tmp_path / "processed" / SHELF / months.PAST).iterdir())


def small_files() -> Files:
    """Return an archive of few rows in four files, of which two tell of the same days."""
    return split_rows(random.Random(4), draw_archive(106, days=5), by_day=False)


arrivals = st.builds(
    Arrival,
    night=st.integers(0, 2),
    is_short=st.booleans(),
    is_renamed=st.booleans(),
    is_torn=st.booleans(),
)


@st.composite
def plans(draw: st.DrawFn) -> list[State]:
    """Draw how the files of a small archive come, and what else comes and goes."""
    files = small_files()
    names = sorted(files)
    given_arrivals = {name: draw(arrivals) for name in names}
    given_arrivals[draw(st.sampled_from(names))] = Arrival(0)
    twice = draw(st.sampled_from([None, *names]))
    wrong = draw(st.sampled_from([None, 0, 1]))
    return make_plan(files, given_arrivals, 3, twice, wrong)


def hold_plan(
    factory: pytest.TempPathFactory, plan: list[State], light_sql: Path, rules: Rules
) -> None:
    asked = Asked(rules=rules, sql=light_sql)
    assert_as_one_night(factory.mktemp("plan"), plan, [asked] * len(plan))


UNHURRIED = (HealthCheck.too_slow, HealthCheck.data_too_large)
few = settings(max_examples=2, deadline=None, suppress_health_check=UNHURRIED, derandomize=True)
many = settings(max_examples=120, deadline=None, suppress_health_check=UNHURRIED)


@few
@given(plan=plans())
def test_drawn_arrivals_of_few_files_publish_what_one_night_publishes(
    plan: list[State], tmp_path_factory: pytest.TempPathFactory, light_sql: Path
) -> None:
    hold_plan(tmp_path_factory, plan, light_sql, eager_rules())


@long
@many
@given(plan=plans(), rules=st.sampled_from([Rules(), eager_rules()]))
def test_many_drawn_arrivals_publish_what_one_night_publishes(
    plan: list[State], rules: Rules, tmp_path_factory: pytest.TempPathFactory, light_sql: Path
) -> None:
    hold_plan(tmp_path_factory, plan, light_sql, rules)


@pytest.mark.parametrize(
    "seed", [11, *(pytest.param(seed, marks=long) for seed in range(2_000, 2_040))]
)
def test_the_same_rows_in_other_files_publish_the_same(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    lines = draw_archive(seed, days=8)
    for name, by_day in (("one", False), ("other", True)):
        files = split_rows(rng, lines, by_day=by_day)
        lay_out(tmp_path / name / "raw", {file: write_rows(rows) for file, rows in files.items()})
        run(tmp_path / name / "raw", tmp_path / name / "processed", Asked(rules=eager_rules()))
    found = tell_differences(
        tmp_path / "one" / "processed", tmp_path / "other" / "processed", same_files=False
    )
    assert found == []


# What counts messages before duplicates are dropped, as DESIGN 3 has it.
COUNTS_OF_MESSAGES = {"feed_health": ("messages", "delay_s"), "beacons": ("messages",)}


def test_a_file_that_is_there_twice_changes_only_how_many_messages_were_heard(
    tmp_path: Path,
) -> None:
    lines = draw_archive(5, days=5)
    files = split_rows(random.Random(5), lines)
    once: State = {name: write_rows(rows) for name, rows in files.items()}
    twice = {
        **once,
        **{f"{name.split('/')[0]}/again-{at}.csv": once[name] for at, name in enumerate(files)},
    }
    for name, state in (("once", once), ("twice", twice)):
        lay_out(tmp_path / name / "raw", state)
        run(tmp_path / name / "raw", tmp_path / name / "processed", Asked(rules=eager_rules()))
    left, right = tmp_path / "once" / "processed", tmp_path / "twice" / "processed"
    one, other = read_bytes(left), read_bytes(right)
    unlike = {name.split("/")[0] for name in one if one[name] != other[name]}
    assert one.keys() == other.keys()
    assert unlike <= set(COUNTS_OF_MESSAGES)
    for table, counts in COUNTS_OF_MESSAGES.items():
        rows, again = (store.read_table(folder, table) for folder in (left, right))
        assert rows.drop(counts).equals(again.drop(counts))
        assert (rows["messages"] * 2 == again["messages"]).all()
    assert store.read_table(right, "files")["duplicate"].sum() > len(lines) // 2


# ------------------------------------------------------------------------------------- rules

SOME_RULES = ("tracks.v_max_kn", "gaps.near_port_nm")


@pytest.mark.parametrize(
    "names",
    [SOME_RULES, pytest.param(tuple(OTHER_VALUES), marks=long)],
    ids=["some rules", "all rules"],
)
def test_a_changed_rule_gives_what_it_gives_a_fresh_night_and_back_again(
    names: tuple[str, ...], tmp_path: Path, light_sql: Path
) -> None:
    raw, processed = tmp_path / "raw", tmp_path / "processed"
    # Around the instant that is the other earliest one.
    files = split_rows(random.Random(3), draw_archive(7, days=6, turn=datetime(2020, 2, 1)))
    lay_out(raw, {name: write_rows(rows) for name, rows in files.items()})
    usual = Asked(rules=eager_rules(), sql=light_sql)
    run(raw, processed, usual)
    before = read_bytes(processed)
    for number, name in enumerate(names):
        changed = usual.but(rules=eager_rules(name))
        run(raw, processed, changed)
        fresh = tmp_path / f"fresh-{number}"
        run(raw, fresh, changed)
        assert (name, tell_differences(processed, fresh)) == (name, [])
        store.remove_tree(fresh)
        run(raw, processed, usual)
        after = read_bytes(processed)
        assert (name, [one for one in before if before[one] != after.get(one)]) == (name, [])


def test_every_rule_has_another_value_to_be_tried_with() -> None:
    # Bands say only whether a night is published, a batch how much is read at once; the indicator
    # is drawn anew every night.
    unlike = {"feeds", "bands", "indicator"}
    names = {
        f"{group}.{name}"
        for group in Rules.model_fields
        if group not in unlike
        for name in type(getattr(Rules(), group)).model_fields
    }
    assert set(OTHER_VALUES) == names
    for name, value in OTHER_VALUES.items():
        group, _, rule = name.partition(".")
        assert getattr(getattr(eager_rules(), group), rule) != value


# -------------------------------------------------------------------------------- single cases


def hold_days(folder: Path, nights: Sequence[pl.DataFrame], light_sql: Path, **asked: Path) -> Path:
    """Deliver a file a night, hold them against one night, and return the processed folder."""
    how = Asked(areas=asked.get("areas", night.whole_world(folder)), sql=light_sql)
    for number, rows in enumerate(nights):
        night.write_canonical(folder / "raw", "coast", rows, f"night-{number}.csv")
        run(folder / "raw", folder / "processed", how)
    run(folder / "raw", folder / "fresh", how)
    assert tell_differences(folder / "processed", folder / "fresh") == []
    return folder / "processed"


def towed_until_the_turn() -> pl.DataFrame:
    """Return a ship that falls silent in May beside another, and is heard before the turn."""
    return night.sightings(
        [
            (SHIP, TURN - 30 * HOUR, 51.0, 40.0),
            (SHIP, TURN - 20 * HOUR, 51.0, 40.0),
            (SHIP, TURN - timedelta(minutes=5), 51.0, 40.8),
            (TUG, TURN - 20 * HOUR, 51.0, 40.0),
            (TUG, TURN - 10 * HOUR, 51.0, 40.4),
        ]
    )


def beside_it(*minutes: int) -> pl.DataFrame:
    """Return the other ship where the silence ends, some minutes after the turn of the month."""
    at = [TURN + timedelta(minutes=number) for number in minutes]
    return night.sightings([(TUG, one, 51.0, 40.8) for one in at])


def says_that_it_is_a_tug(day: datetime) -> pl.DataFrame:
    rows = night.sightings([(TUG, day + hour * HOUR, None, None) for hour in range(2)])
    return rows.with_columns(ship_type=pl.lit(52))


def fleets_of_closed_gaps(processed: Path) -> list[str]:
    gaps = store.read_table(processed, "gaps").filter(
        (pl.col("mmsi") == SHIP) & pl.col("is_closed")
    )
    return gaps.sort("off_at")["fleet"].to_list()


def test_a_tug_heard_first_in_the_next_month_still_tows_the_ship_of_this_one(
    tmp_path: Path, light_sql: Path
) -> None:
    told = says_that_it_is_a_tug(TURN - 30 * HOUR)
    may = pl.concat([towed_until_the_turn(), told], how="diagonal_relaxed")
    processed = hold_days(tmp_path, [may, beside_it(5, 90)], light_sql)
    assert fleets_of_closed_gaps(processed) == ["unknown", "in_tow"]


def test_a_ship_that_says_months_later_that_it_is_a_tug_towed_before_it_said_so(
    tmp_path: Path, light_sql: Path
) -> None:
    nights = [pl.concat([towed_until_the_turn(), beside_it(-8)])]
    nights.append(says_that_it_is_a_tug(datetime(2023, 8, 1)))
    processed = hold_days(tmp_path, nights, light_sql)
    assert fleets_of_closed_gaps(processed) == ["unknown", "in_tow"]


def steady(first: datetime, hours: int, mmsi: int = 273_000_001) -> pl.DataFrame:
    """Return three ships heard every hour."""
    rows = [
        (mmsi + ship, first + hour * HOUR, 50.0 + ship, 41.0)
        for ship in range(3)
        for hour in range(hours)
    ]
    return night.sightings(rows, station="s", receiver="terrestrial")


def test_a_month_whose_data_end_at_midnight_is_judged_to_its_end_once_more_data_come(
    tmp_path: Path, light_sql: Path
) -> None:
    nights = [steady(datetime(2023, 5, 1), 10 * 24), steady(datetime(2023, 6, 10), 48)]
    processed = hold_days(tmp_path, nights, light_sql)
    health = store.read_table(processed, "feed_health")
    assert health.filter(pl.col("hour") < TURN)["hour"].n_unique() == 31 * 24


def test_at_the_meridian_of_greenwich_the_order_of_files_changes_nothing(
    tmp_path: Path, light_sql: Path
) -> None:
    rows = {
        "west": [(SHIP, TURN + hour * HOUR, -0.0000001, 51.0) for hour in range(4)],
        "east": [(SHIP, TURN + hour * HOUR, 0.0, 51.0) for hour in range(4)],
    }
    asked = Asked(areas=night.whole_world(tmp_path), sql=light_sql)
    for name, order in (("one", ("west", "east")), ("other", ("east", "west"))):
        for number, side in enumerate(order):
            frame = night.sightings(rows[side])
            night.write_canonical(tmp_path / name / "raw", "coast", frame, f"{number}.csv")
        run(tmp_path / name / "raw", tmp_path / name / "processed", asked)
    found = tell_differences(
        tmp_path / "one" / "processed", tmp_path / "other" / "processed", same_files=False
    )
    assert found == []


def test_a_file_whose_rows_are_all_refused_keeps_its_refused_rows_night_after_night(
    tmp_path: Path, light_sql: Path
) -> None:
    bad = night.sightings([(SHIP, TURN, 50.0, 91.0), (SHIP, TURN, 181.0, 41.0)])
    processed = hold_days(tmp_path, [steady(TURN, 5), bad, steady(TURN + 24 * HOUR, 5)], light_sql)
    assert store.read_table(processed, "rejected")["file"].to_list() == ["coast/night-1.csv"] * 2


def archive_in_one_file(lines: Sequence[Line]) -> Mapping[str, bytes]:
    return {"coast/all.csv": write_rows(lines)}


def test_two_equal_nights_publish_equal_bytes(tmp_path: Path, light_sql: Path) -> None:
    asked = Asked(sql=light_sql)
    lay_out(tmp_path / "raw", archive_in_one_file(draw_archive(8, days=4)))
    run(tmp_path / "raw", tmp_path / "processed", asked)
    before = read_bytes(tmp_path / "processed")
    outcome = run(tmp_path / "raw", tmp_path / "processed", asked)
    assert read_bytes(tmp_path / "processed") == before
    assert outcome.days_redone == 0
