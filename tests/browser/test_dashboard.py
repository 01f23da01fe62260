"""The dashboard in Chromium: it shows what is served, follows it, and says when it is cut off."""

import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page
from tests.support.exchange import Running
from tests.support.program import Program, running_program, settings_for
from tests.support.servers import free_port

from virtuoso.model.text.numbers import price_text

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
AXE = ROOT / "dashboard" / "node_modules" / "axe-core" / "axe.min.js"
MOST_SCRIPT_BYTES = 200_000
"""Of JavaScript for the first page, compressed."""
TITLE = "#main h1"


@dataclass
class Opened:
    """A page, and what was complained of: by the console, by the policy of content, of other hosts asked."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        """Open an address of the dashboard, and wait until its page is there."""
        self.page.goto(self.url + path)
        self.page.wait_for_selector(TITLE, state="attached", timeout=15_000)


@contextmanager
def opened(browser: Browser, url: str, width: int = 1440, scheme: Any = "dark") -> Iterator[Opened]:
    """A window of its own; at the end nothing may have been complained of."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    found = Opened(page, url)

    def said(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            found.complaints.append(message.text)

    page.on("console", said)
    page.on("pageerror", lambda error: found.complaints.append(str(error)))
    page.route("**/*", lambda route: route.continue_() if route.request.url.startswith(url) else route.abort())
    page.add_init_script(
        "addEventListener('securitypolicyviolation', e => console.error('policy: ' + e.violatedDirective))"
    )
    try:
        yield found
        assert found.complaints == []
    finally:
        context.close()


def steady(read: Callable[[], Any], shown: Callable[[], Any], page: Page) -> None:
    """What is shown is what is served, at one moment of some that are looked at: both move."""
    for _ in range(40):
        before, seen, after = read(), shown(), read()
        if before == after == seen:
            return
        page.wait_for_timeout(100)
    assert seen == after


PAGES = ("/", "/signals", "/symbol/BTCUSDT")


@pytest.mark.parametrize(("width", "scheme"), [(1440, "dark"), (390, "light")])
@pytest.mark.parametrize("path", PAGES)
def test_every_page_fits_and_is_accessible(
    browser: Browser, program: Program, path: str, width: int, scheme: str
) -> None:
    with opened(browser, program.url, width, scheme) as shown:
        shown.go(path)
        page = shown.page
        page.wait_for_selector("#source", timeout=10_000)
        assert "REPLAY" in page.locator("#source").inner_text()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        said = page.locator("body").inner_text()
        assert not [word for word in ("undefined", "NaN", "[object") if word in said]
        page.evaluate(AXE.read_text())
        broken = page.evaluate(
            "async () => (await axe.run()).violations.flatMap(v => v.nodes.map(n => `${v.id}: ${n.html}`))"
        )
        assert "\n".join(broken) == ""


def test_the_word_live_is_kept_for_the_live_market(browser: Browser, program: Program) -> None:
    with opened(browser, program.url) as shown:
        shown.go("/")
        shown.page.wait_for_function("() => document.getElementById('quality').textContent.includes('fresh')")
        assert "live" not in shown.page.locator("header").inner_text().replace("not the live market", "").lower()


def test_prices_are_those_of_the_api_and_follow_it(browser: Browser, program: Program) -> None:
    with opened(browser, program.url) as shown:
        shown.go("/signals")
        cells = 'tr[data-key="BTCUSDT"] [data-price]'
        shown.page.wait_for_selector(cells)

        def served() -> str:
            ticker = program.ask("/api/symbols/BTCUSDT")["ticker"]
            return price_text(ticker["price"], ticker["tick_size"])

        steady(served, lambda: shown.page.locator(cells).inner_text(), shown.page)
        before = shown.page.locator("[data-price]").all_inner_texts()
        shown.page.wait_for_function(
            "before => [...document.querySelectorAll('[data-price]')].some((c, i) => c.textContent !== before[i])",
            arg=before, timeout=10_000,
        )  # fmt: skip


def test_every_watched_symbol_has_a_row_and_a_screen_leaves_some_out(browser: Browser, program: Program) -> None:
    with opened(browser, program.url) as shown:
        shown.go("/signals")
        page = shown.page
        page.wait_for_selector("tr[data-key]")
        served = {row["symbol"]: row for row in program.ask("/api/signals/top?limit=50")["signals"]}
        names = "all => all.map(row => row.dataset.key)"
        assert set(page.locator("tr[data-key]").evaluate_all(names)) == set(served)
        page.keyboard.press("/")
        page.keyboard.type("eth")
        page.wait_for_function("() => document.querySelectorAll('tr[data-key]').length === 1")
        assert page.url.endswith("/signals?q=eth")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.wait_for_url("**/symbol/ETHUSDT")
        page.go_back()
        page.wait_for_selector('tr[data-key="ETHUSDT"]')
        assert page.locator("tr[data-key]").count() == 1
        shown.go("/signals?where=score%3C0")
        page.get_by_text("No symbol is in this screen now.").wait_for()


def test_the_script_of_the_first_page_is_small(browser: Browser, program: Program) -> None:
    with opened(browser, program.url) as shown:
        bodies: dict[str, bytes] = {}
        shown.page.on(
            "response", lambda answer: bodies.__setitem__(answer.url, answer.body()) if ".js" in answer.url else None
        )
        shown.go("/")
        shown.page.wait_for_selector("#quality")
        assert bodies
        assert sum(len(gzip.compress(body)) for body in bodies.values()) <= MOST_SCRIPT_BYTES


def test_the_page_says_when_it_is_cut_off_and_comes_back_by_itself(
    browser: Browser, wall_exchange: Running, tmp_path: Path
) -> None:
    port = free_port()
    config = settings_for(wall_exchange, tmp_path, "universe: {size: 3}\n")
    config.write_text(config.read_text().replace("web: {port: 0}", f"web: {{port: {port}}}"))
    context = browser.new_context()
    page = context.new_page()
    with running_program(config) as program:
        page.goto(f"{program.url}/signals")
        page.wait_for_selector("tr[data-key]", timeout=30_000)
        assert not page.locator("#lost").is_visible()
    page.wait_for_selector("#lost", timeout=15_000)
    with running_program(config):
        page.wait_for_selector("#lost", state="detached", timeout=30_000)
        page.wait_for_function("() => document.getElementById('quality').textContent.includes('fresh')", timeout=30_000)
    context.close()
