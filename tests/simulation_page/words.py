"""Section 1: what a simulated world is, the command, the named worlds."""

from __future__ import annotations

import inspect
import tomllib
import typing
from collections.abc import Iterator

from pipeline import cli_worlds
from pipeline.simulate.settings import WORLDS, World, list_bases, named_worlds, read_world
from tests.simulation_page.marks import FROM_CODE

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
    bases = list_bases(tomllib.loads(text))
    words = " ".join(comments).removeprefix("SIMULATED. ")
    laid = f" Laid over {' and '.join(f'`{base}`' for base in bases)}." if bases else ""
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
