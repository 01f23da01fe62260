"""The monitor is killed at random points: documents never go back or tear, and what was acknowledged is there."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import redis
from tests.support.pace import STORES_SPEED
from tests.support.services import DEADLINE_S, Site, ask, running_site, series_folder, started, url_of
from tests.support.soak import SOAK

from virtuoso.model.timeframe import Timeframe
from virtuoso.storage.timeseries.embedded.reader import EmbeddedReader
from virtuoso.storage.timeseries.schema import BARS

pytestmark = pytest.mark.slow

KILLS = 100 if SOAK else 5
M1 = Timeframe.M1.ms


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    eager = "{band: {up: 51, down: 49, exit_margin: 0, hold_bars: 0, min_coverage: 0.1}}"
    with running_site(tmp_path, speed=STORES_SPEED, analysis=eager) as running:
        yield running


class Reader(threading.Thread):
    """Reads documents in Redis all the time, as a web process would, and notes what must never be."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._client = redis.Redis(port=port)
        self._stop_it = threading.Event()
        self.problems: list[str] = []
        self.reads = 0
        self.newest: dict[str, tuple[int, int]] = {}

    def run(self) -> None:
        names = ("dashboard", "signals", "overview", "status", "health", "ticks", "symbols")
        while not self._stop_it.wait(0.005):
            for name, data in zip(
                names, self._client.mget([f"vt_shared:document:{name}" for name in names]), strict=True
            ):
                if data is not None:
                    self._judge(name, data)

    def _judge(self, name: str, data: bytes) -> None:
        self.reads += 1
        try:
            envelope = msgspec.json.decode(data)
            version = tuple(envelope["version"])
        except (msgspec.DecodeError, KeyError) as error:
            self.problems.append(f"{name} is torn: {error}")
            return
        if version < self.newest.get(name, (0, 0)):
            self.problems.append(f"{name} went back from {self.newest[name]} to {version}")
        self.newest[name] = version

    def end(self) -> None:
        self._stop_it.set()
        self.join(5)
        self._client.close()


def acknowledged(url: str) -> dict[str, Any]:
    """What the monitor says is kept; nothing while nobody answers."""
    found: dict[str, Any] = ask(f"{url}/api/monitoring/status")[1]["stores"]
    return found


def bar_times(folder: Path, symbols: list[str]) -> dict[str, list[int]]:
    async def read() -> dict[str, list[int]]:
        reader = EmbeddedReader(series_folder(folder / "data"))
        found = await reader.read(BARS, 0, 2**62, tags={"symbol": symbols, "timeframe": ["1m"]})
        await reader.close()
        return {symbol: [int(row[0] or 0) for row in rows] for (symbol, _), rows in found.items()}

    return asyncio.run(read())


def kept_signals(folder: Path) -> list[tuple[str, str, int, str]]:
    with sqlite3.connect(f"file:{folder / 'data' / 'virtuoso.sqlite'}?mode=ro", uri=True) as database:
        return database.execute("select id, symbol, close_ms, label from signals order by close_ms, id").fetchall()


@pytest.mark.timeout(60 * 60 if KILLS > 5 else 300)
def test_nothing_that_was_acknowledged_is_lost(site: Site) -> None:
    rng, starts = np.random.default_rng(11), list[float]()
    monitor, web = site.monitor(), site.web()
    reader = Reader(site.redis.port)
    promised: dict[str, int] = {}
    signals: set[tuple[str, str, int, str]] = set()
    with started(monitor, web):
        url = url_of(web)
        site.until("signals", lambda: len(ask(f"{url}/api/signals/top")[1]["signals"]) == 4)
        symbols = [row["symbol"] for row in ask(f"{url}/api/signals/top")[1]["signals"]]
        site.until("histories stored", lambda: len(bar_times(site.folder, symbols)) == 4)
        reader.start()
        site.until("a document was read", lambda: "dashboard" in reader.newest)
        for kill in range(KILLS):
            # A minute that was not watched whole decides nothing: now and then one must be, or there are no signals.
            site.pace.sleep(
                float(rng.uniform(100, 130) if kill % 20 == 19 else rng.uniform(0.2, 25 if kill == 0 else 8))
            )
            signals.update(kept_signals(site.folder))
            for symbol, times in bar_times(site.folder, symbols).items():
                promised[symbol] = max(promised.get(symbol, 0), times[-1])
            epoch = reader.newest["dashboard"][0]
            monitor.kill()
            began = time.monotonic()
            monitor.start()
            site.until("a fresh document", lambda e=epoch: reader.newest["dashboard"][0] > e, DEADLINE_S)
            starts.append(time.monotonic() - began)
        site.until("a close after the last start", lambda: closes_again(url, site.pace.now_s() * 1000 - 60_000), 100)
        close_ms = int(site.pace.now_s() // 60 * 60_000)
        site.until(
            "its bars kept", lambda: all(t[-1] >= close_ms - M1 for t in bar_times(site.folder, symbols).values()), 80
        )
        assert monitor.stop() == 0
    reader.end()
    assert reader.problems == []
    assert reader.reads > 100 * KILLS
    for symbol, times in bar_times(site.folder, symbols).items():
        assert times[-1] >= promised[symbol]
        np.testing.assert_array_equal(np.diff(times), M1, err_msg=f"{symbol}: a minute is lost or doubled")
    kept = kept_signals(site.folder)
    assert signals <= set(kept)
    assert len({(symbol, close) for _, symbol, close, _ in kept}) == len(kept)
    for symbol in symbols:
        labels = [label for _, of, _, label in kept if of == symbol]
        assert all(a != b for a, b in pairwise(labels)), f"{symbol} fired twice: {labels}"
    print(f"{KILLS} kills, {reader.reads} reads; fresh after {min(starts):.2f}–{max(starts):.2f} s, "
          f"median {np.median(starts):.2f} s; {len(kept)} signals")  # fmt: skip


def closes_again(url: str, since_ms: float) -> bool:
    """Whether a close that is at least so late was committed."""
    close = acknowledged(url).get("committed_close")
    return close is not None and np.datetime64(close.rstrip("Z"), "ms").astype(np.int64) >= since_ms
