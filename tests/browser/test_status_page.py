"""The status page in Chromium: it draws what is served, follows it live, and says when it is cut off."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from tests.support.exchange import Running
from tests.support.pace import STORES_SPEED
from tests.support.program import Program, running_program, settings_for
from tests.support.services import quality, running_site, started, url_of

from virtuoso.model.catalogue import examples
from virtuoso.model.text.numbers import price_text

pytestmark = pytest.mark.slow

TITLES = {
    "order_flow": "Order flow", "order_book": "Order book", "volume": "Volume", "price_structure": "Structure",
    "technical": "Technical", "sentiment": "Sentiment",
}  # fmt: skip


def opened(browser: Browser, program: Program, width: int, scheme: Any) -> tuple[Page, list[str]]:
    """The page with signals drawn, and what the console complained of. Nothing else than the program is reached."""
    page = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme).new_page()
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.route("**/*", lambda route: route.continue_() if route.request.url.startswith(program.url) else route.abort())
    page.goto(f"{program.url}/status")
    page.wait_for_selector("body[data-ready]", timeout=10_000)
    page.wait_for_selector("#system dd", timeout=5_000)
    return page, complaints


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_page_draws_what_is_served(browser: Browser, program: Program, width: int, scheme: str, tmp_path: Path) -> None:
    page, complaints = opened(browser, program, width, scheme)
    assert page.locator("#signals tr").count() == 15
    assert "REPLAY" in page.locator("#source").inner_text()
    page.wait_for_function("() => document.getElementById('quality').textContent === 'data live'", timeout=20_000)
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


def test_the_page_writes_prices_as_all_else_does(browser: Browser, program: Program) -> None:
    page, complaints = opened(browser, program, 1280, "light")
    pairs: list[tuple[float | None, float | None]] = [
        (mantissa * step, tick)
        for step in (1e-10, 1e-8, 2.5e-5, 0.0001, 0.05, 0.1, 0.5, 1.0, 10.0, 1e5)
        for mantissa in (1, 7, 2_659, 104_217.3, 99_999_999)
        for tick in (step, None)
    ]
    pairs += [(None, 0.1), (0.0, 0.01), (65114.2381, 0.1), (0.00031234567, 0.0001), (1e19, 1.0), (-2.5, 0.5)]
    drawn = "async pairs => { const draw = await import('/static/draw.js'); return pairs.map(p => draw.price(...p)); }"
    shown = page.evaluate(drawn, pairs)
    assert shown == [price_text(*pair) for pair in pairs]
    assert complaints == []
    page.context.close()


def test_every_factor_served_has_a_column(browser: Browser, program: Program) -> None:
    page, complaints = opened(browser, program, 1280, "light")
    titles = page.locator("#signals-head th").all_inner_texts()
    served = program.ask("/api/signals/top?limit=1")["signals"][0]["factors"]
    assert titles[7:-1] == [TITLES[name] for name in served]
    assert {row.locator("td").count() for row in page.locator("#signals tr").all()} == {len(titles)}
    assert page.evaluate("(e => e.scrollWidth <= e.clientWidth)(document.querySelector('#signals').closest('.scroll'))")
    assert complaints == []
    page.context.close()


def test_every_store_is_shown_as_it_is(browser: Browser, program: Program) -> None:
    page, complaints = opened(browser, program, 1280, "light")
    page.wait_for_function("() => document.querySelectorAll('#stores dd').length === 4", timeout=10_000)
    assert page.locator("#stores dt").all_inner_texts() == ["Memory", "Timeseries", "Database", "Lease"]
    assert page.locator("#stores .badge").all_inner_texts() == ["up", "up", "up", "held"]
    assert set(page.locator("#stores .badge").evaluate_all("all => all.map(b => b.className)")) == {"badge good"}
    assert page.locator("#old").is_hidden()
    assert complaints == []
    page.context.close()


def test_a_stopped_monitor_is_told_with_the_age_of_what_is_shown(tmp_path: Path, browser: Browser) -> None:
    with running_site(tmp_path, speed=STORES_SPEED) as site:
        monitor, web = site.monitor(), site.web()
        with started(monitor, web):
            url = url_of(web)
            site.until("live", lambda: quality(url) == "live")
            page = browser.new_context().new_page()
            with site.pace.flowing():
                page.goto(f"{url}/status")
                page.wait_for_selector("body[data-ready]", timeout=10_000)
                good = "#stores .badge.good"
                page.wait_for_function(f"() => document.querySelectorAll('{good}').length === 6", timeout=10_000)
                monitor.kill()
                page.wait_for_selector("#old:not([hidden])", timeout=60_000)
            assert "the monitor or the shared cache is away" in page.locator("#old").inner_text()
            assert page.locator("#quality").inner_text() == "data stale"
            page.screenshot(path=tmp_path / "stopped.png", full_page=True)
            page.context.close()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (390, "light")])
def test_a_symbol_opens_with_its_reasons(browser: Browser, program: Program, width: int, scheme: str) -> None:
    page, complaints = opened(browser, program, width, scheme)
    page.locator('#signals tr[data-symbol="BTCUSDT"] button').click()
    page.wait_for_selector("dialog[open] .factor")
    served = program.ask("/api/symbols/BTCUSDT")
    label = served["signal"]["signal"] or "none yet"  # a busy machine's reading may be too old for a label
    assert page.locator("#detail-title").inner_text().startswith(f"BTCUSDT {label} ")
    body = page.locator("#detail-body")
    assert body.locator("> *").first.get_attribute("class") == "why"
    said = body.locator(".why p").first.inner_text()
    band = served["signal"]["band"]
    assert said.startswith(f"BTCUSDT is {band} " if band else "BTCUSDT has no band")
    assert body.locator(".frames dt").all_inner_texts() == [frame["timeframe"] for frame in served["timeframes"]]
    ranked = sorted(served["factors"], key=lambda factor: -factor["weight"])
    assert [d.get_attribute("data-name") for d in body.locator(".factor").all()] == [f["name"] for f in ranked]
    for heading in ("What would change the band", "Entry, judged on 30m"):
        assert body.get_by_role("heading", name=heading).count() == 1
    assert len(body.locator(".hash").inner_text().split()[-1]) == len(served["input_hash"])
    for i, factor in enumerate(ranked):
        body.locator(".factor summary").nth(i).focus()
        page.keyboard.press("Enter")
        rows = body.locator(".factor").nth(i).locator("table").first.locator("tbody tr")
        assert rows.first.is_visible()
        assert rows.count() == len(factor["components"])
    assert page.evaluate("(e => e.scrollWidth <= e.clientWidth)(document.getElementById('detail'))")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert not [word for word in ("undefined", "NaN", "[object") if word in body.inner_text()]
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0
    assert complaints == []
    page.context.close()


def test_the_keyboard_keeps_its_place_while_signals_come(browser: Browser, program: Program) -> None:
    page, complaints = opened(browser, program, 1280, "light")
    page.locator('#signals tr[data-symbol="ETHUSDT"] button').focus()
    drawn = page.locator("#signals-time").inner_text()
    page.wait_for_function("t => document.getElementById('signals-time').textContent !== t", arg=drawn, timeout=5_000)
    assert page.evaluate("document.activeElement.textContent") == "ETHUSDT"
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open] .factor")
    assert page.locator("#detail-title").inner_text().startswith("ETHUSDT ")
    page.locator("#close").click()
    assert page.locator("dialog[open]").count() == 0
    assert complaints == []
    page.context.close()


def test_an_open_factor_stays_open_when_the_next_bar_comes(browser: Browser, exchange: Running, tmp_path: Path) -> None:
    config = settings_for(exchange, tmp_path, "universe: {size: 3}\n")
    with running_program(config, pace=exchange.pace) as program, exchange.pace.flowing():
        page, _ = opened(browser, program, 1280, "light")
        page.locator('#signals tr[data-symbol="ETHUSDT"] button').click()
        for _ in range(5):  # a bar may come under the very click
            page.locator(".factor summary").first.click()
            if page.locator("details[open]").count():
                break
        shown = page.locator("#detail-body .hash").inner_text()
        page.wait_for_function(
            "t => document.querySelector('#detail-body .hash').textContent !== t", arg=shown, timeout=70_000
        )
        assert page.locator("details[open]").count() == 1
        page.context.close()


def test_alpha_says_what_was_found_or_that_nothing_was(browser: Browser, program: Program) -> None:
    page, complaints = opened(browser, program, 1280, "light")
    page.wait_for_selector("#alpha > *")
    if program.ask("/api/alpha")["found"] == 0:
        assert page.locator("#alpha p").count() == 1
    page.context.close()
    page = browser.new_context(viewport={"width": 390, "height": 900}).new_page()
    page.route("**/api/alpha", lambda route: route.fulfill(json=examples.ALPHA))  # the demo finds nothing to order
    page.goto(f"{program.url}/status")
    page.wait_for_selector("#alpha table")
    assert [cell.inner_text() for cell in page.locator("#alpha tbody td").all()] == [
        "BNBUSDT", "1m", "Correlation breakdown", "-0.41 correlation", "0.53 → 0.41", "0.78 → 0.37", "0.0032",
    ]  # fmt: skip
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator("#alpha button").click()
    page.wait_for_selector("dialog[open] .factor")
    assert page.locator("#detail-title").inner_text().startswith("BNBUSDT ")
    assert complaints == []
    page.context.close()


def test_the_apis_page_lists_every_route_with_its_fields(browser: Browser, program: Program) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 900})
    page.goto(f"{program.url}/docs")
    page.wait_for_selector(".route")
    document = program.ask("/openapi.json")
    listed = {text.split(" ", 1)[1] for text in page.locator(".route h2 code").all_inner_texts()}
    assert listed == set(document["paths"])
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator(".contents a", has_text="GET /api/signals/top").click()
    route = page.locator('[id="get/api/signals/top"]')
    route.locator("summary", has_text="Fields of the answer").click()
    rows = route.locator("details[open] tbody tr").all()
    fields = {row.locator("td").first.inner_text(): row.inner_text() for row in rows}
    told = document["components"]["schemas"]["SignalItem"]["properties"]
    assert {f"signals[].{name}" for name in told} < {name.removesuffix(".*").removesuffix("[]") for name in fields}
    assert "BUY | HOLD | SELL | null" in fields["signals[].signal"]
    assert "50 neutral" in fields["signals[].score"]
    page.close()


def test_the_page_says_when_it_is_cut_off(browser: Browser, wall_exchange: Running, tmp_path: Path) -> None:
    with running_program(settings_for(wall_exchange, tmp_path, "universe: {size: 3}\n")) as program:
        page, _ = opened(browser, program, 1280, "light")
        assert not page.locator("#lost").is_visible()
    page.wait_for_selector("#lost:visible", timeout=10_000)
    page.context.close()
