"""The status page in Chromium: it draws what is served, follows it live, and says when it is cut off."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from tests.support.exchange import running_exchange
from tests.support.program import Program, running_program, settings_for

pytestmark = pytest.mark.slow

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    with (
        running_exchange() as exchange,
        running_program(settings_for(exchange, tmp_path_factory.mktemp("page"))) as running,
    ):
        running.until("live data", lambda: running.ask("/api/market/overview")["data_quality"] == "live", 15)
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield chromium
        chromium.close()


def opened(browser: Browser, program: Program, width: int, scheme: Any) -> tuple[Page, list[str]]:
    """The page with signals drawn, and what the console complained of. Nothing else than the program is reached."""
    page = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme).new_page()
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.route("**/*", lambda route: route.continue_() if route.request.url.startswith(program.url) else route.abort())
    page.goto(program.url)
    page.wait_for_selector("body[data-ready]", timeout=10_000)
    page.wait_for_selector("#system dd", timeout=5_000)
    return page, complaints


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (400, "dark")])
def test_page_draws_what_is_served(browser: Browser, program: Program, width: int, scheme: str, tmp_path: Path) -> None:
    page, complaints = opened(browser, program, width, scheme)
    assert page.locator("#signals tr").count() == 15
    assert "REPLAY" in page.locator("#source").inner_text()
    assert page.locator("#quality").inner_text() == "data live"
    shown = {row.split("\t")[0] for row in page.locator("#signals").inner_text().splitlines() if "\t" in row}
    served = {row["symbol"] for row in program.ask("/api/signals/top?limit=15")["signals"]}
    assert shown == served
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert not [text for text in page.locator("dd").all_inner_texts() if "undefined" in text or "NaN" in text]
    assert complaints == []
    page.screenshot(path=tmp_path / f"page-{width}.png", full_page=True)
    page.context.close()


def test_prices_follow_the_stream(browser: Browser, program: Program) -> None:
    page, complaints = opened(browser, program, 1280, "light")
    before = page.locator("#signals .price").all_inner_texts()
    page.wait_for_function(
        "before => [...document.querySelectorAll('#signals .price')].some((c, i) => c.textContent !== before[i])",
        arg=before,
        timeout=10_000,
    )
    assert complaints == []
    page.context.close()


def test_a_symbol_opens_with_its_reasons(browser: Browser, program: Program) -> None:
    page, complaints = opened(browser, program, 1280, "light")
    page.locator('tr[data-symbol="BTCUSDT"] button').click()
    page.wait_for_selector("dialog[open] .factor")
    assert page.locator("#detail-title").inner_text() == "BTCUSDT"
    text = page.locator("#detail-body").inner_text()
    assert all(name in text for name in ("order book", "volume", "technical", "rsi", "cmf"))
    page.locator("#close").click()
    assert page.locator("dialog[open]").count() == 0
    assert complaints == []
    page.context.close()


def test_the_apis_page_lists_every_route(browser: Browser, program: Program) -> None:
    page = browser.new_page()
    page.goto(f"{program.url}/docs")
    page.wait_for_selector(".route")
    listed = {text.split(" ", 1)[1] for text in page.locator(".route code").all_inner_texts()}
    assert listed == set(program.ask("/openapi.json")["paths"])
    page.close()


def test_the_page_says_when_it_is_cut_off(browser: Browser, tmp_path: Path) -> None:
    with running_exchange() as exchange:
        with running_program(settings_for(exchange, tmp_path)) as program:
            page, _ = opened(browser, program, 1280, "light")
            assert not page.locator("#lost").is_visible()
        page.wait_for_selector("#lost:visible", timeout=10_000)
        page.context.close()
