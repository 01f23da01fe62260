"""What came of the forecasts of the market: each close is held against what was said of it one horizon before."""

from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np

from virtuoso.analysis.forecast.forecasts import Forecasts
from virtuoso.analysis.forecast.horizons import HORIZONS_MIN
from virtuoso.analysis.readings.evaluation import Evaluation
from virtuoso.analysis.readings.outlooks import quantiles
from virtuoso.market.panel import Floats
from virtuoso.model.clock import iso
from virtuoso.model.forecast import MarketPassed, horizon_text
from virtuoso.model.timeframe import Timeframe

_BANDS: Final = ((50, 2), (80, 1), (95, 0))
"""Each band with the place of its lower end among the tails."""
_PERCENT: Final = 100.0


@dataclass(frozen=True, slots=True)
class _Made:
    """What was forecast at a close over one horizon."""

    close_ms: int
    volatility: dict[str, float]
    cone: tuple[float, ...] | None


class ForecastsPassed:
    """Remembers what was forecast for as long as it is ahead: in this run alone, so a start begins anew."""

    def __init__(self) -> None:
        self._made: dict[int, deque[_Made]] = {minutes: deque() for minutes in HORIZONS_MIN}
        self.latest: tuple[MarketPassed, ...] = ()
        """What came of the forecasts that ended at the last close."""

    def step(self, evaluation: Evaluation) -> None:
        """Take what is said at a close of all symbols; rows that step late and alone are passed over."""
        said = evaluation.said
        if said is None or said.forecasts.market is None:
            return
        forecasts, columns = said.forecasts, evaluation.places.tolist()
        names = {at: symbol for symbol, at in zip(evaluation.symbols, columns, strict=True) if at >= 0}
        found = [self._one(k, minutes, said.close_ms, forecasts, names) for k, minutes in enumerate(HORIZONS_MIN)]
        self.latest = tuple(each for each in found if each is not None)

    def unknown(self) -> str | None:
        """Why a horizon is missing; `None` where none is."""
        known = {each.horizon_min for each in self.latest}
        lacking = ", ".join(horizon_text(minutes) for minutes in HORIZONS_MIN if minutes not in known)
        return f"{lacking}: what was forecast one horizon ago is not known to this run" if lacking else None

    def _one(
        self, k: int, minutes: int, close_ms: int, forecasts: Forecasts, names: dict[int, str]
    ) -> MarketPassed | None:
        """What came of the forecast that ends at this close, and remember the one that begins."""
        made, begun_ms = self._made[minutes], close_ms - minutes * Timeframe.M1.ms
        if made and made[-1].close_ms >= close_ms:
            return next((each for each in self.latest if each.horizon_min == minutes), None)
        while made and made[0].close_ms < begun_ms:
            made.popleft()
        before = made[0] if made and made[0].close_ms == begun_ms else None
        passed = None if before is None else _came(before, k, minutes, forecasts, names)
        volatility, market = forecasts.volatility[minutes][0], forecasts.market
        known = {symbol: float(volatility[at]) for at, symbol in names.items() if volatility[at] > 0}
        made.append(_Made(close_ms, known, None if market is None else quantiles(market.cone[minutes][:, 0])))
        return passed


def _came(before: _Made, k: int, minutes: int, forecasts: Forecasts, names: dict[int, str]) -> MarketPassed | None:
    """`None` where fewer than half of the symbols that were forecast are known."""
    realised = forecasts.realised[k, 0]
    pairs = [
        (float(realised[at]), np.log(before.volatility[symbol]))
        for at, symbol in names.items()
        if symbol in before.volatility and np.isfinite(realised[at])
    ]
    if not pairs or 2 * len(pairs) < len(before.volatility):
        return None
    was, foreseen = np.array(pairs).T
    change = _change(forecasts.outcomes.close[k, 0])
    return MarketPassed(
        horizon_min=minutes,
        made_at=iso(before.close_ms) or "",
        volatility=_PERCENT * float(np.exp(was.mean())),
        volatility_forecast=_PERCENT * float(np.exp(foreseen.mean())),
        above=float((was > foreseen).mean()),
        symbols=len(pairs),
        change=change,
        cone=before.cone,
        within=None if before.cone is None or change is None else _within(before.cone, change),
    )


def _change(returns: Floats) -> float | None:
    """The mean of the returns [n], percent; `None` where fewer than half are known."""
    known = returns[np.isfinite(returns)]
    return _PERCENT * float(known.mean()) if known.size and 2 * known.size >= returns.size else None


def _within(cone: tuple[float, ...], change: float) -> int:
    """The narrowest band that holds the return; 100 where none does."""
    return next((share for share, i in _BANDS if cone[i] <= change <= cone[-1 - i]), 100)
