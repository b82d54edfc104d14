"""All receivers of a simulated world: their settings, and what is drawn of them beforehand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Self

import polars as pl
from pydantic import model_validator

from pipeline.simulate.growth import Growth
from pipeline.simulate.outages import (
    Outage,
    OutageSettings,
    draw_feed_outages,
    draw_station_outages,
    outage_frame,
)
from pipeline.simulate.passes import Passes, SatelliteSettings, build_passes
from pipeline.simulate.reports import ReportSettings
from pipeline.simulate.sending import SendingSettings
from pipeline.simulate.setting import Group, setting
from pipeline.simulate.stations import StationNet, StationSettings, build_stations


class RadioSettings(Group):
    """Who hears what: the settings of sending, stations, satellites, outages and reports."""

    private_shape: float = setting(
        1.5,
        "",
        "judgement: set with the silences of METHOD's warning (b); 0.5 fits them as well, but then"
        " nobody could tell an unheard stay from a switch-off",
        gt=0,
    )
    growth: tuple[Growth, ...] = setting((), "", "METHOD 8: a feed that grows must not look dark")
    sending: SendingSettings = SendingSettings()
    stations: StationSettings = StationSettings()
    satellites: SatelliteSettings = SatelliteSettings()
    outages: OutageSettings = OutageSettings()
    reports: ReportSettings = ReportSettings()

    @property
    def feeds(self) -> tuple[str, ...]:
        """All feeds, sorted."""
        return tuple(sorted({one.feed for one in self.stations.table} | {self.satellites.feed}))

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        names = [one.id for one in (*self.stations.table, *self.satellites.table)]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"stations named twice: {', '.join(twice)}")
        unknown = sorted({step.feed for step in self.growth} - set(self.feeds))
        if unknown:
            raise ValueError(
                f"growth of unknown feeds {', '.join(unknown)}: there are {', '.join(self.feeds)}"
            )
        return self


@dataclass(frozen=True)
class Radio:
    """The receivers of a world.

    `station_names` and `feed_of_station` are by number of the station, `satellite_names` by number
    of the satellite; `satellite_feed` is the feed of all satellites.
    """

    settings: RadioSettings
    start: datetime
    span_s: int
    stations: StationNet
    passes: Passes
    outages: tuple[Outage, ...]
    station_names: tuple[str, ...]
    feed_of_station: tuple[str, ...]
    satellite_names: tuple[str, ...]
    satellite_feed: str

    def outage_rows(self, start: datetime) -> pl.DataFrame:
        """Return one row per outage in the form of `truth.Outages`."""
        return outage_frame(self.outages, start)


def build_radio(settings: RadioSettings, start: datetime, span_s: int, seed: int) -> Radio:
    """Return the receivers of a world of `span_s` seconds from `start` (UTC without a zone)."""
    table = settings.stations.table
    outages = draw_feed_outages(settings.feeds, settings.outages, span_s, seed)
    for number, one in enumerate(table):
        outages += draw_station_outages(one, number, settings.outages.down_factor, span_s, seed)
    growth = settings.growth
    return Radio(
        settings,
        start,
        span_s,
        build_stations(settings.stations, growth, outages, start, span_s, seed),
        build_passes(settings.satellites, growth, outages, start, span_s, seed),
        tuple(outages),
        tuple(one.id for one in table),
        tuple(one.feed for one in table),
        tuple(one.id for one in settings.satellites.table),
        settings.satellites.feed,
    )


def outage_rows(radio: Radio, start: datetime) -> pl.DataFrame:
    """Return one row per outage in the form of `truth.Outages`."""
    return radio.outage_rows(start)
