"""Regimes and the overview of the market."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from tests.support.lanes import mirror_bars
from tests.support.panels import part, random_bars

from virtuoso.analysis.component import Mirror
from virtuoso.analysis.lane import BarLane
from virtuoso.analysis.overview import Breadth, MarketRow, breadth, market_overview, movers, sentiment
from virtuoso.analysis.regime import MEASURES, READY, Regime, RegimeArrays, SymbolRegime, classify, regime_timeframe
from virtuoso.market.panel import BarBlock
from virtuoso.model.timeframe import Timeframe

M30 = Timeframe.M30


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
    lane = BarLane(M30.ms, (), MEASURES)
    lane.step(part(block, 0, bars or block.open_ms.size))
    rows = slice(0, block.rows.size)
    return classify(lane.measures.raw(rows), lane.measures.age(rows), M30)


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
    lane = BarLane(M30.ms, (), MEASURES)
    lane.step(bars)
    measures, age = lane.measures.raw(slice(0, 6)), lane.measures.age(slice(0, 6))
    negated = classify(measures * np.array([1, -1, 1, 1])[:, None], age, M30)
    np.testing.assert_allclose(negated.probabilities[[1, 0, 2, 3]], here.probabilities, rtol=1e-12)


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


def _row(symbol: str, change: float | None, turnover: float | None = 100.0, price: float | None = 10.0) -> MarketRow:
    return MarketRow(
        symbol=symbol, base=symbol.removesuffix("USDT"), price=price, change_24h_pct=change, turnover_24h=turnover
    )


def _regime(symbol: str, up: float, momentum: float = 60.0, volatility: float = 2.0) -> SymbolRegime:
    rest = (1 - up) / 3
    probabilities = {
        Regime.BULLISH: up,
        Regime.BEARISH: rest,
        Regime.NEUTRAL: rest,
        Regime.VOLATILE: rest,
    }
    return SymbolRegime(
        symbol=symbol,
        regime=max(probabilities, key=probabilities.__getitem__),
        probabilities=probabilities,
        trend_strength=30.0,
        momentum=momentum,
        volatility=volatility,
        avg_volatility=None,
    )


ROWS = [
    _row("BTCUSDT", 2.0, 600.0, 60_000.0),
    _row("ETHUSDT", -1.0, 300.0, 3_000.0),
    _row("XRPUSDT", 0.05, 100.0),
    _row("NEWUSDT", None, None, None),
]


def test_breadth_leaves_out_what_has_no_value_and_has_a_neutral_band() -> None:
    assert breadth(ROWS) == Breadth(advancing=1, declining=1, neutral=1, total=3)
    edge = [_row("A", 0.1), _row("B", -0.1), _row("C", 0.0999)]
    assert breadth(edge) == Breadth(advancing=1, declining=1, neutral=1, total=3)


def test_the_overview_weighs_by_turnover() -> None:
    regimes = [_regime("BTCUSDT", 0.7, 80.0, 1.0), _regime("ETHUSDT", 0.1, 20.0, 3.0), _regime("NEWUSDT", 0.9)]
    overview = market_overview(ROWS, regimes)
    assert overview.btc_dominance == pytest.approx(60.0)
    assert overview.total_volume == 1000.0
    assert overview.momentum_score == pytest.approx((600 * 80 + 300 * 20) / 900)
    assert overview.volatility == pytest.approx((600 * 1 + 300 * 3) / 900)
    assert overview.probabilities is not None
    assert overview.probabilities[Regime.BULLISH] == pytest.approx((600 * 0.7 + 300 * 0.1) / 900)
    assert sum(overview.probabilities.values()) == pytest.approx(1, abs=1e-12)
    assert overview.regime is Regime.BULLISH
    assert overview.avg_market_change == pytest.approx(0.35)
    assert (overview.btc_price, overview.eth_price, overview.btc_change) == (60_000.0, 3_000.0, 2.0)
    assert overview.avg_volatility is None
    assert set(overview.reasons) == {"avg_volatility"}
    assert msgspec.json.decode(msgspec.json.encode(overview))["regime"] == "BULLISH"


def test_an_empty_market_is_null_with_reasons() -> None:
    overview = market_overview([], [])
    assert overview.breadth == Breadth(advancing=0, declining=0, neutral=0, total=0)
    unknown = {name for name in overview.__struct_fields__ if getattr(overview, name) is None} - {"probabilities"}
    assert unknown == set(overview.reasons)
    assert len(unknown) == 12


@pytest.mark.parametrize(
    ("up", "down", "momentum", "expected"),
    [
        (8, 2, 60.0, Regime.BULLISH),
        (2, 8, 40.0, Regime.BEARISH),
        (5, 5, 55.0, Regime.NEUTRAL),
        (0, 0, 60.0, None),
        (5, 5, None, None),
    ],
)
def test_sentiment(up: int, down: int, momentum: float | None, expected: Regime | None) -> None:
    counts = Breadth(advancing=up, declining=down, neutral=0, total=up + down)
    assert sentiment(counts, momentum) is expected


def test_movers_either_way_largest_first() -> None:
    rows = [_row("A", 1.0), _row("B", -7.0), _row("C", 3.0), _row("D", None), _row("E", -3.0)]
    assert [(m.symbol, m.change) for m in movers(rows, 3)] == [("B", -7.0), ("C", 3.0), ("E", -3.0)]
    assert movers(rows, 0) == ()
