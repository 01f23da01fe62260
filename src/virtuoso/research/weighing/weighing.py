"""Tries all weightings on all sets, and chooses."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Final

from virtuoso.research.judging.trades import Trades
from virtuoso.research.progress import share_of
from virtuoso.research.run import Plan
from virtuoso.research.sampling.sets import scored
from virtuoso.research.weighing.choice import Choice, choose
from virtuoso.research.weighing.samples import STEP_MIN, Samples, samples_of
from virtuoso.research.weighing.trials import Trial, TrialLog, Tried, attempt
from virtuoso.research.weighing.weightings import all_signals, judged

HORIZONS: Final = (15, 60, 240)


def weigh(
    sets: Sequence[tuple[str, Path]],
    plan: Plan,
    cost_bp: float,
    log: TrialLog,
    tell: Callable[[str, float], None] = lambda _name, _share: None,
) -> dict[str, Any]:
    """Try every weighting on every set, and choose; a document with plain keys.

    Args:
        sets: a name and the files of each; one is in memory at a time.
        plan: how the configured score is made.
        cost_bp: the cost of a round trip.
        log: of the trials of earlier runs, which count; those of this run are added.
        tell: told the set and the share of it that is done.
    """
    tried: list[Tried] = []
    documents = {}
    for name, path in sets:
        told = partial(tell, name)
        samples = _samples(name, path, plan, share_of(told, 0.0, 0.5))
        found, fitted = attempts(samples, cost_bp, share_of(told, 0.5, 0.5))
        tried += found
        documents[name] = {
            "symbols": list(samples.symbols),
            "trials": [_tried(each) for each in found],
            "weights": fitted,
        }
        del samples  # before the next is read: one is in memory at a time
    trials = [each.trial for each in tried]
    choice = choose(_joined(trials, log.read()))
    log.append(trials)
    return {"cost_bp": cost_bp, "sets": documents, "choice": _choice(choice)}


def _samples(name: str, path: Path, plan: Plan, tell: Callable[[float], None]) -> Samples:
    found = scored(path, plan, step_min=STEP_MIN, tell=tell)
    return samples_of(name, found.symbols, found.readings, found.followed)


def attempts(
    samples: Samples, cost_bp: float, tell: Callable[[float], None]
) -> tuple[list[Tried], dict[str, Mapping[str, float]]]:
    """Try every weighting at every horizon; returns the weights of the last fits too, by the trial's name."""
    tried, fitted = [], {}
    when = judged(samples)
    for number, horizon in enumerate(HORIZONS):
        said = all_signals(samples, horizon, share_of(tell, number / len(HORIZONS), 1 / len(HORIZONS)))
        for weighting, each in said.items():
            tried.append(attempt(samples, weighting, horizon, each.signal, when, cost_bp))
            if each.weights:
                fitted[tried[-1].trial.name] = each.weights
    return tried, fitted


def _joined(trials: Sequence[Trial], logged: Sequence[Trial]) -> list[Trial]:
    """Join this run's trials with those logged of the same sets and days that it did not try again."""
    days = {trial.set: trial.days for trial in trials}
    again = {(trial.set, trial.name) for trial in trials}
    others = [each for each in logged if days.get(each.set) == each.days and (each.set, each.name) not in again]
    return [*trials, *others]


def _tried(tried: Tried) -> dict[str, Any]:
    return {
        "name": tried.trial.name,
        "weighting": tried.weighting,
        "horizon_min": tried.horizon,
        "information": tried.information.document(),
        **_trades(tried.trades),
        "at_proxy_cost": _trades(tried.trades_at_proxy),
    }


def _trades(trades: Trades) -> dict[str, Any]:
    return {
        "entries": trades.entries,
        "hit": trades.hit.document(),
        "base_hit": trades.base_hit.document(),
        "gross_bp": trades.gross_bp.document(),
        "net_bp": trades.net_bp.document(),
        "net_twice_bp": trades.net_twice_bp.document(),
    }


def _choice(choice: Choice) -> dict[str, Any]:
    return {
        **{key: value for key, value in asdict(choice).items() if key != "pooled"},
        "pooled": [
            {
                "name": each.name,
                "net_bp_a_day": each.net_bp.document(),
                "over_configured_bp_a_day": each.over_configured.document(),
                "loses_on": list(each.loses_on),
            }
            for each in choice.pooled
        ],
    }
