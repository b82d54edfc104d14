"""Every number of the evaluation once, with its unit and where it comes from."""

from __future__ import annotations

from pipeline.rules import RuleGroup, rule

WELCH = (
    "Welch et al. 2022, Science Advances 8, eabq2109; their code: GlobalFishingWatch/"
    "AIS-disabling-high-seas, ais_disabling/config.py, gap_filters of v20220606"
)


class EvaluationRules(RuleGroup):
    """What counts as true, what is measured, and how finely."""

    hearable_chance: float = rule(
        0.05, "chance an hour", "METHOD 8, judgement: below it silence says nothing", gt=0, lt=1
    )
    off_min_share: float = rule(
        0.5, "of the hearable time", "METHOD 8: a gap is off if the set was off for half", gt=0
    )
    measured_min_h: float = rule(12.0, "h", "METHOD 8: gaps of 12 h and more", ge=0)
    long_min_h: float = rule(30.0, "h", "METHOD 0: LLI's article leaves out gaps below 30 h", gt=0)
    length_edges_h: tuple[float, ...] = rule(
        (12.0, 24.0, 30.0, 72.0),
        "h",
        "METHOD 1: the ladder; strata of gaps from one rung to the next",
        min_length=1,
    )
    stored_min_h: float = rule(4.0, "h", "METHOD 1: the shortest gap that is stored", gt=0)
    visit_min_h: float = rule(4.0, "h", "METHOD 5: the shortest visit", gt=0)
    least_p: float = rule(
        1e-6, "probability", "judgement: of what was held impossible, in a log-loss", gt=0, lt=1
    )
    gfw_min_h: float = rule(12.0, "h", WELCH)
    gfw_shore_nm: float = rule(50.0, "nm", WELCH)
    gfw_satellite_positions: int = rule(14, "positions in the 12 h before", WELCH)
    probable_off: float = rule(0.8, "probability", "METHOD 4: cause probable_off", gt=0, le=1)
    calibration_bins: int = rule(
        10, "bins of equal count", "judgement: 50 gaps a bin in the smallest stratum", ge=2
    )
    calibration_min_gaps: int = rule(500, "gaps", "METHOD 8: strata of 500 gaps or more", ge=1)
    stratum_min_gaps: int = rule(100, "gaps", "judgement: fewer say little of a stratum", ge=1)
    resamples: int = rule(400, "resamples", "judgement: ends of the interval to about 3 %", ge=10)
    coverage_seeds: int = rule(
        5, "worlds", "METHOD 8: five seeds of caspian; an interval over fewer is no interval", ge=2
    )
    interval_level: float = rule(0.90, "share", "METHOD 7: intervals are 90 %", gt=0, lt=1)
    seed: int = rule(8, "", "judgement: any; the same figures from the same runs")
    reference_min_gaps: int = rule(
        100, "gaps", "judgement: an area with fewer takes the share of all areas", ge=1
    )
    reference_bandwidth: float = rule(
        0.05, "log h", "judgement: least width of the kernels of the length density", gt=0
    )
    reference_steps: int = rule(
        120,
        "steps a gap",
        "judgement: doubling them moves 99 of 100 probabilities by less than 0.01",
        ge=10,
    )
    medium_from: int = rule(5, "calls a year", "METHOD 0: CNA Table 8, Medium is 5 to 20", ge=1)
    high_above: int = rule(20, "calls a year", "METHOD 0: CNA Table 8, High is above 20", ge=1)
    null_calls_a_year: float = rule(3.0, "calls a year", "METHOD 8: null worlds", ge=0)


class RealLabelRules(RuleGroup):
    """How the classifier of real labelled gaps is cross-validated."""

    folds: int = rule(5, "folds", "judgement: each trains on four fifths", ge=2)
    inner_folds: int = rule(
        3, "folds", "judgement: of the training rows, three fits a setting", ge=2
    )
    block_rows: int = rule(
        2_000,
        "rows",
        "measured: labels of rows so far apart in the file correlate by less than 0.03 (next rows"
        " by 0.33), its tail of one label left out",
        ge=1,
    )
    seed: int = rule(8, "", "judgement: any; the same folds from the same rows")
    target_f_half: float = rule(
        0.76, "F0.5", "the project's aim: above the best published, 0.751", gt=0, lt=1
    )
    learning_share: float = rule(
        0.25, "of the training rows", "judgement: shows whether more rows would help", gt=0, lt=1
    )


class RealTrackRules(RuleGroup):
    """How switch-offs are planted in real logs, and how messages are lost (docs/real_tracks.md)."""

    least_ships: int = rule(5, "ships", "judgement: fewer bear no witness for each other", ge=2)
    least_days: float = rule(3.0, "days", "judgement: a log shorter holds hardly a gap", gt=0)
    least_witnessed: float = rule(
        0.5, "of ship-hours", "judgement: beside another ship in the same cell and hour", gt=0, le=1
    )
    thin_to_s: int = rule(
        600, "s", "judgement: a message a ship in so long, as stored feeds are thinned", ge=1
    )
    own_silence_h: float = rule(
        2.0, "h", "judgement: a silence of the log itself, for which nobody knows the cause", gt=0
    )
    plant_share: float = rule(
        0.25, "of stretches", "judgement: some dozens of switch-offs a log", ge=0, le=1
    )
    plant_least_span_h: float = rule(
        6.0, "h", "judgement: room for a gap of 4 h with sightings on both sides", gt=0
    )
    plant_least_h: float = rule(4.0, "h", "METHOD 1: the shortest gap that is stored", gt=0)
    plant_median_h: float = rule(
        8.0, "h", "judgement: the logs are short, so shorter than METHOD 8's 12 h", gt=0
    )
    plant_sigma: float = rule(0.5, "log h", "judgement: of a lognormal", gt=0)
    place_deg: float = rule(
        0.3, "deg", "judgement: on purpose not the cells of the model (half a degree)", gt=0
    )
    good_h: float = rule(12.0, "h", "judgement: mean time a place is heard well", gt=0)
    poor_h: float = rule(8.0, "h", "judgement: mean time a place is heard poorly", gt=0)
    good_chance: float = rule(0.8, "a message", "judgement", gt=0, le=1)
    mild_chance: float = rule(0.10, "a message", "judgement: a poor hour of the mild loss", gt=0)
    harsh_chance: float = rule(0.03, "a message", "judgement: a poor hour of the harsh loss", gt=0)
    antenna_sigma: float = rule(
        0.7,
        "log",
        "judgement: antennas, lognormal of mean 1; on purpose not the model's Gamma",
        ge=0,
    )
    most_chance: float = rule(0.98, "a message", "judgement: no message is sure", gt=0, lt=1)
    let_out_kn: float = rule(25.0, "kn", "METHOD 2: below v_max, so that the track goes on", gt=0)
    beyond_deg: float = rule(
        0.25, "deg", "judgement: from the log's box to the region's edge", gt=0
    )
    measured_min_h: float = rule(4.0, "h", "METHOD 1: the logs hold few gaps of 12 h", gt=0)
    seeds: tuple[int, ...] = rule(
        (31, 32, 33, 34), "", "judgement: any; fixed before the first run"
    )
