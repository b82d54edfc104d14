"""The vessels of a world: sizes, speeds, draughts, antennas and names (all of them SIMULATED)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.errors import UsageError
from pipeline.simulate.identities import (
    MOST_VESSELS,
    IdentitySettings,
    change_identities,
    first_identity,
    valid_imo,
)
from pipeline.simulate.model import Vessel
from pipeline.simulate.roster import Berth, RosterSettings, draw_roster
from pipeline.simulate.setting import JUDGEMENT, Group, setting, stream

# METHOD 8: worlds last 17 months unless something else is said.
USUAL_SPAN_S = 516 * 86_400.0


class Build(Group):
    """Range of sizes of one sort of vessel; drawn evenly, speeds towards the middle."""

    length_m: tuple[float, float] = setting((90.0, 140.0), "m", JUDGEMENT)
    beam_m: tuple[float, float] = setting((12.0, 17.0), "m", JUDGEMENT)
    speed_kn: tuple[float, float] = setting((7.0, 11.0), "kn", JUDGEMENT)
    light_m: tuple[float, float] = setting((1.8, 2.6), "m", JUDGEMENT)
    laden_m: tuple[float, float] = setting((3.7, 4.5), "m", JUDGEMENT)
    types: dict[str, float] = setting({"70": 1.0}, "ITU-R M.1371 code: share", JUDGEMENT)


def _build(length: float, to: float, speed: tuple[float, float], types: dict[str, float]) -> Build:
    """Return the build of small craft: a quarter as broad as long, with a draught that stays."""
    return Build(
        length_m=(length, to),
        beam_m=(length / 4.5, to / 4.5),
        speed_kn=speed,
        light_m=(length / 20, to / 20),
        laden_m=(length / 20, to / 20),
        types=types,
    )


BUILDS = {
    "cargo": Build(types={"70": 0.7, "79": 0.2, "71": 0.05, "74": 0.05}),
    "tanker": Build(types={"80": 0.65, "89": 0.2, "81": 0.05, "84": 0.1}),
    "ferry": Build(
        length_m=(130.0, 155.0),
        beam_m=(17.0, 18.5),
        speed_kn=(11.0, 15.0),
        light_m=(3.7, 4.0),
        laden_m=(4.1, 4.5),
        types={"60": 0.35, "69": 0.15, "70": 0.35, "79": 0.15},
    ),
    "tug_tow": _build(26.0, 38.0, (9.0, 11.5), {"31": 0.6, "52": 0.4}),
    "tug": _build(22.0, 36.0, (9.0, 12.0), {"52": 0.8, "31": 0.1, "32": 0.1}),
    "dredger": _build(60.0, 85.0, (6.0, 9.0), {"33": 1.0}),
    "pilot": _build(15.0, 24.0, (12.0, 18.0), {"50": 1.0}),
    "naval": _build(48.0, 74.0, (11.0, 18.0), {"35": 1.0}),
    "fishing": _build(18.0, 40.0, (7.0, 10.0), {"30": 1.0}),
    "class_b": _build(8.0, 16.0, (8.0, 18.0), {"36": 0.4, "37": 0.6}),
    "towed": Build(
        length_m=(60.0, 95.0),
        beam_m=(12.0, 15.0),
        speed_kn=(5.0, 6.0),
        light_m=(0.8, 1.2),
        laden_m=(2.4, 3.2),
        types={"99": 0.7, "70": 0.3},
    ),
}


class VesselSettings(Group):
    """Which vessels a world has and what they are like."""

    ships: int | None = setting(
        None, "vessels", "number of all vessels; by default the sum of the roster's counts", ge=1
    )
    roster: RosterSettings = RosterSettings()
    identities: IdentitySettings = IdentitySettings()
    builds: dict[str, Build] = setting(
        BUILDS,
        "",
        "cargo and tankers: issue of the simulator, river-sea ships of 3,000-7,000 dwt, 7-11 kn, "
        "laden at most 4.5 m by the Volga-Caspian canal; others: judgement after usual craft",
    )
    shallow_habits: tuple[str, ...] = setting(
        ("volga_don", "volga_up", "baku_river", "domestic_river"),
        "",
        f"{JUDGEMENT}: trades that use the Volga-Don or the rivers",
    )
    shallow_laden_m: tuple[float, float] = setting(
        (3.2, 3.6), "m", "laden at most 3.6 m by the Volga-Don (issue of the simulator)"
    )
    tanker_habits: tuple[str, ...] = setting(
        ("tanker_west", "tanker_aktau", "tanker_turkmen"), "", f"{JUDGEMENT}: named so"
    )
    with_imo: tuple[str, ...] = setting(
        ("merchant", "ferry", "service"), "", f"{JUDGEMENT}: the fleets above 100 GT in trade"
    )
    antenna_sigma: float = setting(
        0.9, "", f"{JUDGEMENT}: lognormal; set with the silences of METHOD's warning (b)"
    )
    weak_share: float = setting(0.15, "share", f"{JUDGEMENT}: sets that hardly anybody hears")
    weak_factor: tuple[float, float] = setting(
        (0.08, 0.35), "", f"{JUDGEMENT}: factor on the antenna of a weak set"
    )
    habitual_share: dict[str, float] = setting(
        {"RUS": 0.12, "IRN": 0.15, "AZE": 0.03, "KAZ": 0.03, "TKM": 0.03},
        "share",
        f"{JUDGEMENT}: merchants that switch off often; watch lists name some tens of ships",
    )
    homes: dict[str, dict[str, float]] = setting(
        {
            "RUS": {
                "port_astrakhan": 0.35,
                "port_olya": 0.15,
                "port_makhachkala": 0.25,
                "port_rostov": 0.1,
                "port_volgograd": 0.1,
                "port_taganrog": 0.05,
            },
            "IRN": {"port_anzali": 0.45, "port_amirabad": 0.35, "port_nowshahr": 0.2},
            "AZE": {"port_baku": 0.7, "port_alat": 0.3},
            "KAZ": {"port_aktau": 0.7, "port_bautino": 0.3},
            "TKM": {"port_turkmenbashi": 0.8, "port_hazar": 0.2},
        },
        "share",
        f"{JUDGEMENT}: the large ports of each state",
    )
    naval_homes: dict[str, float] = setting(
        {"port_kaspiysk": 0.5, "port_makhachkala": 0.2, "port_astrakhan": 0.3},
        "share",
        f"{JUDGEMENT}: the flotilla's bases",
    )
    sea_homes: dict[str, str] = setting(
        {
            "port_rostov": "port_makhachkala",
            "port_volgograd": "port_astrakhan",
            "port_taganrog": "port_makhachkala",
        },
        "",
        f"{JUDGEMENT}: fishing vessels and small craft are based on the Caspian",
    )


@dataclass(frozen=True)
class Hull:
    """What is drawn of a vessel's body."""

    length_m: float
    beam_m: float
    speed_kn: float
    light_m: float
    laden_m: float
    ship_type: int


