"""Every threshold once, with its unit and where its value comes from.

A TOML file may override any of them (`--rules FILE`); an unknown key or a wrong type is refused.
"Judgement" in a source says that the value is ours and was not measured by anybody.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import polars as pl
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from pipeline.errors import ConfigError
from pipeline.user_files import read_toml

METHOD_VERSION = "0.1.0"
LARGEST_NUMBER = 10**12


def rule(default: Any, unit: str, source: str, **bounds: Any) -> Any:
    """Return a field whose default, unit and source are said in one place."""
    return Field(default, json_schema_extra={"unit": unit, "source": source}, **bounds)


class RuleGroup(BaseModel):
    """A named group of thresholds; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @model_validator(mode="after")
    def _fits_64_bits(self) -> RuleGroup:
        # Whole numbers in TOML have no end, those in frames have.
        for name, value in self:
            for one in value if isinstance(value, tuple) else (value,):
                if isinstance(one, int | float) and abs(one) > LARGEST_NUMBER:
                    raise ValueError(f"{name} is beyond {LARGEST_NUMBER:,}")
        return self


Group = TypeVar("Group", bound=RuleGroup)


class FeedRules(RuleGroup):
    """What a raw file may look like before it is refused as a whole."""

    batch_rows: int = rule(200_000, "rows", "judgement: bounds memory", ge=1_000)
    archive_max_ratio: float = rule(
        1_000.0,
        "unpacked/packed",
        "judgement: DEFLATE's own limit is 1,032; AIS text packs 5-20 to 1",
        gt=1,
    )
    archive_ratio_from_bytes: int = rule(
        100_000_000, "bytes unpacked", "judgement: small files may pack well", ge=0
    )


class CleanRules(RuleGroup):
    """What makes a report a sighting (METHOD 1, 2)."""

    reject_not_available: bool = rule(
        True, "yes/no", "METHOD 2, ITU-R M.1371: latitude 91 and longitude 181 are no position"
    )
    reject_not_a_ship: bool = rule(
        True, "yes/no", "METHOD 2: 00x, 111x, 8xx, 97x, 98x, 99x and ids not of nine digits"
    )
    earliest_time: str = rule(
        "2000-01-01T00:00:00",
        "UTC",
        "judgement: AIS began with the SOLAS rules of 2000; earlier is an unset clock",
    )
    latest_time: str = rule(
        "2100-01-01T00:00:00",
        "UTC",
        "judgement: from then on a clock is broken, and every day and month up to it would be kept",
    )
    longest_text: int = rule(
        120,
        "characters",
        "judgement: AIS sends at most 34 (ITU-R M.1371: name 20, of an aid 34, destination 20)",
        ge=1,
    )

    @field_validator("earliest_time", "latest_time")
    @classmethod
    def _is_instant(cls, text: str) -> str:
        if datetime.fromisoformat(text).tzinfo is not None:
            raise ValueError(f"{text!r} must be UTC without a zone")
        return text


class TrackRules(RuleGroup):
    """When two sightings of one MMSI can be one ship (METHOD 2)."""

    v_max_kn: float = rule(30.0, "kn", "METHOD 2, judgement", gt=0)
    v_max_high_speed_kn: float = rule(50.0, "kn", "METHOD 2, judgement: ship types 40-49", gt=0)
    time_slack_s: int = rule(60, "s", "METHOD 2: clocks of receivers differ", ge=0)
    distance_slack_km: float = rule(1.0, "km", "METHOD 2: errors of position", ge=0)
    split_tracks: bool = rule(
        True, "yes/no", "METHOD 2; off only to compare with tools that take one MMSI for one ship"
    )
    confirm_after_h: float = rule(
        4.0,
        "h",
        "METHOD 1: a lone ping further than this from its neighbours needs confirming",
        gt=0,
    )
    two_ships_from_d: int = rule(
        4,
        "d",
        "judgement: several tracks of a MMSI heard on so many days are two ships; interference"
        " lasts up to half a day, which is two days at midnight, and may come back once",
        ge=1,
    )
    two_ships_within_d: int = rule(
        30, "d", "judgement: of the days so near to the off time of a silence", ge=0
    )


