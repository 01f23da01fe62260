"""The cone: quantiles of the closing return, the highest high and the lowest low over each horizon."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from virtuoso.analysis.block import Memory, Rows
from virtuoso.analysis.forecast.cones.closes import part_of_day, stride
from virtuoso.analysis.forecast.cones.conformal import ConformalQuantiles
from virtuoso.analysis.forecast.horizons import TAILS
from virtuoso.analysis.forecast.outcomes import Outcomes
from virtuoso.market.panel import Floats
from virtuoso.model.timeframe import Timeframe

SERIES: Final = ("close", "high", "low")


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Log returns from the entry [k, tail, t, n], one row a horizon, ascending over the tails of `TAILS`."""

    close: Floats
    high: Floats
    low: Floats


class Cone:
    """Scales conformal quantiles by the volatility forecast, and learns of what came as it becomes known.

    Args:
        memory: where the state of the rows is kept.
        base: the timeframe of the bars.
        horizons_min: minutes of each horizon, whole numbers of base bars.
        series: how many of `SERIES` are foreseen, from the first on.
    """

    def __init__(self, memory: Memory, base: Timeframe, horizons_min: Sequence[int], series: int = len(SERIES)) -> None:
        self._base_min, self._series = base.minutes, series
        self._horizons = [_Horizon(memory, base.minutes, minutes, series) for minutes in horizons_min]

    def step(self, number: int, rows: Rows, volatility: Floats, outcomes: Floats) -> Floats:
        """Take `t` closed bars, the first being bar `number`, without a gap since the last; quantiles at each close.

        Args:
            number: the first bar's number (open time over bar length).
            rows: the symbols.
            volatility: standard deviation of the return over each horizon as forecast at each close [k, t, n].
            outcomes: what is known at each close of the close a horizon before [k, series, t, n], log returns.

        Returns:
            Log returns [k, series, tail, t, n].
        """
        t, n = volatility.shape[1:]
        found = np.empty((len(self._horizons), self._series, len(TAILS), t, n))
        minutes = (number + 1 + np.arange(t)) * self._base_min
        for k, horizon in enumerate(self._horizons):
            first = 0
            for bar in np.flatnonzero(minutes % horizon.stride_min == 0).tolist():
                if first < bar:
                    found[k, :, :, first:bar] = horizon.at(int(minutes[first]), rows)
                horizon.learn(int(minutes[bar]), rows, volatility[k, bar], outcomes[k, :, bar])
                first = bar
            found[k, :, :, first:] = horizon.at(int(minutes[first]), rows)
        found *= volatility[:, None, None]
        return found

    def forget(self, rows: Rows) -> None:
        """Bars of `rows` are missing: what came of the forecasts before them will not be known."""
        for horizon in self._horizons:
            horizon.pending.reset(rows)

    def begin(self, pools: Mapping[int, Floats]) -> None:
        """Start from pooled scores [series, bins] that were counted elsewhere, by horizon in minutes."""
        for horizon in self._horizons:
            if horizon.minutes in pools:
                horizon.quantiles.begin(pools[horizon.minutes])

    def levels(self, rows: Rows) -> Floats:
        """How far the levels of `rows` have moved [level, n]: what each symbol has learnt of its own."""
        return np.concatenate([horizon.quantiles.levels.read(rows) for horizon in self._horizons])

    def recall(self, rows: Rows, levels: Floats) -> None:
        """Go on from such levels [level, n]; raises `ValueError` when they are of another make."""
        parts = [horizon.quantiles.levels for horizon in self._horizons]
        ends = np.cumsum([part.data.shape[0] for part in parts])
        if levels.shape[0] != ends[-1]:
            raise ValueError("the saved levels are of another make")
        for part, values in zip(parts, np.split(levels, ends[:-1]), strict=True):
            part.write(rows, values)

    def state(self) -> dict[str, Floats]:
        """Copies of what does not belong to a row."""
        return {f"{h.minutes}.{name}": array for h in self._horizons for name, array in h.quantiles.state().items()}

    def load(self, state: Mapping[str, Floats]) -> None:
        """Go on from a state; raises `ValueError` when it is of another make."""
        for horizon in self._horizons:
            horizon.quantiles.load(under(state, str(horizon.minutes)))


class _Horizon:
    """The quantiles of one horizon, and the volatilities whose outcomes are to come."""

    def __init__(self, memory: Memory, base_min: int, minutes: int, series: int) -> None:
        self.minutes = minutes
        self.stride_min = stride(base_min, minutes)
        self.quantiles = ConformalQuantiles(memory, horizon_min=minutes, stride_min=self.stride_min, series=series)
        self.pending = memory.table(minutes // self.stride_min)

    def at(self, minute: int, rows: Rows) -> Floats:
        """The quantiles at a close [series, tail, 1, n], in units of volatility."""
        return self.quantiles.quantiles(part_of_day(minute), rows)[:, :, None]

    def learn(self, minute: int, rows: Rows, volatility: Floats, outcomes: Floats) -> None:
        """Take the outcomes [series, n] known at a close, and keep the volatility [n] that is forecast at it."""
        close = minute // self.stride_min
        slot = close % self.pending.data.shape[0]
        with np.errstate(all="ignore"):
            scores = outcomes / self.pending.data[slot, rows]
        self.quantiles.learn(close, part_of_day(minute - self.minutes), rows, scores)
        self.pending.data[slot, rows] = volatility


def stacked(outcomes: Outcomes) -> Floats:
    """Outcomes as `Cone.step` takes them [k, series, t, n]."""
    return np.stack([outcomes.close, outcomes.high, outcomes.low], axis=1)


def apart(found: Floats) -> Quantiles:
    """What `Cone.step` answers, by series."""
    return Quantiles(*(found[:, i] for i in range(len(SERIES))))


def under(state: Mapping[str, Floats], name: str) -> dict[str, Floats]:
    """What of a state is saved under a name, without it."""
    return {key.removeprefix(f"{name}."): x for key, x in state.items() if key.startswith(f"{name}.")}
