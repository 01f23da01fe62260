"""How well volatility was foreseen: the share of log realised volatility explained, and the loss of the variance."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.quality.blocks import Blocks, quotient, ratio, summed
from virtuoso.analysis.quality.figures import Figure
from virtuoso.market.panel import Floats
from virtuoso.research.judging.paired import Paired, compare


@dataclass(frozen=True, slots=True, kw_only=True)
class VolatilityQuality:
    """R² of the log of realised volatility against each symbol's own past mean, QLIKE, and both against rivals.

    `squared` compares squared errors of the logs, `qlike_against` the QLIKE, below 0 where the forecast is better.
    """

    r2: Figure
    qlike: Figure
    rival_r2: Mapping[str, Figure]
    rival_qlike: Mapping[str, Figure]
    squared: Mapping[str, Paired]
    qlike_against: Mapping[str, Paired]


@dataclass(frozen=True, slots=True)
class Foreseen:
    """A forecast of volatility [t, n]: `volatility` in the middle of what may come, `variance` its mean."""

    volatility: Floats
    variance: Floats


def quality(
    forecast: Foreseen, realised: Floats, past: Floats, rivals: Mapping[str, Foreseen], blocks: Blocks
) -> VolatilityQuality:
    """Judge a forecast of `realised` volatility [t, n], `nan` for unknown, against `past` and `rivals`.

    Args:
        forecast: what was foreseen: the logarithm is judged by its volatility, QLIKE by its variance.
        realised: root of the sum of squared returns of base bars over the horizon.
        past: mean of each symbol's own log realised volatility that was known at the time.
        rivals: other forecasts by name. Only readings of which all are known are judged.
        blocks: the blocks of the closes.
    """
    used = np.isfinite(_log(realised) + past)
    for each in (forecast, *rivals.values()):
        used &= np.isfinite(_log(each.volatility) + _log(each.variance))
    error, loss = log_error(forecast.volatility, realised), qlike(forecast.variance, realised)
    return VolatilityQuality(
        r2=r_squared(forecast.volatility, realised, past, used, blocks),
        qlike=mean_loss(loss, used, blocks),
        rival_r2={name: r_squared(rival.volatility, realised, past, used, blocks) for name, rival in rivals.items()},
        rival_qlike={name: mean_loss(qlike(rival.variance, realised), used, blocks) for name, rival in rivals.items()},
        squared={
            name: compare(error, log_error(rival.volatility, realised), blocks, used) for name, rival in rivals.items()
        },
        qlike_against={
            name: compare(loss, qlike(rival.variance, realised), blocks, used) for name, rival in rivals.items()
        },
    )


def mean_loss(loss: Floats, used: NDArray[np.bool_], blocks: Blocks) -> Figure:
    """The mean of a loss [t, n] over the readings that are used."""
    return blocks.figure(used, summed(used, loss, 1.0), ratio, scatter=lambda _: float(loss[used].var()))


def r_squared(forecast: Floats, realised: Floats, past: Floats, used: NDArray[np.bool_], blocks: Blocks) -> Figure:
    """1 − Σ(log realised − log forecast)²/Σ(log realised − past)²."""
    terms = summed(used, log_error(forecast, realised), (_log(realised) - past) ** 2)
    return blocks.figure(used, terms, _explained, scatter=_scatter)


def log_error(forecast: Floats, realised: Floats) -> Floats:
    """Squared difference of the logarithms [t, n]."""
    return (_log(realised) - _log(forecast)) ** 2


def qlike(variance: Floats, realised: Floats) -> Floats:
    """s²/v − ln(s²/v) − 1 [t, n]: 0 where exact; robust to noise in what is called realised (Patton, 2011)."""
    with np.errstate(all="ignore"):
        share = realised**2 / variance
        return np.where((share > 0) & np.isfinite(share), share - np.log(share) - 1.0, np.nan)


def _log(x: Floats) -> Floats:
    with np.errstate(all="ignore"):
        return np.where(x > 0, np.log(x), np.nan)


def _scatter(r2: float) -> float:
    """The variance of R², times the readings, of many readings (Olkin & Finn, 1995)."""
    return 4.0 * abs(r2) * (1.0 - r2) ** 2


def _explained(sums: Floats) -> Floats:
    return 1.0 - quotient(sums[..., 0], sums[..., 1])