class GapRules(RuleGroup):
    """What a gap is (METHOD 1)."""

    min_gap_s: int = rule(
        14_400, "s", "METHOD 1: 4 h, the lowest threshold of a comparable system", ge=1
    )
    count_above_only: bool = rule(
        False, "yes/no", "METHOD 1 counts >=; on only to compare with published counts made with >"
    )
    ladder_h: tuple[int, ...] = Field(
        default=(4, 6, 12, 24, 30, 72),
        strict=False,
        json_schema_extra={
            "unit": "h",
            "source": "METHOD 1: 4 stored, 6 GFW raw and Skylight, 12 GFW disabling, 30 LLI, "
            "72 Windward 'prolonged'",
        },
    )
    near_port_nm: float = rule(30.0, "nm", "METHOD 1, judgement", gt=0)
    final_after_d: int = rule(
        45, "d", "METHOD 1: a month of gaps is final this long after its end", ge=0
    )
    calls_final_after_d: int = rule(90, "d", "METHOD 1: a month of calls", ge=0)
    positions_before_h: int = rule(12, "h", "METHOD 1", ge=1)
    data_end_share: float = rule(
        0.1,
        "of the median day",
        "METHOD 1, judgement: one row dated in the future must not close the books",
        gt=0,
    )
    data_end_floor_share: float = rule(
        0.01,
        "of the median day of all days",
        "judgement: some rows dated decades ahead must not make a usual day of their own; a feed"
        " that has fallen below this share of what it was is not alive",
        ge=0,
    )
    data_end_min_sightings: int = rule(2, "sightings", "METHOD 1, judgement", ge=1)
    data_end_days: int = rule(7, "days with data", "METHOD 1, judgement", ge=1)

    @property
    def shortest_s(self) -> int:
        """The shortest silence that is a gap, in whole seconds."""
        return self.min_gap_s + 1 if self.count_above_only else self.min_gap_s


class CauseRules(RuleGroup):
    """Why a ship was not heard, as far as no reception is needed (METHOD 1, 4)."""

    exit_within_h: float = rule(6.0, "h of sailing", "METHOD 1, judgement", ge=0)
    exit_min_speed_kn: float = rule(1.0, "kn", "METHOD 1: under way", ge=0)
    exit_max_bearing_off_deg: float = rule(
        60.0, "deg", "judgement: course over ground against the bearing of the exit", ge=0, le=180
    )
    in_port_within_km: float = rule(4.0, "km", "METHOD 4, and GFW's port exit radius", ge=0)
    min_visit_h: float = rule(4.0, "h", "METHOD 5, judgement", ge=0)
    laid_up_least_d: float = rule(14.0, "days", "METHOD 4", gt=0)
    laid_up_most_kn: float = rule(0.5, "kn", "METHOD 4", ge=0)


class ShipRules(RuleGroup):
    """Identity, flag and fleet (METHOD 2)."""

    imo_min_reports: int = rule(3, "reports", "METHOD 2, judgement", ge=1)
    imo_min_days: int = rule(2, "days", "METHOD 2, judgement", ge=1)
    imo_min_share: float = rule(0.9, "of the reports", "METHOD 2, judgement", gt=0, le=1)
    ferry_min_share: float = rule(0.7, "of the port stays", "METHOD 2", gt=0, le=1)
    ferry_min_stays: int = rule(
        10, "port stays", "judgement: fewer stays make nobody a ferry", ge=2
    )
    stay_within_km: float = rule(4.0, "km", "METHOD 7, judgement", gt=0)
    stay_max_speed_kn: float = rule(0.5, "kn", "METHOD 7, judgement", ge=0)
    stay_min_sightings: int = rule(2, "sightings", "METHOD 7, judgement", ge=1)
    tow_within_km: float = rule(0.5, "km", "judgement: beside a tug", gt=0)
    tow_within_s: int = rule(900, "s", "judgement: beside a tug at that time", gt=0)


