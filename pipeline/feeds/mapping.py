"""A feed format of the user's own: a TOML file that says what the columns of a provider mean."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from pipeline.errors import ConfigError
from pipeline.feeds import canonical, layout, parquet, values
from pipeline.feeds.base import Batch
from pipeline.feeds.delimited import read_head
from pipeline.feeds.dialect import Dialect, split_first_line
from pipeline.feeds.instants import INSTANT, instants, instants_as
from pipeline.feeds.layout import Layout
from pipeline.feeds.table import read_table
from pipeline.user_files import read_toml

SPEEDS = {"kn": (1, 1), "0.1kn": (1, 10), "m/s": (3600, 1852), "km/h": (1000, 1852)}
ANGLES = {"deg": (1, 1), "0.1deg": (1, 10)}
PLACES = {**ANGLES, "1/600000deg": (1, 600_000), "1/10000min": (1, 600_000)}
LENGTHS = {"m": (1, 1), "dm": (1, 10), "cm": (1, 100)}
UNITS: dict[str, dict[str, tuple[int, int]]] = {
    "longitude": PLACES,
    "latitude": PLACES,
    "sog": SPEEDS,
    "cog": ANGLES,
    "heading": ANGLES,
    "length_m": LENGTHS,
    "beam_m": LENGTHS,
    "draught_m": LENGTHS,
}
TIMES = ("timestamp", "received_at")
TIME_FORMATS = ("iso", "epoch_s", "epoch_ms")
REQUIRED = ("mmsi", "timestamp")
# Of a fraction's digits, as in %3f and %.6f, only these do not make polars panic.
ODD_FRACTION = re.compile(r"%\.?(?!%|[369]f)\d")


class Strict(BaseModel):
    """A part of a mapping file; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Source(Strict):
    """The source of one canonical column.

    Attributes:
        column: its name in the header, in `columns` or in the Parquet schema.
        unit: of a number; by default the canonical one.
        time_format: iso, epoch_s, epoch_ms or a strptime pattern; by default told by the shape
            of a text, while in Parquet a timestamp is needed.
        zone: where the clock of times without a zone stands, as in the time zone database.
    """

    column: str = Field(min_length=1)
    unit: str | None = None
    time_format: str | None = None
    zone: str = "UTC"

    @field_validator("zone")
    @classmethod
    def _is_known(cls, zone: str) -> str:
        try:
            instants(pl.Series(["2000-01-01 00:00:00"]), zone)
        except pl.exceptions.PolarsError as error:
            raise ValueError(f"{zone!r} is no time zone") from error
        return zone

    @field_validator("time_format")
    @classmethod
    def _is_readable(cls, pattern: str | None) -> str | None:
        if pattern is None or pattern in TIME_FORMATS:
            return pattern
        if "%" not in pattern:
            raise ValueError(f"{pattern!r} is none of {', '.join(TIME_FORMATS)}, nor a pattern")
        wrong = f"{pattern!r} is no strptime pattern"
        if ODD_FRACTION.search(pattern.replace("%%", "")):
            raise ValueError(wrong)
        if "%f" in pattern.replace("%%", ""):
            raise ValueError(f"{pattern!r}: %f counts nanoseconds; %.f reads a fraction")
        try:
            pl.Series(["x"]).str.to_datetime(pattern, strict=False)
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            raise ValueError(wrong) from error
        return pattern

    @model_validator(mode="after")
    def _has_one_zone(self) -> Source:
        if self.zone != "UTC" and ("%z" in (self.time_format or "") or self.is_epoch):
            raise ValueError("zone is for times that tell none themselves")
        return self

    @property
    def is_epoch(self) -> bool:
        """Whether times are numbers since 1970, which know no zone."""
        return self.time_format in ("epoch_s", "epoch_ms")


