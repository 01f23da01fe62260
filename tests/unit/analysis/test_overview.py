"""The overview of the market: what is weighed by what, breadth, and what is unknown."""

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from virtuoso.analysis.breadth import (
    EMA_WINDOW,
    MarketHistory,
    above_ema50_pct,
    average_correlation,
    dispersion,
    new_extremes,
)
from virtuoso.analysis.overview import (
    Breadth,
    MarketItem,
    breadth,
    market_overview,
    market_probabilities,
    movers,
    sentiment,
)
from virtuoso.analysis.regimes.dwell import Held
from virtuoso.analysis.regimes.regime import Regime, SymbolRegime


def _row(symbol: str, change: float | None, turnover: float | None = 100.0, price: float | None = 10.0) -> MarketItem:
    return MarketItem(
        symbol=symbol, base=symbol.removesuffix("USDT"), price=price, change_24h_pct=change, turnover_24h=turnover
    )


def _regime(
    symbol: str, up: float, momentum: float = 60.0, volatility: float = 2.0, average: float | None = None
) -> SymbolRegime:
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
        avg_volatility=average,
    )


def test_a_dated_future_never_stands_for_its_coin() -> None:
    perpetual, younger, future = (
        MarketItem(
            symbol=symbol, base="BTC", price=price, change_24h_pct=1.0, turnover_24h=turnover, dated=dated,
            launch_ms=launch_ms,
        )
        for symbol, price, turnover, dated, launch_ms in (
            ("BTCUSDT", 60_000.0, 1e8, False, 5), ("BTCPERP", 60_100.0, 2e8, False, 6),
            ("BTC-26DEC25", 61_000.0, 9e9, True, 1),
        )
    )  # fmt: skip
    assert market_overview([future, younger, perpetual], []).btc_price == 60_000.0
    assert market_overview([future, younger], []).btc_price == 60_100.0
    alone = market_overview([future], [])
    assert (alone.btc_price, alone.btc_change) == (None, None)
    assert alone.reasons["btc_price"].startswith("no perpetual or spot pair of BTC")


FROM_BARS = {"above_ema50_pct", "new_highs_24h", "new_lows_24h", "avg_correlation_btc"}
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
    assert set(overview.reasons) == {"avg_volatility", *FROM_BARS}
    assert msgspec.json.decode(msgspec.json.encode(overview))["regime"] == "BULLISH"


def test_an_empty_market_is_null_with_reasons() -> None:
    overview = market_overview([], [])
    assert overview.breadth == Breadth(advancing=0, declining=0, neutral=0, total=0)
    unknown = {name for name in overview.__struct_fields__ if getattr(overview, name) is None}
    assert unknown - {"probabilities", "regime_since_ms"} == set(overview.reasons)  # these two go with the regime
    assert len(unknown) == 20


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


def test_the_regime_of_the_market_is_the_one_that_is_held() -> None:
    regimes = [_regime("BTCUSDT", 0.7), _regime("ETHUSDT", 0.1)]
    held = Held(regime=Regime.BEARISH, since_ms=1_748_476_800_000)
    overview = market_overview(ROWS, regimes, held)
    assert (overview.regime, overview.regime_since_ms) == (Regime.BEARISH, 1_748_476_800_000)
    assert overview.probabilities == market_probabilities(ROWS, regimes) == market_overview(ROWS, regimes).probabilities
    nothing = market_overview(ROWS, regimes, Held(regime=None, since_ms=None))
    assert nothing.regime is None
    assert nothing.reasons["regime"]


def test_the_long_average_waits_for_half_the_turnover() -> None:
    small = [_regime("BTCUSDT", 0.7), _regime("ETHUSDT", 0.1, average=3.0)]
    overview = market_overview(ROWS, small)
    assert overview.avg_volatility is None
    assert "half the turnover" in overview.reasons["avg_volatility"]
    large = [_regime("BTCUSDT", 0.7, average=2.0), _regime("ETHUSDT", 0.1)]
    assert market_overview(ROWS, large).avg_volatility == pytest.approx(2.0)


def _history(closes: np.ndarray, **extremes: list[float]) -> MarketHistory:
    n = closes.shape[1]
    given = {
        name: np.array(extremes.get(name, [np.nan] * n)) for name in ("high_24h", "low_24h", "hour_high", "hour_low")
    }
    return MarketHistory(symbols=("BTCUSDT", "ETHUSDT", "XRPUSDT", "NEWUSDT")[:n], closes=closes, **given)


