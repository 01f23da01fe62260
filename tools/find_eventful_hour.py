"""Finds the hour of the bundled history before which the demo opens: `python tools/find_eventful_hour.py`.

A minute is as eventful as its symbols move and trade beyond what is usual of each: the mean over all symbols of
|log return| ÷ its root mean square, times log(volume ÷ median volume) where that is above 0. Hours that do not overlap are
ranked by the sum of their minutes. The demo opens half a minute before the greatest minute of the first of them by whose
beginning the alpha scan finds something in the bars. What is synthesised around the bars has no part in it: it holds for any
seed. The answer is `EVENTFUL_MS` of `virtuoso.simulator.history`.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.alpha.estimates import history
from virtuoso.analysis.alpha.patterns import TierScan, q_values, scan
from virtuoso.config import Settings
from virtuoso.model.timeframe import Timeframe
from virtuoso.simulator.history import open_history
from virtuoso.simulator.history.dataset import CLOSE, VOLUME, History, Recorded, load
from virtuoso.simulator.history.timeline import MINUTE_MS

HOUR = 60
BENCHMARK = "BTCUSDT"
INTERVALS = {Timeframe.M1: "1", Timeframe.M5: "5", Timeframe.M30: "30", Timeframe.H4: "240"}


def hours(history: History) -> Iterator[tuple[int, float]]:
    """The greatest minute (recorded, epoch ms) and the sum of each hour, the most eventful first."""
    count = (history.until - history.loop_from) // MINUTE_MS
    events = np.mean([_events(recorded, count) for recorded in history.symbols.values()], axis=0)
    sums = np.convolve(events, np.ones(HOUR), "valid")
    while np.isfinite(sums).any():
        first = int(np.nanargmax(sums))
        greatest = first + int(events[first : first + HOUR].argmax())
        yield history.loop_from + greatest * MINUTE_MS, float(sums[first])
        sums[max(0, first - HOUR + 1) : first + HOUR] = np.nan


def _events(recorded: Recorded, count: int) -> NDArray[np.float64]:
    moves = np.abs(np.diff(np.log(recorded.fine[-count - 1 :, CLOSE].astype(np.float64))))
    volume = np.maximum(recorded.fine[-count:, VOLUME], 1).astype(np.float64)
    usual = max(float(np.sqrt(np.mean(moves**2))), 1e-12)
    return np.asarray(moves / usual * np.maximum(np.log(volume / np.median(volume)), 0.0))


def findings(at_ms: int) -> int:
    """What the alpha scan finds in the bars that closed by `at_ms` (recorded, epoch ms), by the default settings."""
    source = open_history(1, at_ms)
    source.advance(at_ms, ())
    symbols = [row["symbol"] for row in source.instruments("linear") if row["symbol"] != BENCHMARK]

    def closes(symbol: str, timeframe: Timeframe) -> list[float]:
        end_ms, bars = timeframe.floor(at_ms), history(timeframe)
        first_ms = end_ms - bars * timeframe.ms
        rows = source.klines("linear", symbol, INTERVALS[timeframe], "trade", first_ms, end_ms - 1)
        return [np.nan] * (bars - len(rows)) + [float(row[4]) for row in rows]

    def scanned(timeframe: Timeframe) -> TierScan:
        table = np.column_stack([closes(symbol, timeframe) for symbol in (*symbols, BENCHMARK)])
        return scan(timeframe, symbols, table[:, :-1], table[:, -1])

    rate = Settings().alpha_scanning.false_discovery_rate
    return sum(int((q <= rate).sum()) for q in q_values([scanned(timeframe) for timeframe in INTERVALS]))


def eventful_ms() -> int:
    """The minute (recorded, epoch ms) before which the demo opens."""
    return next(at_ms for at_ms, _ in hours(load()) if findings(at_ms))


if __name__ == "__main__":
    for number, (at_ms, total) in enumerate(hours(load()), 1):
        found = findings(at_ms)
        print(f"{number:3} {datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M} {total:6.1f} {found:3} found")
        if found:
            break
    print(f"EVENTFUL_MS = {at_ms:_}")
