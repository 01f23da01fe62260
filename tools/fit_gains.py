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
    factors: dict[str, list[np.ndarray]]
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
        name = arrays.factor.name
        samples.components.setdefault(name, []).append(arrays.value.reshape(-1, arrays.value.shape[2]))
        samples.factors.setdefault(name, []).append(arrays.result.x)
    samples.scores.append(evaluation.score)
    samples.labels.append(evaluation.label)


def spread(values: np.ndarray) -> tuple[float, float]:
    """Common σ (RMS about 0) and mean correlation ρ of inputs [samples, k]; the measures are signed about 0."""
    values = values[np.isfinite(values).all(axis=1)]
    sigma = float(np.sqrt((values**2).mean()))
    moments = values.T @ values / len(values) / sigma**2
    k = moments.shape[0]
    return sigma, float((moments.sum() - np.trace(moments)) / (k * (k - 1)))


def report(samples: Samples, title: str, names: dict[str, list[str]]) -> None:
    """Print the fit and the behaviour of one period."""
    print(f"== {title}: {len(samples.scores)} minutes × {samples.scores[0].size} symbols")
    for name, blocks in samples.components.items():
        values = np.stack(blocks[::7]).transpose(0, 2, 1).reshape(-1, blocks[0].shape[0])
        known = values[:, np.isfinite(values).any(axis=0)]
        sigma, rho = spread(known)
        print(f"{name}: sigma={sigma:.3f} rho={rho:.3f} spread of x={np.nanstd(np.stack(samples.factors[name])):.3f}")
        columns = values.reshape(len(values), -1, len(names[name]))
        with np.errstate(all="ignore"):
            rms = np.sqrt(np.nanmean(np.where(np.isfinite(columns), columns, np.nan) ** 2, axis=0))
        for c, component in enumerate(names[name]):
            print(f"   {component:20s} rms by timeframe {np.round(rms[:, c], 3)}")
    x = np.stack([np.concatenate(samples.factors[name]) for name in samples.factors], axis=1)
    sigma, rho = spread(x)
    print(f"confluence: sigma={sigma:.3f} rho={rho:.3f}")
    scores, labels = np.stack(samples.scores), np.stack(samples.labels)
    changes = (labels[1:] != labels[:-1]).sum() / scores.shape[1] / (scores.shape[0] / DAY_MINUTES)
    print(
        f"score >= 70: {100 * (scores >= 70).mean():.2f} %  <= 30: {100 * (scores <= 30).mean():.2f} %  "
        f"BUY {100 * (labels == 1).mean():.2f} %  SELL {100 * (labels == -1).mean():.2f} %  "
        f"label changes per symbol and day: {changes:.2f}"
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
    fit, rest = (Samples({}, {}, [], []) for _ in range(2))
    for k in range(base.open_ms.size):
        evaluation = engine.step(cut(symbols, base, higher, k))
        if np.isfinite(evaluation.score).all():
            gather(fit if k < options.days * DAY_MINUTES else rest, evaluation)
    report(fit, f"days 1–{options.days} (fit)", names)
    report(rest, f"from day {options.days + 1} (report)", names)


if __name__ == "__main__":
    main()
