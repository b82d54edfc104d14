"""How many vessels of which fleet and flag a world has, and which trade each of them follows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.errors import UsageError
from pipeline.simulate.model import FLEETS
from pipeline.simulate.setting import JUDGEMENT, Group, setting

HEADLINE_FLAGS = ("RUS", "IRN")
TUG_HABIT, TOW_HABIT = "tug_tow", "towed"


class RosterSettings(Group):
    """Counts by fleet and flag, and the trades of each flag."""

    counts: dict[str, dict[str, int]] = setting(
        {
            "merchant": {"RUS": 150, "IRN": 48, "AZE": 25, "KAZ": 15, "TKM": 12},
            "ferry": {"AZE": 4, "TKM": 1, "KAZ": 1},
            "service": {"RUS": 9, "AZE": 5, "IRN": 2, "KAZ": 2, "TKM": 2},
            "naval": {"RUS": 6},
            "fishing": {"RUS": 8, "IRN": 7, "AZE": 3, "KAZ": 2},
            "class_b": {"RUS": 5, "AZE": 2, "KAZ": 2, "IRN": 1},
            "in_tow": {"RUS": 3, "AZE": 2, "KAZ": 1},
        },
        "vessels",
        "merchants of RUS and IRN: Table 5, ships with gaps in a month; the others: judgement, "
        "small against them",
    )
    few: int = setting(
        20, "vessels", f"{JUDGEMENT}: from here on a world holds every fleet and flag at least once"
    )
    trades: dict[str, dict[str, float]] = setting(
        {
            "RUS": {
                "crossing": 0.29,
                "domestic_caspian": 0.15,
                "domestic_river": 0.09,
                "volga_don": 0.24,
                "volga_up": 0.09,
                "tanker_west": 0.14,
            },
            "IRN": {"crossing": 0.78, "iran_east": 0.22},
            "AZE": {"tanker_west": 0.4, "baku_iran": 0.35, "baku_river": 0.25},
            "KAZ": {"tanker_aktau": 0.6, "aktau_iran": 0.4},
            "TKM": {"tanker_turkmen": 0.6, "turkmen_dry": 0.4},
        },
        "share",
        f"{JUDGEMENT}: some 45 % of Russian and most Iranian merchant voyages cross between them",
    )
    ferry_pairs: dict[str, dict[str, float]] = setting(
        {
            "AZE": {
                "ferry_alat_turkmenbashi": 0.5,
                "ferry_alat_kuryk": 0.25,
                "ferry_baku_aktau": 0.25,
            },
            "TKM": {"ferry_alat_turkmenbashi": 1.0},
            "KAZ": {"ferry_alat_aktau": 1.0},
        },
        "share",
        f"{JUDGEMENT}: the lines that are advertised",
    )
    service_habits: dict[str, float] = setting(
        {"tug": 0.45, "dredger": 0.2, "pilot": 0.35},
        "share",
        f"{JUDGEMENT}: of the service craft that tow nothing",
    )


@dataclass(frozen=True)
class Berth:
    """A place on the roster: what a vessel is to be, before it is drawn."""

    fleet: str
    flag: str
    habit: str


def draw_roster(
    settings: RosterSettings, ships: int | None, random: np.random.Generator
) -> list[Berth]:
    """Return one row per vessel: merchants first, each tow after all tugs.

    Args:
        settings: counts and trades.
        ships: number of all vessels; None takes the counts as they are.
        random: decides which vessel follows which trade.

    Raises:
        UsageError: fewer than one vessel, a count of an unknown fleet, or tows without tugs.
    """
    counts = scale_counts(settings, ships)
    unknown = {fleet for fleet, _ in counts} - set(FLEETS)
    if unknown:
        raise UsageError(f"vessels.roster.counts: no fleet {min(unknown)!r}: {', '.join(FLEETS)}")
    tows = {flag: count for (fleet, flag), count in counts.items() if fleet == "in_tow"}
    rows: list[Berth] = []
    for fleet in FLEETS:
        for (of, flag), count in counts.items():
            if of == fleet:
                habits = _habits(settings, fleet, flag, count, tows.get(flag, 0), random)
                rows += [Berth(fleet, flag, habit) for habit in habits]
    return rows


def scale_counts(settings: RosterSettings, ships: int | None) -> dict[tuple[str, str], int]:
    """Return the number of vessels by (fleet, flag) for a world of `ships` vessels.

    Proportions are those of the settings. From `few` vessels on every merchant flag and every
    fleet is there; Russian and Iranian merchants are always more than half.
    """
    counts = {
        (fleet, flag): count
        for fleet, flags in settings.counts.items()
        for flag, count in flags.items()
    }
    total = sum(counts.values())
    if ships is None or ships == total:
        return counts
    if ships < 1 or total < 1:
        raise UsageError(f"vessels.ships: {ships} is no world")
    core = [("merchant", flag) for flag in HEADLINE_FLAGS]
    others = {key: round(count * ships / total) for key, count in counts.items() if key not in core}
    least = {key: count for key, count in _least(settings, ships).items() if key not in core}
    others = {key: max(count, least.get(key, 0)) for key, count in others.items()}
    while 2 * (ships - sum(others.values())) <= ships:
        spare = {key: count - least.get(key, 0) for key, count in others.items()}
        largest = max(spare, key=lambda key: (spare[key], key))
        if spare[largest] < 1:
            break
        others[largest] -= 1
    for fleet, flag in [key for key in others if key[0] == "in_tow"]:
        others[fleet, flag] = min(others[fleet, flag], others.get(("service", flag), 0))
    left = ships - sum(others.values())
    iranian = counts.get(core[1], 0) / max(1, sum(counts.get(key, 0) for key in core))
    of_iran = min(max(round(left * iranian), min(1, left - 1)), left)
    return {core[0]: left - of_iran, core[1]: of_iran, **others}


def _least(settings: RosterSettings, ships: int) -> dict[tuple[str, str], int]:
    """Return how many there are at least, where it is any."""
    if ships < settings.few:
        return {}
    least = {("merchant", flag): 1 for flag in settings.counts.get("merchant", {})}
    for fleet, flags in settings.counts.items():
        if fleet != "merchant" and flags:
            least[fleet, next(iter(flags))] = 1
    return least


def _habits(
    settings: RosterSettings,
    fleet: str,
    flag: str,
    count: int,
    tows: int,
    random: np.random.Generator,
) -> list[str]:
    """Return the habits of all vessels of one fleet and flag."""
    if fleet == "merchant":
        return share_out(_of_flag(settings.trades, "trades", flag), count, random)
    if fleet == "ferry":
        return share_out(_of_flag(settings.ferry_pairs, "ferry_pairs", flag), count, random)
    if fleet == "service":
        tugs = min(tows, count)
        return [TUG_HABIT] * tugs + share_out(settings.service_habits, count - tugs, random)
    return [TOW_HABIT if fleet == "in_tow" else fleet] * count


def _of_flag(table: dict[str, dict[str, float]], name: str, flag: str) -> dict[str, float]:
    if flag not in table:
        raise UsageError(f"vessels.roster.{name}: nothing for flag {flag!r}")
    return table[flag]


def share_out(shares: dict[str, float], count: int, random: np.random.Generator) -> list[str]:
    """Return `count` names in the proportions of `shares`, as even as whole numbers allow.

    Evenly, not at random: a world of 40 ships is to have about the trades of one of 300.
    """
    names, weights = list(shares), np.array(list(shares.values()))
    if not count:
        return []
    upper = np.cumsum(weights) / weights.sum()
    place = (np.arange(count) + random.uniform()) / count
    return [names[at] for at in np.minimum(np.searchsorted(upper, place), len(names) - 1)]
