"""docs/simulation.md: what comes from code is current, and its figures are computed as they say."""

from __future__ import annotations

import json
import math
import re
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pipeline.simulate import settings
from pipeline.simulate.model import Stop, Timeline, Visit
from pipeline.simulate.setting import Group
from pipeline.simulate.world import simulate
from tests.night import GEO
from tests.simulation_page.gaps import compare_rates
from tests.simulation_page.marks import COMMAND, PAGE, PICTURES
from tests.simulation_page.measured import find_draughts
from tests.simulation_page.page import lay_page, read_figures
from tests.simulation_page.port_life import judge_destinations
from tests.simulation_page.settings_table import as_toml
from tests.simulation_page.silences import measure_silences
from tests.simulation_page.truth_tables import WORLD_KEYS
from tests.simulation_page.waters import find_waters

DAY = datetime(2023, 5, 1)


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text("utf-8")


def all_groups(group: type[Group] = Group) -> list[type[Group]]:
    """Return every group of settings of the package."""
    groups = [one for one in group.__subclasses__() if one.__module__.startswith("pipeline.")]
    return [*groups, *(below for one in groups for below in all_groups(one))]


# ---------------------------------------------------------------------- what comes from code


def test_what_comes_from_code_is_current(page: str) -> None:
    fresh = lay_page(read_figures(page))
    assert page == fresh, f"docs/simulation.md is not current: {COMMAND} --words"


def test_the_five_parts_come_in_order(page: str) -> None:
    assert re.findall(r"^## (\d)\. ", page, re.MULTILINE) == ["1", "2", "3", "4", "5"]


def test_every_setting_is_told(page: str) -> None:
    told = set(re.findall(r"^\| `(?:[a-z_0-9]+\.)*([a-z_0-9]+)`", page, re.MULTILINE))
    groups = all_groups()
    assert len(groups) > 20
    for group in groups:
        for name, field in group.model_fields.items():
            is_group = isinstance(field.default, Group)
            assert is_group or {name, name.removesuffix("_day"), name.removesuffix("_at")} & told, (
                f"{group.__name__}.{name} is not told: {COMMAND} --words"
            )


def test_every_setting_names_its_source() -> None:
    for group in all_groups():
        for name, field in group.model_fields.items():
            facts = field.json_schema_extra
            has_source = isinstance(facts, dict) and bool(facts.get("source"))
            assert has_source or isinstance(field.default, Group), f"{group.__name__}.{name}"


def test_the_settings_file_of_the_page_is_accepted(page: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(page.partition("```toml")[2].partition("```")[0], "utf-8")
    world = settings.read_world("caspian", path)
    assert (world.days, world.vessels.ships) == (90, 60)
    assert [step.factor for step in world.radio.growth] == [1.5]


def test_a_part_of_a_table_changes_that_part_as_the_page_says(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[vessels.habitual_share]\nRUS = 0.5\n", "utf-8")
    usual = settings.read_world("caspian").vessels.habitual_share
    mine = settings.read_world("caspian", path).vessels.habitual_share
    assert mine == {**usual, "RUS": 0.5} != usual


def test_world_json_holds_what_the_page_tells(tmp_path: Path) -> None:
    world = settings.read_world("quiet", None, True, days=1, vessels={"ships": 3})
    simulate(world, 1, GEO, tmp_path)
    told = json.loads((tmp_path / "truth" / "world.json").read_text("utf-8"))
    assert set(told) == set(WORLD_KEYS)


def test_every_named_world_is_told_with_its_length(page: str) -> None:
    for name in settings.named_worlds():
        days = settings.read_world(name).days
        assert f"| `{name}` | {days:,} | " in page


def test_options_are_told_by_the_names_the_command_takes(page: str) -> None:
    for option in ("out", "world", "small", "seed", "days", "ships", "settings", "format", "per"):
        assert f"| `--{option}` |" in page


def test_pictures_are_there_and_say_that_they_are_simulated(page: str) -> None:
    shown = re.findall(r"!\[(.*?)\]\((simulation/.*?)\)", page)
    assert {Path(link).name for _, link in shown} == {path.name for path in PICTURES.glob("*.png")}
    assert all(words.startswith("SIMULATED") for words, _ in shown)


def test_a_page_without_figures_names_the_command() -> None:
    with pytest.raises(SystemExit, match=r"tests\.make_simulation"):
        read_figures("# a page\n")


# ------------------------------------------------------------------------ how figures are made


def test_the_longest_silence_of_a_day_is_cut_at_midnight() -> None:
    days = pl.DataFrame({"vessel": [0, 1], "day": [DAY, DAY]})
    at = [DAY + timedelta(hours=hour) for hour in (1, 6, 7, 30)]
    seen = pl.DataFrame({"vessel": [0] * 4, "day": [*[DAY] * 3, DAY + timedelta(days=1)], "at": at})
    found = measure_silences(days, seen)
    assert found.rows() == [(0, DAY, 17.0), (1, DAY, 24.0)]


def test_a_rate_is_placed_between_the_rungs_it_lies_between() -> None:
    rungs = [(6, 5.0), (12, 2.0), (24, 1.0)]
    assert "between our 6 h and 12 h" in compare_rates("RUS", 4.0, rungs)
    assert "above our 6 h" in compare_rates("RUS", 6.0, rungs)
    assert "below our 24 h" in compare_rates("RUS", 0.5, rungs)


def a_voyage() -> Timeline:
    """Return a call at Anzali from hour 0 to 10, and one at Aktau from 50 to 60."""
    calls = [("port_anzali", 0.0, 10.0, 2.0, 4.0), ("port_aktau", 50.0, 60.0, 4.0, 2.5)]
    visits = tuple(
        Visit(port, port, "IRN", from_h * 3600, to_h * 3600, before_m, after_m, True, "cargo")
        for port, from_h, to_h, before_m, after_m in calls
    )
    hours = np.array([0.0, 10.0, 50.0, 60.0, 200.0])
    sent = ((0.0, "", 2.0), (36_000.0, "AKTAU", 4.0), (216_000.0, "NOWHERE", 2.5))
    outside = Stop("outside", "azov", 100 * 3600.0, 190 * 3600.0)
    nothing = np.zeros(4)
    return Timeline(
        hours * 3600,
        np.zeros(5),
        np.zeros(5),
        nothing.astype(np.int8),
        nothing,
        np.arange(4, dtype=np.int32),
        visits,
        (outside,),
        sent,
    )


def test_a_draught_is_that_of_the_last_departure() -> None:
    at_s = np.array([5.0, 20.0, 55.0, 100.0]) * 3600
    found = find_draughts(a_voyage(), at_s)
    assert math.isnan(found[0])
    assert found[1:].tolist() == [4.0, 4.0, 2.5]


def test_a_destination_is_right_if_it_names_the_next_place() -> None:
    beyond = {"azov": ("KAVKAZ",)}
    judged = list(judge_destinations(a_voyage(), beyond))
    assert judged == [(36_000.0, True), (216_000.0, False)]


def test_points_are_named_after_the_water_they_lie_in() -> None:
    # The Caspian, 1 km off a stated point of the canal (Bereslavka reservoir), dry land.
    lon_deg, lat_deg = np.array([51.0, 44.0984, 20.0]), np.array([39.0, 48.62, 50.0])
    found = find_waters(lon_deg, lat_deg)
    assert found.tolist() == ["sea", "volga_don_canal", "beyond"]


def test_values_are_written_as_toml() -> None:
    values = {"a": True, "b": 1, "c": [0.5, "x"], "d": None}
    assert as_toml(values) == '{ a = true, b = 1, c = [0.5, "x"], d = not set }'
