"""The disk fills up: old history goes first, then writing stops with an incident; the monitor goes on all the while."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.exchange import running_exchange
from tests.support.services import Service, ask, quality, started, until, url_of, write_settings

from virtuoso.model.clock import SystemClock
from virtuoso.storage.timeseries.embedded.store import EmbeddedStore
from virtuoso.storage.timeseries.schema import BARS, Row

pytestmark = pytest.mark.slow

SIZE_MB = 32
DAY_MS = 86_400_000
HISTORIES = 4 * 1_000
"""Rows: of each symbol there are more than a thousand."""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def old_history(folder: Path) -> list[Path]:
    """Two days of minutes, a fortnight ago."""
    clock = SystemClock()
    first_ms = clock.now_ns() // 1_000_000 // DAY_MS * DAY_MS - 14 * DAY_MS

    async def write() -> None:
        store = EmbeddedStore(folder, clock=clock, min_free_bytes=0)
        await store.start()
        for day in range(2):
            for symbol in range(20):
                rows: list[Row] = [
                    (first_ms + day * DAY_MS + i * 60_000, f"OLD{symbol}", "1m", 1.0 + i, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0)
                    for i in range(1_440)
                ]
                store.write(BARS, rows)
        assert await store.settle(30)
        await store.close()

    asyncio.run(write())
    return sorted(folder.glob("minutes-*.db"))


def fill(disk: Path, leave: int) -> None:
    """Take all space but `leave` bytes."""
    space = os.statvfs(disk)
    free = space.f_bavail * space.f_frsize - leave
    if free > 0:
        with (disk / "ballast").open("ab") as file:
            file.write(b"\0" * free)


def store(url: str, name: str = "timeseries") -> dict[str, Any]:
    found: dict[str, Any] = ask(f"{url}/api/monitoring/status")[1]["stores"][name]
    return found


def handed(url: str) -> int:
    """Rows that the monitor gave to the time series so far."""
    found = store(url)
    return int(found["written"] + found["pending"])


def full_incidents(url: str, *, resolved: bool) -> list[str]:
    alerts = ask(f"{url}/api/alerts/recent")[1]
    return [
        a["details"]["store"] for a in alerts if a["alert_type"] == "store_full" and a["resolved"] is resolved
    ]  # fmt: skip


def test_history_goes_first_then_writing_stops_and_comes_back(tmp_path: Path, disk: Path) -> None:
    with running_exchange() as exchange:
        old = old_history(disk / "data" / "timeseries" / f"bybit-linear@127.0.0.1-{exchange.port}")
        assert len(old) == 2
        config = write_settings(
            tmp_path, exchange, data_dir=str(disk / "data"), timeseries="{min_free_mb: 2, store: embedded}"
        )
        program = Service(tmp_path, "up", "up", "-c", str(config))
        with started(program):
            url = url_of(program)
            until("live", lambda: quality(url) == "live")
            until("histories handed over", lambda: handed(url) > HISTORIES)
            rows = handed(url)  # more come all the time: that none waits is a chance
            until("they are stored", lambda: store(url)["written"] >= rows, 10)
            assert all(path.exists() for path in old)
            fill(disk, 1 << 20)
            until("the oldest history is gone", lambda: not any(path.exists() for path in old), 90)
            until("it is counted", lambda: store(url)["shed"] >= 2)

            def filled() -> bool:
                fill(disk, 0)
                return store(url)["state"] == "full"

            until("full", filled, 120)
            until("an incident", lambda: "timeseries" in full_incidents(url, resolved=False), 20)
            assert ask(f"{url}/health")[0] == 200
            assert quality(url) == "live"
            assert store(url, "lease")["may_publish"] is True
            (disk / "ballast").unlink()
            until("up again", lambda: store(url)["state"] == "up", 30)
            until("the database, too", lambda: store(url, "database")["state"] == "up", 30)
            until("recoveries", lambda: not full_incidents(url, resolved=False), 20)
            assert program.alive
            assert program.stop() == 0
