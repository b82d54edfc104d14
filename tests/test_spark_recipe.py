"""docs/recipes/spark_days.py gives what the night itself summed up, where Java and Spark are."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pipeline import store
from pipeline.areas import load_areas
from pipeline.nightly import SHELF
from tests import night
from tests.nights_archive import draw_archive
from tests.nights_model import Asked, lay_out, make_light_sql, run, write_rows

pytest.importorskip("pyspark")
pytestmark = [
    pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java"),
    # Spark's own, of sockets it leaves and calls it should no longer make.
    pytest.mark.filterwarnings("ignore"),
]
RECIPE = night.REPOSITORY / "docs" / "recipes" / "spark_days.py"


def test_spark_sums_days_up_as_the_night_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pyspark.sql import SparkSession

    frame = "presence"

    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    monkeypatch.setenv("PYTHONPATH", str(night.REPOSITORY), prepend=":")
    spec = importlib.util.spec_from_file_location("spark_days", RECIPE)
    assert spec and spec.loader
    recipe = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(recipe)
    lines = [line for line in draw_archive(7, days=8) if "2051-" not in line.text]
    lay_out(tmp_path / "raw", {"coast/all.csv": write_rows(lines)})
    asked = Asked(sql=make_light_sql(tmp_path))
    run(tmp_path / "raw", tmp_path / "out", asked)
    spark = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", value=False)
        .config("spark.sql.shuffle.partitions", 2)
        .getOrCreate()
    )
    try:
        areas = load_areas(night.GEO)
        days = recipe.summarise_days(spark, tmp_path / "out", areas, asked.rules, frame)
        found = pl.from_arrow(days.toArrow())
    finally:
        spark.stop()
    assert isinstance(found, pl.DataFrame)
    shelf = sorted((tmp_path / "out" / SHELF / "days").glob(f"*/{frame}.parquet"))
    wanted = store.read_parquet(shelf)
    assert wanted.height > 0
    texts = [name for name, kind in wanted.schema.items() if kind == pl.Enum]
    assert_frame_equal(
        found.sort(found.columns),
        wanted.with_columns(pl.col(texts).cast(pl.String)).sort(wanted.columns),
    )
