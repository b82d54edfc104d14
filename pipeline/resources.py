"""Where the files that belong to the code are: beside it in a checkout, inside it in a wheel."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).parent


def bundled_folder(name: str) -> Path:
    """Return the folder `geo` or `sql` that came with this installation.

    A wheel carries them inside the package (`_geo`, `_sql`), a checkout beside it.
    """
    inside = PACKAGE / f"_{name}"
    return inside if inside.is_dir() else PACKAGE.parent / name
