"""Made-up bars and books for analysis tests: random walks with a seed, aggregated like an exchange would."""

from dataclasses import replace

import numpy as np

from virtuoso.market.panel import BOOK_LEVELS, MINUTE_FIELDS, BarBlock, BookBlock, Cut, MinuteBlock
from virtuoso.model.evidence import ALL, Evidence
from virtuoso.model.quality import DataQuality
from virtuoso.model.timeframe import Timeframe

START_MS = 1_748_476_800_000  # 2025-05-29 00:00 UTC, a Thursday
ARRAYS = ("open", "high", "low", "close", "volume", "turnover", "buy_volume")


def random_bars(
    bars: int,
    symbols: int,
    seed: int = 1,
    timeframe: Timeframe = Timeframe.M1,
    start_ms: int = START_MS,
    minutes: bool = False,
) -> BarBlock:
    """`bars` bars of `symbols` random walks that open at the previous close; with `minutes`, their notes too."""
    rng = np.random.default_rng(seed)
    price0 = 10.0 ** rng.uniform(-2, 4, symbols)
    sigma = 0.002 * np.sqrt(timeframe.minutes)
    drift = 0.3 * sigma * np.sin(np.arange(bars) / 40)[:, None]
    close = price0 * np.exp(np.cumsum(drift + rng.normal(0, sigma, (bars, symbols)), axis=0))
    opened = np.vstack([price0, close[:-1]])
    high = np.maximum(opened, close) * (1 + np.abs(rng.normal(0, sigma / 2, close.shape)))
    low = np.minimum(opened, close) / (1 + np.abs(rng.normal(0, sigma / 2, close.shape)))
    volume = rng.lognormal(3, 1, close.shape) / price0
    block = BarBlock(
        timeframe=timeframe,
        rows=np.arange(symbols),
        open_ms=start_ms + timeframe.ms * np.arange(bars, dtype=np.int64),
        open=opened,
        high=high,
        low=low,
        close=close,
        volume=volume,
        turnover=volume * (high + low + 2 * close) / 4,
        buy_volume=volume * rng.beta(4, 4, close.shape),
    )
    return replace(block, minutes=random_minutes(block, seed)) if minutes else block


def random_minutes(bars: BarBlock, seed: int = 1) -> MinuteBlock:
    """Notes that agree with `bars`: takers by the sides of the volume, large trades a part of it, the rest wanders."""
    rng = np.random.default_rng([seed, 1])
    t, n = bars.close.shape
    orders = rng.poisson(30, (t, n))
    buys = rng.binomial(orders, bars.buy_volume / bars.volume)

    def wandering(spread: float) -> np.ndarray:
        return rng.normal(0, spread, n) + np.cumsum(rng.normal(0, spread / 30, (t, n)), axis=0)

    def forced() -> np.ndarray:
        share = rng.lognormal(-6, 1, (t, n)) * (rng.random((t, n)) < 0.3)
        return share * bars.turnover

    return MinuteBlock(
        buy_orders=buys.astype(float),
        sell_orders=(orders - buys).astype(float),
        large_buy=bars.buy_volume * rng.beta(2, 3, (t, n)),
        large_sell=(bars.volume - bars.buy_volume) * rng.beta(2, 3, (t, n)),
        open_interest=1e3 * bars.volume[0] * np.exp(np.cumsum(rng.normal(0, 1e-3, (t, n)), axis=0)),
        funding=1e-4 * wandering(1.0),
        funding_mean=1e-4 * wandering(0.3),
        funding_deviation=1e-4 * np.exp(wandering(0.2)),
        funding_settles_ms=np.full((t, n), np.nan),
        funding_interval_h=np.full((t, n), np.nan),
        long_ratio=wandering(0.3),
        long_ratio_mean=wandering(0.1),
        long_ratio_deviation=0.2 * np.exp(wandering(0.2)),
        basis=5e-4 * wandering(1.0),
        long_liquidated=forced(),
        short_liquidated=forced(),
    )


