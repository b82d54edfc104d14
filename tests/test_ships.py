"""Identity, flag, fleet and the dated registry (METHOD 2)."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pipeline.errors import ConfigError
from pipeline.fleet import fleet_at, fleet_of, has_share
from pipeline.registry import no_registry, read_registry
from pipeline.rules import ShipRules
from pipeline.schema import FLEETS, ShipRegistry, Ships, Statics, conform, polars_schema
from pipeline.ships import (
    CODES_WITHOUT_MID,
    flag_at,
    high_speed_mmsis,
    identify_ships,
    imo_is_valid,
    known_flags,
    mid_countries,
    mid_flag,
    sum_up_statics,
    trust_imos,
    tug_mmsis,
)

RULES = ShipRules()
DAY_1 = datetime(2023, 5, 1, 6)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
RUSSIAN, IRANIAN = 273_123_450, 422_111_000
IMO, OTHER_IMO, WRONG_IMO = 9_074_729, 8_888_874, 9_074_720
HEADER = "mmsi,imo,valid_from,valid_to,flag,fleet,source,analyst"
LIBAIS = Path(__file__).parents[2] / "shared" / "data" / "ref" / "libais_mid.csv"


def statics(*rows: dict[str, Any]) -> pl.DataFrame:
    """Return schema.Statics: one report of class A a row unless told otherwise."""
    usual = {"mmsi": RUSSIAN, "first_at": DAY_1, "reports": 1, "ais_class": "A"}
    told = [{"last_at": row.get("first_at", DAY_1), **usual, **row} for row in rows]
    return pl.DataFrame(told, schema=polars_schema(Statics))


def daily(reports_by_day: list[int], **values: Any) -> list[dict[str, Any]]:
    """Return one row a day with that many reports of the same values."""
    return [
        {"first_at": DAY_1 + number * DAY, "reports": reports, **values}
        for number, reports in enumerate(reports_by_day)
    ]


def mmsis(*numbers: int) -> pl.DataFrame:
    return pl.DataFrame({"mmsi": numbers}, schema={"mmsi": pl.Int32})


def port_stays(groups: str, mmsi: int = RUSSIAN) -> pl.DataFrame:
    """Return one stay a day, at the port groups named by letters."""
    schema = {
        "mmsi": pl.Int32,
        "port_group": pl.String,
        "arrived_at": pl.Datetime("us"),
        "left_at": pl.Datetime("us"),
        "sightings": pl.Int64,
    }
    stays = [
        (mmsi, group, DAY_1 + number * DAY, DAY_1 + number * DAY + 5 * HOUR, 9)
        for number, group in enumerate(groups)
    ]
    return pl.DataFrame(stays, schema=schema, orient="row")


def registry(*rows: dict[str, Any]) -> pl.DataFrame:
    told = [{"source": "a test", **row} for row in rows]
    return pl.DataFrame(told, schema=polars_schema(ShipRegistry))


def identify(
    rows: pl.DataFrame,
    seen: pl.DataFrame | None = None,
    listed: pl.DataFrame | None = None,
    stays: pl.DataFrame | None = None,
) -> pl.DataFrame:
    seen = mmsis() if seen is None else seen
    listed = no_registry() if listed is None else listed
    stays = port_stays("") if stays is None else stays
    return identify_ships(sum_up_statics(rows), seen, listed, stays, RULES)


def ship(rows: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """Return the one ship these static reports make."""
    return identify(statics(*rows), **more).row(0, named=True)


# ------------------------------------------------------------------------------ IMO numbers


@given(st.integers(-10, 10_000_100))
def test_the_check_digit_agrees_with_an_independent_loop(number: int) -> None:
    digits = str(number)
    expected = (
        len(digits) == 7
        and digits[0] != "0"
        and sum(int(d) * w for d, w in zip(digits, (7, 6, 5, 4, 3, 2), strict=False)) % 10
        == int(digits[6])
    )
    frame = pl.DataFrame({"imo": [number]}, schema={"imo": pl.Int64})
    assert frame.select(imo_is_valid(pl.col("imo"))).item() is expected


def test_known_imo_numbers_are_told_from_wrong_ones() -> None:
    numbers = pl.Series("imo", [IMO, WRONG_IMO, 907_472, None, 0, 12_345_670], pl.Int64)
    valid = numbers.to_frame().select(imo_is_valid(pl.col("imo"))).to_series()
    assert valid.to_list() == [True, False, False, False, False, False]


# --------------------------------------------------------------------------------- identity


def test_an_imo_number_in_three_reports_on_two_days_names_the_ship() -> None:
    found = ship(daily([2, 1], imo=IMO))
    assert (found["ship_id"], found["imo"]) == (f"imo:{IMO}", IMO)


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("two reports are too few", daily([1, 1], imo=IMO)),
        ("one day is too few", daily([500], imo=IMO)),
        ("the check digit is wrong", daily([50, 50], imo=WRONG_IMO)),
        ("one in nine says another", daily([4, 4], imo=IMO) + daily([1], imo=OTHER_IMO)),
        ("one in nine says a wrong one", daily([4, 4], imo=IMO) + daily([1], imo=WRONG_IMO)),
        ("one in nine leaves it out", daily([4, 4], imo=IMO) + daily([1], destination="OLYA")),
        ("class B has no such field", daily([5, 5], imo=IMO, ais_class="B")),
        ("nothing was said", daily([5, 5], name="VOLGA")),
    ],
)
def test_an_imo_number_is_not_trusted_where(why: str, rows: list[dict[str, Any]]) -> None:
    found = ship(rows)
    assert (found["ship_id"], found["imo"]) == (f"mmsi:{RUSSIAN}", None), why


def test_a_class_b_report_with_a_voyage_field_counts_neither_for_nor_against() -> None:
    rows = daily([5, 5], imo=IMO) + daily([5, 5], imo=OTHER_IMO, ais_class="B")
    assert ship(rows)["imo"] == IMO


def test_two_reports_in_one_day_are_one_day() -> None:
    rows = [{"imo": IMO, "first_at": DAY_1 + n * HOUR, "draught_m": n + 1.0} for n in range(4)]
    assert ship(rows)["imo"] is None


def test_of_two_numbers_that_a_loose_rule_trusts_the_one_sent_more_often_stands() -> None:
    loose = ShipRules(imo_min_share=0.3)
    rows = statics(*daily([5, 5], imo=IMO), *daily([4, 4], imo=OTHER_IMO))
    assert trust_imos(sum_up_statics(rows), loose)["imo"].to_list() == [IMO]
    even = statics(*daily([5, 5], imo=IMO), *daily([5, 5], imo=OTHER_IMO))
    assert trust_imos(sum_up_statics(even), loose)["imo"].to_list() == [OTHER_IMO]


@given(st.integers(1, 400), st.integers(1, 9), st.integers(1, 5))
def test_the_limit_of_a_share_is_included_whatever_the_frame(
    tenths: int, of_ten: int, height: int
) -> None:
    whole, part, share = tenths * 10, tenths * of_ten, of_ten / 10
    frame = pl.DataFrame({"whole": [whole] * height, "part": [part] * height})
    enough = frame.select(
        limit=has_share(pl.col("part"), pl.col("whole"), share),
        limit_of_one=has_share(pl.col("part"), pl.lit(whole), share),
        below=has_share(pl.col("part") - 1, pl.col("whole"), share),
    )
    assert enough.unique().rows() == [(True, True, False)]


def test_nine_reports_of_ten_are_enough() -> None:
    rows = daily([8, 1], imo=IMO) + daily([1], eta="05-02 12:00")
    assert ship(rows)["imo"] == IMO


def test_the_days_are_days_on_which_the_number_itself_was_sent() -> None:
    rows = daily([20], imo=IMO) + daily([0, 1], destination="OLYA")[1:]
    assert ship(rows)["imo"] is None


@pytest.mark.parametrize(
    "silent",
    [
        {"ais_class": "B", "name": "VOLGA"},
        {"ais_class": "B", "destination": "OLYA"},
        {"ais_class": "A", "name": "VOLGA"},
        {"ais_class": None, "name": "VOLGA", "destination": "OLYA"},
        {"ais_class": "A", "ship_type": 70, "length_m": 139.5},
    ],
)
def test_reports_that_cannot_carry_an_imo_number_do_not_count_against_it(
    silent: dict[str, Any],
) -> None:
    assert ship(daily([2, 1], imo=IMO) + daily([900, 900], **silent))["imo"] == IMO


def test_two_mmsis_with_one_imo_number_are_one_ship_that_changed_its_flag() -> None:
    rows = daily([5, 5], imo=IMO) + daily([5, 5], imo=IMO, mmsi=IRANIAN)
    found = identify(statics(*rows))
    assert found["ship_id"].to_list() == [f"imo:{IMO}"] * 2
    assert found["flag"].to_list() == ["RUS", "IRN"]


def test_every_mmsi_gets_one_row_with_or_without_static_reports() -> None:
    found = identify(statics({"mmsi": 436_000_001}), mmsis(IRANIAN, RUSSIAN, RUSSIAN))
    assert found["mmsi"].to_list() == [RUSSIAN, IRANIAN, 436_000_001]
    assert found["fleet"].to_list() == ["unknown"] * 3
    assert found.schema == polars_schema(Ships)


def test_an_archive_without_anything_gives_no_ship() -> None:
    assert_frame_equal(identify(statics()), pl.DataFrame(schema=polars_schema(Ships)))


def test_values_are_those_sent_most_often_by_reports_not_by_rows() -> None:
    rows = [
        *daily([1, 1], ship_type=70, length_m=100.0, beam_m=12.0),
        {"reports": 9, "ship_type": 80, "length_m": 139.5, "beam_m": 16.5},
        {"reports": 900},
    ]
    found = ship(rows)
    assert (found["ship_type"], found["length_m"], found["beam_m"]) == (80, 139.5, 16.5)


def test_of_values_sent_equally_often_the_smallest_stands() -> None:
    rows = [{"ship_type": 80, "length_m": 139.5}, {"ship_type": 70, "length_m": 90.0}]
    found = ship(rows)
    assert (found["ship_type"], found["length_m"]) == (70, 90.0)


def test_name_and_call_sign_are_the_last_ones_each_for_itself() -> None:
    rows = [
        {"last_at": DAY_1, "name": "OLD", "callsign": "UABC"},
        {"last_at": DAY_1 + DAY, "name": "ZULU"},
        {"last_at": DAY_1 + DAY, "name": "NEW"},
        {"last_at": DAY_1 + 2 * DAY},
    ]
    found = ship(rows)
    assert (found["name"], found["callsign"]) == ("NEW", "UABC")


def test_position_reports_vote_for_the_class() -> None:
    said = pl.DataFrame(
        {"mmsi": [RUSSIAN, RUSSIAN, IRANIAN], "ais_class": ["B", None, "B"]},
        schema={"mmsi": pl.Int32, "ais_class": pl.String},
    )
    rows = statics({"reports": 2})
    assert identify(rows, said)["ais_class"].to_list() == ["A", "B"]
    weighed = said.with_columns(reports=pl.lit(3))
    assert identify(rows, weighed)["ais_class"].to_list() == ["B", "B"]


HOSTILE = [
    '=cmd()|" /C calc"!A0',
    "'; drop table ships; --",
    "<script>x</script>",
    "A\nB",
    "\u202eABC",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_typed_in_by_strangers_pass_through_unread(name: str) -> None:
    found = ship([{"name": name, "callsign": name, "imo": 1, "destination": name}])
    assert (found["name"], found["callsign"], found["fleet"]) == (name, name, "unknown")


static_rows = st.fixed_dictionaries(
    {
        "mmsi": st.sampled_from([RUSSIAN, IRANIAN]),
        "first_at": st.sampled_from([DAY_1, DAY_1 + HOUR, DAY_1 + DAY]),
        "reports": st.integers(1, 3),
        "ais_class": st.sampled_from(["A", "A", "B", None]),
        "imo": st.sampled_from([IMO, IMO, OTHER_IMO, WRONG_IMO, None]),
        "name": st.sampled_from(["VOLGA", "DON", None]),
        "ship_type": st.sampled_from([70, 80, 52, None]),
        "length_m": st.sampled_from([90.0, 139.5, None]),
        "eta": st.sampled_from(["05-02 12:00", None]),
    }
)


@settings(max_examples=40, deadline=None)
@given(st.lists(static_rows, max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows: list[dict[str, Any]], random: Any) -> None:
    shuffled = random.sample(rows, len(rows))
    stays = pl.concat([port_stays("ABABABABABC"), port_stays("BABA", mmsi=IRANIAN)])
    listed = registry({"mmsi": RUSSIAN, "flag": "PAN"}, {"imo": IMO, "fleet": "ferry"})
    one = identify(statics(*rows), mmsis(RUSSIAN, IRANIAN), listed, stays)
    again = identify(statics(*shuffled), mmsis(IRANIAN, RUSSIAN), listed.reverse(), stays.reverse())
    assert_frame_equal(one, again)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(static_rows, st.integers(0, 3)), max_size=10))
def test_reports_summed_up_in_heaps_name_the_ships_that_all_reports_name(
    drawn: list[tuple[dict[str, Any], int]],
) -> None:
    heaps = [statics(*(row for row, heap in drawn if heap == number)) for number in range(4)]
    sums = pl.concat([sum_up_statics(heap) for heap in heaps])
    at_once = sum_up_statics(statics(*(row for row, _ in drawn)))
    for share in (0.3, 0.9):
        rules = ShipRules(imo_min_share=share)
        given = (mmsis(RUSSIAN, IRANIAN), no_registry(), port_stays("ABABABABABC"), rules)
        assert_frame_equal(identify_ships(sums, *given), identify_ships(at_once, *given))
    assert high_speed_mmsis(sums).equals(high_speed_mmsis(at_once))
    assert tug_mmsis(sums).equals(tug_mmsis(at_once))


# ------------------------------------------------------------------------------------- flag


@pytest.mark.parametrize(
    ("mmsi", "flag"),
    [
        (273_000_001, "RUS"),
        (422_000_001, "IRN"),
        (423_000_001, "AZE"),
        (436_000_001, "KAZ"),
        (434_000_001, "TKM"),
        (374_000_001, "PAN"),
        (471_000_001, "ARE"),
        (550_000_001, "TLS"),
        (255_000_001, "PRT"),
        (303_000_001, "USA"),
        (236_000_001, "GIB"),
        (231_000_001, "FRO"),
        (477_000_001, "HKG"),
        (453_000_001, "MAC"),
        (310_000_001, "BMU"),
        (311_000_001, "BHS"),
        (608_000_001, "SHN"),
        (618_000_001, "ATF"),
        (501_000_001, "FRA"),
        (306_000_001, "CUW"),
    ],
)
def test_a_flag_is_the_country_of_the_first_three_digits(mmsi: int, flag: str) -> None:
    assert mmsis(mmsi).select(mid_flag(pl.col("mmsi"))).item() == flag


@pytest.mark.parametrize(
    "mmsi", [200_000_001, 799_000_001, 982_732_731, 2_733_333, 111_273_000, 27_312_345, 0]
)
def test_an_unknown_or_auxiliary_id_has_no_flag(mmsi: int) -> None:
    assert mmsis(mmsi).select(mid_flag(pl.col("mmsi"))).item() is None


def test_the_table_of_mids_is_whole() -> None:
    table = mid_countries()
    assert table["mid"].is_sorted() and table["mid"].n_unique() == len(table) == 292
    assert table["mid"].is_between(201, 775).all()
    assert table.null_count().sum_horizontal().item() == 0
    assert table["country"].str.contains("^[A-Z]{3}$").all()
    assert not set(table["country"]) & set(CODES_WITHOUT_MID)
    assert len(known_flags()) == 249


def test_every_mid_of_libais_is_in_the_table() -> None:
    if not LIBAIS.exists():
        pytest.skip("the list of libais lies beside the repository, and is not here")
    with LIBAIS.open(encoding="utf-8", newline="") as file:
        theirs = {int(row["prefix"]) for row in csv.DictReader(file)}
    assert theirs <= set(mid_countries()["mid"])


def flags_on(listed: pl.DataFrame, *days: datetime, imo: int | None = None) -> list[str | None]:
    rows = [(RUSSIAN, imo, day) for day in days]
    schema = {"mmsi": pl.Int32, "imo": pl.Int64, "off_at": pl.Datetime("us")}
    return flag_at(pl.DataFrame(rows, schema=schema, orient="row"), "off_at", listed)[
        "flag"
    ].to_list()


def test_a_flag_is_the_one_at_the_off_point() -> None:
    listed = registry(
        {"mmsi": RUSSIAN, "valid_from": DAY_1, "valid_to": DAY_1 + DAY, "flag": "PAN"},
        {"mmsi": RUSSIAN, "valid_from": DAY_1 + DAY, "flag": "CUB"},
    )
    last_moment = DAY_1 + DAY - timedelta(microseconds=1)
    found = flags_on(listed, DAY_1 + 5 * DAY, DAY_1, DAY_1 - HOUR, last_moment, DAY_1 + DAY)
    assert found == ["CUB", "PAN", "RUS", "PAN", "CUB"]


def test_an_entry_for_the_mmsi_comes_before_one_for_the_imo_number() -> None:
    listed = registry(
        {"imo": IMO, "flag": "PAN"},
        {"mmsi": RUSSIAN, "valid_from": DAY_1 + DAY, "flag": "CUB"},
    )
    assert flags_on(listed, DAY_1, DAY_1 + DAY, imo=IMO) == ["PAN", "CUB"]
    assert flags_on(listed, DAY_1, DAY_1 + DAY) == ["RUS", "CUB"]


def test_an_entry_of_a_fleet_leaves_the_flag_alone() -> None:
    listed = registry({"mmsi": RUSSIAN, "fleet": "naval"}, {"imo": IMO, "flag": "PAN"})
    assert flags_on(listed, DAY_1, imo=IMO) == ["PAN"]


def test_two_entries_that_hold_at_once_are_an_error_and_not_two_rows() -> None:
    listed = registry({"mmsi": RUSSIAN, "flag": "PAN"}, {"mmsi": RUSSIAN, "flag": "CUB"})
    with pytest.raises(pl.exceptions.ComputeError):
        flags_on(listed, DAY_1)


def test_the_ships_table_shows_what_still_holds() -> None:
    ended = {"mmsi": RUSSIAN, "valid_to": DAY_1, "flag": "PAN", "fleet": "naval"}
    holds = {"mmsi": IRANIAN, "valid_from": DAY_1, "flag": "CUB", "fleet": "ferry"}
    found = identify(statics(), mmsis(RUSSIAN, IRANIAN), registry(ended, holds))
    assert found["flag"].to_list() == ["RUS", "CUB"]
    assert found["fleet"].to_list() == ["unknown", "ferry"]


# ---------------------------------------------------------------------------------- registry


def write_registry(tmp_path: Path, *lines: str, header: str = HEADER) -> Path:
    path = tmp_path / "registry.csv"
    path.write_text("\n".join((header, *lines)) + "\n", encoding="utf-8")
    return path


def test_a_registry_is_read_with_its_instants_in_utc(tmp_path: Path) -> None:
    path = write_registry(
        tmp_path,
        f"{RUSSIAN},,2023-05-01,2023-06-01T06:30:00Z,PAN,,Equasis,AB",
        "",
        f',{IMO},2023-05-01 06:00+00:00,,,merchant,"ro-ro, ""listed""\nby hand",',
    )
    found = read_registry(path)
    assert found.schema == polars_schema(ShipRegistry)
    assert found["valid_from"].to_list() == [datetime(2023, 5, 1), datetime(2023, 5, 1, 6)]
    assert found["valid_to"].to_list() == [datetime(2023, 6, 1, 6, 30), None]
    assert found["flag"].to_list() == ["PAN", None]
    assert found["fleet"].to_list() == [None, "merchant"]
    assert found["source"].to_list() == ["Equasis", 'ro-ro, "listed"\nby hand']
    assert found["analyst"].to_list() == ["AB", None]


def test_a_registry_with_a_header_alone_says_nothing(tmp_path: Path) -> None:
    assert_frame_equal(read_registry(write_registry(tmp_path)), no_registry())


def test_a_territory_without_a_mid_is_a_flag(tmp_path: Path) -> None:
    found = read_registry(write_registry(tmp_path, f"{RUSSIAN},,,,IMN,,Equasis,"))
    assert found["flag"].to_list() == ["IMN"]


@pytest.mark.parametrize(
    ("line", "column", "found", "expected"),
    [
        (",,,,RUS,,s,", "mmsi", "''", "either an mmsi or an imo"),
        (f"{RUSSIAN},{IMO},,,RUS,,s,", "mmsi", f"'{RUSSIAN}'", "not both"),
        ("982732731,,,,RUS,,s,", "mmsi", "'982732731'", "nine digits of a ship"),
        ("٢٧٣١٢٣٤٥٠,,,,RUS,,s,", "mmsi", "'٢٧٣١٢٣٤٥٠'", "nine digits of a ship"),
        (f",{WRONG_IMO},,,RUS,,s,", "imo", f"'{WRONG_IMO}'", "right check digit"),
        (f"{RUSSIAN},,,,,,s,", "flag", "''", "a flag or a fleet"),
        (f"{RUSSIAN},,,,rus,,s,", "flag", "'rus'", "alpha-3"),
        (f"{RUSSIAN},,,,XYZ,,s,", "flag", "'XYZ'", "alpha-3"),
        (f"{RUSSIAN},,,,,pirates,s,", "fleet", "'pirates'", ", ".join(FLEETS)),
        (f"{RUSSIAN},,,,RUS,,,AB", "source", "''", "where the entry comes from"),
        (f"{RUSSIAN},,01.05.2023,,RUS,,s,", "valid_from", "'01.05.2023'", "UTC"),
        (f"{RUSSIAN},,,2023-02-30,RUS,,s,", "valid_to", "'2023-02-30'", "UTC"),
        (f"{RUSSIAN},,2023-05-01T00:00+03:30,,RUS,,s,", "valid_from", "'2023-05-01T00", "UTC"),
        (f"{RUSSIAN},,2023-05-01,2023-05-01,RUS,,s,", "valid_to", "'2023-05-01'", "after"),
        (f"{RUSSIAN},,,,RUS,,s", "all", "7", "8 cells"),
    ],
)
def test_a_registry_names_line_and_column_of_what_it_refuses(
    tmp_path: Path, line: str, column: str, found: str, expected: str
) -> None:
    path = write_registry(tmp_path, f',{OTHER_IMO},,,RUS,,"two\nlines",', line)
    with pytest.raises(ConfigError) as error:
        read_registry(path)
    text = str(error.value)
    assert f"line 4, column {column}: found {found}" in text and expected in text
    assert "\n" not in text


@pytest.mark.parametrize("header", ["", "mmsi,flag", HEADER + ",note", HEADER + ",flag"])
def test_a_registry_with_another_header_is_refused(tmp_path: Path, header: str) -> None:
    with pytest.raises(ConfigError, match="line 1, column header"):
        read_registry(write_registry(tmp_path, header=header))


@pytest.mark.parametrize("content", [b"\xff\xfe", HEADER.encode() + b'\n"273', None])
def test_a_registry_that_cannot_be_read_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "registry.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match="ship registry"):
        read_registry(path)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("", ""), ("", "")),
        (("2023-01-01", "2023-06-01"), ("2023-05-31T23:59:59", "")),
        (("2023-03-01", "2023-04-01"), ("", "")),
        (("2023-03-01", ""), ("2024-01-01", "2024-02-01")),
    ],
)
def test_overlapping_intervals_of_one_ship_are_refused(
    tmp_path: Path, first: tuple[str, str], second: tuple[str, str]
) -> None:
    lines = [
        f"{RUSSIAN},,{start},{end},{flag},,s,"
        for (start, end), flag in ((first, "PAN"), (second, "CUB"))
    ]
    with pytest.raises(ConfigError, match=r"line [23], .* no overlap .* in line [23]"):
        read_registry(write_registry(tmp_path, *lines))


def test_intervals_that_touch_and_other_ships_are_no_overlap(tmp_path: Path) -> None:
    lines = [
        f"{RUSSIAN},,2023-06-01,,CUB,,s,",
        f"{RUSSIAN},,,2023-06-01,PAN,,s,",
        f"{IRANIAN},,,,CUB,,s,",
        f",{IMO},,,CUB,,s,",
        f",{OTHER_IMO},,,CUB,,s,",
    ]
    assert len(read_registry(write_registry(tmp_path, *lines))) == 5


# ------------------------------------------------------------------------------------- fleet

TRUSTED = {"imo": IMO, "eta": "05-02 12:00"}


def fleet(stays: str = "", listed: pl.DataFrame | None = None, **values: Any) -> str:
    """Return the fleet of a ship that sends these values."""
    found = ship(daily([5, 5], **values), stays=port_stays(stays), listed=listed)
    return found["fleet"]


@pytest.mark.parametrize(
    ("expected", "values"),
    [
        ("merchant", {"ship_type": 70, **TRUSTED}),
        ("merchant", {"ship_type": 89, **TRUSTED}),
        ("unknown", {"ship_type": 69, **TRUSTED}),
        ("unknown", {"ship_type": 90, **TRUSTED}),
        ("unknown", {"ship_type": 79}),
        ("unknown", {"ship_type": 79, "imo": WRONG_IMO}),
        ("class_b", {"ship_type": 79, "ais_class": "B", "imo": IMO}),
        ("merchant", {"ship_type": 79, "ais_class": None, "imo": IMO}),
        *(("service", {"ship_type": kind}) for kind in (31, 32, 33, 34, 50, 52, 53, 54)),
        ("service", {"ship_type": 52, "ais_class": "B"}),
        ("naval", {"ship_type": 35}),
        ("fishing", {"ship_type": 30, "ais_class": "B"}),
        ("class_b", {"ship_type": 37, "ais_class": "B"}),
        *(("unknown", {"ship_type": kind}) for kind in (None, 51, 55, 60, 36)),
    ],
)
def test_the_fleet_is_the_first_that_fits(expected: str, values: dict[str, Any]) -> None:
    assert fleet(**values) == expected


@pytest.mark.parametrize(
    ("stays", "expected"),
    [
        ("ABABABABAB", "ferry"),
        ("ABABABACDC", "ferry"),  # seven of ten
        ("ABABABCDCD", "unknown"),  # six of ten
        ("ABABABABA", "unknown"),  # nine stays
        ("AAAAAAAAAA", "unknown"),  # one port
        ("AAAAAAAAAB", "unknown"),  # lies at one port, went to the other once
        ("ABACADABACAD", "unknown"),  # a hub with spokes
        ("", "unknown"),
    ],
)
def test_a_ferry_goes_to_and_fro_between_two_port_groups(stays: str, expected: str) -> None:
    assert fleet(stays, ship_type=60) == expected


def test_a_cargo_ship_on_a_shuttle_stays_merchant() -> None:
    assert fleet("AB" * 20, ship_type=70, **TRUSTED) == "merchant"


def test_the_stays_of_both_mmsis_of_a_ferry_count_together() -> None:
    rows = daily([5, 5], imo=IMO) + daily([5, 5], imo=IMO, mmsi=IRANIAN)
    later = port_stays("........ABAB", mmsi=IRANIAN)[8:]
    stays = pl.concat([port_stays("ABABABAB"), later])
    assert identify(statics(*rows), stays=stays)["fleet"].to_list() == ["ferry", "ferry"]


def test_the_stays_of_two_ships_are_not_mixed() -> None:
    # Six of ten; the other ship's B before the first A would make it seven.
    stays = pl.concat([port_stays("B"), port_stays("ACDABABABD", mmsi=IRANIAN), port_stays("B")])
    found = identify(statics(), mmsis(RUSSIAN, IRANIAN), stays=stays)
    assert found["fleet"].to_list() == ["unknown", "unknown"]


def test_the_registry_says_the_fleet_before_everything_else() -> None:
    by_mmsi = registry({"mmsi": RUSSIAN, "fleet": "merchant"})
    by_imo = registry({"imo": IMO, "fleet": "ferry"})
    assert fleet(listed=by_mmsi, ship_type=35) == "merchant"
    assert fleet(listed=by_imo, ship_type=70, **TRUSTED) == "ferry"
    assert fleet(listed=by_imo, ship_type=70) == "unknown"


def test_fleets_keep_the_order_of_the_ships() -> None:
    found = identify(statics({"ship_type": 35}), mmsis(IRANIAN)).reverse()
    again = fleet_of(found.drop("fleet"), port_stays(""), no_registry(), RULES)
    assert again["mmsi"].to_list() == [IRANIAN, RUSSIAN]
    assert again["fleet"].to_list() == ["unknown", "naval"]
    assert_frame_equal(conform(again, Ships), found)


def test_a_fleet_at_an_instant_follows_the_entry_in_force() -> None:
    listed = registry({"mmsi": RUSSIAN, "valid_from": DAY_1, "fleet": "ferry"})
    schema = {"mmsi": pl.Int32, "imo": pl.Int64, "off_at": pl.Datetime("us"), "fleet": pl.String}
    rows = [(RUSSIAN, None, DAY_1, "naval"), (RUSSIAN, None, DAY_1 - HOUR, "naval")]
    gaps = pl.DataFrame(rows, schema=schema, orient="row")
    assert fleet_at(gaps, "off_at", listed)["fleet"].to_list() == ["ferry", "naval"]


# --------------------------------------------------------------------------- kinds of ships


def test_high_speed_craft_and_tugs_are_told_by_the_type_sent_most_often() -> None:
    kinds = {401: 39, 402: 40, 403: 49, 404: 50, 405: 31, 406: 32, 407: 52, 408: 33}
    rows = [{"mmsi": 273_000_000 + n, "ship_type": kind} for n, kind in kinds.items()]
    often = [{"mmsi": 273_000_409, "ship_type": kind, "reports": kind} for kind in (52, 40)]
    frame = sum_up_statics(statics(*reversed(rows), *often))
    assert high_speed_mmsis(frame).to_list() == [273_000_402, 273_000_403]
    assert tug_mmsis(frame).to_list() == [273_000_405, 273_000_406, 273_000_407, 273_000_409]
    assert high_speed_mmsis(frame).dtype == pl.Int32
    assert high_speed_mmsis(sum_up_statics(statics())).to_list() == []
