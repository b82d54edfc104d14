"""All settings of a world in one tree, and the named worlds: TOML files in `worlds/`."""

from __future__ import annotations

import hashlib
import json
import tomllib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError, field_validator

from pipeline.errors import UsageError
from pipeline.simulate.calendar import CalendarSettings
from pipeline.simulate.noise import NoiseSettings
from pipeline.simulate.quota import Quota
from pipeline.simulate.radio import RadioSettings
from pipeline.simulate.setting import JUDGEMENT, Group, setting
from pipeline.simulate.switching import SwitchingSettings
from pipeline.simulate.vessels import VesselSettings
from pipeline.simulate.voyages import VoyageSettings
from pipeline.simulate.waters import WatersSettings

WORLDS = Path(__file__).parent / "worlds"
# A small form of any world: for trials of many seeds (METHOD 8 names this size).
SMALL: dict[str, Any] = {"vessels": {"ships": 40}, "feed": {"thin_s": 1800}}


class FeedSettings(Group):
    """How the feed is delivered."""

    thin_s: int = setting(
        300, "s", "judgement: providers deliver a position a ship every few minutes", ge=10
    )
    beacon_thin_s: int = setting(1800, "s", "judgement: enough to see a receiver live", ge=10)
    full_rate: bool = setting(
        False, "", "issue of the simulator: every message, for worlds of days"
    )
    clipped: bool = setting(False, "", "True: nothing from outside the region is delivered")
    format: Literal["parquet", "csv", "nmea", "dma"] = setting("parquet", "", JUDGEMENT)
    per: Literal["month", "day"] = setting("month", "", "judgement: one file a feed and month")


class World(Group):
    """Everything a world is made of; the seed is not among it."""

    name: str = setting("caspian", "", "named world this one starts from")
    start: datetime = setting(datetime(2022, 1, 1), "UTC", "judgement: 17 months to May 2023")
    days: int = setting(516, "d", "METHOD 8: 17 months, of which the last twelve are rated", ge=1)
    rated_from: datetime | None = setting(
        None, "UTC", "first instant of the rated year; by default the last twelve months"
    )
    waters: WatersSettings = WatersSettings()
    vessels: VesselSettings = VesselSettings()
    calendar: CalendarSettings = CalendarSettings()
    voyages: VoyageSettings = VoyageSettings()
    radio: RadioSettings = RadioSettings()
    switching: SwitchingSettings = SwitchingSettings()
    quotas: tuple[Quota, ...] = setting((), "", "exact numbers of headline calls in a period")
    noise: NoiseSettings = NoiseSettings()
    feed: FeedSettings = FeedSettings()

    @field_validator("start", "rated_from")
    @classmethod
    def _is_utc_midnight(cls, value: datetime | None) -> datetime | None:
        if value is not None and (value.tzinfo or value.time() != datetime.min.time()):
            raise ValueError("must be a day, without a zone: worlds begin at midnight UTC")
        return value

    @property
    def span_s(self) -> int:
        """Length of the world in seconds."""
        return self.days * 86_400

    @property
    def end(self) -> datetime:
        """First instant after the world."""
        return self.start + timedelta(days=self.days)

    @property
    def hash(self) -> str:
        """Hash of all settings."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def first_rated(self) -> datetime:
        """Return the first instant of the last twelve complete months, or `rated_from`."""
        if self.rated_from is not None:
            return self.rated_from
        end = self.end.replace(day=1)
        return end.replace(year=end.year - 1)


def named_worlds() -> list[str]:
    """Return the names of the worlds that come with the package."""
    return sorted(path.stem for path in WORLDS.glob("*.toml"))


def read_world(
    name: str, settings: Path | None = None, is_small: bool = False, **overrides: Any
) -> World:
    """Return the settings of a named world, with a user's TOML file and overrides on top.

    Args:
        name: a name of `named_worlds()`.
        settings: TOML file in the form of docs/simulation.md, or None.
        is_small: take the small form (40 ships, `thin_s` 1800).
        **overrides: groups or values that win over both; None leaves a value as it is.

    Raises:
        UsageError: unknown name, unknown key or a value out of range.
    """
    if name not in named_worlds():
        raise UsageError(f"no world is named {name!r}: there are {', '.join(named_worlds())}")
    layers = _layers(WORLDS / f"{name}.toml")
    layers += [SMALL] if is_small else []
    layers += [_read_toml(settings)] if settings else []
    # Over the defaults, so that a part of a table leaves the rest of it as it was.
    tree = World().model_dump(by_alias=True)
    for layer in [*layers, overrides]:
        tree = _merged(tree, layer)
    try:
        return World(**{**tree, "name": f"small-{name}" if is_small else name})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"world {name}: {where}: {first['msg']}") from error


def _layers(path: Path) -> list[dict[str, Any]]:
    """Return what a named world is laid over, the later on top, then itself."""
    tree = _read_toml(path)
    below = [_layers(WORLDS / f"{base}.toml") for base in list_bases(tree)]
    tree.pop("extends", None)
    return [*(layer for layers in below for layer in layers), tree]


def list_bases(tree: dict[str, Any]) -> list[str]:
    """Return the names of the worlds that a world's file is laid over: none, one or several."""
    given = tree.get("extends", [])
    return [given] if isinstance(given, str) else given


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"settings file {path} cannot be read: {error}") from error


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    both = dict(below)
    for key, value in above.items():
        if value is None:
            continue
        known = both.get(key)
        if isinstance(known, dict) and isinstance(value, dict):
            both[key] = _merged(known, value)
        else:
            both[key] = value
    return both
