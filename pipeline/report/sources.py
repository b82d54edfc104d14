"""The published tables a report is made of, read once; those of later methods may be missing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from pipeline import store
from pipeline.errors import UsageError

OPTIONAL = ("sensitivity",)
GAP_COLUMNS = (
    *("gap_id", "ship_id", "mmsi", "imo", "name", "flag", "fleet", "off_at", "on_at", "off_lon"),
    *("off_lat", "on_lon", "on_lat", "off_area", "off_port_group", "on_area", "on_port_group"),
    *("duration_s", "is_closed", "month", "cause", "p_off", "p_off_low", "p_off_high", "reasons"),
)
CELL_COLUMNS = (
    *("hour", "cell_lon_deg", "cell_lat_deg", "ships_present", "ships_heard"),
    *("ships_heard_by_satellite", "is_live", "expected_under_way"),
)
CALL_COLUMNS = (
    *("call_id", "ship_id", "mmsi", "imo", "name", "flag", "fleet", "port_group", "port_country"),
    *("in_ru_ir_crossing", "in_ru_ir_any", "in_any_flag_crossing", "window_from", "window_to"),
    *("gap_ids", "p_off", "p_call", "grade", "families", "slack_h", "draught_change_m"),
    *("second_call_possible", "on_watch_list", "last_verdict", "last_reviewed_by"),
    *("last_reviewed_on", "month", "reasons"),
)
HEALTH_COLUMNS = ("feed", "receiver", "station", "hour", "messages", "is_outage")


@dataclass(frozen=True, eq=False)
class Sources:
    """What a report is made of: named frames, as published.

    Attributes:
        manifest: what the night was made from.
        optional: tables that not every method fills, as far as they are there.
    """

    manifest: dict[str, Any]
    gaps: pl.DataFrame
    calls: pl.DataFrame
    lit_calls: pl.DataFrame
    legs: pl.DataFrame
    transits: pl.DataFrame
    monthly_gaps: pl.DataFrame
    monthly_calls: pl.DataFrame
    indicator: pl.DataFrame
    years: pl.DataFrame
    spikes: pl.DataFrame
    beside_ours: pl.DataFrame
    published: pl.DataFrame
    cells: pl.DataFrame
    health: pl.DataFrame
    outages: pl.DataFrame
    files: pl.DataFrame
    rules: pl.DataFrame
    optional: dict[str, pl.DataFrame]

    @property
    def data_end(self) -> datetime:
        """End of the data, UTC."""
        return datetime.fromisoformat(self.manifest["data_end"]).replace(tzinfo=None)

    @property
    def is_simulated(self) -> bool:
        """Whether any feed is a simulated one."""
        return bool(self.manifest.get("is_simulated"))


def read_sources(folder: Path) -> Sources:
    """Return the tables of a published night, or of one about to be.

    Raises:
        UsageError: nothing is published there, or an earlier version published it.
    """
    manifest = store.read_manifest(folder)
    try:
        return Sources(
            manifest=manifest,
            gaps=store.read_table(folder, "gaps", GAP_COLUMNS),
            calls=store.read_table(folder, "dark_port_calls", CALL_COLUMNS),
            lit_calls=store.read_table(folder, "lit_port_calls", ("ship_id", "month")),
            legs=store.read_table(
                folder, "legs", ("ship_id", "month", "passage", "is_ru_ir_crossing")
            ),
            transits=store.read_table(folder, "canal_transits", ("month", "passage")),
            monthly_gaps=store.read_table(folder, "monthly_gaps"),
            monthly_calls=store.read_table(folder, "monthly_dark_port_calls"),
            indicator=store.read_table(folder, "indicator"),
            years=store.read_table(folder, "indicator_years"),
            spikes=store.read_table(folder, "spikes"),
            beside_ours=store.read_parquet(folder / "published_beside_ours.parquet"),
            published=store.read_table(folder, "published_counts"),
            cells=store.read_table(folder, "reception_cells", CELL_COLUMNS),
            health=store.read_table(folder, "feed_health", HEALTH_COLUMNS),
            outages=store.read_table(folder, "outage_hours"),
            files=store.read_table(folder, "files"),
            rules=store.read_table(folder, "rules"),
            optional=_read_optional(folder),
        )
    except pl.exceptions.ColumnNotFoundError as error:
        why = (str(error).splitlines() or [""])[0]
        raise UsageError(
            f"{folder} was made by another version ({why}): run darkport nightly"
        ) from error


def _read_optional(folder: Path) -> dict[str, pl.DataFrame]:
    paths = {name: folder / f"{name}.parquet" for name in OPTIONAL}
    return {name: store.read_parquet(path) for name, path in paths.items() if path.is_file()}
