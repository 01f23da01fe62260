"""Chooses among all trials: the best one, if chance among so many does not explain it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from virtuoso.analysis.quality.figures import Figure
from virtuoso.market.panel import Floats
from virtuoso.research.weighing.trials import Trial, daily_mean, difference

CONFIGURED: Final = "configured"
_REPETITIONS: Final = 2_000
_SEED: Final = 16
_BLOCK_DAYS: Final = 2
_LEVEL: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooled:
    """One trial over all sets: its daily net result, and how much more than the configured weights at its horizon."""

    name: str
    net_bp: Figure
    over_configured: Figure
    loses_on: tuple[str, ...]
    """Sets on which it made significantly less than the configured weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The verdict: `winner` is `None` where no trial earns it; `p_paid` and `p_configured` are those of the best trial.

    `p_paid`: that no trial is better than not trading; `p_configured`: that none is better than the configured weights
    at one hour (consistent p of the test for superior predictive ability, Hansen, 2005).
    """

    pooled: tuple[Pooled, ...]
    p_paid: float | None
    p_configured: float | None
    trials: int
    winner: str | None
    reason: str


def choose(trials: Sequence[Trial], against: str = f"{CONFIGURED} 60m") -> Choice:
    """Judge all `trials` of all sets together; trials that are not there for every set are left out."""
    by_name: dict[str, dict[str, Trial]] = {}
    for trial in trials:
        by_name.setdefault(trial.name, {})[trial.set] = trial
    sets = {trial.set for trial in trials}
    whole = {name: of for name, of in by_name.items() if set(of) == sets}
    pooled = tuple(_pooled(name, of, whole) for name, of in whole.items())
    series = {name: _series(of) for name, of in whole.items()}
    p_paid = superior(np.zeros(len(next(iter(series.values())))), list(series.values())) if series else None
    others = [values for name, values in series.items() if name != against]
    p_configured = superior(series[against], others) if against in series and others else None
    winner, reason = _verdict(pooled, p_paid)
    return Choice(
        pooled=pooled, p_paid=p_paid, p_configured=p_configured, trials=len(whole), winner=winner, reason=reason
    )


def superior(benchmark: Floats, series: Sequence[Floats]) -> float | None:
    """Return p of no series of daily results [d] being better than the benchmark's (Hansen, 2005; consistent).

    Stationary bootstrap over blocks of two days on average; `None` below ten days or where nothing varies.
    """
    if len(benchmark) < 10:
        return None
    losses = -np.stack(series, axis=1)
    varying = (losses + benchmark[:, None]).std(axis=0) > 0
    if not varying.any():
        return None
    from arch.bootstrap import SPA  # noqa: PLC0415 - takes a second to load

    test = SPA(-benchmark, losses[:, varying], block_size=_BLOCK_DAYS, reps=_REPETITIONS, seed=_SEED)
    test.compute()
    return float(test.pvalues["consistent"])


def _series(of: Mapping[str, Trial]) -> Floats:
    return np.concatenate([np.array(of[name].net_bp) for name in sorted(of)])


def _pooled(name: str, of: Mapping[str, Trial], whole: Mapping[str, Mapping[str, Trial]]) -> Pooled:
    horizon = name.rpartition(" ")[2]
    configured = whole.get(f"{CONFIGURED} {horizon}", of)
    apart = {each: difference(trial, configured[each]) for each, trial in of.items()}
    days = np.concatenate([np.array(of[each].days) for each in sorted(of)])
    order = np.argsort(days, kind="stable")
    own, theirs = _series(of), _series(configured)
    return Pooled(
        name=name,
        net_bp=daily_mean(own[order], days[order].tolist()),
        over_configured=daily_mean((own - theirs)[order], days[order].tolist()),
        loses_on=tuple(each for each, figure in apart.items() if figure.negative),
    )


def _verdict(pooled: Sequence[Pooled], p_paid: float | None) -> tuple[str | None, str]:
    """Return the winner and why, or `None` and why there is none."""
    best = max(pooled, key=lambda each: each.net_bp.value if each.net_bp.value is not None else -np.inf, default=None)
    if best is None or best.net_bp.value is None:
        return None, "there is nothing to judge"
    said = f"the best of {len(pooled)}, {best.name}, makes {best.net_bp.value:+.2f} bp a symbol and day"
    if not best.net_bp.positive:
        return None, f"{said}, which is not significantly above 0"
    if p_paid is None or p_paid >= _LEVEL:
        return None, f"{said}, which chance among so many trials explains (p = {p_paid})"
    if best.loses_on:
        return None, f"{said}, but loses significantly on {', '.join(best.loses_on)}"
    return best.name, said
