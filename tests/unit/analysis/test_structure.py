"""Price structure: against slow references, without look-ahead, continuous, alike upside down, null where it must."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.banks import mirror_bars, raw_of
from tests.support.panels import ARRAYS, part, random_bars
from tests.support.structure_oracles import ORACLES, PRICES, pivots

from virtuoso.analysis.block import CrossSection
from virtuoso.analysis.component import Component, Mirror, Modifier
from virtuoso.analysis.factors.structure import FACTOR
from virtuoso.analysis.indicators.swings import REACH, Fractals, SwingHigh, SwingLow
from virtuoso.market.panel import BarBlock, Floats

T, N = 600, 3
BARS = random_bars(T, N, seed=23)
COMPONENTS = {component.name: component for component in FACTOR.components}
INDICATORS = {"swing_high": SwingHigh, "swing_low": SwingLow}
LEVELS = {
    name: Modifier(name=name, unit="quote", build=build, ready=build.READY, exact=build.EXACT, map=lambda raw: raw)
    for name, build in INDICATORS.items()
}
MEASURES: dict[str, Component | Modifier] = {**COMPONENTS, **LEVELS}
PIVOTAL = ("swing_structure", "support_resistance", *LEVELS)
"""What is built on pivots."""


def ticked(block: BarBlock, ticks: int) -> BarBlock:
    """The bars about a price of 4096 on a grid of 1/4, `ticks` of them a typical bar: full of ties, and exact."""
    scale = ticks * 0.25 / np.median(block.high - block.low, axis=0)
    base = block.close[0]
    prices = {
        name: np.round(4 * (4096.0 + (getattr(block, name) - base) * scale)) / 4
        for name in ("open", "high", "low", "close")
    }
    return replace(block, **prices)


GRIDS = {"fine": BARS, "coarse ticks": ticked(BARS, 4)}


def test_every_component_has_an_oracle() -> None:
    assert set(ORACLES) == set(COMPONENTS)
    assert set(PRICES) == set(LEVELS)


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("name", MEASURES)
def test_agrees_with_its_slow_reference_from_ready_on(name: str, grid: str) -> None:
    measure, bars = MEASURES[name], GRIDS[grid]
    oracle = {**ORACLES, **PRICES}[name]
    ours = raw_of(measure, bars)
    for i in range(N):
        theirs = oracle(bars, i)[measure.ready - 1 :]
        assert np.isfinite(theirs).mean() > 0.7
        np.testing.assert_allclose(ours[measure.ready - 1 :, i], theirs, rtol=1e-9, atol=1e-9 * np.nanstd(theirs))


def unchanged_by_the_future(measure: Component | Modifier) -> bool:
    """Whether values up to a bar stay as they are when all later bars are others."""
    other = random_bars(T, N, seed=99)
    whole = raw_of(measure, BARS)
    for t in (250, 333, 500):
        ratio = BARS.close[t - 1] / other.close[t - 1]
        prices = ("open", "high", "low", "close")
        arrays = {
            name: np.vstack([getattr(BARS, name)[:t], getattr(other, name)[t:] * (ratio if name in prices else 1.0)])
            for name in ARRAYS
        }
        if not np.array_equal(raw_of(measure, replace(BARS, **arrays))[:t], whole[:t], equal_nan=True):
            return False
    return True


@pytest.mark.parametrize("name", MEASURES)
def test_later_bars_change_nothing(name: str) -> None:
    assert unchanged_by_the_future(MEASURES[name])


class PeekingFractals(Fractals):
    """The planted bug: a pivot is there at its own bar, before the bars that confirm it."""

    def step(self, x: CrossSection) -> Floats:
        confirmed = super().step(x)
        later = np.full((REACH, *confirmed.shape[1:]), np.nan)
        return np.concatenate([confirmed, later])[REACH:]


@pytest.mark.parametrize("name", PIVOTAL)
def test_a_pivot_used_before_its_confirmation_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("swings", "levels"):
        monkeypatch.setattr(f"virtuoso.analysis.indicators.{module}.Fractals", PeekingFractals)
    assert not unchanged_by_the_future(MEASURES[name])


def follows_the_confirmed_chart(name: str, bars: BarBlock) -> bool:
    """Whether the swing of each bar is the one that the finished chart shows as confirmed by then."""
    ours = raw_of(LEVELS[name], bars)[SwingHigh.READY :]
    return all(np.array_equal(ours[:, i], PRICES[name](bars, i)[SwingHigh.READY :], equal_nan=True) for i in range(N))


def never_repaints(name: str, bars: BarBlock) -> bool:
    """Whether every swing that was ever shown is a pivot of the finished chart."""
    side = 0 if name == "swing_high" else 1
    ours = raw_of(LEVELS[name], bars)[:-REACH]
    return all(
        set(ours[np.isfinite(ours[:, i]), i].tolist()) <= {price for _, price in pivots(bars, i)[side]}
        for i in range(N)
    )


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("name", ["swing_high", "swing_low"])
def test_swings_are_those_of_the_chart_once_confirmed_and_never_repaint(name: str, grid: str) -> None:
    assert follows_the_confirmed_chart(name, GRIDS[grid])
    assert never_repaints(name, GRIDS[grid])


@pytest.mark.parametrize("name", ["swing_high", "swing_low"])
def test_a_pivot_confirmed_too_early_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted bug that a streaming engine can have: it takes a pivot after one bar instead of five."""
    monkeypatch.setattr(Fractals, "RIGHT", 1)
    assert not follows_the_confirmed_chart(name, BARS)
    assert not never_repaints(name, BARS)


