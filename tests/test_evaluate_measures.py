"""The measures, their intervals, and the reference with true parameters."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import average_precision_score

from pipeline.evaluate import measures
from pipeline.evaluate.findings import Target
from pipeline.evaluate.gap_findings import calibrate, measure_gaps, pick_measured
from pipeline.evaluate.hours import HOUR_S
from pipeline.evaluate.limits import EvaluationRules
from pipeline.evaluate.reference import Scale, learn_off_lengths
from pipeline.evaluate.resample import Resampler
from pipeline.evaluate.rule_findings import score_flags
from pipeline.evaluate.silence import Silence
from tests.evaluate_worlds import gap, hours_of, off, random_world, ship_hours, write_run

RULES = EvaluationRules()


@pytest.mark.parametrize("decimals", [1, 6])
def test_average_precision_is_scikit_learns_with_ties_and_weights(decimals: int) -> None:
    random = np.random.default_rng(3)
    is_true = random.random(500) < 0.2
    score = (random.random(500) + 0.3 * is_true).round(decimals)
    weight = random.integers(0, 4, 500).astype(float)
    ranking = measures.Ranking(is_true, score)
    assert ranking.average_precision() == pytest.approx(average_precision_score(is_true, score))
    assert ranking.average_precision(weight) == pytest.approx(
        average_precision_score(is_true, score, sample_weight=weight)
    )


def test_average_precision_of_nothing_true_is_no_number() -> None:
    none_true = np.zeros(4, dtype=bool)
    assert math.isnan(measures.average_precision(none_true, np.arange(4.0)))
    assert math.isnan(measures.average_precision(none_true[:0], np.arange(0.0)))


@pytest.mark.parametrize(
    ("successes", "count", "expected"),
    # Computed by statsmodels' proportion_confint(.., alpha=0.1, method="wilson").
    [
        (0, 7, (0.0, 0.278763)),
        (7, 7, (0.721237, 1.0)),
        (3, 10, (0.126877, 0.558300)),
        (95, 1000, (0.080823, 0.111363)),
    ],
)
def test_intervals_of_proportions_are_wilsons(
    successes: int, count: int, expected: tuple[float, float]
) -> None:
    assert measures.wilson(successes, count, 0.90) == pytest.approx(expected, abs=1e-6)


def test_bins_hold_about_equal_counts_and_keep_ties_together() -> None:
    p = np.concatenate([np.zeros(50), np.linspace(0.01, 1, 50)])
    bins = measures.equal_count_bins(p, 10)
    assert len(set(bins[:50])) == 1
    assert set(np.bincount(bins)) - {0} <= {9, 10, 11, 50}


def figures_of(p: np.ndarray, is_off: np.ndarray) -> dict[str, float | None]:
    clusters = Resampler(np.arange(len(p)) % 40, RULES)
    found = calibrate(is_off, p, "p_off", "all", clusters, RULES)
    assert all(one.low is not None and one.low <= one.high for one in found if one.high)
    return {one.measure: one.value for one in found}


def test_true_probabilities_are_calibrated_and_doubled_ones_are_not() -> None:
    random = np.random.default_rng(4)
    p = random.beta(0.4, 1.2, 20_000)
    is_off = random.random(20_000) < p
    good, bad = figures_of(p, is_off), figures_of(np.minimum(2 * p, 1), is_off)
    assert good["expected calibration error"] == pytest.approx(0, abs=0.02)
    assert good["sum(p) / true"] == pytest.approx(1, abs=0.03)
    assert bad["expected calibration error"] == pytest.approx(0.18, abs=0.05)
    assert bad["sum(p) / true"] == pytest.approx(1.7, abs=0.15)
    brier = np.mean((p - is_off) ** 2)
    base = is_off.mean() * (1 - is_off.mean())
    assert good["Brier skill over base rate"] == pytest.approx(1 - brier / base)


def test_a_total_within_two_deviations_is_met_whatever_its_ratio() -> None:
    is_off = np.array([True, True, False, False, False])
    p = np.full(5, 0.2)  # the sum is half the truth, 1.1 deviations off
    found = calibrate(is_off, p, "p_off", "all", Resampler(np.arange(5), RULES), RULES)
    total = next(one for one in found if one.measure == "sum(p) / true")
    assert total.value == pytest.approx(0.5)
    assert (total.verdict, total.note) == ("met", "z -1.1")


def test_a_rule_is_counted_as_it_should_be() -> None:
    flagged = pl.DataFrame(
        {
            "cluster": ["a", "a", "b", "b", "c"],
            "is_flagged": [True, True, True, False, False],
            "is_true": [True, True, False, True, False],
        }
    )
    found = {one.measure: one.value for one in score_flags(flagged, "x", "y", 2.0, RULES)}
    assert found["precision"] == pytest.approx(2 / 3)
    assert found["recall"] == pytest.approx(2 / 3)
    assert found["flagged"] == 3
    assert found["false a year"] == pytest.approx(0.5)
    assert found["flagged / true"] == pytest.approx(1)
    assert found["F0.5"] == pytest.approx(2 / 3)


def test_ships_are_drawn_whole() -> None:
    """A hundred gaps of four ships, each all true or all false, are four witnesses."""
    random = np.random.default_rng(1)
    ship = np.repeat(np.arange(40), 25)
    is_true = np.repeat(random.random(40) < 0.5, 25).astype(float)

    def width(clusters: np.ndarray) -> float:
        resampler = Resampler(clusters, RULES)
        low, high = resampler.interval(resampler.sums(is_true[:, None])[:, 0] / len(ship))
        return high - low

    assert width(ship) > 3 * width(np.arange(len(ship)))


def test_a_target_is_met_on_its_edge_and_says_nothing_of_no_figure() -> None:
    target = Target("at most 0.05", high=0.05)
    assert [target.verdict(value) for value in (0.05, 0.051, None)] == ["met", "missed", ""]


def seconds(*hours: float) -> list[np.ndarray]:
    return [np.array([hour * HOUR_S]) for hour in hours]


def test_silence_is_gamma_poisson_an_episode() -> None:
    receptions = np.arange(1, 11, dtype=float)
    episode = np.array([0, 0, 0, 1, 1, 1, 1, 2, 2, 2])
    silence = Silence(hours_of(ship_hours(10, 1, receptions, episode=episode)), 2.0)
    place = np.array([0])
    given = silence.log_chance(place, *seconds(9.5, 1.5, 8.25))
    parts = (0.5 * 2 + 3, 4 + 5 + 6 + 7, 8 + 0.25 * 9)
    assert given == pytest.approx(sum(-2 * math.log1p(part / 2) for part in parts[:3]))
    # Heard in the first episode: there the private factor is no small one.
    heard = silence.log_chance(place, *seconds(1, 1.5, 8.25))
    assert heard == pytest.approx(given[0] - math.log1p(parts[0] / 2))
    within = silence.log_chance(place, *seconds(0.5, 1, 2.5))
    assert within == pytest.approx(-3 * math.log1p((2 + 0.5 * 3) / 2))


@pytest.mark.parametrize("heard_h", [0.5, 9.5])
def test_the_private_factor_falls_as_an_episode_stays_silent(heard_h: float) -> None:
    """The density of ending is the fall of the chance of silence, over the rate there."""
    silence = Silence(hours_of(ship_hours(10, 1, 3.0, episode=np.repeat([0, 1], 5))), 2.0)
    place, step_h = np.array([0]), 1e-4
    for from_h, to_h in ((1.0, 4.0), (2.0, 7.5)):
        if heard_h > 5 and to_h > 5:
            continue  # a reception after the gap is no case
        now, later = (
            np.exp(silence.log_chance(place, *seconds(heard_h, from_h, end)))
            for end in (to_h, to_h + step_h)
        )
        # Where the set was heard in the last episode the mean of its factor is 1.5 times larger.
        factor = 1.5 if (heard_h < 5) and (to_h < 5) else 1.0
        ending = np.exp(silence.log_ending(place, *seconds(heard_h, from_h, to_h)))
        assert ending * factor == pytest.approx((now - later) / (3.0 * step_h), rel=1e-3)


def test_episodes_of_two_vessels_are_never_one() -> None:
    silence = Silence(hours_of(ship_hours(4, 2, 1.0)), 2.0)
    span = (np.array([0.0, 0.0]), np.array([0.0, 0.0]), np.array([4 * HOUR_S, 4 * HOUR_S]))
    assert silence.log_chance(np.array([0, 1]), *span) == pytest.approx([-3 * math.log1p(2)] * 2)


def test_a_thinned_feed_is_silent_until_its_next_slot(tmp_path: Path) -> None:
    """What is left of a slot after its first position says nothing."""
    run = write_run(tmp_path, [gap(5, 15)], ship_hours(48), [off(5, 15)])
    lengths = learn_off_lengths(run.truth["off_intervals"], 1e9, run, RULES)
    silence = Silence(hours_of(ship_hours(48, 1, 4.0)), 2.0)
    place = np.array([0])
    thinned, whole = (Scale(silence, lengths, slot_s, RULES) for slot_s in (HOUR_S, 0.0))
    # Of a gap from 05:06 the thinned feed can know nothing before 06:00, the whole one can.
    early = [scale.density_if_on(place, *seconds(5.1, 15.5))[0] for scale in (thinned, whole)]
    on, begin, end, stored = (4.0, 5.1, 15.5, 9.1)

    def expected(from_h: float) -> float:
        density = (1 + on * (end - from_h) / 2) ** -4
        return density / (1 + on * (stored - from_h) / 2) ** -3

    assert early == pytest.approx([expected(6.0), expected(begin)])
    # A set that is on again is first heard in the slot after, or in the gap's last one.
    assert lengths is not None
    fine_h = np.linspace(0, 10.9, 10_001)
    share = np.diff(lengths.below(fine_h))
    back_h = 5 + (fine_h[1:] + fine_h[:-1]) / 2
    for scale, first_h in ((thinned, np.minimum(np.ceil(back_h), 15)), (whole, back_h)):
        density = (1 + 4.0 * (15.9 - first_h) / 2) ** -4
        given = scale.density_if_off(place, *seconds(5, 15.9))
        assert given == pytest.approx((share * density).sum(), rel=0.02)


def test_lengths_of_off_times_start_at_the_stored_minimum(tmp_path: Path) -> None:
    offs = [off(100 * number, 100 * number + 2 + number) for number in range(40)]
    run = write_run(tmp_path, [gap(5, 15)], ship_hours(48), offs)
    lengths = learn_off_lengths(run.truth["off_intervals"], 1e9, run, RULES)
    assert lengths is not None
    assert lengths.below(np.array([3.9, 4.0])) == pytest.approx([0, 0])
    assert lengths.below(np.array([1e6])) == pytest.approx([1])
    # Of lengths 4, 5, ... 41 h, half are below 22.5 h.
    assert lengths.below(np.array([22.5])) == pytest.approx([0.5], abs=0.1)


def test_the_reference_is_calibrated_where_its_model_is_true_and_beats_duration(
    tmp_path: Path,
) -> None:
    from pipeline.evaluate.judged import judge_run
    from tests.night import GEO

    rules = RULES.model_copy(update={"measured_min_h": 4.0, "resamples": 40})
    run = random_world(tmp_path, seed=7, vessels=30, gaps_each=60)
    gaps = judge_run(run, 0, GEO, rules).gaps
    found = {
        (one.measure, one.subject): one.value
        for one in measure_gaps(pick_measured(gaps, rules), rules)
        if one.stratum == "all"
    }
    reference = "reference (true parameters)"
    assert found["expected calibration error", reference] < 0.06  # type: ignore[operator]
    assert found["sum(p) / true", reference] == pytest.approx(1, abs=0.1)
    best = found["average precision", reference]
    assert best is not None
    assert best > found["average precision", "duration"] + 0.02  # type: ignore[operator]
    assert found["prevalence", ""] < found["average precision", "duration"]  # type: ignore[operator]
