"""Writes docs/simulation.md and docs/simulation/*.png: what a simulated world is, beside figures.

    .venv/bin/python -m tests.make_simulation            # a world, its night, figures, pictures
    .venv/bin/python -m tests.make_simulation --words    # what comes from code alone (seconds)

A test holds the parts that come from code. The figures are computed from one world, which
`--folder` keeps; a folder that holds it already is read as it is.
"""

from __future__ import annotations

import argparse
import inspect
import json
import math
import subprocess
import sys
import tempfile
import tomllib
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import polars as pl
import shapely
from matplotlib.axes import Axes
from numpy.typing import NDArray
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from shapely.geometry import shape

from pipeline import cli_worlds
from pipeline.evaluate import read_run
from pipeline.evaluate.gap_findings import pick_measured
from pipeline.evaluate.hours import lay_out_hours
from pipeline.evaluate.labels import label_gaps, mark_heard_meanwhile, match_vessels
from pipeline.evaluate.limits import EvaluationRules
from pipeline.evaluate.measures import average_precision
from pipeline.simulate.life import Stage, set_stage
from pipeline.simulate.model import FLEETS, Timeline, Vessel
from pipeline.simulate.settings import WORLDS, World, named_worlds, read_world
from pipeline.simulate.truth import TRUTH_TABLES
from pipeline.simulate.vessels import draw_vessels
from pipeline.simulate.voyages import sail
from pipeline.simulate.world import simulate
from tests.night import GEO, REPOSITORY, SQL

matplotlib.use("Agg")

PAGE = REPOSITORY / "docs" / "simulation.md"
PICTURES = REPOSITORY / "docs" / "simulation"
COMMAND = ".venv/bin/python -m tests.make_simulation"
FROM_CODE = f"<!-- From code, held by a test: {COMMAND} --words -->"
COMPUTED = f"<!-- Computed from one world: {COMMAND} -->"

# The world of section 2: `caspian` with all its ships, over ice, spring and the three months of
# Table 5, so that these are compared month by month.
NAME, SEED, START, DAYS = "caspian", 1, datetime(2023, 2, 1), 181
TABLE_5_FROM, TABLE_5_TO = date(2023, 5, 1), date(2023, 7, 1)
RUNGS_H = (4, 6, 12, 24, 30, 72)
HEADLINE = ("RUS", "IRN")
HOUR_S, DAY_S, YEAR_D = 3600, 86_400, 365.25
MOVING_KN = 0.5
FEWEST_CELL_HOURS = 20
Hours = NDArray[np.float64]


# =========================================================================== 1. what it is

TITLE = "# The simulated Caspian"
WHAT = """\
## 1. What a simulated world is

A simulated world is a made-up fleet on the real waters of `geo/`, with all that it did. Everything
in it is SIMULATED: no ship in it exists, its MMSI and IMO numbers are ones that no ship has, its
stations and satellites are invented. The night reads its feed as it reads a real one; the truth
lies apart. A world is for two things: to show the whole job on a fresh machine (`make demo`), and
to measure how good its figures are, since nobody publishes when a set was really off
(`darkport evaluate`, `docs/accuracy.md`).

The simulator shares no code with what is measured against it: of this project it imports its own
modules and those for errors, resources, schema and files, and a test holds that. The same seed
gives the same bytes. Every purpose has a random stream of its own, so a world without switch-offs
has the same voyages and the same receptions as the world with them.\
"""


def tell_world() -> str:
    """Return section 1: what a world is, the command, and the named worlds."""
    lines = [FROM_CODE, "", WHAT, "", "### Commands", "", "```", *_examples(), "```", ""]
    lines += ["| option of `darkport simulate` | default | meaning |", "|---|---|---|"]
    lines += [f"| `{name}` | {default} | {words} |" for name, default, words in _options()]
    lines += ["", "`raw/` takes a folder for each feed, `truth/` the tables of section 4."]
    lines += ["", "### Named worlds", ""]
    lines += ["| name | days | from | vessels | what |", "|---|---|---|---|---|"]
    lines += [_tell_named(name) for name in named_worlds()]
    lines += [
        "",
        "`--small` takes a small form of any of them: 40 vessels, and a report every 30 minutes at"
        " most (METHOD 8 names this size for trials of many seeds). A file given as `--settings`"
        " is laid over the named world, the other options over both.",
    ]
    return "\n".join(lines)


def _examples() -> list[str]:
    return [
        "darkport simulate --world demo --out data/demo",
        "darkport simulate --world caspian --small --seed 3 --out data/small",
        "darkport simulate --world caspian --days 3 --ships 30 --full-rate --format nmea --per day"
        " --clipped --out data/days",
        "darkport simulate --world hard --settings mine.toml --out data/mine",
        "darkport nightly --raw data/small/raw --processed data/small/processed",
        "darkport evaluate --processed data/small/processed --truth data/small/truth"
        " --out data/small/evaluation",
    ]


def _options() -> Iterator[tuple[str, str, str]]:
    """Yield name, default and meaning of the command's options, as it declares them."""
    hints = typing.get_type_hints(cli_worlds.simulate, include_extras=True)
    for name, parameter in inspect.signature(cli_worlds.simulate).parameters.items():
        declared = typing.get_args(hints[name])[1]
        # Typer takes the first name of an annotated option for its default.
        words = (declared.default, *(declared.param_decls or ()))
        names = [word for word in words if str(word).startswith("--")]
        own = names[0] if names else f"--{name.replace('_', '-')}"
        if parameter.default is inspect.Parameter.empty:
            default = "must be given"
        elif parameter.default is None or parameter.default is False:
            default = ""
        else:
            default = str(parameter.default)
        yield own, default, declared.help


def _tell_named(name: str) -> str:
    world = read_world(name)
    text = (WORLDS / f"{name}.toml").read_text("utf-8")
    comments = [line.lstrip("# ") for line in _head_comments(text)]
    base = tomllib.loads(text).get("extends")
    words = " ".join(comments).removeprefix("SIMULATED. ")
    laid = f" Laid over `{base}`." if base else ""
    ships = count_vessels(world)
    return f"| `{name}` | {world.days:,} | {world.start:%Y-%m-%d} | {ships} | {words}{laid} |"


