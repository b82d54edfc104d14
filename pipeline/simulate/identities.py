"""What vessels call themselves: numbers no ship has, new flags in mid-world, one MMSI for two."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pipeline.errors import UsageError
from pipeline.simulate.model import Identity, Vessel
from pipeline.simulate.setting import JUDGEMENT, Group, setting

MID = {"RUS": 273, "IRN": 422, "AZE": 423, "KAZ": 436, "TKM": 434}  # ITU, country of an MMSI
CALLSIGN = {"RUS": "UX", "IRN": "EP", "AZE": "4J", "KAZ": "UN", "TKM": "EZ"}
MOST_VESSELS = 1000  # room for numbers below 9,999,999 (IMO) and in six digits (MMSI)
SIX_HOURS_S = 21_600


class IdentitySettings(Group):
    """How often vessels change what they call themselves."""

    reflag_share: float = setting(
        0.02, "share", f"{JUDGEMENT}: a few merchants change flag, name and MMSI in a world"
    )
    renumber_share: float = setting(
        0.01, "share", f"{JUDGEMENT}: and fewer take a new MMSI under the same flag"
    )
    reflag_to: dict[str, str] = setting(
        {"RUS": "IRN", "IRN": "RUS", "AZE": "RUS", "KAZ": "RUS", "TKM": "AZE"},
        "",
        f"{JUDGEMENT}: fleets are sold between neighbours",
    )
    shared_pairs: int = setting(
        2, "pairs", f"{JUDGEMENT}: mistakes in programming a set; one pair in small worlds"
    )
    shared_weeks: tuple[float, float] = setting(
        (2.0, 7.0), "weeks", f"{JUDGEMENT}: until somebody notices"
    )
    small_world: int = setting(
        100, "vessels", f"{JUDGEMENT}: below it one shared pair, below a fifth of it none"
    )
    between: tuple[float, float] = setting(
        (0.2, 0.8), "share of the world", f"{JUDGEMENT}: in mid-world, so both sides are long"
    )


def first_identity(number: int, flag: str) -> Identity:
    """Return what a vessel calls itself at first.

    Raises:
        UsageError: a flag without an MID here.
    """
    if flag not in MID:
        raise UsageError(f"vessels: no flag {flag!r}: there are {', '.join(MID)}")
    return Identity(
        0.0,
        MID[flag] * 1_000_000 + 990_000 + number,
        flag,
        f"SIMULATED {number:03d}",
        f"{CALLSIGN[flag]}S{number:03d}",
    )


def valid_imo(number: int) -> int:
    """Return the `number`-th IMO number from 9990000 up, with right check digit.

    The check digit is the last digit of the sum of the first six digits times 7, 6, 5, 4, 3, 2.
    """
    six_digits = 999_000 + number
    pairs = zip(f"{six_digits:06d}", range(7, 1, -1), strict=True)
    return six_digits * 10 + sum(int(digit) * weight for digit, weight in pairs) % 10


def change_identities(
    vessels: list[Vessel], settings: IdentitySettings, span_s: float, random: np.random.Generator
) -> list[Vessel]:
    """Return the vessels with changes of flag and MMSI, and shared MMSIs, given to some merchants.

    No vessel has more than one kind of change. Instants are whole seconds.
    """
    merchants = [vessel.number for vessel in vessels if vessel.fleet == "merchant"]
    order = [int(one) for one in random.permutation(merchants)]
    reflagged = _take(order, settings.reflag_share, len(vessels) >= settings.small_world // 5)
    renumbered = _take(order, settings.renumber_share, False)
    changed = {vessel.number: vessel for vessel in vessels}
    for number in reflagged + renumbered:
        vessel = changed[number]
        flag = vessel.identities[0].flag
        to = settings.reflag_to.get(flag, flag) if number in reflagged else flag
        new = _new_identity(number, to, _instant(settings, span_s, random))
        changed[number] = replace(vessel, identities=(*vessel.identities, new))
    for one, other in _pairs(order, changed, settings, len(vessels)):
        shared = _share_mmsi(changed[one], changed[other], settings, span_s, random)
        changed[one] = replace(changed[one], identities=shared)
    return [changed[vessel.number] for vessel in vessels]


def _take(order: list[int], share: float, is_any: bool) -> list[int]:
    """Take vessels from the head of `order`: a share of them, at least one if `is_any`."""
    count = min(max(round(share * len(order)), int(is_any)), len(order))
    taken = order[:count]
    del order[:count]
    return taken


def _instant(settings: IdentitySettings, span_s: float, random: np.random.Generator) -> float:
    low, high = settings.between
    return float(np.floor(random.uniform(low, high) * span_s))


def _new_identity(number: int, flag: str, from_s: float) -> Identity:
    return Identity(
        from_s,
        MID[flag] * 1_000_000 + 995_000 + number,
        flag,
        f"SIMULATED NEW {number:03d}",
        f"{CALLSIGN[flag]}N{number:03d}",
    )


def _pairs(
    order: list[int], vessels: dict[int, Vessel], settings: IdentitySettings, count: int
) -> list[tuple[int, int]]:
    """Return pairs of vessels of one flag, none of them in two pairs."""
    wanted = settings.shared_pairs
    if count < settings.small_world:
        wanted = min(wanted, 1 if count >= settings.small_world // 5 else 0)
    pairs: list[tuple[int, int]] = []
    left = list(order)
    while len(pairs) < wanted and left:
        one = left.pop(0)
        flag = vessels[one].identities[0].flag
        mates = [other for other in left if vessels[other].identities[0].flag == flag]
        if mates:
            left.remove(mates[0])
            pairs.append((one, mates[0]))
    return pairs


def _share_mmsi(
    one: Vessel,
    other: Vessel,
    settings: IdentitySettings,
    span_s: float,
    random: np.random.Generator,
) -> tuple[Identity, ...]:
    """Return the identities of a vessel that sends another's MMSI for some weeks.

    Name and callsign stay its own: the number was typed in wrongly.
    """
    own = one.identities[0]
    from_s = _instant(settings, span_s, random)
    to_s = np.floor(from_s + random.uniform(*settings.shared_weeks) * 7 * 86_400)
    wrong = replace(own, from_s=from_s, mmsi=other.identities[0].mmsi)
    if to_s > span_s - SIX_HOURS_S:
        return (own, wrong)
    return (own, wrong, replace(own, from_s=float(to_s)))
