"""Minutes of bars to be kept, the same for every participant, and how each is sampled. Needs nothing but Python."""

import json
import sys
import time
from collections.abc import Callable
from statistics import median

SYMBOLS = 600
START_MS = 1_779_667_200_000
BEFORE = 1_080
"""Minutes that are there before the first sample: six samples later it is a day."""
A_SAMPLE = 60
FIELDS = ("open", "high", "low", "close", "volume", "turnover", "buy_volume")
NAMES = [f"S{i:03d}USDT" for i in range(SYMBOLS)]

Row = tuple[int, str, str, float, float, float, float, float, float, float]


def minute(number: int) -> list[Row]:
    """Time, symbol, timeframe, fields; every value another one."""
    at, rows = START_MS + 60_000 * number, []
    for i, name in enumerate(NAMES):
        price = 100.0 + ((number * 7_919 + i * 104_729) % 99_991) / 997.0
        rows.append(
            (at, name, "1m", price, price * 1.01, price * 0.99, price * 1.001, i + price, 7.0 * price, price / 3)
        )
    return rows


def sample(write: Callable[[list[Row]], None], day: Callable[[str], int] | None) -> None:
    """For every line on standard input, one line.

    Rows/s of an hour committed minute by minute, ms of one commit, ms to read all minutes of a symbol (medians).
    """
    done = BEFORE
    for number in range(done):
        write(minute(number))
    for _ in sys.stdin:
        took = []
        for _ in range(A_SAMPLE):
            rows = minute(done)
            done += 1
            began = time.perf_counter()
            write(rows)
            took.append(time.perf_counter() - began)
        answer = {"rate": SYMBOLS * A_SAMPLE / sum(took), "commit_ms": 1e3 * median(took)}
        if day is not None:
            reads = []
            for name in NAMES[:100]:
                began = time.perf_counter()
                count = day(name)
                reads.append(time.perf_counter() - began)
                if count != done:
                    raise SystemExit(f"{count} rows of {name}, not {done}")
            answer["read_ms"] = 1e3 * median(reads)
        print(json.dumps(answer), flush=True)
