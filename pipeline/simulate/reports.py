"""What a heard position report says: place, speed, course, heading and status, with their noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.simulate.hearing import Receptions
from pipeline.simulate.model import Floats, Heard, Timeline, Vessel
from pipeline.simulate.sending import find_courses
from pipeline.simulate.setting import Group, setting

CLASS_A_TYPE, CLASS_B_TYPE, LONG_TYPE = 1, 18, 27
NO_HEADING, NO_STATUS = 511.0, 15
FINE_PER_DEGREE, COARSE_PER_DEGREE = 600_000, 600  # 1/10,000 and 1/10 minute, ITU-R M.1371-5
M_PER_DEGREE = 111_190.0


class ReportSettings(Group):
    """Noise on what sets report."""

    position_m: float = setting(
        6.0,
        "m",
        "judgement: deviation on each axis; GNSS without correction is good to 5-10 m",
        ge=0,
    )
    speed_kn: float = setting(0.15, "kn", "judgement: deviation under way", ge=0)
    resting_speed_kn: float = setting(
        0.2, "kn", "judgement: a set at rest shows 0.0 to 0.2 kn", ge=0
    )
    at_rest_kn: float = setting(0.3, "kn", "judgement: below, course is noise alone", ge=0)
    course_deg: float = setting(2.0, "deg", "judgement: deviation under way", ge=0)
    heading_deg: float = setting(3.0, "deg", "judgement: leeway and compass", ge=0)
    no_heading_share: float = setting(0.03, "", "judgement: class A sets without a compass", ge=0)
    class_b_no_heading_share: float = setting(
        0.8, "", "judgement: few small craft have a compass on the set", ge=0
    )


@dataclass(frozen=True)
class Report:
    """What single messages say, one entry each."""

    lon_deg: Floats
    lat_deg: Floats
    sog_kn: Floats
    cog_deg: Floats
    heading_deg: Floats
    nav_status: NDArray[np.int8]
    message_type: NDArray[np.int8]


def report_positions(
    vessel: Vessel,
    timeline: Timeline,
    sent_status: NDArray[np.int8],
    receptions: Receptions,
    settings: ReportSettings,
    random: np.random.Generator,
) -> Heard:
    """Return what the receptions of one vessel say, a copy exactly what its first one says."""
    # Receptions of one message share a second and a kind; copies stand right behind their first.
    original = np.cumsum(~receptions.is_copy) - 1
    first = np.flatnonzero(~receptions.is_copy)
    report = _say(
        vessel,
        timeline,
        sent_status,
        receptions.at_s[first].astype(float),
        receptions.is_long[first],
        settings,
        random,
    )
    return Heard(
        at_s=receptions.at_s,
        lon_deg=report.lon_deg[original],
        lat_deg=report.lat_deg[original],
        sog_kn=report.sog_kn[original],
        cog_deg=report.cog_deg[original],
        heading_deg=report.heading_deg[original],
        nav_status=report.nav_status[original],
        message_type=report.message_type[original],
        kind=receptions.kind,
        station=receptions.station,
        delay_s=receptions.delay_s,
        is_copy=receptions.is_copy,
    )


def _say(
    vessel: Vessel,
    timeline: Timeline,
    sent_status: NDArray[np.int8],
    at_s: Floats,
    is_long: NDArray[np.bool_],
    settings: ReportSettings,
    random: np.random.Generator,
) -> Report:
    is_class_b = vessel.ais_class == "B"
    missing = settings.class_b_no_heading_share if is_class_b else settings.no_heading_share
    has_no_heading = bool(random.uniform() < missing)
    berth_deg = random.uniform(0, 360, int(timeline.episode.max()) + 1)
    piece = timeline.piece_at(at_s)
    lon_deg, lat_deg = _place(timeline, at_s, is_long, settings, random)
    at_rest = timeline.speed_kn[piece] < settings.at_rest_kn
    course = find_courses(timeline)[piece]
    size = len(at_s)
    sog_kn = np.where(
        at_rest,
        random.uniform(0, settings.resting_speed_kn, size),
        timeline.speed_kn[piece] + settings.speed_kn * random.standard_normal(size),
    )
    cog_deg = np.where(
        at_rest,
        random.uniform(0, 360, size),
        course + settings.course_deg * random.standard_normal(size),
    )
    ahead_deg = np.where(at_rest, berth_deg[timeline.episode[piece]], course)
    heading_deg = np.rint(ahead_deg + settings.heading_deg * random.standard_normal(size)) % 360
    own_type = CLASS_B_TYPE if is_class_b else CLASS_A_TYPE
    return Report(
        lon_deg,
        lat_deg,
        np.maximum(np.where(is_long, np.rint(sog_kn), np.rint(sog_kn * 10) / 10), 0),
        np.where(is_long, np.rint(cog_deg), np.rint(cog_deg * 10) / 10) % 360,
        np.where(is_long | has_no_heading, NO_HEADING, heading_deg),
        np.full(size, NO_STATUS, np.int8) if is_class_b else sent_status[piece],
        np.where(is_long, LONG_TYPE, own_type).astype(np.int8),
    )


def _place(
    timeline: Timeline,
    at_s: Floats,
    is_long: NDArray[np.bool_],
    settings: ReportSettings,
    random: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Return positions with error, on the grid of their message, in degrees."""
    lon_deg, lat_deg = timeline.locate(at_s)
    error = settings.position_m / M_PER_DEGREE * random.standard_normal((2, len(at_s)))
    grid = np.where(is_long, COARSE_PER_DEGREE, FINE_PER_DEGREE)
    lon_deg = lon_deg + error[0] / np.cos(np.radians(lat_deg))
    return np.rint(lon_deg * grid) / grid, np.rint((lat_deg + error[1]) * grid) / grid