def part(block: BarBlock, start: int, stop: int, columns: np.ndarray | None = None) -> BarBlock:
    """Bars `start … stop − 1` of the given columns."""
    chosen = np.arange(block.rows.size) if columns is None else columns
    arrays = {name: np.ascontiguousarray(getattr(block, name)[start:stop][:, chosen]) for name in ARRAYS}
    minutes = None
    if block.minutes is not None:
        notes = {name: getattr(block.minutes, name)[start:stop][:, chosen] for name in MINUTE_FIELDS}
        minutes = MinuteBlock(**{name: np.ascontiguousarray(values) for name, values in notes.items()})
    return replace(block, rows=block.rows[chosen], open_ms=block.open_ms[start:stop], minutes=minutes, **arrays)


def aggregate(base: BarBlock, timeframe: Timeframe) -> BarBlock:
    """Whole bars of a higher timeframe from 1m bars that begin on its boundary."""
    k = timeframe.minutes
    t = base.close.shape[0] // k
    fold = {name: getattr(base, name)[: t * k].reshape(t, k, -1) for name in ARRAYS}
    return replace(
        base,
        timeframe=timeframe,
        open_ms=base.open_ms[: t * k : k],
        open=fold["open"][:, 0],
        high=fold["high"].max(axis=1),
        low=fold["low"].min(axis=1),
        close=fold["close"][:, -1],
        volume=fold["volume"].sum(axis=1),
        turnover=fold["turnover"].sum(axis=1),
        buy_volume=fold["buy_volume"].sum(axis=1),
        minutes=None,
    )


def random_book(close: np.ndarray, seed: int = 1, rows: np.ndarray | None = None) -> BookBlock:
    """A book around `close` [n], with every feature in its range."""
    rng = np.random.default_rng(seed)
    n = close.size
    step = close[:, None] * 1e-4
    depth = np.arange(BOOK_LEVELS)
    return BookBlock(
        rows=np.arange(n) if rows is None else rows,
        bid_price=close[:, None] - step * (0.5 + depth),
        ask_price=close[:, None] + step * (0.5 + depth),
        bid_size=rng.lognormal(1, 0.5, (n, BOOK_LEVELS)),
        ask_size=rng.lognormal(1, 0.5, (n, BOOK_LEVELS)),
        order_flow=rng.normal(0, 20, n),
        touch_size=rng.lognormal(1, 0.3, n),
        imbalance=rng.uniform(-0.8, 0.8, n),
        micro_deviation=rng.uniform(-0.8, 0.8, n),
        spread_bp=rng.lognormal(0, 0.5, n),
        absorbed_bid=rng.lognormal(0, 1, n),
        absorbed_ask=rng.lognormal(0, 1, n),
        resilience=rng.uniform(0, 1, n),
        vanished=rng.uniform(0, 1, n),
    )


def cut(
    base: BarBlock,
    higher: dict[Timeframe, BarBlock],
    k: int,
    book: BookBlock | None = None,
    quality: DataQuality = DataQuality.LIVE,
    evidence: Evidence = ALL,
) -> Cut:
    """The cut at the close of base bar `k`, with the higher bars that close with it."""
    close_ms = int(base.open_ms[k]) + base.timeframe.ms
    bars = {base.timeframe: (part(base, k, k + 1),)}
    for timeframe, block in higher.items():
        at = np.flatnonzero(block.open_ms + timeframe.ms == close_ms)
        if at.size:
            bars[timeframe] = (part(block, int(at[0]), int(at[0]) + 1),)
    n = base.rows.size
    return Cut(
        close_ms=close_ms,
        symbols=symbols(n),
        rows=base.rows,
        bars=bars,
        book=book,
        bar_quality=(quality,) * n,
        book_quality=(quality,) * n,
        tape_quality=(quality,) * n,
        ticker_quality=(quality,) * n,
        evidence=(evidence,) * n,
        detailed=(Evidence.BOOK in evidence,) * n,
    )


def symbols(n: int) -> tuple[str, ...]:
    """S0USDT, S1USDT …"""
    return tuple(f"S{i}USDT" for i in range(n))
