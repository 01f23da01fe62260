"""From the lanes' last values to factors, and from factors to the confluence of one close."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from virtuoso.analysis.block import Rows
from virtuoso.analysis.component import Factor, Feed
from virtuoso.analysis.confluence import Weighted, agreement_of, combine_factor, normalised, stretched
from virtuoso.analysis.evaluation import PARTIAL, QUALITY_SHARE, STALE, Codes, FactorArrays
from virtuoso.analysis.gains import CONFLUENCE
from virtuoso.analysis.lane import Measures
from virtuoso.market.panel import Floats
from virtuoso.model.timeframe import Timeframe


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorSource:
    """Where a factor's measures stand in the lanes that it reads."""

    factor: Factor
    lanes: Mapping[Timeframe | None, Measures]
    frame_weights: Floats
    base_ms: int
    components: slice
    modifiers: slice

    @classmethod
    def of(
        cls, factor: Factor, lanes: Mapping[Timeframe | None, Measures], frame_weights: Floats, base_ms: int
    ) -> "FactorSource":
        """Find the factor's measures; all lanes hold them at the same places."""
        lane = next(iter(lanes.values()))
        first = lane.components.index(factor.components[0])
        second = len(lane.components) + (lane.modifiers.index(factor.modifiers[0]) if factor.modifiers else 0)
        return cls(
            factor=factor,
            lanes=lanes,
            frame_weights=frame_weights,
            base_ms=base_ms,
            components=slice(first, first + len(factor.components)),
            modifiers=slice(second, second + len(factor.modifiers)),
        )


def score_factor(source: FactorSource, close_ms: int, rows: Rows, quality: Codes, tape: Codes) -> FactorArrays:
    """One factor of `rows` at `close_ms`; `quality` [n] is that of its feed, `tape` that of the taker sides.

    A timeframe whose last due bar is not in drops out. So does a book that is stale: what was cut from it was
    not seen. A closed bar stays true however stale the feed; there the label is withheld instead.
    """
    factor = source.factor
    due = [close_ms // (tf.ms if tf else source.base_ms) - 1 for tf in source.lanes]
    lanes = source.lanes.values()
    current = np.stack([lane.number(rows) == number for lane, number in zip(lanes, due, strict=True)])
    if factor.feed is Feed.BOOK:
        current &= quality < STALE
    gate = np.where(current, 1.0, np.nan)[:, None, :]
    value = np.stack([lane.value(rows)[source.components] for lane in lanes]) * gate
    scaling = np.stack([lane.value(rows)[source.modifiers] for lane in lanes]) * gate
    _scale(value, scaling, factor)
    result, available = combine_factor(value, source.frame_weights, factor)
    takes_sides = [i for i, component in enumerate(factor.components) if component.tape]
    if takes_sides:
        used = np.isfinite(value[:, takes_sides]).any(axis=(0, 1))
        quality = np.maximum(quality, np.where(used, tape, 0))
    return FactorArrays(
        factor=factor,
        timeframes=tuple(source.lanes),
        raw=np.stack([lane.raw(rows)[source.components] for lane in lanes]) * gate,
        value=value,
        modifier_raw=np.stack([lane.raw(rows)[source.modifiers] for lane in lanes]) * gate,
        modifier_value=scaling,
        age=np.stack([lane.age(rows) for lane in lanes]),
        current=current,
        quality=quality,
        result=result,
        available=available,
    )


def _scale(value: Floats, scaling: Floats, factor: Factor) -> None:
    """Multiply, in place, what each modifier scales; a missing modifier leaves it alone."""
    names = [component.name for component in factor.components]
    for i, modifier in enumerate(factor.modifiers):
        by = np.where(np.isnan(scaling[:, i]), 1.0, scaling[:, i])
        if modifier.scales:
            value[:, names.index(modifier.scales)] *= by
        else:
            value *= by[:, None, :]


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """The confluence of n symbols and what stands behind it; arrays are [n]."""

    confluence: Weighted
    coverage: Floats
    consensus: Floats
    disagreement: Floats
    confidence: Floats
    quality: Codes


def combine(factors: Sequence[FactorArrays]) -> Total:
    """Weigh the factors that have data.

    coverage = Σ W·a/Σ W over the enabled factors, a the share of a factor's own weight that had data;
    confidence = consensus·(1 − disagreement) × coverage × Σ w·share(quality). The quality is the worst of the
    factors that count, and at best `partial` where a factor is missing.
    """
    x = np.stack([arrays.result.x for arrays in factors])
    nominal = np.array([arrays.factor.weight for arrays in factors])[:, None]
    known = np.isfinite(x)
    weights = normalised(np.where(known, nominal, 0.0), axis=0)
    available = np.stack([arrays.available for arrays in factors])
    coverage = (nominal * available).sum(axis=0) / nominal.sum()
    agreement = agreement_of(x, weights)
    quality = np.stack([arrays.quality for arrays in factors])
    worst = np.where(known, quality, 0).max(axis=0)
    worst = np.where(known.all(axis=0), worst, np.maximum(worst, PARTIAL))
    worst = np.where(known.any(axis=0), worst, quality.max(axis=0))
    fresh = (weights * QUALITY_SHARE[quality]).sum(axis=0)
    return Total(
        confluence=stretched(x, weights, CONFLUENCE),
        coverage=coverage,
        consensus=agreement.consensus,
        disagreement=agreement.disagreement,
        confidence=agreement.agreement * coverage * fresh,
        quality=worst,
    )
