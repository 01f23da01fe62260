"""The technical factor's bank alone, one new bar of all symbols; a sample for every line on standard input.

    python -m benchmarks.drivers.technical SYMBOLS

RSI, MACD, Awesome Oscillator, DI and ADX, CCI, Williams %R, momentum and ATR, as the engine steps them.
CPU ms of the process for one bar, the mean of a hundred.
"""

import json
import sys
import time
from dataclasses import replace

from benchmarks.drivers.analysis import START_MS, ModelMarket
from virtuoso.analysis.bank import BarBank
from virtuoso.analysis.factors.technical import FACTOR
from virtuoso.model.timeframe import Timeframe

BARS = 100


def main(symbols: int) -> None:
    market, bank = ModelMarket(symbols), BarBank(Timeframe.M1.ms, FACTOR.components, FACTOR.modifiers)
    at_ms = START_MS
    for _ in sys.stdin:
        at_ms += 2 * BARS * Timeframe.M1.ms
        block = market.bars(Timeframe.M1, at_ms)
        if block is None:
            raise SystemExit("no bars")
        first = block.open_ms.size - BARS
        bank.step(block.part(slice(0, first)))
        bars = [replace(block.part(slice(k, k + 1)), minutes=None) for k in range(first, block.open_ms.size)]
        begin = time.process_time()
        for bar in bars:
            bank.step(bar)
        print(json.dumps({"bar_ms": (time.process_time() - begin) * 1e3 / BARS}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
