"""What every feed format gives: batches of reports in canonical units (schema.Reports).

A format module holds one `FeedFormat`. It recognises its files by content, never by name, and
turns the unpacked bytes into batches. A row the format cannot use stays in the batch with its
`reason`; nothing is dropped, so that rows read = rows told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Protocol

import polars as pl

from pipeline.schema import Reports, polars_schema

REPORTS_SCHEMA = polars_schema(Reports)


@dataclass(frozen=True)
class Batch:
    """Some consecutive reports of a file.

    Attributes:
        reports: exactly the columns of schema.Reports, in order of `row`.
        texts: given positions (0-based) in `reports`, the rows' texts as they stood in the file;
            called for refused rows only, so it may be slow.
    """

    reports: pl.DataFrame
    texts: Callable[[Sequence[int]], list[str]]


class FeedFormat(Protocol):
    """One feed format."""

    @property
    def name(self) -> str:
        """Name of the format, as table `files` tells it."""
        ...

    @property
    def title(self) -> str:
        """What the format is, in words."""
        ...

    @property
    def needs(self) -> str:
        """What a file must hold."""
        ...

    def recognises(self, head: bytes) -> bool:
        """Say whether the first bytes (at most 64 KiB, unpacked) are of this format."""
        ...

    def read(self, stream: BinaryIO, batch_rows: int) -> Iterator[Batch]:
        """Yield the reports of an unpacked stream in batches of about `batch_rows` rows.

        Raises:
            RawFileError: the file as a whole cannot be read; one line says why.
        """
        ...


def complete(reports: pl.DataFrame) -> pl.DataFrame:
    """Return `reports` with every column of schema.Reports; those not given are null.

    `rows` defaults to 1 and `is_beacon` to False, as most formats have one row per report.
    """
    defaults = {"rows": pl.lit(1), "is_beacon": pl.lit(value=False)}
    return reports.select(
        (pl.col(name) if name in reports.columns else defaults.get(name, pl.lit(None)))
        .cast(dtype)
        .alias(name)
        for name, dtype in REPORTS_SCHEMA.items()
    )
