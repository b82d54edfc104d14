"""The delimited, Parquet, JSON and msgpack formats, in the order in which they are tried."""

from __future__ import annotations

from pipeline.feeds import (
    aishub,
    aisstream,
    barentswatch,
    canonical,
    dma,
    exactearth,
    gfw,
    marinetraffic,
    noaa,
    parquet,
    research,
    spire,
)
from pipeline.feeds.base import FeedFormat

# A file goes to the first format that recognises it. The columns of the canonical feed are part
# of several others, so it comes after them; the loosest JSON comes after the stricter ones.
TABULAR_FORMATS: list[FeedFormat] = [
    parquet.PARQUET,
    dma.DMA,
    noaa.CLASSIC,
    noaa.NOAA_2025,
    exactearth.EXACTEARTH,
    gfw.MESSAGES,
    spire.SPIRE,
    aishub.AISHUB,
    research.ORBCOMM_INTEGERS,
    research.SKYTRUTH,
    research.SPACEEYES,
    research.SHIP_SAMPLE,
    marinetraffic.TILE,
    marinetraffic.POSITIONS,
    canonical.CANONICAL,
    aisstream.AISSTREAM,
    aishub.AISHUB_JSON,
    barentswatch.BARENTSWATCH,
    dma.DMA_JSON,
    gfw.MESSAGES_JSON,
    gfw.GPSDIO,
]
