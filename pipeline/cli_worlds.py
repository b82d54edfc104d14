"""The commands about simulated worlds and accuracy: `darkport simulate`, `darkport evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.errors import UsageError
from pipeline.resources import bundled_folder

if TYPE_CHECKING:
    from pipeline.evaluate import Evaluation


def simulate(
    out: Annotated[Path, typer.Option(help="Folder that takes raw/ and truth/.")],
    world: Annotated[
        str,
        typer.Option(
            help="Named world: demo, caspian, hard, trend, quiet, null-*, class-*, off-*, patchy*."
        ),
    ] = "demo",
    small: Annotated[bool, typer.Option(help="Its small form: 40 ships, a report in 30 min.")] = (
        False
    ),
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 1,
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
    # What is None stays as the world has it.
    chosen = read_world(
        world,
        settings,
        small,
        days=days,
        vessels={"ships": ships},
        feed=feed,
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


def evaluate(
    out: Annotated[Path, typer.Option(help="Folder for evaluation.json, .md and figures.")],
    processed: Annotated[Path, typer.Option(help="Folder of the published tables.")] = Path(
        "data/processed"
    ),
    truth: Annotated[
        Path | None, typer.Option(help="Truth of a simulated world, as simulate wrote it.")
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="CSV of gaps or calls whose truth is known.")
    ] = None,
    withhold: Annotated[
        list[str] | None,
        typer.Option(help="Station to withhold, again for each: what it heard is the label."),
    ] = None,
    rules: Annotated[
        Path | None, typer.Option("--rules", help="Thresholds of the night, with --withhold.")
    ] = None,
    areas: Annotated[
        Path | None, typer.Option("--areas", help="Geo folder; default: the Caspian one.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Compare published tables with truth: a simulated world's, labels, or withheld receivers."""
    from pipeline.evaluate import write_evaluation

    found = _evaluate(processed, truth, labels, withhold, out, rules, areas)
    files = write_evaluation(found, out)
    if as_json:
        print((out / "evaluation.json").read_text("utf-8"), end="")  # noqa: T201
        return
    verdicts = [finding.verdict for finding in found.findings if finding.verdict]
    counts = ", ".join(f"{verdicts.count(word)} {word}" for word in ("met", "missed", "not yet"))
    mark = "SIMULATED: " if found.is_simulated else ""
    _say(f"{mark}{found.title}: {counts}; see {files[1]}")


def _evaluate(
    processed: Path,
    truth: Path | None,
    labels: Path | None,
    withheld: list[str] | None,
    out: Path,
    rules: Path | None,
    areas: Path | None,
) -> Evaluation:
    from pipeline import evaluate as evaluation
    from pipeline.rules import load_rules

    given = [
        name
        for name, value in (("--truth", truth), ("--labels", labels), ("--withhold", withheld))
        if value
    ]
    if len(given) != 1:
        raise UsageError(
            f"give one of --truth, --labels and --withhold, not {' and '.join(given) or 'none'}"
        )
    if truth:
        return evaluation.evaluate([evaluation.read_run(processed, truth)], areas)
    if labels:
        return evaluation.evaluate_labels(processed, evaluation.read_labels(labels), areas)
    return evaluation.withhold(processed, withheld or [], out, areas, load_rules(rules))


def _say(line: str) -> None:
    print(line)  # noqa: T201
