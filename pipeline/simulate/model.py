"""The nouns of a simulated world: vessels, where they are when, and when their set is off.

Times are seconds from the start of the world. Arrays are numpy, one entry a knot or a piece.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

# Navigational status, ITU-R M.1371.
UNDER_WAY, AT_ANCHOR, NOT_UNDER_COMMAND, MOORED, AGROUND, FISHING = 0, 1, 2, 5, 6, 7

FLEETS = ("merchant", "ferry", "service", "naval", "fishing", "class_b", "in_tow")


@dataclass(frozen=True)
class Identity:
    """What a vessel calls itself from `from_s` on, until its next identity."""

    from_s: float
    mmsi: int
    flag: str
    name: str
    callsign: str


@dataclass(frozen=True)
class Vessel:
    """A simulated vessel.

    Attributes:
        number: its place in the world, from 0.
        imo: a number with right check digit that no ship has, or None (small craft, warships).
        fleet: what it truly is, one of FLEETS.
        habit: name of the trade it follows (see `vessels`).
        speed_kn: its usual speed in open water.
        antenna: its factor on every expected reception; 1 is the fleet's middle.
        is_habitual: switches off much more often than others.
        tug: number of the vessel that tows it (in_tow), else None.
        identities: first one from 0; more where it changes MMSI, name or flag.
    """

    number: int
    imo: int | None
    fleet: str
    habit: str
    ship_type: int
    ais_class: str
    length_m: float
    beam_m: float
    draught_light_m: float
    draught_laden_m: float
    speed_kn: float
    antenna: float
    is_habitual: bool
    home: str
    tug: int | None
    identities: tuple[Identity, ...]

    def identity_at(self, at_s: float) -> Identity:
        """Return what the vessel calls itself at an instant."""
        return [one for one in self.identities if one.from_s <= at_s or one.from_s == 0][-1]


@dataclass(frozen=True)
class Visit:
    """A stay of a vessel in a port: berth to berth, at rest from `arrival_s` to `departure_s`.

    `port` is the id of the port area in geo/ports.geojson. Draughts are the true ones;
    `is_draught_sent` says whether the crew types the new one in at departure.
    `kind` is cargo, ferry, base (service, naval and small craft at home), lay_up or repair.
    """

    port: str
    port_group: str
    country: str
    arrival_s: float
    departure_s: float
    draught_before_m: float
    draught_after_m: float
    is_draught_sent: bool
    kind: str


@dataclass(frozen=True)
class Stop:
    """A stay outside a port: roads, anchorage, lock, ice, closure, sts, drift, aground, outside.

    `outside` is a whole voyage beyond the region (left by Azov or up the Volga), however far it
    moves in that time.
    """

    kind: str
    place: str
    from_s: float
    to_s: float


@dataclass(frozen=True)
class Timeline:
    """Where a vessel is at every instant of the world, and what it does there.

    `at_s` (k, strictly increasing, first <= 0 and last >= the world's span), `lon_deg`, `lat_deg`
    are knots: between two of them the vessel moves evenly. Each of the k-1 pieces has a
    `nav_status` (true), a `speed_kn` and an `episode`: a number that changes whenever the vessel
    comes to rest or sets sail, so one berth stay or one leg is one episode (0, 1, 2, ...).
    `voyage_sent` holds (from_s, destination text, draught in metres) as the crew typed them.
    """

    at_s: Floats
    lon_deg: Floats
    lat_deg: Floats
    nav_status: NDArray[np.int8]
    speed_kn: Floats
    episode: NDArray[np.int32]
    visits: tuple[Visit, ...]
    stops: tuple[Stop, ...]
    voyage_sent: tuple[tuple[float, str, float], ...]

    def locate(self, at_s: Floats) -> tuple[Floats, Floats]:
        """Return longitude and latitude at some instants."""
        return np.interp(at_s, self.at_s, self.lon_deg), np.interp(at_s, self.at_s, self.lat_deg)

    def piece_at(self, at_s: Floats) -> NDArray[np.intp]:
        """Return the number of the piece each instant lies in."""
        piece = np.searchsorted(self.at_s, at_s, side="right") - 1
        return np.clip(piece, 0, len(self.nav_status) - 1)


@dataclass(frozen=True)
class Off:
    """A time in which the set sends nothing.

    `kind`: dark_call, whole_voyage (dark over a voyage, its port included), sts, at_sea, in_port,
    failure (the set failed), lay_up. `visit` is the index into the timeline's visits that the
    switch-off was made for, or None. A dark call with re-appearances is several Offs of one
    `plan` number, the visit itself wholly inside one of them.
    """

    from_s: float
    to_s: float
    kind: str
    visit: int | None
    plan: int


@dataclass(frozen=True)
class Heard:
    """Receptions of one vessel's positions: one entry each, sorted by `at_s`, kind and station.

    `kind`: 0 terrestrial, 1 satellite. `station` indexes the radio's emitter of the report:
    station number for terrestrial, satellite number for satellite. `delay_s` from sending to the
    provider. `is_copy`: the same message by a second station (a duplicate row in the feed).
    """

    at_s: Ints
    lon_deg: Floats
    lat_deg: Floats
    sog_kn: Floats
    cog_deg: Floats
    heading_deg: Floats
    nav_status: NDArray[np.int8]
    message_type: NDArray[np.int8]
    kind: NDArray[np.int8]
    station: NDArray[np.int16]
    delay_s: Floats
    is_copy: Bools


@dataclass(frozen=True)
class Hours:
    """What radio could hear of one vessel, by hour of the world, whether its set was on or off.

    `expected_*` are expected receptions in the hour of a set that sends all through it, own
    antenna included and the private factor left out; `private` multiplies them (mean over the
    hour's slots); chance heard = 1 - exp(-private x (terrestrial + satellite)).
    """

    lon_deg: Floats
    lat_deg: Floats
    expected_terrestrial: Floats
    expected_satellite: Floats
    private: Floats
    episode: NDArray[np.int32]


@dataclass(frozen=True)
class HeardStatics:
    """Receptions of one vessel's static reports (type 5 or 24), sorted by `at_s`."""

    at_s: Ints
    kind: NDArray[np.int8]
    station: NDArray[np.int16]
    delay_s: Floats