class PortRules(RuleGroup):
    """When a ship is in a port, stopped there, and on its way between two (METHOD 6, 7)."""

    enter_within_km: float = rule(3.0, "km", "METHOD 6, Global Fishing Watch: port entry", ge=0)
    leave_beyond_km: float = rule(4.0, "km", "METHOD 6, Global Fishing Watch: port exit", gt=0)
    stopped_most_kn: float = rule(0.2, "kn", "METHOD 6, Global Fishing Watch: stopped", ge=0)
    moving_from_kn: float = rule(0.5, "kn", "METHOD 6, Global Fishing Watch: moving", gt=0)
    displaced_over_s: int = rule(
        600,
        "s",
        "judgement: a missing speed is taken of the way made over that time at least; an error of"
        " 30 m then makes 0.1 kn",
        ge=1,
    )
    lit_least_h: float = rule(4.0, "h", "METHOD 6: a lit call", ge=0)
    known_within_d: float = rule(
        30.0, "days", "METHOD 7: last known port before, first known port after", gt=0
    )
    round_trip_least_h: float = rule(
        4.0, "h", "judgement: away for less and back at the same port is no leg", ge=0
    )

    @model_validator(mode="after")
    def _has_hysteresis(self) -> PortRules:
        for lower, upper in (
            ("enter_within_km", "leave_beyond_km"),
            ("stopped_most_kn", "moving_from_kn"),
        ):
            if getattr(self, lower) > getattr(self, upper):
                raise ValueError(f"{lower} is above {upper}")
        return self


class HealthRules(RuleGroup):
    """When a receiver counts as out (METHOD 4, `outage`)."""

    window_d: int = rule(
        28, "d", "judgement: the trailing four weeks say what is usual", ge=7, le=28
    )
    least_days: int = rule(7, "days with data", "judgement: fewer say nothing", ge=1, le=28)
    least_share: float = rule(
        0.35,
        "of the usual",
        "published method: slots in which active ships fall below 35 % of the day's median",
        gt=0,
        lt=1,
    )
    most_chance: float = rule(
        0.002,
        "chance",
        "judgement: so little is heard by chance in at most one of 500 quiet stretches; on"
        " simulated worlds at most 0.1 % of the healthy hours of stations are then marked",
        gt=0,
        lt=1,
    )
    least_ships: float = rule(
        3.0,
        "ships usually heard in an hour",
        "judgement: that one or two ships are gone says nothing of a receiver without beacons",
        ge=0,
    )
    stay_h: float = rule(
        24.0,
        "h",
        "judgement: a ship stays about a day within reach, so hours in a row are one observation",
        gt=0,
    )
    least_spread: float = rule(
        0.2, "of the mean", "judgement: no traffic is steadier from day to day", gt=0
    )
    short_run_h: int = rule(
        2, "h", "judgement: shorter quiet stretches are noise when noise is learned", ge=1
    )
    lost_slot_h: int = rule(
        2, "h", "published method: many ships lost in one area within 2 h", ge=1, le=24
    )
    lost_silence_h: float = rule(4.0, "h", "METHOD 1: the shortest silence that is a gap", gt=0)
    lost_quantile: float = rule(
        0.95, "quantile of the slots", "published method: the area's 95th percentile", gt=0, lt=1
    )
    lost_factor: float = rule(
        3.0, "times the quantile", "published method: above three times that", gt=0
    )
    lost_least_ships: int = rule(5, "ships", "judgement: a few ships are chance", ge=1)
    lost_least_others: int = rule(
        2, "ships", "judgement: of other flags than the one that lost most", ge=1
    )
    lost_alike_share: float = rule(
        0.5,
        "of the share of the flag that lost most",
        "judgement: the other flags lost half as large a share at least",
        gt=0,
    )
    lost_longest_h: int = rule(24, "h", "judgement: what lasts longer has another cause", ge=1)


class GnssRules(RuleGroup):
    """When many ships jumped at one time and place (METHOD 2, 4, `gnss`)."""

    cell_deg: float = rule(
        0.5,
        "deg",
        "judgement: 55 km; with the cells around, what one place of interference reaches",
    )
    least_ships: int = rule(
        3,
        "ships in an hour",
        "judgement: SeaSpoofFinder (Winkel et al., arXiv:2602.16257) asks for several ships with"
        " one origin and one target; two may be two shared MMSIs",
        ge=2,
    )
    least_flags: int = rule(
        2, "flags", "METHOD 4, judgement: ships of one flag may falsify together", ge=1
    )


