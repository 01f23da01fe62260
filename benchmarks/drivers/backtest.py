"""The backtest on bars in memory: a sample for every line on standard input.

    python -m benchmarks.drivers.backtest SYMBOLS MINUTES

Symbol-bars (base bars, with all timeframes, labels and confluence) a second of CPU time, with the factors
that bars with taker sides feed. Reading and writing files is not in it.
"""

import json
import sys
import time

from benchmarks.drivers.analysis import START_MS, ModelMarket
from virtuoso.analysis.bands import BandRule
from virtuoso.analysis.engine import FACTORS, TIMEFRAMES
from virtuoso.market.panel import BarBlock
from virtuoso.model.timeframe import Timeframe
from virtuoso.research.backtest import Backtest, fed_by_bars

BLOCK = 240


def main(symbols: int, minutes: int) -> None:
    market = ModelMarket(symbols)
    weights = fed_by_bars({name: factor.weight for name, factor in FACTORS.items()}, taker_sides=True)
    run = Backtest([f"S{i}" for i in range(symbols)], TIMEFRAMES, weights, BandRule(), taker_sides=True)
    at_ms = START_MS

    def block() -> BarBlock:
        nonlocal at_ms
        at_ms += BLOCK * Timeframe.M1.ms
        bars = market.bars(Timeframe.M1, at_ms)
        if bars is None:
            raise SystemExit("no bars")
        return bars

    market.bars(Timeframe.M1, at_ms)  # the history before the start belongs to another benchmark
    for _ in run.score(block()):
        pass
    for _ in sys.stdin:
        blocks = [block() for _ in range(minutes // BLOCK)]
        begin = time.process_time()
        scored = sum(piece.score.size for bars in blocks for piece in run.score(bars))
        print(json.dumps({"rate": scored / (time.process_time() - begin)}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
