"""What breadth is computed from, copied from the market state for one close."""

from collections.abc import Sequence

import numpy as np

from virtuoso.analysis.breadth import EMA_WINDOW, HOUR_MINUTES, MarketHistory
from virtuoso.market.series import CLOSE, HIGH, LOW
from virtuoso.market.state import MarketState
from virtuoso.model.timeframe import Timeframe
from virtuoso.monitor.containment import Contained

_BREADTH = "its part in breadth"


def market_history(
    market: MarketState,
    symbols: Sequence[str],
    timeframe: Timeframe,
    close_ms: int,
    contained: Contained | None = None,
) -> MarketHistory:
    """Closes of `timeframe` and extremes of `symbols`, as known at the base close `close_ms`.

    A symbol without the last close of `timeframe`, or without a minute of the last hour, is `nan` there; so is one that
    raises, where `contained` takes that.
    """
    n = len(symbols)
    closes = np.full((n, EMA_WINDOW), np.nan)
    high_24h, low_24h, last = (np.full(n, np.nan) for _ in range(3))
    highs, lows = np.full((n, HOUR_MINUTES), np.nan), np.full((n, HOUR_MINUTES), np.nan)
    newest_ms = timeframe.floor(close_ms)

    def fill(i: int, symbol: str) -> None:
        state = market[symbol]
        begin_ms, bars = state.history.series[timeframe].since(newest_ms - EMA_WINDOW * timeframe.ms)
        skip = min(EMA_WINDOW, EMA_WINDOW - (newest_ms - begin_ms) // timeframe.ms)
        held = bars[: EMA_WINDOW - skip, CLOSE]
        closes[i, skip : skip + held.size] = held
        values = state.stats.values
        high_24h[i], low_24h[i], last[i] = values["high_24h"], values["low_24h"], values["last"]  # None becomes nan
        hour = state.history.base.window(close_ms - HOUR_MINUTES * Timeframe.M1.ms, HOUR_MINUTES)
        if hour is not None:
            highs[i], lows[i] = hour[:, HIGH], hour[:, LOW]

    for i, symbol in enumerate(symbols):
        if contained is None:
            fill(i, symbol)
        else:
            contained.attempt(symbol, _BREADTH, fill, i, symbol)
    return MarketHistory(
        symbols=tuple(symbols),
        closes=closes.T,
        high_24h=high_24h,
        low_24h=low_24h,
        hour_high=np.maximum(last, highs.max(axis=1)),
        hour_low=np.minimum(last, lows.min(axis=1)),
    )
