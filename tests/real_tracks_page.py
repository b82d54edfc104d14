"""The page of the real tracks: how planted and lost, what came out, what it cannot show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from pipeline.evaluate import gap_findings as figures
from pipeline.evaluate.findings import Finding, find, pick
from pipeline.evaluate.limits import EvaluationRules, RealTrackRules
from pipeline.evaluate.measures import Ranking
from pipeline.evaluate.resample import Resampler
from tests.real_logs import Density
from tests.real_tracks_pictures import (
    RELIABILITY,
    SPREAD,
    draw_reliability,
    draw_spread,
    name_trial,
)

if TYPE_CHECKING:
    from tests.make_real_tracks import Trial

SURPRISE = "true chance of silence"

INTRODUCTION = """\
# Real tracks with planted switch-offs

Written by `make real-tracks`; aggregate figures only. The movements and the times of messages are
REAL, of other waters; who was off and which message was lost is SIMULATED. Real as to traffic,
moorings and what a stored log looks like; no test of how reception really fails.
The model was not changed for it, and no rule of the night either (`Rules()`).

## Which logs

| log | ships | days | ship-hours with another ship in the cell and hour | used |
|---|---|---|---|---|
"""

REFUSED_IN_WORDS = """\

Asked for: {least_days:g} days, {least_ships} ships, {least_witnessed:.0%}. Not in the table: the
NMEA logs of the folder (5 minutes of the Danish feed with 1,508 identities, 33 s of the American
one, and less), in which no silence of 4 h fits, and logs of one ship with nobody beside it.
So one log is dense: the Suez Canal, 20-24 March 2021, up to a day after the grounding that stopped
it. The one of the Saronic Gulf (`archimedes`) is refused too; it is run all the same, to show what
few ships do, and its figures are no measure of anything dense.

## How it was done

- **Log.** A message a ship in {thin_to_s} s at most. Ships without an MMSI get one of a country
  code nobody has. The logs do not name receivers: all are given as terrestrial (an assumption;
  where a feed does not say, the model gives no p_off).
- **The log's own silences** of {own_silence_h:g} h and more have no label. *As logged*: they stay
  in, and teach the model; gaps that hold one are not measured. *Cut*: each stretch between two of
  them is a ship of its own, and one invented sighting beyond the region, reached at
  {let_out_kn:g} kn, ends it, so that every gap has a label.
- **Planted switch-offs.** {plant_share:.0%} of the stretches of {plant_least_span_h:g} h and more,
  one each, anywhere between their first and last message. Length lognormal, median
  {plant_median_h:g} h, sigma {plant_sigma:g}, at least {plant_least_h:g} h, cut to fit the stretch.
  They are shorter than those METHOD measures (12 h), as the stretches are; so gaps of
  {measured_min_h:g} h and more are measured.
