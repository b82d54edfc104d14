"""Print the headline of the latest month; `python reader.py PROCESSED` (standard library only)."""

import csv
import json
import sys
from pathlib import Path

folder = Path(sys.argv[1])
told = json.loads((folder / "indicator.json").read_text("utf-8"))
version = told.get("contract_version", "none")
if version.split(".")[0] != "1":
    sys.exit(f"contract {version}: this reader knows version 1")
rows = [row for row in told["rows"] if row["scope"] == "ru_ir_crossing"]
last = max(rows, key=lambda row: row["month"])
print(last["month"], last["report_rating"], last["report_arrow"], sep=" | ")
print(last["why"])
whole = {"month": last["month"], "scope": last["scope"]}
whole |= dict.fromkeys(("flag", "port_country", "port_group"), "all")
with (folder / "monthly_dark_port_calls.csv").open(encoding="utf-8", newline="") as stream:
    (month,) = (row for row in csv.DictReader(stream) if whole.items() <= row.items())
calls = month["expected_calls"]  # an empty cell: nothing was observed, which is not 0
print("calls of the month:", f"{float(calls):.1f}" if calls else "not observed")
