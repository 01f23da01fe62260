"""Someone sets the machine's clock by an hour, forward and back, under the running program: nothing happens."""

import asyncio
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from tests.support.exchange import Running
from tests.support.pace import REAL, Pace
from tests.support.program import Program, running_program, settings_for
from tests.support.services import Service, ask, quality, running_site, until, url_of
from tests.support.soak import soak_only

from virtuoso.storage.timeseries.embedded.reader import EmbeddedReader
from virtuoso.storage.timeseries.schema import BARS

pytestmark = pytest.mark.slow

MINUTE = timedelta(minutes=1)
SILENT = ("stale_feed", "mute_topic", "exchange_clock", "clock_skew", "failed_cycle", "task_died")


@pytest.fixture
def step(tmp_path: Path) -> Path:
    """What is written here is what the program's wall clock is off by, from its next look on."""
    path = tmp_path / "step"
    path.write_text("+0")
    return path


@pytest.fixture
def faked(step: Path) -> dict[str, str]:
    """The environment of a process whose clock can be set."""
    return faked_by(step)


def faked_by(step: Path) -> dict[str, str]:
    libraries = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    assert libraries, "libfaketime is missing: apt-get install faketime"
    return {
        "LD_PRELOAD": str(libraries[0]), "FAKETIME_TIMESTAMP_FILE": str(step), "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_FORCE_MONOTONIC_FIX": "0",  # with it timed waits of threads return at once, again and again
    }  # fmt: skip


@pytest.fixture
def program(exchange: Running, tmp_path: Path, faked: dict[str, str]) -> Iterator[Program]:
    config = settings_for(exchange, tmp_path, "universe: {size: 4}\n")
    with running_program(config, pace=exchange.pace, environment=faked) as running:
        yield running


def opens(program: Program) -> list[datetime]:
    return [datetime.fromisoformat(bar["open_time"]) for bar in program.ask("/api/symbols/BTCUSDT/bars")["bars"]]


def stored(folder: Path) -> dict[str, list[int]]:
    """Open times (epoch ms) of the minutes that are in the time series, by symbol, in order."""

    async def read() -> dict[str, list[int]]:
        [market] = (folder / "data" / "timeseries").iterdir()
        reader = EmbeddedReader(market)
        symbols = [symbol for symbol, timeframe in await reader.series(BARS) if timeframe == "1m"]
        found = await reader.read(BARS, 0, 2**62, tags={"symbol": symbols, "timeframe": ["1m"]})
        await reader.close()
        return {symbol: [int(row[0] or 0) for row in rows] for (symbol, _), rows in found.items()}

    return asyncio.run(read())


def all_minutes_stored(folder: Path, symbols: int, last: datetime, pace: Pace = REAL) -> None:
    """Every minute once, and none of another hour: from the first to `last`, which is committed within seconds."""
    last_ms = round(last.timestamp() * 1000)

    def there() -> bool:
        found = stored(folder)
        return len(found) == symbols and all(times[-1] >= last_ms for times in found.values())

    until(f"{last} stored of all", there, 60, pace)
    found = stored(folder)
    for symbol, times in found.items():
        assert len(times) > 100
        assert times[-1] < pace.now_s() * 1000
        np.testing.assert_array_equal(np.diff(times), 60_000, err_msg=f"{symbol}: a minute is lost or doubled")


def until_the_next_minute(program: Program) -> None:
    """Live all the way, until the minute after the next close stands among the bars."""
    last = opens(program)[-1]

    def closed() -> bool:
        feeds = program.ask("/api/monitoring/status")["feeds"]
        assert {feed["data_quality"] for feed in feeds} == {"live"}
        assert max(abs(feed["lag_ms"] or 0) for feed in feeds) < 60_000
        # A liquidation may be minutes old; what must not show is the hour.
        assert max(feed["age_ms"] or 0 for feed in feeds) < 600_000
        return opens(program)[-1] != last

    program.until(f"a minute after {last}", closed, 75)
    assert opens(program)[-1] - last == MINUTE


def test_the_clock_is_really_set(step: Path, faked: dict[str, str]) -> None:
    step.write_text("-1h")
    told = subprocess.run(
        [sys.executable, "-c", "import time; print(time.time_ns())"], env={**os.environ, **faked}, check=True,
        capture_output=True, text=True, timeout=10,
    )  # fmt: skip
    assert int(told.stdout) - time.time_ns() == pytest.approx(-3600e9, abs=5e9)


