"""What is learned of some months: reception, switching, own factors (METHOD 4.2 to 4.4)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pipeline.reception.chain import Smoothed, improve, smooth
from pipeline.reception.grid import Grid, Parameters
from pipeline.reception.rates import Groups, Rates, estimate_rates
from pipeline.reception.window import Floats, Window
from pipeline.rules import ReceptionRules

STARTS = ("all on", "all off")


@dataclass(frozen=True, eq=False)
class Learned:
    """What is learned of a window, and what follows for its hours (rows of the window).

    Attributes:
        window: the hours.
        parameters: of the chain.
        rates: what is expected of a ship with factor 1.
        on: probability that the set was on.
        factor: mean own factor given the hours until then.
        expected_off_h: hours off in all silences, from each of the two starts.
        switched_off: expected number of switch-offs, by area.
        nudged: `on` where receptions are, and where switch-offs are, `nudge` times as many.
    """

    window: Window
    parameters: Parameters
    rates: Rates
    on: Floats
    factor: Floats
    expected_off_h: tuple[float, float]
    switched_off: Floats
    nudged: tuple[Floats, Floats]

    @property
    def starts_differ(self) -> float:
        """By how much the two starts differ, as a share of their mean."""
        mean = sum(self.expected_off_h) / 2
        return abs(self.expected_off_h[0] - self.expected_off_h[1]) / mean if mean else 0.0


def learn(window: Window, rules: ReceptionRules) -> Learned:
    """Return what a window teaches, from two starts: every set on, and off in every long silence.

    Raises:
        ValueError: the window is empty.
    """
    if not window.rows:
        raise ValueError("an empty window teaches nothing")
    groups = Groups.of(window)
    rates = estimate_rates(window, groups, np.ones(window.rows), rules)
    is_live = np.bincount(window.track, rates.is_live & ~window.is_beacon) > 0
    if not is_live.any():
        return _nothing(window, rates, rules)
    # A track nobody else was heard beside teaches nothing of itself, but bears witness.
    grid = Grid.of(window, is_live[window.track])
    fits = _fit(window, groups, grid, rules)
    off_h = [float((1 - fit.on).sum()) for fit in fits]
    first = fits[0]
    expected = grid.spread(first.rates.expected)
    more_heard, more_off = smooth(
        grid,
        [expected * rules.nudge, expected],
        [first.parameters, _scale_off_rate(first.parameters, rules.nudge)],
        is_counted=False,
    )
    return Learned(
        window,
        first.parameters,
        first.rates,
        first.on,
        grid.gather(first.smoothed.factor),
        (off_h[0], off_h[1]),
        first.smoothed.counted.switched_off,
        (grid.gather(more_heard.on), grid.gather(more_off.on)),
    )


def _nothing(window: Window, rates: Rates, rules: ReceptionRules) -> Learned:
    """Return what is learned where nobody was ever heard beside another: nothing."""
    ones = np.ones(window.rows)
    guess = first_guess(len(window.areas), rules)
    return Learned(
        window, guess, rates, ones, ones, (0.0, 0.0), np.zeros(len(guess.off_rate)), (ones, ones)
    )


def first_guess(areas: int, rules: ReceptionRules) -> Parameters:
    """Return the parameters before anything is learned."""
    from scipy.special import gammainc

    factor = np.geomspace(rules.least_factor, rules.most_factor, rules.factors)
    between = np.concatenate([[0.0], np.sqrt(factor[1:] * factor[:-1]), [np.inf]])
    shares = np.diff(gammainc(rules.spread, rules.spread * between))
    phases = np.array(rules.off_hours, np.float64)
    return Parameters(
        off_rate=np.full(max(areas, 1), rules.off_rate),
        phase_share=np.full(len(phases), 1 / len(phases)),
        back_rate=1 / phases,
        factor=factor,
        factor_share=shares,
        redraw=1 / rules.redraw_h,
        redraw_at_change=rules.redraw_at_change,
    )


@dataclass(frozen=True, eq=False)
class _Fit:
    """What one start comes to."""

    parameters: Parameters
    rates: Rates
    on: Floats
    smoothed: Smoothed


def _fit(window: Window, groups: Groups, grid: Grid, rules: ReceptionRules) -> list[_Fit]:
    """Return what each of the starts comes to after a fixed number of passes."""
    prior = first_guess(len(window.areas), rules)
    fits: list[_Fit] = []
    parameters = [prior for _ in STARTS]
    on = [np.ones(window.rows), window.is_heard.astype(np.float64)]
    for _ in range(rules.passes):
        rates = [estimate_rates(window, groups, sends, rules) for sends in on]
        expected = [grid.spread(one.expected) for one in rates]
        smoothed = smooth(grid, expected, parameters)
        on = [grid.gather(one.on) for one in smoothed]
        fits = [_Fit(*one) for one in zip(parameters, rates, on, smoothed, strict=True)]
        parameters = [
            improve(one.parameters, one.smoothed.counted, prior, rules.prior_events) for one in fits
        ]
    return fits


def _scale_off_rate(parameters: Parameters, by: float) -> Parameters:
    return replace(parameters, off_rate=np.minimum(parameters.off_rate * by, 0.5))