class BandRules(RuleGroup):
    """When a night's counts are so unusual that it does not publish (issue: nightly)."""

    day_least_share: float = rule(0.2, "of the median day", "judgement", ge=0, lt=1)
    day_most_factor: float = rule(5.0, "times the median day", "judgement", gt=1)
    window_days: int = rule(28, "days with data", "judgement: four weeks", ge=1)
    least_days: int = rule(7, "days with data", "judgement: fewer say nothing", ge=1)
    least_median: int = rule(
        1_000, "sightings a day", "judgement: smaller feeds vary too much", ge=1
    )
    refused_most_share: float = rule(
        0.5,
        "of the rows read tonight",
        "judgement: more often a changed format than bad rows",
        gt=0,
    )
    refused_least_growth: float = rule(
        3.0, "times the share before", "judgement: a feed that was always so bad is known", ge=1
    )
    fall_most_share: float = rule(
        0.01, "of all sightings", "judgement: sightings vanish only with their raw files", ge=0
    )
    feed_least_share: float = rule(0.2, "of the feed's median day", "judgement: a warning", ge=0)


class ReceptionRules(RuleGroup):
    """Who could have been heard, and was the set off (METHOD 4)."""

    cell_deg: float = rule(0.5, "deg", "METHOD 4.1: smaller cells hold too few ships", gt=0)
    way_from_km: float = rule(
        25.0, "km", "judgement: shorter ways stay in a cell or lead to the next one", ge=0
    )
    usual_kn: float = rule(
        10.0, "kn", "judgement, as geo/water.toml: to an exit and back from one", gt=0
    )
    months_back: int = rule(5, "months", "METHOD 4: learned of months m-5 to m", ge=0)
    least_months: int = rule(3, "months with data", "METHOD 4, judgement", ge=1)
    moving_from_kn: float = rule(0.5, "kn", "METHOD 6, Global Fishing Watch: moving", ge=0)
    return_after_h: int = rule(
        3,
        "whole hours unheard",
        "METHOD 1: four hours and more end with a sighting by definition, which says nothing of"
        " how often ships are heard",
        ge=1,
    )
    spread: float = rule(
        1.5,
        "shape",
        "judgement, with one simulated world of a seed used for nothing else: own factors are"
        " Gamma of mean 1; 1 to 2 do about as well",
        gt=0,
    )
    most_share: float = rule(
        0.985, "of hours heard", "judgement: beyond it an hour tells rates no further", gt=0, lt=1
    )
    most_receptions: float = rule(
        12.0, "receptions an hour", "judgement: more tell nothing more: feeds are thinned", gt=0
    )
    prior_hours: float = rule(
        20.0, "ship-hours", "judgement: a place's own rate counts from a day of a ship on", ge=0
    )
    day_weight: float = rule(3.0, "receptions", "judgement: shrinks a place's day", gt=0)
    hour_weight: float = rule(2.0, "receptions", "judgement: shrinks a place's hour", gt=0)
    pass_weight: float = rule(1.0, "receptions", "judgement: shrinks an hour of satellites", gt=0)
    factors: int = rule(10, "values", "judgement: of the own factor, evenly in its logarithm", ge=2)
    least_factor: float = rule(0.01, "times", "judgement: weaker sets are hardly heard", gt=0)
    most_factor: float = rule(4.0, "times", "judgement: 1 % of the Gamma lie above", gt=0)
    redraw_h: float = rule(
        60.0, "h", "judgement: a stay or leg lasts two or three days on average", gt=1
    )
    redraw_at_change: float = rule(
        0.5, "chance", "judgement: half of all stops and starts are another stay or leg", gt=0, lt=1
    )
    off_rate: float = rule(0.002, "an hour", "judgement: first guess, learned", gt=0, lt=0.5)
    off_hours: tuple[float, ...] = rule(
        (8.0, 40.0, 400.0),
        "h",
        "judgement: first guesses of the mean times off of a mixture, learned",
        min_length=1,
    )
    prior_events: float = rule(0.5, "events", "judgement: what a first guess is worth", gt=0)
    passes: int = rule(3, "passes", "METHOD 4.2: fixed; judgement", ge=1)
    nudge: float = rule(1.1, "times", "judgement: step of the derivatives of the interval", gt=1)
    starts_may_differ: float = rule(0.05, "of the mean", "METHOD 4.4", gt=0)
    least_switched: float = rule(
        5.0, "switch-offs", "judgement: fewer in an area leave its rate open", ge=0
    )
    least_expected: float = rule(
        3.0, "receptions", "METHOD 4.5: silence is at least 5 % likely below", gt=0
    )
    coverage_below: float = rule(0.2, "p_off", "METHOD 4", gt=0, lt=1)
    probable_from: float = rule(0.8, "p_off", "METHOD 4", gt=0, lt=1)


