"""What holds for every component whatever it computes: splitting, neighbours, mirroring, scale, missing data."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.banks import (
    BAR_COMPONENTS,
    BAR_MEASURES,
    BAR_MODIFIERS,
    bank_of,
    mirror_bars,
    raw_of,
    scale_bars,
    stepped,
    value_of,
)
from tests.support.lazily import Made
from tests.support.panels import ARRAYS, part, random_bars

from virtuoso.analysis.component import Component, Mirror

T, N = 420, 4
BARS = random_bars(T, N, seed=11)
MEASURES = {measure.name: measure for measure in BAR_MEASURES}
COMPONENTS = {component.name: component for component in BAR_COMPONENTS}
MODIFIERS = {modifier.name: modifier for modifier in BAR_MODIFIERS if modifier.name != "drift"}
WHOLE = Made(lambda name: raw_of(MEASURES[name], BARS))


@pytest.mark.parametrize("name", MEASURES)
@settings(max_examples=8, deadline=None)
@given(splits=st.lists(st.integers(0, T), max_size=5))
def test_splitting_a_history_changes_nothing(name: str, splits: list[int]) -> None:
    np.testing.assert_array_equal(raw_of(MEASURES[name], BARS, *splits), WHOLE[name])


@pytest.mark.parametrize("name", MEASURES)
def test_neighbours_change_nothing(name: str) -> None:
    """Row 1 leaves at 150 and is taken anew at 200; rows 0, 2 and 3 are stepped apart and together."""
    bank = bank_of(MEASURES[name], BARS.timeframe.ms)
    others = np.array([0, 2, 3])
    pieces = [stepped(bank, part(BARS, 0, 150))[:, others]]
    bank.memory.reset(slice(1, 2))
    pieces.append(stepped(bank, part(BARS, 150, 200, others)))
    tail = stepped(bank, part(BARS, 200, T))
    pieces.append(tail[:, others])
    np.testing.assert_allclose(np.concatenate(pieces), WHOLE[name][:, others], rtol=1e-12, atol=1e-12)
    fresh = raw_of(MEASURES[name], part(BARS, 200, T))[:, 1]
    np.testing.assert_allclose(tail[:, 1], fresh, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", MEASURES)
def test_late_rows_stepped_alone_catch_up(name: str) -> None:
    bank = bank_of(MEASURES[name], BARS.timeframe.ms)
    on_time, late = np.array([0, 2]), np.array([1, 3])
    bank.step(part(BARS, 0, 400))
    early = [stepped(bank, part(BARS, k, k + 1, on_time)) for k in range(400, 404)]
    after = stepped(bank, part(BARS, 400, 404, late))
    np.testing.assert_allclose(np.concatenate(early), WHOLE[name][400:404, on_time], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(after, WHOLE[name][400:404, late], rtol=1e-12, atol=1e-12)
    both = stepped(bank, part(BARS, 404, T))
    np.testing.assert_allclose(both, WHOLE[name][404:], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", MEASURES)
def test_continues_from_saved_state(name: str) -> None:
    bank = bank_of(MEASURES[name], BARS.timeframe.ms)
    bank.step(part(BARS, 0, 137))
    restored = bank_of(MEASURES[name], BARS.timeframe.ms)
    restored.memory.load(bank.memory.state())
    bank.step(part(BARS, 137, 200))  # the copy is not touched by what the original does
    np.testing.assert_array_equal(stepped(restored, part(BARS, 137, T)), WHOLE[name][137:])


@pytest.mark.parametrize("name", MEASURES)
def test_repeated_bars_are_ignored(name: str) -> None:
    bank = bank_of(MEASURES[name], BARS.timeframe.ms)
    bank.step(part(BARS, 0, 300))
    again = stepped(bank, part(BARS, 250, 302))
    assert np.isnan(again[:50]).all()
    np.testing.assert_array_equal(again[50:], WHOLE[name][300:302])


@pytest.mark.parametrize("name", MEASURES)
def test_a_gap_begins_the_row_anew(name: str) -> None:
    bank = bank_of(MEASURES[name], BARS.timeframe.ms)
    bank.step(part(BARS, 0, 40))
    np.testing.assert_array_equal(stepped(bank, part(BARS, 41, T)), raw_of(MEASURES[name], part(BARS, 41, T)))


@pytest.mark.parametrize("name", MEASURES)
def test_a_missing_bar_is_null_until_ready_again(name: str) -> None:
    measure = MEASURES[name]
    holes = {array: getattr(BARS, array).copy() for array in ARRAYS}
    for values in holes.values():
        values[60, 2] = np.nan
    raw = raw_of(measure, replace(BARS, **holes))
    np.testing.assert_allclose(raw[:, [0, 1, 3]], WHOLE[name][:, [0, 1, 3]], rtol=1e-12)
    assert np.isnan(raw[60 : 60 + measure.ready, 2]).all()
    mapped = (lambda r: value_of(measure, r)) if isinstance(measure, Component) else measure.map
    healed = slice(60 + measure.ready + 1, None)
    assert np.abs(mapped(raw[healed, 2]) - mapped(WHOLE[name][healed, 2])).max() < 1e-3


@pytest.mark.parametrize("name", COMPONENTS)
def test_mirroring_the_market_negates_every_component(name: str) -> None:
    component = COMPONENTS[name]
    mirrored = value_of(component, raw_of(component, mirror_bars(BARS, component.mirror)))
    np.testing.assert_allclose(mirrored, -value_of(component, WHOLE[name]), rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", MODIFIERS)
def test_mirroring_the_market_leaves_modifiers_alone(name: str) -> None:
    how = Mirror.DIFFERENCE if name in {"adx", "relative_volume"} else Mirror.RATIO
    mirrored = raw_of(MODIFIERS[name], mirror_bars(BARS, how))
    np.testing.assert_allclose(mirrored, WHOLE[name], rtol=1e-7)


def test_mirroring_negates_the_drift_of_the_regime() -> None:
    mirrored = raw_of(MEASURES["drift"], mirror_bars(BARS, Mirror.RATIO))
    np.testing.assert_allclose(mirrored, -WHOLE["drift"], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize(("price", "size"), [(1e-6, 1.0), (1e5, 1.0), (1.0, 1e-7), (3.0, 1e6)])
def test_units_of_price_and_size_do_not_matter(name: str, price: float, size: float) -> None:
    scaled = raw_of(MEASURES[name], scale_bars(BARS, price, size))
    np.testing.assert_allclose(scaled, WHOLE[name], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", COMPONENTS)
def test_values_stay_within_minus_one_and_one_and_move(name: str) -> None:
    value = value_of(COMPONENTS[name], WHOLE[name])
    known = value[np.isfinite(value)]
    assert known.size > 800
    assert np.abs(known).max() <= 1
    assert 0.1 < known.std() < 0.9


CONSTANT = {
    "cmf": 0.0,
    "adl": 0.0,
    "obv": 0.0,
    "relative_volume": 1.0,
    "volume_delta": 0.5,
    "volatility": 0.0,
    "avg_volatility": 0.0,
    "drift": 0.0,
}
"""What a constant price truly defines: no flow by Chaikin's and Granville's rules, no volatility; the rest is null."""


@pytest.mark.parametrize("name", MEASURES)
def test_a_constant_price_invents_nothing(name: str) -> None:
    flat = np.full((T, 1), 0.1)
    bars = replace(
        part(BARS, 0, T, np.array([0])),
        open=flat,
        high=flat,
        low=flat,
        close=flat,
        volume=flat * 10,
        turnover=flat,
        buy_volume=flat * 7.5,
    )
    raw = raw_of(MEASURES[name], bars)[-1, 0]
    if name in CONSTANT:
        assert raw == pytest.approx(CONSTANT[name], abs=1e-12)
    else:
        assert np.isnan(raw)


@pytest.mark.parametrize("name", ["volume_delta", "adl", "cmf", "obv", "profile_position", "vwap_distance"])
def test_without_volume_there_is_no_value(name: str) -> None:
    empty = np.zeros((T, N))
    bars = replace(BARS, volume=empty, turnover=empty, buy_volume=empty)
    assert np.isnan(raw_of(MEASURES[name], bars)).all()


def test_volume_delta_needs_the_taker_sides_of_the_whole_window() -> None:
    buy = BARS.buy_volume.copy()
    buy[100, 0] = np.nan
    raw = raw_of(MEASURES["volume_delta"], replace(BARS, buy_volume=buy))
    assert np.isnan(raw[100:120, 0]).all()
    assert np.isfinite(raw[120:, 0]).all()
    np.testing.assert_array_equal(raw[:, 1:], WHOLE["volume_delta"][:, 1:])


@pytest.mark.parametrize("name", MEASURES)
def test_a_single_bar_is_not_enough_and_not_an_error(name: str) -> None:
    assert np.isnan(raw_of(MEASURES[name], part(BARS, 0, 1))).all()
