"""What water.toml says: mesh, lines, locks, gates and speeds; unknown keys are refused."""

from __future__ import annotations

from typing import TypeAlias

from pydantic import BaseModel, ConfigDict, Field

Point: TypeAlias = tuple[float, float]  # longitude, latitude in degrees


class Strict(BaseModel):
    """A table of water.toml; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Speeds(Strict):
    """How fast ships are where the water limits them, and how long in a lock."""

    usual_sea_kn: float = Field(gt=0)
    usual_river_kn: float = Field(gt=0)
    limit_river_kn: float = Field(gt=0)
    usual_lock_h: float = Field(ge=0)
    least_lock_h: float = Field(ge=0)
    port_reach_km: float = Field(ge=0)
    detour: float = Field(ge=1)
    detour_km: float = Field(ge=0)


class Mesh(Strict):
    """How the nodes of open waters are laid and joined."""

    origin: Point
    open_km: float = Field(gt=0)
    shore_km: float = Field(gt=0)
    shore_within_km: float = Field(ge=0)
    port_km: float = Field(gt=0)
    port_within_km: float = Field(ge=0)
    harbour_km: float = Field(gt=0)
    harbour_within_km: float = Field(ge=0)
    corner_km: float = Field(gt=0)
    corner_simplify_km: float = Field(gt=0)
    reach: float = Field(gt=1)
    prune: float = Field(ge=1)
    shortcut_km: float = Field(gt=0)
    shortcut_detour: float = Field(gt=1)


class OpenWater(Strict):
    """A polygon that is covered by a mesh."""

    id: str
    file: str
    feature: str
    spacing_km: float = Field(gt=0)


class Avoided(Strict):
    """Where ships keep out if they can: the way counts `factor` times when one is chosen."""

    id: str
    factor: float = Field(ge=1)
    ring: tuple[Point, ...] = Field(min_length=3)
    source: str


class Lines(Strict):
    """The file of the lines, and how far apart nodes lie on them at most."""

    file: str
    spacing_km: float = Field(gt=0)


class Waterway(Strict):
    """A line of the network."""

    id: str
    is_river: bool
    gate: Point | None = None
    joins_south_of: float = 90.0
    clear_km: float = 0.0


class Locks(Strict):
    """Locks on the edge of a line that is nearest to a point."""

    id: str
    line: str
    at: Point
    count: int = Field(ge=1)
    source: str


class WaterFile(Strict):
    """All of water.toml."""

    nodes: str
    edges: str
    speeds: Speeds
    mesh: Mesh
    waters: tuple[OpenWater, ...]
    avoided: tuple[Avoided, ...] = ()
    lines: Lines
    waterways: tuple[Waterway, ...]
    locks: tuple[Locks, ...] = ()
