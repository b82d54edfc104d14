"""Which hours of which receiver are outages, on feeds built by hand and on simulated ones."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from scipy.stats import nbinom

from pipeline import health
from pipeline.health.counts import ANYBODY, STATION_AREAS, STATION_HOURS, UNIT
from pipeline.health.usual import UNKNOWN, chance_of_at_most, find_usual
from pipeline.rules import BandRules, HealthRules, Rules
from pipeline.schema import FeedHealth, OutageHours
from tests import measure_health

RULES = HealthRules()
APRIL, MAY = date(2023, 4, 1), date(2023, 5, 1)
START, END = datetime(2023, 4, 1), datetime(2023, 6, 1)
HOURS = int((END - START) / timedelta(hours=1))
ONE_HOUR, ONE_DAY = timedelta(hours=1), timedelta(days=1)
DON = ("river", "terrestrial", "don")

Told = Callable[[datetime], int]


# --------------------------------------------------------------------------------- small words


def poisson(mean: float, seed: int = 1) -> Told:
    """Ships heard in each hour: a Poisson number of its own, the same for the same seed."""
    drawn = np.random.default_rng(seed).poisson(mean, HOURS)
    return lambda hour: int(drawn[int((hour - START) / ONE_HOUR)])


def nobody(hour: datetime) -> int:
    return 0


def always(number: int) -> Told:
    return lambda hour: number


def silent(told: Told, begin: datetime, hours: float) -> Told:
    """The same receiver, deaf from `begin` on."""
    end = begin + timedelta(hours=hours)
    return lambda hour: 0 if begin <= hour < end else told(hour)


def station_hours(
    ships: Told, beacons: Told = nobody, unit: tuple[str, str, str] = DON, end: datetime = END
) -> pl.DataFrame:
    """What one unit heard from START to `end`; hours without anything have no row."""
    rows = []
    for number in range(int((end - START) / ONE_HOUR)):
        hour = START + number * ONE_HOUR
        counts = (ships(hour), beacons(hour))
        if any(counts):
            rows.append((*unit, hour, 3 * counts[0], *counts, None))
    return pl.DataFrame(rows, schema=STATION_HOURS, orient="row")


def judge(hours: pl.DataFrame, data_end: datetime = END, month: date = MAY) -> pl.DataFrame:
    judged = health.judge_stations(hours, RULES, month, data_end)
    FeedHealth.validate(judged)
    return judged


def outages(judged: pl.DataFrame) -> list[datetime]:
    return judged.filter("is_outage")["hour"].to_list()


def hours_from(begin: datetime, hours: int) -> list[datetime]:
    return [begin + number * ONE_HOUR for number in range(hours)]


# ------------------------------------------------------------------------------- what was heard


def sightings(*rows: tuple[int, str, str, str | None]) -> pl.DataFrame:
    """Staged sightings of (mmsi, time of 1 May, station, time of receipt)."""
    day = "2023-05-01T"
    return pl.DataFrame(
        {
            "mmsi": [row[0] for row in rows],
            "seen_at": [datetime.fromisoformat(day + row[1]) for row in rows],
            "feed": "river",
            "receiver": "terrestrial",
            "station": [row[2] for row in rows],
            "received_at": [row[3] and datetime.fromisoformat(day + row[3]) for row in rows],
        },
        schema_overrides={"mmsi": pl.Int32, "received_at": pl.Datetime("us")},
    )


def test_an_hour_counts_messages_ships_beacons_and_the_lower_median_of_the_delay():
    heard = sightings(
        (1, "10:00:00", "don", "10:00:09"),
        (1, "10:00:00", "don", "10:00:20"),
        (2, "10:59:59", "don", "11:00:00"),
        (3, "10:30:00", "don", None),
        (3, "11:00:00", "don", None),
        (4, "10:00:00", "volga", "10:00:03"),
        (4, "10:10:00", "volga", "10:10:05"),
    )
    beacons = sightings(
        (91, "10:00:00", "don", None), (91, "10:05:00", "don", None), (92, "12:00:00", "don", None)
    )
    counted = health.count_station_hours(heard, beacons.drop("received_at"))
    assert counted.schema == STATION_HOURS
    assert counted.drop("feed", "receiver").rows() == [
        ("don", datetime(2023, 5, 1, 10), 4, 3, 1, 9),
        ("don", datetime(2023, 5, 1, 11), 1, 1, 0, None),
        ("don", datetime(2023, 5, 1, 12), 0, 0, 1, None),
        ("volga", datetime(2023, 5, 1, 10), 2, 1, 0, 3),
    ]


@pytest.mark.parametrize("seed", range(3))
def test_counts_do_not_depend_on_the_order_of_rows(seed):
    rng = random.Random(seed)
    rows = [
        (
            rng.randint(1, 9),
            f"{rng.randint(0, 23):02}:00:{rng.randint(0, 59):02}",
            rng.choice("ab"),
            None,
        )
        for _ in range(300)
    ]
    counted = health.count_station_hours(sightings(*rows), None)
    rng.shuffle(rows)
    assert_frame_equal(health.count_station_hours(sightings(*rows), None), counted)


def test_a_day_without_rows_has_no_counts():
    assert health.count_station_hours(None, None).schema == STATION_HOURS
    none = pl.DataFrame(
        schema={
            "mmsi": pl.Int32,
            "seen_at": pl.Datetime("us"),
            "area": pl.String,
            "heard_by": pl.String,
        }
    )
    counted = health.count_station_areas(none)
    assert counted.is_empty()
    assert counted.schema == STATION_AREAS
    assert health.judge_stations(health.count_station_hours(None, None), RULES, MAY, END).is_empty()


def test_areas_count_each_ship_once_per_unit_and_once_for_anybody():
    ten = datetime(2023, 5, 1, 10)
    kept = pl.DataFrame(
        {
            "mmsi": [273_000_001, 273_000_001, 273_000_002, 422_000_001, 150_000_001],
            "seen_at": [ten, ten + timedelta(minutes=9), ten, ten, ten + ONE_HOUR],
            "area": ["caspian", "caspian", "caspian", "caspian", "volga_don"],
            "heard_by": ["a|satellite|s1;b|terrestrial|", "a|satellite|s1", "b|terrestrial|"]
            + ["b|terrestrial|"] * 2,
        }
    )
    beacons = pl.DataFrame(
        {
            "mmsi": [2_731_234, 2_731_234, 992_731_001],
            "seen_at": [ten] * 3,
            "feed": "b",
            "receiver": "terrestrial",
            "station": "",
            "area": ["caspian", "caspian", None],
        }
    )
    counted = health.count_station_areas(kept, beacons)
    eleven = ten + ONE_HOUR
    assert counted.rows() == [
        ("", "any", "", "caspian", "IRN", ten, 1),
        ("", "any", "", "caspian", "RUS", ten, 2),
        ("", "any", "", "caspian", "beacon", ten, 1),
        ("", "any", "", "volga_don", "unknown", eleven, 1),
        ("a", "satellite", "s1", "caspian", "RUS", ten, 1),
        ("b", "terrestrial", "", "caspian", "IRN", ten, 1),
        ("b", "terrestrial", "", "caspian", "RUS", ten, 2),
        ("b", "terrestrial", "", "caspian", "beacon", ten, 1),
        ("b", "terrestrial", "", "volga_don", "unknown", eleven, 1),
    ]


# --------------------------------------------------------------------------------- what is usual


def test_the_chance_is_that_of_a_negative_binomial():
    for mean, spread in ((0.5, 0.2), (6.0, 0.3), (80.0, 0.9)):
        size = 1 / spread**2
        for heard in (0, 1, 5, 40):
            expected = nbinom.cdf(heard, size, size / (size + mean))
            found = chance_of_at_most(np.array([heard + 0.7]), np.array([mean]), np.array([spread]))
            assert found[0] == pytest.approx(expected, rel=1e-9)


def usual_by_plain_words(counts: np.ndarray[Any, Any], has_data: np.ndarray[Any, Any]) -> Any:
    """The lower median of the same hour over the 28 days up to the last day with data."""
    units, days, _ = counts.shape
    found = np.full(counts.shape, UNKNOWN)
    for unit in range(units):
        for day in range(days):
            with_data = [one for one in range(day) if has_data[unit, one]]
            if not with_data or day - with_data[-1] > 28:
                continue
            window = [one for one in with_data if one > with_data[-1] - 28]
            for hour in range(24 if len(window) >= 7 else 0):
                values = sorted(counts[unit, one, hour] for one in window)
                found[unit, day, hour] = values[(len(values) - 1) // 2]
    return found


@pytest.mark.parametrize("seed", range(4))
def test_the_usual_is_the_lower_median_of_the_trailing_days_with_data(seed):
    rng = np.random.default_rng(seed)
    counts = rng.poisson(3, (4, 61, 24)).astype(np.int32)
    dead = rng.uniform(size=(4, 61)) < np.array([0.0, 0.3, 0.8, 0.5])[:, None]
    dead[3, 10:45] = True
    counts[dead] = 0
    has_data = counts.any(axis=2)
    found = find_usual(counts, has_data, RULES).counts
    np.testing.assert_array_equal(found, usual_by_plain_words(counts, has_data))


# ------------------------------------------------------------------------- stations, hour by hour


def test_a_steady_station_is_never_out():
    for seed in range(5):
        judged = judge(station_hours(poisson(6, seed)))
        assert judged.height == 31 * 24
        assert outages(judged) == []
        assert judged["expected"].is_between(4, 8).all()


def test_a_station_that_hears_three_ships_an_hour_is_not_out_when_it_hears_none_once():
    begin = datetime(2023, 5, 10, 12)
    assert outages(judge(station_hours(silent(poisson(3), begin, 1)))) == []


def test_the_outage_of_an_hour_shows_where_much_is_heard():
    begin = datetime(2023, 5, 10, 12)
    judged = judge(station_hours(silent(poisson(40), begin, 1)))
    assert outages(judged) == [begin]
    row = judged.filter(hour=begin).row(0, named=True)
    assert (row["messages"], row["ships"], row["beacons"], row["why"]) == (0, 0, 0, "silent")
    assert row["expected"] > 30


def test_the_outage_of_an_hour_shows_where_few_ships_but_always_beacons_are_heard():
    begin = datetime(2023, 5, 10, 12)
    hours = station_hours(silent(poisson(3), begin, 1), silent(always(2), begin, 1))
    assert outages(judge(hours)) == [begin]


def test_the_outage_of_a_day_is_marked_in_all_its_hours_and_the_next_day_is_not():
    begin = datetime(2023, 5, 10, 7)
    judged = judge(station_hours(silent(poisson(6), begin, 24)))
    assert outages(judged) == hours_from(begin, 24)


def test_a_drop_to_a_fifth_is_an_outage_and_one_to_a_half_is_none():
    begin, end = datetime(2023, 5, 10), datetime(2023, 5, 11)

    def dropped(share: float) -> Told:
        usual, few = poisson(40), poisson(40 * share, seed=2)
        return lambda hour: few(hour) if begin <= hour < end else usual(hour)

    judged = judge(station_hours(dropped(0.2)))
    assert set(outages(judged)) <= set(hours_from(begin, 24))
    assert len(outages(judged)) >= 20
    assert judged.filter("is_outage")["why"].unique().to_list() == ["few"]
    assert outages(judge(station_hours(dropped(0.5)))) == []


def test_ships_that_leave_while_beacons_go_on_are_no_outage():
    begin = datetime(2023, 5, 3)
    assert outages(judge(station_hours(silent(poisson(9), begin, 400), always(1)))) == []


def test_a_beacon_that_is_switched_off_while_ships_go_on_is_no_outage():
    begin = datetime(2023, 5, 3)
    assert outages(judge(station_hours(poisson(9), silent(always(1), begin, 400)))) == []


def test_ships_that_left_before_do_not_make_an_outage_of_a_beacon_missed_for_an_hour():
    begin = datetime(2023, 5, 3)
    beacon: Told = lambda hour: int((hour - START) / ONE_HOUR % 19 != 0)  # noqa: E731
    assert outages(judge(station_hours(silent(always(9), begin, 600), beacon))) == []


def test_three_ships_that_leave_for_some_hours_are_no_outage():
    begin = datetime(2023, 5, 3, 8)
    assert outages(judge(station_hours(silent(always(3), begin, 8)))) == []


def test_outages_of_the_weeks_before_do_not_hide_the_outage_of_an_hour():
    begin = datetime(2023, 5, 10, 12)
    ships, beacons = silent(poisson(3), begin, 1), silent(always(2), begin, 1)
    for day in range(8, 30, 4):
        before = datetime(2023, 4, day, 6)
        ships, beacons = silent(ships, before, 7), silent(beacons, before, 7)
    assert outages(judge(station_hours(ships, beacons))) == [begin]


def test_one_or_two_ships_that_leave_say_nothing_of_a_receiver_without_beacons():
    begin = datetime(2023, 5, 3)
    assert outages(judge(station_hours(silent(always(2), begin, 200)))) == []


def test_a_doubled_feed_is_no_outage_before_or_after():
    drawn = poisson(8)
    doubled: Told = lambda hour: (2 if hour >= datetime(2023, 5, 8) else 1) * drawn(hour)  # noqa: E731
    assert outages(judge(station_hours(doubled))) == []


def test_a_quiet_winter_is_no_outage():
    """Traffic falls to a tenth within two months."""
    rng = np.random.default_rng(3)
    drawn = rng.poisson(20 * 0.1 ** (np.arange(HOURS) / HOURS))
    fading: Told = lambda hour: int(drawn[int((hour - START) / ONE_HOUR)])  # noqa: E731
    assert outages(judge(station_hours(fading))) == []


def test_a_satellite_without_a_pass_is_not_out_and_one_that_misses_a_day_is():
    passes = {3, 4, 15, 16}
    drawn = poisson(25)
    sky = ("sky", "satellite", "sat-1")

    def heard(hour: datetime) -> int:
        return drawn(hour) if hour.hour in passes else 0

    assert outages(judge(station_hours(heard, unit=sky))) == []
    lost = judge(station_hours(silent(heard, datetime(2023, 5, 9), 24), unit=sky))
    assert [hour.hour for hour in outages(lost)] == sorted(passes)
    assert lost.filter(~pl.col("hour").dt.hour().is_in(list(passes)))["expected"].max() == 0


def test_a_lost_station_is_out_for_28_days_and_then_has_no_rows_until_it_is_heard_again():
    gone, back = datetime(2023, 4, 20), datetime(2023, 5, 25, 6)
    drawn = poisson(10)
    told: Told = lambda hour: drawn(hour) if hour < gone or hour >= back else 0  # noqa: E731
    april = judge(station_hours(told), month=APRIL)
    assert outages(april) == hours_from(gone, 11 * 24)
    may = judge(station_hours(told))
    assert outages(may) == hours_from(datetime(2023, 5, 1), 17 * 24)
    # 28 days of silence: 20 April to 17 May.
    assert may.filter(pl.col("hour") < back)["hour"].max() == datetime(2023, 5, 25, 5)
    days = may["hour"].dt.date().unique().sort().to_list()
    assert days == [date(2023, 5, day) for day in (*range(1, 18), *range(25, 32))]
    new = may.filter(pl.col("hour") >= datetime(2023, 5, 25))
    assert new["expected"].null_count() == new.height


def test_a_new_station_is_judged_after_seven_days_and_has_rows_from_its_first_hour_on():
    begun = datetime(2023, 5, 10, 5)
    drawn = poisson(30)
    told: Told = lambda hour: drawn(hour) if hour >= begun else 0  # noqa: E731
    judged = judge(station_hours(silent(told, datetime(2023, 5, 12), 24)))
    assert judged["hour"].min() == begun
    assert outages(judged) == []
    known = judged.filter(pl.col("expected").is_not_null())
    # The silent 12th is no day with data: the seventh is the 17th.
    assert known["hour"].min() == datetime(2023, 5, 18)
    unknown = judged.filter(pl.col("expected").is_null())
    assert unknown["why"].unique().to_list() == ["not_judged"]


def test_hours_at_or_after_the_end_of_the_data_have_no_row_and_say_nothing():
    end = datetime(2023, 5, 20, 7)
    judged = judge(station_hours(poisson(30)), data_end=end)
    assert judged["hour"].max() == datetime(2023, 5, 20, 6)
    assert outages(judged) == []
    assert_frame_equal(judge(station_hours(poisson(30), end=end), data_end=end), judged)


def test_what_comes_later_does_not_change_hours_already_judged_healthy():
    whole = judge(station_hours(poisson(12)))
    end = datetime(2023, 5, 15)
    part = judge(station_hours(poisson(12)), data_end=end)
    assert_frame_equal(part, whole.filter(pl.col("hour") < end))


def test_an_outage_that_begins_in_april_goes_on_in_may():
    begin = datetime(2023, 4, 30, 12)
    told = silent(poisson(8), begin, 20)
    assert outages(judge(station_hours(told))) == hours_from(datetime(2023, 5, 1), 8)


def test_rows_of_other_months_and_their_order_do_not_matter():
    hours = station_hours(silent(poisson(6), datetime(2023, 5, 10), 24))
    strangers = hours.with_columns(pl.col("hour") - timedelta(days=61))
    later = hours.filter(pl.col("hour") < datetime(2023, 4, 3)).with_columns(
        pl.col("hour") + timedelta(days=61)
    )
    mixed = pl.concat([strangers, hours, later]).sample(fraction=1, shuffle=True, seed=1)
    assert_frame_equal(judge(mixed, data_end=datetime(2024, 1, 1)), judge(hours))


def test_two_units_do_not_judge_each_other():
    begin = datetime(2023, 5, 10)
    deaf = station_hours(silent(poisson(6), begin, 24))
    well = station_hours(poisson(6, seed=2), unit=("river", "terrestrial", "azov"))
    judged = judge(pl.concat([deaf, well]))
    assert judged.filter("is_outage")["station"].unique().to_list() == ["don"]
    assert_frame_equal(judged.filter(station="don"), judge(deaf))


def test_a_feed_that_falls_silent_is_out_at_all_its_stations_however_small():
    begin = datetime(2023, 5, 10, 12)
    small = [
        station_hours(
            silent(poisson(1.7, seed), begin, 6), unit=("river", "terrestrial", f"s{seed}")
        )
        for seed in range(20)
    ]
    judged = judge(pl.concat(small))
    marked = judged.filter("is_outage")
    assert marked["hour"].unique().sort().to_list() == hours_from(begin, 6)
    # At some stations nothing is usual in some of these hours.
    assert marked.height > 0.8 * 20 * 6
    assert (marked["expected"] > 0).all()
    alone = judge(small[0])
    assert outages(alone) == []


# ------------------------------------------------------------------------------- areas

SEA, COAST = ("sky", "satellite", "sat-1"), ("coast", "terrestrial", "baku")
NAMELESS = ("all", "terrestrial", "")
FLAG_MMSI = {"RUS": 273, "IRN": 422, "AZE": 423, "KAZ": 436}


def heard_there(
    unit: Sequence[str], area: str, flags: dict[str, Told], end: datetime = END
) -> pl.DataFrame:
    """STATION_AREAS of a unit in an area by flag."""
    rows = [
        (*unit, area, flag, hour, told(hour))
        for hour in hours_from(START, int((end - START) / ONE_HOUR))
        for flag, told in flags.items()
        if told(hour)
    ]
    return pl.DataFrame(rows, schema=STATION_AREAS, orient="row")


def hours_of_areas(areas: pl.DataFrame) -> pl.DataFrame:
    """STATION_HOURS that go with STATION_AREAS."""
    count = pl.col("ships")
    is_beacon = pl.col("flag") == health.BEACON
    return (
        areas.group_by(*UNIT, "hour")
        .agg(
            messages=count.sum(),
            beacons=count.filter(is_beacon).sum(),
            ships=count.filter(~is_beacon).sum(),
            delay_s=pl.lit(None, dtype=pl.Int64),
        )
        .select(STATION_HOURS.names())
    )


def out_hours(areas: pl.DataFrame, data_end: datetime = END) -> dict[str, list[datetime]]:
    """Hours of judge_areas, by area."""
    stations = health.judge_stations(hours_of_areas(areas), RULES, MAY, data_end, areas)
    found = health.judge_areas(stations, areas, RULES, MAY, data_end)
    OutageHours.validate(found)
    assert set(found["why"]) <= {"receivers_out"}
    return {
        str(area): rows["hour"].to_list()
        for (area,), rows in found.partition_by("area", as_dict=True).items()
    }


TEN = datetime(2023, 5, 10, 6)


def test_an_area_is_out_when_every_unit_that_usually_hears_it_is():
    deaf = {"RUS": silent(poisson(9), TEN, 12)}
    both = [
        heard_there(SEA, "caspian", deaf),
        heard_there(COAST, "caspian", {"AZE": silent(poisson(9, 2), TEN + 2 * ONE_HOUR, 12)}),
    ]
    assert out_hours(pl.concat(both)) == {"caspian": hours_from(TEN + 2 * ONE_HOUR, 10)}
    well = [both[0], heard_there(COAST, "caspian", {"AZE": poisson(9, 2)})]
    assert out_hours(pl.concat(well)) == {}


def test_a_unit_that_hears_the_area_only_now_and_then_does_not_keep_it_alive():
    deaf = heard_there(COAST, "caspian", {"RUS": silent(poisson(9), TEN, 12)})
    seldom = heard_there(SEA, "caspian", {"RUS": lambda hour: int(hour.day % 5 == 0)})
    far = heard_there(SEA, "volga_don", {"RUS": poisson(20, 3)})
    assert out_hours(pl.concat([deaf, seldom, far])) == {"caspian": hours_from(TEN, 12)}


def test_a_satellite_keeps_an_area_alive_only_in_the_hours_of_its_passes():
    deaf = heard_there(COAST, "caspian", {"RUS": silent(poisson(9), TEN, 12)})
    drawn = poisson(20, 5)
    sky = heard_there(
        SEA, "caspian", {"RUS": lambda hour: drawn(hour) if hour.hour in (8, 9) else 0}
    )
    wanted = [hour for hour in hours_from(TEN, 12) if hour.hour not in (8, 9)]
    assert out_hours(pl.concat([deaf, sky])) == {"caspian": wanted}


def nameless(volga: dict[str, Told]) -> pl.DataFrame:
    """A feed that names no stations and goes on hearing the Caspian."""
    sea = {"RUS": poisson(9, 7), "AZE": poisson(20, 8), "KAZ": poisson(12, 9)}
    return pl.concat(
        [heard_there(NAMELESS, "caspian", sea), heard_there(NAMELESS, "lower_volga", volga)]
    )


def test_a_feed_without_station_names_that_loses_one_area_is_out_there():
    lost = {
        flag: silent(poisson(6, seed), TEN, 30) for seed, flag in enumerate(("RUS", "IRN", "KAZ"))
    }
    assert out_hours(nameless(lost)) == {"lower_volga": hours_from(TEN, 30)}


def test_one_flag_that_falls_silent_together_is_no_outage_of_the_area():
    lost = {"RUS": silent(poisson(20), TEN, 30), "IRN": poisson(4, 2)}
    assert out_hours(nameless(lost)) == {}
    alone = {"RUS": silent(poisson(20), TEN, 30)}
    assert out_hours(nameless(alone)) == {}


def test_one_flag_that_falls_silent_with_the_beacons_is_an_outage_of_the_area():
    lost = {"RUS": silent(poisson(20), TEN, 30), health.BEACON: silent(always(3), TEN, 30)}
    assert out_hours(nameless(lost)) == {"lower_volga": hours_from(TEN, 30)}
    beacons_alive = {"RUS": silent(poisson(20), TEN, 30), health.BEACON: always(3)}
    assert out_hours(nameless(beacons_alive)) == {}


def test_a_station_that_still_hears_other_flags_is_not_out_when_one_flag_falls_silent():
    def judged(*flags: tuple[str, Told]) -> list[datetime]:
        areas = heard_there(COAST, "caspian", dict(flags))
        return outages(health.judge_stations(hours_of_areas(areas), RULES, MAY, END, areas))

    most = ("RUS", silent(poisson(30), TEN, 30))
    assert judged(most, ("IRN", poisson(6, 2))) == []
    # Of a flag alone some ships are still heard: nobody else can tell.
    some = poisson(4, 5)
    few: Told = lambda hour: most[1](hour) or some(hour)  # noqa: E731
    assert judged(("RUS", few)) == []
    assert judged(("RUS", few), ("IRN", silent(poisson(6, 2), TEN, 30))) == hours_from(TEN, 30)
    # Nothing at all is heard.
    assert judged(most) == hours_from(TEN, 30)


def test_an_area_that_nobody_usually_hears_is_never_out():
    assert out_hours(heard_there(SEA, "caspian", {"RUS": lambda hour: int(hour.hour == 3)})) == {}
    none = pl.DataFrame(schema=STATION_AREAS)
    assert out_hours(none) == {}


# ------------------------------------------------------------------------------- many ships lost

EIGHT = datetime(2023, 5, 9, 8)


def lost(
    flag: str, number: int, hours: float | None, at: datetime = EIGHT, first: int = 0
) -> list[dict[str, Any]]:
    """Silences of `number` ships of a flag in the Caspian that begin within 2 h of `at`."""
    rows = []
    for ship in range(first, first + number):
        off_at = at + timedelta(minutes=100 * (ship - first) // number)
        on_at = None if hours is None else at + timedelta(hours=hours)
        mmsi = FLAG_MMSI[flag] * 1_000_000 + ship
        rows.append({"mmsi": mmsi, "off_at": off_at, "on_at": on_at, "off_area": "caspian"})
    return rows


def lost_hours(
    silences: Sequence[dict[str, Any]], heard: dict[str, Told] | None = None, **more: Any
) -> list[datetime]:
    schema = {
        "mmsi": pl.Int32,
        "off_at": pl.Datetime("us"),
        "on_at": pl.Datetime("us"),
        "off_area": pl.String,
    }
    usual = {"RUS": always(20), "IRN": always(10), "AZE": always(10)}
    areas = heard_there(tuple(ANYBODY.values()), "caspian", {**usual, **(heard or {})})
    frame = pl.DataFrame(list(silences), schema=schema)
    month, end = more.get("month", MAY), more.get("data_end", END)
    found = health.find_lost_ships(frame, areas, RULES, month, end)
    OutageHours.validate(found)
    assert set(found["why"]) <= {"ships_lost"}
    assert set(found["area"]) <= {"caspian"}
    return found["hour"].to_list()


def test_many_ships_of_several_flags_lost_at_once_are_an_outage_until_half_are_back():
    early, then = lost("RUS", 9, 6), lost("RUS", 1, 7.5, first=9)
    late = [*lost("IRN", 5, 30), *lost("AZE", 4, 30)]
    # The tenth of nineteen is heard in the eighth hour, which is no whole hour of the outage.
    assert lost_hours([*early, *then, *late]) == hours_from(EIGHT, 7)


def test_one_flags_ships_lost_at_once_are_no_outage():
    assert lost_hours(lost("RUS", 20, 6)) == []
    # A ship of another flag that falls silent by chance does not make it one.
    assert lost_hours([*lost("RUS", 20, 6), *lost("IRN", 1, 6)]) == []
    # Even if it was the only one.
    only = {"IRN": always(1), "AZE": nobody}
    assert lost_hours([*lost("RUS", 20, 6), *lost("IRN", 1, 6)], only) == []
    # Nor do two of forty.
    many = {"IRN": always(40)}
    assert lost_hours([*lost("RUS", 20, 6), *lost("IRN", 2, 6)], many) == []


def test_one_flags_ships_lost_together_with_the_beacons_are_an_outage():
    gone = silent(always(3), EIGHT + ONE_HOUR, 9)
    assert lost_hours(lost("RUS", 20, 6), {health.BEACON: gone}) == hours_from(EIGHT, 6)
    assert lost_hours(lost("RUS", 20, 6), {health.BEACON: always(3)}) == []


def test_an_outage_by_lost_ships_lasts_a_day_at_most():
    for hours in (60, None):
        ships = [*lost("RUS", 6, hours), *lost("IRN", 3, hours), *lost("AZE", 3, hours)]
        assert lost_hours(ships) == hours_from(EIGHT, 24)


def test_it_takes_five_ships_and_three_times_the_usual_number():
    assert lost_hours([*lost("RUS", 2, 6), *lost("IRN", 2, 6)]) == []
    assert lost_hours([*lost("RUS", 3, 6), *lost("IRN", 2, 6)]) == hours_from(EIGHT, 6)
    # In more than one slot of twenty, four ships are lost: usual there.
    often = [
        silence
        for day in range(59)
        for silence in (
            *lost("RUS", 2, 6, START + day * ONE_DAY),
            *lost("IRN", 2, 6, START + day * ONE_DAY),
        )
    ]
    others = [*lost("IRN", 3, 6), *lost("AZE", 3, 6)]
    assert lost_hours([*lost("RUS", 6, 6), *others]) == hours_from(EIGHT, 6)
    assert lost_hours([*often, *lost("RUS", 6, 6), *others]) == []
    thirteen = [*lost("RUS", 7, 6), *others]
    assert lost_hours([*often, *thirteen]) == hours_from(EIGHT, 6)


def test_short_silences_are_no_loss_and_april_is_not_told_in_may():
    for hours, number in ((3.9, 0), (6, 6)):
        ships = [*lost("RUS", 10, hours), *lost("IRN", 5, hours), *lost("AZE", 5, hours)]
        assert lost_hours(ships) == hours_from(EIGHT, number)
    begin = datetime(2023, 4, 30, 20)
    across = [*lost("RUS", 6, 9, begin), *lost("IRN", 5, 9, begin)]
    assert lost_hours(across) == hours_from(datetime(2023, 5, 1), 5)
    assert lost_hours(across, month=APRIL) == hours_from(begin, 4)


def test_beacons_beyond_the_end_of_the_month_are_not_missed():
    begin = datetime(2023, 4, 30, 22)
    ships = lost("RUS", 20, 9, begin)
    assert lost_hours(ships, {health.BEACON: always(3)}, month=APRIL) == []
    # In May it is known what became of them.
    gone = {health.BEACON: silent(always(3), begin, 9)}
    assert lost_hours(ships, gone, month=APRIL) == []
    assert lost_hours(ships, gone) == hours_from(datetime(2023, 5, 1), 7)


# ------------------------------------------------------------------------------- bands

BANDS = BandRules()


def night(
    counts: dict[date, int],
    data_end: datetime,
    read: int = 100_000,
    refused: int = 1_000,
    feeds: dict[str, dict[date, int]] | None = None,
    has_lost_files: bool = False,
) -> health.NightCounts:
    days = pl.DataFrame(list(counts.items()), schema=["date", "sightings"], orient="row")
    by_feed = feeds if feeds is not None else {"river": counts}
    rows = [(feed, day, count) for feed, given in by_feed.items() for day, count in given.items()]
    feed_days = pl.DataFrame(rows, schema=["feed", "date", "messages"], orient="row")
    return health.NightCounts(data_end, days, feed_days, read, refused, has_lost_files)


def days_of(count: int, number: int = 20, first: date = MAY) -> dict[date, int]:
    return {first + day * ONE_DAY: count for day in range(number)}


MIDNIGHT = datetime(2023, 5, 21)
BEFORE = night(days_of(5_000), MIDNIGHT)
NEW_DAY = date(2023, 5, 21)


def after(count: int, **more: Any) -> health.NightCounts:
    """The night after BEFORE, with one more day."""
    return night({**days_of(5_000), NEW_DAY: count}, MIDNIGHT + ONE_DAY, **more)


def test_a_night_like_those_before_is_within_its_bands():
    assert health.check_bands(BEFORE, after(5_200), BANDS) == []
    assert health.warn_bands(BEFORE, after(5_200), BANDS) == []
    assert health.check_bands(None, after(1), BANDS) == []
    assert health.warn_bands(None, after(1), BANDS) == []


@pytest.mark.parametrize(
    ("count", "is_fine"), [(999, False), (1_000, True), (25_000, True), (25_001, False)]
)
def test_a_new_day_below_a_fifth_or_above_five_times_the_median_is_out_of_its_band(count, is_fine):
    found = health.check_bands(BEFORE, after(count), BANDS)
    assert (found == []) is is_fine
    if not is_fine:
        assert found[0].startswith(f"{count:,} sightings on 2023-05-21, usually 5,000: ")


def test_a_new_day_without_any_sighting_is_out_of_its_band():
    later = night({**days_of(5_000), date(2023, 5, 22): 5_000}, MIDNIGHT + 2 * ONE_DAY)
    assert health.check_bands(BEFORE, later, BANDS) == [
        "0 sightings on 2023-05-21, usually 5,000: below 20%"
    ]


def test_a_day_that_is_not_complete_or_not_new_is_not_judged():
    assert (
        health.check_bands(
            BEFORE, night({**days_of(5_000), NEW_DAY: 9}, MIDNIGHT + 9 * ONE_HOUR), BANDS
        )
        == []
    )
    old = night({**days_of(5_000), MAY: 26_000, NEW_DAY: 5_000}, MIDNIGHT + ONE_DAY)
    assert health.check_bands(BEFORE, old, BANDS) == []
    # A day that was cut by the end of the data the night before is new when it is complete.
    cut = night(days_of(5_000), MIDNIGHT - ONE_HOUR)
    last = night({**days_of(5_000, 19), date(2023, 5, 20): 600}, MIDNIGHT, has_lost_files=True)
    assert len(health.check_bands(cut, last, BANDS)) == 1


def test_few_days_or_few_sightings_make_no_band():
    for counts in (days_of(5_000, 6, date(2023, 5, 15)), days_of(999)):
        before = night(counts, MIDNIGHT)
        tonight = night({**counts, NEW_DAY: 1}, MIDNIGHT + ONE_DAY)
        assert health.check_bands(before, tonight, BANDS) == []


def test_a_high_share_of_refused_rows_is_out_of_its_band_only_where_it_is_new():
    half = after(5_000, read=1_000, refused=501)
    assert health.check_bands(BEFORE, half, BANDS) == [
        "501 of 1,000 rows read tonight were refused (50%; before: 1.0%)"
    ]
    assert health.check_bands(BEFORE, after(5_000, read=1_000, refused=500), BANDS) == []
    always_so = night(days_of(5_000), MIDNIGHT, read=1_000, refused=167)
    assert health.check_bands(always_so, half, BANDS) == []
    seldom = night(days_of(5_000), MIDNIGHT, read=1_000, refused=166)
    assert len(health.check_bands(seldom, half, BANDS)) == 1
    assert health.check_bands(BEFORE, after(5_000, read=0, refused=0), BANDS) == []


def test_sightings_that_vanish_though_no_file_did_are_out_of_their_band():
    fewer = {**days_of(5_000, 19), date(2023, 5, 20): 3_999}
    found = health.check_bands(BEFORE, night(fewer, MIDNIGHT), BANDS)
    assert found == [
        "98,999 sightings in all, 100,000 the night before, though no raw file was removed or"
        " replaced"
    ]
    assert health.check_bands(BEFORE, night(fewer, MIDNIGHT, has_lost_files=True), BANDS) == []
    barely = {**days_of(5_000, 19), date(2023, 5, 20): 4_000}
    assert health.check_bands(BEFORE, night(barely, MIDNIGHT), BANDS) == []


def test_a_feed_that_falls_silent_is_a_warning_until_it_is_given_up():
    def feeds(last: date, coast: dict[date, int]) -> dict[str, dict[date, int]]:
        number = (last - MAY).days + 1
        return {"coast": coast, "sky": days_of(90_000, number)}

    coast = days_of(5_000)
    tonight = after(95_000, feeds=feeds(NEW_DAY, coast))
    assert health.warn_bands(BEFORE, tonight, BANDS) == [
        "feed coast: 0 messages on 2023-05-21, usually 5,000: below 20%"
    ]
    assert health.check_bands(BEFORE, after(5_000, feeds=feeds(NEW_DAY, coast)), BANDS) == []
    later = date(2023, 6, 20)
    before = night(days_of(90_000, 50), datetime(2023, 6, 20), feeds=feeds(later - ONE_DAY, coast))
    much_later = night(days_of(90_000, 51), datetime(2023, 6, 21), feeds=feeds(later, coast))
    assert health.warn_bands(before, much_later, BANDS) == []


# ------------------------------------------------------------------------------- a simulated feed


@pytest.mark.long
def test_true_outages_of_a_simulated_feed_are_marked_and_healthy_hours_are_not(tmp_path):
    feed = measure_health.simulate_feed(tmp_path, "caspian", 7, 90)
    for some in (feed, feed.without_beacons()):
        stations, _ = measure_health.judge_feed(some, Rules())
        measured = measure_health.measure(some, stations).filter(receiver="terrestrial")
        healthy = measured.filter(outage="healthy").row(0, named=True)
        assert healthy["marked"] <= 0.002 * healthy["hours"]
        # Forty ships at thirty stations: without beacons nobody can tell.
        if some is feed:
            found = measured.filter(outage="6 to 24 h").row(0, named=True)
            assert found["marked"] >= 0.9 * found["judged"] > 0
