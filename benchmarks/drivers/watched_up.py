"""`virtuoso up` with probes: age of each frame once it is in the state, lag of the loop, pauses of the collector.

python -m benchmarks.drivers.watched_up CONFIG RESULT

Runs until SIGTERM. On SIGUSR1 what was measured so far is forgotten; at the end all of it goes to RESULT as JSON.
"""

import asyncio
import gc
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from picows import WSFrame, WSTransport

from benchmarks.drivers.stamps import Ages, Spread
from virtuoso.config import load
from virtuoso.exchange.bybit import connection
from virtuoso.exchange.bybit.listener import Listener
from virtuoso.monitor import app
from virtuoso.operations.metrics import Durations
from virtuoso.processes.runtime import Runtime
from virtuoso.processes.up import serve
from virtuoso.wiring.program import settings_of

PERIOD_S = 0.005
AGES = Ages()


class Collector:
    """The garbage collector's pauses, and whether one fell into a stretch of time."""

    def __init__(self) -> None:
        self.pauses_ms = Spread()
        self.count = 0
        self._began_ns = 0
        gc.callbacks.append(self._note)

    def _note(self, phase: str, _info: dict[str, int]) -> None:
        if phase == "start":
            self._began_ns = time.perf_counter_ns()
        else:
            self.count += 1
            self.pauses_ms.add((time.perf_counter_ns() - self._began_ns) / 1e6)


COLLECTOR = Collector()
LAGS = {"all": Spread(), "outside collection": Spread()}


class TimedListener(Listener):
    """The production listener; afterwards it looks at the clock."""

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """One frame, into the state, and then its age."""
        super().on_ws_frame(transport, frame)
        AGES.take(frame.get_payload_as_bytes())


async def probe(_durations: Durations) -> None:
    """How late the loop wakes, 200 times a second; apart, the stretches without a collection."""
    loop = asyncio.get_running_loop()
    while True:
        collections, due = COLLECTOR.count, loop.time() + PERIOD_S
        await asyncio.sleep(PERIOD_S)
        late_ms = max(0.0, (loop.time() - due) * 1000)
        LAGS["all"].add(late_ms)
        if COLLECTOR.count == collections:
            LAGS["outside collection"].add(late_ms)


def forget(_number: int, _frame: object) -> None:
    """Begin anew."""
    for spread in (AGES, COLLECTOR.pauses_ms, *LAGS.values()):
        spread.clear()


def main(config: Path, result: Path) -> None:
    """The real program."""
    signal.signal(signal.SIGUSR1, forget)
    parts: Any = connection
    parts.Listener = TimedListener
    monitor: Any = app
    monitor.measure_loop_lag = probe
    serve(settings_of([config], os.environ), lambda: load([config], os.environ), Runtime())
    found = {"state": AGES.summary(), "pauses": COLLECTOR.pauses_ms.summary()}
    found |= {f"lag, {name}": lags.summary() for name, lags in LAGS.items()}
    result.write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
