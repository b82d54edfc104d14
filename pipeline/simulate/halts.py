"""Halts on the way: gates and locks, drifting, ship-to-ship transfer, running aground."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.simulate.closures import Calendar
from pipeline.simulate.legs import Gate, Leg, LegSettings
from pipeline.simulate.logbook import KM_PER_NM, Logbook, draw_in_disc, shift_point
from pipeline.simulate.model import AGROUND, AT_ANCHOR, UNDER_WAY, Floats, Stop


@dataclass(frozen=True)
class Halt:
    """A stop on the way: at which km, why, and for how long (a gate: until it opens).

    `is_cleared`: the gate was waited for in port.
    """

    km: float
    kind: str
    place: str
    long_s: float = 0.0
    gate: Gate | None = None
    is_cleared: bool = False


def draw_halts(
    leg: Leg, settings: LegSettings, random: np.random.Generator, is_cleared: bool
) -> list[Halt]:
    """Return the halts of a leg in order: its gates and locks, and what chance adds."""
    halts = []
    for gate in leg.gates:
        aside_km = random.uniform(*settings.gate_aside_km)
        clear = is_cleared and gate.km < settings.port_gate_km
        km = max(0.0, gate.km - (0.0 if clear else aside_km))
        halts.append(Halt(km, "gate", gate.waterway, gate=gate, is_cleared=clear))
    for (km, name), long_h in zip(
        leg.locks, random.uniform(*settings.lock_h, len(leg.locks)), strict=True
    ):
        halts.append(Halt(km, "lock", name, long_h * 3600))
    halts += _draw_chances(leg, settings, random)
    return sorted(halts, key=lambda halt: halt.km)


def _draw_chances(leg: Leg, settings: LegSettings, random: np.random.Generator) -> list[Halt]:
    """Return drift, ship-to-ship and aground halts; the same number of draws for every leg."""
    drift, transfer, aground, where = random.uniform(size=4)
    halt_s, aground_s = (
        random.uniform(*span_h) * 3600 for span_h in (settings.halt_h, settings.aground_h)
    )
    halts = []
    if len(leg.halts_km):
        at_km = float(leg.halts_km[int(where * len(leg.halts_km))])
        if drift < settings.drift_share:
            halts.append(Halt(at_km, "drift", "sea", halt_s))
        elif transfer < settings.sts_share:
            halts.append(Halt(at_km, "sts", "sea", halt_s))
    shallow = [gate for gate in leg.gates if gate.waterway == settings.aground_water]
    if shallow and aground < settings.aground_share:
        km = float(
            np.interp(where, [0, 1], leg.km[[shallow[0].first_piece, shallow[0].last_piece]])
        )
        halts.append(Halt(km, "aground", settings.aground_water, aground_s))
    return halts


def pass_gate(
    halt: Halt,
    at_s: float,
    took_s: Floats,
    calendar: Calendar,
    settings: LegSettings,
    random: np.random.Generator,
) -> tuple[str, float]:
    """Return why and until when a vessel at `at_s` waits at a gate.

    Where there is ice behind it, the seconds that the gate's pieces take (`took_s`) are stretched
    in place.
    """
    gate = halt.gate
    assert gate is not None
    spread_s = random.uniform(0, settings.gate_spread_h) * 3600
    to_s = at_s if halt.is_cleared else calendar.next_passage(gate.waterway, at_s)
    to_s += spread_s if to_s > at_s else 0.0
    factor = calendar.speed_factor(gate.waterway, to_s)
    took_s[gate.first_piece : gate.last_piece + 1] /= factor
    return ("ice" if factor < 1 else "closure"), to_s


def lie(
    log: Logbook,
    kind: str,
    place: str,
    until_s: float,
    settings: LegSettings,
    is_sea: bool,
    random: np.random.Generator,
) -> None:
    """Lie where the vessel is until an instant, in the way of a kind of stop, and log the stop."""
    if until_s <= log.now_s:
        return
    log.stops.append(Stop(kind, place, log.now_s, until_s))
    if kind == "lock":
        log.rest(until_s, UNDER_WAY)
    elif kind == "aground":
        log.rest(until_s, AGROUND)
    elif kind == "drift":
        every_s = settings.drift_every_h * 3600
        log.turn_about(until_s, settings.drift_km, every_s, UNDER_WAY, random)
    elif kind == "sts":
        log.turn_about(until_s, settings.sts_km, settings.drift_every_h * 3600, AT_ANCHOR, random)
    else:
        aside_km = settings.anchor_sea_km if is_sea else settings.anchor_river_km
        lie_at_anchor(log, until_s, aside_km, settings, random)


def lie_at_anchor(
    log: Logbook,
    until_s: float,
    aside_km: float,
    settings: LegSettings,
    random: np.random.Generator,
) -> None:
    """Go aside to an anchorage, swing there, and be back on the fairway at an instant."""
    here = log.lon_deg, log.lat_deg
    east_km, north_km = (float(one[0]) for one in draw_in_disc(random, 1, aside_km))
    # At half the speed in the table near the anchor, but never in no time at all.
    way_s = max(np.hypot(east_km, north_km) / (settings.anchor_kn * KM_PER_NM) * 3600, 60.0)
    swing = settings.swing_km, settings.swing_h * 3600, AT_ANCHOR, random
    if until_s - log.now_s < 4 * way_s:
        log.turn_about(until_s, *swing)
        return
    kn = np.array([np.hypot(east_km, north_km) / KM_PER_NM / way_s * 3600])
    lon, lat = shift_point(*here, east_km, north_km)
    log.move(np.array([log.now_s + way_s]), np.array([lon]), np.array([lat]), kn, UNDER_WAY)
    log.turn_about(until_s - way_s, *swing)
    log.move(np.array([until_s]), np.array([here[0]]), np.array([here[1]]), kn, UNDER_WAY)
