"""A set of bars scored as a backtest does, with what followed: what every judgement of research begins with."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.forecast.claims.tally import Standing
from virtuoso.analysis.forecast.forecasts import Forecasts
from virtuoso.market.panel import BarBlock
from virtuoso.model.errors import UsageError
from virtuoso.model.timeframe import Timeframe
from virtuoso.research.backtest import Backtest, fed_by_bars
from virtuoso.research.bar_files.bars import read_bars
from virtuoso.research.run import Plan
from virtuoso.research.sampling.claimed import ClaimsFollower
from virtuoso.research.sampling.readings import STEP_MIN, Followed, FollowedSampler, Readings, ReadingsSampler
from virtuoso.research.sampling.said import Said, SaidSampler
from virtuoso.research.timeline import fed

Forecast = Callable[[BarBlock], Iterable[Forecasts]]
"""Takes the block that follows; forecasts at all its closes, in order."""
Foretell = Callable[[Sequence[str], Timeframe], Forecast]


@dataclass(frozen=True, slots=True)
class Claimed:
    """Labels [t, n] at the sampled closes (1 BUY, −1 SELL, 0 HOLD, 2 unknown), and how claims stand at the end."""

    label: NDArray[np.int8]
    standings: tuple[Standing, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredSet:
    """Readings of one set, what followed and what was forecast, at the same closes, `step_min` apart."""

    symbols: tuple[str, ...]
    step_min: int
    readings: Readings
    followed: Followed
    said: Said | None
    claimed: Claimed | None


def scored(
    data: Path | Sequence[Path],
    plan: Plan,
    *,
    step_min: int = STEP_MIN,
    components: bool = True,
    foretell: Foretell | None = None,
    tell: Callable[[float], None] = lambda _: None,
) -> ScoredSet:
    """Read a set and score it.

    Args:
        data: files, folders or patterns of bars or trades.
        plan: how it is scored.
        step_min: minutes between the closes that are kept; with longer bars, each of them.
        components: whether the values of components are kept.
        foretell: begins to forecast for symbols and a base bar; `None` forecasts nothing.
        tell: told the share that is done.

    Raises:
        UsageError: a file cannot be read or holds what cannot be true, or no timeframe can be made of its bars.
    """
    with read_bars(data, progress=lambda share: tell(0.2 * share)) as bars:
        step_min = max(step_min, bars.interval.minutes)
        timeframes = fed(plan.timeframes, bars.interval)
        if bars.interval not in timeframes:
            raise UsageError(f"bars of {bars.interval} are none of the timeframes {', '.join(plan.timeframes)}")
        factors = fed_by_bars(plan.factors, taker_sides=bars.taker_sides)
        run = Backtest(bars.symbols, timeframes, factors, plan.rule, taker_sides=bars.taker_sides)
        readings = ReadingsSampler(step_min, components=components)
        followed = FollowedSampler(len(bars.symbols), bars.interval, step_min)
        forecast = None if foretell is None else foretell(bars.symbols, bars.interval)
        said, claims = SaidSampler(step_min), ClaimsFollower(len(bars.symbols), bars.interval, step_min)
        done = 0
        for block in bars.blocks():
            for history in run.histories(block, bars.seams):
                readings.add(history)
            followed.add(block)
            for forecasts in forecast(block) if forecast is not None else ():
                said.add(forecasts)
                claims.add(block, forecasts)
            done += block.open_ms.size * bars.interval.minutes
            tell(0.2 + 0.8 * done / bars.minutes)
        came = followed.followed()
        return ScoredSet(
            symbols=bars.symbols,
            step_min=step_min,
            readings=readings.readings().since(came.close_ms),
            followed=came,
            said=None if forecast is None else said.said(came.close_ms),
            claimed=None if forecast is None else Claimed(claims.labels(came.close_ms), claims.standings()),
        )
