"""Another region is another geo folder and nothing else (METHOD 3): Danish waters."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from tests import night
from tests.shared_data import sample

DENMARK = Path(__file__).parent / "geo_denmark"
SKAGEN = (10.59, 57.72)
START = datetime(2023, 5, 1)


def test_the_same_code_finds_gaps_in_danish_waters(tmp_path: Path) -> None:
    rows = [(219_000_001, START + timedelta(hours=hour), *SKAGEN) for hour in (0, 1, 40, 41)]
    # Far outside the region: of the run the first and the last sighting of each day are kept.
    rows += [(219_000_002, START + timedelta(hours=hour), 25.0, 40.0) for hour in range(42)]
    night.write_canonical(tmp_path / "raw", "feed", night.sightings(rows, sog=0.0))
    done = night.run(tmp_path / "raw", tmp_path / "processed", areas=DENMARK)
    (gap,) = done.table("gaps").to_dicts()
    assert (gap["flag"], gap["duration_h"], gap["off_port_group"]) == ("DNK", 39.0, "skagen")
    files = done.table("files").row(0, named=True)
    assert (files["accepted"], files["outside"]) == (4 + 4, 38)
    areas = set(done.table("monthly_gaps")["area"])
    assert areas & {"lower_volga", "volga_don", "caspian"} == set()


def test_a_real_danish_log_runs_through(tmp_path: Path) -> None:
    feed = tmp_path / "raw" / "dma"
    feed.mkdir(parents=True)
    shutil.copy(sample("nmea/dma_AisAbnormal_ais-sample.txt.gz"), feed)
    shutil.copy(sample("nmea/dma_AisAbnormal_538004030_drift_1.ais.gz"), feed)
    done = night.run(tmp_path / "raw", tmp_path / "processed", areas=DENMARK)
    files = done.table("files")
    # 65 % exact duplicates in the log of one ship, as its page of measurements says.
    one_ship = files.row(by_predicate=pl.col("file").str.contains("drift"), named=True)
    assert one_ship["duplicate"] / (one_ship["duplicate"] + one_ship["accepted"]) > 0.5
    assert (
        files["read"]
        == files["accepted"] + files["duplicate"] + files["outside"] + files["rejected"]
    ).all()
    assert done.positions()["mmsi"].n_unique() > 500
    assert done.table("beacons").height > 0
    heard = done.table("feed_health")
    up_to_the_end = done.positions().filter(pl.col("seen_at") < done.outcome.data_end)
    assert heard["messages"].sum() > up_to_the_end.height
    assert heard["station"].n_unique() > 10
