"""Times off that no port call is the reason for: at sea, in port, by habit, by failure."""

from __future__ import annotations

import numpy as np

from pipeline.simulate.switching_plans import Plans, make_plans
from pipeline.simulate.switching_subject import DAY_S, HOUR_S, YEAR_S, Subject, draw_between


def list_habits(subject: Subject) -> list[Plans]:
    """Return the times off by every behaviour of this module."""
    return [
        plan_transfers(subject),
        plan_at_sea(subject),
        plan_nights(subject),
        plan_silent_days(subject),
        plan_in_port(subject),
        plan_lay_ups(subject),
        plan_failures(subject),
    ]


def plan_transfers(subject: Subject) -> Plans:
    """Return times off round ship-to-ship stops, inside the leg the stop lies in."""
    settings, stays = subject.settings, subject.stays
    stops = [stop for stop in subject.timeline.stops if stop.kind == "sts"]
    dice = subject.draw("sts").random((len(stops), 3))
    first = np.array([stop.from_s for stop in stops])
    last = np.array([stop.to_s for stop in stops])
    leg = np.searchsorted(stays.leg_from_s[1:], first, side="right")
    lead = draw_between(settings.sts_lead_h, dice[:, 1:]) * HOUR_S
    keep = dice[:, 0] < subject.shares(settings.sts_share, first)
    return make_plans(
        np.maximum(first - lead[:, 0], stays.leg_from_s[leg])[keep],
        np.minimum(last + lead[:, 1], stays.leg_to_s[leg])[keep],
        "sts",
    )


def plan_at_sea(subject: Subject) -> Plans:
    """Return times off on legs without a call, beginning on the open sea, inside the leg."""
    settings, stays = subject.settings, subject.stays
    dice = subject.draw("at_sea").random((len(stays.leg_from_s), 6))
    keep = dice[:, 0] < subject.shares(settings.at_sea_share, stays.leg_from_s)
    first, last, dice = stays.leg_from_s[keep], stays.leg_to_s[keep], dice[keep]
    # Of four instants of the leg the first on the open sea; a leg without one has no time off.
    begin = first[:, None] + dice[:, 2:] * (last - first)[:, None]
    lon, lat = subject.timeline.locate(begin)
    (west, east), (south, north) = settings.sea_lon_deg, settings.sea_lat_deg
    is_sea = (lon > west) & (lon < east) & (lat > south) & (lat < north)
    begin = np.take_along_axis(begin, is_sea.argmax(axis=1)[:, None], axis=1)[:, 0]
    latest = last - settings.leg_lit_share * (last - begin)
    end = np.minimum(begin + draw_between(settings.at_sea_h, dice[:, 1]) * HOUR_S, latest)
    long = is_sea.any(axis=1) & (end - begin >= settings.at_sea_shortest_h * HOUR_S)
    return make_plans(begin[long], end[long], "at_sea")


def plan_nights(subject: Subject) -> Plans:
    """Return times off in nights that begin at sea, until shortly before the next port."""
    settings, stays = subject.settings, subject.stays
    if not subject.rate(settings.night_share):
        return make_plans(np.zeros(0), np.zeros(0), "at_sea")
    start = subject.start
    midnight_s = -float(start.hour * 3600 + start.minute * 60 + start.second)
    night = midnight_s + DAY_S * np.arange(-1, int(subject.span_s / DAY_S) + 1)
    dice = subject.draw("night").random((len(night), 3))
    begin = night + (settings.night_hours[0] + dice[:, 1]) * HOUR_S
    leg = np.searchsorted(stays.leg_from_s[1:], begin, side="right")
    near_port = stays.leg_to_s[leg] - settings.leg_lit_share * (stays.leg_to_s[leg] - begin)
    end = np.minimum(night + (settings.night_hours[1] - dice[:, 2]) * HOUR_S, near_port)
    keep = dice[:, 0] < subject.shares(settings.night_share, begin)
    return make_plans(begin[keep], end[keep], "at_sea")


def plan_silent_days(subject: Subject) -> Plans:
    """Return times off of fleets that send seldom: times off and on in turn, wherever it is."""
    settings = subject.settings
    means_d = subject.rate(settings.silent_days), subject.rate(settings.sending_days)
    if not means_d[0]:
        return make_plans(np.zeros(0), np.zeros(0), "at_sea")
    means = np.array(means_d) * DAY_S
    random = subject.draw("silent_days")
    turns = 16 + int(3 * subject.span_s / means.sum())
    lengths = random.exponential(means, (turns, 2))
    # The world begins somewhere in the first turn.
    ends = np.cumsum(lengths.ravel()) - random.random() * lengths[0].sum()
    return make_plans(ends[0::2] - lengths[:, 0], ends[0::2], "at_sea")


def plan_in_port(subject: Subject) -> Plans:
    """Return times off that begin after arrival and end before departure."""
    settings, stays = subject.settings, subject.stays
    dice = subject.draw("in_port").random((len(stays.arrival_s), 3))
    lead = draw_between(settings.in_port_lead_h, dice[:, 1:]) * HOUR_S
    first, last = stays.arrival_s + lead[:, 0], stays.departure_s - lead[:, 1]
    is_long = last - first >= settings.in_port_shortest_h * HOUR_S
    chosen = dice[:, 0] < subject.shares(settings.in_port_share, stays.arrival_s)
    keep = is_long & chosen & ~subject.calm
    return make_plans(first[keep], last[keep], "in_port")


def plan_lay_ups(subject: Subject) -> Plans:
    """Return times off in lay-ups, begun after arrival and ended before departure."""
    settings, stays = subject.settings, subject.stays
    dice = subject.draw("lay_up").random((len(stays.arrival_s), 3))
    lead = draw_between(settings.lay_up_lead_h, dice[:, 1:]) * HOUR_S
    is_lay_up = np.array([visit.kind == "lay_up" for visit in subject.timeline.visits], dtype=bool)
    keep = is_lay_up & (dice[:, 0] < settings.lay_up_share) & ~subject.calm
    return make_plans(
        (stays.arrival_s + lead[:, 0])[keep], (stays.departure_s - lead[:, 1])[keep], "lay_up"
    )


def plan_failures(subject: Subject) -> Plans:
    """Return times in which the set failed, anywhere, by nobody's will."""
    settings, random = subject.settings, subject.draw("failure")
    longest_s = settings.failure_h[1] * HOUR_S
    rate = subject.rate(settings.failures_per_year)
    count = random.poisson(rate * (subject.span_s + longest_s) / YEAR_S)
    begin = random.uniform(-longest_s, subject.span_s, count)
    length_h = np.clip(random.exponential(settings.failure_mean_h, count), *settings.failure_h)
    return make_plans(begin, begin + length_h * HOUR_S, "failure")
