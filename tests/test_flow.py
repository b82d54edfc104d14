"""The one way through the house: a module imports only from those before it in the flow."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.night import REPOSITORY

# DESIGN 1, with the modules that split off on the way.
FLOW = (
    "errors",
    "process",
    "resources",
    "user_files",
    "user_csv",
    "rules",
    "schema",
    "geodesy",
    "feeds",
    "clean",
    "runs",
    "areas_index",
    "areas_folder",
    "areas_shores",
    "areas",
    "water_file",
    "water_folder",
    "water_ways",
    "water_fields",
    "water_paths",
    "water_straight",
    "water_snap",
    "water_dates",
    "water",
    "fleet",
    "ships",
    "registry",
    "user_evidence",
    "health",
    "gnss",
    "tracks",
    "ghosts",
    "tow",
    "ordered",
    "port_parts",
    "canal_parts",
    "summaries",
    "gaps",
    "calibration_labels",
    "calibration",
    "calibration_gaps",
    "causes",
    "exposure",
    "gap_table",
    "reception",
    "reach",
    "joint",
    "history",
    "port_stays",
    "legs",
    "canal_transits",
    "posterior",
    "proofs",
    "call_places",
    "call_words",
    "dark_calls",
    "imaging",
    "calls",
    "chains",
    "derive",
    "voyages",
    "indicator",
    "keys",
    "store",
    "remote",
    "engine",
    "ingest",
    "inputs",
    "day_steps",
    "days",
    "months",
    "archive",
    "rollup",
    "report",
    "paces",
    "remaining",
    "plan",
    "nightly",
    "calibrate_page",
    "calibrate",
    "explain_hours",
    "explain_calls",
    "explain",
    "doctor",
    "sql_editor",
    "bars",
    "progress",
    "simulate",
    "evaluate",
    "geobuild",
    "waterbuild_mesh",
    "waterbuild",
    "cli_worlds",
    "cli_remote",
    "cli_nightly",
    "cli_calibrate",
    "cli_report",
    "cli",
)
# They alone touch disk, clock and database; areas, ships and rules read the file they are named.
TOUCH_THE_CLOCK = {"store", "nightly", "cli_nightly", "cli", "progress"}


def imported_modules(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("pipeline"):
            parts = node.module.split(".")
            names |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {
                alias.name.split(".")[1]
                for alias in node.names
                if alias.name.startswith("pipeline.")
            }
    return names


def module_of(path: Path) -> str:
    return path.relative_to(REPOSITORY / "pipeline").with_suffix("").parts[0]


def sources() -> list[Path]:
    return [
        path
        for path in sorted((REPOSITORY / "pipeline").rglob("*.py"))
        if path.name != "__init__.py" or path.parent.name == "feeds"
    ]


def test_every_module_has_its_place_in_the_flow() -> None:
    assert {module_of(path) for path in sources()} == set(FLOW)


def test_a_module_imports_only_from_those_before_it() -> None:
    offenders = [
        f"{module_of(path)} imports {name}"
        for path in sources()
        for name in imported_modules(path)
        if name != module_of(path) and FLOW.index(name) >= FLOW.index(module_of(path))
    ]
    assert not offenders


def test_only_the_edges_look_at_the_clock() -> None:
    offenders = [
        module_of(path)
        for path in sources()
        if module_of(path) not in TOUCH_THE_CLOCK
        and any(
            isinstance(node, ast.Attribute)
            and node.attr in ("now", "utcnow", "today", "time_ns")
            and ast.unparse(node) != "context.now"  # of history: what tonight's gaps stand on
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
        )
    ]
    assert not offenders


def test_no_module_but_store_opens_a_database() -> None:
    offenders = [
        module_of(path)
        for path in sources()
        if module_of(path) != "store" and "duckdb.connect" in path.read_text("utf-8")
    ]
    assert not offenders


# What a simulated world may share with the stages that are measured against it: errors, types,
# the disk. Everything else it does for itself.
SIMULATOR_SHARES = {"errors", "resources", "schema", "store", "simulate"}


def test_the_simulator_shares_no_code_with_what_is_measured_against_it() -> None:
    imports: dict[str, set[str]] = {}
    for path in sources():
        imports.setdefault(module_of(path), set()).update(imported_modules(path))
    reached, todo = set(), ["simulate"]
    while todo:
        module = todo.pop()
        if module not in reached:
            reached.add(module)
            todo += imports[module]
    assert reached <= SIMULATOR_SHARES
    assert not reached & {"reception", "reach", "calls", "water", "areas", "tracks", "gaps"}
