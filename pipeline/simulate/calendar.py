"""When waterways are shut: the Volga-Don season, ice with convoys, groundings in the canal."""

from __future__ import annotations

import csv
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np

from pipeline.errors import ConfigError
from pipeline.simulate.closures import Calendar, Closure, Winter
from pipeline.simulate.setting import JUDGEMENT, Group, setting, stream

DAY_S = 86_400.0
# Plans begin before the world and wait beyond its end: years drawn on either side.
YEARS_BEFORE, YEARS_AFTER = 1, 2


class CalendarSettings(Group):
    """Seasons, ice and groundings."""

    listed_waterway: str = setting(
        "volga_don_canal", "", "line whose dates in geo/seasons.csv open and shut all of them"
    )
    season_waterways: tuple[str, ...] = setting(
        ("volga_don_canal", "volga_lower", "volga_above_volgograd"),
        "lines of geo/lines.geojson",
        f"{JUDGEMENT}: the rivers above Astrakhan freeze with the canal",
    )
    opens_on_day: float = setting(
        91.0, "day of the year", "METHOD 3: 24 Mar 2020, 1 Apr 2021", ge=1, le=180
    )
    shuts_on_day: float = setting(
        338.0, "day of the year", "METHOD 3: 7 Dec 2017, 3 Dec 2021", ge=200, le=366
    )
    season_jitter_d: float = setting(4.0, "d", f"{JUDGEMENT}: as the listed dates differ")
    rivers_later_d: float = setting(
        6.0, "d", f"{JUDGEMENT}: the rivers stay open for who has passed the canal"
    )
    last_entry_h: float = setting(
        48.0, "h", f"{JUDGEMENT}: passing the locks takes a day, so entry ends before the season"
    )
    ice_waterway: str = setting("volga_caspian_canal", "", "METHOD 3: works all year, by convoy")
    ice_from_day: float = setting(
        349.0, "day of the year", f"{JUDGEMENT}: about 15 December", ge=300, le=366
    )
    ice_days: float = setting(90.0, "d", f"{JUDGEMENT}: until about 15 March in hard ice")
    ice_jitter_d: float = setting(8.0, "d", JUDGEMENT)
    severity_shape: tuple[float, float] = setting(
        (2.0, 2.0), "", f"{JUDGEMENT}: Beta, one draw a winter; 1 is hard ice"
    )
    convoy_every_d: float = setting(
        3.8,
        "d",
        "METHOD 3: 4.5 days one way in hard ice: half of this to wait, the rest behind the breaker",
    )
    ice_slows_by: float = setting(
        0.72, "share", "METHOD 3, the other part of 4.5 days: loss of speed in hard ice"
    )
    groundings_a_year: float = setting(
        0.6, "1/a", f"{JUDGEMENT}: one listed closure (May 2021), smaller ones are reported"
    )
    grounding_d: tuple[float, float] = setting(
        (1.5, 6.0), "d", "METHOD 3: 9-13 May 2021 were five days; judgement around it"
    )


def draw_calendar(
    settings: CalendarSettings, geo: Path, start: datetime, span_s: float, seed: int
) -> Calendar:
    """Return when waterways are shut, from a year before the world to two after it.

    Dates that geo/seasons.csv and geo/closures.csv list hold; others are drawn, each year from a
    stream of its own, so that a longer world has the same winters.

    Raises:
        ConfigError: a date in these files cannot be read.
    """
    end = start + timedelta(seconds=span_s)
    years = range(start.year - YEARS_BEFORE, end.year + YEARS_AFTER + 1)
    listed = _read_seasons(geo / "seasons.csv", settings.listed_waterway)
    open_spans = [_draw_season(settings, year, listed.get(year), start, seed) for year in years]
    winters = tuple(_draw_winter(settings, year, start, seed) for year in years)
    groundings = _read_closures(geo / "closures.csv", start) + [
        one for year in years for one in _draw_groundings(settings, year, start, seed)
    ]
    seasons = [
        Closure("season", waterway, shut_s + _later_s(settings, waterway), open_s)
        for waterway in settings.season_waterways
        for (_, shut_s), (open_s, _) in pairwise(open_spans)
    ]
    ice = [Closure("ice", settings.ice_waterway, one.from_s, one.to_s) for one in winters]
    closures = sorted([*seasons, *ice, *groundings], key=lambda one: (one.waterway, one.from_s))
    return Calendar(
        tuple(closures),
        winters,
        _shut_spans([*seasons, *groundings], settings.last_entry_h * 3600),
        settings.ice_waterway,
        settings.ice_slows_by,
        span_s,
    )


