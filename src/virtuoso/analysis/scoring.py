"""From the banks' values to factors, and from factors to the confluence; columns are symbols, or symbols × closes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.bank import Measures, Values
from virtuoso.analysis.component import AGREEMENT, Factor, Feed
from virtuoso.analysis.confluence import (
    Weighted,
    combine_factor,
    combine_frames,
    concord_of,
    normalised,
    stretched,
)
from virtuoso.analysis.gains import CONFLUENCE
from virtuoso.market.panel import Floats, Ints
from virtuoso.model.quality import DataQuality
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
"""What a quality leaves of the agreement, in the order of `QUALITIES`."""
Codes = NDArray[np.int64]
STALE = QUALITY_CODE[DataQuality.STALE]
PARTIAL = QUALITY_CODE[DataQuality.PARTIAL]
BankKey: TypeAlias = "Timeframe | None"
"""A timeframe, or `None` for the book's bank."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorSource:
    """Where a factor's measures stand in the banks that it reads; `timeframes` as they are shown."""

    factor: Factor
    timeframes: tuple[Timeframe | None, ...]
    banks: tuple[BankKey, ...]
    frame_weights: Floats
    components: tuple[slice, ...]
    modifiers: tuple[slice, ...]

    @classmethod
    def of(
        cls,
        factor: Factor,
        banks: Mapping[BankKey, Measures],
        timeframes: tuple[Timeframe | None, ...],
        frame_weights: Floats,
    ) -> "FactorSource":
        """Find the factor's measures in each bank."""
        return cls(
            factor=factor,
            timeframes=timeframes,
            banks=tuple(banks),
            frame_weights=frame_weights,
            components=tuple(bank.places(factor.components) for bank in banks.values()),
            modifiers=tuple(bank.places(factor.modifiers) for bank in banks.values()),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorArrays:
    """One factor of n columns over T timeframes (T = 1 where there are none).

    Components `raw`, `value` [T, C, n] (value after its modifiers, whose product is `scaling` [T, C, n]), modifiers
    `modifier_raw`, `modifier_value` [T, M, n]; `age` [T, n] whole bars seen; `current` [T, n] whether the last due bar
    is in; `quality` [n] codes; `due_ms` [T] or [T, n] close of the last due bar.
    """

    factor: Factor
    timeframes: tuple[Timeframe | None, ...]
    frame_weights: Floats
    raw: Floats
    value: Floats
    scaling: Floats
    modifier_raw: Floats
    modifier_value: Floats
    age: Floats
    current: NDArray[np.bool_]
    quality: Codes
    result: Weighted
    frames: Floats
    available: Floats
    """Share of the factor's own nominal weight that had data [n]."""

    @property
    def agreement(self) -> Floats:
        """What the factor's modifiers leave of the reading's agreement [n], in [0, 1]."""
        out = np.ones(self.quality.shape)
        for i, modifier in enumerate(self.factor.modifiers):
            if modifier.scales == AGREEMENT:
                value = self.modifier_value[0, i]
                out = out * np.where(np.isnan(value), 1.0, value)
        return out


def score_factor(
    source: FactorSource, values: Sequence[Values], due: Sequence[Ints | int], quality: Codes, tape: Codes
) -> FactorArrays:
    """One factor from its banks' `values`; `due` are the numbers of the bars that should be the last ones in.

    `quality` [n] is that of its feed, `tape` that of the taker sides. A timeframe whose last due bar is not in drops
    out. So does a book or a ticker that is stale: what it would say was not seen. A closed bar stays true however
    stale the feed; there the label is withheld instead.
    """
    factor = source.factor
    current = np.stack([bank.number == number for bank, number in zip(values, due, strict=True)])
    if not factor.feed.kept:
        current &= quality < STALE
    gate = np.where(current, 1.0, np.nan)[:, None, :]
    banks = tuple(zip(values, source.components, source.modifiers, strict=True))
    value = np.stack([bank.value[components] for bank, components, _ in banks]) * gate
    measured = np.stack([bank.value[modifiers] for bank, _, modifiers in banks]) * gate
    scaling = _scaling(value.shape, measured, factor)
    value *= scaling
    result = combine_factor(value, source.frame_weights, factor)
    takes_sides = [i for i, component in enumerate(factor.components) if component.tape]
    if takes_sides:
        used = np.isfinite(value[:, takes_sides]).any(axis=(0, 1))
        quality = np.maximum(quality, np.where(used, tape, 0))
    return FactorArrays(
        factor=factor,
        timeframes=source.timeframes,
        frame_weights=source.frame_weights,
        raw=np.stack([bank.raw[components] for bank, components, _ in banks]) * gate,
        value=value,
        scaling=scaling,
        modifier_raw=np.stack([bank.raw[modifiers] for bank, _, modifiers in banks]) * gate,
        modifier_value=measured,
        age=np.stack([bank.age for bank in values]),
        current=current,
        quality=quality,
        result=result.whole,
        frames=result.frames,
        available=result.available,
    )


def _scaling(shape: tuple[int, ...], measured: Floats, factor: Factor) -> Floats:
    """What the modifiers leave of each component [T, C, n]; a missing modifier leaves all."""
    names = [component.name for component in factor.components]
    scaling = np.ones(shape)
    for i, modifier in enumerate(factor.modifiers):
        if modifier.scales == AGREEMENT:
            continue
        by = np.where(np.isnan(measured[:, i]), 1.0, measured[:, i])
        if modifier.scales:
            scaling[:, names.index(modifier.scales)] *= by
        else:
            scaling *= by[:, None, :]
    return scaling


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """The confluence of n columns and what stands behind it; arrays are [n], `frames` [T, n]."""

    confluence: Weighted
    coverage: Floats
    consensus: Floats
    disagreement: Floats
    agreement: Floats
    quality: Codes
    frames: Floats
    alignment: Floats


def total_of(x: Floats, factors: Sequence[Factor]) -> Weighted:
    """The confluence of the values `x` [F, n] of `factors`; what is missing gives its weight away."""
    nominal = np.array([factor.weight for factor in factors])
    of_bars = np.array([factor.feed is Feed.BARS for factor in factors])
    weights = normalised(np.where(np.isfinite(x), nominal[:, None], 0.0), axis=0)
    return stretched(x, weights, CONFLUENCE, of_bars)


def combine(factors: Sequence[FactorArrays]) -> Total:
    """Weigh the factors that have data.

    coverage = Σ W·a/Σ W over the enabled factors, a the share of a factor's own weight that had data;
    agreement = consensus·(1 − disagreement) × coverage × Σ w·share(quality) × modifiers of the agreement. The
    quality is the worst of the factors that count, and at best `partial` where a factor is missing.
    """
    x = np.stack([arrays.result.x for arrays in factors])
    nominal = np.array([arrays.factor.weight for arrays in factors])
    known = np.isfinite(x)
    confluence = total_of(x, [arrays.factor for arrays in factors])
    available = np.stack([arrays.available for arrays in factors])
    coverage = (nominal[:, None] * available).sum(axis=0) / nominal.sum()
    concord = concord_of(x, confluence.weights)
    quality = np.stack([arrays.quality for arrays in factors])
    worst = np.where(known, quality, 0).max(axis=0)
    worst = np.where(known.all(axis=0), worst, np.maximum(worst, PARTIAL))
    worst = np.where(known.any(axis=0), worst, quality.max(axis=0))
    agreement = concord.both * coverage * (confluence.weights * QUALITY_SHARE[quality]).sum(axis=0)
    for arrays in factors:
        agreement = agreement * arrays.agreement
    frames, alignment = _frames(factors, x.shape[1])
    return Total(
        confluence=confluence,
        coverage=coverage,
        consensus=concord.consensus,
        disagreement=concord.disagreement,
        agreement=agreement,
        quality=worst,
        frames=frames,
        alignment=alignment,
    )


def _frames(factors: Sequence[FactorArrays], n: int) -> tuple[Floats, Floats]:
    """Each timeframe alone [T, n], and how far they agree [n]; of the factors of bars."""
    of_bars = [arrays for arrays in factors if arrays.factor.feed is Feed.BARS]
    if not of_bars:
        return np.empty((0, n)), np.full(n, np.nan)
    weights = [arrays.factor.weight for arrays in of_bars]
    return combine_frames([arrays.frames for arrays in of_bars], weights, of_bars[0].frame_weights, CONFLUENCE)


def score_all(
    sources: Sequence[FactorSource],
    values: Mapping[BankKey, Values],
    due: Mapping[BankKey, Ints | int],
    qualities: Mapping[Feed, Codes],
) -> tuple[tuple[FactorArrays, ...], Total]:
    """All factors and their confluence from the banks' values; `qualities` [n] by feed."""
    factors = tuple(
        score_factor(
            source,
            [values[key] for key in source.banks],
            [due[key] for key in source.banks],
            qualities[Feed.BARS if source.factor.feed.kept else source.factor.feed],
            qualities[Feed.TAPE],
        )
        for source in sources
    )
    return factors, combine(factors)