def test_the_overview_takes_breadth_from_history() -> None:
    closes = _closes(5)
    history = _history(
        closes, high_24h=[10.0] * 4, low_24h=[9.0] * 4, hour_high=[10.0, 9.9, 9.95, 9.5], hour_low=[9.5, 9.0, 9.0, 9.1]
    )
    overview = market_overview(ROWS, [_regime("BTCUSDT", 0.7, average=2.0)], history=history)
    assert (overview.new_highs_24h, overview.new_lows_24h) == (1, 2)
    assert overview.above_ema50_pct == above_ema50_pct(closes)
    assert overview.avg_correlation_btc == average_correlation(closes, 0)
    assert overview.dispersion == pytest.approx(np.std([2.0, -1.0, 0.05], ddof=1))
    assert overview.dispersion_robust == pytest.approx(1.4826 * 1.05)
    assert overview.reasons == {}
    without_btc = market_overview(ROWS[1:], [], history=_history(closes))
    assert without_btc.avg_correlation_btc is None
    assert set(without_btc.reasons) >= {"avg_correlation_btc", "new_highs_24h", "new_lows_24h"}


def _closes(seed: int, t: int = EMA_WINDOW, n: int = 4) -> np.ndarray:
    """Closes of n symbols that share half of what moves them."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(0, 0.004, (t, n)) + rng.normal(0, 0.004, (t, 1))
    return np.array(10.0 ** rng.uniform(-3, 4, n) * np.exp(np.cumsum(steps, axis=0)))


@given(st.integers(0, 1000))
def test_the_share_above_their_ema_is_that_of_the_slow_reference(seed: int) -> None:
    closes = _closes(seed, n=6)
    above = 0
    for prices in closes.T:
        total = weight = 0.0
        for age, price in enumerate(reversed(prices.tolist())):
            total += (49 / 51) ** age * price
            weight += (49 / 51) ** age
        above += prices[-1] > total / weight
    assert above_ema50_pct(closes) == pytest.approx(100 * above / 6, abs=1e-9)


def test_the_window_of_the_ema_leaves_nothing_out_that_matters() -> None:
    closes = _closes(1, t=2_000)
    value = closes[0].copy()
    for row in closes[1:]:
        value += 2 / 51 * (row - value)
    weights = (49 / 51) ** np.arange(EMA_WINDOW - 1.0, -1.0, -1.0)
    np.testing.assert_allclose(weights @ closes[-EMA_WINDOW:] / weights.sum(), value, rtol=1e-4)


def test_a_constant_price_is_neither_above_nor_below_its_ema() -> None:
    closes = np.full((EMA_WINDOW, 2), 0.1)
    closes[-1, 1] = 0.1001
    assert above_ema50_pct(closes) == 75.0


def test_a_symbol_with_a_missing_close_does_not_count() -> None:
    closes = np.cumprod(np.full((EMA_WINDOW, 3), 1.001), axis=0)
    closes[:, 1] = closes[::-1, 1]
    assert above_ema50_pct(closes) == pytest.approx(200 / 3)
    closes[3, 1] = np.nan
    assert above_ema50_pct(closes) == 100.0
    closes[7] = np.nan
    assert above_ema50_pct(closes) is None
    assert above_ema50_pct(_closes(1, t=EMA_WINDOW - 1)) is None


def _extremes(high: float, low: float, hour_high: float, hour_low: float) -> tuple[int, int] | None:
    return new_extremes(
        _history(np.ones((1, 1)), high_24h=[high], low_24h=[low], hour_high=[hour_high], hour_low=[hour_low])
    )


@pytest.mark.parametrize(
    ("extremes", "expected"),
    [
        ((110.0, 100.0, 110.0, 105.0), (1, 0)),
        ((110.0, 100.0, 109.0, 100.0), (0, 1)),
        ((110.0, 100.0, 110.0, 100.0), (1, 1)),
        ((110.0, 100.0, 109.0, 101.0), (0, 0)),
        ((110.0, 100.0, 110.5, 99.0), (1, 1)),  # minutes that the exchange's ticker has not caught up with
        ((110.0, 100.0, 109.99, 101.0), (1, 0)),  # within 1e-4
        ((110.0, 100.0, 109.98, 101.0), (0, 0)),
        ((100.0, 100.0, 100.0, 100.0), (0, 0)),  # it has not moved at all
        ((math.nan, 100.0, 110.0, 100.0), None),
        ((110.0, 100.0, math.nan, math.nan), None),
    ],
)
def test_an_extreme_is_new_when_the_last_hour_made_it(
    extremes: tuple[float, float, float, float], expected: tuple[int, int] | None
) -> None:
    assert _extremes(*extremes) == expected


def test_unknown_extremes_do_not_count() -> None:
    nan = math.nan
    history = _history(
        np.ones((1, 3)), high_24h=[2.0, nan, 2.0], low_24h=[1.0, 1.0, 1.0], hour_high=[2.0, 2.0, 2.0],
        hour_low=[1.5, 1.0, 1.5],
    )  # fmt: skip
    assert new_extremes(history) == (2, 0)


@given(arrays(np.float64, st.integers(2, 30), elements=st.floats(-90, 300)))
def test_dispersion_is_that_of_the_slow_reference(changes: np.ndarray) -> None:
    spread = dispersion(np.append(changes, np.nan))
    assert spread is not None
    values = changes.tolist()
    mean = math.fsum(values) / len(values)
    variance = math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1)
    assert spread[0] == pytest.approx(math.sqrt(variance), rel=1e-9, abs=1e-9)

    def median(of: list[float]) -> float:
        ordered = sorted(of)
        return (ordered[(len(of) - 1) // 2] + ordered[len(of) // 2]) / 2

    middle = median(values)
    assert spread[1] == pytest.approx(1.4826 * median([abs(v - middle) for v in values]), rel=1e-9, abs=1e-9)


def test_one_outlier_moves_the_dispersion_but_not_the_robust_one() -> None:
    calm, wild = np.arange(10.0), np.append(np.arange(9.0), 900.0)
    (sigma, robust), (torn, held) = dispersion(calm) or (0.0, 0.0), dispersion(wild) or (0.0, 0.0)
    assert torn > 50 * sigma
    assert held == robust
    assert dispersion(np.array([1.0, np.nan])) is None


def _correlation(x: list[float], y: list[float]) -> float:
    """Pearson's, term by term."""
    mx, my = math.fsum(x) / len(x), math.fsum(y) / len(y)
    xy = math.fsum((a - mx) * (b - my) for a, b in zip(x, y, strict=True))
    return xy / math.sqrt(math.fsum((a - mx) ** 2 for a in x) * math.fsum((b - my) ** 2 for b in y))