@pytest.mark.parametrize("name", COMPONENTS)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_a_tiny_change_of_prices_changes_the_value_as_little(name: str, seed: int) -> None:
    component = COMPONENTS[name]
    bars = random_bars(320, 2, seed=seed)
    noise = np.random.default_rng(seed).uniform(-1e-9, 1e-9, (4, 320, 2))
    moved = {n: getattr(bars, n) * (1 + noise[k]) for k, n in enumerate(("open", "high", "low", "close"))}
    moved["high"] = np.maximum.reduce([moved["open"], moved["high"], moved["close"]])
    moved["low"] = np.minimum.reduce([moved["open"], moved["low"], moved["close"]])
    before, after = (component.value(raw_of(component, block)) for block in (bars, replace(bars, **moved)))
    np.testing.assert_allclose(after, before, rtol=0, atol=1e-5)
    assert not np.array_equal(after, before, equal_nan=True)


@pytest.mark.parametrize("ticks", [2, 4, 12])
@pytest.mark.parametrize("name", COMPONENTS)
def test_equal_highs_and_equal_lows_are_treated_alike(name: str, ticks: int) -> None:
    bars = ticked(BARS, ticks)
    component = COMPONENTS[name]
    assert (bars.high[1:] == bars.high[:-1]).mean() > 0.02
    upright, mirrored = raw_of(component, bars), raw_of(component, mirror_bars(bars, Mirror.DIFFERENCE))
    np.testing.assert_allclose(component.value(mirrored), -component.value(upright), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", MEASURES)
def test_nothing_leaks_across_a_missing_bar(name: str) -> None:
    """Two pasts that differ up to the hole give the same from then on, whatever `ready` would hide."""
    at_once = replace(MEASURES[name], ready=1)
    answers = []
    for past in (BARS, random_bars(T, N, seed=41)):
        arrays = {n: np.vstack([getattr(past, n)[:200], getattr(BARS, n)[200:]]) for n in ARRAYS}
        for values in arrays.values():
            values[200] = np.nan
        answers.append(raw_of(at_once, replace(BARS, **arrays))[200:])
    np.testing.assert_array_equal(answers[0], answers[1])
    assert np.isfinite(answers[0][-100:]).mean() > 0.7


@pytest.mark.parametrize("name", MEASURES)
def test_a_single_bar_and_a_constant_price_say_nothing(name: str) -> None:
    assert np.isnan(raw_of(MEASURES[name], part(BARS, 0, 1))).all()
    flat = dict.fromkeys(("open", "high", "low", "close"), np.full((T, N), 0.1))
    assert np.isnan(raw_of(MEASURES[name], replace(BARS, **flat))).all()


@pytest.mark.parametrize("name", COMPONENTS)
def test_a_crash_of_sixty_percent_leans_down_and_stays_within_bounds(name: str) -> None:
    """One bar falls by 60 % and the price trades on down there, as APE did on 2025-10-10."""
    prices = {n: getattr(BARS, n).copy() for n in ("open", "high", "low", "close")}
    for values in prices.values():
        values[400:] *= 0.4
    prices["open"][400] = BARS.close[399]
    prices["high"][400] = np.maximum(prices["high"][400], prices["open"][400])
    component = COMPONENTS[name]
    value = component.value(raw_of(component, replace(BARS, **prices)))
    np.testing.assert_array_equal(value[:400], component.value(raw_of(component, BARS))[:400])
    after = value[400:]
    assert np.isfinite(after).all()
    assert np.abs(after).max() <= 1.0
    if name not in {"support_resistance", "order_blocks"}:  # no level is near, and no candle stood against the fall
        assert after[2].max() < 0.0


@pytest.mark.parametrize("name", ["swing_structure", "support_resistance", "swing_high"])
def test_pivots_that_are_too_old_count_no_more(name: str) -> None:
    """After the last pivot the price rises bar by bar: the lows before it age, and then nothing is known."""
    prices = {n: getattr(BARS, n).copy() for n in ("open", "high", "low", "close")}
    step = np.arange(1, 301)[:, None] * BARS.close[299] * 0.001
    for n, offset in (("open", 0.0), ("high", 0.0012), ("low", -0.0002), ("close", 0.001)):
        prices[n][300:] = prices["close"][299] * (1 + offset) + step
    raw = raw_of(MEASURES[name], replace(BARS, **prices))
    age = 180 if name == "support_resistance" else 100
    assert np.isfinite(raw[300 : 300 + age - 60]).all()
    assert np.isnan(raw[300 + age + 2 :]).all()
