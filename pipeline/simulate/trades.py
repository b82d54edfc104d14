"""Trades: between which ports vessels go to and fro, and what each vessel prefers of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pipeline.simulate.setting import JUDGEMENT, Group, setting

BEYOND = ("azov", "volga")


class Trade(Group):
    """Sides a vessel calls at in turn, each a table of ports and weights, and other calls between.

    "azov" and "volga" are what lies beyond the region.
    """

    sides: tuple[dict[str, float], ...] = setting((), "weights", JUDGEMENT)
    others: dict[str, float] = setting({}, "weights", JUDGEMENT)
    other_share: float = setting(0.0, "share of calls", f"{JUDGEMENT}: now and then")
    again_share: float = setting(
        0.1, "share of calls", f"{JUDGEMENT}: a second port of the same side to fill the hold"
    )


NORTH = {"port_astrakhan": 0.42, "port_solyanka": 0.08, "port_olya": 0.22, "port_makhachkala": 0.28}
SOUTH = {
    "port_anzali": 0.31,
    "port_caspian_complex": 0.05,
    "port_amirabad": 0.34,
    "port_neka": 0.03,
    "port_nowshahr": 0.14,
    "port_fereydunkenar": 0.08,
    "port_astara_ir": 0.03,
    "port_bandar_torkaman": 0.02,
}
EAST = {"port_aktau": 0.4, "port_kuryk": 0.1, "port_turkmenbashi": 0.25}
WEST = {"port_baku": 0.6, "port_alat": 0.25, "port_dubendi": 0.15}
DON = {
    "azov": 0.62,
    "port_rostov": 0.14,
    "port_azov": 0.1,
    "port_taganrog": 0.08,
    "port_volgodonsk": 0.04,
    "port_kalach": 0.02,
}


def _ferry(one: str, other: str) -> Trade:
    return Trade(sides=({one: 1.0}, {other: 1.0}), again_share=0.0)


TRADES = {
    "crossing": Trade(sides=(NORTH, SOUTH), others={**EAST, **WEST}, other_share=0.1),
    "domestic_caspian": Trade(
        sides=(
            {"port_astrakhan": 0.6, "port_olya": 0.4},
            {"port_makhachkala": 0.75, "port_derbent": 0.25},
        ),
        others={"port_aktau": 0.5, "port_baku": 0.5},
        other_share=0.08,
    ),
    "domestic_river": Trade(
        sides=(
            {"port_volgograd": 0.6, "volga": 0.25, "port_rostov": 0.15},
            {"port_astrakhan": 0.5, "port_olya": 0.2, "port_makhachkala": 0.3},
        ),
    ),
    "volga_don": Trade(
        sides=(
            {
                "port_astrakhan": 0.22,
                "port_olya": 0.1,
                "port_makhachkala": 0.16,
                "port_anzali": 0.16,
                "port_amirabad": 0.14,
                "port_nowshahr": 0.04,
                "port_aktau": 0.08,
                "port_turkmenbashi": 0.06,
                "port_baku": 0.04,
            },
            DON,
        ),
        again_share=0.15,
    ),
    "volga_up": Trade(
        sides=(
            {"volga": 0.85, "port_volgograd": 0.15},
            {**NORTH, "port_anzali": 0.25, "port_amirabad": 0.25, "port_aktau": 0.1},
        ),
    ),
    "tanker_west": Trade(
        sides=(
            {"port_aktau": 0.4, "port_turkmenbashi": 0.35, "port_alaja": 0.15, "port_ekerem": 0.1},
            {"port_makhachkala": 0.55, "port_baku": 0.25, "port_neka": 0.2},
        ),
        others={"port_astrakhan": 0.7, "port_sangachal": 0.3},
        other_share=0.1,
    ),
    "tanker_aktau": Trade(
        sides=(
            {"port_aktau": 0.85, "port_bautino": 0.05, "port_kuryk": 0.1},
            {
                "port_baku": 0.4,
                "port_sangachal": 0.15,
                "port_dubendi": 0.1,
                "port_makhachkala": 0.25,
                "port_neka": 0.1,
            },
        ),
        again_share=0.0,
    ),
    "tanker_turkmen": Trade(
        sides=(
            {
                "port_turkmenbashi": 0.55,
                "port_alaja": 0.15,
                "port_ekerem": 0.1,
                "port_kiyanly": 0.1,
                "port_hazar": 0.1,
            },
            {
                "port_baku": 0.4,
                "port_sangachal": 0.1,
                "port_makhachkala": 0.2,
                "port_neka": 0.2,
                "port_amirabad": 0.1,
            },
        ),
        again_share=0.0,
    ),
    "iran_east": Trade(
        sides=(SOUTH, {"port_aktau": 0.45, "port_turkmenbashi": 0.3, "port_baku": 0.25}),
        others=NORTH,
        other_share=0.12,
    ),
    "baku_iran": Trade(sides=(WEST, SOUTH), others={**NORTH, **EAST}, other_share=0.2),
    "baku_river": Trade(
        sides=(
            {"port_baku": 0.5, "port_alat": 0.2, "port_turkmenbashi": 0.2, "port_aktau": 0.1},
            {"azov": 0.6, "port_astrakhan": 0.2, "port_volgograd": 0.1, "port_makhachkala": 0.1},
        ),
    ),
    "aktau_iran": Trade(
        sides=({"port_aktau": 0.8, "port_kuryk": 0.2}, {**SOUTH, "port_baku": 0.3}),
        others=NORTH,
        other_share=0.1,
    ),
    "turkmen_dry": Trade(
        sides=(
            {"port_turkmenbashi": 0.9, "port_garabogaz": 0.1},
            {
                "port_anzali": 0.2,
                "port_amirabad": 0.25,
                "port_baku": 0.3,
                "port_astrakhan": 0.15,
                "port_makhachkala": 0.1,
            },
        ),
    ),
    "ferry_alat_turkmenbashi": _ferry("port_alat", "port_turkmenbashi"),
    "ferry_alat_kuryk": _ferry("port_alat", "port_kuryk"),
    "ferry_alat_aktau": _ferry("port_alat", "port_aktau"),
    "ferry_baku_aktau": _ferry("port_baku", "port_aktau"),
}


@dataclass(frozen=True)
class Habits:
    """A vessel's own weights in its trade."""

    sides: tuple[dict[str, float], ...]
    others: dict[str, float]
    other_share: float
    again_share: float

    def side_of(self, place: str, side: int) -> int:
        """Return the side a place belongs to; `side` for a call between."""
        return next((at for at, ports in enumerate(self.sides) if place in ports), side)

    def offer(self, place: str, side: int, random: np.random.Generator) -> Iterator[str]:
        """Yield places to sail to next, the one it would like first, none of them `place`.

        After those of the table it draws from come all others of its trade: a river that is
        frozen sends it elsewhere.
        """
        other, again = random.uniform(size=2)
        after = self.sides[side if again < self.again_share else (side + 1) % len(self.sides)]
        liked = self.others if other < self.other_share else after
        every = {name: weight for ports in self.sides for name, weight in ports.items()}
        offered = {place}
        for table in (liked, after, every):
            for name in draw_order(table, random):
                if name not in offered:
                    offered.add(name)
                    yield name


def draw_order(weights: dict[str, float], random: np.random.Generator) -> list[str]:
    """Return the names in a random order, drawn by weight without putting back."""
    if not weights:
        return []
    waits = random.exponential(size=len(weights)) / np.array(list(weights.values()))
    names = list(weights)
    return [names[at] for at in np.argsort(waits)]


def draw_habits(trade: Trade, spread: float, random: np.random.Generator) -> Habits:
    """Return one vessel's own weights: the trade's, each times a Gamma draw of shape `spread`."""

    def own(weights: dict[str, float]) -> dict[str, float]:
        factors = random.gamma(spread, size=len(weights)) + 1e-3
        return {
            name: weight * float(f)
            for (name, weight), f in zip(weights.items(), factors, strict=True)
        }

    sides = tuple(own(side) for side in trade.sides)
    return Habits(sides, own(trade.others), trade.other_share, trade.again_share)