def draw_vessels(settings: VesselSettings, seed: int, span_s: float = USUAL_SPAN_S) -> list[Vessel]:
    """Return the vessels of a world, numbered from 0; a tow has a higher number than its tug.

    Args:
        settings: what to draw from.
        seed: of the world.
        span_s: length of the world in seconds; identities change in its middle.

    Raises:
        UsageError: more vessels than numbers, or an unknown fleet, flag or build.
    """
    roster = draw_roster(settings.roster, settings.ships, stream(seed, "vessels", "roster"))
    if len(roster) > MOST_VESSELS:
        raise UsageError(f"vessels: {len(roster)} are too many: at most {MOST_VESSELS}")
    tugs = {
        flag: [at for at, row in enumerate(roster) if row.habit == "tug_tow" and row.flag == flag]
        for flag in {row.flag for row in roster}
    }
    vessels: list[Vessel] = []
    for number, row in enumerate(roster):
        tug = None
        if row.fleet == "in_tow":
            if not tugs[row.flag]:
                raise UsageError(f"vessels: tows of {row.flag} outnumber its service craft")
            tug = tugs[row.flag].pop(0)
        home = vessels[tug].home if tug is not None else None
        vessels.append(_draw_one(settings, number, row, tug, home, seed))
    return change_identities(
        vessels, settings.identities, span_s, stream(seed, "vessels", "identities")
    )


def _draw_one(
    settings: VesselSettings, number: int, row: Berth, tug: int | None, home: str | None, seed: int
) -> Vessel:
    random = stream(seed, "vessel", number)
    hull = _draw_hull(settings, row, random)
    antenna = float(np.exp(random.normal(0.0, settings.antenna_sigma)))
    weak = random.uniform(*settings.weak_factor)
    antenna *= weak if random.uniform() < settings.weak_share else 1.0
    is_habitual = random.uniform() < settings.habitual_share.get(row.flag, 0.0)
    own_home = _draw_home(settings, row, random)
    return Vessel(
        number=number,
        imo=valid_imo(number) if row.fleet in settings.with_imo else None,
        fleet=row.fleet,
        habit=row.habit,
        ship_type=hull.ship_type,
        ais_class="B" if row.fleet == "class_b" else "A",
        length_m=hull.length_m,
        beam_m=hull.beam_m,
        draught_light_m=hull.light_m,
        draught_laden_m=hull.laden_m,
        speed_kn=hull.speed_kn,
        antenna=antenna,
        is_habitual=bool(is_habitual) and row.fleet == "merchant",
        home=home or own_home,
        tug=tug,
        identities=(first_identity(number, row.flag),),
    )


def _draw_hull(settings: VesselSettings, row: Berth, random: np.random.Generator) -> Hull:
    build = settings.builds.get(_build_of(settings, row))
    if build is None:
        raise UsageError(f"vessels.builds: nothing for habit {row.habit!r} of fleet {row.fleet!r}")
    share = random.uniform()
    length_m, beam_m = (low + share * (high - low) for low, high in (build.length_m, build.beam_m))
    low_kn, high_kn = build.speed_kn
    laden = settings.shallow_laden_m if row.habit in settings.shallow_habits else build.laden_m
    # The mean of two even draws: most near the middle, none outside.
    speed_kn = low_kn + (high_kn - low_kn) * float(random.uniform(size=2).mean())
    light_m, laden_m = random.uniform(*build.light_m), random.uniform(*laden)
    types, shares = list(build.types), np.array(list(build.types.values()))
    ship_type = int(types[int(random.choice(len(types), p=shares / shares.sum()))])
    return Hull(
        float(round(length_m)),
        float(round(beam_m)),
        round(speed_kn, 1),
        round(light_m, 1),
        round(max(light_m, laden_m), 1),
        ship_type,
    )


def _build_of(settings: VesselSettings, row: Berth) -> str:
    if row.fleet == "merchant":
        return "tanker" if row.habit in settings.tanker_habits else "cargo"
    return "ferry" if row.fleet == "ferry" else row.habit


def _draw_home(settings: VesselSettings, row: Berth, random: np.random.Generator) -> str:
    if row.flag not in settings.homes:
        raise UsageError(f"vessels.homes: nothing for flag {row.flag!r}")
    homes = settings.naval_homes if row.fleet == "naval" else settings.homes[row.flag]
    shares = np.array(list(homes.values()))
    home = list(homes)[int(random.choice(len(homes), p=shares / shares.sum()))]
    if row.fleet in ("fishing", "class_b"):
        return settings.sea_homes.get(home, home)
    return home
