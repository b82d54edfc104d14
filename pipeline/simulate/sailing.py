"""Sailing a leg: when a vessel is at each of its points, halts included."""

from __future__ import annotations

import numpy as np

from pipeline.simulate.closures import Calendar
from pipeline.simulate.halts import draw_halts, lie, pass_gate
from pipeline.simulate.legs import Leg, LegSettings
from pipeline.simulate.logbook import KM_PER_NM, Logbook, flat_km
from pipeline.simulate.model import UNDER_WAY, Floats


def sail_leg(
    log: Logbook,
    leg: Leg,
    calendar: Calendar,
    settings: LegSettings,
    speed_kn: float,
    random: np.random.Generator,
    end: tuple[float, float] | None = None,
    status: int = UNDER_WAY,
    is_cleared: bool = False,
) -> None:
    """Sail a leg from where the vessel is, with its halts.

    Args:
        log: takes the knots and stops.
        leg: where to; its first point is replaced by where the vessel is.
        calendar: when gates open.
        settings: of halts and pace.
        speed_kn: usual speed in open water.
        random: decides all chances.
        end: place that replaces the leg's last point (a berth), some 100 m from it.
        status: navigational status while it moves.
        is_cleared: gates at the very beginning were waited for in port.
    """
    lon, lat = _sway(leg, random)
    lon[0], lat[0] = log.lon_deg, log.lat_deg
    if end is not None:
        lon[-1], lat[-1] = end
    pieces_km = np.maximum(flat_km(lon[:-1], lat[:-1], lon[1:], lat[1:]), 1e-3)
    pace = leg.factor * draw_pace(len(pieces_km), settings, random)
    took_s = pieces_km / (pace * speed_kn * KM_PER_NM) * 3600
    done_km, began_s = 0.0, log.now_s
    for halt in draw_halts(leg, settings, random, is_cleared):
        clock_s = began_s + np.concatenate([[0.0], np.cumsum(took_s)])
        at_s = float(np.interp(halt.km, leg.km, clock_s))
        kind, to_s = halt.kind, at_s + halt.long_s
        if halt.gate is not None:
            kind, to_s = pass_gate(halt, at_s, took_s, calendar, settings, random)
        if to_s == at_s:
            continue
        _run(log, leg.km, lon, lat, clock_s, pieces_km, (done_km, halt.km), status)
        done_km = halt.km
        began_s += to_s - at_s
        lie(log, kind, halt.place, to_s, settings, leg.is_at_sea(halt.km), random)
    clock_s = began_s + np.concatenate([[0.0], np.cumsum(took_s)])
    _run(log, leg.km, lon, lat, clock_s, pieces_km, (done_km, leg.long_km), status)


def draw_pace(count: int, settings: LegSettings, random: np.random.Generator) -> Floats:
    """Return factors on speed for the pieces of a leg: one draw for all, a little for each."""
    whole = random.normal(0, settings.leg_sigma)
    gale, factor = random.uniform(), random.uniform(*settings.gale_factor)
    pace = np.exp(whole + random.normal(0, settings.piece_sigma, count))
    return np.clip(
        pace * (factor if gale < settings.gale_share else 1.0), settings.slowest, settings.fastest
    )


def _sway(leg: Leg, random: np.random.Generator) -> tuple[Floats, Floats]:
    """Return the points of a leg as one vessel passes them: some km to either side at sea."""
    sway = np.clip(random.normal(size=len(leg.km)), -2, 2)
    return leg.lon_deg + sway * leg.sway_lon_deg, leg.lat_deg + sway * leg.sway_lat_deg


def _run(
    log: Logbook,
    km: Floats,
    lon: Floats,
    lat: Floats,
    clock_s: Floats,
    pieces_km: Floats,
    span_km: tuple[float, float],
    status: int,
) -> None:
    """Log the knots of a leg behind `span_km[0]`, up to and with `span_km[1]`."""
    from_km, to_km = span_km
    if to_km <= from_km:
        return
    first = int(np.searchsorted(km, from_km, side="right"))
    after = int(np.searchsorted(km, to_km, side="left"))
    knots_km = np.append(km[first:after], to_km)
    speed_kn = pieces_km / KM_PER_NM / np.diff(clock_s) * 3600
    log.move(
        np.interp(knots_km, km, clock_s),
        np.interp(knots_km, km, lon),
        np.interp(knots_km, km, lat),
        speed_kn[first - 1 : after],
        status,
    )
