"""The commands about simulated worlds and accuracy: `darkport simulate`, `darkport evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.errors import UsageError
from pipeline.resources import bundled_folder

Seed = Annotated[int, typer.Option(help="The same seed gives the same bytes.")]


def simulate(
    out: Annotated[Path, typer.Option(help="Folder that takes raw/ and truth/.")],
    world: Annotated[
        str, typer.Option(help="Named world: demo, caspian, hard, trend, quiet, null-*, class-*.")
    ] = "demo",
    small: Annotated[bool, typer.Option(help="Its small form: 40 ships, a report in 30 min.")] = (
        False
    ),
    seed: Seed = 1,
    days: Annotated[int | None, typer.Option(min=1, help="Length in days.")] = None,
    ships: Annotated[int | None, typer.Option(min=1, help="Number of ships.")] = None,
    settings: Annotated[
        Path | None, typer.Option(help="TOML file of settings, see docs/simulation.md.")
    ] = None,
    form: Annotated[str | None, typer.Option("--format", help="parquet, csv, nmea or dma.")] = None,
    per: Annotated[str | None, typer.Option(help="One file a month or a day.")] = None,
    clipped: Annotated[bool, typer.Option(help="Nothing from outside the region.")] = False,
    full_rate: Annotated[bool, typer.Option(help="Every message: worlds of days only.")] = False,
    overwrite: Annotated[bool, typer.Option(help="Replace an earlier simulated world.")] = False,
) -> None:
    """Write a SIMULATED feed of ships that do not exist, and the truth about it beside."""
    from pipeline.progress import choose_progress
    from pipeline.simulate.settings import read_world
    from pipeline.simulate.world import simulate as simulate_world

    feed = {"format": form, "per": per, "clipped": clipped or None, "full_rate": full_rate or None}
    chosen = read_world(
        world,
        settings,
        small,
        days=days,
        vessels={"ships": ships} if ships else None,
        feed={key: value for key, value in feed.items() if value is not None} or None,
    )
    _clear(out, overwrite=overwrite)
    told = choose_progress("writing the feed", quiet=False)
    files = simulate_world(chosen, seed, bundled_folder("geo"), out, told)
    size_mb = sum(path.stat().st_size for path in files) / 1e6
    _say(
        f"SIMULATED world {chosen.name}, seed {seed}: {chosen.days} days in {len(files)} files"
        f" ({size_mb:.0f} MB) under {out / 'raw'}; truth in {out / 'truth'}"
    )


def _clear(out: Path, *, overwrite: bool) -> None:
    """Make room in `out`, but only where nothing but an earlier simulated world is lost."""
    import shutil

    taken = [out / name for name in ("raw", "truth") if (out / name).exists()]
    strangers = [
        path.name
        for path in (out / "raw").glob("*")
        if not path.name.startswith(("simulated_", "."))
    ]
    if taken and (strangers or not overwrite):
        raise UsageError(
            f"{out} holds {strangers[0] if strangers else taken[0].name} already; choose another"
            " folder, or --overwrite for one that holds a simulated world only"
        )
    for folder in taken:
        shutil.rmtree(folder)


def _say(line: str) -> None:
    print(line)  # noqa: T201


def evaluate() -> None:
    """Compare."""
