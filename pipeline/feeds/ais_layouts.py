"""Where each AIS message type that carries a position or static data keeps its fields.

Bit positions and "not available" values are those of ITU-R M.1371-5, as the AIVDM description of
gpsd tells them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

# Per degree: 1/10,000 minute; type 27 has 1/10 minute.
FINE, COARSE = 600_000, 600


@dataclass(frozen=True)
class Layout:
    """Where a message type keeps its fields.

    Attributes:
        lengths: the lengths it may have, in bits, as (least, most).
        numbers: first bit and width by field.
        texts: first bit and six-bit characters by field.
        ais_class: AIS class that sends it; null where the type does not say.
        per_degree: units of longitude and latitude in a degree.
    """

    lengths: tuple[tuple[int, int], ...]
    numbers: dict[str, tuple[int, int]]
    texts: dict[str, tuple[int, int]] = field(default_factory=dict)
    ais_class: str | None = None
    is_beacon: bool = False
    per_degree: int = FINE

    @property
    def characters(self) -> int:
        """Return how many characters of the payload hold all the fields."""
        ends = [at + width for at, width in self.numbers.values()]
        ends += [at + 6 * count for at, count in self.texts.values()]
        return -(-max(ends) // 6)


MMSI = {"mmsi": (8, 30)}
CLASS_B_POSITION = MMSI | {
    "sog": (46, 10),
    "longitude": (57, 28),
    "latitude": (85, 27),
    "cog": (112, 12),
    "heading": (124, 9),
}


def _size(at: int) -> dict[str, tuple[int, int]]:
    """Return where the four dimensions are that begin at bit `at`."""
    return {
        "to_bow": (at, 9),
        "to_stern": (at + 9, 9),
        "to_port": (at + 18, 6),
        "to_starboard": (at + 24, 6),
    }


CLASS_A = Layout(
    lengths=((168, 168),),
    numbers=MMSI
    | {
        "nav_status": (38, 4),
        "sog": (50, 10),
        "longitude": (61, 28),
        "latitude": (89, 27),
        "cog": (116, 12),
        "heading": (128, 9),
    },
    ais_class="A",
)
BASE_STATION = Layout(
    lengths=((168, 168),),
    numbers=MMSI | {"longitude": (79, 28), "latitude": (107, 27)},
    is_beacon=True,
)
STATIC_A = Layout(
    lengths=((424, 424),),
    numbers=MMSI
    | _size(240)
    | {
        "imo": (40, 30),
        "ship_type": (232, 8),
        "eta_month": (274, 4),
        "eta_day": (278, 5),
        "eta_hour": (283, 5),
        "eta_minute": (288, 6),
        "draught": (294, 8),
    },
    texts={"callsign": (70, 7), "name": (112, 20), "destination": (302, 20)},
    ais_class="A",
)
CLASS_B = Layout(lengths=((168, 168),), numbers=CLASS_B_POSITION, ais_class="B")
CLASS_B_EXTENDED = Layout(
    lengths=((312, 312),),
    numbers=CLASS_B_POSITION | _size(271) | {"ship_type": (263, 8)},
    texts={"name": (143, 20)},
    ais_class="B",
)
AID_TO_NAVIGATION = Layout(
    # With up to 14 more characters of name, which real senders fill up to whole bytes.
    lengths=((272, 368),),
    numbers=MMSI | {"longitude": (164, 28), "latitude": (192, 27)},
    is_beacon=True,
)
STATIC_B_NAME = Layout(
    # 160 bits by the standard, 168 from some senders.
    lengths=((160, 168),),
    numbers=MMSI,
    texts={"name": (40, 20)},
    ais_class="B",
)
STATIC_B_SHIP = Layout(
    lengths=((168, 168),),
    numbers=MMSI | _size(132) | {"ship_type": (40, 8)},
    texts={"callsign": (90, 7)},
    ais_class="B",
)
LONG_RANGE = Layout(
    # 96 bits by the standard, a full slot of 168 from some senders. Class A and class B "SO" may
    # both send it, so it proves no class.
    lengths=((96, 96), (168, 168)),
    numbers=MMSI
    | {
        "nav_status": (40, 4),
        "longitude": (44, 18),
        "latitude": (62, 17),
        "sog": (79, 6),
        "cog": (85, 9),
    },
    per_degree=COARSE,
)

# By message type and, for type 24 alone, part number.
LAYOUTS: dict[tuple[int, int], Layout] = {
    (1, 0): CLASS_A,
    (2, 0): CLASS_A,
    (3, 0): CLASS_A,
    (4, 0): BASE_STATION,
    (5, 0): STATIC_A,
    (18, 0): CLASS_B,
    (19, 0): CLASS_B_EXTENDED,
    (21, 0): AID_TO_NAVIGATION,
    (24, 0): STATIC_B_NAME,
    (24, 1): STATIC_B_SHIP,
    (27, 0): LONG_RANGE,
}
USED_TYPES = sorted({message_type for message_type, _ in LAYOUTS})
