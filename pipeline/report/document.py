"""The one file: template, style, script and data put together."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from pathlib import Path
from typing import Any

from pipeline.report.packing import as_script_json

ASSETS = Path(__file__).parent / "page"
# In order: each uses what those before it define.
SCRIPTS = (
    *("data.js", "state.js", "draw.js", "charts.js", "map.js", "map_moves.js", "tables.js"),
    *("sections.js", "main.js"),
)


def lay_out_page(content: dict[str, Any]) -> str:
    """Return the page as HTML; it loads nothing, and only its own script may run."""
    style = (ASSETS / "page.css").read_text("utf-8")
    script = "'use strict';\n" + "\n".join((ASSETS / name).read_text("utf-8") for name in SCRIPTS)
    policy = (
        f"default-src 'none'; script-src {_name_hash(script)}; style-src {_name_hash(style)};"
        " img-src data:; base-uri 'none'; form-action 'none'"
    )
    mark = "SIMULATED " if content["is_simulated"] else ""
    parts = {
        "policy": escape(policy),
        "title": escape(f"{mark}dark port calls, data until {content['data_end'][:10]}"),
        "style": style,
        "data": as_script_json(content),
        "script": script,
    }
    page = (ASSETS / "page.html").read_text("utf-8")
    for name, text in parts.items():
        head, _, tail = page.partition(f"{{{{{name}}}}}")
        # What was put in is never looked through again.
        parts[name] = head + text
        page = tail
    return "".join(parts.values()) + page


def _name_hash(text: str) -> str:
    """Return how a content security policy names an inline script or style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
