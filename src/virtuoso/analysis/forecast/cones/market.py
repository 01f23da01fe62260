"""The market as a whole: its own cone, how much each symbol moves with it, and how many leave their bands at once.

The market's return is the mean of its symbols' log returns. Its cone is scaled by the mean of their volatilities, and
what they have in common is learnt with the quantiles.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from virtuoso.analysis.block import Memory, Rows
from virtuoso.analysis.forecast.cones.closes import stride
from virtuoso.analysis.forecast.cones.cone import Cone, under
from virtuoso.analysis.forecast.cones.together import BANDS, CountOutside
from virtuoso.market.panel import Floats, Ints
from virtuoso.model.timeframe import Timeframe

_BETA_HALF_LIFE_MIN: Final = 3 * 1440
_BETA_READY: Final = 0.2
"""Share of what beta remembers in the end that must be known: a day of its half-life of three."""
_ROW: Final = slice(0, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketForecasts:
    """Forecasts of the market at t closes, of n symbols; by horizon in minutes where they are mappings."""

    cone: Mapping[int, Floats]
    """Quantiles of the market's closing return [tail, t], log returns."""
    beta: Floats
    """Log return of each symbol that goes with one of the market, over the shortest horizon [t, n]."""
    at_least: Mapping[int, Floats]
    """P(at least k symbols end outside their band) [band, t, k = 0 …], of `together.BANDS`; `nan` beyond the number of
    symbols that have one."""


