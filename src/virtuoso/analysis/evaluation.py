"""What one close amounts to: arrays over symbols, from which a reading with its reasons is built when asked for."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.component import Factor, Feed, Measure
from virtuoso.analysis.confluence import Weighted
from virtuoso.analysis.regime import RegimeArrays, SymbolRegime
from virtuoso.analysis.signals import BUY, SELL, LabelCodes, LabelRule
from virtuoso.market.panel import Floats
from virtuoso.model.quality import DataQuality
from virtuoso.model.signal import ComponentScore, FactorScore, Label, ModifierScore, Reading
from virtuoso.model.timeframe import Timeframe

QUALITIES = (
    DataQuality.LIVE,
    DataQuality.DELAYED,
    DataQuality.PARTIAL,
    DataQuality.STALE,
    DataQuality.UNAVAILABLE,
)
QUALITY_CODE = {quality: code for code, quality in enumerate(QUALITIES)}
QUALITY_SHARE = np.array([1.0, 0.9, 0.6, 0.25, 0.0])
"""What a quality leaves of the confidence, in the order of `QUALITIES`."""
Codes = NDArray[np.int64]
STALE = QUALITY_CODE[DataQuality.STALE]
PARTIAL = QUALITY_CODE[DataQuality.PARTIAL]


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorArrays:
    """One factor of n symbols over T timeframes (T = 1 for the book).

    Components `raw`, `value` [T, C, n] (value after its modifiers), modifiers `modifier_raw`, `modifier_value`
    [T, M, n]; `age` [T, n] whole bars seen; `current` [T, n] whether the last due bar is in; `quality` [n] codes.
    """

    factor: Factor
    timeframes: tuple[Timeframe | None, ...]
    raw: Floats
    value: Floats
    modifier_raw: Floats
    modifier_value: Floats
    age: Floats
    current: NDArray[np.bool_]
    quality: Codes
    result: Weighted
    available: Floats
    """Share of the factor's own nominal weight that had data [n]."""


@dataclass(frozen=True)
class Evaluation:
    """The scores of n symbols at one base close; arrays are [n], `nan` for unknown.

    `score` in [0, 100], `confidence`, `coverage`, `consensus`, `disagreement` in [0, 1]; `label` is −1 SELL, 0 HOLD,
    1 BUY; `quality` indexes `QUALITIES`.
    """

    close_ms: int
    symbols: tuple[str, ...]
    score: Floats
    label: LabelCodes
    confidence: Floats
    coverage: Floats
    consensus: Floats
    disagreement: Floats
    quality: Codes
    factors: tuple[FactorArrays, ...]
    confluence: Weighted
    regimes: RegimeArrays
    rule: LabelRule

    @cached_property
    def _index(self) -> dict[str, int]:
        return {symbol: i for i, symbol in enumerate(self.symbols)}

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._index

    def reading(self, symbol: str) -> Reading:
        """The whole tree of one symbol; `KeyError` when it is not in this evaluation."""
        return self._reading(self._index[symbol])

    def readings(self) -> Iterator[Reading]:
        """The trees of all symbols, in their order, built as they are taken."""
        return (self._reading(i) for i in range(len(self.symbols)))

    def regime(self, symbol: str) -> SymbolRegime:
        """The regime of one symbol; `KeyError` when it is not in this evaluation."""
        return self.regimes.of(symbol, self._index[symbol])

    def signal(self, symbol: str) -> Label:
        """The label of one symbol alone, without building its tree."""
        return _label(int(self.label[self._index[symbol]]))

    def _reading(self, i: int) -> Reading:
        return Reading(
            symbol=self.symbols[i],
            close_ms=self.close_ms,
            signal=_label(int(self.label[i])),
            score=_number(self.score[i]),
            confidence=_number(self.confidence[i]),
            coverage=float(self.coverage[i]),
            consensus=_number(self.consensus[i]),
            disagreement=_number(self.disagreement[i]),
            quality=QUALITIES[self.quality[i]],
            factors=tuple(
                _factor(arrays, i, float(self.confluence.weights[f, i]), float(self._contributions[f, i]))
                for f, arrays in enumerate(self.factors)
            ),
            reasons=self._reasons(i),
        )

    @cached_property
    def _contributions(self) -> Floats:
        return self.confluence.contributions(np.stack([arrays.result.x for arrays in self.factors]))

    def _reasons(self, i: int) -> tuple[str, ...]:
        reasons = []
        if np.isnan(self.score[i]):
            reasons.append("no factor has data")
        elif self.coverage[i] < self.rule.min_coverage:
            reasons.append(f"coverage {self.coverage[i]:.2f} is below {self.rule.min_coverage:.2f}")
        if self.quality[i] >= STALE:
            reasons.append(f"data is {QUALITIES[self.quality[i]]}")
        reasons += [f"{a.factor.name}: {_factor_reason(a, i)}" for a in self.factors if np.isnan(a.result.x[i])]
        return tuple(reasons)


