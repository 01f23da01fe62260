"""Lets several readers of a run have its forecasts, though they are made once."""

from collections.abc import Callable, Sequence

from virtuoso.analysis.forecast.forecasts import Forecasts
from virtuoso.market.panel import BarBlock
from virtuoso.research.forecasting.walk import WalkForward
from virtuoso.research.seams import Seam


class SharedForecasts:
    """Forecasts each block once, for whoever asks first, and keeps that until the next block comes.

    `walk` makes the walk where somebody asks: bars of which there are no forecasts are scored without.
    """

    def __init__(self, walk: Callable[[], WalkForward]) -> None:
        self._make = walk
        self._walk: WalkForward | None = None
        self._block: BarBlock | None = None
        self._said: Sequence[Forecasts] = ()

    def __call__(self, block: BarBlock, seams: Sequence[Seam]) -> Sequence[Forecasts]:
        """Return the forecasts at all closes of a block, in order, in pieces of one fit each."""
        if block is not self._block:
            self._walk = self._walk or self._make()
            self._said, self._block = tuple(self._walk.forecasts(block, seams)), block
        return self._said
