"""What may happen to feeds and fleets, and what METHOD 4 says of it: whole nights (SIMULATED).

The worlds are built by this file alone: ships lie in harbours, and in every hour each is heard with
a chance of its own. Most live in one archive of six weeks, in harbours too far apart to bear
witness for each other: what is asked of one stands beside others of which it is not true.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pipeline.geodesy import KM_PER_NM, geodesic_km
from tests import night
from tests.test_leaving import BLACK_SEA, INSIDE, beyond, clip, exit_point, sail

START = datetime(2021, 3, 29)
DAYS = 42
HOURS = DAYS * 24
HOUR = timedelta(hours=1)
SILENT = slice(700, 820)  # five days that end in May, the third month with data
LOST_FROM = 600  # hours after START from which station "east" is gone
Place = tuple[float, float]
# Each in a cell of half a degree of its own.
WELL, WEAK, LONELY, WINTER, FAR, NEAR, ONLY_EAST = ((49.1 + n, 42.1) for n in range(7))
RUS, AZE, KAZ, TKM = (mid * 1_000_000 for mid in (273, 423, 436, 434))


def hear(chance: float, seed: int, *silences: slice) -> np.ndarray:
    """Return in which hours a ship is heard: in the first and last, and beside each silence."""
    heard = np.random.default_rng(seed).random(HOURS) < chance
    heard[0] = heard[-1] = True
    for silent in silences:
        heard[silent.start - 1] = True
        heard[silent] = False
        if silent.stop < HOURS:
            heard[silent.stop] = True
    return heard


def report(
    mmsi: int,
    heard: np.ndarray,
    place: Place = WELL,
    *,
    sog: float = 0.1,
    station: str = "west",
    receiver: str = "terrestrial",
    message_type: int = 1,
) -> pl.DataFrame:
    """Return a report at one place in every hour heard, seconds after the hour by `mmsi`."""
    at = np.flatnonzero(heard)
    second = np.random.default_rng(mmsi).integers(0, 3590, HOURS)[at]
    return pl.DataFrame(
        {
            "mmsi": [mmsi] * len(at),
            "timestamp": [
                START + int(hour) * HOUR + timedelta(seconds=int(after))
                for hour, after in zip(at, second, strict=True)
            ],
            "longitude": [place[0]] * len(at),
            "latitude": [place[1]] * len(at),
            "sog": [sog] * len(at),
            "receiver": [receiver] * len(at),
            "station": [station] * len(at),
            "message_type": [message_type] * len(at),
        }
    )


def fleet(
    place: Place, chance: float, first: int, ships: int = 8, *silences: slice
) -> list[pl.DataFrame]:
    """Return the reports of ships of one harbour whose sets are always on."""
    return [report(n, hear(chance, n, *silences), place) for n in range(first, first + ships)]


def publish(folder: Path, frame: pl.DataFrame, geo: Path | None = None) -> night.Night:
    night.write_canonical(folder / "raw", "coast", frame)
    return night.run(folder / "raw", folder / "processed", areas=geo)


def gaps_of(found: night.Night, *ships: int, least_h: float = 4.0) -> pl.DataFrame:
    """Return gaps of some ships (all without any) of at least `least_h`, by off time."""
    gaps = found.table("gaps").filter(
        pl.coalesce("duration_h", (pl.col("data_end") - pl.col("off_at")).dt.total_hours())
        >= least_h
    )
    return (gaps.filter(pl.col("mmsi").is_in(ships)) if ships else gaps).sort("off_at", "mmsi")


def only(found: night.Night, ship: int, least_h: float = 72.0) -> dict[str, object]:
    """Return the one long gap of a ship."""
    return gaps_of(found, ship, least_h=least_h).row(0, named=True)


def p_off_of(gap: dict[str, object]) -> float:
    p_off = gap["p_off"]
    assert isinstance(p_off, float)
    return p_off


def total(values: pl.Series) -> float:
    return float(values.fill_null(0.0).sum())


def month_of(found: night.Night, month: datetime, **key: str) -> dict[str, object]:
    """Return the row of gaps of at least 4 h of `monthly_gaps`, over all but `key`."""
    wanted = {"flag": "all", "fleet": "all", "area": "all", "port_group": "all", **key}
    rows = found.table("monthly_gaps").filter(
        pl.col("month") == month.date(), pl.col("at_least_h") == 4, **wanted
    )
    assert rows.height == 1
    return rows.row(0, named=True)


# ------------------------------------------------------------------------------- many harbours

DARK = RUS + 101
LONE = AZE + 1
LAID_UP, TOO_SHORT, MOVED, UNDER_WAY = KAZ + 1, RUS + 401, RUS + 402, RUS + 403
WEEKS = slice(440, 790)  # fourteen days and a half
DARK_AT_LOST = RUS + 501


def harbours() -> pl.DataFrame:
    """Return six weeks of seven harbours."""
    moved = (WINTER[0] + 0.1, WINTER[1])  # 8 km
    late = report(MOVED, hear(0.8, 402), moved).filter(
        pl.col("timestamp") >= START + WEEKS.stop * HOUR
    )
    ships = [
        *fleet(WELL, 0.8, RUS + 110),
        report(DARK, hear(0.8, 101, SILENT)),
        *fleet(WEAK, 0.2, TKM + 1),
        report(LONE, hear(0.8, 1, SILENT), LONELY),
        *fleet(WINTER, 0.8, RUS + 410),
        report(LAID_UP, hear(0.8, 400, WEEKS), WINTER),
        report(TOO_SHORT, hear(0.8, 401, slice(470, 790)), WINTER),
        report(MOVED, hear(0.8, 402, slice(WEEKS.start, HOURS)), WINTER),
        late,
        report(UNDER_WAY, hear(0.8, 403, WEEKS), WINTER, sog=0.6),
        *two_stations(FAR, 0.15, RUS + 510, 8),
        *two_stations(NEAR, 0.4, RUS + 530, 8),
        *two_stations(NEAR, 0.4, DARK_AT_LOST, 1, SILENT),
        *east_alone(ONLY_EAST, RUS + 610, 8),
    ]
    return pl.concat(ships)


def before_the_loss(heard: np.ndarray) -> np.ndarray:
    return heard & (np.arange(HOURS) < LOST_FROM)


def two_stations(
    place: Place, west: float, first: int, ships: int, *silences: slice
) -> list[pl.DataFrame]:
    """Return ships that two stations hear, until the better one is gone."""
    return [
        report(n, heard, place, station=station)
        for n in range(first, first + ships)
        for station, heard in (
            ("west", hear(west, n, *silences)),
            ("east", before_the_loss(hear(0.7, 7_000 + n, *silences))),
        )
    ]


def east_alone(place: Place, first: int, ships: int) -> list[pl.DataFrame]:
    """Return ships that only the station hears that is gone one day."""
    return [
        report(n, before_the_loss(hear(0.8, n)), place, station="east")
        for n in range(first, first + ships)
    ]


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> night.Night:
    return publish(tmp_path_factory.mktemp("usual"), harbours())


# ------------------------------------------------------------------------------- 2: a lost station


def test_the_gaps_after_a_lost_station_are_those_of_reception(usual: night.Night) -> None:
    ships = range(RUS + 510, RUS + 518)
    gaps = gaps_of(usual, *ships)
    lost_at = START + LOST_FROM * HOUR
    before, after = gaps.filter(pl.col("off_at") < lost_at), gaps.filter(pl.col("off_at") > lost_at)
    # Gaps come six times as often an hour, and switch-offs do not.
    assert after.height / (HOURS - LOST_FROM) > 6 * before.height / LOST_FROM
    assert total(after["p_off"]) < 0.005 * after.height
    assert total(after["p_off"]) < total(before["p_off"])
    assert set(after["cause"]) <= {"unobservable", "outage"}
    # What the others receive falls, and what is expected of a ship with it.
    expected, live_h = (total(after[name]) for name in ("expected_receptions", "live_h"))
    assert expected / live_h < 0.4
    expected, live_h = (total(before[name]) for name in ("expected_receptions", "live_h"))
    assert expected / live_h > 1


def test_where_only_the_lost_station_heard_nobody_can_be_judged(usual: night.Night) -> None:
    gaps = gaps_of(usual, *range(RUS + 610, RUS + 618)).filter(~pl.col("is_closed"))
    assert gaps.height == 8
    assert set(gaps["cause"]) <= {"coverage", "unobservable"}
    # Only what is left of the station's last hours can be live.
    assert gaps["live_h"].to_numpy().max() < 2
    assert total(gaps["p_off"]) < 0.5


def test_a_ship_off_where_another_station_still_hears_is_not_excused(usual: night.Night) -> None:
    dark = only(usual, DARK_AT_LOST)
    assert dark["witnesses"] == 8
    assert p_off_of(dark) > 0.5


# ------------------------------------------------------------------------------- 4: a moored fleet


def test_a_moored_fleet_that_is_seldom_heard_is_not_off(usual: night.Night) -> None:
    gaps = gaps_of(usual, *range(TKM + 1, TKM + 9))
    assert gaps.height > 500
    assert gaps["duration_h"].to_numpy().max() > 24
    assert gaps["p_off"].fill_null(0.0).to_numpy().max() < 0.2
    assert total(gaps["p_off"]) < 0.01 * gaps.height
    # Outage: the hours after another station's loss.
    assert set(gaps["cause"]) <= {"coverage", "unobservable", "outage"}
    april = month_of(usual, datetime(2021, 4, 1), flag="TKM")
    assert april["expected_off"] == pytest.approx(
        total(gaps.filter(pl.col("month").dt.month() == 4)["p_off"]), abs=1e-4
    )


def test_a_moored_ship_silent_for_days_among_well_heard_ones_was_off(usual: night.Night) -> None:
    dark = only(usual, DARK)
    assert (dark["cause"], dark["witnesses"]) == ("probable_off", 8)
    assert p_off_of(dark) > 0.95
    others = gaps_of(usual, *range(RUS + 110, RUS + 118))
    assert total(others["p_off"]) < 0.06 * others.height


# ------------------------------------------------------------------------------- 5: winter lay-up


def test_a_ship_laid_up_has_no_probability_and_adds_nothing(usual: night.Night) -> None:
    gap = only(usual, LAID_UP)
    assert gap["cause"] == "laid_up"
    assert (gap["p_off"], gap["p_off_low"], gap["p_off_high"]) == (None, None, None)
    # Its neighbours were heard all the while: it is the cause that keeps it out.
    assert gap["witnesses"] == 9
    april = datetime(2021, 4, 1)
    assert gap["month"] == april.date()
    short = gaps_of(usual, LAID_UP).filter(pl.col("cause") != "laid_up", month=april.date())
    told = month_of(usual, april, flag="KAZ")
    assert told["gaps"] == short.height + 1
    assert told["expected_off"] == pytest.approx(total(short["p_off"]), abs=1e-4)


@pytest.mark.parametrize("ship", [TOO_SHORT, MOVED, UNDER_WAY])
def test_a_ship_that_is_not_laid_up_is_judged(usual: night.Night, ship: int) -> None:
    gap = only(usual, ship)
    assert gap["cause"] == "probable_off"
    assert p_off_of(gap) > 0.95


# ------------------------------------------------------------------------------- 6: a lone ship


def test_a_lone_ship_cannot_be_judged_and_adds_nothing(usual: night.Night) -> None:
    gap = only(usual, LONE)
    assert (gap["cause"], gap["p_off"], gap["live_h"], gap["witnesses"]) == (
        *("unobservable", None),
        *(0.0, 0),
    )
    for month in (datetime(2021, 4, 1), datetime(2021, 5, 1)):
        told = month_of(usual, month, flag="AZE")
        assert (told["expected_off"], told["observable_ship_hours"]) == (0.0, 0.0)
    # The same silence beside others was a switch-off.
    assert only(usual, DARK)["cause"] == "probable_off"


# ------------------------------------------------------------------------------- 1: a doubled feed


def shift(frame: pl.DataFrame, seconds: int) -> pl.DataFrame:
    return frame.with_columns(pl.col("timestamp") + pl.duration(seconds=seconds))


def two_weeks() -> pl.DataFrame:
    """Return two weeks of one harbour and a ship that is off for two days."""
    ships = [*fleet(WELL, 0.6, RUS + 700), report(DARK, hear(0.6, 701, slice(200, 248)))]
    return pl.concat(ships).filter(pl.col("timestamp") < START + timedelta(days=14))


def relayed(frame: pl.DataFrame) -> pl.DataFrame:
    """Return what another feed passes on of the same reports."""
    return frame.with_columns(station=pl.lit("relay"))


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> night.Night:
    return publish(tmp_path_factory.mktemp("single"), two_weeks())


def test_a_doubled_feed_changes_nothing(single: night.Night, tmp_path: Path) -> None:
    """Every row twice, and once more from another feed: one sighting each (METHOD 2)."""
    night.write_canonical(tmp_path / "raw", "second", relayed(two_weeks()))
    doubled = publish(tmp_path, pl.concat([two_weeks(), two_weeks()]))
    assert doubled.table("files")["read"].sum() == 3 * single.table("files")["read"].sum()
    for name in ("gaps", "ship_months", "monthly_gaps"):
        assert doubled.table(name).equals(single.table(name)), name
    assert only(single, DARK, 48)["cause"] == "probable_off"


def test_a_feed_doubled_by_another_clock_changes_no_probability(
    single: night.Night, tmp_path: Path
) -> None:
    """A second apart they are two sightings, but hours are heard or not, and a ship is one."""
    doubled = publish(tmp_path, pl.concat([two_weeks(), relayed(shift(two_weeks(), 1))]))
    one, two = gaps_of(single), gaps_of(doubled)
    assert two["positions_12h_before"].to_list() == [
        2 * count for count in one["positions_12h_before"]
    ]
    assert two["mmsi"].to_list() == one["mmsi"].to_list()
    assert two["witnesses"].to_list() == one["witnesses"].to_list()
    for name in ("p_off", "expected_receptions", "live_h"):
        assert two[name].to_numpy() == pytest.approx(one[name].to_numpy(), rel=0.01, abs=0.01)


def test_a_second_station_with_ears_of_its_own_changes_what_is_expected(
    single: night.Night, tmp_path: Path
) -> None:
    own = [report(n, hear(0.6, 9_000 + n), station="own") for n in range(RUS + 700, RUS + 708)]
    dark = report(DARK, hear(0.6, 9_700, slice(200, 248)), station="own")
    more = pl.concat([*own, dark]).filter(pl.col("timestamp") < START + timedelta(days=14))
    heard_twice = publish(tmp_path, pl.concat([two_weeks(), more]))
    expected = [only(one, DARK, 48)["expected_receptions"] for one in (single, heard_twice)]
    assert expected[1] > 1.2 * expected[0]  # pyright: ignore[reportOperatorIssue]
    assert gaps_of(heard_twice).height < 0.5 * gaps_of(single).height


# ------------------------------------------------------------------------------- 3: no feed

OUTAGE = slice(336, 360)  # a whole UTC day, two weeks in
BEACONS = ((2_734_401, 4), (992_731_001, 21))  # a base station and an aid to navigation
SILENT_HERE = RUS + 110
SILENT_LATER = slice(OUTAGE.stop + 60, OUTAGE.stop + 108)  # of the next ship
ENOUGH = START + timedelta(days=24)


def three_weeks(*silences: slice, beacons: slice | None = None) -> pl.DataFrame:
    """Return a harbour of nine ships that fall silent together, and beacons that may too."""
    ships = fleet(WELL, 0.8, RUS + 110, 9, *silences)
    quiet = () if beacons is None else (beacons,)
    lights = [
        report(mmsi, hear(0.9, mmsi, *quiet), message_type=kind, sog=0.0) for mmsi, kind in BEACONS
    ]
    return pl.concat([*ships, *lights]).filter(pl.col("timestamp") < ENOUGH)


def without(frame: pl.DataFrame, hours: slice, mmsi: int | None = None) -> pl.DataFrame:
    """Return reports without those of some hours, of one MMSI or of all."""
    is_then = (pl.col("timestamp") >= START + hours.start * HOUR) & (
        pl.col("timestamp") < START + hours.stop * HOUR
    )
    return frame.filter(~(is_then & (True if mmsi is None else pl.col("mmsi") == mmsi)))


@pytest.fixture(scope="module")
def all_well(tmp_path_factory: pytest.TempPathFactory) -> night.Night:
    """One ship alone is silent on the day of the outage, and another for two days after it."""
    frame = without(without(three_weeks(), OUTAGE, SILENT_HERE), SILENT_LATER, SILENT_HERE + 1)
    return publish(tmp_path_factory.mktemp("all_well"), frame)


def test_a_day_without_any_feed_is_an_outage_of_all(all_well: night.Night, tmp_path: Path) -> None:
    frame = without(without(three_weeks(), OUTAGE), SILENT_LATER, SILENT_HERE + 1)
    found = publish(tmp_path, frame)
    marked = found.table("outage_hours").filter(pl.col("why") == "receivers_out")
    assert marked["hour"].to_list() == [START + hour * HOUR for hour in range(336, 360)]
    spans = gaps_of(found, least_h=24).filter(pl.col("off_at") < START + OUTAGE.start * HOUR)
    assert spans.height == 9
    # Who was not heard for hours on either side was silent for longer than the outage explains.
    is_short = spans["duration_h"] < 28
    assert set(spans.filter(is_short)["cause"]) == {"outage"}
    assert spans.filter(is_short).height >= 7
    assert spans.filter(is_short)["p_off"].null_count() == is_short.sum()
    assert total(spans["p_off"]) < 0.2
    assert spans["live_h"].to_numpy().max() < 6
    # Another day's switch-off is still found.
    assert p_off_of(only(found, SILENT_HERE + 1, 48)) > 0.9
    usual = gaps_of(all_well)
    assert only(all_well, SILENT_HERE, 24)["cause"] == "probable_off"
    assert p_off_of(only(all_well, SILENT_HERE, 24)) > 0.8
    assert all_well.table("outage_hours").is_empty()
    assert total(gaps_of(found)["p_off"]) < total(usual["p_off"]) + 0.2


# ------------------------------------------------------------------------------- 7: only beacons


@pytest.mark.parametrize("hours", [20, 120])
def test_where_all_fall_silent_while_beacons_are_heard_sets_are_off(
    tmp_path: Path, hours: int
) -> None:
    found = publish(tmp_path, three_weeks(slice(336, 336 + hours)))
    assert found.table("outage_hours").is_empty()
    gaps = gaps_of(found, least_h=hours - 2)
    assert gaps.height == 9
    assert gaps["live_h"].to_numpy().min() > hours - 10
    # For a day nine ships more likely were badly heard together than all off; for five days not.
    assert set(gaps["cause"]) == {"coverage" if hours == 20 else "probable_off"}


def test_where_beacons_fall_silent_too_nobody_is_judged_off(tmp_path: Path) -> None:
    found = publish(tmp_path, three_weeks(slice(336, 456), beacons=slice(336, 456)))
    gaps = gaps_of(found, least_h=100)
    assert gaps.height == 9
    assert set(gaps["cause"]) == {"outage"}
    assert gaps["p_off"].null_count() == 9


# ------------------------------------------------------------------------------- 8: by Azov

AWAY, TURNED, DEEP, FAR_OUT = KAZ + 20, RUS + 820, TKM + 20, AZE + 20
TWENTY_DAYS = timedelta(days=20)
LEFT_AT = START + timedelta(days=2)
BAY, CASPIAN = (38.6, 46.9), (50.7, 40.8)  # where fleets lie


def sailing(mmsi: int, start: datetime, *points: Place) -> pl.DataFrame:
    """Return the reports of a ship under way, as `report` writes them."""
    return sail(list(points), start).with_columns(
        mmsi=pl.lit(mmsi, pl.Int64),
        receiver=pl.lit("terrestrial"),
        station=pl.lit("west"),
        message_type=pl.lit(1, pl.Int64),
    )


def by_azov() -> pl.DataFrame:
    """Return four weeks with ships that leave by Azov, seem to, and come back elsewhere."""
    inside, exit_at = INSIDE["exit_azov"], exit_point("exit_azov")
    outside, again = beyond(inside, exit_at), LEFT_AT + TWENTY_DAYS
    ships = [
        clip(sailing(AWAY, LEFT_AT, inside, outside)),
        clip(sailing(AWAY, again, outside, inside)),
        report(AWAY, hear(1.0, 1), BAY)
        .with_columns(cog=pl.lit(0.0))
        .filter(pl.col("timestamp") > again + 27 * HOUR),
        # Towards the Don: no exit lies ahead.
        sailing(TURNED, LEFT_AT, exit_at, inside),
        sailing(TURNED, again, (38.7, 46.95), (38.9, 46.9)),
        sailing(DEEP, LEFT_AT, inside, exit_at),
        sailing(DEEP, again, (50.6, 40.6), CASPIAN),
    ]
    fleets = [*fleet(BAY, 0.8, RUS + 110), *fleet(CASPIAN, 0.8, RUS + 120)]
    return together(fleets, ships, again + timedelta(days=4))


def together(fleets: list[pl.DataFrame], ships: list[pl.DataFrame], end: datetime) -> pl.DataFrame:
    """Return the reports of ships that lie and of ships that sail, until `end`."""
    lying = pl.concat(fleets).with_columns(cog=pl.lit(0.0))
    frame = pl.concat([lying, *(ship.select(lying.columns) for ship in ships)])
    return frame.filter(pl.col("timestamp") < end)


@pytest.fixture(scope="module")
def azov(tmp_path_factory: pytest.TempPathFactory) -> night.Night:
    return publish(tmp_path_factory.mktemp("azov"), by_azov(), night.GEO)


def test_a_ship_that_leaves_by_azov_is_in_no_count(azov: night.Night) -> None:
    gap = gaps_of(azov, AWAY).row(0, named=True)
    assert (gap["cause"], gap["p_off"]) == ("left_region", None)
    assert gap["duration_h"] > 24 * 18
    march = month_of(azov, datetime(2021, 3, 1), flag="KAZ")
    april = month_of(azov, datetime(2021, 4, 1), flag="KAZ")
    counts = ("gaps", "open_gaps", "left_region", "expected_off")
    assert [march[name] for name in counts] == [0, 0, 1, 0.0]
    assert [april[name] for name in counts] == [0, 0, 0, 0.0]
    hours = sum(float(month["ship_hours"]) for month in (march, april))  # pyright: ignore[reportArgumentType]
    assert hours < 4 * 24 + 20


def test_a_ship_silent_as_long_that_did_not_leave_is_judged(azov: night.Night) -> None:
    gap = only(azov, TURNED)
    assert (gap["cause"], gap["witnesses"]) == ("probable_off", 8)
    assert p_off_of(gap) > 0.8


def test_off_at_an_exit_and_on_deep_inside_is_a_gap_of_few_live_hours(azov: night.Night) -> None:
    """Its way is a line over land: only where it comes near the fleet can anybody be heard."""
    gap = only(azov, DEEP)
    assert gap["cause"] in {"unobservable", "coverage", "unexplained", "probable_off"}
    assert gap["duration_h"] > 24 * 19  # pyright: ignore[reportOperatorIssue]
    assert 0 < gap["live_h"] < 48  # pyright: ignore[reportOperatorIssue]
    assert month_of(azov, datetime(2021, 3, 1), flag="TKM")["gaps"] == 1


def test_hours_in_which_a_ship_must_be_outside_are_not_live(tmp_path: Path) -> None:
    """Off inside and on in the Black Sea: at 30 kn the way there from the exit takes hours."""
    exit_at = exit_point("exit_azov")
    back = LEFT_AT + timedelta(days=3)
    ships = [
        sailing(FAR_OUT, LEFT_AT, exit_at, INSIDE["exit_azov"]),
        sailing(FAR_OUT, back, BLACK_SEA, (33.2, 44.1)),
    ]
    heard = {mmsi: hear(0.8, mmsi) for mmsi in range(RUS + 120, RUS + 128)}
    space = [report(n, one, CASPIAN, receiver="satellite") for n, one in heard.items()]
    found = publish(tmp_path, together(space, ships, back + timedelta(days=4)), night.GEO)
    gap = only(found, FAR_OUT, 48)
    outside_h = float(geodesic_km(*exit_at, *BLACK_SEA)) / KM_PER_NM / 30
    assert outside_h > 8
    assert gap["on_is_outside"]
    assert gap["live_h"] < gap["duration_h"] - outside_h + 1  # pyright: ignore[reportOperatorIssue]
