"""The production engine stepping one closing minute of a model market; a sample for every line on standard input.

    python -m benchmarks.drivers.analysis SYMBOLS

The market is a seeded random walk of its own for each timeframe (the cost of a step does not depend on the prices).
`all` is a minute at which every timeframe closes, `base` one at which only the base does, `warm_up` the history of 300
bars of each. CPU time of the process.
"""

import json
import sys
import time
from collections.abc import Mapping

import numpy as np

from virtuoso.analysis.engine import TIMEFRAMES, Engine
from virtuoso.market.panel import BOOK_LEVELS, BarBlock, BookBlock, Cut, Floats, Ints, MinuteBlock
from virtuoso.model.evidence import ALL
from virtuoso.model.quality import DataQuality
from virtuoso.model.timeframe import Timeframe

WARM_BARS = 420
HISTORY_BARS = 300
START_MS = 1_767_225_600_000  # a midnight, so that every timeframe closes


class ModelMarket:
    """Random walks: `n` symbols, blocks of bars on demand."""

    def __init__(self, n: int) -> None:
        self._random = np.random.default_rng(n)
        self._n = n
        self._last: dict[Timeframe, Floats] = {tf: np.full(n, 100.0) for tf in TIMEFRAMES}
        self._next_ms: dict[Timeframe, int] = {tf: START_MS - WARM_BARS * tf.ms for tf in TIMEFRAMES}
        self.rows: Ints = np.arange(n, dtype=np.int64)

    def bars(self, timeframe: Timeframe, upto_ms: int) -> BarBlock | None:
        """All bars of `timeframe` not handed out yet that close by `upto_ms`."""
        first = self._next_ms[timeframe]
        count = (upto_ms - first) // timeframe.ms
        if count <= 0:
            return None
        self._next_ms[timeframe] = first + count * timeframe.ms
        shape = (count, self._n)
        close = self._last[timeframe] * np.exp(np.cumsum(self._random.normal(0.0, 1e-3, shape), axis=0))
        opened = np.vstack([self._last[timeframe], close[:-1]])
        self._last[timeframe] = close[-1]
        reach = np.exp(np.abs(self._random.normal(0.0, 5e-4, shape)))
        volume = self._random.lognormal(3.0, 0.5, shape)
        return BarBlock(
            timeframe=timeframe,
            rows=self.rows,
            open_ms=first + timeframe.ms * np.arange(count, dtype=np.int64),
            open=opened,
            high=np.maximum(opened, close) * reach,
            low=np.minimum(opened, close) / reach,
            close=close,
            volume=volume,
            turnover=volume * close,
            buy_volume=volume * self._random.uniform(0.2, 0.8, shape),
            minutes=self._minutes(shape, volume) if timeframe is Timeframe.M1 else None,
        )

    def _minutes(self, shape: tuple[int, int], volume: Floats) -> MinuteBlock:
        """What else is known of base bars."""
        uniform, zero = self._random.uniform, np.zeros(shape)
        return MinuteBlock(
            buy_orders=self._random.poisson(40.0, shape).astype(np.float64),
            sell_orders=self._random.poisson(40.0, shape).astype(np.float64),
            large_buy=volume * uniform(0.0, 0.2, shape),
            large_sell=volume * uniform(0.0, 0.2, shape),
            open_interest=1e6 * uniform(0.9, 1.1, shape),
            funding=uniform(-1e-4, 3e-4, shape),
            funding_mean=zero + 1e-4,
            funding_deviation=zero + 1e-4,
            funding_settles_ms=zero + np.nan,
            funding_interval_h=zero + np.nan,
            long_ratio=uniform(-1.0, 1.0, shape),
            long_ratio_mean=zero + 0.2,
            long_ratio_deviation=zero + 0.3,
            basis=uniform(-1e-3, 1e-3, shape),
            long_liquidated=self._random.exponential(1e3, shape),
            short_liquidated=self._random.exponential(1e3, shape),
        )

    def book(self) -> BookBlock:
        """Book features of one minute."""
        uniform, n = self._random.uniform, self._n
        steps = 1e-4 * np.arange(1, BOOK_LEVELS + 1)
        mid = self._last[min(TIMEFRAMES, key=lambda tf: tf.ms)][:, None]
        size = uniform(1.0, 5.0, (2, n, BOOK_LEVELS))
        return BookBlock(
            rows=self.rows,
            bid_price=mid * (1 - steps),
            bid_size=size[0],
            ask_price=mid * (1 + steps),
            ask_size=size[1],
            order_flow=self._random.normal(0.0, 10.0, n),
            touch_size=uniform(1.0, 5.0, n),
            imbalance=uniform(-0.5, 0.5, n),
            micro_deviation=uniform(-0.5, 0.5, n),
            spread_bp=uniform(0.5, 3.0, n),
            absorbed_bid=uniform(0.0, 5.0, n),
            absorbed_ask=uniform(0.0, 5.0, n),
            resilience=uniform(0.0, 1.0, n),
            vanished=uniform(0.0, 1.0, n),
        )


