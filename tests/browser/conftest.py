"""Chromium, and a program whose pages are looked at."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright
from tests.support.exchange import Running
from tests.support.program import Program, running_program, settings_for

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="module")
def program(wall_exchange: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    with running_program(settings_for(wall_exchange, tmp_path_factory.mktemp("page"))) as running:
        running.until("live data", lambda: running.ask("/api/market/overview")["data_quality"] == "live", 60)
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield chromium
        chromium.close()
