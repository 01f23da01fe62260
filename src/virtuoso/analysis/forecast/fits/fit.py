"""The daily fit: volatility by ridge, probabilities by logistic regression on it, named by a hash of its content."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.forecast.cones.cone import SERIES
from virtuoso.analysis.forecast.cones.conformal import LEVELS
from virtuoso.analysis.forecast.fits.design import (
    OF_TIME,
    VOLATILITY_COLUMNS,
    direction_columns,
    mean_of_spans,
    volatility_columns,
)
from virtuoso.analysis.forecast.fits.exceedance import exceedance, logit_above
from virtuoso.analysis.forecast.fits.regression import linear, logistic, probability, ridge
from virtuoso.analysis.forecast.horizons import CHANCE_HORIZONS_MIN, HORIZONS_MIN
from virtuoso.analysis.forecast.training import TrainingSet
from virtuoso.market.panel import Floats, Ints
from virtuoso.model.timeframe import DAY_MS

LEAST_DAYS = 2
"""A fit needs samples of so many days."""
_LEAST_SAMPLES = 200
_LEVEL_PENALTY, _SPAN_PENALTY, _TIME_PENALTY = 0.5, 3.0, 5.0
"""Of the constant, the spans and the time of day, over the days seen: symbols move together, so that days count."""
_TIME_SPREAD = 0.7
"""Standard deviation of a sine over whole days; of less than a day it would be anything."""
_USUAL_SPREAD = 0.5 * np.log(1.2)
"""`Fit.spread` that a fit of no days would assume, worth one day."""
_CHANCE_PENALTY, _DIRECTION_PENALTY = 0.5, 2.0
MULTIPLES = (len(HORIZONS_MIN), len(SERIES) + 1, LEVELS.size)
_AS_TABLED = np.array([0.0, 1.0])
"""Intercept and slope that leave the logit of the table as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """What a fit found; rows of its arrays are horizons, `nan` where there was too little to fit."""

    volatility: Floats
    """Weights [3, 23] of `volatility_columns`, on top of `level`."""
    spread: Floats
    """Half the log of E[realised variance]/e^(2·E[log realised volatility]) [3]."""
    table: Floats
    """`exceedance` of the returns over 15 and 60 minutes [2, 66]."""
    large: Floats
    """Intercept and slope [2, 2] on the table's logit: P(|return| > the symbol's own threshold)."""
    beyond: Floats
    """The same of P(|return| > cost)."""
    direction: Floats
    """Weights [2, 3] of `direction_columns`: of returns beyond costs, which way. No constant: a mirror swaps them."""
    multiples: Floats
    """Quantiles of the cones' multiples [3, close, high, low and the market's close, level of `conformal.LEVELS`].

    `nan` in a daily fit: cones learn at every close. A fit that is shipped gives those that a cone begins with.
    """
    last_ms: int
    """The last time that anything in it was seen, epoch ms."""
    days: int
    """Days of which there were samples."""
    samples: int

    @property
    def version(self) -> str:
        """Hash of the fit's arrays, by which a statement says what it was made with."""
        digest = blake2b(digest_size=6)
        for name, array in self.arrays().items():
            digest.update(name.encode() + np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    @property
    def whole(self) -> bool:
        """Whether there was enough to fit everything."""
        return all(np.isfinite(array).all() for name, array in self.arrays().items() if name != "multiples")

    def arrays(self) -> dict[str, Floats]:
        """Everything as plain arrays, for a file or another process."""
        return {field.name: np.asarray(getattr(self, field.name), dtype=np.float64) for field in fields(self)}

    @classmethod
    def of(cls, arrays: Mapping[str, Floats]) -> "Fit":
        """The fit that gave these `arrays`; raises `ValueError` when it is of another make."""
        shapes = {
            "volatility": (len(HORIZONS_MIN), VOLATILITY_COLUMNS), "spread": (len(HORIZONS_MIN),),
            "multiples": MULTIPLES,
            **{name: (len(CHANCE_HORIZONS_MIN), k) for name, k in _CHANCE_SHAPES.items()},
        }  # fmt: skip
        if any(name not in arrays or np.shape(arrays[name]) != shape for name, shape in shapes.items()):
            raise ValueError("the fit was made by another version")
        found: dict[str, Any] = {name: np.array(arrays[name], dtype=np.float64) for name in shapes}
        found |= {name: int(arrays[name]) for name in ("last_ms", "days", "samples")}
        return cls(**found)

    def log_volatility(self, volatility: Floats, market: Floats, close_ms: Ints) -> Floats:
        """Expected log realised volatility over each horizon [3, t, n].

        Args:
            volatility: log volatilities of the spans [6, t, n].
            market: the market's [t].
            close_ms: the closes [t].
        """
        mean = mean_of_spans(volatility)
        columns = volatility_columns(volatility, mean, market[:, None], close_ms[:, None])
        return linear(self.volatility.T[:, :, None, None], columns) + mean + _LOG_ROOTS[:, None, None]

    def large_move(self, i: int, threshold: Floats, volatility: Floats) -> Floats:
        """P(|return over the i-th horizon| > threshold) [...]."""
        return probability(linear(self.large[i], _chance_columns(self.table[i], threshold, volatility)))

    def beyond_costs(self, i: int, cost: Floats, volatility: Floats) -> Floats:
        """P(|return over the i-th horizon| > cost) [...]; `cost` is a log return."""
        return probability(linear(self.beyond[i], _chance_columns(self.table[i], cost, volatility)))

    def upward(self, i: int, trend: Floats, volatility: Floats) -> Floats:
        """P(return > 0, given that it goes beyond costs) [...], from the returns of the last spans [3, …]."""
        columns = direction_columns(trend, volatility, CHANCE_HORIZONS_MIN[i], HORIZONS_MIN)
        return probability(linear(self.direction[i], columns))


_LOG_ROOTS = 0.5 * np.log(HORIZONS_MIN)
"""What turns a log volatility per √minute into that over each horizon."""
_CHANCE_SHAPES = {"table": 66, "large": 2, "beyond": 2, "direction": len(HORIZONS_MIN)}


def fitted(training: TrainingSet, prior: Fit | None = None) -> Fit | None:
    """Fit everything to what is known, shrunk to a prior; `None` with less than `LEAST_DAYS` days of samples.

    Args:
        training: what is known.
        prior: a fit to other days, worth some days of these; left aside where it lacks a part, or has seen anything
            at or after the first sample. Without one, weights are shrunk to those that need no fit.
    """
    prior = _prior(prior, training)
    ready = np.isfinite(training.volatility).all(axis=0) & np.isfinite(training.market)
    learnt = ready & np.isfinite(training.realised[0])
    days = _days(training.close_ms[learnt])
    if days < LEAST_DAYS or learnt.sum() < _LEAST_SAMPLES:
        return None
    mean = mean_of_spans(training.volatility)
    columns: Floats = np.stack(
        np.broadcast_arrays(*volatility_columns(training.volatility, mean, training.market, training.close_ms))
    )
    volatility = np.full((len(HORIZONS_MIN), VOLATILITY_COLUMNS), np.nan)
    spread = np.full(len(HORIZONS_MIN), np.nan)
    chances = {name: np.full((len(CHANCE_HORIZONS_MIN), k), np.nan) for name, k in _CHANCE_SHAPES.items()}
    for i in range(len(HORIZONS_MIN)):
        base = mean + _LOG_ROOTS[i]
        used = ready & np.isfinite(training.realised[i])
        if _days(training.close_ms[used]) < LEAST_DAYS or used.sum() < _LEAST_SAMPLES:
            continue
        target = training.realised[i, used] - base[used]
        volatility[i], spread[i] = _volatility(columns[:, used], target, days, prior.volatility[i], prior.spread[i])
        if i < len(CHANCE_HORIZONS_MIN):
            _fit_chances(i, training, np.exp(base + linear(volatility[i], columns)), used, prior, chances)
    return Fit(
        volatility=volatility,
        spread=spread,
        multiples=np.full(MULTIPLES, np.nan),
        last_ms=training.until_ms,
        days=days,
        samples=int(learnt.sum()),
        **chances,
    )


def _prior(given: Fit | None, training: TrainingSet) -> Fit:
    """What weights are shrunk to: the fit that was given, if it may be used, or what needs no fit."""
    if given is not None and given.whole and training.close_ms.size and given.last_ms < training.close_ms.min():
        return given
    chances = {name: np.zeros((len(CHANCE_HORIZONS_MIN), k)) for name, k in _CHANCE_SHAPES.items()}
    return Fit(
        volatility=np.zeros((len(HORIZONS_MIN), VOLATILITY_COLUMNS)),
        spread=np.full(len(HORIZONS_MIN), _USUAL_SPREAD),
        multiples=np.full(MULTIPLES, np.nan),
        last_ms=0,
        days=0,
        samples=0,
        **(chances | {name: chances[name] + _AS_TABLED for name in ("large", "beyond")}),
    )


def _volatility(columns: Floats, target: Floats, days: int, prior: Floats, prior_spread: float) -> tuple[Floats, float]:
    """Ridge weights for columns as they come, and the spread around what they foresee."""
    mean, deviation = columns.mean(axis=1), columns.std(axis=1) + 1e-9
    mean[0], deviation[0] = 0.0, 1.0
    mean[OF_TIME], deviation[OF_TIME] = 0.0, _TIME_SPREAD
    penalty = np.full(len(columns), _SPAN_PENALTY)
    penalty[0], penalty[OF_TIME] = _LEVEL_PENALTY, _TIME_PENALTY
    towards = prior * deviation
    towards[0] += (prior[1:] * mean[1:]).sum()
    weights = ridge(((columns - mean[:, None]) / deviation[:, None]).T, target, penalty / days, towards) / deviation
    weights[0] -= (weights[1:] * mean[1:]).sum()
    excess = float(np.mean(np.exp(2.0 * (target - linear(weights, columns)))))
    return weights, 0.5 * np.log((excess * days + np.exp(2.0 * prior_spread)) / (days + 1))


def _fit_chances(
    i: int, training: TrainingSet, volatility: Floats, used: NDArray[np.bool_], prior: Fit, chances: dict[str, Floats]
) -> None:
    """Probabilities over the i-th horizon, given the `volatility` that the fit itself foresees."""
    moves = training.returns[i]
    used = used & np.isfinite(moves)
    if used.sum() < _LEAST_SAMPLES:
        return
    table = exceedance(moves[used], volatility[used])
    if prior.days:
        days = _days(training.close_ms[used])
        table = (table * days + prior.table[i]) / (days + 1)
    chances["table"][i] = table
    cost = training.cost_bp / 1e4
    for name, levels in (("large", training.threshold[i]), ("beyond", cost)):
        known = used & np.isfinite(levels)
        days = _days(training.close_ms[known])
        if days < 1 or known.sum() < _LEAST_SAMPLES:
            continue
        x = np.stack(_chance_columns(table, levels[known], volatility[known]), axis=1)
        came = (np.abs(moves[known]) > levels[known]).astype(np.float64)
        chances[name][i] = logistic(x, came, np.full(2, _CHANCE_PENALTY / days), getattr(prior, name)[i])
    known = used & (np.abs(moves) > cost) & np.isfinite(training.trend).all(axis=0)
    x = np.stack(
        direction_columns(training.trend[:, known], volatility[known], CHANCE_HORIZONS_MIN[i], HORIZONS_MIN), axis=1
    )
    chances["direction"][i] = prior.direction[i]  # without one, neither side is likelier
    if known.sum() >= _LEAST_SAMPLES:
        penalty = np.full(x.shape[1], _DIRECTION_PENALTY / _days(training.close_ms[known]))
        upward = (moves[known] > 0.0).astype(np.float64)
        chances["direction"][i] = logistic(x, upward, penalty, prior.direction[i])


def _chance_columns(table: Floats, levels: Floats, volatility: Floats) -> list[Floats]:
    logit = logit_above(table, levels, volatility)
    return [np.ones_like(logit), logit]


def _days(close_ms: Ints) -> int:
    return int(np.unique(close_ms // DAY_MS).size)
