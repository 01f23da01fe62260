"""The exponential mean: a missing value begins it anew, however the bars come."""

import numpy as np
import pytest

from virtuoso.analysis.block import Ema, Memory
from virtuoso.market.panel import Floats

ROWS = slice(0, 3)


def plain(x: Floats, alpha: float) -> Floats:
    """By its definition, one row and one bar after the other."""
    out = np.empty(x.shape)
    for row, values in enumerate(x.T):
        mean, count = np.nan, 0.0
        for k, value in enumerate(values):
            count = count + 1.0 if np.isfinite(mean) else 1.0
            mean = mean + max(alpha, 1.0 / count) * (value - mean) if count > 1.0 else value
            out[k, row] = mean
    return out


@pytest.mark.parametrize("size", [1, 2, 7, 32, 200])
@pytest.mark.parametrize("bars", [1, 14, 55])
def test_blocks_of_any_size_say_what_the_definition_says(size: int, bars: int) -> None:
    """Also where a missing value is the last of a block, or comes when a row is past its beginning."""
    x = np.random.default_rng(3).normal(size=(200, 3))
    x[[0, 6, 31, 32, 90, 127, 159], [0, 1, 2, 0, 1, 2, 0]] = np.nan
    memory = Memory()
    mean = Ema.wilder(memory, bars)
    memory.reserve(3)
    found = np.concatenate([mean.step(ROWS, x[k : k + size]) for k in range(0, 200, size)])
    np.testing.assert_array_equal(found, plain(x, 1 / bars))
