"""Settings of `noise`: how often and how much receptions are spoilt on their way."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, Field

from pipeline.simulate.setting import JUDGEMENT, Group, setting

Share = Annotated[float, Field(ge=0, le=1)]
Rate = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]


def _check_order(pair: tuple[float, float]) -> tuple[float, float]:
    if not pair[0] <= pair[1]:
        raise ValueError(f"the first of {pair} is above the second")
    return pair


def _check_sum(parts: tuple[float, ...]) -> tuple[float, ...]:
    if abs(sum(parts) - 1) > 1e-9:
        raise ValueError(f"{parts} do not add up to 1")
    return parts


def _drop_zone(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo else at


Span = Annotated[tuple[Positive, Positive], AfterValidator(_check_order)]


class InterferencePlace(Group):
    """Where GNSS is disturbed, and the airport disturbed sets believe to be at."""

    name: str = setting(..., "", JUDGEMENT)
    lon_deg: float = setting(..., "deg", "to 0.1 degree")
    lat_deg: float = setting(..., "deg", "to 0.1 degree")
    shown_lon_deg: float = setting(..., "deg", "to 0.1 degree")
    shown_lat_deg: float = setting(..., "deg", "to 0.1 degree")
    weight: Positive = setting(1.0, "", f"{JUDGEMENT}: share of all events, against the others")


def _place(name: str, at: tuple[float, float], shown: tuple[float, float], weight: float):
    return InterferencePlace(
        name=name,
        lon_deg=at[0],
        lat_deg=at[1],
        shown_lon_deg=shown[0],
        shown_lat_deg=shown[1],
        weight=weight,
    )


# Positions of towns and airports, to 0.1 degree.
PLACES = (
    _place("Makhachkala", (47.6, 43.0), (47.7, 42.8), 1.5),
    _place("Baku", (50.0, 40.3), (50.1, 40.5), 1.0),
    _place("Astrakhan", (48.0, 46.2), (48.0, 46.3), 1.0),
    _place("Volgograd", (44.5, 48.6), (44.3, 48.8), 0.75),
    _place("Tsimlyansk", (42.3, 47.8), (42.1, 47.7), 0.5),
    _place("Rostov", (39.6, 47.2), (39.9, 47.5), 1.25),
)


class NoiseSettings(Group):
    """What spoils rows between the air and the provider's file.

    A pair is drawn between its ends, evenly in its logarithm.
    """

    interference_per_year: Rate = setting(
        8.0, "1/year", f"{JUDGEMENT}: reported again and again since 2022, dates unpublished"
    )
    interference_since: Annotated[datetime, AfterValidator(_drop_zone)] | None = setting(
        None, "UTC", f"{JUDGEMENT}: none before; by default as long as the world"
    )
    interference_places: tuple[InterferencePlace, ...] = setting(
        PLACES, "", f"{JUDGEMENT}: towns with air defence; false places are airports", min_length=1
    )
    interference_scatter_km: Rate = setting(10.0, "km", f"{JUDGEMENT}: no two circles are the same")
    interference_h: Span = setting((1.0, 12.0), "h", f"{JUDGEMENT}: an alarm to half a day")
    interference_radius_km: Span = setting((20.0, 80.0), "km", f"{JUDGEMENT}: line of sight")
    disturbed_share: Share = setting(0.7, "", f"{JUDGEMENT}: of positions inside; some hold out")
    lost_share: Share = setting(0.4, "", f"{JUDGEMENT}: of the disturbed, no position at all")
    shown_scatter_km: Rate = setting(0.5, "km", f"{JUDGEMENT}: the false place is one place")

    late_satellite_share: Share = setting(
        0.004, "", f"{JUDGEMENT}: of a satellite's hours, delivered late as a batch"
    )
    late_station_share: Share = setting(
        0.001, "", f"{JUDGEMENT}: of a station's hours, its line was down"
    )
    late_row_share: Share = setting(5e-4, "", f"{JUDGEMENT}: single rows held up on the way")
    late_days: Span = setting((1.0, 20.0), "d", f"{JUDGEMENT}: within the 45 days of METHOD 1")

    clock_errors_per_station_year: Rate = setting(
        0.1, "1/year", f"{JUDGEMENT}: a few receivers a year lose their time source"
    )
    clock_error_days: Span = setting((0.3, 2.0), "d", f"{JUDGEMENT}: until somebody notices")
    clock_offset_s: Span = setting(
        (5.0, 14_400.0), "s", f"{JUDGEMENT}: drift of seconds to a wrong time zone, either way"
    )
    misdated_share: Share = setting(1e-6, "", f"{JUDGEMENT}: a handful of rows a year")
    misdated_years: tuple[float, float] = setting(
        (-49.0, 77.0), "years", f"{JUDGEMENT}: a clock at its zero (about 1970), a wild year 2099"
    )

    garbled_share: Share = setting(1e-3, "", f"{JUDGEMENT}: bit errors that pass the checksum")
    garbled_parts: Annotated[tuple[Share, Share, Share, Share], AfterValidator(_check_sum)] = (
        setting(
            (0.5, 0.25, 0.248, 0.002), "", f"{JUDGEMENT}: no position, no speed, no course, a jump"
        )
    )
    garbled_jump_deg: Rate = setting(3.0, "deg", f"{JUDGEMENT}: a jump at most, either way")
    repeated_share: Share = setting(0.01, "", f"{JUDGEMENT}: the same row twice in a file")
