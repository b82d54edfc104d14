"""Where simulated stations and aids to navigation stand: invented, plausible, none of them real.

SIMULATED: that a town is named says nothing about receivers there.
"""

from __future__ import annotations

from pipeline.simulate.setting import Group, setting

COAST_FEED, RIVER_FEED = "simulated_coast", "simulated_river"


class Station(Group):
    """A simulated receiver on the shore.

    At `range_km` a message is heard half as often as beside the mast. `share_up` of its time it
    works; a failure lasts `mean_down_h` on average. Where `has_base` it is also a base station that
    sends, under an MMSI of country `mid`.
    """

    id: str = setting(..., "", "invented", pattern=r"^sim_[a-z0-9_]{1,11}$")
    feed: str = setting(COAST_FEED, "", "provider that delivers it", pattern=r"^simulated_")
    lon_deg: float = setting(..., "deg", "a town on the shore", ge=-180, le=180)
    lat_deg: float = setting(..., "deg", "a town on the shore", ge=-80, le=80)
    range_km: float = setting(..., "km", "judgement: 15-35 nm by mast height", gt=0)
    share_up: float = setting(0.97, "", "judgement: a kept station", gt=0, le=1)
    mean_down_h: float = setting(10.0, "h", "judgement: repaired next day", gt=0)
    mid: int = setting(..., "", "ITU maritime identification digits")
    has_base: bool = setting(True, "", "judgement: most receivers stand beside a base station")


class Aid(Group):
    """A simulated aid to navigation that sends type 21 under an MMSI of country `mid`."""

    lon_deg: float = setting(..., "deg", "along the canal or at a port's roads", ge=-180, le=180)
    lat_deg: float = setting(..., "deg", "along the canal or at a port's roads", ge=-80, le=80)
    mid: int = setting(..., "", "ITU maritime identification digits")


def _rows(feed: str, mid: int, *rows: tuple[str, float, float, float]) -> tuple[Station, ...]:
    return tuple(
        Station(id=name, feed=feed, lon_deg=lon, lat_deg=lat, range_km=range_km, mid=mid)
        for name, lon, lat, range_km in rows
    )


RUSSIAN_COAST = _rows(
    COAST_FEED,
    273,
    ("sim_canal_sea", 47.70, 45.05, 45),
    ("sim_lagan", 47.37, 45.39, 40),
    ("sim_olya", 47.55, 45.78, 35),
    ("sim_makhachkala", 47.50, 42.98, 60),
    ("sim_derbent", 48.28, 42.07, 50),
)
RIVERS = _rows(
    RIVER_FEED,
    273,
    ("sim_astrakhan", 47.98, 46.36, 35),
    ("sim_narimanov", 47.85, 46.69, 25),
    ("sim_yenotayev", 47.03, 47.25, 25),
    ("sim_cherny_yar", 46.10, 48.06, 30),
    ("sim_svetly_yar", 44.77, 48.47, 25),
    ("sim_volgograd", 44.50, 48.70, 30),
    ("sim_canal_mid", 44.10, 48.62, 20),
    ("sim_kalach", 43.54, 48.68, 25),
    ("sim_chir", 43.07, 48.36, 30),
    ("sim_tsimla", 42.11, 47.64, 30),
    ("sim_don_mid", 41.10, 47.58, 25),
    ("sim_don_low", 40.30, 47.30, 25),
    ("sim_rostov", 39.72, 47.22, 30),
    ("sim_azov", 39.42, 47.11, 30),
    ("sim_taganrog", 38.94, 47.21, 40),
    ("sim_yeysk", 38.27, 46.71, 40),
)
AZERBAIJANI = _rows(
    COAST_FEED,
    423,
    ("sim_sumqayit", 49.68, 40.62, 45),
    ("sim_baku", 49.88, 40.34, 50),
    ("sim_absheron", 50.38, 40.42, 50),
    ("sim_alat", 49.42, 39.96, 45),
    ("sim_lankaran", 48.87, 38.75, 40),
)
KAZAKH = _rows(
    COAST_FEED,
    436,
    ("sim_aktau", 51.15, 43.65, 55),
    ("sim_kuryk", 51.65, 43.20, 40),
    ("sim_bautino", 50.26, 44.55, 40),
)
# Weaker shores: small, often down for days. Satellites do most of the work there.
SOUTH_AND_EAST = (
    Station(
        id="sim_turkmen_1", lon_deg=52.97, lat_deg=40.02, range_km=25, mid=434,
        share_up=0.6, mean_down_h=60,
    ),
    Station(
        id="sim_anzali", lon_deg=49.46, lat_deg=37.48, range_km=20, mid=422,
        share_up=0.5, mean_down_h=72,
    ),
    Station(
        id="sim_nowshahr", lon_deg=51.50, lat_deg=36.66, range_km=15, mid=422,
        share_up=0.35, mean_down_h=96, has_base=False,
    ),
    Station(
        id="sim_amirabad", lon_deg=53.37, lat_deg=36.86, range_km=12, mid=422,
        share_up=0.25, mean_down_h=120, has_base=False,
    ),
)  # fmt: skip
STATIONS = (*RUSSIAN_COAST, *RIVERS, *AZERBAIJANI, *KAZAKH, *SOUTH_AND_EAST)

AIDS = tuple(
    Aid(lon_deg=lon, lat_deg=lat, mid=mid)
    for lon, lat, mid in (
        (47.760, 44.763, 273),
        (47.772, 45.080, 273),
        (47.785, 45.390, 273),
        (47.735, 45.635, 273),
        (47.564, 45.819, 273),
        (47.636, 45.902, 273),
        (47.718, 46.000, 273),
        (47.809, 46.144, 273),
        (47.971, 46.315, 273),
        (47.620, 43.020, 273),
        (44.142, 48.582, 273),
        (42.858, 47.845, 273),
        (38.600, 47.000, 273),
        (49.950, 40.200, 423),
        (49.600, 39.970, 423),
        (51.160, 43.550, 436),
        (53.040, 39.780, 434),
        (49.550, 37.540, 422),
        (53.340, 36.920, 422),
    )
)
