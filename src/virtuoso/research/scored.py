"""Holds what a backtest says of a block of bars."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.component import Factor, Feed
from virtuoso.analysis.history import History
from virtuoso.analysis.regimes.regime import REGIMES
from virtuoso.market.panel import Floats, Ints
from virtuoso.model.timeframe import Timeframe


@dataclass(frozen=True, slots=True)
class Readings:
    """The columns that every reading of a run has.

    `components` are named `factor.component.timeframe`, without a timeframe where the factor has none.
    """

    symbols: tuple[str, ...]
    factors: tuple[str, ...]
    timeframes: tuple[str, ...]
    components: tuple[str, ...]

    @classmethod
    def of(cls, symbols: Iterable[str], factors: Sequence[Factor], timeframes: Sequence[Timeframe]) -> "Readings":
        """The columns of an engine with these factors and timeframes."""
        of_bars = any(factor.feed is Feed.BARS for factor in factors)
        frames = tuple(timeframe.value for timeframe in timeframes) if of_bars else ()
        return cls(
            symbols=tuple(symbols),
            factors=tuple(factor.name for factor in factors),
            timeframes=frames,
            components=tuple(
                ".".join(filter(None, (factor.name, component.name, frame)))
                for factor in factors
                for frame in (frames if factor.feed is Feed.BARS else ("",))
                for component in factor.components
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredBlock:
    """The readings of `t` consecutive closes for `n` symbols, `nan` for unknown.

    Shapes: `close_ms` [t] (epoch ms); the rest [t, n]. `present` says where a symbol had a closed base bar: only
    there is a reading. `band` is −1 stretched down, 0 balanced, 1 stretched up, 2 unknown,
    `bridged` the same with short unknown gaps bridged; `score`, each of `factors` and each timeframe alone (`frames`)
    are score points in [0, 100];
    `agreement` and `coverage` in [0, 1]. `regime` is the place in `REGIMES` of the one that is held, `probabilities`
    are those of each in [0, 1]; `components` are in [−1, 1], after their modifiers.
    """

    close_ms: Ints
    symbols: tuple[str, ...]
    present: NDArray[np.bool_]
    band: NDArray[np.int8]
    bridged: NDArray[np.int8]
    score: Floats
    agreement: Floats
    coverage: Floats
    factors: Mapping[str, Floats]
    frames: Mapping[str, Floats]
    regime: Floats
    probabilities: Mapping[str, Floats]
    components: Mapping[str, Floats]

    @classmethod
    def of(cls, history: History, readings: Readings) -> "ScoredBlock":
        """The readings of a history of these columns."""
        shape = history.score.shape
        parts = [values.reshape(-1, *shape) for values in (arrays.value for arrays in history.columns)]
        return cls(
            close_ms=history.close_ms,
            symbols=readings.symbols,
            present=history.present,
            band=history.band,
            bridged=history.bridged,
            score=history.score,
            agreement=history.agreement,
            coverage=history.coverage,
            factors=history.factors,
            frames=dict(zip(readings.timeframes, _points(history.total.frames.reshape(-1, *shape)), strict=True)),
            regime=history.regime,
            probabilities=dict(zip((regime.value for regime in REGIMES), history.probabilities, strict=True)),
            components=dict(zip(readings.components, (array for part in parts for array in part), strict=True)),
        )


def _points(x: Floats) -> Floats:
    return 50.0 * (1.0 + x)
