"""Walk forward over blocks of bars: forecast every close by fits to what was known, and join what came of it."""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from virtuoso.analysis.block import Memory
from virtuoso.analysis.forecast.costs import GATE_COST_BP, BarCosts
from virtuoso.analysis.forecast.fits.fit import Fit, fitted
from virtuoso.analysis.forecast.forecaster import ADOPTED_AFTER_MS, Forecaster, refit_due
from virtuoso.analysis.forecast.forecasts import Forecasts
from virtuoso.analysis.forecast.horizons import HORIZONS_MIN, bars_ahead
from virtuoso.analysis.forecast.outcomes import Outcomes
from virtuoso.market.panel import BarBlock, Floats
from virtuoso.model.timeframe import Timeframe
from virtuoso.research.seams import Seam


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastBlock:
    """Forecasts of t closes of n symbols and what followed each, by horizon [3, t, n]; `nan` where the file ends first.

    `outcomes` are log returns to the entry, `realised` log realised volatilities over the horizon.
    """

    symbols: tuple[str, ...]
    forecasts: Forecasts
    outcomes: Outcomes
    realised: Floats


class WalkForward:
    """Runs a `Forecaster` over blocks of bars, with a refit at every 00:00 UTC, adopted five minutes later.

    Forecasts begin with the first fit that two days of samples allow, unless a fit is given that saw only what was
    before. What has not been said is `nan`.

    Args:
        symbols: the columns of every block.
        base: the timeframe of the bars.
        cost_bp: of a round trip; `None` takes two fees and the spread that the bars show (`costs.BarCosts`).
        start: a fit to begin with; it is left aside when it has seen anything at or after the first bar.
        prior: a fit that those of each day are shrunk to; it is left aside when it has seen anything of their samples.
    """

    def __init__(
        self,
        symbols: Sequence[str],
        base: Timeframe,
        cost_bp: float | None = GATE_COST_BP,
        start: Fit | None = None,
        prior: Fit | None = None,
    ) -> None:
        self.forecaster = Forecaster(base)
        self._symbols, self._base, self._cost_bp = tuple(symbols), base, cost_bp
        self._start, self._prior = start, prior
        for row, symbol in enumerate(self._symbols):
            self.forecaster.add(symbol, row)
        self._memory = Memory()
        self._costs = BarCosts(self._memory, base)
        self._memory.reserve(len(self._symbols))
        self._next: Fit | None = None
        self._begun = False

    def blocks(self, blocks: Iterable[BarBlock], seams: Sequence[Seam] = ()) -> Iterator[ForecastBlock]:
        """Forecast every close; what is yielded lies a longest horizon behind what was read.

        Each block follows the one before without a gap (missing bars are `nan`). Those that come out are shorter: none
        goes over a refit, an adoption or a seam. `seams` may grow: those in a block are in it when the block comes.
        """
        ahead = [bars_ahead(minutes, self._base) for minutes in HORIZONS_MIN]
        waiting: deque[Forecasts] = deque()
        held = 0
        for block in blocks:
            for said in self.forecasts(block, seams):
                waiting.append(said)
                held += said.close_ms.size
                while held - waiting[0].close_ms.size >= ahead[-1]:
                    yield self._joined(waiting, ahead)
                    held -= waiting.popleft().close_ms.size
        while waiting:
            yield self._joined(waiting, ahead)
            waiting.popleft()

    def forecasts(self, block: BarBlock, seams: Sequence[Seam] = ()) -> Iterator[Forecasts]:
        """Forecast the closes of a block, in pieces of one fit each; a symbol with a seam in it begins anew."""
        closes = block.open_ms + self._base.ms
        if not self._begun:
            self._begun = True
            if self._start is not None and self._start.last_ms < int(block.open_ms[0]):
                self.forecaster.adopt(self._start)
        after = closes - ADOPTED_AFTER_MS
        refits = [k + 1 for k, close_ms in enumerate(closes.tolist()) if refit_due(close_ms)]
        adoptions = [k for k, close_ms in enumerate(after.tolist()) if refit_due(close_ms)]
        begun: dict[int, list[Seam]] = defaultdict(list)
        for seam in seams:
            if int(block.open_ms[0]) <= seam.open_ms < int(closes[-1]):
                begun[(seam.open_ms - int(block.open_ms[0])) // self._base.ms].append(seam)
        for begin, end in pairwise(sorted({0, *refits, *adoptions, *begun, closes.size})):
            for seam in begun.get(begin, ()):
                self.forecaster.add(seam.symbol, seam.column)
                self._memory.reset(slice(seam.column, seam.column + 1))
            if refit_due(int(after[begin])) and self._next is not None:
                self.forecaster.adopt(self._next)
            yield self._said(block.part(slice(begin, end)))
            if refit_due(int(closes[end - 1])):
                self._next = fitted(self.forecaster.training_set(int(closes[end - 1])), self._prior)

    def _said(self, block: BarBlock) -> Forecasts:
        if self._cost_bp is not None:
            return self.forecaster.step(block, np.full(block.close.shape, self._cost_bp))
        number = int(block.open_ms[0]) // self._base.ms
        return self.forecaster.step(block, self._costs.step(number, slice(0, len(self._symbols)), block))

    def _joined(self, waiting: Sequence[Forecasts], ahead: Sequence[int]) -> ForecastBlock:
        """Join the first of the forecasts that wait with what came by the closes of those behind it."""
        first = waiting[0]
        count = first.close_ms.size
        found = []
        for known in ([each.outcomes.close for each in waiting], [each.outcomes.high for each in waiting],
                      [each.outcomes.low for each in waiting], [each.realised for each in waiting]):  # fmt: skip
            ended = np.concatenate(known, axis=1)
            lack = max(0, count + ahead[-1] - ended.shape[1])
            ended = np.concatenate([ended, np.full((len(ended), lack, ended.shape[2]), np.nan)], axis=1)
            found.append(np.stack([ended[i, bars : bars + count] for i, bars in enumerate(ahead)]))
        return ForecastBlock(
            symbols=self._symbols, forecasts=first, outcomes=Outcomes(*found[:3]), realised=found[3],
        )  # fmt: skip
