"""Regime of a symbol: trend up or down, range, high volatility, each with a probability; rules, judged walk-forward.

`tools/judge_regime.py` measures how well the probabilities rank the next hour's volatility and drift.
"""

import math
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
from virtuoso.model.timeframe import DAY_MS, Timeframe

BARS = 48
LONG_BARS = 336
SHORT_MINUTES = 60
SHORT_WEIGHT = 2 / 3
"""Share of the last hour in the level of volatility; the rest is the last `BARS` bars'."""
SLOPE, THRESHOLD = 4.0, 0.35
"""P(high volatility) = 1/(1 + e^(−SLOPE·(h − THRESHOLD))): the chance that the next hour is 1.25 × its long average."""
_PREFERRED = Timeframe.M30
_SHORT_PREFERRED = Timeframe.M5
_SMALLEST_VOLATILITY = 1e-9


class Regime(StrEnum):
    """What a market is doing: trending up or down, ranging, or highly volatile."""

    BULLISH = "BULLISH"
    BEARISH = "BEARISH"
    NEUTRAL = "NEUTRAL"
    VOLATILE = "VOLATILE"


REGIMES = tuple(Regime)
"""In the order of the probabilities: trend up, trend down, range, high volatility."""
_UP, _DOWN, _RANGE = range(3)


class SymbolRegime(msgspec.Struct, frozen=True, kw_only=True):
    """The regime of one symbol; `None` and a `reason` until its bars suffice.

    `probabilities` sum to 1; `trend_strength` is ADX-14 (0–100); `momentum` 0–100, 50 = none; volatilities in % a day.
    `since_ms` is the close at which the regime was entered, `None` where that is not kept.
    """

    symbol: str
    regime: Regime | None
    probabilities: Mapping[Regime, float] | None
    trend_strength: float | None
    momentum: float | None
    volatility: float | None
    avg_volatility: float | None
    since_ms: int | None = None
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
    return _nearest(timeframes, _PREFERRED)


def short_timeframe(timeframes: tuple[Timeframe, ...]) -> Timeframe:
    """The timeframe nearest to 5m (on a log scale), from which the last hour's volatility is read.

    Five minutes: short enough to see an hour, long enough for the bounce between bid and ask not to count as
    volatility (Andersen & Bollerslev, 1998; Liu, Patton & Sheppard, 2015).
    """
    return _nearest(timeframes, _SHORT_PREFERRED)


def short_measure(timeframe: Timeframe) -> Modifier:
    """Yang–Zhang volatility over the last hour of `timeframe`'s bars (two bars at least), a fraction a bar."""
    bars = max(2, SHORT_MINUTES // timeframe.minutes)
    return Modifier(
        name="short_volatility",
        unit="fraction a bar",
        build=partial(YangZhang, bars=bars),
        ready=bars + 1,
        exact=bars + 1,
        map=_raw,
    )


def rescaled(volatility: Floats, per: Timeframe, to: Timeframe) -> Floats:
    """A volatility per bar of `per` as one per bar of `to`: variances add up over time."""
    return volatility * math.sqrt(to.ms / per.ms)


def _nearest(timeframes: tuple[Timeframe, ...], preferred: Timeframe) -> Timeframe:
    return min(timeframes, key=lambda tf: abs(np.log(tf.ms / preferred.ms)))


@dataclass(frozen=True, slots=True, kw_only=True)
class RegimeArrays:
    """Regimes of n symbols: `probabilities` [4, n] in the order of `REGIMES`, the rest [n]; `nan` for unknown.

    `code` is the regime's place in `REGIMES`, `since_ms` the close at which it was entered.
    """

    probabilities: Floats
    code: Floats
    since_ms: Floats
    trend_strength: Floats
    momentum: Floats
    volatility: Floats
    avg_volatility: Floats
    age: Floats

    def of(self, symbol: str, i: int) -> SymbolRegime:
        """Build the regime of the symbol in column `i`; without one, the reason."""
        known = bool(np.isfinite(self.code[i]))
        values = self.probabilities[:, i]
        age = int(self.age[i])
        waiting = f"warming up: {age} of {READY} bars" if age < READY else "the price has not moved"
        since = _number(self.since_ms[i])
        return SymbolRegime(
            symbol=symbol,
            regime=REGIMES[int(self.code[i])] if known else None,
            probabilities={r: float(p) for r, p in zip(REGIMES, values, strict=True)} if known else None,
            trend_strength=_number(self.trend_strength[i]),
            momentum=_number(self.momentum[i]),
            volatility=_number(self.volatility[i]),
            avg_volatility=_number(self.avg_volatility[i]),
            since_ms=None if since is None else int(since),
            reason=None if known else waiting,
        )


def classify(measures: Floats, age: Floats, timeframe: Timeframe, short: Floats | None = None) -> RegimeArrays:
    """Regimes from the raw `MEASURES` [4, …] and the last hour's volatility `short` […], per bar of `timeframe`.

    With a = (ADX − 20)/10 and z = drift/volatility (the move over the window in its standard deviations), the trends
    and the range share by softmax of: up 1.5·z + a/2; down −1.5·z + a/2; range 1 − |z|/2 − a/2. What they share is
    left by high volatility, whose chance is logistic in its level h = ⅔·ln(short/long) + ⅓·ln(volatility/long), after
    Corsi's (2009) mix of horizons. `long` is the long average, the window's volatility until that is known; without
    `short` the level is that of the window alone.
    """
    adx, drift, volatility, average = measures
    with np.errstate(all="ignore"):
        z = np.where(volatility > _SMALLEST_VOLATILITY, drift / volatility, np.nan)
        a = (adx - 20.0) / 10.0
        evidence = np.stack([1.5 * z + a / 2, -1.5 * z + a / 2, 1 - np.abs(z) / 2 - a / 2])
        exponents = np.exp(evidence - evidence.max(axis=0))
        high = 1.0 / (1.0 + np.exp(-SLOPE * (_level(volatility, average, short) - THRESHOLD)))
        probabilities = np.concatenate([exponents / exponents.sum(axis=0) * (1.0 - high), high[None]])
        probabilities = np.where(np.isfinite(probabilities).all(axis=0), probabilities, np.nan)
        daily = 100.0 * np.sqrt(DAY_MS / timeframe.ms)
        return RegimeArrays(
            probabilities=probabilities,
            code=leading(probabilities),
            since_ms=np.full(z.shape, np.nan),
            trend_strength=adx.copy(),
            momentum=50.0 * (1.0 + np.tanh(z)),
            volatility=volatility * daily,
            avg_volatility=average * daily,
            age=age,
        )


def leading(probabilities: Floats) -> Floats:
    """Place in `REGIMES` of the likeliest regime […] of `probabilities` [4, …], `nan` where they are.

    Where up and down lead together the market went nowhere: it is the range.
    """
    code = np.where(np.isnan(probabilities), -np.inf, probabilities).argmax(axis=0)
    code = np.where((code == _UP) & (probabilities[_UP] == probabilities[_DOWN]), _RANGE, code)
    return np.where(np.isfinite(probabilities).all(axis=0), code.astype(np.float64), np.nan)


def _level(volatility: Floats, average: Floats, short: Floats | None) -> Floats:
    """Log of the present volatility over the long average."""
    long = np.where(np.isfinite(average), average, volatility)
    day: Floats = np.log(volatility / long)
    if short is None:
        return day
    return np.where(np.isfinite(short), SHORT_WEIGHT * np.log(short / long) + (1 - SHORT_WEIGHT) * day, day)


def _number(value: np.float64) -> float | None:
    return float(value) if np.isfinite(value) else None
