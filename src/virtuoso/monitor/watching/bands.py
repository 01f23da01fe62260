"""Forecasts of the last close, cut into what the detectors of each symbol need."""

from collections.abc import Mapping, Sequence

import numpy as np

from virtuoso.alerts.fast.cones.bands import LARGE_MIN, TOUCH_MIN, Bands
from virtuoso.analysis.forecast.forecasts import Forecasts
from virtuoso.market.panel import Floats


def bands_of(forecasts: Forecasts, symbols: Sequence[str], prices: Floats) -> dict[str, Bands]:
    """By symbol, what the latest close (the last of `forecasts`) said.

    `symbols` and `prices` (of that close, quote units) are its columns [n]. Symbols without a price are left out.
    """
    close_ms = int(forecasts.close_ms[-1])
    low, high = _column(forecasts.low, TOUCH_MIN, 0), _column(forecasts.high, TOUCH_MIN, -1)
    chance, base, threshold = (
        _latest(of, LARGE_MIN)
        for of in (forecasts.large_move, forecasts.large_move_base, forecasts.large_move_threshold)
    )
    return {
        symbol: Bands(
            close_ms=close_ms, price=float(price), low=_known(low, i), high=_known(high, i),
            large_move=_known(chance, i), large_move_base=_known(base, i), large_move_threshold=_known(threshold, i),
        )
        for i, (symbol, price) in enumerate(zip(symbols, prices.tolist(), strict=True))
        if np.isfinite(price) and price > 0.0
    }  # fmt: skip


def _column(of: Mapping[int, Floats], horizon: int, tail: int) -> Floats | None:
    quantiles = of.get(horizon)
    return None if quantiles is None else quantiles[tail, -1]


def _latest(of: Mapping[int, Floats], horizon: int) -> Floats | None:
    values = of.get(horizon)
    return None if values is None else values[-1]


def _known(of: Floats | None, i: int) -> float | None:
    return None if of is None or not np.isfinite(of[i]) else float(of[i])
