"""Fit the gains of analysis on the first days of recorded 1m bars and report on the rest.

Usage: python tools/fit_gains.py BARS.parquet [--days 10] [--share 4.0]

σ (RMS of the inputs) and ρ (which explains the spread of their weighted mean) are fitted for each factor that bars can
feed, with the factors' stretch as it is; then for the confluence, whose stretch is chosen so that `--share` percent of
the fitted readings lie at the thresholds or beyond, both sides together.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from virtuoso.analysis.bands import BandRule
from virtuoso.analysis.engine import FACTORS, TIMEFRAMES
from virtuoso.analysis.gains import Gain
from virtuoso.research.backtest import Backtest, fed_by_bars
from virtuoso.research.bar_files.bars import read_bars

DAY_MINUTES = 1440


@dataclass
class Factor:
    """One factor of every reading: weighted mean of its inputs and Σw² [minutes, symbols], and the inputs' Σv², n."""

    mean: np.ndarray
    squares: np.ndarray
    square_sum: float
    count: int


def gather(path: Path, days: int) -> tuple[dict[str, Factor], dict[str, float], int]:
    """Run the file through the engine; the first minute at which all symbols that begin at the start have a score."""
    means, squares, sums = {}, {}, {}
    with read_bars(path) as bars:
        weights = fed_by_bars({name: factor.weight for name, factor in FACTORS.items()}, taker_sides=bars.taker_sides)
        run = Backtest(bars.symbols, TIMEFRAMES, weights, BandRule(), taker_sides=bars.taker_sides)
        last_fit = bars.first_ms + days * DAY_MINUTES * 60_000
        for block in bars.blocks():
            for history in run.histories(block):
                t, n = history.score.shape
                for arrays in history.columns:
                    name, w = arrays.factor.name, arrays.result.weights
                    means.setdefault(name, []).append(arrays.result.mean.reshape(t, n))
                    squares.setdefault(name, []).append((w * w).sum(axis=(0, 1)).reshape(t, n))
                    if history.close_ms[0] < last_fit:
                        total = sums.setdefault(name, [0.0, 0])
                        total[0] += float(np.nansum(arrays.value**2))
                        total[1] += int(np.isfinite(arrays.value).sum())
        fit = (last_fit - bars.first_ms) // 60_000
    factors = {
        name: Factor(np.concatenate(means[name]), np.concatenate(squares[name]), sums[name][0], sums[name][1])
        for name in weights
    }
    return factors, weights, fit


def spread(square_sum: float, count: int, mean: np.ndarray, squares: np.ndarray) -> Gain:
    """σ and ρ of inputs with the given Σv² and n, of weighted `mean`s with Σw² `squares`."""
    sigma2 = square_sum / count
    rho = ((mean**2).sum() / sigma2 - squares.sum()) / (squares.size - squares.sum())
    return Gain(round(float(np.sqrt(sigma2)), 3), round(float(rho), 3), 0.4)


def fit_stretch(z: np.ndarray, share: float) -> float:
    """The stretch at which |tanh(stretch·z)| ≥ 0.4 for `share` of the readings."""
    return round(float(np.arctanh(0.4) / np.quantile(np.abs(z), 1.0 - share)), 4)


def report(title: str, score: np.ndarray, rule: BandRule) -> None:
    """Print how scores and bands behave in one period."""
    before, held = np.zeros(score.shape[1]), np.zeros(score.shape[1])
    bands = np.zeros(score.shape, dtype=np.int8)
    for k, row in enumerate(score):
        held = held + 1
        bands[k] = rule.decide(before, held, row, np.isfinite(row))
        held = np.where(bands[k] == before, held, 0)
        before = bands[k].astype(float)
    days = score.shape[0] / DAY_MINUTES
    changes = (bands[1:] != bands[:-1]).sum() / score.shape[1] / days
    entered = [int(((bands[1:] == code) & (bands[:-1] != code)).sum()) for code in (1, -1)]
    print(
        f"{title}: score >= 70 {100 * (score >= 70).mean():.2f} %, <= 30 {100 * (score <= 30).mean():.2f} %; "
        f"stretched up {100 * (bands == 1).mean():.2f} %, down {100 * (bands == -1).mean():.2f} %; entered up {entered[0]}, "
        f"down {entered[1]}; {changes:.2f} changes per symbol and day; scores {np.nanmin(score):.1f}–{np.nanmax(score):.1f}"
    )


def main() -> None:
    """Fit on the first days, report on the rest."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bars", type=Path, help="file of 1m bars")
    parser.add_argument("--days", type=int, default=10, help="days to fit on")
    parser.add_argument("--share", type=float, default=4.0, help="percent of readings at the thresholds or beyond")
    options = parser.parse_args()
    factors, weights, fit = gather(options.bars, options.days)
    known = np.all([f.squares > 0 for f in factors.values()], axis=0)
    x, nominal = {}, np.array(list(weights.values()))
    for name, factor in factors.items():
        here = known[:fit]
        gain = spread(factor.square_sum, factor.count, factor.mean[:fit][here], factor.squares[:fit][here])
        print(f"{name}: {gain}")
        spread_of = gain.sigma * np.sqrt(gain.rho + (1 - gain.rho) * factor.squares)
        x[name] = np.tanh(gain.stretch * factor.mean / spread_of)
    stacked = np.stack(list(x.values()))
    w = nominal / nominal.sum()
    mean, squares = np.tensordot(w, stacked, 1), float((w**2).sum())
    inside = mean[:fit][known[:fit]]
    values = stacked[:, :fit][:, known[:fit]]
    gain = spread(float((values**2).sum()), values.size, inside, np.full(inside.size, squares))
    z = mean / (gain.sigma * np.sqrt(gain.rho + (1 - gain.rho) * squares))
    stretch = fit_stretch(z[:fit][known[:fit]], options.share / 100)
    print(f"confluence: sigma={gain.sigma} rho={gain.rho} stretch={stretch}")
    whole = known.all(axis=0) | known[DAY_MINUTES * 6 :].all(axis=0)
    score = np.where(known, 50 * (1 + np.tanh(stretch * z)), np.nan)[:, whole]
    rule = BandRule()
    report(f"days 1–{options.days} (fit)", score[:fit], rule)
    report(f"from day {options.days + 1} (report)", score[fit:], rule)


if __name__ == "__main__":
    main()
