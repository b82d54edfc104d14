"""Was the feed alive: what each receiver heard, what is usual, which hours are outages.

One way through it:

    counts      what was heard in a UTC day, by receiver and hour; by receiver, area, flag and hour
    usual       what is usual in an hour
    runs        which runs of quiet hours chance does not explain
    stations    table feed_health
    areas       table outage_hours: hours in which every receiver of an area was out
    lost        outage_hours, too: many ships lost at once in an area
    bands       is a night's count so unusual that it must not be published
"""

from pipeline.health.areas import judge_areas
from pipeline.health.bands import NightCounts, check_bands, warn_bands
from pipeline.health.counts import BEACON, count_station_areas, count_station_hours
from pipeline.health.lost import find_lost_ships
from pipeline.health.stations import judge_stations

__all__ = [
    "BEACON",
    "NightCounts",
    "check_bands",
    "count_station_areas",
    "count_station_hours",
    "find_lost_ships",
    "judge_areas",
    "judge_stations",
    "warn_bands",
]