class Market:
    """Steps with the symbols' cones; rows that step late and alone change nothing of it.

    Args:
        base: the timeframe of the bars.
        horizons_min: minutes of each horizon, whole numbers of base bars, ascending.
    """

    def __init__(self, memory: Memory, base: Timeframe, horizons_min: Sequence[int]) -> None:
        self._base_min, self._horizons_min = base.minutes, tuple(horizons_min)
        self._strides = [stride(base.minutes, minutes) for minutes in horizons_min]
        self._outside = [
            CountOutside(memory, horizon_min=minutes, stride_min=each)
            for minutes, each in zip(horizons_min, self._strides, strict=True)
        ]
        self._beta = _Beta(memory, self._strides[0])
        self._own = Memory()
        self._cone = Cone(self._own, base, horizons_min, series=1)
        self._own.reserve(1)
        self._number = np.full(1, -np.inf)

    def step(
        self, number: int, rows: Rows, volatility: Floats, cone: Sequence[Floats], outcomes: Floats
    ) -> MarketForecasts | None:
        """Take `t` closed bars of the symbols from bar `number` on; `None` for rows that step late and alone.

        Args:
            number: the first bar's number (open time over bar length).
            rows: the symbols.
            volatility: standard deviation of the return over each horizon [k, t, n].
            cone: quantiles of the closing return that are issued at each close [tail, t, n], by horizon.
            outcomes: closing returns known at each close of the close a horizon before [k, t, n].
        """
        t = volatility.shape[1]
        seen = int(min(t, max(0.0, self._number[0] + 1 - number)))
        if 0 < seen < t:
            rest = [of[:, seen:] for of in cone]
            later = self.step(number + seen, rows, volatility[:, seen:], rest, outcomes[:, seen:])
            return None if later is None else _behind(later, seen)
        new = seen == 0
        if new:
            if number > self._number[0] + 1:
                self._cone.forget(_ROW)
                for outside in self._outside:
                    outside.forget()
            self._number[0] = number + t - 1
        minutes = (number + 1 + np.arange(t)) * self._base_min
        at_least = [self._together(k, minutes, rows, cone[k], outcomes[k], new=new) for k in range(len(self._strides))]
        market = _mean(outcomes) if new else np.full(outcomes.shape[:2], np.nan)
        beta = self._beta.step(minutes, rows, outcomes[0], market[0])
        if not new:
            return None
        own = self._cone.step(number, _ROW, _mean(volatility)[..., None], market[:, None, :, None])
        return MarketForecasts(
            cone=dict(zip(self._horizons_min, own[:, 0, :, :, 0], strict=True)),
            beta=beta,
            at_least=dict(zip(self._horizons_min, at_least, strict=True)),
        )

    def begin(self, multiples: Floats) -> None:
        """Start the market's cone as `Cone.begin` does; counts of symbols outside at once are its own to learn."""
        self._cone.begin(multiples)

    def multiples(self) -> Floats:
        """The quantiles of the multiples of its cone [k, 1, level]."""
        return self._cone.multiples()

    def state(self) -> dict[str, Floats]:
        """Copies of what does not belong to a row of the symbols."""
        found = {f"cone.{name}": array for name, array in self._cone.state().items()}
        found |= {f"own.{name}": array for name, array in self._own.state().items()}
        for minutes, outside in zip(self._horizons_min, self._outside, strict=True):
            found |= {f"{minutes}.{name}": array for name, array in outside.state().items()}
        return found | {"number": self._number.copy()}

    def load(self, state: Mapping[str, Floats]) -> None:
        """Go on from a state; raises `ValueError` when it is of another make."""
        if "number" not in state:
            raise ValueError("the saved market is of another make")
        self._cone.load(under(state, "cone"))
        self._own.load(under(state, "own"))
        for minutes, outside in zip(self._horizons_min, self._outside, strict=True):
            outside.load(under(state, str(minutes)))
        self._number = np.array(state["number"])

    def _together(self, k: int, minutes: Ints, rows: Rows, cone: Floats, outcomes: Floats, *, new: bool) -> Floats:
        """P(at least so many outside) at each close [band, t, count]."""
        outside, found, first = self._outside[k], [], 0
        for bar in np.flatnonzero(minutes % self._strides[k] == 0).tolist():
            if first < bar:
                found.append((bar - first, outside.at_least()))
            outside.learn(int(minutes[bar]) // self._strides[k], rows, outcomes[bar], cone[:, bar], new=new)
            first = bar
        found.append((minutes.size - first, outside.at_least()))
        out = np.full((len(BANDS), minutes.size, max(part.shape[1] for _, part in found)), np.nan)
        first = 0
        for bars, part in found:
            out[:, first : first + bars, : part.shape[1]] = part[:, None]
            first += bars
        return out


class _Beta:
    """Exponentially weighted regression through the origin of each symbol's return on the market's."""

    def __init__(self, memory: Memory, stride_min: int) -> None:
        self._stride_min = stride_min
        self._kept = 0.5 ** (stride_min / _BETA_HALF_LIFE_MIN)
        self._sums = memory.table(3, 0.0)
        """Of both returns' product, the market's square, and of how much is known: 1 in the end."""

    def step(self, minutes: Ints, rows: Rows, returns: Floats, market: Floats) -> Floats:
        """Take returns [t, n] and the market's [t]; betas [t, n], `nan` until a day is known."""
        out = np.empty(returns.shape)
        first = 0
        for bar in np.flatnonzero(minutes % self._stride_min == 0).tolist():
            out[first:bar] = self._read(rows)
            known = np.isfinite(returns[bar]) & np.isfinite(market[bar])
            seen = np.stack([returns[bar] * market[bar], np.broadcast_to(market[bar] ** 2, known.shape), known])
            sums = self._sums.read(rows)
            # a close without outcome is left out, not forgotten for
            self._sums.write(rows, np.where(known, sums + (1.0 - self._kept) * (seen - sums), sums))
            first = bar
        out[first:] = self._read(rows)
        return out

    def _read(self, rows: Rows) -> Floats:
        product, square, known = self._sums.read(rows)
        out: Floats = np.full(product.shape, np.nan)
        np.divide(product, square, out=out, where=(known >= _BETA_READY) & (square > 0))
        return out


def _behind(later: MarketForecasts, closes: int) -> MarketForecasts:
    """The forecasts with so many closes before them of which nothing is said anew."""

    def padded(x: Floats, axis: int) -> Floats:
        return np.pad(x, [(closes if i == axis else 0, 0) for i in range(x.ndim)], constant_values=np.nan)

    return MarketForecasts(
        cone={minutes: padded(x, 1) for minutes, x in later.cone.items()},
        beta=padded(later.beta, 0),
        at_least={minutes: padded(x, 1) for minutes, x in later.at_least.items()},
    )


def _mean(x: Floats) -> Floats:
    """Mean over the symbols [k, t] of what is known of x [k, t, n]; `nan` where that is less than half of them."""
    known = np.isfinite(x)
    count = known.sum(axis=2)
    out: Floats = np.full(count.shape, np.nan)
    np.divide(np.where(known, x, 0.0).sum(axis=2), count, out=out, where=(count > 0) & (2 * count >= x.shape[2]))
    return out