class Subject:
    """An engine warmed up on a model market."""

    def __init__(self, n: int) -> None:
        self._market = ModelMarket(n)
        self._symbols = tuple(f"S{i:03d}USDT" for i in range(n))
        self._quality = (DataQuality.LIVE,) * n
        self._engine = Engine()
        self._close_ms = START_MS
        for row, symbol in enumerate(self._symbols):
            self._engine.add(symbol, row)
        self._warm_up(START_MS)
        self._minute()

    def _blocks(self, upto_ms: int) -> Mapping[Timeframe, BarBlock]:
        blocks = {tf: self._market.bars(tf, upto_ms) for tf in TIMEFRAMES}
        return {tf: block for tf, block in blocks.items() if block is not None}

    def _warm_up(self, upto_ms: int) -> None:
        self._engine.warm_up(list(self._blocks(upto_ms).values()))
        self._close_ms = upto_ms

    def _minute(self) -> tuple[float, int]:
        """CPU ms of the next closing minute, and how many timeframes closed with it."""
        self._close_ms += Timeframe.M1.ms
        blocks = self._blocks(self._close_ms)
        cut = Cut(
            close_ms=self._close_ms,
            symbols=self._symbols,
            rows=self._market.rows,
            bars={tf: (block,) for tf, block in blocks.items()},
            book=self._market.book(),
            bar_quality=self._quality,
            book_quality=self._quality,
            tape_quality=self._quality,
            ticker_quality=self._quality,
            evidence=(ALL,) * len(self._symbols),
            detailed=(True,) * len(self._symbols),
        )
        begin = time.process_time()
        evaluation = self._engine.step(cut)
        cpu_ms = (time.process_time() - begin) * 1e3
        if not np.isfinite(evaluation.score).all():
            raise SystemExit("a score is missing: the engine was not warm")
        return cpu_ms, len(blocks)

    def sample(self) -> dict[str, float]:
        """CPU ms of a minute at which only the base closes, and of one at which all timeframes close."""
        base, closed = self._minute()
        longest = max(tf.ms for tf in TIMEFRAMES)
        self._warm_up((self._close_ms // longest + 1) * longest - Timeframe.M1.ms)
        everything, all_closed = self._minute()
        if (closed, all_closed) != (1, len(TIMEFRAMES)):
            raise SystemExit(f"{closed} and {all_closed} timeframes closed")
        return {"base_ms": base, "all_ms": everything, "warm_up_ms": self._history()}

    def _history(self) -> float:
        """CPU ms of a new engine's warm-up with 300 bars of each timeframe."""
        engine = Engine()
        for row, symbol in enumerate(self._symbols):
            engine.add(symbol, row)
        market = ModelMarket(len(self._symbols))
        blocks = [market.bars(tf, START_MS - (WARM_BARS - HISTORY_BARS) * tf.ms) for tf in TIMEFRAMES]
        begin = time.process_time()
        engine.warm_up([block for block in blocks if block is not None])
        return (time.process_time() - begin) * 1e3


if __name__ == "__main__":
    subject = Subject(int(sys.argv[1]))
    for _ in sys.stdin:
        print(json.dumps(subject.sample()), flush=True)
