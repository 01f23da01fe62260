"""What breadth is computed from, copied from the market state."""

import numpy as np
import pytest
from tests.support.market import MINUTE, START_MS, minute_bar

from virtuoso.analysis.breadth import EMA_WINDOW, new_extremes
from virtuoso.market.state import MarketState
from virtuoso.model.market import Bar, TickerUpdate
from virtuoso.model.timeframe import Timeframe
from virtuoso.monitor.market_history import market_history

M1, M5, M30 = Timeframe.M1, Timeframe.M5, Timeframe.M30
HALF_HOURS = 300
CLOSE_MS = START_MS + 40 * MINUTE
NAN = pytest.approx(np.nan, nan_ok=True)


def _half_hours(count: int) -> list[Bar]:
    """Half hours that end with the one before `START_MS`; each closes at its own number."""
    begin = START_MS - count * M30.ms
    return [Bar(begin + k * M30.ms, 1.0, 1e4, 0.5, 1000.0 - count + k, 1.0, 1.0) for k in range(count)]


def _market() -> MarketState:
    """A has all; B is young; C has not got the last half hour, nor a ticker; D has only minutes."""
    market = MarketState([M5, M30])
    for symbol, minutes, half_hours in (("A", 40, HALF_HOURS), ("B", 40, 20), ("C", 20, HALF_HOURS), ("D", 3, 0)):
        market.add(symbol)
        history = market[symbol].history
        history.load(M1, [minute_bar(k - 60, price=100.0) for k in range(60 + minutes)])
        if half_hours:
            history.load(M30, _half_hours(half_hours))
    for symbol in ("A", "B", "D"):
        ticker = TickerUpdate(last=138.0, high_24h=141.0, low_24h=39.0)
        market[symbol].ticker(CLOSE_MS, 0, ticker)
    return market


def test_closes_end_with_the_last_half_hour_for_all_symbols() -> None:
    history = market_history(_market(), ("B", "A", "C"), M30, CLOSE_MS)
    assert history.symbols == ("B", "A", "C")
    assert history.closes.shape == (EMA_WINDOW, 3)
    young, old, behind = history.closes.T
    assert old[-1] == young[-1] == 100.0 + 30  # aggregated from the minutes since
    assert np.isfinite(old).all()
    assert old[0] == 1000.0 - (EMA_WINDOW - 1)
    known = np.flatnonzero(np.isfinite(young))
    assert known.tolist() == list(range(EMA_WINDOW - known.size, EMA_WINDOW))
    assert known.size == 21
    assert np.isnan(behind[-1])
    assert behind[-2] == old[-2]


def test_a_later_close_is_not_looked_at() -> None:
    market = _market()
    now = market_history(market, ("A",), M30, CLOSE_MS).closes[:, 0]
    then = market_history(market, ("A",), M30, START_MS + 29 * MINUTE).closes[:, 0]
    np.testing.assert_array_equal(then[1:], now[:-1])
    long_ago = market_history(market, ("A", "B"), M30, START_MS - 200 * M30.ms).closes
    assert long_ago[-1, 0] == 1000.0 - 201
    assert np.isnan(long_ago[:, 1]).all()
    before_all = market_history(market, ("A",), M30, START_MS - (HALF_HOURS + 1) * M30.ms).closes
    assert np.isnan(before_all).all()


def test_the_last_hour_is_that_of_its_minutes_and_the_last_price() -> None:
    market = _market()
    history = market_history(market, ("A", "C", "D"), M30, CLOSE_MS)
    assert (history.hour_high[0], history.hour_low[0]) == (100.0 + 39 + 2, 100.0 - 20 - 1)
    assert (history.high_24h[0], history.low_24h[0]) == (141.0, 39.0)
    assert [a[1] for a in (history.high_24h, history.low_24h, history.hour_high, history.hour_low)] == [NAN] * 4
    assert (history.high_24h[2], history.hour_high[2], history.hour_low[2]) == (141.0, NAN, NAN)  # minutes missing
    assert new_extremes(history) == (1, 0)
    market["A"].ticker(CLOSE_MS, 0, TickerUpdate(last=150.0, high_24h=150.0))
    assert market_history(market, ("A",), M30, CLOSE_MS).hour_high[0] == 150.0
    market["A"].ticker(CLOSE_MS, 10**9, TickerUpdate(high_24h=141.0))
    for price in (75.0, 38.0):
        later_ns = 2 * 10**9 + int((75.0 - price) * 1e9)
        market["A"].ticker(CLOSE_MS, later_ns, TickerUpdate(last=price, low_24h=price))
    assert new_extremes(market_history(market, ("A",), M30, CLOSE_MS)) == (1, 1)
