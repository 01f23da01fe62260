"""The nearest change of a single component that would give another band, verified by recomputing the score."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from virtuoso.analysis.bands import BandCodes, Banded, BandRule
from virtuoso.analysis.component import Component
from virtuoso.analysis.confluence import Weighted, combine_factor
from virtuoso.analysis.scoring import FactorArrays, total_of
from virtuoso.market.panel import Floats, Ints

REACH = 3.0
"""How far from its centre a component is imagined, in its own scale: tanh 3 is .995."""
_PAST = 1e-6
"""Score points past a threshold."""


@dataclass(frozen=True, slots=True)
class Counterfactuals:
    """For n symbols, the component to change: its `factor`, `timeframe` and `component` by index, −1 for none.

    `raw` [n] is the value that it would need, `band` [n] and `score` [n] what would follow.
    """

    factor: Ints
    timeframe: Ints
    component: Ints
    raw: Floats
    band: BandCodes
    score: Floats


def counterfactuals(
    factors: Sequence[FactorArrays], confluence: Weighted, banded: Banded, rule: BandRule
) -> Counterfactuals:
    """The nearest one of each symbol: least |Δraw|/scale within the component's limits and `REACH`."""
    n = confluence.x.size
    best = np.full(n, np.inf)
    at = np.full((3, n), -1)
    raw = np.full(n, np.nan)
    low, high = rule.edges(banded.before, banded.held, banded.band)
    usable = banded.allowed & np.isfinite(confluence.x)
    for edge, past in ((low, -_PAST), (high, _PAST)):
        target = np.where(usable, (edge + past) / 50.0 - 1.0, np.nan)
        for f, arrays in enumerate(factors):
            distance, needed = _changes(arrays, confluence, f, target)
            flat = distance.reshape(-1, n)
            k = flat.argmin(axis=0)
            column = np.arange(n)
            nearer = flat[k, column] < best
            best = np.where(nearer, flat[k, column], best)
            place = np.stack([np.full(n, f), *np.unravel_index(k, distance.shape[:2])])
            at = np.where(nearer, place, at)
            raw = np.where(nearer, needed.reshape(-1, n)[k, column], raw)
    score = _recomputed(factors, at, raw)
    band = rule.decide(banded.before, banded.held, score, usable)
    holds = np.isfinite(best) & (band != banded.band)
    at = np.where(holds, at, -1)
    return Counterfactuals(at[0], at[1], at[2], np.where(holds, raw, np.nan), band, score)


def _changes(arrays: FactorArrays, confluence: Weighted, f: int, target: Floats) -> tuple[Floats, Floats]:
    """Distance and raw value [T, C, n] by which each component alone would bring the confluence to `target` [n]."""
    result = arrays.result
    with np.errstate(all="ignore"):
        mean = np.arctanh(target) / confluence.gain
        x = result.x + (mean - confluence.mean) / confluence.weights[f]
        factor_mean = np.arctanh(np.where(np.abs(x) < 1.0, x, np.nan)) / result.gain
        value = (arrays.value + (factor_mean - result.mean) / result.weights) / arrays.scaling
        value = np.where(np.abs(value) < 1.0, value, np.nan)
        distance, needed = np.full(value.shape, np.inf), np.full(value.shape, np.nan)
        for c, component in enumerate(arrays.factor.components):
            distance[:, c], needed[:, c] = _change(component, arrays.raw[:, c], value[:, c])
    return distance, needed


def _change(component: Component, raw: Floats, value: Floats) -> tuple[Floats, Floats]:
    """Distance and raw value [T, n] at which a component would have `value` [T, n]; infinite where it never has."""
    needed = component.needed(value)
    scale = abs(component.scale)
    low, high = component.limits
    reach = REACH * scale + component.dead
    good = (np.abs(needed - component.center) <= reach) & (needed >= low) & (needed <= high)
    return np.where(good, np.abs(needed - raw) / scale, np.inf), needed


def _recomputed(factors: Sequence[FactorArrays], at: Ints, raw: Floats) -> Floats:
    """Scores [n] with the component at `at` [3, n] of each symbol set to `raw` [n]."""
    x = []
    for f, arrays in enumerate(factors):
        columns = np.flatnonzero(at[0] == f)
        values = arrays.value[:, :, columns].copy()
        for i, column in enumerate(columns):
            t, c = at[1, column], at[2, column]
            component = arrays.factor.components[c]
            values[t, c, i] = component.value(raw[column : column + 1])[0] * arrays.scaling[t, c, column]
        changed = arrays.result.x.copy()
        changed[columns] = combine_factor(values, arrays.frame_weights, arrays.factor).whole.x
        x.append(changed)
    score: Floats = 50.0 * (1.0 + total_of(np.stack(x), [arrays.factor for arrays in factors]).x)
    return score
