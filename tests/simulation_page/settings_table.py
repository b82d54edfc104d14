"""Section 5: every setting with default, unit and source, from the pydantic tree."""

from __future__ import annotations

import json
import typing
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from pipeline.simulate.settings import World
from tests.simulation_page.marks import FROM_CODE

SETTINGS_HEAD = """\
## 5. Settings

{mark}

A world's settings are a TOML file: a dotted name is a table and a key (`vessels.antenna_sigma` is
`antenna_sigma` under `[vessels]`). An unknown key is refused. A file is laid over a named world, so
it says only what differs: of a table (`{{ ... }}`) the entries it names, the others stay (a share\
 of 0
takes one away). A list, or rows with names after a colon, is one value: who gives it gives all of\
 it.

```toml
days = 90
[vessels]
ships = 60
[switching]
dark_call_share = 0.06
[radio]
growth = [{{ from = 2022-04-15T00:00:00, feed = "simulated_coast", factor = 1.5 }}]
```\
"""


SETTING_COLUMNS = ("| name | default | unit | source |", "|---|---|---|---|")
LONGEST_ROWS = 150


@dataclass(frozen=True)
class Listing:
    """A setting that is a list or table of groups: its dotted name, rows, and what a row is."""

    path: str
    rows: dict[str, BaseModel]
    row: type[BaseModel]


def tell_settings() -> str:
    """Return section 5: every setting with default, unit and source, from the pydantic tree."""
    lines = [SETTINGS_HEAD.format(mark=FROM_CODE)]
    listings: list[Listing] = []
    lines += ["", "### The world", "", *SETTING_COLUMNS]
    groups: list[tuple[str, BaseModel]] = []
    for name, field in World.model_fields.items():
        value = getattr(World(), name)
        if isinstance(value, BaseModel):
            groups.append((name, value))
        else:
            lines += tell_setting(_key(name, field), value, field, listings)
    for name, group in groups:
        lines += ["", f"### {name}", "", _doc(group), "", *SETTING_COLUMNS]
        lines += walk_group(name, group, listings)
    for listing in listings:
        lines += ["", *tell_listing(listing)]
    return "\n".join(lines)


def walk_group(path: str, group: BaseModel, listings: list[Listing]) -> list[str]:
    """Return the lines of all settings of a group and the groups in it; lists are noted down."""
    lines = []
    for name, field in type(group).model_fields.items():
        value, key = getattr(group, name), f"{path}.{_key(name, field)}"
        if isinstance(value, BaseModel):
            lines += walk_group(key, value, listings)
        else:
            lines += tell_setting(key, value, field, listings)
    return lines


def tell_setting(key: str, value: Any, field: FieldInfo, listings: list[Listing]) -> list[str]:
    """Return the line of one setting; a table of tables has a line each."""
    row = find_row_class(field.annotation)
    if row is not None:
        rows = value if isinstance(value, dict) else dict(enumerate(value))
        listings.append(Listing(key, {str(at): one for at, one in rows.items()}, row))
        return [_line(key, f"{len(rows)} rows, see [below](#{_anchor(key)})", field)]
    if isinstance(value, dict) and value and all(isinstance(one, dict) for one in value.values()):
        lines = [_line(f"{key}`: `{name}", as_toml(one), field) for name, one in value.items()]
        # The source is said once.
        return [lines[0], *(f"{line.rsplit('|', 2)[0]}| as above |" for line in lines[1:])]
    return [_line(key, as_toml(value), field)]


def _line(key: str, shown: str, field: FieldInfo) -> str:
    more = field.json_schema_extra
    facts = more if isinstance(more, dict) else {}
    unit, source = (str(facts.get(name, "")).replace("|", "/") for name in ("unit", "source"))
    return f"| `{key}` | {shown} | {unit} | {source} |"


def tell_listing(listing: Listing) -> list[str]:
    """Return what a row of a list of groups holds, and its rows where they are short."""
    row = listing.row
    lines = [f"### {listing.path}", "", _doc(row), "", *SETTING_COLUMNS]
    for name, field in row.model_fields.items():
        default = "must be given" if field.is_required() else as_toml(field.default)
        lines.append(_line(_key(name, field), default, field))
    if not listing.rows:
        return [*lines, "", "None by default."]
    keys = [_key(name, field) for name, field in row.model_fields.items()]
    cells = {
        at: [as_toml(getattr(one, name)) for name in row.model_fields]
        for at, one in listing.rows.items()
    }
    is_named = not next(iter(cells)).isdigit()
    if max(sum(map(len, one)) for one in cells.values()) > LONGEST_ROWS:
        module = row.__module__.replace(".", "/")
        names = ", ".join(f"`{at}`" for at in cells)
        return [*lines, "", f"Rows, in `{module}.py`: {names}."]
    lead = "| row | " if is_named else "| "
    lines += ["", f"{lead}{' | '.join(keys)} |", "|---" * (len(keys) + is_named) + "|"]
    lines += [
        f"{f'| {at} | ' if is_named else '| '}{' | '.join(one)} |" for at, one in cells.items()
    ]
    return lines


def find_row_class(annotation: Any) -> type[BaseModel] | None:
    """Return the group that a list or table of groups is made of, None for other settings."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(find_row_class, typing.get_args(annotation))), None)


def _key(name: str, field: FieldInfo) -> str:
    """Return how TOML names a field: its alias, the last where there are several."""
    choices = getattr(field.validation_alias, "choices", None)
    return str(choices[-1]) if choices else field.alias or name


def _doc(group: BaseModel | type[BaseModel]) -> str:
    return " ".join((group.__doc__ or "").split())


def _anchor(key: str) -> str:
    return key.replace(".", "")


def as_toml(value: Any) -> str:
    """Return a value as TOML writes it, safe in a table; "not set" for none."""
    return next(write(value) for kind, write in TOML_WORDS if isinstance(value, kind))


def _pairs(table: dict[str, Any]) -> str:
    return f"{{ {', '.join(f'{key} = {as_toml(one)}' for key, one in table.items())} }}"


# The first that fits: a truth is an int, too.
TOML_WORDS: tuple[tuple[Any, Callable[[Any], str]], ...] = (
    (type(None), lambda _: "not set"),
    (bool, lambda truth: str(truth).lower()),
    ((datetime, date), lambda day: day.isoformat()),
    (str, lambda text: json.dumps(text, ensure_ascii=False).replace("|", "/")),
    (float, lambda number: f"{number:.6g}" if abs(number) < 1e6 else f"{number:g}"),
    (dict, _pairs),
    ((list, tuple), lambda many: f"[{', '.join(map(as_toml, many))}]"),
    (object, str),
)
