"""Dark port calls and dark voyages of a simulated vessel, with short re-appearances."""

from __future__ import annotations

import numpy as np

from pipeline.simulate.model import Bools, Floats, Ints
from pipeline.simulate.switching_plans import IMPORTANCE, Plans
from pipeline.simulate.switching_subject import (
    HOUR_S,
    Subject,
    draw_between,
    flags_at,
)

# A degree of latitude is 60 nautical miles.
MINUTE_S, KM_PER_NM = 60.0, 1.852
KM_PER_DEG = 60 * KM_PER_NM


def plan_dark_calls(subject: Subject, is_forced: Bools, may_not: Bools) -> Plans:
    """Return the plans that hide a visit each, every visit wholly inside one piece of its plan.

    Forced visits always, those that may not never, the others by chance. A plan leaves the other
    end of each of its legs lit.
    """
    dice = subject.draw("dark_call").random((len(is_forced), 9))
    chosen = np.flatnonzero(is_forced | (dice[:, 0] < _find_shares(subject, may_not)))
    is_voyage, first, last = _draw_ends(subject, chosen, dice[chosen, 1:])
    pieces = [
        piece
        for number, visit in enumerate(chosen)
        for piece in _cut_pieces(subject, int(visit), number, first[number], last[number])
    ]
    table = np.array(pieces, dtype=np.float64).reshape(-1, 3)
    plan = table[:, 2].astype(np.int64)
    names = [IMPORTANCE.index("dark_call"), IMPORTANCE.index("whole_voyage")]
    rank = np.where(is_voyage, names[1], names[0])[plan]
    return Plans(table[:, 0], table[:, 1], rank, chosen[plan].astype(np.int64), plan)


def _find_shares(subject: Subject, may_not: Bools) -> Floats:
    """Return the chance of each visit to be made dark: crossings, other calls, other flags."""
    settings, visits = subject.settings, subject.timeline.visits
    if subject.vessel.fleet != "merchant":
        return np.zeros(len(visits))
    ends = settings.crossing_flags
    country = np.array([visit.country for visit in visits], dtype=str)
    other = np.where(country == ends[0], ends[1], ends[0])
    around = np.concatenate([[""], country, [""]])
    crosses = np.isin(country, ends) & ((around[:-2] == other) | (around[2:] == other))
    at_s = subject.stays.arrival_s
    is_theirs = np.isin(np.array(flags_at(subject.vessel, at_s), dtype=str), ends)
    base = np.where(crosses, settings.dark_call_share, settings.dark_call_share_other)
    base = np.where(is_theirs, base, settings.dark_call_share_other_flags)
    is_cargo = np.array([visit.kind == "cargo" for visit in visits], dtype=np.bool_)
    return np.where(is_cargo & ~may_not, subject.raise_shares(base, at_s), 0.0)


def _draw_ends(subject: Subject, chosen: Ints, dice: Floats) -> tuple[Bools, Floats, Floats]:
    """Return of each chosen visit whether the voyage is dark, too, and the ends of its plan."""
    settings, stays = subject.settings, subject.stays
    arrival, departure = stays.arrival_s[chosen], stays.departure_s[chosen]
    leg_in = np.maximum(arrival - stays.leg_from_s[chosen], 0.0)
    leg_out = np.maximum(stays.leg_to_s[chosen + 1] - departure, 0.0)
    leads = [
        np.where(
            dice[:, i] < settings.long_lead_share,
            draw_between(settings.long_lead_h, dice[:, i + 1]),
            draw_between(settings.lead_h, dice[:, i + 1]),
        )
        * HOUR_S
        for i in (0, 2)
    ]
    is_voyage = dice[:, 4] < settings.whole_voyage_share
    is_until_back = is_voyage & (dice[:, 5] < settings.until_back_share)
    leaving = draw_between(settings.leaving_h, dice[:, 6:8]) * HOUR_S
    before = np.where(is_voyage, leg_in - leaving[:, 0], leads[0])
    after = np.where(is_until_back, leg_out - leaving[:, 1], leads[1])
    first = arrival - np.clip(before, 0.0, _darkest_s(subject, leg_in))
    return is_voyage, first, departure + np.clip(after, 0.0, _darkest_s(subject, leg_out))


