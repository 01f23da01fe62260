"""A symbol's page in Chromium: what it draws and reckons is what the API serves."""

from math import exp
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, expect

from tests.support.dashboard import number, opened, soon, steady, table, violations
from tests.support.page_feed import HOSTILE
from tests.support.program import Program
from virtuoso.model.catalogue import examples
from virtuoso.model.text.numbers import price_text

pytestmark = pytest.mark.slow

PATH = "/symbol/BTCUSDT"
ENTRY = examples.SYMBOL["entry"]
HOUR = examples.SYMBOL["forecast"]["horizons"][0]
TICK = examples.SYMBOL["ticker"]["tick_size"]
LEAST_SHADES = 16
SHADES = """
least => {
  const heat = document.querySelector('canvas.heat');
  const seen = heat.getContext('2d').getImageData(0, 0, heat.width - 70, heat.height - 20).data;
  return new Set(new Uint32Array(seen.buffer)).size >= least;
}
"""
"""Whether so many colours are drawn between the axes: what rests in a bin has one of many, a gap one or two."""


def text_of(price: float) -> str:
    return price_text(round(price / TICK) * TICK, TICK)


def test_the_price_is_that_of_the_api(browser: Browser, program: Program) -> None:
    with opened(browser, program.url) as shown:
        shown.go(PATH)
        shown.page.wait_for_selector("[data-price]")

        def served() -> str:
            ticker = program.ask("/api/symbols/BTCUSDT")["ticker"]
            return price_text(ticker["price"], ticker["tick_size"])

        steady(served, lambda: shown.page.locator("[data-price]").inner_text(), shown.page)


def test_the_steps_lead_from_50_to_the_score_and_open_what_is_behind_them(browser: Browser, program: Program) -> None:
    with opened(browser, program.url) as shown:
        shown.go(PATH)
        page = shown.page
        page.wait_for_selector("[data-points]")
        page.locator("button", has_text="other").click()

        def served() -> float:
            return round(float(program.ask("/api/symbols/BTCUSDT")["signal"]["score"]), 6)

        def drawn() -> float:
            points = page.locator("[data-points]").evaluate_all("all => all.map(one => Number(one.dataset.points))")
            return round(50 + sum(points), 6)

        steady(served, drawn, page)

        def valued() -> int:
            factors = program.ask("/api/symbols/BTCUSDT")["factors"]
            return len({(f["name"], c["name"]) for f in factors for c in f["components"] if c["value"] is not None})

        steady(valued, page.locator("[data-points]").count, page)
        page.get_by_role("button", name="RSI technical").focus()
        page.keyboard.press("Enter")
        page.get_by_text("How much of the movement of 14 bars was upward.").wait_for()
        expect(page.locator(".parts tbody tr")).to_have_count(4)


def test_bars_are_those_of_the_api_at_each_timeframe(browser: Browser, program: Program) -> None:
    with opened(browser, program.url) as shown:
        shown.go(PATH)
        page = shown.page
        for timeframe in ("1h", "30m"):
            page.get_by_role("group", name="Timeframe").get_by_role("button", name=timeframe, exact=True).click()
            page.wait_for_function("() => document.querySelector('.chart canvas') !== null")
            rows = table(page, f"bars {timeframe}", lambda rows: len(rows) >= 5)
            served = program.ask(f"/api/symbols/BTCUSDT/bars?timeframe={timeframe}&limit=600")["bars"]
            by_time = {bar["open_time"]: bar for bar in served}
            for opened_at, *prices in rows[:-1]:
                bar = by_time[opened_at]
                assert [number(each) for each in prices[:4]] == [bar[n] for n in ("open", "high", "low", "close")]


def test_what_was_measured_is_what_the_api_serves(browser: Browser, program: Program) -> None:
    program.until(
        "a minute is kept", lambda: program.ask("/api/symbols/BTCUSDT/series?name=basis")["series"][0]["points"], 90
    )
    with opened(browser, program.url) as shown:
        shown.go(PATH)
        rows = table(shown.page, "positioning")
        (served,) = program.ask("/api/symbols/BTCUSDT/series?name=open_interest&limit=240")["series"]
        by_time = dict(served["points"])
        assert {time for time, *_ in rows} <= set(by_time)
        assert [number(row[1]) for row in rows] == pytest.approx([by_time[row[0]] for row in rows])


def test_trades_and_the_depth_follow_the_stream(browser: Browser, program: Program) -> None:
    with opened(browser, program.url) as shown:
        shown.go(PATH)
        page = shown.page
        trades = page.get_by_role("region", name="Tape").locator("tbody tr")
        before = soon(page, trades.all_inner_texts, bool)
        soon(page, trades.all_inner_texts, lambda found: found != before)
        rows = table(page, "tape")
        assert all(each[1] in {"trade", "liquidation"} for each in rows)
        page.wait_for_function(SHADES, arg=LEAST_SHADES)
        bid = program.ask("/api/symbols/BTCUSDT/book?depth=1")["bids"][0][0]
        depth = table(page, "depth", lambda rows: any(row[-1] == "book" for row in rows))
        known = [row for row in depth if row[-1] == "book"]
        assert number(known[-1][1]) == pytest.approx(bid, rel=0.01)