def _later_s(settings: CalendarSettings, waterway: str) -> float:
    """Return by how much a waterway's season ends after the listed one's, in seconds."""
    return 0.0 if waterway == settings.listed_waterway else settings.rivers_later_d * DAY_S


def _shut_spans(
    closures: list[Closure], last_entry_s: float
) -> dict[str, tuple[tuple[float, float], ...]]:
    """Return spans without entry by waterway: entry ends before a season does."""
    spans: dict[str, list[tuple[float, float]]] = {}
    for one in sorted(closures, key=lambda one: one.from_s):
        from_s = one.from_s - (last_entry_s if one.kind == "season" else 0.0)
        known = spans.setdefault(one.waterway, [])
        if known and from_s <= known[-1][1]:
            known[-1] = (known[-1][0], max(known[-1][1], one.to_s))
        else:
            known.append((from_s, one.to_s))
    return {waterway: tuple(known) for waterway, known in spans.items()}


def _seconds(day: date, start: datetime) -> float:
    return (datetime(day.year, day.month, day.day) - start).total_seconds()


def _draw_season(
    settings: CalendarSettings,
    year: int,
    listed: tuple[date | None, date | None, int | None] | None,
    start: datetime,
    seed: int,
) -> tuple[float, float]:
    """Return when the season of a year begins and ends; the last day of navigation is open."""
    random = stream(seed, "calendar", "season", year)
    first, last = (
        date(year, 1, 1) + timedelta(days=int(day - 1 + random.normal(0, settings.season_jitter_d)))
        for day in (settings.opens_on_day, settings.shuts_on_day)
    )
    opened, shut, days = listed or (None, None, None)
    first, last = opened or first, shut or last
    if days is not None and shut is None:
        last = first + timedelta(days=days - 1)
    return _seconds(first, start), _seconds(last, start) + DAY_S


def _draw_winter(settings: CalendarSettings, year: int, start: datetime, seed: int) -> Winter:
    """Return the ice that sets in at the end of a year."""
    random = stream(seed, "calendar", "ice", year)
    severity = float(random.beta(*settings.severity_shape))
    jitter_d = random.normal(0, settings.ice_jitter_d, 2)
    from_s = (
        _seconds(date(year, 1, 1), start) + (settings.ice_from_day - 1 + int(jitter_d[0])) * DAY_S
    )
    # A mild winter is a short one.
    days = max(settings.ice_days * (0.4 + 0.6 * severity) + int(jitter_d[1]), 5.0)
    to_s = from_s + round(days) * DAY_S
    every_s = max(settings.convoy_every_d * severity, 0.5) * DAY_S
    steps = every_s * random.uniform(0.7, 1.3, int((to_s - from_s) / every_s) + 1)
    convoys_s = from_s + np.round(np.cumsum(steps))
    return Winter(from_s, to_s, severity, tuple(float(one) for one in convoys_s[convoys_s < to_s]))


def _draw_groundings(
    settings: CalendarSettings, year: int, start: datetime, seed: int
) -> list[Closure]:
    random = stream(seed, "calendar", "grounding", year)
    count = int(random.poisson(settings.groundings_a_year))
    from_s = _seconds(date(year, 1, 1), start) + np.round(random.uniform(0, 365 * DAY_S, count))
    long_s = np.round(random.uniform(*settings.grounding_d, count) * DAY_S)
    return [
        Closure("grounding", settings.ice_waterway, float(at), float(at + span))
        for at, span in zip(from_s, long_s, strict=True)
    ]


def _read_seasons(
    path: Path, waterway: str
) -> dict[int, tuple[date | None, date | None, int | None]]:
    """Return first day, last day and number of days by year, each as far as it is listed."""
    try:
        return {
            int(row["year"]): (
                date.fromisoformat(row["opened_on"]) if row["opened_on"] else None,
                date.fromisoformat(row["closed_on"]) if row["closed_on"] else None,
                int(row["days"]) if row["days"] else None,
            )
            for row in _rows(path)
            if row["waterway"] == waterway
        }
    except (KeyError, ValueError) as error:
        raise ConfigError(f"{path}: a season cannot be read: {error}") from error


def _read_closures(path: Path, start: datetime) -> list[Closure]:
    try:
        return [
            Closure(
                "grounding",
                row["waterway"],
                (datetime.fromisoformat(row["closed_from"]) - start).total_seconds(),
                (datetime.fromisoformat(row["closed_to"]) - start).total_seconds(),
            )
            for row in _rows(path)
        ]
    except (KeyError, ValueError) as error:
        raise ConfigError(f"{path}: a closure cannot be read: {error}") from error


def _rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file; none where a geo folder has no such file."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
