"""What docs/accuracy.md says of worlds whose totals matter: null worlds, recovery, habits."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace

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
from pipeline.evaluate.findings import Finding
from pipeline.evaluate.gap_findings import ERROR, RELATIVE, SKILL
from pipeline.evaluate.group_findings import ERROR as GROUP_ERROR
from pipeline.evaluate.group_findings import LOSS, TOP
from pipeline.evaluate.hidden_findings import FALSE, GLIMPSED, HIDDEN, NOT_GLIMPSED
from pipeline.evaluate.limits import EvaluationRules
from pipeline.evaluate.off_findings import (
    HABITS,
    NULL,
    RECOVERY,
    SHARE,
    YEARLY,
    measure_habitual,
)
from pipeline.evaluate.off_totals import ALL, OffTotals, PublishedOff
from pipeline.evaluate.printed import show_number
from pipeline.evaluate.world_findings import NULL_CALLS
from pipeline.simulate.settings import WORLDS, list_bases
from tests.accuracy_indicator import SMALL
from tests.accuracy_tables import lay_head, lay_row, lay_rows, tell_findings

MAIN_PAGE = "accuracy"
MORE = (
    "More seeds of null and usual worlds, and other trends: [accuracy_more.md](accuracy_more.md)."
)
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


def tell_what_was_run(seeds: Mapping[str, Sequence[int]], page: str, command: str) -> list[str]:
    """Return the head of a page.

    Args:
        seeds: by name of a world as its truth has it.
        page: name of the page, e.g. `accuracy`.
        command: what writes it.
    """
    lines = [
        f"# {page.replace('_', ': ', 1).capitalize()}",
        "",
        f"Written by `{command}` from SIMULATED worlds, whose truth is known; no ship in them"
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
        *([MORE] if page == MAIN_PAGE else []),
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
    lines += tell_findings(judged, _is_null_off)
    names = ("gaps", "expected_off", "90 % interval", "a year", "of these gaps")
    rungs = sorted(next(iter(judged.values())).offs[0].published, reverse=True)
    columns = [f"{name}, {rung} h and more" for rung in rungs for name in names]
    lines += lay_head(["world", "seed", *columns])
    for world, found in judged.items():
        for one in found.offs:
            cells = [cell for rung in rungs for cell in _tell_published(one.published[rung], one)]
            lines.append(lay_row([f"`{world}`", str(one.seed), *cells]))
    return [*lines, ""]


def tell_recovery(
    part: str, judged: Mapping[str, Evaluation], picture: str, rules: EvaluationRules
) -> list[str]:
    """Return the section of worlds with few, some and many switch-offs."""
    lines = [f"## {HEADS[part]} (SIMULATED)", "", WORDS[part], "", SUMS, ""]
    lines += tell_findings(judged, lambda one: one.topic == RECOVERY)
    lines += [
        "Ranking and calibration of the same gaps, and ships that switch off often:",
        "",
        *tell_findings(judged, _is_quality),
    ]
    rung = int(rules.measured_min_h)
    lines += lay_head(RECOVERY_COLUMNS)
    for world, found in judged.items():
        for one in found.offs:
            sums, published = one.sums[ALL], one.published[rung]
            ratio = sums.expected / sums.true if sums.true else None
            lines.append(
                lay_row(
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
    return [*lines, "", f"![SIMULATED. True and expected switch-offs]({picture})", ""]


def tell_calls(judged: Mapping[str, Evaluation]) -> list[str]:
    """Return the section on candidates and dark port calls, over all worlds by name."""
    lines = ["## Candidates and dark port calls (SIMULATED)", "", CALLS, ""]
    for measure in CALL_MEASURES:
        lines += [f"### {measure[0].upper()}{measure[1:]}", ""]
        lines += tell_findings(judged, lambda one, measure=measure: _is_of_calls(one, measure))
    return lines


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
        *lay_rows(rows),
    ]


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
