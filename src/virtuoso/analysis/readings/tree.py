"""One symbol's reading with the whole tree behind it: factor → component → raw value, score, weight, contribution."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import blake2b
from math import isfinite

import numpy as np

from virtuoso.analysis.bands import band_of
from virtuoso.analysis.component import Component, Measure
from virtuoso.analysis.forecast.outlook import Said
from virtuoso.analysis.readings.explain import sentences
from virtuoso.analysis.readings.outlooks import (
    claim_of,
    confidence_of,
    edge_of,
    forecast_of,
    label_of,
    lean_of,
    unknown_of,
)
from virtuoso.analysis.readings.scores import Scores
from virtuoso.analysis.scoring import QUALITIES, STALE, FactorArrays
from virtuoso.market.panel import Floats
from virtuoso.model.clock import iso
from virtuoso.model.evidence import class_of
from virtuoso.model.quality import DataQuality
from virtuoso.model.signal import (
    ComponentScore,
    Counterfactual,
    FactorScore,
    ModifierScore,
    Reading,
    TimeframeScore,
)
from virtuoso.model.timeframe import Timeframe


def reading_of(scores: Scores, branches: Sequence["Branches"], i: int) -> Reading:
    """Build the reading of the symbol in column `i`, with its reasons."""
    total = scores.total
    factors = tuple(branch.score(i) for branch in branches)
    band, score = band_of(int(scores.band[i])), _number(scores.score[i])
    said, at = scores.said, int(scores.places[i])
    signal = None if said is None or at < 0 else label_of(said, at)
    counterfactual = _counterfactual(scores, i)
    withheld = _reasons(scores, i)
    return Reading(
        symbol=scores.symbols[i],
        close_ms=scores.close_ms,
        band=band,
        signal=signal,
        confidence=None if said is None or at < 0 else confidence_of(said, at),
        claim=None if said is None or at < 0 else claim_of(said, at),
        lean=None if said is None or at < 0 else lean_of(said, at),
        forecast=None if said is None or at < 0 else forecast_of(said, at),
        score=score,
        score_percentile=_number(scores.ranked.percentile[i]),
        past_closes=int(scores.ranked.closes[i]),
        past_from_bars=int(scores.ranked.from_bars[i]),
        agreement=_number(total.agreement[i]),
        coverage=float(total.coverage[i]),
        attainable=float(scores.attainable[i]),
        evidence_class=class_of(detailed=scores.detailed[i]),
        consensus=_number(total.consensus[i]),
        disagreement=_number(total.disagreement[i]),
        quality=QUALITIES[total.quality[i]],
        factors=factors,
        timeframes=_frames(scores, i),
        alignment=_number(total.alignment[i]),
        counterfactual=counterfactual,
        entry=scores.entries.entry(i, scores.chances.of(i)),
        why=sentences(scores.symbols[i], band, score, factors, counterfactual, withheld),
        input_hash=_hash(scores, i),
        reasons=(*withheld, *_said_reasons(said, at)),
    )


class Branches:
    """One factor of all symbols: its arrays as lists [symbol][timeframe][measure], which are read much faster."""

    def __init__(self, scores: Scores, f: int, times: Mapping[Timeframe, str | None]) -> None:
        arrays = scores.factors[f]
        self._arrays = arrays
        base = times[scores.base]
        self._times = [base if tf is None else times[tf] for tf in arrays.timeframes]
        self._score = (50.0 * (1.0 + arrays.result.x)).tolist()
        self._weight = scores.total.confluence.weights[f].tolist()
        self._points = scores.factor_contributions[f].tolist()
        self._raw, self._value = _lists(arrays.raw), _lists(arrays.value)
        self._component_weight = _lists(arrays.result.weights)
        self._component_points = _lists(arrays.result.contributions(arrays.value))
        self._modifier_raw, self._modifier_value = _lists(arrays.modifier_raw), _lists(arrays.modifier_value)
        self._current = arrays.current.T.tolist()
        self._quality = arrays.quality.tolist()
        self._lacks = scores.lacks

    def score(self, i: int) -> FactorScore:
        """The factor of symbol `i` with its components and modifiers, in the order of the timeframes."""
        factor, score = self._arrays.factor, _known(self._score[i])
        quality = QUALITIES[self._quality[i]]
        frames = range(len(self._times))
        return FactorScore(
            name=factor.name,
            score=score,
            weight=factor.weight,
            effective_weight=self._weight[i],
            contribution=self._points[i],
            quality=quality,
            components=tuple(leaf for t in frames for leaf in self._components(i, t, quality)),
            modifiers=tuple(leaf for t in frames for leaf in self._modifiers(i, t)),
            reason=factor_reason(self._arrays, i, self._lacks) if score is None else None,
        )

    def _components(self, i: int, t: int, quality: DataQuality) -> Iterator[ComponentScore]:
        timeframe = self._arrays.timeframes[t]
        time = self._times[t] if self._current[i][t] else None
        leaves = zip(
            self._arrays.factor.components, self._raw[i][t], self._value[i][t], self._component_weight[i][t],
            self._component_points[i][t], strict=True,
        )  # fmt: skip
        for component, raw, value, weight, points in leaves:
            known = _known(value)
            yield ComponentScore(
                name=component.name,
                timeframe=timeframe,
                raw=_known(raw),
                unit=component.unit,
                value=known,
                score=None if known is None else 50.0 * (1.0 + known),
                weight=weight,
                contribution=points,
                time=time,
                quality=quality,
                reason=(self._lacks(i, component) or _why(self._arrays, t, i, component)) if known is None else None,
            )

    def _modifiers(self, i: int, t: int) -> Iterator[ModifierScore]:
        factor, timeframe = self._arrays.factor, self._arrays.timeframes[t]
        for modifier, raw, value in zip(
            factor.modifiers, self._modifier_raw[i][t], self._modifier_value[i][t], strict=True
        ):
            known = _known(value)
            yield ModifierScore(
                name=modifier.name,
                timeframe=timeframe,
                raw=_known(raw),
                unit=modifier.unit,
                value=known,
                scales=modifier.scales or factor.name,
                reason=_why(self._arrays, t, i, modifier) if known is None else None,
            )


def _lists(array: Floats) -> list[list[list[float]]]:
    """[T, M, n] as nested lists [n][T][M]."""
    nested: list[list[list[float]]] = array.transpose(2, 0, 1).tolist()
    return nested


def branches_of(scores: Scores) -> tuple[Branches, ...]:
    """Gather all factors of the scores."""
    times = {tf: iso(tf.floor(scores.close_ms)) for tf in scores.timeframes}
    return tuple(Branches(scores, f, times) for f in range(len(scores.factors)))


def factor_reason(arrays: FactorArrays, i: int, lacks: Callable[[int, Component], str | None]) -> str:
    """Why a factor has no score: of what could be had the readiest is asked, and what cannot be had otherwise."""
    ordered = sorted(arrays.factor.components, key=lambda component: component.ready)
    had = [component for component in ordered if lacks(i, component) is None]
    return _why(arrays, 0, i, had[0]) if had else lacks(i, ordered[0]) or ""


def _why(arrays: FactorArrays, t: int, i: int, measure: Measure) -> str:
    """Say why a measure has no value at this bar."""
    if not arrays.factor.feed.kept and arrays.quality[i] >= STALE:
        return f"data is {QUALITIES[arrays.quality[i]]}"
    age = int(arrays.age[t, i])
    if not arrays.current[t, i]:
        return "no bar yet" if age == 0 else "the last bar is missing"
    if age < measure.ready:
        return f"warming up: {age} of {measure.ready} bars"
    return measure.undefined


def _reasons(scores: Scores, i: int) -> tuple[str, ...]:
    total, rule = scores.total, scores.rule
    reasons = []
    if np.isnan(scores.score[i]):
        reasons.append("no factor has data")
    elif total.coverage[i] < (least := rule.min_coverage * scores.attainable[i]):
        reasons.append(
            f"coverage {total.coverage[i]:.2f} is below {least:.2f}, which is {rule.min_coverage:g} of the"
            f" {scores.attainable[i]:.2f} that this symbol can have"
        )
    if total.quality[i] >= STALE:
        reasons.append(f"data is {QUALITIES[total.quality[i]]}")
    elif scores.stale[i]:
        reasons.append("a feed of this symbol is stale")
    missing = [arrays for arrays in scores.factors if np.isnan(arrays.result.x[i])]
    reasons += [f"{arrays.factor.name}: {factor_reason(arrays, i, scores.lacks)}" for arrays in missing]
    return tuple(reasons)


def _said_reasons(said: Said | None, at: int) -> tuple[str, ...]:
    """Why there is no signal, or none but HOLD."""
    if said is None or at < 0:
        return ("signal, confidence: nothing is forecast of this bar",)
    unknown, edge = unknown_of(said, at), edge_of(said, at)
    return (*(() if unknown is None else (f"confidence: {unknown}",)), *(() if edge is None else (edge,)))


def _frames(scores: Scores, i: int) -> tuple[TimeframeScore, ...]:
    points = 50.0 * (1.0 + scores.total.frames[:, i])
    weights = next((a.frame_weights for a in scores.factors if len(a.timeframes) == len(points)), np.empty(0))
    return tuple(
        TimeframeScore(timeframe=timeframe, weight=float(weight / weights.sum()), score=_number(score))
        for timeframe, weight, score in zip(scores.timeframes, weights, points, strict=False)
    )


def _counterfactual(scores: Scores, i: int) -> Counterfactual | None:
    found = scores.counterfactuals
    f, t, c = int(found.factor[i]), int(found.timeframe[i]), int(found.component[i])
    if f < 0:
        return None
    arrays = scores.factors[f]
    component = arrays.factor.components[c]
    band = band_of(int(found.band[i]))
    if band is None:
        return None
    return Counterfactual(
        would_be=band,
        factor=arrays.factor.name,
        component=component.name,
        timeframe=arrays.timeframes[t],
        unit=component.unit,
        raw=float(arrays.raw[t, c, i]),
        needed=float(found.raw[i]),
        score=float(found.score[i]),
    )


def _hash(scores: Scores, i: int) -> str:
    """Names what the score was computed from: symbol, close, every raw value and every weight, to the last bit."""
    digest = blake2b(f"{scores.symbols[i]}|{scores.close_ms}".encode(), digest_size=16)
    for arrays in scores.factors:
        digest.update(f"|{arrays.factor.name}|{arrays.factor.weight!r}".encode())
        for values in (arrays.raw, arrays.modifier_raw, arrays.result.weights):
            digest.update(np.ascontiguousarray(values[..., i] + 0.0).tobytes())
    return digest.hexdigest()


def _number(value: np.float64) -> float | None:
    return _known(float(value))


def _known(value: float) -> float | None:
    return value if isfinite(value) else None
