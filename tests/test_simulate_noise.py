"""What spoils receptions on their way to the provider (simulated)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from pipeline.simulate.model import Heard, Identity, Vessel
from pipeline.simulate.noise import (
    NoiseSettings,
    apply_clock,
    delay,
    disturb,
    draw_clock_offsets,
    draw_interference,
    garble,
    misdate,
    repeat_rows,
    spoil,
)
from pipeline.simulate.truth import Interference

START = datetime(2022, 1, 1)
D, SPAN_S = 86_400, 500 * 86_400
NO_OFFSETS = draw_clock_offsets(NoiseSettings(clock_errors_per_station_year=0), 5, SPAN_S, 1)
COLUMNS = [name for name in Heard.__dataclass_fields__ if name != "is_copy"]


def vessel(number: int = 1) -> Vessel:
    own = (Identity(0.0, 273990001, "RUS", "SIMULATED 1", "SIM1"),)
    return Vessel(
        number, None, "merchant", "crossing", 70, "A", 120.0, 14.0, 2.0, 4.0, 9.0, 1.0, False,
        "port_x", None, own,
    )  # fmt: skip


def heard(count: int = 20_000, lon: float = 47.6, lat: float = 43.0) -> Heard:
    """Evenly over the world; stations 0-4 and satellites 0-2 in turn, half of each."""
    turn = np.arange(count)
    kind = (turn % 2).astype(np.int8)
    return Heard(
        at_s=np.linspace(0, SPAN_S - 1, count).astype(np.int64),
        lon_deg=np.full(count, lon),
        lat_deg=np.full(count, lat),
        sog_kn=np.full(count, 8.0),
        cog_deg=np.full(count, 10.0),
        heading_deg=np.full(count, 11.0),
        nav_status=np.zeros(count, dtype=np.int8),
        message_type=np.ones(count, dtype=np.int8),
        kind=kind,
        station=np.where(kind == 0, turn // 2 % 5, turn // 2 % 3).astype(np.int16),
        delay_s=np.full(count, 30.0),
        is_copy=np.zeros(count, dtype=np.bool_),
    )


def circle(**changes: float) -> pl.DataFrame:
    event = {"from_s": 100.0 * D, "to_s": 110.0 * D, "lon_deg": 47.6, "lat_deg": 43.0}
    event |= {"radius_km": 30.0, "shown_lon_deg": 50.1, "shown_lat_deg": 40.5}
    return pl.DataFrame({name: [value] for name, value in {**event, **changes}.items()})


def settings(**changes: Any) -> NoiseSettings:
    return NoiseSettings(**changes)


def same(one: Heard, other: Heard) -> bool:
    return all(getattr(one, name).tobytes() == getattr(other, name).tobytes() for name in COLUMNS)


def test_spoilt_rows_are_the_true_rows_in_their_order_and_copies() -> None:
    rules, before = settings(), heard()
    out = spoil(before, vessel(), rules, circle(), NO_OFFSETS, 1)
    original = ~out.is_copy
    assert original.sum() == len(before.at_s)
    assert out.is_copy.sum() == pytest.approx(0.01 * len(before.at_s), rel=0.3)
    for name in ("kind", "station", "nav_status", "message_type"):
        assert (getattr(out, name)[original] == getattr(before, name)).all()
    assert {len(column) for column in vars(out).values()} == {len(out.at_s)}
    assert all(column.dtype == getattr(before, name).dtype for name, column in vars(out).items())


def test_same_seed_gives_the_same_bytes_and_another_seed_or_vessel_others() -> None:
    rules = settings()
    events = draw_interference(rules, START, SPAN_S, 4)
    offsets = draw_clock_offsets(rules, 5, SPAN_S, 4)
    one, again, seed, ship = (
        spoil(heard(), vessel(number), rules, events, offsets, with_seed)
        for number, with_seed in ((1, 4), (1, 4), (1, 5), (2, 4))
    )
    assert same(one, again)
    assert not same(one, seed)
    assert not same(one, ship)


def test_input_is_left_as_it_was() -> None:
    before, untouched = heard(), heard()
    loud = settings(garbled_share=0.5, late_row_share=0.5, misdated_share=0.5, repeated_share=0.5)
    spoil(before, vessel(), loud, circle(), NO_OFFSETS, 1)
    assert same(before, untouched)


def test_nothing_heard_stays_nothing() -> None:
    out = spoil(heard(0), vessel(), settings(), circle(), NO_OFFSETS, 1)
    assert {len(column) for column in vars(out).values()} == {0}


def test_quiet_settings_change_nothing() -> None:
    quiet = settings(
        disturbed_share=0,
        late_satellite_share=0,
        late_station_share=0,
        late_row_share=0,
        misdated_share=0,
        garbled_share=0,
        repeated_share=0,
    )
    assert same(spoil(heard(), vessel(), quiet, circle(), NO_OFFSETS, 1), heard())


# --- interference ---


def test_interference_acts_only_within_circle_and_time() -> None:
    before = heard()
    out = disturb(before, vessel(), settings(), circle(), 1)
    struck = out.lon_deg != before.lon_deg
    inside = (before.at_s >= 100 * D) & (before.at_s < 110 * D)
    assert not (struck & ~inside).any()
    assert struck[inside].mean() == pytest.approx(0.7, abs=0.08)
    lost = out.lon_deg[struck] == 181
    assert ((out.lat_deg[struck] == 91) == lost).all()
    assert lost.mean() == pytest.approx(0.4, abs=0.1)
    shown = struck & (out.lon_deg != 181)
    assert np.abs(out.lon_deg[shown] - 50.1).max() < 0.05
    assert np.abs(out.lat_deg[shown] - 40.5).max() < 0.05


@pytest.mark.parametrize(("north_km", "is_struck"), [(29.0, True), (31.0, False)])
def test_interference_ends_at_its_radius(north_km: float, is_struck: bool) -> None:
    before = heard(lat=43.0 + north_km / 111.12)
    out = disturb(before, vessel(), settings(), circle(), 1)
    assert (out.lon_deg != before.lon_deg).any() == is_struck


def test_drawn_interference_is_as_often_long_and_wide_as_said() -> None:
    often = settings(interference_per_year=40)
    events = draw_interference(often, START, SPAN_S, 1)
    assert events.height == pytest.approx(40 * 500 / 365, rel=0.4)
    assert events["from_s"].is_sorted()
    assert events["from_s"].is_between(0, SPAN_S).all()
    assert (events["to_s"] - events["from_s"]).is_between(3600, 12 * 3600).all()
    assert events["radius_km"].is_between(20, 80).all()
    assert events["lon_deg"].is_between(38, 52).all()
    assert set(events.columns) == {
        {"from_at": "from_s", "to_at": "to_s"}.get(name, name)
        for name in Interference.column_names()
    }
    assert events.equals(draw_interference(often, START, SPAN_S, 1))
    assert not events.equals(draw_interference(often, START, SPAN_S, 2))


def test_interference_can_begin_in_the_middle_of_a_world() -> None:
    rules = settings(interference_since=datetime(2022, 7, 20))
    late, always = (draw_interference(one, START, SPAN_S, 1) for one in (rules, settings()))
    assert late.equals(always.filter(pl.col("from_s") >= 200 * D))
    assert 0 < late.height < always.height


def test_no_interference_is_an_empty_frame_of_the_same_form() -> None:
    none = draw_interference(settings(interference_per_year=0), START, SPAN_S, 1)
    assert none.schema == draw_interference(settings(), START, SPAN_S, 1).schema
    assert same(disturb(heard(), vessel(), settings(), none, 1), heard())


# --- late rows ---


def test_late_rows_are_days_late_and_keep_their_time() -> None:
    out = delay(heard(), vessel(), settings(late_row_share=0.1), 1)
    assert (out.at_s == heard().at_s).all()
    late_days = (out.delay_s - 30) / D
    assert (late_days > 0).mean() == pytest.approx(0.1, abs=0.02)
    assert late_days[late_days > 0].min() >= 1
    assert late_days.max() <= 20


def test_late_batch_strikes_all_vessels_a_satellite_heard_in_the_hour() -> None:
    rules = settings(late_row_share=0, late_station_share=0, late_satellite_share=0.05)
    one, other = (delay(heard(), vessel(number), rules, 1) for number in (1, 2))
    is_late = one.delay_s > 30
    assert (one.kind[is_late] == 1).all()
    assert is_late[one.kind == 1].mean() == pytest.approx(0.05, abs=0.01)
    assert (one.delay_s == other.delay_s).all()
    batch = (one.at_s // 3600) * 10 + one.station
    satellite = one.kind == 1
    for late in np.unique(batch[is_late]):
        assert len(set(one.delay_s[satellite & (batch == late)])) == 1


# --- clocks ---


def test_wrong_clock_moves_only_its_station_and_time_and_not_the_receipt() -> None:
    offsets = pl.DataFrame(
        {"station": [2], "from_s": [50.0 * D], "to_s": [51.0 * D], "offset_s": [-7200]}
    )
    before = heard()
    out = apply_clock(before, offsets)
    wrong = (before.kind == 0) & (before.station == 2)
    wrong &= (before.at_s >= 50 * D) & (before.at_s < 51 * D)
    assert wrong.sum() > 2
    assert (out.at_s - before.at_s == np.where(wrong, -7200, 0)).all()
    assert (out.at_s + out.delay_s == before.at_s + before.delay_s).all()


def test_drawn_clock_errors_are_few_and_as_large_as_said() -> None:
    rules = settings(clock_errors_per_station_year=1.0)
    offsets = draw_clock_offsets(rules, 40, SPAN_S, 1)
    assert offsets.height == pytest.approx(40 * 500 / 365, rel=0.4)
    assert offsets["station"].is_between(0, 39).all()
    assert offsets["station"].n_unique() > 20
    assert offsets["offset_s"].abs().is_between(5, 14_400).all()
    assert 0 < (offsets["offset_s"] < 0).mean() < 1  # pyright: ignore[reportOperatorIssue]
    assert (offsets["to_s"] - offsets["from_s"]).is_between(0.3 * D, 2 * D).all()
    assert draw_clock_offsets(rules, 0, SPAN_S, 1).is_empty()
    assert draw_clock_offsets(settings(), 40, SPAN_S, 1).height < 20


def test_misdated_rows_are_decades_away_and_keep_their_receipt() -> None:
    out = misdate(heard(), vessel(), settings(misdated_share=0.01), 1)
    years = np.unique(np.rint((out.at_s - heard().at_s) / 31_557_600))
    assert years.tolist() == [-49, 0, 77]
    assert (out.at_s != heard().at_s).mean() == pytest.approx(0.01, abs=0.004)
    assert np.allclose(out.at_s + out.delay_s, heard().at_s + 30)


# --- garbled and repeated rows ---


def test_garbled_rows_lack_a_value_or_jump() -> None:
    before = heard()
    out = garble(before, vessel(), settings(garbled_share=0.2), 1)
    no_place, no_speed = out.lon_deg == 181, out.sog_kn == 102.3
    no_course, jump = out.cog_deg == 360, (out.lon_deg != 47.6) & (out.lon_deg != 181)
    assert (no_place == (out.lat_deg == 91)).all()
    assert (no_course == (out.heading_deg == 511)).all()
    shares = [part.mean() / 0.2 for part in (no_place, no_speed, no_course, jump)]
    assert shares == pytest.approx([0.5, 0.25, 0.248, 0.002], abs=0.05)
    assert np.abs(out.lon_deg[jump] - 47.6).max() <= 3
    assert not (no_place & no_speed).any()


def test_repeated_row_follows_its_original_and_equals_it() -> None:
    out = repeat_rows(
        spoil(heard(), vessel(), settings(repeated_share=0), circle(), NO_OFFSETS, 1),
        vessel(),
        settings(repeated_share=0.1),
        1,
    )
    second = np.flatnonzero(out.is_copy)
    assert len(second) == pytest.approx(2000, rel=0.1)
    for name in COLUMNS:
        column = getattr(out, name)
        assert (column[second] == column[second - 1]).all()
    assert not out.is_copy[second - 1].any()


def test_setting_out_of_range_is_refused() -> None:
    for wrong in (
        {"garbled_share": 2},
        {"late_days": (0, 20)},
        {"garbled_parts": (0.5, 0.5, 0.5, 0)},
        {"interference_places": ()},
    ):
        with pytest.raises(ValidationError):
            settings(**wrong)
