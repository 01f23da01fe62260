"""Scores a set of bars as a backtest does, with what followed, which every judgement of research begins with."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.forecast.claims.tally import Standing
from virtuoso.analysis.forecast.forecasts import Forecasts
from virtuoso.analysis.history import History
from virtuoso.market.panel import BarBlock
from virtuoso.model.errors import UsageError
from virtuoso.model.timeframe import Timeframe
from virtuoso.research.backtest import Backtest, fed_by_bars
from virtuoso.research.bar_files.bars import read_bars
from virtuoso.research.detecting.played import AlertPlan, PlayedAlerts
from virtuoso.research.progress import share_of
from virtuoso.research.run import Plan
from virtuoso.research.sampling.claimed import ClaimsFollower
from virtuoso.research.sampling.forecasts import ForecastSampler, SampledForecasts
from virtuoso.research.sampling.readings import STEP_MIN, Followed, FollowedSampler, Readings, ReadingsSampler
from virtuoso.research.seams import Seam, begun
from virtuoso.research.timeline import fed

Forecast = Callable[[BarBlock, Sequence[Seam]], Iterable[Forecasts]]
"""Takes the block that follows, and where contracts became other ones; forecasts at all its closes, in order."""
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
    forecasts: SampledForecasts | None
    claimed: Claimed | None
    alerts: Mapping[str, Any] | None = None
    """What `PlayedAlerts.document` says of the whole set; `None` where no incidents were looked for."""


def scored(
    data: Path | Sequence[Path],
    plan: Plan,
    *,
    step_min: int = STEP_MIN,
    components: bool = True,
    foretell: Foretell | None = None,
    alerts: AlertPlan | None = None,
    tell: Callable[[float], None] = lambda _: None,
) -> ScoredSet:
    """Read a set of bars and score each of its closes.

    Args:
        data: files, folders or patterns of bars or trades.
        plan: how it is scored.
        step_min: minutes between the closes that are kept; with longer bars, each of them.
        components: whether the values of components are kept.
        foretell: begins to forecast for symbols and a base bar; `None` forecasts nothing.
        alerts: how incidents are found in bars of 1m, `None`: they are not; in longer bars they never are.
        tell: told the share that is done.

    Raises:
        UsageError: a file cannot be read or holds what cannot be true, or no timeframe can be made of its bars.
    """
    with read_bars(data, progress=share_of(tell, 0.0, 0.2)) as bars:
        timeframes = fed(plan.timeframes, bars.interval)
        if bars.interval not in timeframes:
            raise UsageError(f"bars of {bars.interval} are none of the timeframes {', '.join(plan.timeframes)}")
        factors = fed_by_bars(plan.factors, taker_sides=bars.taker_sides)
        run = Backtest(bars.symbols, timeframes, factors, plan.rule, taker_sides=bars.taker_sides)
        minutes = alerts is not None and run.base is Timeframe.M1
        played = PlayedAlerts(bars.symbols, alerts) if alerts is not None and minutes else None
        sampler = SetSampler(bars.symbols, run.base, step_min, components=components, foretell=foretell, played=played)
        done, scoring = 0, share_of(tell, 0.2, 0.8)
        for block in bars.blocks():
            for history in run.histories(block, bars.seams):
                sampler.add(history, bars.seams)
            done += block.open_ms.size * bars.interval.minutes
            scoring(done / bars.minutes)
        return sampler.scored(bars.first_ms)


class SetSampler:
    """Takes the history of scores piece by piece; follows and forecasts its bars, and keeps what lies on a grid.

    Args:
        symbols: the columns of every piece.
        base: the timeframe of the readings.
        step_min: minutes between the closes that are kept; with a longer base, each of them.
        components: whether the values of components are kept.
        foretell: begins to forecast for symbols and a base bar; `None` forecasts nothing.
        played: finds incidents in the bars, which must be of 1m; `None`: nobody does.
    """

    def __init__(
        self,
        symbols: Sequence[str],
        base: Timeframe,
        step_min: int = STEP_MIN,
        *,
        components: bool = True,
        foretell: Foretell | None = None,
        played: PlayedAlerts | None = None,
    ) -> None:
        self._symbols = tuple(symbols)
        self._step_min = step_min = max(step_min, base.minutes)
        self._readings = ReadingsSampler(step_min, components=components)
        self._followed = FollowedSampler(len(symbols), base, step_min)
        self._forecast = None if foretell is None else foretell(symbols, base)
        self._forecasts = ForecastSampler(step_min)
        self._claims = ClaimsFollower(len(symbols), base, step_min)
        self._played = played

    def add(self, history: History, seams: Sequence[Seam] = ()) -> None:
        """Take the piece that follows; a symbol with one of `seams` at its first bar begins anew."""
        self._readings.add(history)
        self._followed.add(history.bars, seams)
        self._claims.begin_anew(begun(seams, history.bars))
        said = () if self._forecast is None else tuple(self._forecast(history.bars, seams))
        for forecasts in said:
            self._forecasts.add(forecasts)
            self._claims.add(history.bars, forecasts)
        if self._played is not None:
            for _ in self._played.play(history.bars, history.present, seams, said):
                pass

    def scored(self, since_ms: int) -> ScoredSet:
        """Return readings, what followed and forecasts at the sampled closes after `since_ms` (epoch ms)."""
        came = self._followed.followed().since(since_ms)
        for _ in () if self._played is None else self._played.rest():
            pass
        forecast = self._forecast is not None
        return ScoredSet(
            symbols=self._symbols,
            step_min=self._step_min,
            readings=self._readings.readings().since(came.close_ms),
            followed=came,
            forecasts=self._forecasts.at(came.close_ms) if forecast else None,
            claimed=Claimed(self._claims.labels(came.close_ms), self._claims.standings()) if forecast else None,
            alerts=None if self._played is None else self._played.document(),
        )
