"""Regimes: what they are called, what they are made of, and what they do without it."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.banks import mirror_bars, raw_of
from tests.support.panels import part, random_bars

from virtuoso.analysis.bank import BarBank
from virtuoso.analysis.component import Mirror
from virtuoso.analysis.regimes.regime import (
    MEASURES,
    READY,
    REGIMES,
    Regime,
    RegimeArrays,
    classify,
    leading,
    regime_timeframe,
    rescaled,
    short_measure,
    short_timeframe,
)
from virtuoso.market.panel import BarBlock
from virtuoso.model.timeframe import Timeframe

M5, M30 = Timeframe.M5, Timeframe.M30


def _walk(drift: float, late_sigma: float = 0.004) -> BarBlock:
    """400 half hours of one symbol: noise, then 50 bars with a drift per bar and another spread."""
    rng = np.random.default_rng(4)
    sigma = np.where(np.arange(400) < 350, 0.004, late_sigma)
    steps = rng.normal(0, 1, 400)
    steps[350:] -= steps[350:].mean()
    close = 100 * np.exp(np.cumsum(steps * sigma + np.where(np.arange(400) < 350, 0.0, drift)))
    opened = np.concatenate([[100.0], close[:-1]])
    wick = 1 + sigma / 2
    block = random_bars(400, 1, timeframe=M30)
    return replace(
        block,
        open=opened[:, None],
        close=close[:, None],
        high=(np.maximum(opened, close) * wick)[:, None],
        low=(np.minimum(opened, close) / wick)[:, None],
    )


def _regimes(block: BarBlock, bars: int | None = None) -> RegimeArrays:
    bank = BarBank(M30.ms, (), MEASURES)
    bank.step(part(block, 0, bars or block.open_ms.size))
    last = bank.measures.last(slice(0, block.rows.size))
    return classify(last.raw.copy(), last.age.copy(), M30)


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (_walk(0.004), Regime.BULLISH),
        (_walk(-0.004), Regime.BEARISH),
        (_walk(0.0), Regime.NEUTRAL),
        (_walk(0.0, late_sigma=0.03), Regime.VOLATILE),
    ],
)
def test_a_market_is_called_what_it_is(block: BarBlock, expected: Regime) -> None:
    regime = _regimes(block).of("X", 0)
    assert regime.regime is expected
    assert regime.probabilities is not None
    assert sum(regime.probabilities.values()) == pytest.approx(1, abs=1e-12)
    assert max(regime.probabilities, key=regime.probabilities.__getitem__) is expected
    assert regime.reason is None


def test_volatility_is_percent_a_day() -> None:
    regime = _regimes(_walk(0.0)).of("X", 0)
    assert regime.avg_volatility == pytest.approx(100 * 0.004 * np.sqrt(48), rel=0.15)
    assert regime.volatility == pytest.approx(regime.avg_volatility, rel=0.25)


def test_mirroring_exchanges_up_and_down_only() -> None:
    bars = random_bars(400, 6, seed=9, timeframe=M30)
    here, there = _regimes(bars), _regimes(mirror_bars(bars, Mirror.RATIO))
    np.testing.assert_allclose(there.volatility, here.volatility, rtol=1e-9)
    np.testing.assert_allclose(there.momentum - 50, 50 - here.momentum, atol=1e-9)
    bank = BarBank(M30.ms, (), MEASURES)
    bank.step(bars)
    measures, age = bank.measures.last(slice(0, 6)).raw, bank.measures.last(slice(0, 6)).age
    negated = classify(measures * np.array([1, -1, 1, 1])[:, None], age, M30)
    np.testing.assert_allclose(negated.probabilities[[1, 0, 2, 3]], here.probabilities, rtol=1e-12)
    exchanged = {0: 1, 1: 0, 2: 2, 3: 3}
    assert [exchanged[int(code)] for code in negated.code] == here.code.tolist()


def test_unknown_until_its_bars_suffice() -> None:
    bars = random_bars(400, 1, timeframe=M30)
    early = _regimes(bars, READY - 1).of("X", 0)
    assert early.regime is None
    assert early.probabilities is None
    assert early.reason == f"warming up: {READY - 1} of {READY} bars"
    assert early.volatility is not None
    ready = _regimes(bars, READY).of("X", 0)
    assert ready.regime is not None
    assert ready.avg_volatility is None
    assert _regimes(bars, 337).of("X", 0).avg_volatility is not None


def test_a_dead_market_has_no_regime() -> None:
    bars = random_bars(400, 1, timeframe=M30)
    flat = np.full((400, 1), 5.0)
    regime = _regimes(replace(bars, open=flat, high=flat, low=flat, close=flat)).of("X", 0)
    assert regime.regime is None
    assert regime.reason == "the price has not moved"


def test_the_regime_is_read_from_the_timeframe_nearest_to_half_an_hour() -> None:
    assert regime_timeframe((Timeframe.M1, Timeframe.M5, Timeframe.M30, Timeframe.H4)) is Timeframe.M30
    assert regime_timeframe((Timeframe.M1, Timeframe.H1)) is Timeframe.H1
    assert regime_timeframe((Timeframe.M1,)) is Timeframe.M1


def test_the_last_hour_is_read_from_the_timeframe_nearest_to_five_minutes() -> None:
    assert short_timeframe((Timeframe.M1, M5, M30, Timeframe.H4)) is M5
    assert short_timeframe((Timeframe.M1, M30)) is Timeframe.M1
    assert short_timeframe((Timeframe.H4,)) is Timeframe.H4
    assert [short_measure(tf).ready for tf in (Timeframe.M1, M5, Timeframe.H4)] == [61, 13, 3]


def test_the_last_hours_volatility_is_the_same_however_its_history_is_split() -> None:
    bars = random_bars(60, 3, seed=8, timeframe=M5)
    whole = raw_of(short_measure(M5), bars)
    np.testing.assert_array_equal(raw_of(short_measure(M5), bars, 1, 13, 40), whole)
    assert np.isnan(whole[11]).all()
    assert np.isfinite(whole[12:]).all()


def test_a_volatility_is_rescaled_by_the_root_of_time() -> None:
    walk = np.cumsum(np.random.default_rng(2).normal(0, 0.001, 30_000))  # log prices every five minutes
    five, half = np.diff(walk).std(), np.diff(walk[::6]).std()
    assert rescaled(np.array([five]), M5, M30)[0] == pytest.approx(half, rel=0.03)


CALM = np.array([[15.0], [0.0], [0.004], [0.004]])
"""No trend, and the volatility of the last week."""


def test_an_hour_of_turmoil_is_seen_before_the_day_shows_it() -> None:
    def at(level: float) -> RegimeArrays:
        return classify(CALM, np.array([400.0]), M30, np.array([0.004 * level]))

    assert at(1.0).of("X", 0).regime is Regime.NEUTRAL
    assert at(3.0).of("X", 0).regime is Regime.VOLATILE
    chances = [at(level).probabilities[3, 0] for level in (0.0, 0.5, 1.0, 1.5, 2.0, 4.0)]
    assert chances == sorted(chances)
    assert chances[0] == 0.0


def test_what_is_missing_is_left_out_of_the_level_of_volatility() -> None:
    age, unknown = np.array([400.0]), np.array([np.nan])
    without = classify(CALM, age, M30)
    np.testing.assert_array_equal(classify(CALM, age, M30, unknown).probabilities, without.probabilities)
    young = CALM.copy()
    young[3] = np.nan  # no long average yet: what goes on is compared with the day
    known = classify(young, age, M30, np.array([0.012]))
    assert known.of("X", 0).regime is Regime.VOLATILE
    assert known.of("X", 0).avg_volatility is None
    np.testing.assert_allclose(
        known.probabilities, classify(CALM, age, M30, np.array([0.012])).probabilities, rtol=1e-12
    )


def _slow(adx: float, drift: float, volatility: float, average: float, short: float) -> list[float]:
    """The probabilities, one symbol at a time."""
    z, a = drift / volatility, (adx - 20) / 10
    level = 2 / 3 * math.log(short / average) + 1 / 3 * math.log(volatility / average)
    high = 1 / (1 + math.exp(-4 * (level - 0.35)))
    shared = [math.exp(1.5 * z + a / 2), math.exp(-1.5 * z + a / 2), math.exp(1 - abs(z) / 2 - a / 2)]
    return [(1 - high) * part / sum(shared) for part in shared] + [high]


@given(
    st.floats(0, 100), st.floats(-0.05, 0.05), st.floats(1e-3, 0.1), st.floats(1e-3, 0.1), st.floats(1e-3, 0.1)
)  # fmt: skip
def test_probabilities_are_those_of_the_slow_reference(
    adx: float, drift: float, volatility: float, average: float, short: float
) -> None:
    measures = np.array([[adx], [drift], [volatility], [average]])
    found = classify(measures, np.array([400.0]), M30, np.array([short])).probabilities[:, 0]
    np.testing.assert_allclose(found, _slow(adx, drift, volatility, average, short), rtol=1e-9, atol=1e-300)
    assert found.sum() == pytest.approx(1, abs=1e-12)


def test_permuting_symbols_permutes_regimes_and_nothing_else() -> None:
    rng = np.random.default_rng(3)
    measures = np.vstack([rng.uniform(0, 60, 20), rng.normal(0, 0.01, 20), rng.uniform(0.001, 0.02, (2, 20))])
    short, order = rng.uniform(0.001, 0.02, 20), rng.permutation(20)
    here = classify(measures, np.full(20, 400.0), M30, short)
    there = classify(measures[:, order], np.full(20, 400.0), M30, short[order])
    np.testing.assert_array_equal(there.probabilities, here.probabilities[:, order])
    np.testing.assert_array_equal(there.code, here.code[order])


def test_where_up_and_down_lead_together_neither_is_it() -> None:
    chances = np.array([
        [0.4, 0.4, 0.40, 0.30, np.nan], [0.4, 0.1, 0.40, 0.60, 0.2], [0.2, 0.3, 0.05, 0.10, 0.3],
        [0.0, 0.2, 0.15, 0.00, 0.5],
    ])  # fmt: skip
    assert [None if np.isnan(c) else REGIMES[int(c)] for c in leading(chances)] == [
        Regime.NEUTRAL, Regime.BULLISH, Regime.NEUTRAL, Regime.BEARISH, None
    ]  # fmt: skip
    standing = np.array([[60.0], [0.0], [0.004], [0.004]])  # a strong trend that led nowhere
    assert classify(standing, np.array([400.0]), M30).of("X", 0).regime is Regime.NEUTRAL