def _label(code: int) -> Label:
    return Label.BUY if code == BUY else Label.SELL if code == SELL else Label.HOLD


def _number(value: np.float64) -> float | None:
    return float(value) if np.isfinite(value) else None


def _factor_reason(arrays: FactorArrays, i: int) -> str:
    if arrays.factor.feed is Feed.BOOK and arrays.quality[i] >= STALE:
        return f"data is {QUALITIES[arrays.quality[i]]}"
    return _why(arrays, 0, i, arrays.factor.components[0])


def _why(arrays: FactorArrays, t: int, i: int, measure: Measure) -> str:
    """Why a measure has no value."""
    if arrays.factor.feed is Feed.BOOK and arrays.quality[i] >= STALE:
        return f"data is {QUALITIES[arrays.quality[i]]}"
    age = int(arrays.age[t, i])
    if not arrays.current[t, i]:
        return "no bar yet" if age == 0 else "the last bar is missing"
    if age < measure.ready:
        return f"warming up: {age} of {measure.ready} bars"
    return measure.undefined


def _factor(arrays: FactorArrays, i: int, effective_weight: float, contribution: float) -> FactorScore:
    x = arrays.result.x[i]
    components = tuple(
        _component(arrays, t, c, i) for t in range(len(arrays.timeframes)) for c in range(arrays.raw.shape[1])
    )
    modifiers = tuple(
        _modifier(arrays, t, m, i) for t in range(len(arrays.timeframes)) for m in range(arrays.modifier_raw.shape[1])
    )
    return FactorScore(
        name=arrays.factor.name,
        score=_number(50.0 * (1.0 + x)),
        weight=arrays.factor.weight,
        effective_weight=effective_weight,
        contribution=contribution,
        quality=QUALITIES[arrays.quality[i]],
        components=components,
        modifiers=modifiers,
        reason=_factor_reason(arrays, i) if np.isnan(x) else None,
    )


def _component(arrays: FactorArrays, t: int, c: int, i: int) -> ComponentScore:
    component = arrays.factor.components[c]
    value = _number(arrays.value[t, c, i])
    weight = float(arrays.result.weights[t, c, i])
    return ComponentScore(
        name=component.name,
        timeframe=arrays.timeframes[t],
        raw=_number(arrays.raw[t, c, i]),
        unit=component.unit,
        value=value,
        weight=weight,
        contribution=0.0 if value is None else 50.0 * float(arrays.result.slope[i]) * weight * value,
        reason=_why(arrays, t, i, component) if value is None else None,
    )


def _modifier(arrays: FactorArrays, t: int, m: int, i: int) -> ModifierScore:
    modifier = arrays.factor.modifiers[m]
    value = _number(arrays.modifier_value[t, m, i])
    return ModifierScore(
        name=modifier.name,
        timeframe=arrays.timeframes[t],
        raw=_number(arrays.modifier_raw[t, m, i]),
        unit=modifier.unit,
        value=value,
        scales=modifier.scales or arrays.factor.name,
        reason=_why(arrays, t, i, modifier) if value is None else None,
    )