class ReachRules(RuleGroup):
    """How fast a ship can have gone, and so which ports it could have called at (METHOD 5)."""

    speed_quantile: float = rule(
        0.99, "of the sightings under way", "METHOD 5: what bounds a speed", gt=0, le=1
    )
    bounding_factor: float = rule(1.1, "times that speed", "METHOD 5", ge=1)
    current_kn: float = rule(1.0, "kn", "METHOD 5: of current, for the ship", ge=0)
    least_class_sightings: int = rule(
        100,
        "sightings under way",
        "judgement: the 99th percentile of fewer is their largest; all fleets together then",
        ge=1,
    )
    usual_weight: float = rule(
        50.0, "sightings under way", "judgement: what the fleet's usual speed is worth", gt=0
    )


class JointRules(RuleGroup):
    """Off or on, and at which port (METHOD 6)."""

    memory_h: int = rule(
        240,
        "h",
        "judgement: a track's hours before and after its gaps; own factors hold 60 h on average",
        ge=1,
    )
    hidden_least_h: int = rule(4, "h", "METHOD 1: silences of this length on are gaps", ge=1)
    hidden_usual_h: int = rule(24, "h", "judgement: where no silence is known", ge=1)
    hidden_most_silent_h: int = rule(
        6, "h", "judgement: too short for a call of 4 h and the way in and out", ge=1
    )
    most_hidden: int = rule(3_000, "voyages", "judgement: more teach little more", ge=1)
    usual_stay_h: float = rule(24.0, "h", "judgement: of a merchant ship", gt=0)
    room_h: float = rule(12.0, "h", "METHOD 5: usual for cargo work", gt=0)
    most_way_h: float = rule(1_000.0, "h", "judgement: a way that is closed is long", gt=0)
    most_detour: float = rule(3.0, "of the gap's hours", "judgement", gt=0)
    stopped_kn: float = rule(0.5, "kn", "METHOD 6, Global Fishing Watch: moving above", ge=0)
    there_h: float = rule(
        0.25, "h at usual speed", "METHOD 4: within 4 km of a port; roads lie further off", gt=0
    )
    silence_weight: float = rule(
        0.5,
        "of a log ratio",
        "judgement: of how much likelier silence is through a port than straight on; both are told"
        " by one model and err together; measured on simulated seed 12 (docs/joint.md)",
        ge=0,
        le=1,
    )
    prior_calls: float = rule(
        5.0, "calls", "judgement: shrinks shares of calls to those of the fleet, and of all", gt=0
    )
    prior_weights: tuple[float, ...] = rule(
        (
            *(0.5, -2.0, 0.5, 0.5, 0.5, -0.3, -0.3, 1.0, 1.0, 2.0, 1.0, 1.0),
            *(-2.0, -0.3, 1.0, 2.0, 0.0, -0.3),
        ),
        "log-odds",
        "judgement: of slack, detour, has_room, towards, away, far_off, far_on, lay_there_off,"
        " lay_there_on, lay_there_both, traffic, own, none, none_duration, none_under_way,"
        " none_straight, none_lay, none_lay_duration; what holds where nothing is learned",
        min_length=18,
        max_length=18,
    )
    prior_scale: float = rule(
        1.0, "log-odds", "judgement: how far what is learned may lie from it", gt=0
    )
    fleet_scale: float = rule(
        0.3, "log-odds", "judgement: how far a fleet may lie from all fleets", gt=0
    )
    least_hidden: int = rule(300, "voyages", "judgement: fewer leave a fleet with all fleets", ge=1)
    most_steps: int = rule(200, "steps", "judgement: of the search, far beyond its need", ge=1)