- **Losses.** Places of {place_deg:g} degree (not the model's cells), each well or poorly heard by
  turns: {good_h:g} and {poor_h:g} h on average. A message gets through with chance
  {good_chance:g} in good hours and {mild_chance:g} (mild) or {harsh_chance:g} (harsh) in poor ones,
  times an antenna factor a ship, lognormal of mean 1, sigma {antenna_sigma:g}. A synthetic loss:
  independent from message to message, no range, no weather, no station that fails.
- **Label** (METHOD 8): off if the set was off in half or more of the hours in which the ship's own
  messages had a chance of 0.05 an hour or more to be received; else on: its messages were lost.
- **Night**: the whole night with the thresholds as they are, one a seed; seeds {seeds}, fixed
  before the first run. Region: the whole world as logged, a box when cut; no ports, so `in_port`
  and `left_region` play no part. Intervals: 90 %, ships drawn anew, a ship being one through all
  seeds.
"""

CANNOT = """\

## What this cannot show

- One dense log, of 4.5 days: every row is `weakly_identified` (one month where METHOD asks for
  three), and the first guesses of the model weigh much. How much of the shortfall is that, and how
  much the model, the log cannot tell.
- A cell of half a degree holds several places of the losses, and a log of days says little of each:
  the model's witnesses are blurred on purpose, perhaps more than by real stations.
- Switch-offs of days, open gaps, ports, seasons, satellites, outages, the Caspian.
- Planted at random: real ones go with a purpose, near ports and in company.
- Losses follow a chain of our making. What real receivers do is only in the log's own silences,
  which have no label.
- "True chance of silence" ranks by minus the log of the chance that all messages of the gap are
  lost, known from the drawing: roughly the best that any ranking could do, no published method.
"""


def write_page(
    judged: Mapping[Trial, pl.DataFrame],
    densities: Mapping[str, Density],
    withheld: Mapping[str, Sequence[Finding]],
    page: Path,
    rules: RealTrackRules,
    limits: EvaluationRules,
) -> None:
    """Write the page, and its pictures into the folder of its name beside it."""
    settings = rules.model_dump() | {"seeds": ", ".join(str(one) for one in rules.seeds)}
    lines = [INTRODUCTION.rstrip("\n"), *_tell_logs(densities, rules)]
    lines += [REFUSED_IN_WORDS.format(**settings), "## Reached", ""]
    ranked = {
        trial: measure(gaps, limits)
        for trial, gaps in judged.items()
        if trial.is_planted and trial.loss != "none"
    }
    lines += [*_tell_ranked(ranked), "", *_tell_targets(ranked), ""]
    long = {
        trial: measure(judged[trial], EvaluationRules()) for trial in ranked if trial.log == "Suez"
    }
    lines += ["Of these only the gaps of 12 h and more, which METHOD 8 measures:", ""]
    lines += [*_tell_ranked(long), ""]
    lines += ["By what was done, and with what p_off (no p_off counts as 0):", ""]
    lines += [*_tell_sums(judged, rules), ""]
    folder = page.parent / page.stem
    labelled = {trial: figures.pick_measured(judged[trial], limits) for trial in ranked}
    draw_reliability(labelled, folder / RELIABILITY, limits)
    draw_spread(labelled, folder / SPREAD)
    lines += [f"![reliability]({page.stem}/{RELIABILITY})", ""]
    lines += [f"![p_off of planted and of lost]({page.stem}/{SPREAD})", ""]
    lines += [*_tell_withheld(withheld), CANNOT.rstrip("\n")]
    page.write_text("\n".join(lines) + "\n", "utf-8")


def measure(gaps: pl.DataFrame, limits: EvaluationRules) -> list[Finding]:
    """Return METHOD 8's figures of p_off, and how the true chance of silence ranks the gaps."""
    part = figures.pick_measured(gaps, limits)
    found = figures.measure_stratum(part, "all", limits)
    is_off = part["is_off"].cast(pl.Boolean).to_numpy()
    ranking = Ranking(is_off, part["surprise"].fill_null(0).to_numpy())
    resampler = Resampler(part["cluster"].to_numpy(), limits)
    interval = resampler.interval(resampler.values(ranking.average_precision))
    value = ranking.average_precision()
    best = find(figures.TOPIC, figures.PRECISION, value, interval, subject=SURPRISE)
    return [*found, best]


def _tell_logs(densities: Mapping[str, Density], rules: RealTrackRules) -> list[str]:
    return [
        f"| `{name}` | {one.ships:,} | {one.days:.1f} | {one.witnessed:.0%} |"
        f" {one.refuse(rules) or 'yes'} |"
        for name, one in densities.items()
    ]


COLUMNS = {
    "prevalence": (figures.PREVALENCE, ""),
    "AP p_off": (figures.PRECISION, "p_off"),
    "AP duration": (figures.PRECISION, "duration"),
    f"AP {SURPRISE}": (figures.PRECISION, SURPRISE),
    "ECE": (figures.ERROR, "p_off"),
    "sum(p) / true": (figures.TOTAL, "p_off"),
    "Brier skill": (figures.SKILL, "p_off"),
}


def _tell_ranked(ranked: Mapping[Trial, Sequence[Finding]]) -> list[str]:
    lines = [f"| trial | gaps | {' | '.join(COLUMNS)} |", "|---" * (2 + len(COLUMNS)) + "|"]
    for trial, found in ranked.items():
        cells = [_tell(pick(found, *named)) for named in COLUMNS.values()]
        prevalence = pick(found, figures.PREVALENCE)
        count = prevalence.count if prevalence else 0
        lines.append(f"| {name_trial(trial)} | {count} | {' | '.join(cells)} |")
    return [
        *lines,
        "",
        "AP: average precision; ECE: expected calibration error, 10 bins of equal count. With five"
        " ships the intervals of the Saronic log say little.",
    ]


def _tell(one: Finding | None) -> str:
    if one is None or one.value is None:
        return "-"
    ends = "" if one.low is None else f" ({one.low:.2f} to {one.high:.2f})"
    return f"{one.value:.3f}{ends}"


def _tell_targets(ranked: Mapping[Trial, Sequence[Finding]]) -> list[str]:
    """Return METHOD 8's targets that can be judged here, and how many trials met each."""
    lines = ["| METHOD 8 asks of p_off | target | met in |", "|---|---|---|"]
    for measure_name in (figures.ERROR, figures.TOTAL, figures.SKILL):
        found = [pick(one, measure_name, "p_off") for one in ranked.values()]
        known = [one for one in found if one is not None]
        met = sum(one.verdict == "met" for one in known)
        lines.append(f"| {measure_name} | {known[0].target} | {met} of {len(known)} trials |")
    return lines


def _tell_sums(judged: Mapping[Trial, pl.DataFrame], rules: RealTrackRules) -> list[str]:
    lines = [
        "| trial | label | gaps a seed | mean p_off | sum of p_off a seed | share 0.8 and more |",
        "|---|---|---|---|---|---|",
    ]
    words = ((True, "off (planted)"), (False, "on (lost)"), (None, "none (the log's own)"))
    for trial, gaps in judged.items():
        for label, word in words:
            p = gaps.filter(pl.col("is_off").eq_missing(label))["p_off"].fill_null(0).to_numpy()
            if len(p):
                seeds = len(rules.seeds)
                lines.append(
                    f"| {name_trial(trial)} | {word} | {len(p) / seeds:.1f} | {p.mean():.3f} |"
                    f" {p.sum() / seeds:.2f} | {(p >= 0.8).mean():.1%} |"
                )
    return lines


def _tell_withheld(withheld: Mapping[str, Sequence[Finding]]) -> list[str]:
    lines = [
        "## Withheld receivers",
        "",
        "Two ships off South America, December 2021 to February 2022, each heard by the satellites"
        " of two providers, so that each ship has one other as its witness. The night is run"
        " without one provider; gaps in which that one heard the ship are known to be no"
        " switch-offs (no p_off counts as 0). Nothing planted, nothing lost.",
        "",
        "| without | measure | of | value | gaps |",
        "|---|---|---|---|---|",
    ]
    for provider, findings in withheld.items():
        for one in findings:
            if one.subject in ("", "p_off at least 0.8", "at_least_12h"):
                count = "" if one.count is None else str(one.count)
                ends = "" if one.low is None else f" ({one.low:.3f} to {one.high:.3f})"
                value = one.verdict if one.value is None else f"{_number(one.value)}{ends}"
                lines.append(f"| {provider} | {one.measure} | {one.subject} | {value} | {count} |")
    return lines


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:.4f}"
