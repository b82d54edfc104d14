# The headline of the latest month; `jq -r -f reader.jq PROCESSED/indicator.json`.
# The calls of each month (monthly_dark_port_calls) are in CSV and Parquet alone.
(.contract_version // "none") as $version
| if ($version | split(".")[0]) != "1" then
    error("contract \($version): this reader knows version 1")
  else . end
| .rows
| map(select(.scope == "ru_ir_crossing"))
| max_by(.month)
| ([.month, .report_rating, .report_arrow] | join(" | ")), .why
