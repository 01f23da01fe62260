"""Regime of a symbol: trend up or down, range, high volatility, each with a probability; rules, not a fit."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

import msgspec
import numpy as np

from virtuoso.analysis.component import Modifier
from virtuoso.analysis.indicators.trend import Adx
from virtuoso.analysis.indicators.volatility import LogReturn, YangZhang
from virtuoso.market.panel import Floats
from virtuoso.model.timeframe import Timeframe

BARS = 48
LONG_BARS = 336
_DAY_MS = 86_400_000
_PREFERRED = Timeframe.M30
_SMALLEST_VOLATILITY = 1e-9


class Regime(StrEnum):
    """What a market is doing."""

    BULLISH = "BULLISH"
    BEARISH = "BEARISH"
    NEUTRAL = "NEUTRAL"
    VOLATILE = "VOLATILE"


REGIMES = tuple(Regime)
"""In the order of the probabilities: trend up, trend down, range, high volatility."""


class SymbolRegime(msgspec.Struct, frozen=True, kw_only=True):
    """The regime of one symbol; `None` and a `reason` until its bars suffice.

    `probabilities` sum to 1; `trend_strength` is ADX-14 (0–100); `momentum` 0–100, 50 = none; volatilities in % a day.
    """

    symbol: str
    regime: Regime | None
    probabilities: Mapping[Regime, float] | None
    trend_strength: float | None
    momentum: float | None
    volatility: float | None
    avg_volatility: float | None
    reason: str | None = None


def _raw(values: Floats) -> Floats:
    return values


MEASURES = (
    Modifier(name="adx", unit="0–100", build=Adx, ready=144, exact=400, map=_raw),
    Modifier(
        name="drift", unit="ln/√bars", build=partial(LogReturn, bars=BARS), ready=BARS + 1, exact=BARS + 1, map=_raw
    ),
    Modifier(
        name="volatility",
        unit="fraction a bar",
        build=partial(YangZhang, bars=BARS),
        ready=BARS + 1,
        exact=BARS + 1,
        map=_raw,
    ),
    Modifier(
        name="avg_volatility",
        unit="fraction a bar",
        build=partial(YangZhang, bars=LONG_BARS),
        ready=LONG_BARS + 1,
        exact=LONG_BARS + 1,
        map=_raw,
    ),
)
READY = max(measure.ready for measure in MEASURES[:3])


def regime_timeframe(timeframes: tuple[Timeframe, ...]) -> Timeframe:
    """The timeframe nearest to 30m (on a log scale): 48 of its bars are the window, 336 the long average."""
    return min(timeframes, key=lambda tf: abs(np.log(tf.ms / _PREFERRED.ms)))


@dataclass(frozen=True, slots=True, kw_only=True)
class RegimeArrays:
    """Regimes of n symbols: `probabilities` [4, n] in the order of `REGIMES`, the rest [n]; `nan` for unknown."""

    probabilities: Floats
    trend_strength: Floats
    momentum: Floats
    volatility: Floats
    avg_volatility: Floats
    age: Floats

    def of(self, symbol: str, i: int) -> SymbolRegime:
        """The regime in column `i`."""
        known = bool(np.isfinite(self.probabilities[:, i]).all())
        values = self.probabilities[:, i]
        age = int(self.age[i])
        waiting = f"warming up: {age} of {READY} bars" if age < READY else "the price has not moved"
        return SymbolRegime(
            symbol=symbol,
            regime=REGIMES[int(values.argmax())] if known else None,
            probabilities={r: float(p) for r, p in zip(REGIMES, values, strict=True)} if known else None,
            trend_strength=_number(self.trend_strength[i]),
            momentum=_number(self.momentum[i]),
            volatility=_number(self.volatility[i]),
            avg_volatility=_number(self.avg_volatility[i]),
            reason=None if known else waiting,
        )


def classify(measures: Floats, age: Floats, timeframe: Timeframe) -> RegimeArrays:
    """Regimes from the raw `MEASURES` [4, n].

    With a = (ADX − 20)/10, z = drift/volatility (the move over the window in its standard deviations) and
    q = ln(volatility/long average, 0 while that is unknown), the softmax of: up 1.5·z + a/2; down −1.5·z + a/2;
    range 1 − |z|/2 − a/2; high volatility 4·(q − 0.35).
    """
    adx, drift, volatility, average = measures
    with np.errstate(all="ignore"):
        z = np.where(volatility > _SMALLEST_VOLATILITY, drift / volatility, np.nan)
        q = np.where(np.isfinite(average), np.log(volatility / average), 0.0)
        a = (adx - 20.0) / 10.0
        evidence = np.stack([1.5 * z + a / 2, -1.5 * z + a / 2, 1 - np.abs(z) / 2 - a / 2, 4 * (q - 0.35)])
        exponents = np.exp(evidence - evidence.max(axis=0))
        daily = 100.0 * np.sqrt(_DAY_MS / timeframe.ms)
        return RegimeArrays(
            probabilities=exponents / exponents.sum(axis=0),
            trend_strength=adx.copy(),
            momentum=50.0 * (1.0 + np.tanh(z)),
            volatility=volatility * daily,
            avg_volatility=average * daily,
            age=age,
        )


def _number(value: np.float64) -> float | None:
    return float(value) if np.isfinite(value) else None
