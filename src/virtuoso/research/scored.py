"""What a backtest says of a block of bars."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from virtuoso.market.panel import Floats, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredBlock:
    """The readings of `t` consecutive closes for `n` symbols, `nan` for unknown.

    Shapes: `close_ms` [t] (epoch ms); the rest [t, n]. `present` says where a symbol had a closed base bar: only
    there is a reading. `label` is −1 SELL, 0 HOLD, 1 BUY, 2 unknown, `bridged` the same with short unknown gaps
    bridged; `score` and each of `factors` are score points in [0, 100];
    `confidence` and `coverage` in [0, 1].
    """

    close_ms: Ints
    symbols: tuple[str, ...]
    present: NDArray[np.bool_]
    label: NDArray[np.int8]
    bridged: NDArray[np.int8]
    score: Floats
    confidence: Floats
    coverage: Floats
    factors: Mapping[str, Floats]
