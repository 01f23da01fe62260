"""Tries a weighting at a horizon, entered by one rule stated in advance, and logs what it made each day."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.quality.blocks import Blocks, quotient, summed
from virtuoso.analysis.quality.figures import Figure
from virtuoso.market.panel import Floats
from virtuoso.model.errors import UsageError
from virtuoso.model.timeframe import DAY_MS
from virtuoso.research.judging.ranks import rank_correlation
from virtuoso.research.judging.trades import Sides, Trades, judge, not_overlapping
from virtuoso.research.weighing.samples import Samples

STRONGEST: Final = 0.9
"""An entry is made where a signal is stronger than this share of the symbol's own of the days before."""
_PAST_DAYS: Final = 7
_LEAST_PAST: Final = 96


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """The daily net result of one trial on one set, at cost, in basis points per symbol; 0 on days without an entry."""

    set: str
    name: str
    days: tuple[int, ...]
    net_bp: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One weighting tried at one horizon, with how well it did."""

    trial: Trial
    weighting: str
    horizon: int
    information: Figure
    trades: Trades
    trades_at_proxy: Trades


def attempt(
    samples: Samples, weighting: str, horizon: int, signal: Floats, when: NDArray[np.bool_], cost_bp: float
) -> Tried:
    """Judge a signal [t, n] at the closes `when` [t], entering where it is among the strongest of the symbol's past."""
    sides = entries(samples, horizon, signal, when)
    blocks, outcome = Blocks(samples.close_ms, horizon), samples.returns[horizon]
    made = (sides != 0) & np.isfinite(outcome)
    daily = blocks.daily(summed(made, sides * outcome * 1e4 - cost_bp))[:, 0] / len(samples.symbols)
    days = np.unique(samples.close_ms // DAY_MS)
    kept = np.isin(days, samples.close_ms[when] // DAY_MS)
    trial = Trial(
        set=samples.name,
        name=f"{weighting} {horizon}m",
        days=tuple(days[kept].tolist()),
        net_bp=tuple(daily[kept].tolist()),
    )
    return Tried(
        trial=trial,
        weighting=weighting,
        horizon=horizon,
        information=rank_correlation(np.where(when[:, None], signal, np.nan), outcome, blocks),
        trades=judge(sides, outcome, cost_bp, blocks),
        trades_at_proxy=judge(sides, outcome, samples.cost_bp, blocks),
    )


def entries(samples: Samples, horizon: int, signal: Floats, when: NDArray[np.bool_]) -> Sides:
    """Return the sides [t, n] of entries that do not overlap, each held for the horizon."""
    strong = np.abs(signal) > _thresholds(samples, signal)
    made = not_overlapping(strong & when[:, None], max(1, horizon // samples.step_min))
    return np.where(made, np.sign(np.where(made, signal, 0.0)), 0.0).astype(np.int8)


def _thresholds(samples: Samples, signal: Floats) -> Floats:
    """The strength [t, n] above which a signal is among the strongest of the symbol's seven days before 00:00 UTC."""
    day = samples.close_ms // DAY_MS
    out = np.full(signal.shape, np.inf)
    for each in np.unique(day):
        begin, end = np.searchsorted(day, (each, each + 1))
        first = int(np.searchsorted(day, each - _PAST_DAYS))
        past = np.abs(signal[first:begin])
        enough = np.isfinite(past).sum(axis=0) >= _LEAST_PAST
        if enough.any():
            out[begin:end, enough] = np.nanquantile(past[:, enough], STRONGEST, axis=0)
    return out


def difference(one: Trial, other: Trial) -> Figure:
    """Return how much more a day one made than the other on the same set, in basis points per symbol."""
    apart = np.array(one.net_bp) - np.array(other.net_bp)
    return daily_mean(apart, one.days)


def daily_mean(daily: Floats, days: Sequence[int]) -> Figure:
    """Average a daily series, with its interval over days."""
    blocks = Blocks(np.array(days, dtype=np.int64) * DAY_MS, 15)
    used = np.isfinite(daily)
    terms = np.stack([np.where(used, daily, 0.0), used], axis=1).astype(np.float64)
    return blocks.figure(used, terms, lambda sums: quotient(sums[..., 0], sums[..., 1]))


class TrialLog:
    """Every trial ever made, a line of JSON each, so that the best of many is judged as the best of many.

    Args:
        path: appended to; `None` keeps nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def read(self) -> list[Trial]:
        """Read the trials of earlier runs; raises `UsageError` for a file that is no such log."""
        if self._path is None or not self._path.exists():
            return []
        found = []
        for number, line in enumerate(self._path.read_text("utf-8").splitlines(), start=1):
            try:
                row = json.loads(line)
                found.append(
                    Trial(set=row["set"], name=row["name"], days=tuple(row["days"]), net_bp=tuple(row["net_bp"]))
                )
            except (ValueError, KeyError, TypeError) as error:
                raise UsageError(f"{self._path}:{number}: is no line of a log of trials") from error
        return found

    def append(self, trials: Iterable[Trial]) -> None:
        """Add the trials that are not in it yet."""
        if self._path is None:
            return
        there = {(trial.set, trial.name, trial.days) for trial in self.read()}
        new = [trial for trial in trials if (trial.set, trial.name, trial.days) not in there]
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.writelines(json.dumps(asdict(trial)) + "\n" for trial in new)
        except OSError as error:
            raise UsageError(f"{self._path}: cannot be written: {error.strerror or error}") from error
