"""The cone: quantiles of the closing return, the highest high and the lowest low over each horizon."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.block import Memory, Rows
from virtuoso.analysis.forecast.cones.closes import moment, stride
from virtuoso.analysis.forecast.cones.conformal import ConformalQuantiles
from virtuoso.analysis.forecast.cones.within_hour import WithinHour
from virtuoso.analysis.forecast.horizons import TAILS
from virtuoso.analysis.forecast.outcomes import Outcomes
from virtuoso.market.panel import Floats, Ints
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
            learnt = minutes % horizon.stride_min == 0
            begins = [0] if t == 1 else _begins(moment(minutes, horizon.minutes), learnt)
            for bar, end in zip(begins, [*begins[1:], t], strict=True):
                if learnt[bar]:
                    horizon.learn(int(minutes[bar]), rows, volatility[k, bar], outcomes[k, :, bar])
                horizon.at(minutes[bar:end], rows, found[k, :, :, bar:end])
        found *= volatility[:, None, None]
        return found

    def forget(self, rows: Rows) -> None:
        """Bars of `rows` are missing: what came of the forecasts before them will not be known."""
        for horizon in self._horizons:
            horizon.pending.reset(rows)

    def begin(self, multiples: Floats) -> None:
        """Start from quantiles of multiples that were counted elsewhere [k, series, level of `conformal.LEVELS`]."""
        for horizon, of in zip(self._horizons, multiples, strict=True):
            horizon.quantiles.begin(of)

    def multiples(self) -> Floats:
        """The quantiles of the multiples that were counted [k, series, level of `conformal.LEVELS`]."""
        return np.stack([horizon.quantiles.multiples() for horizon in self._horizons])

    def state(self) -> dict[str, Floats]:
        """Copies of what does not belong to a row."""
        found: dict[str, Floats] = {}
        for each in self._horizons:
            parts = each.quantiles.state() | each.within_hour.state()
            found |= {f"{each.minutes}.{name}": array for name, array in parts.items()}
        return found

    def load(self, state: Mapping[str, Floats]) -> None:
        """Go on from a state; raises `ValueError` when it is of another make."""
        for horizon in self._horizons:
            own = under(state, str(horizon.minutes))
            horizon.quantiles.load(own)
            horizon.within_hour.load(own)


class _Horizon:
    """The quantiles of one horizon, and the volatilities whose outcomes are to come."""

    def __init__(self, memory: Memory, base_min: int, minutes: int, series: int) -> None:
        self.minutes = minutes
        self.stride_min = stride(base_min, minutes)
        self.quantiles = ConformalQuantiles(memory, horizon_min=minutes, stride_min=self.stride_min, series=series)
        self.within_hour = WithinHour(self.stride_min)
        self.pending = memory.table(minutes // self.stride_min)

    def at(self, minutes: Ints, rows: Rows, out: Floats) -> None:
        """Write the quantiles at closes [t] of one moment into [series, tail, t, n], in units of volatility."""
        found = self.quantiles.quantiles(self._moment(minutes), rows)
        np.multiply(found[:, :, None], self.within_hour.factor(minutes)[:, None], out=out)

    def learn(self, minute: int, rows: Rows, volatility: Floats, outcomes: Floats) -> None:
        """Take the outcomes [series, n] known at a close, and keep the volatility [n] that is forecast at it."""
        close = minute // self.stride_min
        slot = close % self.pending.data.shape[0]
        made = np.array([minute - self.minutes])
        with np.errstate(all="ignore"):
            multiples = outcomes / self.pending.data[slot, rows]
        if self.quantiles.learn(close, self._moment(made), rows, multiples):
            size = np.abs(multiples[:, np.isfinite(multiples).all(axis=0)]).mean()
            self.within_hour.learn(int(made[0]), float(size * self.within_hour.factor(made)[0]))
        self.pending.data[slot, rows] = volatility * self.within_hour.factor(np.array([minute]))

    def _moment(self, minutes: Ints) -> int:
        return int(moment(minutes[:1], self.minutes)[0])


def _begins(moments: Ints, learnt: NDArray[np.bool_]) -> list[int]:
    """Where closes begin between which neither the moment changes nor anything is learnt."""
    turns = np.diff(moments) != 0
    begins: list[int] = np.flatnonzero(np.concatenate([[True], turns | learnt[1:]])).tolist()
    return begins


def stacked(outcomes: Outcomes) -> Floats:
    """Outcomes as `Cone.step` takes them [k, series, t, n]."""
    return np.stack([outcomes.close, outcomes.high, outcomes.low], axis=1)


def apart(found: Floats) -> Quantiles:
    """What `Cone.step` answers, by series."""
    return Quantiles(*(found[:, i] for i in range(len(SERIES))))


def under(state: Mapping[str, Floats], name: str) -> dict[str, Floats]:
    """What of a state is saved under a name, without it."""
    return {key.removeprefix(f"{name}."): x for key, x in state.items() if key.startswith(f"{name}.")}
