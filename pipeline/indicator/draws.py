"""Random numbers that hang on a name alone, and what was learned drawn anew (METHOD 7).

A draw of a gap or a month is a hash of its name and the draw's number, so it is the same in every
night, whatever else is in the archive, and in whatever order rows come.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from pipeline.rules import IndicatorRules

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

NINETY = 1.6448536269514722  # of a normal: 5 % lie beyond on either side
LEAST_P = 5e-7  # half of the last digit in which p_off is published
# Constants of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIX = (
    (np.uint64(30), np.uint64(0xBF58476D1CE4E5B9)),
    (np.uint64(27), np.uint64(0x94D049BB133111EB)),
)
LAST_SHIFT = np.uint64(31)


def draw_uniforms(names: Sequence[str], draws: int) -> Floats:
    """Return numbers evenly spread over (0, 1): a row per name, a column per draw."""
    seeds = np.array(
        [
            int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little")
            for name in names
        ],
        dtype=np.uint64,
    )
    steps = np.arange(1, draws + 1, dtype=np.uint64) * GOLDEN  # wraps, as it should
    mixed = seeds[:, None] + steps[None, :]
    for shift, factor in MIX:
        mixed ^= mixed >> shift
        mixed *= factor
    mixed ^= mixed >> LAST_SHIFT
    mixed >>= np.uint64(11)
    numbers = mixed.astype(np.float64)
    numbers += 0.5
    numbers *= 2.0**-53
    return numbers


def draw_normals(names: Sequence[str], draws: int) -> Floats:
    """Return standard-normal numbers: a row per name, a column per draw."""
    from scipy.special import ndtri

    return ndtri(draw_uniforms(names, draws))


def draw_months(kind: str, months: Sequence[date], back: int, draws: int) -> Floats:
    """Return standard-normal numbers, a row per month, alike as far as windows are.

    What month m has learned comes of the months m - back + 1 to m, as far as `months` reaches: the
    correlation of two months is the share of the months that both have learned from.

    Args:
        kind: what they are for; kinds are independent.
        months: first days, without a gap between them, ascending.
        back: months in a window.
        draws: how many.
    """
    each = draw_normals([f"{kind}|{month.isoformat()}" for month in months], draws)
    found = np.empty_like(each)
    for number in range(len(months)):
        window = each[max(0, number - back + 1) : number + 1]
        found[number] = window.sum(axis=0) / np.sqrt(len(window))
    return found


def take_logit(p: Floats) -> Floats:
    """Return the log-odds of probabilities, those beyond the digits published pulled in."""
    inner = np.clip(p, LEAST_P, 1 - LEAST_P)
    return np.log(inner) - np.log1p(-inner)


@dataclass(frozen=True, eq=False)
class Learned:
    """What each month has learned, drawn anew.

    Attributes:
        months: first days, ascending, without a gap.
        parameters: standard-normal numbers, a row per month, a column per draw.
        off_error, call_error: what the parts of the model do not know of, common to the gaps of a
            month: shifts of the log-odds of p_off, and of a call given that the set was off.
    """

    months: tuple[date, ...]
    parameters: Floats
    off_error: Floats
    call_error: Floats

    @property
    def draws(self) -> int:
        """How many draws there are."""
        return self.parameters.shape[1]

    def draw_p_off(self, p: Floats, low: Floats, high: Floats, month: Sequence[date]) -> Floats:
        """Return p_off of gaps under each draw: a row per gap, a column per draw.

        Args:
            p, low, high: p_off with its 90 % interval.
            month: in which each gap was judged (the one in which it ended).
        """
        from scipy.special import expit

        at = self._number(month)
        half = (take_logit(high) - take_logit(low)) / (2 * NINETY)
        moved = self.parameters[at] * half[:, None]
        moved += self.off_error[at]
        moved += take_logit(p)[:, None]
        return expit(moved, out=moved)

    def draw_call_factor(self, p_given_off: Floats, month: Sequence[date]) -> Floats:
        """Return by how much a gap's P(call | off) is larger under each draw: a row per gap.

        Args:
            p_given_off: sum over all port groups.
            month: as in `draw_p_off`.
        """
        from scipy.special import expit

        moved = take_logit(p_given_off)[:, None] + self.call_error[self._number(month)]
        return expit(moved, out=moved) / np.clip(p_given_off, LEAST_P, 1 - LEAST_P)[:, None]

    def _number(self, month: Sequence[date]) -> npt.NDArray[np.int64]:
        number = {month: number for number, month in enumerate(self.months)}
        return np.array([number.get(one, len(number) - 1) for one in month], dtype=np.int64)


def draw_learned(months: Sequence[date], back: int, rules: IndicatorRules) -> Learned:
    """Return what the months have learned, `rules.draws` times.

    Args:
        months: first days, ascending, without a gap.
        back: months from which one learns (`reception.months_back`).
        rules: thresholds.
    """

    def draw_error(kind: str, sd: float) -> Floats:
        # A model errs in much the same way all along; the rest is as alike as what was learned.
        lasting = draw_normals([f"{kind}|lasting"], rules.draws)
        passing = draw_months(kind, months, back, rules.draws)
        share = rules.error_lasting
        return sd * (np.sqrt(share) * lasting + np.sqrt(1 - share) * passing)

    return Learned(
        tuple(months),
        draw_months("parameters", months, back, rules.draws),
        draw_error("off", rules.off_error_sd),
        draw_error("call", rules.call_error_sd),
    )