class CallRules(RuleGroup):
    """What makes a dark port call, and of which grade (METHOD 6)."""

    possible_from: float = rule(
        0.4, "P_call", "METHOD 6: grade C, and a row of its own", gt=0, le=1
    )
    probable_from: float = rule(0.8, "P_call", "METHOD 6: grade B", gt=0, le=1)
    confirmed_p_off_from: float = rule(
        0.5, "p_off", "METHOD 6: grade A, beside dated proof", ge=0, le=1
    )
    visit_within_km: float = rule(
        30.0, "km", "METHOD 6: heard again no further from the group, a visit goes on", ge=0
    )
    visit_apart_h: float = rule(
        24.0,
        "h",
        "judgement: heard for longer than that between two gaps, it is another visit",
        ge=0,
    )
    draught_change_m: float = rule(0.3, "m", "METHOD 6: a change of state", gt=0)


class IndicatorRules(RuleGroup):
    """Intervals, rating, trends and spikes (METHOD 7)."""

    draws: int = rule(2_000, "draws", "METHOD 7", ge=100)
    interval_level: float = rule(0.90, "share", "METHOD 7: intervals are 90 %", gt=0, lt=1)
    off_error_sd: float = rule(
        0.9,
        "log-odds of p_off",
        "judgement: an error common to the gaps of a month that their intervals do not hold; with"
        " it those of a simulated tuning world hold what happened in nine months of ten",
        ge=0,
    )
    call_error_sd: float = rule(
        1.0,
        "log-odds of a call, given off",
        "judgement: an error of where ships call, common to the gaps of a month",
        ge=0,
    )
    error_lasting: float = rule(
        0.75,
        "of the variance",
        "judgement: the part of both errors that is the same all along",
        ge=0,
        le=1,
    )
    medium_from: int = rule(5, "calls a year", "CNA, Table 8: Low below", ge=1)
    high_above: int = rule(20, "calls a year", "CNA, Table 8: Medium up to and with it", ge=1)
    printed_from: float = rule(
        0.8, "probability", "METHOD 7: of one class; below it the two likeliest", gt=0, le=1
    )
    base_years: tuple[int, ...] = rule(
        (2020, 2021), "years", "METHOD 7: before 2022; CNA's measurement begins 2020", min_length=1
    )
    weight_cap: float = rule(5.0, "times", "METHOD 7: of 1 / observability", ge=1)
    upward_above: float = rule(1.1, "times the base", "METHOD 7", gt=1)
    downward_below: float = rule(0.9, "times the base", "METHOD 7", gt=0, lt=1)
    steady_from: float = rule(0.67, "times the base", "METHOD 7: No change", gt=0, lt=1)
    steady_to: float = rule(1.5, "times the base", "METHOD 7: No change", gt=1)
    prior_calls: float = rule(
        0.5,
        "calls a year",
        "judgement: added to both years of a ratio, which nothing over nothing would not have",
        gt=0,
    )
    base_least_months: int = rule(
        9,
        "calendar months",
        "judgement: fewer of twelve leave out a season",
        ge=1,
        le=12,
    )
    comparable_h: int = rule(30, "h", "METHOD 0: gaps as the provider of Table 5 counts", ge=1)
    spike_months: int = rule(12, "months before", "judgement: a year says what is usual", ge=2)
    spike_least_months: int = rule(6, "months before", "judgement: fewer say little", ge=3)
    spike_false_alarms: float = rule(
        0.5, "a year and series", "judgement: one in two years without any change", gt=0, lt=12
    )
    tried_gap_h: tuple[int, ...] = rule(
        (12, 24, 30), "h", "METHOD 1: rungs of the ladder, as other systems count; sensitivity"
    )
    tried_near_nm: tuple[int, ...] = rule(
        (10, 30, 50), "nm", "METHOD 1: near a port, and what it is held against; sensitivity"
    )
    tried_visit_h: tuple[int, ...] = rule(
        (2, 8, 12), "h", "judgement: half of the shortest visit, twice and three times; sensitivity"
    )


