"""Reading the files users write themselves: size, encoding and form checked, one line each."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigError

# Judgement: a registry of every ship there is takes 20 MB.
LARGEST_BYTES = 64 * 1024 * 1024
# Judgement: settings are written by hand, and a deep or long TOML takes its time to parse.
LARGEST_TOML_BYTES = 1024 * 1024


def read_bytes(path: Path, title: str, most: int = LARGEST_BYTES) -> bytes:
    """Return the bytes of a user's file.

    Raises:
        ConfigError: it cannot be read, is no regular file (reading a pipe would wait for ever) or
            has more than `most` bytes.
    """
    try:
        if path.exists() and not path.is_file():
            raise ConfigError(f"{title} {path}: is no regular file")
        with path.open("rb") as stream:
            content = stream.read(most + 1)
    except OSError as error:
        raise ConfigError(f"{title} {path}: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"{title} {path}: is no name of a file") from error
    if len(content) > most:
        raise ConfigError(f"{title} {path}: has more than {most:,} bytes")
    return content


def read_text(path: Path, title: str, most: int = LARGEST_BYTES) -> str:
    """Return the text of a user's file in UTF-8, with or without a byte order mark.

    Raises:
        ConfigError: as `read_bytes`, or it is no UTF-8.
    """
    try:
        return read_bytes(path, title, most).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{title} {path}: no UTF-8 text: {error}") from error


def read_toml(path: Path, title: str) -> dict[str, Any]:
    """Return the content of a TOML file.

    Raises:
        ConfigError: as `read_text`, or it is no valid TOML.
    """
    text = read_text(path, title, LARGEST_TOML_BYTES)
    try:
        return parse_toml(text)
    except ValueError as error:
        raise ConfigError(f"{title} {path}: no valid TOML: {error}") from error


def parse_toml(text: str) -> dict[str, Any]:
    """Return the content of a TOML text.

    Raises:
        ValueError: it is no valid TOML, a number has thousands of digits, or it is nested too deep.
    """
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