def test_nothing_happens_when_the_clock_is_set(program: Program, step: Path, tmp_path: Path) -> None:
    """An hour ahead over one close, an hour behind over the next."""
    program.until(
        "live data",
        lambda: {feed["data_quality"] for feed in program.ask("/api/monitoring/status")["feeds"]} == {"live"},
        60,
    )
    program.until(
        "the history is kept",
        lambda: (kept := opens(program)) and kept[-1].timestamp() >= program.pace.now_s() - 130,
        60,
    )
    before = opens(program)[-1]
    known = {alert["id"] for alert in program.ask("/api/alerts/recent")}  # of a start on a busy machine
    for hours in ("+1h", "-1h"):
        step.write_text(hours)
        until_the_next_minute(program)
    found = opens(program)
    assert found[-1] - before == 2 * MINUTE
    assert {later - earlier for earlier, later in pairwise(found)} == {MINUTE}
    assert [a["message"] for kind in SILENT for a in program.incidents(kind) if a["id"] not in known] == []
    offset_ms = program.ask("/api/monitoring/status")["exchange"]["clock_offset_ms"]
    assert abs(offset_ms) < 500
    all_minutes_stored(tmp_path, len(program.ask("/api/symbols")["symbols"]), found[-1], program.pace)


@contextmanager
def with_a_clock_of_its_own(service: Service, step: Path) -> Iterator[Service]:
    """Run a service whose wall clock is off by what stands in `step`."""
    step.write_text("+0")
    try:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in faked_by(step).items():
                patch.setenv(name, value)
            service.start()
        yield service
        assert service.stop() == 0
    finally:
        service.kill()


def all_live(url: str) -> bool:
    found = {feed["data_quality"] for feed in ask(f"{url}/api/monitoring/status")[1]["feeds"]}
    return found == {"live"} and quality(url) == "live"


def fresh_through(url: str) -> None:
    """What two workers serve now is not called old: neither by them nor by the monitor."""
    feeds = ask(f"{url}/api/monitoring/status")[1]["feeds"]
    assert {feed["data_quality"] for feed in feeds} <= {"live", "delayed"}
    for path in ("/api/dashboard/data", "/api/market/overview", "/api/symbols"):
        with urllib.request.urlopen(url + path, timeout=5) as answer:
            assert "stale" not in answer.headers["etag"], path  # relabelled for its age
    until("healthy: one feed of one symbol is not delayed", lambda: ask(f"{url}/health")[0] == 200, 10)


def fresh_while(url: str, seconds: float) -> None:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        fresh_through(url)
        time.sleep(0.2)


def newest(url: str) -> datetime:
    return datetime.fromisoformat(ask(f"{url}/api/symbols/BTCUSDT/bars?limit=1")[1]["bars"][-1]["open_time"])


@soak_only("waits for minutes to close twice")
@pytest.mark.timeout(300)
def test_the_clock_of_one_of_two_services_is_set(tmp_path: Path) -> None:
    """First the web's, for longer than a document stays fresh; then the monitor's, over one close each way."""
    of_web, of_monitor = tmp_path / "step-web", tmp_path / "step-monitor"
    with (
        running_site(tmp_path) as site,
        with_a_clock_of_its_own(site.monitor(), of_monitor),
        with_a_clock_of_its_own(site.web("--workers", "2"), of_web) as web,
    ):
        url = url_of(web)
        until("live data", lambda: all_live(url))
        until("bars stored", lambda: newest(url))
        known = {alert["id"] for alert in ask(f"{url}/api/alerts/recent")[1]}  # of a start on a busy machine
        for hours in ("+1h", "-1h", "+0"):
            of_web.write_text(hours)
            fresh_while(url, 12 if hours != "+0" else 1)
        before = newest(url)
        for k, hours in enumerate(("+1h", "-1h"), 1):
            of_monitor.write_text(hours)
            ends = time.monotonic() + 75
            while newest(url) < before + k * MINUTE:
                assert time.monotonic() < ends, f"no minute after {newest(url)}"
                fresh_while(url, 0.5)
            assert newest(url) == before + k * MINUTE
        all_minutes_stored(tmp_path, 4, before + 2 * MINUTE)
        since = [alert for alert in ask(f"{url}/api/alerts/recent")[1] if alert["id"] not in known]
        assert [alert["message"] for alert in since if alert["alert_type"] in (*SILENT, "store_down")] == []