class OperationRules(RuleGroup):
    """What `darkport doctor` calls too old or too little.

    Not among `Rules`: they judge the machine and never a table, so they are in no rules_hash.
    """

    run_max_age_h: float = rule(36.0, "h", "judgement: one night missed, and half a day", gt=0)
    data_max_age_h: float = rule(
        72.0, "h", "judgement: feeds come a day late, and two over a weekend", gt=0
    )
    own_files_factor: float = rule(
        2.0, "times a night's own files", "judgement: the new ones, and what sorting spills", ge=1
    )
    first_night_factor: float = rule(
        6.0,
        "times the raw files",
        "measured 5.1 on Parquet and 0.8 on CSV, two simulated months; the rest is judgement",
        gt=0,
    )


class ClusterRules(RuleGroup):
    """How long a run waits for a cluster.

    Not among `Rules`: they change when a run gives up, never a table, so they are in no rules_hash.
    """

    connect_s: float = rule(
        10.0, "s", "judgement: a scheduler that is there answers within one", gt=0
    )
    no_worker_s: float = rule(
        120.0, "s", "judgement: a worker that died is back in seconds, one from a queue later", gt=0
    )
    watch_every_s: float = rule(
        5.0, "s", "judgement: how often it is asked if any worker is left", gt=0
    )


class RemoteRules(RuleGroup):
    """How object storage is read and written.

    Not among `Rules`: they change how long a night takes, never a table, so they are in no
    rules_hash.
    """

    threads: int = rule(8, "1", "judgement: objects fetched or pushed at a time", ge=1)
    chunk_bytes: int = rule(
        8_388_608, "B", "judgement: a part of an object held in memory, by each thread", ge=1
    )
    young_s: float = rule(
        900.0,
        "s",
        "S3 refuses a clock that is more than 15 minutes off: what looks younger than this may be"
        " written again within the same second of the store's clock",
        ge=0,
    )


class RemainingRules(RuleGroup):
    """How surely the remaining time of a night is known, and when it is told.

    Not among `Rules`: no table hangs on them, so they are in no rules_hash.
    """

    known_spread: float = rule(
        1.5, "ratio", "judgement: a stage's pace from one night to the next of its kind", gt=1
    )
    share_spread: float = rule(
        2.0,
        "ratio",
        "judgement: reception took 1.2 to 3.7 times as long as putting days together in first"
        " nights on four simulated feeds, so about 2 times 1.7 either way",
        gt=1,
    )
    own_spread: float = rule(
        1.2, "ratio", "judgement: the rest of a stage whose pace is steady so far", gt=1
    )
    prior_units: int = rule(
        3, "units", "judgement: after so many the stage's own pace counts half", ge=1
    )
    trust_share: float = rule(
        0.1,
        "share of the night",
        "judgement: tonight's speed counts half after so much of what was assumed",
        gt=0,
    )
    least_seen: float = rule(
        0.02, "share of a night", "judgement: less of a first night says nothing of the rest", gt=0
    )
    blocks: int = rule(8, "blocks", "judgement: units in which a stage's pace is watched", ge=2)
    outlier_ratio: float = rule(
        4.0, "times the median", "judgement: a block of units that takes longer counts so", gt=1
    )
    widest_ratio: float = rule(
        5.0, "high / low", "judgement: a wider range is a guess, and is not told", gt=1
    )
    widest_slack_s: float = rule(
        10.0, "s", "judgement: seconds are told whatever their ratio", ge=0
    )
    many_days_share: float = rule(
        0.5, "share of days", "judgement: from here on a night is like a first one", gt=0, le=1
    )


