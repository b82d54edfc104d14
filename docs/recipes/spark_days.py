"""UTC days summed up on Spark, by the kernel that a night uses: a task for each day.

    spark-submit docs/recipes/spark_days.py data/processed geo presence data/presence.parquet

Reads the published positions and writes one frame of their summaries (`summaries.Summary`), the
days below one another. Every executor needs darkport, as the driver has it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

from pipeline.areas import Areas, load_areas
from pipeline.rules import Rules
from pipeline.summaries import frames_of, summarise_day


def summarise_days(
    spark: SparkSession, processed: Path, areas: Areas, rules: Rules, frame: str
) -> DataFrame:
    """Return one frame of the summaries of all published days.

    Args:
        spark: the session.
        processed: folder of the published tables.
        areas: the geo folder that the night had.
        rules: the rules that the night had.
        frame: `presence`, `ship_hours`, `cells` or another field of `summaries.Summary`.
    """
    positions = spark.read.parquet(*sorted(map(str, processed.glob("positions/date=*/*.parquet"))))

    def summarise(day: pa.Table) -> pa.Table:
        rows = pl.from_arrow(day.drop_columns("date"))
        assert isinstance(rows, pl.DataFrame)
        # Area and port group are published of gaps, not of every position.
        rows = areas.locate(rows.drop("is_outside"), rules)
        return as_spark_types(frames_of(summarise_day(rows, areas, rules))[frame].to_arrow())

    # A day without a row has the columns of any other.
    by_day = positions.withColumn("date", positions["seen_at"].cast("date"))
    empty = pa.Table.from_batches([], schema=by_day.limit(0).toArrow().schema)
    schema = from_arrow_schema(summarise(empty).schema, prefer_timestamp_ntz=True)
    return by_day.groupBy("date").applyInArrow(summarise, schema)


def as_spark_types(table: pa.Table) -> pa.Table:
    """Return a table with texts as Spark holds them: polars gives other kinds of string."""
    is_text = {pa.large_string(), pa.string_view()}
    fields = [
        one.with_type(pa.string())
        if one.type in is_text or pa.types.is_dictionary(one.type)
        else one
        for one in table.schema
    ]
    return table.cast(pa.schema(fields))


def main() -> None:
    """Write one frame of the summaries of a processed folder."""
    processed, geo, frame, target = sys.argv[1:]
    spark = SparkSession.builder.getOrCreate()
    days = summarise_days(spark, Path(processed), load_areas(Path(geo)), Rules(), frame)
    days.write.parquet(target)


if __name__ == "__main__":
    main()
