"""Settings of `switching`: how often, how long and by whom sets are switched off."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from pipeline.simulate.setting import JUDGEMENT, Group, setting

Fleet = Literal["merchant", "ferry", "service", "naval", "fishing", "class_b", "in_tow"]
Share = Annotated[float, Field(ge=0, le=1)]
Rate = Annotated[float, Field(ge=0)]


def _check_order(pair: tuple[float, float]) -> tuple[float, float]:
    if not pair[0] <= pair[1]:
        raise ValueError(f"the first of {pair} is above the second")
    return pair


def _drop_zone(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo else at


Span = Annotated[tuple[Rate, Rate], AfterValidator(_check_order)]
Range = Annotated[tuple[float, float], AfterValidator(_check_order)]
Instant = Annotated[datetime, AfterValidator(_drop_zone)]


class SwitchingSettings(Group):
    """When sets are switched off. A pair is drawn between its ends, evenly in its logarithm.

    A share is multiplied by the habitual, flag and change factors and cut at `largest_share`. A
    fleet that a table of shares leaves out never does it.
    """

    is_any: bool = setting(True, "", "METHOD 8: False is the null world without switch-offs")
    is_any_dark_call: bool = setting(
        True, "", "METHOD 8: False is the null world with switch-offs but no dark call"
    )
    change_at: Instant | None = setting(None, "UTC", "METHOD 8, trend: behaviour changes here")
    change_factor: Rate = setting(1.0, "", "METHOD 8, trend: on every deliberate share, from then")
    habitual_factor: Rate = setting(5.0, "", f"{JUDGEMENT}: watch lists name a few ships often")
    largest_share: Share = setting(0.9, "", f"{JUDGEMENT}: nobody hides every single call")
    flag_factor: dict[str, Rate] = setting(
        {"RUS": 1.0, "IRN": 1.2, "AZE": 0.4, "KAZ": 0.4, "TKM": 0.7},
        "",
        f"{JUDGEMENT}: on all but dark calls, whose shares go by flag already; others 1",
    )

    crossing_flags: tuple[str, str] = setting(("RUS", "IRN"), "", "METHOD 7, headline scope")
    dark_call_share: Share = setting(
        0.03, "", f"{JUDGEMENT}: merchant of these flags between them; some 5 % with the habitual"
    )
    dark_call_share_other: Share = setting(
        0.006, "", f"{JUDGEMENT}: other cargo calls of these flags, there is less to hide"
    )
    dark_call_share_other_flags: Share = setting(0.004, "", f"{JUDGEMENT}: as seldom")
    lead_h: Span = setting((0.5, 12.0), "h", f"{JUDGEMENT}: off before arrival, on after departure")
    long_lead_share: Share = setting(0.12, "", f"{JUDGEMENT}: some go dark a day out")
    long_lead_h: Span = setting((12.0, 24.0), "h", f"{JUDGEMENT}: what a day out is")
    whole_voyage_share: Share = setting(
        0.2, "", f"{JUDGEMENT}: of dark calls; after Port Olya-3 in METHOD 5, silent from port on"
    )
    until_back_share: Share = setting(0.4, "", f"{JUDGEMENT}: of whole voyages, dark both ways")
    leaving_h: Span = setting((0.3, 6.0), "h", f"{JUDGEMENT}: from the lit port to off, and back")
    leg_lit_share: Share = setting(
        0.1, "", f"{JUDGEMENT}: of every leg beside a lit port, at least"
    )

    reappear_share: Share = setting(0.25, "", f"{JUDGEMENT}: of dark calls, after METHOD 6")
    reappear_again_share: Share = setting(0.3, "", f"{JUDGEMENT}: of these, twice")
    reappear_min: Span = setting((10.0, 40.0), "min", f"{JUDGEMENT}: long enough to be heard")
    reappear_apart_min: Rate = setting(10.0, "min", f"{JUDGEMENT}: dark at least, round it")
    reappear_near_share: Share = setting(0.8, "", f"{JUDGEMENT}: pilotage asks for the set")
    reappear_near_km: Rate = setting(30.0, "km", "METHOD 6: these are one call")

    sts_share: dict[Fleet, Share] = setting(
        {"merchant": 0.7}, "", f"{JUDGEMENT}: of stops of kind sts; most are hidden"
    )
    sts_lead_h: Span = setting((0.5, 8.0), "h", f"{JUDGEMENT}: before and after the stop")
    at_sea_share: dict[Fleet, Share] = setting(
        {"merchant": 0.05, "fishing": 0.15, "service": 0.01, "class_b": 0.1, "in_tow": 0.25},
        "",
        f"{JUDGEMENT}: of legs; fishers hide their grounds, others cross an area or feel unsafe",
    )
    at_sea_h: Span = setting((4.0, 60.0), "h", f"{JUDGEMENT}: as long as honest silences")
    at_sea_shortest_h: Rate = setting(1.0, "h", f"{JUDGEMENT}: less is not worth the switch")
    sea_lon_deg: Range = setting((47.3, 54.2), "deg", f"{JUDGEMENT}: open Caspian, off begins here")
    sea_lat_deg: Range = setting((36.7, 45.2), "deg", f"{JUDGEMENT}: south of the canal's sea buoy")
    in_port_share: dict[Fleet, Share] = setting(
        {
            "merchant": 0.05,
            "ferry": 0.02,
            "service": 0.03,
            "naval": 0.3,
            "fishing": 0.05,
            "class_b": 0.1,
            "in_tow": 0.1,
        },
        "",
        f"{JUDGEMENT}: of stays; small craft and barges cut the power at the berth",
    )
    in_port_lead_h: Span = setting((0.3, 20.0), "h", f"{JUDGEMENT}: on after arrival, again before")
    in_port_shortest_h: Rate = setting(1.0, "h", f"{JUDGEMENT}: less is not worth the switch")
    lay_up_share: Share = setting(
        0.1, "", f"{JUDGEMENT}: of lay-ups and of weeks between charters; nobody is on board"
    )
    lay_up_lead_h: Span = setting((2.0, 48.0), "h", f"{JUDGEMENT}: to shut down, to start up")

    failures_per_year: dict[Fleet, Rate] = setting(
        {
            "merchant": 1.5,
            "ferry": 0.8,
            "service": 1.5,
            "naval": 1.0,
            "fishing": 3.0,
            "class_b": 4.0,
            "in_tow": 4.0,
        },
        "1/year",
        f"{JUDGEMENT}: sets, aerials and power fail now and then",
    )
    failure_mean_h: Annotated[float, Field(gt=0)] = setting(
        8.0, "h", f"{JUDGEMENT}: until somebody notices and repairs; exponential"
    )
    failure_h: Span = setting((1.0, 30.0), "h", f"{JUDGEMENT}: cut at these ends")
    night_share: dict[Fleet, Share] = setting(
        {"class_b": 0.4}, "", f"{JUDGEMENT}: of nights at sea; small craft save power"
    )
    night_hours: Range = setting((17.0, 26.0), "h UTC", f"{JUDGEMENT}: about 21 to 6 local")
    silent_days: dict[Fleet, Annotated[float, Field(gt=0)]] = setting(
        {"naval": 2.0}, "d", f"{JUDGEMENT}: warships need not send; mean time off, exponential"
    )
    sending_days: dict[Fleet, Annotated[float, Field(gt=0)]] = setting(
        {"naval": 3.0}, "d", f"{JUDGEMENT}: mean time on between, of the fleets of `silent_days`"
    )

    shortest_on_s: Annotated[float, Field(ge=2)] = setting(
        60.0, "s", f"{JUDGEMENT}: a set takes that long to start; less between two is off"
    )
    min_visit_h: Rate = setting(4.0, "h", "METHOD 5: the shortest stay that is a visit")
    barred_lit_share: Range = setting(
        (0.5, 1.0), "", f"{JUDGEMENT}: of a stay that must not be dark, lit where it would be"
    )
