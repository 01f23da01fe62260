"""Samples readings of a set of bars, with what followed them, so that months fit into memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.bands import UNKNOWN, is_stretched
from virtuoso.analysis.block import Memory
from virtuoso.analysis.forecast.costs import BarCosts, TickFinder
from virtuoso.analysis.forecast.horizons import OUTCOME_HORIZONS_MIN, bars_ahead
from virtuoso.analysis.forecast.outcomes import OutcomeTracker
from virtuoso.analysis.history import History
from virtuoso.market.panel import BarBlock, Floats, Ints
from virtuoso.model.timeframe import Timeframe
from virtuoso.research.seams import Seam, begun

Sampled = NDArray[np.float32]
Codes = NDArray[np.int8]
STEP_MIN: Final = 5
"""Minutes between the closes that are sampled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """Readings at sampled closes: arrays [t, n] of float32, `nan` for unknown.

    `score` and `factors` are points in [0, 100]; `band` is −1 stretched down, 0 balanced, 1 stretched up, 2 unknown;
    `entered` is the side of a stretch that began at this close or at one of the base closes since the sample before, 0
    for none; `regime` is the place in `REGIMES`, −1 for unknown. `components` are [c, t, n] in [−1, 1], by
    `component_names`.
    """

    close_ms: Ints
    score: Sampled
    band: Codes
    entered: Codes
    regime: Codes
    factors: Mapping[str, Sampled]
    component_names: tuple[str, ...]
    components: Sampled

    def since(self, close_ms: Ints) -> "Readings":
        """Return those at the closes `close_ms`, which are the last of these."""
        kept = slice(self.close_ms.size - close_ms.size, None)
        return replace(
            self,
            close_ms=self.close_ms[kept],
            score=self.score[kept],
            band=self.band[kept],
            entered=self.entered[kept],
            regime=self.regime[kept],
            factors={name: score[kept] for name, score in self.factors.items()},
            components=self.components[:, kept],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """What followed the sampled closes, by horizon in minutes: arrays [t, n], `nan` where a bar of the way is missing.

    `close`, `high` and `low` are log returns from the entry, the open of the next base bar; `realised` is the root of
    the sum of squared returns of base bars from the close on, those of 0 floored at half a tick. `past` is the log
    return over the horizon up to the close and `step` that since the sample before, both known then. `cost_bp` is the
    proxy of a round trip's cost.
    """

    close_ms: Ints
    close: Mapping[int, Sampled]
    high: Mapping[int, Sampled]
    low: Mapping[int, Sampled]
    realised: Mapping[int, Sampled]
    past: Mapping[int, Sampled]
    step: Sampled
    cost_bp: Sampled

    def since(self, since_ms: int) -> "Followed":
        """What followed the closes after `since_ms` (epoch ms)."""
        kept = slice(int(np.searchsorted(self.close_ms, since_ms, side="right")), None)
        by_horizon = ("close", "high", "low", "realised", "past")
        return Followed(
            close_ms=self.close_ms[kept],
            step=self.step[kept],
            cost_bp=self.cost_bp[kept],
            **{name: {h: x[kept] for h, x in getattr(self, name).items()} for name in by_horizon},
        )


class ReadingsSampler:
    """Takes the history of scores piece by piece; keeps the closes that lie on the grid of `step_min`.

    Args:
        step_min: minutes between samples, a multiple of the base bar.
        components: whether the components are kept.
    """

    def __init__(self, step_min: int = STEP_MIN, *, components: bool = True) -> None:
        self._step_ms = step_min * Timeframe.M1.ms
        self._components = components
        self._names: tuple[str, ...] = ()
        self._factor_names: tuple[str, ...] = ()
        self._parts: list[tuple[Ints, Sampled, Codes, Codes, Codes, Sampled, Sampled]] = []
        self._entries: _Entries | None = None

    def add(self, history: History) -> None:
        """Sample the piece of history that follows the last one."""
        n = history.score.shape[1]
        if self._entries is None:
            self._entries = _Entries(n)
            self._names, self._factor_names = component_names(history), tuple(history.factors)
        at = np.flatnonzero(history.close_ms % self._step_ms == 0)
        entered = self._entries.up_to(history.bridged, at)
        values = component_values(history)[:, at] if self._components else np.empty((0, at.size, n))
        factors = np.stack([history.factors[name][at] for name in self._factor_names])
        self._parts.append(
            (
                history.close_ms[at],
                history.score[at].astype(np.float32),
                history.bridged[at],
                entered,
                np.where(np.isfinite(history.regime[at]), history.regime[at], -1).astype(np.int8),
                factors.astype(np.float32),
                values.astype(np.float32),
            )
        )

    def readings(self) -> Readings:
        """Return the readings at the sampled closes of all pieces, joined."""
        close_ms, score, band, entered, regime, factors, values = zip(*self._parts, strict=True)
        whole = np.concatenate(factors, axis=1)
        return Readings(
            close_ms=np.concatenate(close_ms),
            score=np.concatenate(score),
            band=np.concatenate(band),
            entered=np.concatenate(entered),
            regime=np.concatenate(regime),
            factors=dict(zip(self._factor_names, whole, strict=True)),
            component_names=self._names if self._components else (),
            components=np.concatenate(values, axis=1),
        )


class _Entries:
    """Remembers which signals began since the last sample."""

    def __init__(self, symbols: int) -> None:
        self._last = np.full(symbols, np.int8(UNKNOWN))
        self._pending = np.zeros(symbols, np.int8)

    def up_to(self, bridged: Codes, at: Ints) -> Codes:
        """The last side that was entered up to each sampled close [s, n]; `bridged` [t, n] are all that followed."""
        found = np.zeros((at.size, bridged.shape[1]), np.int8)
        sampled = 0
        for k, band in enumerate(bridged):
            begun = is_stretched(band) & (band != self._last)
            self._pending = np.where(begun, band, self._pending)
            self._last = band
            if sampled < at.size and at[sampled] == k:
                found[sampled], self._pending = self._pending, np.zeros_like(self._pending)
                sampled += 1
        return found


class FollowedSampler:
    """Takes blocks of base bars; keeps what followed the closes that lie on the grid of `step_min`.

    Args:
        symbols: how many columns the blocks have.
        base: the timeframe of the bars.
        step_min: minutes between samples, a multiple of the base bar.
    """

    def __init__(self, symbols: int, base: Timeframe = Timeframe.M1, step_min: int = STEP_MIN) -> None:
        self._base = base
        self._step_min = max(step_min, base.minutes)
        self._horizons = tuple(h for h in OUTCOME_HORIZONS_MIN if h % self._step_min == 0)
        self._memory = memory = Memory()
        self._bars = [bars_ahead(h, base) for h in self._horizons]
        self._tracker = OutcomeTracker(memory, self._bars)
        self._tick = TickFinder(memory, base)
        self._costs = BarCosts(memory, base)
        memory.reserve(symbols)
        self._rows = slice(0, symbols)
        self._number = 0
        self._close = np.full((1, symbols), np.nan)
        self._carried = np.zeros((2, symbols))
        self._contract = np.zeros(symbols, np.int64)
        self._parts: list[tuple[Ints, Sampled, Floats, Floats, Ints, Sampled]] = []

    def add(self, block: BarBlock, seams: Sequence[Seam] = ()) -> None:
        """Take the block that follows, without a gap.

        A symbol whose contract changed with the first of the bars begins anew: no return goes over that.
        """
        anew = begun(seams, block)
        self._memory.reset(anew)
        self._close[:, anew] = np.nan
        self._contract[anew] += 1
        known = self._tracker.step(self._number, self._rows, block)
        tick = self._tick.step(self._number, self._rows, block)
        cost = self._costs.step(self._number, self._rows, block)
        self._number += block.open_ms.size
        closes = np.concatenate([self._close, block.close])
        self._close = closes[-1:]
        with np.errstate(all="ignore"):
            returns = np.log(closes[1:] / closes[:-1])
            least = 0.5 * tick / block.close
        squares = np.fmax(returns, np.where(returns == 0, least, np.abs(returns))) ** 2
        squares = np.where(np.isnan(returns), np.nan, squares)
        sums = np.cumsum(np.stack([np.where(np.isnan(squares), 0.0, squares), np.isnan(squares)]), axis=1)
        sums += self._carried[:, None]
        self._carried = sums[:, -1]
        close_ms = block.open_ms + self._base.ms
        at = np.flatnonzero(close_ms % (self._step_min * Timeframe.M1.ms) == 0)
        outcomes = np.stack([known.close[:, at], known.high[:, at], known.low[:, at]]).astype(np.float32)
        contract = np.tile(self._contract, (at.size, 1))
        close = np.log(block.close[at])
        self._parts.append((close_ms[at], outcomes, sums[:, at], close, contract, cost[at].astype(np.float32)))

    def followed(self) -> Followed:
        """Return what followed each sampled close, `nan` where the blocks end too early to tell."""
        times, outcomes, sums, closes, contracts, costs = zip(*self._parts, strict=True)
        total, close, contract = np.concatenate(sums, axis=1), np.concatenate(closes), np.concatenate(contracts)
        whole = np.concatenate(outcomes, axis=2)
        ahead = {h: h // self._step_min for h in self._horizons}
        back = [{h: _moved_back(x[k], ahead[h]) for k, h in enumerate(self._horizons)} for x in whole]
        settled = {h: _settled(total, rows) for h, rows in ahead.items()}
        return Followed(
            close_ms=np.concatenate(times),
            close=back[0],
            high=back[1],
            low=back[2],
            realised={h: _moved_back(settled[h], rows) for h, rows in ahead.items()},
            past={h: _since(close, contract, rows) for h, rows in ahead.items()},
            step=_since(close, contract, 1),
            cost_bp=np.concatenate(costs),
        )


def component_names(history: History) -> tuple[str, ...]:
    """Name the components, `factor.component@timeframe`, in the order of `component_values`."""
    return tuple(
        f"{arrays.factor.name}.{component.name}" + ("" if timeframe is None else f"@{timeframe}")
        for arrays in history.columns
        for timeframe, component in product(arrays.timeframes, arrays.factor.components)
    )


def component_values(history: History) -> Floats:
    """Stack the values [c, t, n] of every component of every timeframe, after its modifiers."""
    shape = history.score.shape
    return np.concatenate([arrays.value.reshape(-1, *shape) for arrays in history.columns])


def _moved_back(known: NDArray[np.floating], rows: int) -> Sampled:
    """Shift what was known `rows` later to the row it is about."""
    out = np.full(known.shape, np.nan, np.float32)
    out[:-rows] = known[rows:]
    return out


def _settled(total: Floats, rows: int) -> Sampled:
    """Root of the sum of squares over the last `rows` samples, `nan` where one is missing; `total` [2, t, n]."""
    out = np.full(total.shape[1:], np.nan, np.float32)
    apart = total[:, rows:] - total[:, :-rows]
    out[rows:] = np.where(apart[1] == 0, np.sqrt(np.maximum(apart[0], 0.0)), np.nan)
    return out


def _since(close: Floats, contract: Ints, rows: int) -> Sampled:
    """Compute the log return over the last `rows` samples, `nan` where they are not all of one contract."""
    out = np.full(close.shape, np.nan, np.float32)
    out[rows:] = np.where(contract[rows:] == contract[:-rows], close[rows:] - close[:-rows], np.nan)
    return out
