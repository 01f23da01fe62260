"""Fit the gains of analysis on the first days of recorded 1m bars and report on the rest.

Usage: python tools/fit_gains.py BARS.parquet [--days 10]

The file holds `ts` (ms), `symbol`, `open`, `high`, `low`, `close`, `volume`. Turnover is taken as volume times
(high + low + 2·close)/4, and taker sides are unknown, so that volume delta stays out, as does the order book.
"""

import argparse
from dataclasses import dataclass

import numpy as np
import pyarrow.parquet as pq

from virtuoso.analysis.engine import Engine
from virtuoso.analysis.evaluation import Evaluation
from virtuoso.market.panel import BarBlock, Cut
from virtuoso.model.quality import DataQuality
from virtuoso.model.timeframe import Timeframe

DAY_MINUTES = 1440
HIGHER = (Timeframe.M5, Timeframe.M30, Timeframe.H4)
FIELDS = ("open", "high", "low", "close", "volume", "turnover", "buy_volume")
FACTORS = ("technical", "volume")


@dataclass
class Samples:
    """What one period of readings amounts to, gathered minute by minute."""

    components: dict[str, list[np.ndarray]]
    weights: dict[str, list[np.ndarray]]
    factors: list[np.ndarray]
    factor_weights: list[np.ndarray]
    scores: list[np.ndarray]
    labels: list[np.ndarray]


def load(path: str) -> tuple[tuple[str, ...], BarBlock]:
    """All symbols that have every minute of the file, as one block."""
    table = pq.read_table(path).to_pandas().sort_values(["symbol", "ts"])
    minutes = table["ts"].nunique()
    whole = {name: group for name, group in table.groupby("symbol") if len(group) == minutes}
    symbols = tuple(sorted(whole))
    arrays = {
        name: np.stack([whole[s][name].to_numpy(dtype=np.float64) for s in symbols], axis=1)
        for name in ("open", "high", "low", "close", "volume")
    }
    arrays["turnover"] = arrays["volume"] * (arrays["high"] + arrays["low"] + 2 * arrays["close"]) / 4
    arrays["buy_volume"] = np.full(arrays["volume"].shape, np.nan)
    times = whole[symbols[0]]["ts"].to_numpy(dtype=np.int64)
    first = int(np.flatnonzero(times % Timeframe.H4.ms == 0)[0])
    arrays = {name: values[first:] for name, values in arrays.items()}
    return symbols, BarBlock(timeframe=Timeframe.M1, rows=np.arange(len(symbols)), open_ms=times[first:], **arrays)


def aggregated(base: BarBlock, timeframe: Timeframe) -> BarBlock:
    """Bars of a higher timeframe from minutes that begin on its boundary."""
    k = timeframe.minutes
    t = base.open_ms.size // k
    fold = {name: getattr(base, name)[: t * k].reshape(t, k, -1) for name in FIELDS}
    return BarBlock(
        timeframe=timeframe,
        rows=base.rows,
        open_ms=base.open_ms[: t * k : k],
        open=fold["open"][:, 0],
        high=fold["high"].max(axis=1),
        low=fold["low"].min(axis=1),
        close=fold["close"][:, -1],
        volume=fold["volume"].sum(axis=1),
        turnover=fold["turnover"].sum(axis=1),
        buy_volume=fold["buy_volume"].sum(axis=1),
    )


def one(block: BarBlock, k: int) -> BarBlock:
    """Bar `k` of a block, alone."""
    return BarBlock(
        timeframe=block.timeframe,
        rows=block.rows,
        open_ms=block.open_ms[k : k + 1],
        **{name: getattr(block, name)[k : k + 1] for name in FIELDS},
    )


