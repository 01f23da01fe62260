"""Chromium, and a program whose pages are looked at: one of each for all files, which stay in one process."""

import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.support import warm
from tests.support.exchange import Running, running_exchange
from tests.support.page_feed import SYMBOLS
from tests.support.program import Program, running_program, settings_for
from tests.support.servers import free_port
from tests.support.services import until

CHROMIUM = "/usr/bin/chromium-headless-shell"
"""Chromium without what draws windows: the same pages for half of the processor time."""
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]  # fmt: skip

expect.set_options(timeout=30_000)  # as long as Playwright waits for anything else: a busy machine makes a page late


@pytest.fixture(scope="package")
def wall_exchange() -> Iterator[Running]:
    """An exchange for all programs whose pages are looked at."""
    with running_exchange() as running:
        yield running


@pytest.fixture(scope="package")
def program(wall_exchange: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    with running_program(settings_for(wall_exchange, tmp_path_factory.mktemp("page"))) as running:
        running.until("live data", lambda: running.ask("/api/market/overview")["data_quality"] == "live", 60)
        yield running


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="package")
def feed() -> Iterator[str]:
    """The address of a web that is fed documents that a test makes up."""
    with fed(SYMBOLS) as url:
        yield url


@pytest.fixture
def fast_feed() -> Iterator[str]:
    """The same with prices ten times a second."""
    with fed(SYMBOLS, ticks_per_s=10) as url:
        yield url


@pytest.fixture(scope="package")
def kept_feed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of such a web of few symbols, with a database that keeps signals."""
    with fed(3, tmp_path_factory.mktemp("kept")) as url:
        yield url


@contextmanager
def fed(symbols: int, *folder: Path, ticks_per_s: float = 1) -> Iterator[str]:
    """The address of a web that is fed until the block ends, two passes a second and so many ticks.

    It has a database in the folder where one is given.
    """
    port = free_port()
    command = [sys.executable, "-m", "tests.support.page_feed", str(port), str(symbols), str(ticks_per_s)]
    command += map(str, folder)
    process = warm.Popen(command, stdin=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        until("the feed is served", lambda: urllib.request.urlopen(f"{url}/api/market/overview", timeout=5))
        yield url
    finally:
        process.kill()
        process.wait(10)
