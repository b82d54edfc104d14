"""Every number of the report once, with its unit and where it comes from."""

from __future__ import annotations

from pipeline.rules import RuleGroup, rule


class ReportRules(RuleGroup):
    """What of the tables the page holds, and how finely it draws."""

    months_shown: int = rule(24, "months", "issue analysts: the last 24 months", ge=1)
    least_h: float = rule(
        30.0, "h", "METHOD 0: LLI's article leaves out gaps below 30 h; issue analysts", gt=0
    )
    rows_most: int = rule(15_000, "gaps and calls", "issue analysts: at most 15,000", ge=1)
    ships_most: int = rule(1_000, "ships", "judgement: a list that can still be read", ge=1)
    shore_tolerance_deg: float = rule(
        0.004, "deg", "judgement: 0.4 km, a pixel of the map at four times its size", gt=0
    )
    coordinate_digits: int = rule(3, "decimals of a degree", "judgement: 0.1 km", ge=0)
    probable_from: float = rule(0.8, "probability", "METHOD 4: cause probable_off", gt=0, le=1)
    medium_from: float = rule(5, "calls a year", "METHOD 0: Medium is 5 to 20, both included", gt=0)
    high_above: float = rule(20, "calls a year", "METHOD 0: High is above 20 within a year", gt=0)
    year_months: int = rule(12, "months", "METHOD 7: twelve complete months", ge=1)
    compared_h: int = rule(30, "h", "METHOD 0: the nearest comparable of ours", ge=1)