def test_a_term_behind_the_header_is_explained_before_it(browser: Browser, feed: str) -> None:
    with opened(browser, feed) as shown:
        shown.go(PATH)
        page = shown.page
        term = page.get_by_role("button", name="large move").first
        term.evaluate("e => scrollBy(0, e.getBoundingClientRect().top)")
        page.wait_for_function("() => scrollY > 0")
        term.evaluate("e => e.focus({preventScroll: true})")
        told = page.get_by_role("tooltip")
        expect(told).to_have_count(1)
        assert told.evaluate("e => { const b = e.getBoundingClientRect();"
                             "return e.contains(document.elementFromPoint(b.left + 5, b.top + 5)); }")  # fmt: skip


def test_cone_range_size_and_chances_are_what_the_forecast_says(browser: Browser, feed: str) -> None:
    with opened(browser, feed) as shown:
        shown.go(PATH)
        page = shown.page
        page.wait_for_selector("#size")
        base = ENTRY["price"]
        ((minutes, *prices),) = table(page, "cone")
        assert minutes == "60"
        assert [number(each) for each in prices] == pytest.approx([base * exp(q / 100) for q in HOUR["cone"]], rel=1e-6)
        ends = [text_of(base * exp(HOUR["cone"][i] / 100)) for i in (1, 4)]
        expect(page.locator("#range")).to_have_text(" – ".join(ends))
        expect(page.locator("#size")).to_contain_text(text_of(base * exp(HOUR["low"][1] / 100)))
        page.get_by_role("button", name="short", exact=True).click()
        expect(page.locator("#size")).to_contain_text(text_of(base * exp(HOUR["high"][4] / 100)))
        page.get_by_label("a level").fill(str(base * exp(HOUR["high"][3] / 100)))
        expect(page.locator("#level")).to_contain_text(f"+{HOUR['high'][3] / HOUR['volatility']:.1f} σ")
        expect(page.locator("#level")).to_contain_text("25 %")  # a quarter reaches the upper quartile of the highest


def test_numbers_are_saved_as_a_file(browser: Browser, feed: str) -> None:
    with opened(browser, feed) as shown:
        shown.go(PATH)
        with shown.page.expect_download() as saved:
            shown.page.get_by_role("button", name="CSV: cone", exact=True).click()
        assert saved.value.suggested_filename == "BTCUSDT-cone.csv"
        head, row = saved.value.path().read_text().splitlines()
        assert head.startswith("minutes ahead,2.5 %")
        assert [float(each) for each in row.split(",")][1:] == pytest.approx(
            [ENTRY["price"] * exp(q / 100) for q in HOUR["cone"]]
        )


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_a_hostile_name_is_text_and_the_page_accessible(browser: Browser, feed: str, width: int, scheme: str) -> None:
    with opened(browser, feed, width, scheme) as shown:
        shown.go(f"/symbol/{quote(HOSTILE, safe='')}")
        page = shown.page
        page.locator("h1", has_text=HOSTILE).wait_for()
        page.wait_for_selector("#size")
        table(page, "cone")
        assert page.locator("#app img").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert "\n".join(violations(page)) == ""


def test_a_symbol_that_is_not_watched_is_said_to_be_so(browser: Browser, program: Program) -> None:
    with opened(browser, program.url) as shown:
        shown.expected.append("404 (Not Found)")
        shown.go("/symbol/NONESUCH")
        shown.page.get_by_text("NONESUCH is not watched").wait_for()


def test_a_claim_of_which_more_may_come_is_asked_for_once(browser: Browser, kept_feed: str) -> None:
    with opened(browser, kept_feed, anew=True) as shown:
        page = shown.page
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url) if "/api/signals/" in request.url else None)
        shown.go(PATH)
        page.get_by_role("list", name="The newest signals").get_by_text(" bp").wait_for()
        price = page.locator("[data-price]")
        for _ in range(3):
            expect(price).not_to_have_text(price.inner_text())
        assert len(asked) <= 2, "the other one where a quarter of an hour ended meanwhile"


def test_it_is_left_in_silence_while_minutes_are_asked_for(browser: Browser, feed: str) -> None:
    with opened(browser, feed) as shown:
        page = shown.page
        with page.expect_request("**/bars?timeframe=1m&limit=3"):
            page.route("**/bars?timeframe=1m&limit=3", lambda _route: None)  # it is never answered
            shown.go(PATH)
        page.locator('header a[href="/signals"]').click()
        page.wait_for_selector("tr[data-key]")
        expect(page.locator(".chart")).to_have_count(0)
