"""Bars of an invented market for tests of forecasts: volatility that wanders, prices on a tick, holes on wish."""

from collections.abc import Iterator, Sequence

import numpy as np

from virtuoso.market.panel import BarBlock
from virtuoso.model.timeframe import Timeframe

FIRST_MS = 1_746_403_200_000
"""2025-05-05T00:00:00Z."""


def bars(
    count: int,
    symbols: int,
    *,
    seed: int = 1,
    holes: int = 0,
    first_ms: int = FIRST_MS,
    timeframe: Timeframe = Timeframe.M1,
    bp: float = 6.0,
) -> BarBlock:
    """`count` bars of some symbols that share half of their moves; `holes` bars of the first symbol are missing.

    `bp` is the volatility of a bar, in basis points; its log wanders by about a half.
    """
    rng = np.random.default_rng(seed)
    level = bp * 1e-4 * np.exp(0.5 * _wandering(rng, count, 1) + 0.3 * _wandering(rng, count, symbols))
    moves = level[..., None] * (rng.standard_normal((count, 1, 4)) + rng.standard_normal((count, symbols, 4))) / 8**0.5
    path = 100.0 * np.exp(np.cumsum(moves.transpose(1, 0, 2).reshape(symbols, -1), axis=1)).reshape(symbols, count, 4)
    path = np.round(path, 2).transpose(1, 0, 2)
    close = path[..., -1]
    opened = np.concatenate([np.full((1, symbols), 100.0), close[:-1]])
    prices = np.concatenate([opened[..., None], path], axis=2)
    volume = np.exp(rng.standard_normal((count, symbols)))
    arrays = {
        "open": opened, "high": prices.max(axis=2), "low": prices.min(axis=2), "close": close.copy(), "volume": volume,
        "turnover": volume * close, "buy_volume": volume * rng.uniform(size=volume.shape),
    }  # fmt: skip
    for hole in rng.choice(count, holes, replace=False):
        for array in arrays.values():
            array[hole, 0] = np.nan
    return BarBlock(
        timeframe=timeframe,
        rows=np.arange(symbols),
        open_ms=first_ms + timeframe.ms * np.arange(count, dtype=np.int64),
        **arrays,
    )


def pieces(block: BarBlock, lengths: Sequence[int]) -> Iterator[BarBlock]:
    """The block in pieces of these lengths."""
    at = 0
    for length in lengths:
        yield block.part(slice(at, at + length))
        at += length


def _wandering(rng: np.random.Generator, count: int, symbols: int) -> np.ndarray:
    """Series [count, symbols] of spread 1 that forget half of themselves in about 140 bars."""
    out = np.empty((count, symbols))
    value = rng.standard_normal(symbols)
    shocks = rng.standard_normal((count, symbols)) * np.sqrt(1 - 0.995**2)
    for k in range(count):
        value = 0.995 * value + shocks[k]
        out[k] = value
    return out