class MappingFile(Strict):
    """The whole mapping file.

    Attributes:
        name: of the format, for the table `files`.
        title: for people; by default the name.
        match: columns that the first line must have, used or not; by default those used.
        files: globs of the names of the files beside it that it is for; by default all.
        separator: of delimited text, one character.
        decimal: the decimal sign, "." or ",".
        has_header: whether the first line names the columns.
        columns: their names, in order, where it does not.
        fields: by canonical column the name of the source column, or a Source.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str = ""
    match: tuple[str, ...] = Field((), strict=False)
    files: tuple[str, ...] = Field((), strict=False)
    separator: str = Field(",", min_length=1, max_length=1)
    decimal: str = Field(".", pattern=r"^[.,]$")
    has_header: bool = True
    columns: tuple[str, ...] = Field((), strict=False)
    fields: dict[str, Source]

    @field_validator("fields", mode="before")
    @classmethod
    def _name_is_source(cls, fields: Any) -> Any:
        if not isinstance(fields, Mapping):
            return fields
        return {
            name: {"column": source} if isinstance(source, str) else source
            for name, source in fields.items()
        }

    @field_validator("fields")
    @classmethod
    def _fit_their_columns(cls, fields: dict[str, Source]) -> dict[str, Source]:
        for name, source in fields.items():
            if name not in canonical.FIELDS:
                raise ValueError(f"{name} is none of {', '.join(canonical.FIELDS)}")
            units = UNITS.get(name, {})
            if source.unit is not None and source.unit not in units:
                known = ", ".join(units) or "no unit"
                raise ValueError(f"{name}: unit {source.unit!r} is not known, but {known}")
            if name not in TIMES and (source.time_format or source.zone != "UTC"):
                raise ValueError(f"{name}: time_format and zone are for times only")
        if missing := [name for name in REQUIRED if name not in fields]:
            raise ValueError(f"{' and '.join(missing)} must be given")
        if ("longitude" in fields) != ("latitude" in fields):
            raise ValueError("longitude and latitude must be given together")
        return fields

    @model_validator(mode="after")
    def _columns_are_known(self) -> MappingFile:
        if self.has_header == bool(self.columns):
            raise ValueError("columns must be given if has_header is false, and only then")
        if self.columns:
            if self.match:
                raise ValueError("match needs a header")
            for name, source in self.fields.items():
                if source.column not in self.columns:
                    raise ValueError(f"fields.{name}: {source.column!r} is not in columns")
        return self


@dataclass(frozen=True)
class MappedFormat:
    """A feed format made of a mapping file; see base.FeedFormat."""

    mapping: MappingFile
    layout: Layout

    @property
    def name(self) -> str:
        """Name of the format."""
        return self.mapping.name

    @property
    def title(self) -> str:
        """What the user calls it."""
        return self.mapping.title or self.mapping.name

    @property
    def needs(self) -> str:
        """The columns it needs, and the files it is for."""
        columns = ", ".join(source.column for source in self.mapping.fields.values())
        files = ", ".join(self.mapping.files)
        return f"columns {columns}" + (f" in files {files}" if files else "")

    def recognises(self, head: bytes) -> bool:
        """Say whether the first line has the columns of the mapping, its name left aside.

        Of a file without a header the first line must have as many fields; of Parquet, whose
        columns stand at its end, nothing is known before it is read.
        """
        if parquet.PARQUET.recognises(head):
            return not self.mapping.match
        columns = self.dialect_of(head).columns
        if not self.mapping.has_header:
            return len(split_first_line(head, self.mapping.separator)) == len(columns)
        used = {source.column for source in self.mapping.fields.values()}
        return set(self.mapping.match or used) <= set(columns)

    def matches_file(self, name: str, head: bytes) -> bool:
        """Say whether the mapping is for a file: by its name, where globs are given, and content.

        Args:
            name: of the file relative to the feed folder, with "/" between its parts.
            head: its first bytes, unpacked.
        """
        return self.is_for(name) and self.recognises(head)

    def is_for(self, name: str) -> bool:
        """Say whether the mapping is for files of this name (any, where it gives no globs)."""
        files = self.mapping.files
        return not files or any(fnmatch.fnmatchcase(name, glob) for glob in files)

    def read(self, stream: BinaryIO, batch_rows: int) -> Iterator[Batch]:
        """Yield the reports of a delimited text or Parquet file.

        Raises:
            RawFileError: a column of the mapping is missing, or the file cannot be read.
        """
        head = read_head(stream)
        if not parquet.PARQUET.recognises(head):
            dialect = self.dialect_of(head)
            yield from read_table(head, stream, dialect, self.layout, self.title, batch_rows)
            return
        fields = self.mapping.fields
        typed = [name for name in TIMES if name in fields and fields[name].time_format is None]
        with parquet.opened(stream, head) as file:
            yield from parquet.read_parquet(
                file, self.layout, self.title, batch_rows, timestamps=typed
            )

    def dialect_of(self, head: bytes) -> Dialect:
        """Return how the text is written, its columns from the first line where that names them."""
        mapping = self.mapping
        columns = mapping.columns
        if mapping.has_header:
            columns = tuple(split_first_line(head, mapping.separator))
        return Dialect(columns, mapping.separator, mapping.has_header, mapping.decimal == ",")


def load_mapping(path: Path) -> MappedFormat:
    """Return the feed format that the mapping file at `path` describes.

    Raises:
        ConfigError: the file is missing, no TOML, or has an unknown key or a wrong value, which
            is named.
    """
    given = read_toml(path, "mapping file")
    try:
        mapping = MappingFile.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"mapping file {path}: {where}: {first['msg']}") from error
    return MappedFormat(mapping, to_layout(mapping))


def to_layout(mapping: MappingFile) -> Layout:
    """Return the layout of a mapping; all its columns must be there."""
    return Layout(
        {name: to_field(name, source) for name, source in mapping.fields.items()}, is_exact=True
    )


def to_field(name: str, source: Source) -> layout.Field:
    """Return the field of a canonical column: as in the canonical feed, but for unit and time."""
    read = time_reader(source) if name in TIMES else canonical.FIELDS[name].read
    scale = values.same
    if source.unit is not None and UNITS[name][source.unit] != (1, 1):
        scale = values.scaled(*UNITS[name][source.unit])
    return layout.Field((source.column,), read, scale, is_required=True)


def time_reader(source: Source) -> values.Reader:
    """Return the reader of times in the format and zone of the source."""

    def by_shape(times: pl.Series) -> pl.Series:
        return instants(times, source.zone)

    told = source.time_format
    read = by_shape if told is None else instants_as(told, source.zone)
    return lambda column: column.map_batches(read, return_dtype=INSTANT)