def cut(symbols: tuple[str, ...], base: BarBlock, higher: dict[Timeframe, BarBlock], k: int) -> Cut:
    """The cut at the close of minute `k`."""
    close_ms = int(base.open_ms[k]) + Timeframe.M1.ms
    bars = {Timeframe.M1: (one(base, k),)}
    for timeframe, block in higher.items():
        if timeframe.closes_at(close_ms):
            bars[timeframe] = (one(block, (k + 1) // timeframe.minutes - 1),)
    live = (DataQuality.LIVE,) * len(symbols)
    return Cut(
        close_ms=close_ms,
        symbols=symbols,
        rows=base.rows,
        bars=bars,
        book=None,
        bar_quality=live,
        book_quality=live,
        tape_quality=live,
    )


def gather(samples: Samples, evaluation: Evaluation) -> None:
    """Keep what the fit needs of one minute."""
    for arrays in evaluation.factors:
        name, n = arrays.factor.name, arrays.value.shape[2]
        samples.components.setdefault(name, []).append(arrays.value.reshape(-1, n))
        samples.weights.setdefault(name, []).append(arrays.result.weights.reshape(-1, n))
    samples.factors.append(np.stack([arrays.result.x for arrays in evaluation.factors]))
    samples.factor_weights.append(evaluation.confluence.weights)
    samples.scores.append(evaluation.score)
    samples.labels.append(evaluation.label)


def spread(values: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """σ, the RMS of the inputs [samples, k, n], and the ρ that explains the spread of their weighted mean."""
    sigma_squared = float(np.nanmean(values**2))
    mean = (weights * np.nan_to_num(values)).sum(axis=1)
    squares = (weights**2).sum(axis=1)
    rho = ((mean**2).sum() / sigma_squared - squares.sum()) / (squares.size - squares.sum())
    return float(np.sqrt(sigma_squared)), float(rho)


def report(samples: Samples, title: str, names: dict[str, list[str]]) -> None:
    """Print the fit and the behaviour of one period."""
    print(f"== {title}: {len(samples.scores)} minutes × {samples.scores[0].size} symbols")
    for f, (name, blocks) in enumerate(samples.components.items()):
        values = np.stack(blocks[::7])
        sigma, rho = spread(values, np.stack(samples.weights[name][::7]))
        x = np.stack(samples.factors)[:, f]
        print(f"{name}: sigma={sigma:.3f} rho={rho:.3f}; spread of the factor {np.nanstd(x):.3f}")
        columns = values.reshape(len(values), -1, len(names[name]), values.shape[2])
        for c, component in enumerate(names[name]):
            squares = [column[np.isfinite(column)] ** 2 for column in columns[:, :, c].transpose(1, 0, 2)]
            rms = ["  –  " if not q.size else f"{np.sqrt(q.mean()):.3f}" for q in squares]
            print(f"   {component:20s} rms by timeframe {' '.join(rms)}")
    sigma, rho = spread(np.stack(samples.factors), np.stack(samples.factor_weights))
    print(f"confluence: sigma={sigma:.3f} rho={rho:.3f}")
    scores, labels = np.stack(samples.scores), np.stack(samples.labels)
    changes = (labels[1:] != labels[:-1]).sum() / scores.shape[1] / (scores.shape[0] / DAY_MINUTES)
    print(
        f"score >= 70: {100 * (scores >= 70).mean():.2f} %  <= 30: {100 * (scores <= 30).mean():.2f} %  "
        f"BUY {100 * (labels == 1).mean():.2f} %  SELL {100 * (labels == -1).mean():.2f} %  "
        f"label changes per symbol and day: {changes:.2f}  "
        f"range of scores {scores.min():.1f} to {scores.max():.1f}"
    )


def main() -> None:
    """Fit on the first days, report on the rest."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bars", help="parquet file of 1m bars")
    parser.add_argument("--days", type=int, default=10, help="days to fit on")
    options = parser.parse_args()
    symbols, base = load(options.bars)
    higher = {tf: aggregated(base, tf) for tf in HIGHER}
    engine = Engine(factor_weights={"technical": 0.10, "volume": 0.18})
    names = {f.name: [c.name for c in f.components] for f in engine.factors}
    for row, symbol in enumerate(symbols):
        engine.add(symbol, row)
    fit, rest = (Samples({}, {}, [], [], [], []) for _ in range(2))
    for k in range(base.open_ms.size):
        evaluation = engine.step(cut(symbols, base, higher, k))
        if np.isfinite(evaluation.score).all():
            gather(fit if k < options.days * DAY_MINUTES else rest, evaluation)
    report(fit, f"days 1–{options.days} (fit)", names)
    report(rest, f"from day {options.days + 1} (report)", names)


if __name__ == "__main__":
    main()