@given(st.integers(0, 1000), st.integers(0, 4))
def test_the_average_correlation_is_that_of_the_slow_reference(seed: int, btc: int) -> None:
    closes = _closes(seed, n=5)
    returns = [[math.log(b / a) for a, b in zip(p[-49:], p[-48:], strict=False)] for p in closes.T.tolist()]
    expected = [_correlation(returns[i], returns[btc]) for i in range(5) if i != btc]
    assert average_correlation(closes, btc) == pytest.approx(sum(expected) / 4, rel=1e-9, abs=1e-9)


def test_who_did_not_move_or_misses_a_close_has_no_correlation() -> None:
    closes = _closes(3)
    alone = average_correlation(closes[:, :2], 0)
    closes[:, 2] = 7.0
    closes[-20, 3] = np.nan
    assert average_correlation(closes, 0) == pytest.approx(alone, rel=1e-12)
    assert average_correlation(closes, 2) is None
    assert average_correlation(closes, 3) is None
    assert average_correlation(closes[:, :1], 0) is None
    assert average_correlation(closes[-48:], 0) is None
    closes[0] = np.nan  # older than the window
    assert average_correlation(closes, 0) == pytest.approx(alone, rel=1e-12)


@given(st.integers(0, 1000))
def test_the_market_upside_down_has_the_mirrored_breadth(seed: int) -> None:
    closes = _closes(seed, n=6)
    k = 2 * closes.max(axis=0)
    above, below = above_ema50_pct(closes), above_ema50_pct(2 * k - closes)
    assert above is not None
    assert below == pytest.approx(100 - above, abs=1e-9)
    assert average_correlation(k * k / closes, 0) == pytest.approx(average_correlation(closes, 0), rel=1e-9)
    rng = np.random.default_rng(seed)
    low, high = rng.uniform(1, 2, 6), rng.uniform(2, 3, 6)
    hour_low, hour_high = low * rng.choice([1, 1.01], 6), high / rng.choice([1, 1.01], 6)
    here = MarketHistory(
        symbols=("X",) * 6, closes=closes, high_24h=high, low_24h=low, hour_high=hour_high, hour_low=hour_low
    )
    there = MarketHistory(
        symbols=("X",) * 6, closes=closes, high_24h=9 / low, low_24h=9 / high, hour_high=9 / hour_low,
        hour_low=9 / hour_high,
    )  # fmt: skip
    highs, lows = new_extremes(here) or (-1, -1)
    assert new_extremes(there) == (lows, highs)
    changes = [float(v) for v in rng.normal(0, 2, 6)]
    up, down = (breadth([_row(f"S{i}", sign * v) for i, v in enumerate(changes)]) for sign in (1, -1))
    assert (up.advancing, up.declining, up.neutral) == (down.declining, down.advancing, down.neutral)
    assert dispersion(np.array(changes)) == pytest.approx(dispersion(-np.array(changes)))


@given(st.permutations(range(6)))
def test_the_order_of_symbols_changes_nothing(order: list[int]) -> None:
    closes = _closes(11, n=6)
    shuffled = closes[:, order]
    assert above_ema50_pct(shuffled) == above_ema50_pct(closes)
    assert average_correlation(shuffled, order.index(0)) == pytest.approx(average_correlation(closes, 0), rel=1e-12)
    rows = [_row(f"S{i}USDT", float(i)) for i in range(6)]
    regimes = [_regime(row.symbol, 0.1 * i) for i, row in enumerate(rows)]
    here = market_overview(rows, regimes)
    there = market_overview([rows[i] for i in order], [regimes[i] for i in order])
    assert there.breadth == here.breadth
    assert (there.regime, there.market_sentiment) == (here.regime, here.market_sentiment)
    assert there.dispersion == pytest.approx(here.dispersion, rel=1e-12)
