"""Judge whether daily fits are better where they are shrunk to a fit of earlier days.

Usage: python tools/judge_prior.py DIR

DIR has the sets of the track record. Each set of 1m bars but the first begins by a fit to the one before it (the last:
by the fit that is shipped), once with daily fits that know of nothing else and once with daily fits shrunk to it.
Prints by how many percent the mean loss changed, in the first week and after it; `*`: the interval over whole days
(95 %, bootstrap) leaves out zero.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from virtuoso.analysis.forecast.fits.fit import Fit, fitted
from virtuoso.analysis.forecast.fits.shipped import SHIPPED
from virtuoso.analysis.forecast.horizons import CHANCE_HORIZONS_MIN, HORIZONS_MIN
from virtuoso.market.panel import Floats, Ints
from virtuoso.model.timeframe import DAY_MS, Timeframe
from virtuoso.research.bar_files.bars import read_bars
from virtuoso.research.forecasting.walk import ForecastBlock, WalkForward
from virtuoso.research.track_record.sets import SetSpec, shipped_sets

STEP_MS = 15 * Timeframe.M1.ms
WEEK = 8
"""Days from which on the first own fit of seven days may hold."""
LEAST = 1e-9


def walked(spec: SetSpec, directory: Path, start: Fit | None, prior: Fit | None) -> tuple[Ints, dict[str, Floats], Fit]:
    """The closes, their losses by name [t, n], and a fit to the whole set."""
    closes, losses = list[Ints](), list[dict[str, Floats]]()
    with read_bars(spec.found(directory)) as bars:
        walk = WalkForward(bars.symbols, bars.interval, start=start, prior=prior)
        for block in walk.blocks(bars.blocks(), bars.seams):
            at = np.flatnonzero(block.forecasts.close_ms % STEP_MS == 0)
            closes.append(block.forecasts.close_ms[at])
            losses.append({name: loss[at] for name, loss in losses_of(block)})
        fit = fitted(walk.forecaster.training_set(bars.last_ms + bars.interval.ms))
    if fit is None:
        raise SystemExit(f"{spec.name}: too short for a fit")
    whole = {name: np.concatenate([part[name] for part in losses]) for name in losses[0]}
    return np.concatenate(closes), whole, replace(fit, multiples=walk.forecaster.multiples())


def losses_of(block: ForecastBlock) -> Iterator[tuple[str, Floats]]:
    """QLIKE of volatility, and log scores of probabilities."""
    said, came = block.forecasts, block.outcomes.close
    with np.errstate(all="ignore"):
        for i, minutes in enumerate(HORIZONS_MIN):
            ratio = np.exp(2.0 * block.realised[i]) / said.variance[minutes]
            yield f"QLIKE {minutes}m", ratio - np.log(ratio) - 1.0
        for i, minutes in enumerate(CHANCE_HORIZONS_MIN):
            large, known = np.abs(came[i]) > said.large_move_threshold[minutes], np.isfinite(came[i])
            chance = np.where(large, said.large_move[minutes], 1.0 - said.large_move[minutes])
            yield f"large {minutes}m", np.where(known, -np.log(chance + LEAST), np.nan)
            up, down, cost = said.beyond_up[minutes], said.beyond_down[minutes], said.cost_bp / 1e4
            chance = np.where(came[i] > cost, up, np.where(came[i] < -cost, down, 1.0 - up - down))
            yield f"three outcomes {minutes}m", np.where(known, -np.log(chance + LEAST), np.nan)


def compared(close_ms: Ints, alone: Mapping[str, Floats], shrunk: Mapping[str, Floats]) -> Iterator[str]:
    """A line for each loss: its change in the first week, and after it."""
    day = (close_ms - 1) // DAY_MS - close_ms[0] // DAY_MS
    random = np.random.default_rng(0)
    for name, loss in alone.items():
        said = []
        for days in (range(1, WEEK), range(WEEK, int(day.max()) + 1)):
            both = [(np.nanmean(shrunk[name][day == k]), np.nanmean(loss[day == k])) for k in days]
            change, usual = np.array([b - a for b, a in both]), np.mean([a for _, a in both])
            low, high = np.quantile(random.choice(change, (2_000, change.size)).mean(axis=1), [0.025, 0.975])
            said.append(f"{change.mean() / usual:+8.2%}{'*' if low > 0 or high < 0 else ' '}")
        yield f"{name:22} {'   '.join(said)}"


def main(directory: Path) -> None:
    sets = [spec for spec in shipped_sets() if spec.found(directory)]
    dated = sorted((spec for spec in sets if not spec.name.endswith("H1")), key=lambda spec: spec.name)
    before: Fit | None = None
    for spec in dated:
        start = SHIPPED if spec is dated[-1] else before
        close_ms, alone, before = walked(spec, directory, start, None)
        if start is None:
            continue
        _, shrunk, _ = walked(spec, directory, start, start)
        print(f"{spec.name:22} {'first week':>9}   {'later':>9}")
        for line in compared(close_ms, alone, shrunk):
            print(line, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
