"""What docs/accuracy.md says of worlds whose totals matter: null worlds, recovery, habits."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.evaluate import Evaluation
from pipeline.evaluate.call_findings import GRADE_B, NEAR_PORT
from pipeline.evaluate.candidate_findings import RECALL, SET, WINDOW
from pipeline.evaluate.candidate_findings import TOPIC as CANDIDATES
from pipeline.evaluate.expected_findings import (
    ASSESSED,
    BOTH,
    DARK,
    LIT_TURNED_DARK,
    TOLD_IRANIAN,
    UNHEARD,
)
from pipeline.evaluate.findings import Finding, Target, find
from pipeline.evaluate.gap_findings import ERROR, RELATIVE, SKILL
from pipeline.evaluate.group_findings import ERROR as GROUP_ERROR
from pipeline.evaluate.group_findings import LOSS, TOP
from pipeline.evaluate.hidden_findings import FALSE, GLIMPSED, HIDDEN, NOT_GLIMPSED
from pipeline.evaluate.limits import EvaluationRules
from pipeline.evaluate.measures import wilson
from pipeline.evaluate.off_findings import (
    HABITS,
    NULL,
    RECOVERY,
    SHARE,
    YEARLY,
    measure_habitual,
)
from pipeline.evaluate.off_totals import ALL, OffTotals, PublishedOff
from pipeline.evaluate.printed import lay_table, show_number
from pipeline.evaluate.world_findings import CLASSES, LOW_TARGET, NULL_CALLS, score_classes
from pipeline.simulate.settings import WORLDS, list_bases

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SMALL = "small-"
SMALL_WORDS = "Small form: 40 ships, a position every 30 minutes at most."
HEADS = {
    "null": "Null worlds",
    "null-large": "Null worlds, full size",
    "recovery": "Recovery of the true number",
    "patchy": "Over-dispersed reception",
}
WORDS = {
    "null": "No set is ever off: whatever is expected is false.",
    "null-large": "No set is ever off, in a world as large as `caspian`: whatever is expected is"
    " false.",
    "recovery": "The same ships, voyages and receptions with few, some and many switch-offs: does"
    " the sum of p_off follow the true number?",
    "patchy": "The same again where own factors spread wider than p_off's model states, and"
    " reception changes more from hour to hour.",
}
SUMS = (
    "Sums over measured gaps (labelled, in the rated year, 12 h and more); intervals of pooled rows"
    " are over seeds (ratio of sums, Student's t). *Published* is expected_off of all closed gaps"
    " of 12 h and more, labelled or not, its interval the sum of the monthly ends."
)
CALLS = (
    "The port candidates and dark port calls of all worlds of this page, against what is true"
    " of them. A *judged* gap has rows in `port_candidates`; it is *assessed* at a port group"
    " where its silence can be told (not grade D) and neither of its ends lies in that port. A"
    " true call whose gap has an end in the port is *glimpsed* (METHOD 6): no dark call, so"
    " recall is told with and without. The true group of a gap is that of the longest stay of"
    " which 4 h or more lie inside it, else none; only whole stays count for recall of"
    " candidates and for dark and unheard calls. The *great-circle ellipse* holds the groups in"
    " reach if all ways were straight: at the same bounding speed, had back from `to_h` and"
    " `from_h`, or at 30 kn. z is of one outcome a gap, or of the spread between ships where"
    " that is larger. A null world's expected calls a year are those of `call_sums` until the"
    " indicator has its own."
)
CALL_MEASURES = (
    *(RECALL, WINDOW, SET, TOP, LOSS, GROUP_ERROR, "precision", GRADE_B, NOT_GLIMPSED),
    *(f"{HIDDEN}{GLIMPSED}", FALSE, DARK, DARK + ASSESSED, UNHEARD + ASSESSED, BOTH + ASSESSED),
    *(LIT_TURNED_DARK, TOLD_IRANIAN, NULL_CALLS),
)
INDICATOR = (
    "The last trailing year of each world in the headline scope, beside its true dark calls."
    " Glimpsed ones, of which an end of the gap lies in the port, are counted apart by METHOD 6 and"
    " are not expected. METHOD 7's classes are Low below 5, Medium 5 to 20, High above 20. A class"
    " is printed alone from 0.8 on, else the two likeliest; *at least* where gaps that nobody could"
    " have heard may raise it. Small worlds stand for METHOD 8's null, class and trend worlds."
)
CLASS_COLUMNS = (
    *("world", "seed", "true calls", "of them glimpsed", "true class", "expected", "90 % interval"),
    *(f"P({name})" for name in CLASSES),
    "printed",
)
SURE = 0.8  # METHOD 8: of P(Low) in a null world
NO_HIGH_TARGET = Target("none", high=0.0)
# Of top-1, log-loss and calibration; the rest is on the page of each large world.
GROUP_PARTS = ("all", "set truly off", "no end in a port")
CALL_SUBJECTS = ("dark_port_calls", NEAR_PORT)
RECOVERY_COLUMNS = (
    "world",
    "seed",
    "switch-offs",
    "gaps",
    "truly off",
    "sum of p_off",
    "over true",
    "z",
    "published",
    "90 % interval",
)
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#555555")


def tell_what_was_run(seeds: Mapping[str, Sequence[int]]) -> list[str]:
    """Return the head of the page; `seeds` by name of a world as its truth has it."""
    lines = [
        "# Accuracy",
        "",
        "Written by `make accuracy` from SIMULATED worlds, whose truth is known; no ship in them"
        " exists. The seeds are used for nothing else: nothing was tuned on them. Bad figures are"
        " printed as they are.",
        "",
        "| world | seeds | what it is |",
        "| --- | --- | --- |",
    ]
    for name, numbers in seeds.items():
        words = describe_world(name.removeprefix(SMALL))
        words += f" {SMALL_WORDS}" if name.startswith(SMALL) else ""
        lines.append(f"| `{name}` | {', '.join(map(str, numbers))} | {words} |")
    return [
        *lines,
        "",
        "Stratum *vessel: heard on another track* holds gaps of tracks that never were (false"
        " places of interference, bit errors); *vessel: silent* is what is left. *ship: habitual*"
        " are merchant ships that the truth says switch off five times as readily as others.",
        "",
        "Gaps that a second provider labelled: [real_labels.md](real_labels.md).",
        "",
    ]


def describe_world(name: str) -> str:
    """Return what the file of a named world says of it, as docs/simulation.md does."""
    text = (WORLDS / f"{name}.toml").read_text("utf-8")
    comments: list[str] = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        comments.append(line.lstrip("# "))
    bases = " and ".join(f"`{base}`" for base in list_bases(tomllib.loads(text)))
    words = " ".join(comments).removeprefix("SIMULATED. ")
    return f"{words} Laid over {bases}." if bases else words


def tell_null(part: str, judged: Mapping[str, Evaluation]) -> list[str]:
    """Return the section of worlds in which no set is ever off; under `patchy` a smaller one."""
    is_below = part == "patchy"
    head = "### No set is ever off" if is_below else f"## {HEADS[part]} (SIMULATED)"
    lines = [head, "", *([] if is_below else [WORDS[part], ""])]
    lines += _tell(judged, _is_null_off)
    names = ("gaps", "expected_off", "90 % interval", "a year", "of these gaps")
    rungs = sorted(next(iter(judged.values())).offs[0].published, reverse=True)
    columns = [f"{name}, {rung} h and more" for rung in rungs for name in names]
    lines += _head(["world", "seed", *columns])
    for world, found in judged.items():
        for one in found.offs:
            cells = [cell for rung in rungs for cell in _tell_published(one.published[rung], one)]
            lines.append(_row([f"`{world}`", str(one.seed), *cells]))
    return [*lines, ""]


def tell_recovery(
    part: str, judged: Mapping[str, Evaluation], picture: str, rules: EvaluationRules
) -> list[str]:
    """Return the section of worlds with few, some and many switch-offs."""
    lines = [f"## {HEADS[part]} (SIMULATED)", "", WORDS[part], "", SUMS, ""]
    lines += _tell(judged, lambda one: one.topic == RECOVERY)
    lines += [
        "Ranking and calibration of the same gaps, and ships that switch off often:",
        "",
        *_tell(judged, _is_quality),
    ]
    rung = int(rules.measured_min_h)
    lines += _head(RECOVERY_COLUMNS)
    for world, found in judged.items():
        for one in found.offs:
            sums, published = one.sums[ALL], one.published[rung]
            ratio = sums.expected / sums.true if sums.true else None
            lines.append(
                _row(
                    [
                        f"`{world}`",
                        str(one.seed),
                        str(one.switch_offs),
                        str(sums.gaps),
                        str(sums.true),
                        f"{sums.expected:.1f}",
                        show_number(ratio),
                        f"{sums.z:.1f}",
                        *_tell_ends(published),
                    ]
                )
            )
    return [*lines, "", f"![SIMULATED. True and expected switch-offs](accuracy/{picture})", ""]


def tell_calls(judged: Mapping[str, Evaluation]) -> list[str]:
    """Return the section on candidates and dark port calls, over all worlds by name."""
    lines = ["## Candidates and dark port calls (SIMULATED)", "", CALLS, ""]
    for measure in CALL_MEASURES:
        lines += [f"### {measure[0].upper()}{measure[1:]}", ""]
        lines += _tell(judged, lambda one, measure=measure: _is_of_calls(one, measure))
    return lines


def tell_indicator(
    judged: Mapping[str, Evaluation], rules: EvaluationRules, picture: str
) -> list[str]:
    """Return the section on the indicator: classes of all worlds by name, intervals, trends.

    `picture` is the name of that of `draw_ratings`.
    """
    rows = [row for found in judged.values() for row in found.classes]
    told = [
        _row(
            [
                row["world"],
                str(row["seed"]),
                str(row["true_calls"]),
                str(row["true_glimpsed"]),
                row["true_class"],
                f"{row['expected_12m']:.1f}",
                f"{row['expected_12m_low']:.0f} to {row['expected_12m_high']:.0f}",
                *(f"{row[name]:.2f}" for name in CLASSES),
                row["rating"],
            ]
        )
        for row in rows
    ]
    pooled = [*score_classes(rows, rules), *_pool_null(judged)]
    return [
        "## The indicator (SIMULATED)",
        "",
        INDICATOR,
        "",
        *_head(CLASS_COLUMNS),
        *told,
        "",
        f"![SIMULATED. Expected over true calls](accuracy/{picture})",
        "",
        *_lay_rows(pooled),
        "### Intervals",
        "",
        *_tell(judged, lambda one: one.topic == "intervals" and one.value is not None),
        "### Trends",
        "",
        *_tell(judged, lambda one: one.topic == "trend" and one.value is not None),
    ]


def _pool_null(judged: Mapping[str, Evaluation]) -> list[Finding]:
    """Return how the worlds without a true headline call are rated, all together."""
    rows = [row for found in judged.values() for row in found.classes if is_null_world(row)]
    if not rows:
        return []
    low = sum(row["Low"] >= SURE for row in rows)
    high = sum("High" in row["rating"] for row in rows)
    return [
        find(
            "null worlds",
            words,
            count / len(rows),
            wilson(count, len(rows), EvaluationRules().interval_level),
            target,
            count=len(rows),
        )
        for words, count, target in (
            ("P(Low) at least 0.8", low, LOW_TARGET),
            ("High printed, alone or beside another class", high, NO_HIGH_TARGET),
        )
    ]


def is_null_world(row: Mapping[str, Any]) -> bool:
    """Return whether a row of classes is of a world without a dark call by its making."""
    return row["world"].removeprefix(SMALL).startswith("null")


def tell_habits(
    by_part: Mapping[str, Mapping[str, Evaluation]], rules: EvaluationRules
) -> list[str]:
    """Return how well ships that switch off often are told, by part and over all parts."""
    groups: dict[str, list[OffTotals]] = {}
    everything: dict[tuple[str, int], OffTotals] = {}
    for part, judged in by_part.items():
        for world, found in judged.items():
            kept = [one for one in found.offs if not one.is_null]
            # The small worlds have a few such ships each: they count by part.
            groups.setdefault(world if part == "main" else f"part {part}", []).extend(kept)
            everything |= {(one.world, one.seed): one for one in kept}
    groups["all worlds, pooled"] = list(everything.values())
    rows = [
        replace(one, subject=f"{name}: {one.subject}")
        for name, offs in groups.items()
        for one in measure_habitual(offs, rules)
    ]
    if not rows:
        return []
    return [
        "## Habitual ships (SIMULATED)",
        "",
        "Is a habit of switching off taken for a weak transmitter? Ships of which the truth says"
        " that they switch off often (`is_habitual`, some merchants), and all others, in worlds"
        " with switch-offs; worlds of one seed are one draw of the interval.",
        "",
        *_lay_rows(rows),
    ]


def draw_recovery(judged: Mapping[str, Evaluation], path: Path) -> Path:
    """Write a picture: the sum of p_off of each world and seed over the true number."""
    figure, axes = _open_figure()
    ends: list[float] = [1.0]
    for number, (world, found) in enumerate(judged.items()):
        sums = [one.sums[ALL] for one in found.offs]
        true, expected = [one.true for one in sums], [one.expected for one in sums]
        colour = COLOURS[number % len(COLOURS)]
        axes.plot(true, expected, "o", color=colour, alpha=0.8, label=world)
        ends += [*map(float, true), *expected]
    line = [0.0, 1.1 * max(ends)]
    axes.plot(line, line, color="#999999", linewidth=1, linestyle=":", label="expected = true")
    axes.fill_between(
        line, [0.9 * x for x in line], [1.1 * x for x in line], color="#999999", alpha=0.15
    )
    axes.set(xlabel="gaps truly off (12 h and more, rated year)", ylabel="sum of p_off")
    axes.set(xlim=line, ylim=(0, None))
    axes.legend(loc="upper left")
    figure.suptitle(
        "SIMULATED: recovery of the true number, a point a seed\nshaded: 0.9 to 1.1", fontsize=10
    )
    return _save(figure, path)


def draw_ratings(judged: Mapping[str, Evaluation], path: Path) -> Path:
    """Write a picture: the calls each world is rated by over the true ones, in both meanings."""
    figure, axes = _open_figure()
    rows = [row for found in judged.values() for row in found.classes]
    expected = [row["expected_12m"] for row in rows]
    spans = [
        [row["expected_12m"] - row["expected_12m_low"] for row in rows],
        [row["expected_12m_high"] - row["expected_12m"] for row in rows],
    ]
    every = [row["true_calls"] for row in rows]
    counted = [row["true_calls"] - row["true_glimpsed"] for row in rows]
    axes.plot(every, expected, "o", mfc="none", color="#999999", label="all true calls (METHOD 8)")
    axes.errorbar(
        counted, expected, spans, fmt="o", color=COLOURS[0], label="glimpsed left out (METHOD 6)"
    )
    end = 1.1 * max([1.0, *map(float, every), *expected])
    axes.plot([0, end], [0, end], color="#999999", linestyle=":", label="expected = true")
    rules = EvaluationRules()
    for limit in (rules.medium_from, rules.high_above):
        axes.axhline(limit, color="#999999", linewidth=0.5)
    axes.set(xlabel="true headline calls in the rated year", ylabel="expected, 90 % interval")
    axes.set(xlim=(-0.02 * end, end), ylim=(-0.02 * end, end))
    axes.legend(loc="upper left")
    figure.suptitle(
        "SIMULATED: what a year is rated by, a point a world and seed\n"
        "lines: from 5 on Medium, above 20 High",
        fontsize=10,
    )
    return _save(figure, path)


def _open_figure() -> tuple[Figure, Axes]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 5.6), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.add_subplot()


def _save(figure: Figure, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Without the program's version the same figures are the same bytes.
    figure.savefig(path, dpi=120, metadata={"Software": None})
    return path


def _is_null_off(one: Finding) -> bool:
    return one.topic == NULL and one.measure in (YEARLY, SHARE)


def _is_of_calls(one: Finding, measure: str) -> bool:
    if one.measure != measure or (one.value is None and not one.verdict):
        return False
    if measure in (RECALL, "precision"):
        return one.topic == CANDIDATES or one.subject in CALL_SUBJECTS
    return measure not in (TOP, LOSS, GROUP_ERROR) or one.stratum in GROUP_PARTS


def _is_quality(one: Finding) -> bool:
    is_whole = one.stratum == "all" and one.subject == "p_off"
    return one.topic == HABITS or (is_whole and one.measure in (RELATIVE, ERROR, SKILL))


def _tell(judged: Mapping[str, Evaluation], is_wanted: Callable[[Finding], bool]) -> list[str]:
    """Return the table of some findings of several worlds, the world named in each row."""
    return _lay_rows(
        [
            replace(one, subject=f"{world}: {one.subject}" if one.subject else world)
            for world, found in judged.items()
            for one in found.findings
            if is_wanted(one)
        ]
    )


def _lay_rows(rows: list[Finding]) -> list[str]:
    """Return the table of some findings, and below it the sums each stands on."""
    notes = dict.fromkeys(
        f"- {one.subject or one.measure}"
        f"{'' if one.stratum == 'all' else f', {one.stratum}'}: {one.note}"
        for one in rows
        if one.note
    )
    return [*lay_table(rows), *notes, *([""] if notes else [])]


def _tell_published(published: PublishedOff, one: OffTotals) -> list[str]:
    """Return gaps, expected_off, its interval, a year, and the share of these gaps."""
    if published.expected is None:
        return [str(published.gaps), "-", "-", "-", "-"]
    share = published.expected / published.gaps if published.gaps else None
    yearly = published.expected / one.years
    return [str(published.gaps), *_tell_ends(published), show_number(yearly), show_number(share)]


def _tell_ends(published: PublishedOff) -> list[str]:
    """Return expected_off and its interval."""
    if published.expected is None or published.low is None or published.high is None:
        return ["-", "-"]
    return [f"{published.expected:.1f}", f"{published.low:.1f} to {published.high:.1f}"]


def _head(columns: Sequence[str]) -> list[str]:
    return [_row(columns), f"|{' --- |' * len(columns)}"]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
