"""The production outlook stepping closing minutes of a model market; a sample for every line on standard input.

    python -m benchmarks.drivers.forecast SYMBOLS

`minute_ms` is a minute at which only the base bar closes, `quarter_ms` one at which 5m close, outcomes are learnt and
samples taken. Both are all that forecasts are served with: costs, cones, probabilities, the market, entries and claims,
what followed, and whether all of it still holds. `state_mb` is what is kept for that, with a full pool of samples, and
`refit_s` a fit to such a pool. CPU time of the process.
"""

import json
import sys
import time
import tracemalloc

import numpy as np
import numpy.ma  # as numpy itself does when it is first asked for what is unique: a program, not what is kept

from benchmarks.drivers.analysis import START_MS, ModelMarket
from virtuoso.analysis.forecast.fits.fit import fitted
from virtuoso.analysis.forecast.fits.shipped import SHIPPED
from virtuoso.analysis.forecast.outlook import Outlook
from virtuoso.analysis.forecast.training import CAPACITY, TrainingSet
from virtuoso.analysis.regimes.regime import REGIMES
from virtuoso.market.panel import BarBlock
from virtuoso.model.timeframe import Timeframe

M1, M5 = Timeframe.M1, Timeframe.M5
COST_BP = 12.0
QUARTER = 15
FIT_DAYS = 30


class Subject:
    """An outlook that has watched a model market for some hours, with the shipped fit."""

    def __init__(self, n: int) -> None:
        self._market = ModelMarket(n)
        self._close_ms = START_MS
        five = self._bars(M5, START_MS)
        minutes = self._bars(M1, START_MS)
        self._rows = np.arange(n)
        self._fresh = dict.fromkeys(self._rows.tolist(), True)
        self._random = np.random.default_rng(1)
        tracemalloc.start()
        self._outlook = Outlook(M1)
        none, taken = self._outlook.samples(), {"taken": np.array(float(CAPACITY))}
        full = {"values": np.full((len(none["values"]), CAPACITY), np.nan), "close_min": np.zeros(CAPACITY)}
        self._outlook.resume(SHIPPED, {**none, **full, **taken}, {**self._outlook.recent(0), **taken})
        del none, full
        for row in self._rows.tolist():
            self._outlook.add(f"S{row:03d}USDT", row)
        self._outlook.warm_up([five, minutes])
        self._outlook.catch_up()
        for _ in range(QUARTER):
            self._minute()
        self.state_mb = tracemalloc.get_traced_memory()[0] / 1e6
        tracemalloc.stop()
        for _ in range(4 * QUARTER):
            self._minute()

    def _bars(self, timeframe: Timeframe, upto_ms: int) -> BarBlock:
        block = self._market.bars(timeframe, upto_ms)
        if block is None:
            raise SystemExit(f"no bars of {timeframe} close by {upto_ms}")
        return block

    def _minute(self) -> float:
        """CPU ms of the next closing minute."""
        self._close_ms += M1.ms
        block = self._bars(M1, self._close_ms)
        percentile = self._random.uniform(0.0, 100.0, self._rows.size)
        regime = self._random.integers(0, len(REGIMES), self._rows.size).astype(np.float64)
        begin = time.process_time()
        said = self._outlook.step([block], None, None, self._fresh, self._fresh)
        said = self._outlook.with_followed(said, self._rows, percentile, regime)
        cpu_ms = (time.process_time() - begin) * 1e3
        if not np.isfinite(said.forecasts.volatility[60]).all():
            raise SystemExit("a forecast is missing: the outlook was not warm")
        return cpu_ms

    def sample(self) -> dict[str, float]:
        """Medians of a quarter of an hour, its last minute apart."""
        minutes = [self._minute() for _ in range(QUARTER)]
        plain = [ms for k, ms in enumerate(minutes, start=1) if k % M5.minutes]
        return {
            "minute_ms": float(np.median(plain)), "quarter_ms": minutes[-1], "state_mb": self.state_mb,
            "refit_s": refit_seconds(),
        }  # fmt: skip


def refit_seconds() -> float:
    """CPU seconds of a fit to a full pool of a month."""
    random = np.random.default_rng(1)
    level = random.normal(-7.5, 0.5, CAPACITY)
    volatility = level + random.normal(0.0, 0.3, (6, CAPACITY))
    horizons = np.log([15.0, 60.0, 240.0])[:, None] / 2
    realised = level + horizons + random.normal(0.0, 0.4, (3, CAPACITY))
    training = TrainingSet(
        until_ms=START_MS,
        close_ms=START_MS - np.linspace(FIT_DAYS * 1_440, 300, CAPACITY).astype(np.int64) * M1.ms,
        volatility=volatility,
        market=random.normal(0.0, 0.3, CAPACITY),
        trend=random.normal(0.0, 3e-3, (3, CAPACITY)),
        threshold=np.exp(level + horizons[:2] + random.normal(0.0, 0.2, (2, CAPACITY))),
        cost_bp=np.full(CAPACITY, COST_BP),
        realised=realised,
        returns=np.exp(realised[:2]) * random.standard_t(5, (2, CAPACITY)),
    )
    begin = time.process_time()
    if fitted(training) is None:
        raise SystemExit("nothing was fitted")
    return time.process_time() - begin


if __name__ == "__main__":
    subject = Subject(int(sys.argv[1]))
    for _ in sys.stdin:
        print(json.dumps(subject.sample()), flush=True)