def _head_comments(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if not line.startswith("#"):
            return
        yield line


def count_vessels(world: World) -> int:
    """Return how many vessels a world has."""
    counts = world.vessels.roster.counts
    return world.vessels.ships or sum(sum(flags.values()) for flags in counts.values())


# ================================================================ 2. one world and its night


@dataclass(frozen=True, eq=False)
class Scene:
    """One world with its truth, the plans of its vessels, and what a night made of its feed."""

    world: World
    stage: Stage
    vessels: list[Vessel]
    timelines: dict[int, Timeline]
    folder: Path

    def truth(self, name: str, *columns: str) -> pl.DataFrame:
        """Return a truth table, or some columns of it."""
        return pl.read_parquet(
            self.folder / "truth" / f"{name}.parquet", columns=list(columns) or None
        )

    def published(self, name: str) -> pl.DataFrame:
        """Return a table of the night."""
        return pl.read_parquet(self.folder / "processed" / f"{name}.parquet")

    def positions(self) -> pl.LazyFrame:
        """Return all sightings."""
        return pl.scan_parquet(self.folder / "processed" / "positions" / "*" / "*.parquet")

    def fleet(self, name: str = "merchant") -> list[Vessel]:
        """Return the vessels of a fleet."""
        return [vessel for vessel in self.vessels if vessel.fleet == name]

    def is_during(self, at_s: float) -> bool:
        """Return whether an instant lies in the world; plans begin before it and end later."""
        return 0 <= at_s < self.world.span_s

    @property
    def years(self) -> float:
        """Length of the world in years."""
        return self.world.days / YEAR_D

    @cached_property
    def under_way(self) -> pl.DataFrame:
        """Return where, how fast and how deep vessels truly are at full hours they move in."""
        at_s = np.arange(0, self.world.span_s, HOUR_S, dtype=float)
        frames = []
        for vessel in self.vessels:
            line = self.timelines[vessel.number]
            piece = line.piece_at(at_s)
            lon_deg, lat_deg = line.locate(at_s)
            frames.append(
                pl.DataFrame(
                    {
                        "vessel": np.full(len(at_s), vessel.number, np.int32),
                        "lon_deg": lon_deg,
                        "lat_deg": lat_deg,
                        "kn": line.speed_kn[piece],
                        "draught_m": find_draughts(line, at_s),
                    }
                ).with_columns(fleet=pl.lit(vessel.fleet))
            )
        rows = pl.concat(frames).filter(pl.col("kn") > MOVING_KN)
        waters = find_waters(rows["lon_deg"].to_numpy(), rows["lat_deg"].to_numpy())
        return rows.with_columns(water=pl.Series(waters))

    @cached_property
    def ship_days(self) -> pl.DataFrame:
        """Return vessel, day, seconds off, seconds inside the region."""
        day = pl.lit(self.world.start).cast(pl.Datetime("us")) + pl.duration(
            days=pl.col("hour") // 24
        )
        return (
            self.truth("ship_hours", "vessel", "hour", "off_s", "inside_s")
            .group_by(pl.col("vessel").cast(pl.Int32), day.alias("day"))
            .agg(pl.col("off_s", "inside_s").cast(pl.Int64).sum())
        )

    @cached_property
    def heard(self) -> pl.DataFrame:
        """Return vessel, day, is_satellite and instant of the sightings of unshared MMSIs."""
        own = (
            self.truth("identities")
            .join(self.truth("ships", "vessel", "fleet", "shares_mmsi"), on="vessel")
            .filter(~pl.col("shares_mmsi"))
        )
        return (
            self.positions()
            .select("mmsi", "seen_at", is_satellite=pl.col("receiver") == "satellite")
            .join(own.lazy().select("mmsi", "vessel", "fleet", "from_at", "to_at"), on="mmsi")
            .filter(pl.col("seen_at").is_between("from_at", "to_at", closed="left"))
            .filter(pl.col("fleet") == "merchant")
            .select("vessel", "seen_at", "is_satellite", day=pl.col("seen_at").dt.truncate("1d"))
            .collect()
        )


def find_draughts(line: Timeline, at_s: Hours) -> Hours:
    """Return a vessel's true draught in metres at some instants: what it left the last port with.

    NaN before the first port.
    """
    left_s = np.array([visit.departure_s for visit in line.visits])
    draughts = np.array([math.nan, *(visit.draught_after_m for visit in line.visits)])
    return draughts[np.searchsorted(left_s, at_s, side="right")]


NEAR_LINE_DEG = 0.02  # some 2 km: berths lie beside the fairway, roads farther off


def find_waters(lon_deg: Hours, lat_deg: Hours) -> NDArray[np.str_]:
    """Return the water each point lies in: the nearest line of a waterway, sea, or beyond."""
    waters = np.full(len(lon_deg), "beyond", dtype="<U24")
    sea = read_areas("caspian_sea.geojson")[0][1]
    shapely.prepare(sea)
    waters[shapely.contains_xy(sea, lon_deg, lat_deg)] = "sea"
    lines = read_areas("lines.geojson")
    points = shapely.points(lon_deg, lat_deg)
    tree = shapely.STRtree([line for _, line in lines])
    near, nearest = tree.query_nearest(points, max_distance=NEAR_LINE_DEG, all_matches=False)
    waters[near] = np.array([facts["id"] for facts, _ in lines])[nearest]
    return waters


def read_areas(name: str) -> list[tuple[dict[str, Any], shapely.Geometry]]:
    """Return properties and geometry of every feature of a file of geo/."""
    features = json.loads((GEO / name).read_text("utf-8"))["features"]
    return [(one["properties"], shape(one["geometry"])) for one in features]


def set_scene(folder: Path) -> Scene:
    """Return the world of section 2 with its night; a folder that holds them is read as it is."""
    world = read_world(NAME, start=START, days=DAYS)
    if not (folder / "truth" / "world.json").exists():
        _tell("simulating")
        simulate(world, SEED, GEO, folder)
    if not (folder / "processed" / "gaps.parquet").exists():
        _tell("running the night")
        _run_night(folder)
    told = json.loads((folder / "truth" / "world.json").read_text("utf-8"))
    if (told["settings_hash"], told["seed"]) != (world.hash, SEED):
        raise SystemExit(f"{folder} holds another world: choose an empty folder")
    stage = set_stage(world, SEED, GEO)
    vessels = draw_vessels(world.vessels, SEED, world.span_s)
    timelines: dict[int, Timeline] = {}
    for vessel in vessels:
        tug = timelines[vessel.tug] if vessel.tug is not None else None
        plan = world.voyages, world.span_s, world.start, SEED, tug
        timelines[vessel.number] = sail(vessel, stage.waters, stage.calendar, *plan)
    return Scene(world, stage, vessels, timelines, folder)


def _run_night(folder: Path) -> None:
    """Run the night in a process of its own, so that its memory is given back."""
    words = ["nightly", "--raw", str(folder / "raw"), "--processed", str(folder / "processed")]
    subprocess.run(
        [sys.executable, "-c", "from pipeline.cli import main; main()", *words],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=REPOSITORY,
    )


def _tell(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


# ----------------------------------------------------------------------------- rows of figures


JUDGEMENT, ISSUE = "judgement", "issue of the simulator"


@dataclass(frozen=True)
class Row:
    """One figure of the world beside what is published or stated."""

    figure: str
    ours: str
    stated: str = "-"
    source: str = JUDGEMENT


ROW_HEAD = "| figure | ours | published or stated | source |", "|---|---|---|---|"


def lay_rows(rows: list[Row]) -> list[str]:
    """Return a table of figures."""
    return [
        *ROW_HEAD,
        *(f"| {row.figure} | {row.ours} | {row.stated} | {row.source} |" for row in rows),
    ]


def percentiles(values: Any, *shares: float, digits: int = 1) -> tuple[str, ...]:
    """Return some percentiles of values as texts; empty ones where there is no value."""
    values = np.asarray(values, dtype=float)
    values = values[np.isfinite(values)]
    if not len(values):
        return ("-",) * len(shares)
    return tuple(f"{one:,.{digits}f}" for one in np.quantile(values, shares))


def spread(values: Any, low: float, high: float, unit: str, digits: int = 1) -> str:
    """Return "median (low-high) unit" with two percentiles."""
    lowest, middle, highest = percentiles(values, low, 0.5, high, digits=digits)
    return f"{middle} ({lowest} to {highest}) {unit}"


def percent(share: float) -> str:
    """Return a share as a text."""
    return "-" if math.isnan(share) else f"{100 * share:.1f} %"


def mean(values: pl.Series) -> float:
    """Return the mean of numbers or truths, NaN of none."""
    return float(values.cast(pl.Float64).to_numpy().mean()) if len(values) else math.nan


def total(values: pl.Series) -> int:
    """Return the sum of whole numbers or truths."""
    return int(values.cast(pl.Int64).to_numpy().sum())


def ratio(part: float, whole: float) -> float:
    """Return part / whole, NaN where there is nothing."""
    return part / whole if whole else math.nan


# -------------------------------------------------------------------------------- silences


def daily_silences(scene: Scene) -> pl.DataFrame:
    """Return vessel, day, `silence_h` and `is_weak` of honest ship-days, heard by satellite alone.

    Honest: a merchant, set on all day, inside the region all day, MMSI its own.
    """
    honest = scene.ship_days.filter(
        pl.col("off_s") == 0,
        pl.col("inside_s") == DAY_S,
        pl.col("vessel").is_in(scene.heard["vessel"].unique().implode()),
    ).select("vessel", "day")
    seen = scene.heard.filter("is_satellite").select("vessel", "day", at="seen_at")
    is_weak = pl.col("vessel").is_in(sorted(find_weak(scene)))
    return measure_silences(honest, seen).with_columns(is_weak=is_weak)


def measure_silences(days: pl.DataFrame, seen: pl.DataFrame) -> pl.DataFrame:
    """Return `days` (vessel, day) with `silence_h`: the longest time of the day unseen.

    Cut at midnight, so 24 where `seen` (vessel, day, at) has nothing.
    """
    edges = [days.with_columns(at=pl.col("day") + pl.duration(days=n)) for n in (0, 1)]
    return (
        pl.concat([*edges, seen.join(days, on=["vessel", "day"])])
        .sort("vessel", "day", "at")
        .group_by("vessel", "day", maintain_order=True)
        .agg(silence_h=pl.col("at").diff().max().dt.total_seconds() / HOUR_S)
    )


def find_weak(scene: Scene) -> set[int]:
    """Return the vessels whose set was drawn weak: those that are stronger if none is."""
    strong = scene.world.vessels.model_copy(update={"weak_share": 0.0})
    others = draw_vessels(strong, SEED, scene.world.span_s)
    pairs = zip(scene.vessels, others, strict=True)
    return {one.number for one, other in pairs if one.antenna < other.antenna}


PUBLISHED_SILENCES_H = 4.3, 19.5  # METHOD 0, warning (b): median and 90th percentile


def tell_silences(scene: Scene, silences: pl.DataFrame) -> list[str]:
    """Return the longest daily silences beside the published ones, and where ours differ."""
    usual = silences.filter(~pl.col("is_weak"))
    source = "one satellite study (METHOD 0, warning b)"
    rows = []
    for who, part in (("all honest merchants", silences), ("without the weak sets", usual)):
        hours = part["silence_h"]
        middle, high = percentiles(hours, 0.5, 0.9)
        rows += [
            Row(f"median, {who}", f"{middle} h", f"{PUBLISHED_SILENCES_H[0]} h", source),
            Row(f"90th percentile, {who}", f"{high} h", f"{PUBLISHED_SILENCES_H[1]} h", source),
            Row(f"days without any position, {who}", percent(mean(hours >= 24))),
        ]
    weak = silences.filter("is_weak")["vessel"].n_unique()
    return [
        "### Longest daily silence of an honest ship",
        "",
        f"Heard by satellite alone, {silences.height:,} days of"
        f" {silences['vessel'].n_unique()} merchants (class A) whose set was on and who were inside"
        " the region all day; cut at midnight UTC, so 24 h is a day without any position."
        f" {weak} of them have a weak set. The study is of other ships in other waters: its"
        " definition of a day's silence may differ.",
        "",
        *lay_rows(rows),
        "",
        _compare_silences(silences["silence_h"], usual["silence_h"]),
        "",
        _picture("silences", "Daily silences of honest merchants beside the published figures"),
        "",
    ]


def _compare_silences(every: pl.Series, usual: pl.Series) -> str:
    """Return in words where ours differ."""
    words = []
    for name, share, published in zip(
        ("median", "90th percentile"), (0.5, 0.9), PUBLISHED_SILENCES_H, strict=True
    ):
        parts = [
            f"{100 * (np.quantile(hours.to_numpy(), share) / published - 1):+.0f} % {who}"
            for who, hours in (("for all", every), ("without weak sets", usual))
        ]
        words.append(f"the {name} by {' and '.join(parts)}")
    return (
        f"**Ours differ:** {'; '.join(words)}. The settings of satellites, antennas and the private"
        " factor were chosen with these two figures, so they confirm nothing. How many days of the"
        " satellites are lost in half a year is chance, so other halves and seeds differ."
    )


# ------------------------------------------------------------------------------------ gaps


def tell_gaps(scene: Scene) -> list[str]:
    """Return gaps a ship and month by rung, beside Table 5, and the monthly totals of LLI."""
    counts = pl.read_csv(SQL / "published_counts.csv", try_parse_dates=True)
    lines = [
        "### Gaps a ship and month",
        "",
        "Merchants, May to July 2023, closed gaps of every cause but `left_region`, as the night"
        " counts them. The threshold behind Table 5, its area, and whether its ships are those seen"
        " or those with a gap are not published. Nothing is tuned to it.",
        "",
        "| flag | gaps of at least | gaps, May / June / July | a ship seen | a ship with a gap |",
        "|---|---|---|---|---|",
    ]
    notes: list[str] = []
    rates_6h: list[float] = []
    for flag in HEADLINE:
        published = published_rates(counts, flag)
        gaps = " / ".join(f"{gap:.0f}" for gap, _ in published)
        rates = " / ".join(f"{gap / ship:.2f}" for gap, ship in published)
        lines.append(f"| {flag} | CNA, Table 5: not published | {gaps} | {rates} | |")
        rungs, ours = _tell_rungs(scene, flag)
        lines += rungs
        notes.append(_compare_rates(flag, sum(g / s for g, s in published) / len(published), ours))
        rates_6h.append(dict(ours)[6])
    notes.append(
        "Table 5 has both flags alike; here an Iranian ship has"
        f" {rates_6h[1] / rates_6h[0]:.1f} times the gaps of 6 h of a Russian one, for its coast is"
        " hardly heard from the shore."
    )
    return [*lines, "", f"**Ours differ:** {' '.join(notes)}", "", *tell_totals(scene, counts), ""]


def _tell_rungs(scene: Scene, flag: str) -> tuple[list[str], list[tuple[int, float]]]:
    """Return the lines of one flag by rung, and (rung, gaps a ship seen and month)."""
    monthly = scene.published("monthly_gaps").filter(
        pl.col("flag") == flag,
        pl.col("fleet") == "merchant",
        pl.col("area") == "all",
        pl.col("port_group") == "all",
        pl.col("month").is_between(TABLE_5_FROM, TABLE_5_TO),
    )
    lines, ours = [], []
    for rung_h in RUNGS_H:
        rows = monthly.filter(pl.col("at_least_h") == rung_h).sort("month")
        gaps = total(rows["gaps"])
        seen, with_gap = (
            ratio(gaps, total(rows[name])) for name in ("ships_seen", "ships_with_gap")
        )
        ours.append((rung_h, seen))
        counted = " / ".join(map(str, rows["gaps"]))
        lines.append(f"| {flag} | {rung_h} h | {counted} | {seen:.2f} | {with_gap:.2f} |")
    return lines, ours


def published_rates(counts: pl.DataFrame, flag: str) -> list[tuple[float, float]]:
    """Return Table 5's gaps and ships of a flag, by month."""
    table = counts.filter(
        pl.col("figure_id").str.starts_with("cna_table_5"), pl.col("flag") == flag
    ).sort("period_from")
    gaps = table.filter(pl.col("measure") == "gaps")["value"]
    ships = table.filter(pl.col("measure") == "ships")["value"]
    return [(float(gap), float(ship)) for gap, ship in zip(gaps, ships, strict=True)]


def _compare_rates(flag: str, published: float, ours: list[tuple[int, float]]) -> str:
    """Return between which of our rungs a published rate lies."""
    above = [rung for rung, rate in ours if rate >= published]
    below = [rung for rung, rate in ours if rate < published]
    if above and below:
        where = f"between our {above[-1]} h and {below[0]} h"
    else:
        where = f"above our {below[0]} h" if below else f"below our {above[-1]} h"
    return f"{flag}: Table 5's {published:.1f} a ship and month lies {where}."


LLI = "Lloyd's List Intelligence, 2022"


def tell_totals(scene: Scene, counts: pl.DataFrame) -> list[str]:
    """Return our monthly gaps of 30 h and more beside those of LLI."""
    monthly = scene.published("monthly_gaps").filter(
        pl.col("at_least_h") == 30,
        pl.col("port_group") == "all",
        pl.col("flag") == "all",
        pl.col("fleet") == "all",
    )
    rows, notes = [], []
    for prefix, name, areas in (
        ("lli_caspian_gaps", "Caspian", ["caspian"]),
        ("lli_don_volga_gaps", "Don and Volga", ["lower_volga", "volga_don", "taganrog_bay"]),
    ):
        here = monthly.filter(pl.col("area").is_in(areas))
        ours = here.group_by("month").agg(pl.col("gaps").sum())["gaps"]
        theirs = counts.filter(pl.col("figure_id").str.starts_with(prefix)).sort("period_from")
        stated = ", ".join(
            f"{value:.0f} ({month:%b %Y})"
            for month, value in theirs.select("period_from", "value").iter_rows()
        )
        share = mean(ours) / mean(theirs["value"])
        notes.append(f"{name}: {percent(share)} of the published months' mean")
        figure = f"gaps of 30 h and more a month, {name}"
        rows.append(Row(figure, spread(ours, 0, 1, "", 0).strip(), stated, LLI))
    return [
        "All flags and fleets; ours is the median month (least to most). The world holds a part of"
        " the real traffic on the rivers, see the passages of the canal below.",
        "",
        *lay_rows(rows),
        "",
        f"**Ours differ:** {'; '.join(notes)}.",
    ]


# ------------------------------------------------------------- speeds, draughts, distances

CANALS = {"volga_caspian_canal": "Volga-Caspian canal", "volga_don_canal": "Volga-Don canal"}
RIVERS = ("volga_lower", "lower_don", "tsimlyansk_reservoir", "taganrog_bay")
FEWEST_HOURS = 300


def tell_speeds(scene: Scene) -> list[str]:
    """Return true speeds under way by fleet and water, beside the ranges they are drawn from."""
    waters = {
        "sea": ("sea",),
        **{words: (line,) for line, words in CANALS.items()},
        "rivers, reservoir, Taganrog Bay": RIVERS,
    }
    rows = [
        row
        for fleet in FLEETS
        for name in waters
        if (row := _speed_row(scene, fleet, name, waters[name])) is not None
    ]
    return [
        "### Speeds",
        "",
        "True speed while moving (above 0.5 kn), at full hours: median (1st to 99th percentile)."
        " Slower than stated: gales, ice, approaches, work, gear out, a tow astern; faster by 15 %"
        " at most.",
        "",
        *lay_rows(rows),
        "",
    ]


def _speed_row(scene: Scene, fleet: str, name: str, waters: tuple[str, ...]) -> Row | None:
    """Return the speeds of a fleet on some waters, None where it hardly ever is."""
    of_fleet = pl.col("fleet") == fleet
    kn = scene.under_way.filter(of_fleet, pl.col("water").is_in(waters))["kn"]
    if len(kn) < FEWEST_HOURS:
        return None
    ours = spread(kn, 0.01, 0.99, "kn")
    if (fleet, name) == ("merchant", "sea"):
        return Row(f"{fleet}, {name}", ours, "7 to 11 kn", f"river-sea ships, {ISSUE}")
    factors = scene.world.voyages.legs.speed_factors
    usual = [vessel.speed_kn for vessel in scene.fleet(fleet)]
    slow, fast = (end(factors.get(one, 1.0) for one in waters) * end(usual) for end in (min, max))
    source = f"{JUDGEMENT}: usual speeds times the factor of the water"
    return Row(f"{fleet}, {name}", ours, f"{slow:.1f} to {fast:.1f} kn", source)


def tell_draughts(scene: Scene) -> list[str]:
    """Return true draughts of merchants beside the limits of the canals."""
    moving = scene.under_way.filter(pl.col("fleet") == "merchant")
    limits = {"volga_caspian_canal": "at most 4.5 m", "volga_don_canal": "at most 3.6 m"}
    rows = [
        Row(
            f"under way in the {CANALS[line]}: median, deepest",
            "{} m, {} m".format(
                *percentiles(moving.filter(pl.col("water") == line)["draught_m"], 0.5, 1.0)
            ),
            stated,
            "issue of the simulator",
        )
        for line, stated in limits.items()
    ]
    rows.append(
        Row(
            "under way at sea: median (1st to 99th percentile)",
            spread(moving.filter(pl.col("water") == "sea")["draught_m"], 0.01, 0.99, "m"),
            "as the canals allow",
            f"{JUDGEMENT}; real tankers that stay at sea draw more",
        )
    )
    return ["### Draughts of merchants", "", *lay_rows(rows), ""]


CHECKS_NM = (
    ("port_amirabad", "port_astrakhan", 649),
    ("port_anzali", "port_astrakhan", 597),
    ("port_amirabad", "port_makhachkala", 459),
    ("port_anzali", "port_makhachkala", 407),
    ("port_amirabad", "port_olya", 602),
)


def tell_distances(scene: Scene) -> list[str]:
    """Return distances by the simulator's own routes beside METHOD 5's check figures."""
    rows = []
    for one, other, stated in CHECKS_NM:
        ours = scene.stage.waters.route(one, other).long_km / 1.852
        words = " to ".join(
            name.removeprefix("port_").replace("_", " ").title() for name in (one, other)
        )
        rows.append(
            Row(
                words,
                f"{ours:.0f} nm ({100 * (ours / stated - 1):+.1f} %)",
                f"{stated} nm",
                "METHOD 5, check figure",
            )
        )
    return [
        "### Distances between ports",
        "",
        "Over the simulator's own mesh, which shares nothing with the pipeline's. Ships keep off"
        " the oil fields east of Absheron; that was chosen with these figures.",
        "",
        *lay_rows(rows),
        "",
    ]


# -------------------------------------------------------------------------------- port life


def tell_ports(scene: Scene) -> list[str]:
    """Return stays, queues, calls and crossings of merchants."""
    calls = scene.truth("port_calls").filter(pl.col("fleet") == "merchant")
    arrived = calls.filter(pl.col("arrival_at") >= scene.world.start)
    ended = arrived.filter(pl.col("departure_at") < scene.world.end).with_columns(
        stay_h=(pl.col("departure_at") - pl.col("arrival_at")).dt.total_seconds() / HOUR_S
    )
    cargo = ended.filter(pl.col("kind") == "cargo")
    rows = [
        Row(
            "stay for cargo: median (10th to 90th percentile)",
            spread(cargo["stay_h"], 0.1, 0.9, "h"),
            "12 h is usual at least",
            "METHOD 5; length judgement",
        ),
        Row(
            "stays under 12 h / under 4 h",
            " / ".join(percent(mean(cargo["stay_h"] < hours)) for hours in (12, 4)),
            "visits last at least 4 h",
            f"METHOD 5; {JUDGEMENT}",
        ),
        *_queue_rows(scene, arrived.height),
        *_call_rows(scene, arrived),
        *_time_rows(scene),
        *_typed_rows(scene, ended),
    ]
    return ["### Port life of merchants", "", *lay_rows(rows), ""]


def _queue_rows(scene: Scene, arrivals: int) -> list[Row]:
    waits_h = [
        (stop.to_s - stop.from_s) / HOUR_S
        for vessel in scene.fleet()
        for stop in scene.timelines[vessel.number].stops
        if stop.kind == "roads" and scene.is_during(stop.to_s)
    ]
    return [
        Row(
            "calls with a wait at the roads",
            percent(ratio(len(waits_h), arrivals)),
            "half",
            JUDGEMENT,
        ),
        Row(
            "such a wait: median (10th to 90th percentile)",
            spread(waits_h, 0.1, 0.9, "h"),
            "hours to days",
        ),
    ]


def _call_rows(scene: Scene, arrived: pl.DataFrame) -> list[Row]:
    merchants = len(scene.fleet())
    russian = arrived.filter(pl.col("flag") == "RUS")
    crossing = arrived.filter("is_ru_ir_crossing")
    passages = [
        stop
        for vessel in scene.fleet()
        for stop in scene.timelines[vessel.number].stops
        if (stop.kind, stop.place) == ("lock", "volga_don_4") and scene.is_during(stop.from_s)
    ]
    a_year = scene.years
    return [
        Row("port calls a ship and year", f"{arrived.height / merchants / a_year:.1f}", "25 to 30"),
        Row(
            "headline calls a year (Russian and Iranian flags between the two, dark or not)",
            f"{crossing.height / a_year:,.0f}",
            "-",
            "nothing is published",
        ),
        Row(
            "calls in Iran by Russian-flag ships a year",
            f"{russian.filter(pl.col('country') == 'IRN').height / a_year:,.0f}",
            "130 logged, 24 Feb to end of 2022",
            "CNS, of a chosen list of ships: no total",
        ),
        Row(
            f"passages of the Volga-Don canal in the {scene.world.days} days",
            f"{len(passages)}",
            "7,935 in 2022",
            "official transits; the world holds few of the ships that only pass the canal",
        ),
    ]


def _time_rows(scene: Scene) -> list[Row]:
    """Return how merchants spend their time."""
    spent: dict[str, float] = {}
    for vessel in scene.fleet():
        line = scene.timelines[vessel.number]
        spans = [
            ("laid up" if one.kind == "lay_up" else "in port", one.arrival_s, one.departure_s)
            for one in line.visits
        ]
        names = {"outside": "beyond the region", "roads": "at the roads"}
        spans += [(names.get(one.kind, "other stops"), one.from_s, one.to_s) for one in line.stops]
        for name, from_s, to_s in spans:
            inside_s = min(to_s, scene.world.span_s) - max(from_s, 0)
            spent[name] = spent.get(name, 0.0) + max(inside_s, 0.0)
    total = len(scene.fleet()) * scene.world.span_s
    shares = {"sailing": 1 - sum(spent.values()) / total}
    shares |= {name: spent[name] / total for name in sorted(spent, key=lambda one: -spent[one])}
    words = ", ".join(f"{name} {percent(share)}" for name, share in shares.items())
    return [Row("their time", words, "-", f"{JUDGEMENT}; follows from the calls a year")]


def _typed_rows(scene: Scene, ended: pl.DataFrame) -> list[Row]:
    beyond = scene.world.voyages.stays.beyond_texts
    right = [
        is_right
        for vessel in scene.fleet()
        for at_s, is_right in judge_destinations(scene.timelines[vessel.number], beyond)
        if scene.is_during(at_s)
    ]
    return [
        Row(
            "stays after which the new draught is sent",
            percent(mean(ended["is_draught_sent"])),
            "53 %",
            "METHOD 6: 47 % of visits carry no draught",
        ),
        Row(
            "destinations that are right at departure",
            percent(ratio(sum(right), len(right))),
            "48 to 60 %",
            "METHOD 6: 40-52 % are wrong",
        ),
    ]


def judge_destinations(
    line: Timeline, beyond: dict[str, tuple[str, ...]]
) -> Iterator[tuple[float, bool]]:
    """Yield (when, is it right) of every destination a vessel sends as it leaves a port.

    `beyond` holds what is right for a place beyond the region.
    """
    ends = [(visit.arrival_s, visit.port) for visit in line.visits]
    ends += [(stop.to_s, stop.place) for stop in line.stops if stop.kind == "outside"]
    ends.sort()
    arrivals_s = np.array([at_s for at_s, _ in ends])
    for from_s, text, _ in line.voyage_sent[1:]:
        after = int(np.searchsorted(arrivals_s, from_s, side="right"))
        if after < len(ends):
            place = ends[after][1]
            texts = beyond.get(place) or (place.removeprefix("port_").replace("_", " ").upper(),)
            yield from_s, text in texts


# ------------------------------------------------------------------------------- reception


def tell_reception(scene: Scene) -> list[str]:
    """Return sightings a ship and day, stays nobody heard, passes a day."""
    present = scene.ship_days.filter(pl.col("off_s") == 0, pl.col("inside_s") == DAY_S)
    seen = scene.heard.group_by("vessel", "day").agg(
        satellite=pl.col("is_satellite").sum(), terrestrial=(~pl.col("is_satellite")).sum()
    )
    days = (
        present.filter(pl.col("vessel").is_in(scene.heard["vessel"].unique().implode()))
        .join(seen, on=["vessel", "day"], how="left")
        .with_columns(pl.col("satellite", "terrestrial").fill_null(0))
    )
    rows = [
        Row(
            f"sightings a ship and day, {kind}: median (10th to 90th percentile)",
            spread(days[kind], 0.1, 0.9, "", 0).strip(),
            f"at most {DAY_S // scene.world.feed.thin_s}",
            f"{JUDGEMENT}: the feed is thinned to one in {scene.world.feed.thin_s} s",
        )
        for kind in ("terrestrial", "satellite")
    ]
    rows.append(
        Row(
            "ship-days without a sighting",
            percent(mean(days["satellite"] + days["terrestrial"] == 0)),
        )
    )
    rows += [*_stay_rows(scene), *_pass_rows(scene)]
    return [
        "### Reception",
        "",
        "Merchants whose set is on and who are inside the region all day. All of it is judgement:"
        " places and ranges of stations (triangles) are invented. The chance is the mean over all"
        " ships and hours in a cell of 0.25 degree, antennas included, the private factor left out;"
        f" cells with fewer than {FEWEST_CELL_HOURS} ship-hours are blank.",
        "",
        *lay_rows(rows),
        "",
        _picture("receptions", "Density of sightings by kind of receiver"),
        "",
        _picture("chance", "Chance that a sending ship is heard within an hour"),
        "",
    ]


def _stay_rows(scene: Scene) -> list[Row]:
    lit = scene.truth("port_calls").filter(
        pl.col("fleet") == "merchant",
        pl.col("off_h") == 0,
        pl.col("arrival_at") >= scene.world.start,
        pl.col("departure_at") < scene.world.end,
    )
    countries = lit.group_by("country").agg((~pl.col("is_heard")).mean()).sort("country")
    parts = ", ".join(f"{country} {percent(share)}" for country, share in countries.iter_rows())
    unheard = percent(mean(~lit["is_heard"]))
    return [
        Row("stays with the set on that nobody heard", unheard),
        Row("the same by country", parts),
    ]


def _pass_rows(scene: Scene) -> list[Row]:
    passes = scene.stage.radio.passes
    long_min = (passes.to_s - passes.from_s) / 60
    between_h = np.diff(passes.from_s) / HOUR_S
    satellites = len(scene.stage.radio.satellite_names)
    return [
        Row(
            f"satellite passes a day ({satellites} satellites)",
            f"{len(long_min) / scene.world.days:.1f}",
        ),
        Row(
            "a pass: median (least to most)",
            spread(long_min, 0, 1, "min"),
            "8 to 14 min",
            "issue of the simulator",
        ),
        Row(
            "time from pass to pass: median, 99th percentile",
            "{} h, {} h".format(*percentiles(between_h, 0.5, 0.99)),
        ),
    ]


# ----------------------------------------------------------------------------- switch-offs


def tell_switching(scene: Scene) -> list[str]:
    """Return dark calls a year, prevalence among gaps, and off intervals by fleet and kind."""
    calls = scene.truth("port_calls").filter(
        pl.col("arrival_at") >= scene.world.start, pl.col("departure_at") < scene.world.end
    )
    dark, headline = calls.filter("is_dark"), calls.filter("is_ru_ir_crossing")
    merchant = dark.filter(pl.col("fleet") == "merchant").height
    hidden = total(headline["is_dark"])
    unheard = headline.filter(~pl.col("is_heard"), pl.col("off_h") == 0).height
    rows = [
        Row("dark calls a year, merchants", f"{merchant / scene.years:.0f}"),
        Row(
            "of these in the headline scope, a year",
            f"{hidden / scene.years:.0f}",
            "above 20 is High",
            "CNA, Table 8: limits of its classes, no count is published",
        ),
        Row(
            "headline calls that are dark",
            f"{percent(ratio(hidden, headline.height))} ({hidden} of {headline.height})",
            "some 5 %",
        ),
        Row(
            "headline calls with the set on that nobody heard, a year",
            f"{unheard / scene.years:.0f}",
        ),
        Row(
            "merchants that switch off much more often",
            percent(ratio(sum(one.is_habitual for one in scene.fleet()), len(scene.fleet()))),
            "3 to 15 % by flag",
            JUDGEMENT,
        ),
        *_prevalence_rows(scene),
    ]
    return [
        "### Switch-offs",
        "",
        *lay_rows(rows),
        "",
        _picture("dark_call", "One dark call, with what was heard round it"),
        "",
        *_tell_offs(scene),
        "",
    ]


def _prevalence_rows(scene: Scene) -> list[Row]:
    measured = measure_gaps(scene)
    near = measured.filter(pl.col("flag").is_in(HEADLINE), pl.col("fleet") == "merchant")
    real = measured.filter(~pl.col("is_heard_meanwhile"))
    label, easy = "truth, METHOD 8's label", f"{ISSUE}: else the world is too easy"
    whose = "labelled gaps of 12 h and more: share with the set off"
    return [
        Row(whose, f"{percent(mean(measured['is_off']))} of {measured.height:,}", "-", label),
        Row(
            "the same, Russian and Iranian merchants",
            f"{percent(mean(near['is_off']))} of {near.height:,}",
            "-",
            label,
        ),
        Row(
            "these with the set off, by kind of the longest time off",
            kinds_of(scene, measured),
            "-",
            label,
        ),
        Row("average precision of a gap's length alone", _rank(measured), "below 0.65", easy),
        Row(
            f"the same without the {measured.height - real.height} in which the ship was heard on"
            " another track (GNSS interference)",
            _rank(real),
            "below 0.65",
            easy,
        ),
    ]


def _rank(gaps: pl.DataFrame) -> str:
    is_off = gaps["is_off"].cast(pl.Boolean).to_numpy()
    return f"{average_precision(is_off, gaps['duration_h'].to_numpy()):.3f}"


def kinds_of(scene: Scene, gaps: pl.DataFrame) -> str:
    """Return how many gaps with the set off hold which kind of time off, the longest in each."""
    offs = scene.truth("off_intervals", "vessel", "off_at", "on_at", "kind").rename(
        {"off_at": "from_at", "on_at": "to_at"}
    )
    shared = pl.min_horizontal("to_at", "on_at") - pl.max_horizontal("from_at", "off_at")
    kinds = (
        gaps.filter(pl.col("is_off").cast(pl.Boolean))
        .select("gap_id", pl.col("vessel").cast(pl.Int32), "off_at", "on_at")
        .join(offs, on="vessel")
        .with_columns(shared=shared)
        .filter(pl.col("shared") > pl.duration(seconds=0))
        .sort("gap_id", "shared", "from_at", descending=[False, True, False])
        .unique("gap_id", keep="first", maintain_order=True)
        .group_by("kind")
        .len()
        .sort("len", "kind", descending=[True, False])
    )
    return ", ".join(f"{kind} {count}" for kind, count in kinds.iter_rows())


def measure_gaps(scene: Scene) -> pl.DataFrame:
    """Return the closed gaps of 12 h and more that have a label (METHOD 8), of the whole world."""
    rules = EvaluationRules()
    run = read_run(scene.folder / "processed", scene.folder / "truth")
    hours = lay_out_hours(
        run.truth["ship_hours"], run.truth["off_intervals"], run.world.start, rules
    )
    gaps = mark_heard_meanwhile(match_vessels(run.published["gaps"], run, hours))
    labelled = label_gaps(gaps, run, hours, rules).with_columns(is_rated=pl.lit(value=True))
    return pick_measured(labelled, rules)


def _tell_offs(scene: Scene) -> list[str]:
    """Return a table of off intervals by fleet and kind."""
    start, end = (
        pl.lit(one).cast(pl.Datetime("us")) for one in (scene.world.start, scene.world.end)
    )
    offs = (
        scene.truth("off_intervals")
        .join(scene.truth("ships", "vessel", "fleet"), on="vessel")
        .with_columns(
            long_h=(pl.col("on_at") - pl.col("off_at")).dt.total_seconds() / HOUR_S,
            inside_h=(pl.min_horizontal("on_at", end) - pl.max_horizontal("off_at", start))
            .dt.total_seconds()
            / HOUR_S,
        )
    )  # fmt: skip
    order = {fleet: at for at, fleet in enumerate(FLEETS)}
    rows = (
        offs.group_by("fleet", "kind")
        .agg(pl.len().alias("count"), pl.col("long_h").median(), pl.col("inside_h").sum())
        .with_columns(place=pl.col("fleet").replace_strict(order))
        .sort("place", "kind")
    )
    lines = [
        "Times off by fleet and kind, all of them judgement. A dark call with re-appearances is"
        " several. `at_sea` of warships is any silence of days, most of it at the base; `in_port`"
        " holds lay-ups, too.",
        "",
        "| fleet | vessels | kind | count | median length, h | share of the fleet's time |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows.iter_rows(named=True):
        vessels = len(scene.fleet(row["fleet"]))
        share = row["inside_h"] / (vessels * scene.world.days * 24)
        lines.append(
            f"| {row['fleet']} | {vessels} | {row['kind']} | {row['count']:,} |"
            f" {row['long_h']:.1f} | {100 * share:.2f} % |"
        )
    return lines


def _day(at: datetime) -> str:
    return f"{at.day} {at:%B %Y}"


def tell_figures(scene: Scene) -> str:
    """Return section 2: the world's marginal figures beside published ones, with pictures."""
    world, silences = scene.world, daily_silences(scene)
    lines = [
        "## 2. Marginal figures beside published ones",
        "",
        COMPUTED,
        "",
        f"World `{world.name}` from {_day(world.start)} to"
        f" {_day(world.end - timedelta(days=1))}, seed {SEED}: {len(scene.vessels)} vessels,"
        f" {world.days} days, settings {world.hash}. Half a year holds a part of a winter and of a"
        " season: figures a year are scaled. Other seeds give other figures.",
        "",
        _picture("tracks", "True tracks of some vessels"),
        "",
    ]
    draw_tracks(scene)
    draw_receptions(scene)
    draw_chance(scene)
    draw_silences(silences)
    draw_dark_call(scene)
    for part in (
        tell_silences(scene, silences),
        tell_gaps(scene),
        tell_speeds(scene),
        tell_draughts(scene),
        tell_distances(scene),
        tell_ports(scene),
        tell_reception(scene),
        tell_switching(scene),
    ):
        lines += part
    return "\n".join(lines).rstrip()


# ================================================================================ pictures


def _picture(name: str, words: str) -> str:
    return f"![SIMULATED. {words}](simulation/{name}.png)"


def _save(figure: Any, name: str) -> None:
    from matplotlib import pyplot

    PICTURES.mkdir(parents=True, exist_ok=True)
    figure.tight_layout()
    figure.savefig(PICTURES / f"{name}.png", dpi=100, metadata={"Software": None})
    pyplot.close(figure)


SEA_BOX, WHOLE_BOX = (46.2, 36.2, 54.4, 47.4), (36.0, 36.0, 55.0, 50.0)


def _draw_chart(axes: Axes, title: str, box: tuple[float, float, float, float]) -> None:
    """Draw shoreline and waterways."""
    for _, sea in read_areas("shoreline.geojson"):
        for polygon in getattr(sea, "geoms", [sea]):
            for ring in (polygon.exterior, *polygon.interiors):
                axes.plot(*shapely.get_coordinates(ring).T, color="#3b7ea8", lw=0.5)
    for _, line in read_areas("lines.geojson"):
        axes.plot(*shapely.get_coordinates(line).T, color="#7fb0cc", lw=1.0, zorder=0)
    west, south, east, north = box
    axes.set(xlim=(west, east), ylim=(south, north), title=title, aspect=1.34)
    axes.set(xlabel="degrees east", ylabel="degrees north")
    axes.grid(alpha=0.2)
    axes.annotate(
        "Shoreline (c) OpenStreetMap contributors, ODbL",
        (0.99, 0.005),
        xycoords="axes fraction",
        ha="right",
        fontsize=6,
    )


# One vessel each, the first of its fleet, flag and habit: (fleet, flag, habit).
SHOWN = (
    ("merchant", "RUS", "crossing"),
    ("merchant", "IRN", "crossing"),
    ("merchant", "RUS", "volga_don"),
    ("merchant", "RUS", "volga_up"),
    ("merchant", "KAZ", "tanker_aktau"),
    ("merchant", "TKM", "turkmen_dry"),
    ("merchant", "AZE", "baku_iran"),
    ("ferry", "AZE", "ferry_alat_turkmenbashi"),
    ("service", "RUS", "tug_tow"),
    ("naval", "RUS", "naval"),
    ("fishing", "IRN", "fishing"),
    ("fishing", "RUS", "fishing"),
    ("class_b", "AZE", "class_b"),
)


def draw_tracks(scene: Scene) -> None:
    """Draw the true tracks of a dozen vessels over 90 days, the sea beside the whole region."""
    from matplotlib import pyplot

    figure, (whole, sea) = pyplot.subplots(1, 2, figsize=(18, 11), width_ratios=(1.45, 1))
    until_s = 90.0 * DAY_S
    _draw_chart(whole, "SIMULATED: true tracks of some vessels, 90 days", WHOLE_BOX)
    _draw_chart(sea, "SIMULATED: the same, the sea", SEA_BOX)
    colours = matplotlib.colormaps["tab20"]
    for place, key in enumerate(SHOWN):
        found = [
            one for one in scene.vessels if (one.fleet, one.identities[0].flag, one.habit) == key
        ]
        if not found:
            continue
        line = scene.timelines[found[0].number]
        knots_s = np.unique(np.append(line.at_s[(line.at_s > 0) & (line.at_s < until_s)], until_s))
        for axes in (whole, sea):
            axes.plot(
                *line.locate(knots_s), color=colours(place), lw=0.9, label=f"{key[1]} {key[2]}"
            )
    for port in scene.stage.waters.ports.values():
        for axes in (whole, sea):
            axes.plot(port.lon_deg, port.lat_deg, "s", ms=3, color="#e0584f")
        if SEA_BOX[0] < port.lon_deg:
            name = port.id.removeprefix("port_")
            sea.annotate(name, (port.lon_deg, port.lat_deg), fontsize=7, clip_on=True)
    whole.legend(fontsize=8, loc="upper right")
    _save(figure, "tracks")


def draw_receptions(scene: Scene) -> None:
    """Draw sightings a cell of 0.1 degree by kind of receiver, side by side."""
    from matplotlib import pyplot
    from matplotlib.colors import LogNorm

    cell = 0.1
    counted = (
        scene.positions()
        .group_by(
            "receiver",
            x=(pl.col("lon") / cell).floor().cast(pl.Int32),
            y=(pl.col("lat") / cell).floor().cast(pl.Int32),
        )
        .len()
        .collect()
    )
    figure, panels = pyplot.subplots(1, 2, figsize=(18, 8))
    most = float(counted["len"].to_numpy().max())
    for axes, kind in zip(panels, ("terrestrial", "satellite"), strict=True):
        _draw_chart(axes, f"SIMULATED: sightings by {kind} receivers, a 0.1 degree cell", WHOLE_BOX)
        part = counted.filter(pl.col("receiver") == kind)
        mesh = _draw_cells(axes, part, "len", cell, norm=LogNorm(1, most), cmap="viridis")
        if kind == "terrestrial":
            for one in scene.world.radio.stations.table:
                axes.plot(one.lon_deg, one.lat_deg, "^", ms=4, color="#e0584f")
        figure.colorbar(mesh, ax=axes, shrink=0.6, label="sightings")
    _save(figure, "receptions")


def draw_chance(scene: Scene) -> None:
    """Draw the mean chance of being heard in an hour by cell of 0.25 degree."""
    from matplotlib import pyplot

    cell = 0.25
    expected = pl.col("expected_terrestrial") + pl.col("expected_satellite")
    cells = (
        scene.truth(
            "ship_hours", "lon_deg", "lat_deg", "expected_terrestrial", "expected_satellite"
        )
        .group_by(
            x=(pl.col("lon_deg") / cell).floor().cast(pl.Int32),
            y=(pl.col("lat_deg") / cell).floor().cast(pl.Int32),
        )
        .agg(chance=(1 - (-expected).exp()).mean(), hours=pl.len())
        .filter(pl.col("hours") >= FEWEST_CELL_HOURS)
    )
    figure, axes = pyplot.subplots(figsize=(12, 8.5))
    title = "SIMULATED: chance that a ship whose set is on is heard within an hour"
    _draw_chart(axes, title, WHOLE_BOX)
    mesh = _draw_cells(axes, cells, "chance", cell, vmin=0, vmax=1, cmap="magma")
    figure.colorbar(mesh, ax=axes, shrink=0.6, label="mean of 1 - exp(-expected receptions)")
    _save(figure, "chance")


def _draw_cells(axes: Axes, cells: pl.DataFrame, name: str, cell: float, **style: Any) -> Any:
    """Draw values by cell (columns x, y) and return what a colour bar wants."""
    x, y = cells["x"].to_numpy(), cells["y"].to_numpy()
    grid = np.full((y.max() - y.min() + 1, x.max() - x.min() + 1), np.nan)
    grid[y - y.min(), x - x.min()] = cells[name].to_numpy()
    edges = [
        cell * np.arange(of.min(), of.max() + 2) for of in (x, y)
    ]  # fmt: skip
    return axes.pcolormesh(*edges, grid, **style)


def draw_silences(silences: pl.DataFrame) -> None:
    """Draw the distribution of daily silences beside the two published figures."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(9, 5.5))
    for words, part in (
        ("all honest merchants", silences),
        ("without the weak sets", silences.filter(~pl.col("is_weak"))),
    ):
        hours = np.sort(part["silence_h"].to_numpy())
        axes.plot(hours, (np.arange(len(hours)) + 1) / len(hours), label=words)
    for hours, share in zip(PUBLISHED_SILENCES_H, (0.5, 0.9), strict=True):
        axes.plot(hours, share, "ko")
        axes.annotate(
            f"published: {hours} h", (hours, share), xytext=(8, -12), textcoords="offset points"
        )
    axes.set(
        title="SIMULATED: longest daily silence of an honest ship heard by satellite alone",
        xlabel="longest silence of a UTC day, h (24: no position all day)",
        ylabel="share of ship-days at most as long",
        xlim=(0, 24.5),
        ylim=(0, 1.02),
    )
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    _save(figure, "silences")


def pick_dark_call(scene: Scene) -> dict[str, Any]:
    """Return a dark headline call in mid-world, one with few sightings of its vessel missing."""
    lone = scene.truth("ships", "vessel", "shares_mmsi").filter(~pl.col("shares_mmsi"))
    day = timedelta(days=20)
    calls = (
        scene.truth("port_calls")
        .join(lone, on="vessel")
        .filter("is_dark", pl.col("fleet") == "merchant", pl.col("kind") == "cargo")
        .filter(pl.col("arrival_at").is_between(scene.world.start + day, scene.world.end - day))
        .sort(pl.col("is_ru_ir_crossing"), "call_id", descending=[True, False])
    )
    return next(iter(calls.iter_rows(named=True)))


def draw_dark_call(scene: Scene) -> None:
    """Draw the life of one dark call: distance from the port, receptions, time off, stay."""
    from matplotlib import pyplot

    call = pick_dark_call(scene)
    margin = timedelta(days=4)
    begin, end = call["arrival_at"] - margin, call["departure_at"] + margin
    first_s, last_s = ((at - scene.world.start).total_seconds() for at in (begin, end))
    line = scene.timelines[call["vessel"]]
    port = scene.stage.waters.ports[call["port"]]
    at_s = np.linspace(first_s, last_s, 2000)
    figure, axes = pyplot.subplots(figsize=(13, 6))
    away_nm = _away_nm(*line.locate(at_s), port.lon_deg, port.lat_deg)
    axes.plot(_instants(scene, at_s), away_nm, color="#888888", lw=1, label="truth")
    seen = scene.heard.filter(
        pl.col("vessel") == call["vessel"], pl.col("seen_at").is_between(begin, end)
    )
    for kind, is_satellite, style in (("terrestrial", False, "|"), ("satellite", True, "x")):
        part = seen.filter(pl.col("is_satellite") == is_satellite)["seen_at"].to_numpy()
        heard_s = (part - np.datetime64(scene.world.start, "us")) / np.timedelta64(1, "s")
        away_nm = _away_nm(*line.locate(heard_s), port.lon_deg, port.lat_deg)
        axes.plot(part, away_nm, style, ms=7, label=f"heard, {kind} ({len(part)})")
    offs = scene.truth("off_intervals").filter(
        pl.col("vessel") == call["vessel"], pl.col("on_at") > begin, pl.col("off_at") < end
    )
    for number, row in enumerate(offs.iter_rows(named=True)):
        span = max(row["off_at"], begin), min(row["on_at"], end)
        label = None if number else "set off"
        axes.axvspan(*span, color="#e0584f", alpha=0.2, label=label)
    stay = call["arrival_at"], call["departure_at"]
    axes.axvspan(*stay, ymax=0.06, color="#333333", label="stay in port")
    name = call["port"].removeprefix("port_").replace("_", " ").title()
    axes.set(
        title=f"SIMULATED: a dark call at {name} (vessel {call['vessel']}, {call['flag']})",
        ylabel=f"distance from {name}, nm (straight)",
        xlim=(begin, end),
    )
    axes.grid(alpha=0.3)
    axes.legend(loc="upper center")
    figure.autofmt_xdate()
    _save(figure, "dark_call")


def _instants(scene: Scene, at_s: Hours) -> NDArray[np.datetime64]:
    step = np.timedelta64(1, "s")
    return np.datetime64(scene.world.start, "us") + at_s.astype(np.int64) * step


def _away_nm(lon_deg: Hours, lat_deg: Hours, to_lon_deg: float, to_lat_deg: float) -> Hours:
    """Return distances on a local plane, good enough for a picture."""
    narrow = math.cos(math.radians(to_lat_deg))
    return 60 * np.hypot((lon_deg - to_lon_deg) * narrow, lat_deg - to_lat_deg)


# ============================================================= 3. assumed, sourced, left out

ASSUMED = """\
## 3. What is assumed and what is sourced

Every setting of section 5 names its source, or says "judgement" with a reason.

**Sourced.** What sets send, when, and on which grid: ITU-R M.1371-5 (class A and B, types 5 and 24
every 6 minutes, type 27 beyond the reach of stations, base stations, aids). Shore, waterways, ports
and roads, and the dates of seasons and closures that are listed: `geo/`. How many Russian and
Iranian merchants there are: Table 5. Draughts the canals allow, river-sea ships of 7 to 11 kn,
passes of 8 to 14 minutes: issue of the simulator. 4.5 days through hard ice: METHOD 3. Draughts
sent in about half of the visits, destinations right in about half: METHOD 6.

**Set with a published figure.** What satellites lose (collisions, passes, whole days), the spread
of antennas and the private factor were chosen so that daily silences come out near METHOD's
warning (b). Ships keep outside the oil fields, so that distances come out near METHOD 5's.

**Judgement, all the rest.** Above all:
- *Stations*: places, ranges, edges, ducts, failures; few and weak on the Iranian and Turkmen
  shores. Hardly anything is published, and how many stays go unheard follows from it.
- *`private_shape`*: the over-dispersion of reception. One Gamma factor a stay or leg on all
  receptions of a vessel (berth, heading, cranes), of which no other ship can bear witness. The
  smaller the shape, the more an honest silence looks like a set that is off.
- *Antennas*: log-normal, and some sets that hardly anybody hears.
- *Trades and habits*: which ports a ship goes to and how often, stays, queues, lay-up between
  charters. Ships are laid up so often because only so their calls a year come out as wished.
- *Switch-offs*: how often, how long, by whom; failures; small craft that save power; warships.
- *Noise*: GNSS interference, wrong clocks, late and repeated rows, garbled values, shared MMSIs.

**Left out.**
- A ship-to-ship transfer has no partner: a vessel lies alone at sea, and no second set is off.
- Vessels do not meet: no berth is taken because another lies there (queues are drawn), nobody
  slows down for a neighbour, but for a tow and its tug.
- Ice at sea and in the northern ports: it is in the Volga-Caspian canal alone, with convoys. No
  tides, no low water. A gale is drawn leg by leg and strikes one ship.
- Ships deeper than the canal. Some tankers between Aktau, Turkmenbashi, Baku and Makhachkala are
  larger and deeper; here every merchant would fit the Volga-Caspian canal.
- Cargo: a ship leaves a port laden or light by the country alone, whatever it came with.
- Most of the traffic of the rivers: ships that pass the Volga-Don canal and never see the Caspian.
- Terrain, and messages that collide at shore stations. A pass hears the whole basin alike.
- Positions falsified while the set is on, stolen identities, ships without a set (METHOD 9).
- What a master thinks: switching off does not depend on who listens, on weather or inspections.
- Beyond the region a vessel sails to one point in the Black Sea or at Samara, and comes back.\
"""


# =============================================================================== 4. truth

# What `world.json` holds; a test compares it with a world.
WORLD_KEYS = {
    "is_simulated": "true",
    "name": "named world it started from, `small-` before it for the small form",
    "seed": "its seed",
    "start": "first instant, UTC, ISO",
    "end": "first instant after it, UTC, ISO",
    "rated_from": "first instant of the rated time: the last twelve months, or the setting",
    "private_shape": "shape of the Gamma factor `private` (METHOD 8, reference likelihood)",
    "clipped": "nothing from outside the region is in the feed",
    "format": "format of the feed's files",
    "settings_hash": "hash of all settings",
    "settings": "all settings as used, in the tree of section 5",
}


def tell_truth() -> str:
    """Return section 4: the truth tables and what world.json holds."""
    lines = [
        "## 4. Truth tables",
        "",
        FROM_CODE,
        "",
        "Written to `truth/` beside the feed, one Parquet file each, from"
        " `pipeline/simulate/truth.py`. Instants are UTC without a zone; rows are sorted by the"
        " key. Evaluation reads these and nothing else of the simulator.",
    ]
    for name, table in TRUTH_TABLES.items():
        lines += ["", f"### {name}", "", " ".join((table.__doc__ or "").split()), ""]
        lines += ["| column | type | unit | may be null | meaning |", "|---|---|---|---|---|"]
        for field, column in table.columns().items():
            unit = (column.metadata or {}).get("unit", "")
            key = " (key)" if column.primary_key else ""
            null = "yes" if column.nullable else "no"
            lines.append(
                f"| {field}{key} | {column.dtype} | {unit} | {null} | {column.description} |"
            )
    lines += ["", "### world.json", "", "| key | what |", "|---|---|"]
    lines += [f"| {key} | {words} |" for key, words in WORLD_KEYS.items()]
    return "\n".join(lines)


# ============================================================================ 5. settings

SETTINGS_HEAD = """\
## 5. Settings

{mark}

A world's settings are a TOML file: a dotted name is a table and a key (`vessels.antenna_sigma` is
`antenna_sigma` under `[vessels]`). An unknown key is refused. A file is laid over a named world, so
it says only what differs: of a table (`{{ ... }}`) the entries it names, the others stay (a share of 0
takes one away). A list, or rows with names after a colon, is one value: who gives it gives all of it.

```toml
days = 90
[vessels]
ships = 60
[switching]
dark_call_share = 0.06
[radio]
growth = [{{ from = 2022-04-15T00:00:00, feed = "simulated_coast", factor = 1.5 }}]
```\
"""
LONGEST_ROWS = 150


@dataclass(frozen=True)
class Listing:
    """A setting that is a list or table of groups: its dotted name, rows, and what a row is."""

    path: str
    rows: dict[str, BaseModel]
    row: type[BaseModel]


def tell_settings() -> str:
    """Return section 5: every setting with default, unit and source, from the pydantic tree."""
    lines = [SETTINGS_HEAD.format(mark=FROM_CODE)]
    listings: list[Listing] = []
    lines += ["", "### The world", "", *SETTING_COLUMNS]
    groups: list[tuple[str, BaseModel]] = []
    for name, field in World.model_fields.items():
        value = getattr(World(), name)
        if isinstance(value, BaseModel):
            groups.append((name, value))
        else:
            lines += tell_setting(_key(name, field), value, field, listings)
    for name, group in groups:
        lines += ["", f"### {name}", "", _doc(group), "", *SETTING_COLUMNS]
        lines += walk_group(name, group, listings)
    for listing in listings:
        lines += ["", *tell_listing(listing)]
    return "\n".join(lines)


SETTING_COLUMNS = ("| name | default | unit | source |", "|---|---|---|---|")


def walk_group(path: str, group: BaseModel, listings: list[Listing]) -> list[str]:
    """Return the lines of all settings of a group and the groups in it; lists are noted down."""
    lines = []
    for name, field in type(group).model_fields.items():
        value, key = getattr(group, name), f"{path}.{_key(name, field)}"
        if isinstance(value, BaseModel):
            lines += walk_group(key, value, listings)
        else:
            lines += tell_setting(key, value, field, listings)
    return lines


def tell_setting(key: str, value: Any, field: FieldInfo, listings: list[Listing]) -> list[str]:
    """Return the line of one setting; a table of tables has a line each."""
    row = find_row_class(field.annotation)
    if row is not None:
        rows = value if isinstance(value, dict) else dict(enumerate(value))
        listings.append(Listing(key, {str(at): one for at, one in rows.items()}, row))
        return [_line(key, f"{len(rows)} rows, see [below](#{_anchor(key)})", field)]
    if isinstance(value, dict) and value and all(isinstance(one, dict) for one in value.values()):
        lines = [_line(f"{key}`: `{name}", as_toml(one), field) for name, one in value.items()]
        # The source is said once.
        return [lines[0], *(f"{line.rsplit('|', 2)[0]}| as above |" for line in lines[1:])]
    return [_line(key, as_toml(value), field)]


def _line(key: str, shown: str, field: FieldInfo) -> str:
    more = field.json_schema_extra
    facts = more if isinstance(more, dict) else {}
    unit, source = (str(facts.get(name, "")).replace("|", "/") for name in ("unit", "source"))
    return f"| `{key}` | {shown} | {unit} | {source} |"


def tell_listing(listing: Listing) -> list[str]:
    """Return what a row of a list of groups holds, and its rows where they are short."""
    row = listing.row
    lines = [f"### {listing.path}", "", _doc(row), "", *SETTING_COLUMNS]
    for name, field in row.model_fields.items():
        default = "must be given" if field.is_required() else as_toml(field.default)
        lines.append(_line(_key(name, field), default, field))
    if not listing.rows:
        return [*lines, "", "None by default."]
    keys = [_key(name, field) for name, field in row.model_fields.items()]
    cells = {
        at: [as_toml(getattr(one, name)) for name in row.model_fields]
        for at, one in listing.rows.items()
    }
    is_named = not next(iter(cells)).isdigit()
    if max(sum(map(len, one)) for one in cells.values()) > LONGEST_ROWS:
        module = row.__module__.replace(".", "/")
        names = ", ".join(f"`{at}`" for at in cells)
        return [*lines, "", f"Rows, in `{module}.py`: {names}."]
    lead = "| row | " if is_named else "| "
    lines += ["", f"{lead}{' | '.join(keys)} |", "|---" * (len(keys) + is_named) + "|"]
    lines += [
        f"{f'| {at} | ' if is_named else '| '}{' | '.join(one)} |" for at, one in cells.items()
    ]
    return lines


def find_row_class(annotation: Any) -> type[BaseModel] | None:
    """Return the group that a list or table of groups is made of, None for other settings."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(find_row_class, typing.get_args(annotation))), None)


def _key(name: str, field: FieldInfo) -> str:
    """Return how TOML names a field: its alias, the last where there are several."""
    choices = getattr(field.validation_alias, "choices", None)
    return str(choices[-1]) if choices else field.alias or name


def _doc(group: BaseModel | type[BaseModel]) -> str:
    return " ".join((group.__doc__ or "").split())


def _anchor(key: str) -> str:
    return key.replace(".", "")


def as_toml(value: Any) -> str:
    """Return a value as TOML writes it, safe in a table; "not set" for none."""
    return next(write(value) for kind, write in TOML_WORDS if isinstance(value, kind))


def _pairs(table: dict[str, Any]) -> str:
    return f"{{ {', '.join(f'{key} = {as_toml(one)}' for key, one in table.items())} }}"


# The first that fits: a truth is an int, too.
TOML_WORDS: tuple[tuple[Any, Callable[[Any], str]], ...] = (
    (type(None), lambda _: "not set"),
    (bool, lambda truth: str(truth).lower()),
    ((datetime, date), lambda day: day.isoformat()),
    (str, lambda text: json.dumps(text, ensure_ascii=False).replace("|", "/")),
    (float, lambda number: f"{number:.6g}" if abs(number) < 1e6 else f"{number:g}"),
    (dict, _pairs),
    ((list, tuple), lambda many: f"[{', '.join(map(as_toml, many))}]"),
    (object, str),
)


# =============================================================================== the page

FIGURES_BEGIN, FIGURES_END = "<!-- figures begin -->", "<!-- figures end -->"


def lay_page(figures: str) -> str:
    """Return the page with its five parts in order; `figures` is the computed one."""
    parts = [
        f"{TITLE}\n\n{tell_world()}",
        f"{FIGURES_BEGIN}\n{figures}\n{FIGURES_END}",
        ASSUMED,
        tell_truth(),
        tell_settings(),
    ]
    return "\n\n".join(parts) + "\n"


def read_figures(page: str) -> str:
    """Return the computed part of a page.

    Raises:
        SystemExit: it has none.
    """
    if FIGURES_BEGIN not in page or FIGURES_END not in page:
        raise SystemExit(f"{PAGE} holds no figures: run {COMMAND}")
    return page.partition(FIGURES_BEGIN)[2].partition(FIGURES_END)[0].strip()


def main() -> None:
    """Write the page and the pictures."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--words", action="store_true", help="only what comes from code")
    options.add_argument("--folder", type=Path, help="keep the world here, or read it from here")
    chosen = options.parse_args()
    if chosen.words:
        figures = read_figures(PAGE.read_text("utf-8"))
    elif chosen.folder:
        figures = tell_figures(set_scene(chosen.folder))
    else:
        with tempfile.TemporaryDirectory() as folder:
            figures = tell_figures(set_scene(Path(folder)))
    PAGE.write_text(lay_page(figures), "utf-8")
    _tell(f"{PAGE.relative_to(REPOSITORY)} written")


if __name__ == "__main__":
    main()