def _darkest_s(subject: Subject, leg_s: Floats) -> Floats:
    """Return how much of each leg may be dark, so that the lit port at its other end is left."""
    settings = subject.settings
    return leg_s - np.minimum(settings.leg_lit_share * leg_s, settings.leaving_h[0] * HOUR_S)


def _cut_pieces(
    subject: Subject, visit: int, number: int, first_s: float, last_s: float
) -> list[tuple[float, float, int]]:
    """Return the pieces (from, to, plan) of one plan between its re-appearances."""
    lit = sorted(_draw_reappearances(subject, visit, first_s, last_s))
    begins = [first_s, *(end for _, end in lit)]
    ends = [*(begin for begin, _ in lit), last_s]
    return [(begin, end, number) for begin, end in zip(begins, ends, strict=True)]


def _draw_reappearances(
    subject: Subject, visit: int, first_s: float, last_s: float
) -> list[tuple[float, float]]:
    """Return none, one or two short times on within a plan and outside its stay."""
    settings = subject.settings
    random = subject.draw("reappear", visit)
    dice = random.random(2)
    if dice[0] >= settings.reappear_share:
        return []
    times = 2 if dice[1] < settings.reappear_again_share else 1
    lit: list[tuple[float, float]] = []
    for _ in range(times):
        length_s = float(draw_between(settings.reappear_min, random.random(1))[0]) * MINUTE_S
        begin = _propose_instants(subject, visit, first_s, last_s, random)
        fits = _find_fitting(subject, visit, first_s, last_s, begin, length_s, lit)
        is_near = _distance_km(subject, visit, begin) <= settings.reappear_near_km
        wanted = is_near == (random.random() < settings.reappear_near_share)
        if fits.any():
            best = int(np.argmax(2 * fits + wanted))
            lit.append((float(begin[best]), float(begin[best]) + length_s))
    return lit


def _propose_instants(
    subject: Subject, visit: int, first_s: float, last_s: float, random: np.random.Generator
) -> Floats:
    """Return instants of a plan outside its stay in random order, half of them near the port."""
    arrival = subject.stays.arrival_s[visit]
    departure = subject.stays.departure_s[visit]
    near_s = subject.settings.reappear_near_km / (KM_PER_NM * subject.vessel.speed_kn) * HOUR_S
    dice = random.random((4, 6))
    return random.permutation(
        np.concatenate(
            [
                arrival - dice[0] * near_s,
                departure + dice[1] * near_s,
                first_s + dice[2] * (arrival - first_s),
                departure + dice[3] * (last_s - departure),
            ]
        )
    )


def _find_fitting(
    subject: Subject,
    visit: int,
    first_s: float,
    last_s: float,
    begin: Floats,
    length_s: float,
    lit: list[tuple[float, float]],
) -> Bools:
    """Return which times on lie in the plan, clear of its ends, its stay and each other."""
    apart_s = subject.settings.reappear_apart_min * MINUTE_S
    arrival = subject.stays.arrival_s[visit]
    departure = subject.stays.departure_s[visit]
    low, high = begin - apart_s, begin + length_s + apart_s
    fits = ((low >= first_s) & (high <= arrival)) | ((low >= departure) & (high <= last_s))
    for other_from, other_to in lit:
        fits &= (high <= other_from) | (low >= other_to)
    return fits


def _distance_km(subject: Subject, visit: int, at_s: Floats) -> Floats:
    """Return the vessel's distance from its berth at some instants, on a local plane."""
    lon, lat = subject.timeline.locate(at_s)
    home_lon, home_lat = subject.timeline.locate(subject.stays.arrival_s[[visit]])
    east = (lon - home_lon) * np.cos(np.radians(home_lat))
    return np.hypot(east, lat - home_lat) * KM_PER_DEG
