"""A whole simulated world: same seed same bytes, and feed and truth agree."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pipeline.errors import UsageError
from pipeline.simulate.life import NONE, play, set_stage
from pipeline.simulate.settings import World, named_worlds, read_world
from pipeline.simulate.vessels import draw_vessels
from pipeline.simulate.world import simulate
from tests import night

SEED = 4
# Feed and truth are held together in several worlds, of which this seed's is one.
SEEDS = (4, 11, 23)
# Clocks are right and nothing is garbled, so that a row's instant and place are the true ones.
EXACT = {
    "clock_errors_per_station_year": 0.0,
    "misdated_share": 0.0,
    "garbled_share": 0.0,
    "interference_per_year": 0.0,
}
WHOLE_MONTHS = {"start": datetime(2022, 6, 1), "days": 61}


def small_world(name: str = "caspian", **more: object) -> World:
    return read_world(name, None, True, **{**WHOLE_MONTHS, "vessels": {"ships": 24}, **more})


def busy_world(name: str = "caspian") -> World:
    """Return a world with enough dark calls to look at in two months."""
    return small_world(name, noise=EXACT, switching={"dark_call_share": 0.3})


def make(world: World, folder: Path, seed: int = SEED) -> Path:
    simulate(world, seed, night.GEO, folder)
    return folder


def truth(folder: Path, name: str) -> pl.DataFrame:
    return pl.read_parquet(folder / "truth" / f"{name}.parquet")


def feed(folder: Path) -> pl.DataFrame:
    return pl.concat(
        [pl.read_parquet(path) for path in sorted((folder / "raw").rglob("*.parquet"))],
        how="diagonal_relaxed",
    )


def sightings(folder: Path) -> pl.DataFrame:
    """Return the ships' positions of a feed with the vessel that sent them (own MMSIs only)."""
    lone = truth(folder, "ships").filter(~pl.col("shares_mmsi"))
    own = truth(folder, "identities").join(lone.select("vessel"), on="vessel")
    return (
        feed(folder)
        .filter(pl.col("longitude").is_not_null())
        .join(own.select("vessel", "mmsi", "from_at", "to_at"), on="mmsi")
        .filter(pl.col("timestamp").is_between("from_at", "to_at", closed="left"))
    )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(busy_world(), tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module", params=SEEDS)
def any_world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(busy_world(), tmp_path_factory.mktemp("world"), seed=request.param)


def test_the_same_seed_gives_the_same_bytes(world: Path, tmp_path: Path) -> None:
    again = make(busy_world(), tmp_path)
    paths = sorted(path.relative_to(world) for path in world.rglob("*") if path.is_file())
    assert len(paths) > 10
    assert paths == sorted(path.relative_to(again) for path in again.rglob("*") if path.is_file())
    for path in paths:
        assert (world / path).read_bytes() == (again / path).read_bytes(), path


def test_another_seed_is_another_world(world: Path, tmp_path: Path) -> None:
    other = make(busy_world(), tmp_path, seed=SEED + 1)
    assert not feed(world).equals(feed(other))
    assert not truth(world, "port_calls").equals(truth(other, "port_calls"))


def test_no_ship_is_sighted_while_its_set_is_off(any_world: Path) -> None:
    seen = sightings(any_world).select("vessel", "timestamp")
    offs = truth(any_world, "off_intervals").select("vessel", "off_at", "on_at")
    assert seen.height > 10_000
    assert offs.height > 20
    both = seen.join(offs, on="vessel").filter(
        (pl.col("timestamp") > pl.col("off_at"))
        # An instant is cut to its second.
        & (pl.col("timestamp") < pl.col("on_at") - timedelta(seconds=1))
    )
    assert both.is_empty()


def test_every_dark_call_lies_inside_one_off_interval(any_world: Path) -> None:
    dark = truth(any_world, "port_calls").filter("is_dark")
    assert dark.height > 0
    covered = dark.join(truth(any_world, "off_intervals"), on="vessel", suffix="_off").filter(
        (pl.col("off_at") <= pl.col("arrival_at")) & (pl.col("on_at") >= pl.col("departure_at"))
    )
    assert covered["call_id"].n_unique() == dark.height
    assert dark.filter("is_heard").is_empty()
    assert (dark["departure_at"] - dark["arrival_at"]).min() >= timedelta(hours=4)


def test_calls_that_are_not_dark_have_the_set_on_for_part_of_the_stay(any_world: Path) -> None:
    lit = truth(any_world, "port_calls").filter(
        ~pl.col("is_dark") & (pl.col("departure_at") - pl.col("arrival_at") >= timedelta(hours=4))
    )
    stay_h = (lit["departure_at"] - lit["arrival_at"]).dt.total_seconds() / 3600
    assert ((stay_h - lit["off_h"]) > 0).all()


def test_hours_of_a_ship_are_heard_as_often_as_its_chance_says(any_world: Path) -> None:
    hours = truth(any_world, "ship_hours").with_columns(
        chance=1
        - (
            -pl.col("private") * (pl.col("expected_terrestrial") + pl.col("expected_satellite"))
        ).exp()
    )
    start = WHOLE_MONTHS["start"]
    heard = (
        sightings(any_world)
        .select(
            pl.col("vessel").cast(pl.Int16),
            hour=((pl.col("timestamp") - start).dt.total_seconds() // 3600).cast(pl.Int32),
            is_heard=pl.lit(True),
        )
        .unique()
    )
    lone = truth(any_world, "ships").filter(~pl.col("shares_mmsi"))["vessel"].cast(pl.Int16)
    whole = hours.filter((pl.col("off_s") == 0) & pl.col("vessel").is_in(lone.implode())).join(
        heard, on=["vessel", "hour"], how="left"
    )
    bands = (
        whole.with_columns(
            band=(pl.col("chance") * 10).floor().clip(0, 9),
            is_heard=pl.col("is_heard").is_not_null(),
        )
        .group_by("band")
        .agg(pl.len(), pl.col("chance").mean(), pl.col("is_heard").mean())
        .filter(pl.col("len") > 300)
    )
    assert bands.height >= 5
    assert ((bands["chance"] - bands["is_heard"]).abs() < 0.06).all()


def test_daily_silences_of_honest_ships_by_satellite_are_near_those_of_a_published_study() -> None:
    # Published: median about 4.3 h, 90th percentile about 19.5 h; docs/simulation.md has ours.
    days = 60
    stage = set_stage(
        read_world("null-no-off", None, True, days=days, feed={"thin_s": 300}), SEED, night.GEO
    )
    longest_h = []
    vessels = draw_vessels(stage.world.vessels, SEED, stage.world.span_s)
    for played in play(stage, [one for one in vessels if one.fleet == "merchant"], NONE, NONE):
        heard_s = played.heard.at_s[played.heard.kind == 1]
        for day in range(days):
            edges = np.array([day, day + 1]) * 86_400
            inside = np.sort(heard_s[(heard_s >= edges[0]) & (heard_s < edges[1])])
            longest_h.append(np.diff(np.r_[edges[0], inside, edges[1]]).max() / 3600)
    assert len(longest_h) > 1000
    assert 3.0 < np.median(longest_h) < 7.0
    assert 14.0 < np.quantile(longest_h, 0.9) < 24.0


@pytest.mark.parametrize("seed", SEEDS)
def test_a_world_without_switch_offs_has_none_and_the_same_receptions(
    seed: int, tmp_path: Path
) -> None:
    world = make(busy_world(), tmp_path / "some", seed)
    null = make(busy_world("null-no-off"), tmp_path / "none", seed)
    assert truth(null, "off_intervals").is_empty()
    assert not truth(null, "port_calls")["is_dark"].any()
    key = ["vessel", "timestamp", "longitude", "latitude"]
    both = sightings(world).select(key).unique()
    assert both.join(sightings(null).select(key).unique(), on=key, how="anti").is_empty()
    assert sightings(null).height > sightings(world).height


@pytest.mark.parametrize("seed", SEEDS)
def test_a_world_without_dark_calls_has_switch_offs_but_no_dark_stay(
    seed: int, tmp_path: Path
) -> None:
    null = make(small_world("null-no-dark"), tmp_path, seed)
    assert truth(null, "off_intervals").height > 20
    assert not truth(null, "port_calls")["is_dark"].any()


def test_a_class_world_has_exactly_the_headline_calls_it_names(tmp_path: Path) -> None:
    quotas = [
        {"from": datetime(2022, 6, 1), "to": datetime(2022, 7, 1), "calls": 2},
        {"from": datetime(2022, 7, 1), "to": datetime(2022, 8, 1), "calls": 3},
    ]
    folder = make(small_world("class-3", quotas=quotas, vessels={"ships": 40}), tmp_path)
    calls = truth(folder, "port_calls").filter("is_dark", "is_ru_ir_crossing")
    middle = calls["arrival_at"] + (calls["departure_at"] - calls["arrival_at"]) / 2
    assert middle.dt.month().value_counts(sort=True).rows() == [(7, 3), (6, 2)]


def test_a_quota_no_world_can_hold_is_refused_in_words(tmp_path: Path) -> None:
    quotas = [{"from": datetime(2022, 6, 1), "to": datetime(2022, 7, 1), "calls": 5000}]
    with pytest.raises(UsageError, match="a larger world or fewer calls"):
        make(small_world("class-3", quotas=quotas), tmp_path)


def test_a_clipped_feed_holds_nothing_from_outside_the_region(tmp_path: Path) -> None:
    import geopandas as gpd

    whole = make(small_world(vessels={"ships": 40}), tmp_path / "whole")
    clipped = make(
        small_world(vessels={"ships": 40}, feed={"clipped": True, "thin_s": 1800}), tmp_path / "cut"
    )
    region = gpd.read_file(night.GEO / "region.geojson").union_all()

    def outside(folder: Path) -> int:
        from shapely import contains_xy

        rows = feed(folder).filter(pl.col("longitude") <= 180)
        lon, lat = rows["longitude"].to_numpy(), rows["latitude"].to_numpy()
        return int((~contains_xy(region, lon, lat)).sum())

    assert outside(whole) > 0
    assert outside(clipped) == 0


@pytest.mark.parametrize("name", named_worlds())
def test_every_named_world_can_be_read(name: str) -> None:
    assert read_world(name).days >= 365
    assert read_world(name, None, True).name == f"small-{name}"


def test_unknown_worlds_and_settings_are_named_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no world is named 'atlantis': there are"):
        read_world("atlantis")
    mine = tmp_path / "mine.toml"
    mine.write_text("[feed]\nthin_second = 3\n", "utf-8")
    with pytest.raises(UsageError, match=r"feed\.thin_second"):
        read_world("demo", mine)
    mine.write_text("[feed\n", "utf-8")
    with pytest.raises(UsageError, match=r"mine.toml cannot be read"):
        read_world("demo", mine)


def test_a_users_settings_win_over_the_named_world(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text("days = 40\n[feed]\nthin_s = 900\n", "utf-8")
    chosen = read_world("demo", mine)
    assert (chosen.days, chosen.feed.thin_s) == (40, 900)
    assert read_world("demo", mine, days=9).days == 9
    assert chosen.hash != read_world("demo").hash