class CalibrationRules(RuleGroup):
    """When a user's labels may calibrate p_off, and how (METHOD 4.6).

    Not among `Rules`, as no table of a night holds a calibrated probability: the rules_hash names
    what made those tables.
    """

    least_labels: int = rule(
        50,
        "labels with a p_off",
        "judgement: with fewer the slope is a guess",
        ge=4,
    )
    least_of_a_class: int = rule(
        10, "labels", "judgement: fewer of one answer say little of when it is given", ge=2
    )
    isotonic_from: int = rule(
        1_000,
        "labels",
        "Niculescu-Mizil and Caruana 2005: below about 1,000 isotonic calibration overfits, and"
        " Platt's logistic does better",
        ge=4,
    )
    least_p: float = rule(
        1e-6, "probability", "judgement: a logit of 0 or 1 is endless", gt=0, lt=0.5
    )
    folds: int = rule(5, "folds", "judgement: each check trains on four fifths", ge=2)
    draws: int = rule(
        200, "draws of ships", "judgement: ends of a 90 % interval to 0.15 sigma", ge=20
    )
    labels_a_bin: int = rule(
        100,
        "labels",
        "judgement: a share to about 0.05; most p_off are small, few bins hide the rest",
        ge=1,
    )
    least_bins: int = rule(
        5, "bins of equal count", "judgement: ten labels a bin where labels are fewest", ge=1
    )
    most_bins: int = rule(20, "bins of equal count", "judgement: more cannot be read", ge=1)
    interval_level: float = rule(0.90, "share", "METHOD 7: intervals are 90 %", gt=0, lt=1)
    longest_text: int = rule(
        200, "characters", "judgement: the name of a source, not its text", ge=1
    )


class Rules(RuleGroup):
    """All thresholds of a run, by stage."""

    feeds: FeedRules = FeedRules()
    clean: CleanRules = CleanRules()
    tracks: TrackRules = TrackRules()
    gaps: GapRules = GapRules()
    causes: CauseRules = CauseRules()
    ships: ShipRules = ShipRules()
    ports: PortRules = PortRules()
    health: HealthRules = HealthRules()
    gnss: GnssRules = GnssRules()
    bands: BandRules = BandRules()
    reception: ReceptionRules = ReceptionRules()
    reach: ReachRules = ReachRules()
    joint: JointRules = JointRules()
    calls: CallRules = CallRules()
    indicator: IndicatorRules = IndicatorRules()


def load_rules(path: Path | None) -> Rules:
    """Return the default rules, overridden by the TOML file at `path` where one is given.

    Raises:
        ConfigError: the file is missing, no TOML, or has an unknown key or a wrong value.
    """
    if path is None:
        return Rules()
    given = read_toml(path, "rules file")
    try:
        return Rules.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"rules file {path}: {where}: {first['msg']}") from error


def rules_frame(rules: Rules) -> pl.DataFrame:
    """Return one row per threshold: name, value, unit, source, is_overridden (table `rules`)."""
    rows: list[dict[str, Any]] = []
    usual = Rules()
    for group in type(rules).model_fields:
        thresholds, defaults = getattr(rules, group), getattr(usual, group)
        for name, field in type(thresholds).model_fields.items():
            extra = field.json_schema_extra
            assert isinstance(extra, dict), f"{group}.{name} has no unit and source"
            value = getattr(thresholds, name)
            rows.append(
                {
                    "name": f"{group}.{name}",
                    "value": json.dumps(value),
                    "unit": extra["unit"],
                    "source": extra["source"],
                    "is_overridden": value != getattr(defaults, name),
                }
            )
    return pl.DataFrame(rows).sort("name")


def read_group(frame: pl.DataFrame, name: str, group: type[Group]) -> Group:
    """Return one group of thresholds as table `rules` holds it.

    Args:
        frame: `rules_frame`.
        name: of the group.
        group: its class.

    Raises:
        ConfigError: a threshold is missing or of the wrong type.
    """
    rows = frame.filter(pl.col("name").str.starts_with(f"{name}."))
    given = {
        full.partition(".")[2]: json.loads(value)
        for full, value in rows.select("name", "value").iter_rows()
    }
    missing = sorted(set(group.model_fields) - set(given))
    if missing:
        raise ConfigError(f"table rules: no {name}.{missing[0]}")
    try:
        # Of JSON, in which a tuple is a list.
        return group.model_validate_json(json.dumps(given))
    except ValidationError as error:
        raise ConfigError(f"table rules: {name}: {error.errors()[0]['msg']}") from error


def rules_hash(rules: Rules, *more: str) -> str:
    """Return 12 hex digits that name these rules, the method version and `more` (areas' hash)."""
    text = json.dumps([METHOD_VERSION, rules.model_dump(mode="json"), *more], sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()
