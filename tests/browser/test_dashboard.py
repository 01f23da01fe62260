"""The dashboard in Chromium: it shows what is served, follows it, and says when it is cut off."""

import gzip
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.support.dashboard import opened, soon, steady, violations
from tests.support.exchange import Running
from tests.support.program import Program, running_program, settings_for
from tests.support.servers import free_port
from virtuoso.alerts.rules.parse import parse
from virtuoso.model.catalogue import examples
from virtuoso.model.text.numbers import price_text

pytestmark = pytest.mark.slow

MOST_SCRIPTS = 20
MOST_SCRIPT_BYTES = 200_000
"""Of JavaScript for the first page, compressed."""
LOADING = ".message.loading"
"""What stands where something is still waited for."""
LATE = 5
"""So many times a monitor is asked before it has heard of a new rule."""
PAGES = ("/", "/signals", "/alerts", "/track-record", "/symbol/BTCUSDT", "/system", "/methodology")


@pytest.mark.parametrize(("width", "scheme"), [(1440, "dark"), (390, "light")])
@pytest.mark.parametrize("path", PAGES)
def test_every_page_fits_and_is_accessible(
    browser: Browser, program: Program, path: str, width: int, scheme: str
) -> None:
    with opened(browser, program.url, width, scheme) as shown:
        shown.go(path)
        page = shown.page
        expect(page.locator("#source")).to_contain_text("REPLAY")
        expect(page.locator(LOADING)).to_have_count(0)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        said = page.locator("body").inner_text()
        assert not [word for word in ("undefined", "NaN", "[object") if word in said]
        assert violations(page) == []


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
            arg=before,
        )


def test_every_watched_symbol_has_a_row_and_a_screen_leaves_some_out(browser: Browser, program: Program) -> None:
    with opened(browser, program.url) as shown:
        shown.go("/signals")
        page = shown.page
        page.wait_for_selector("tr[data-key]")
        rows = page.locator("tr[data-key]")

        def names() -> set[str]:
            return set(rows.evaluate_all("all => all.map(row => row.dataset.key)"))

        def served() -> set[str]:
            return {row["symbol"] for row in program.ask("/api/signals/top?limit=50")["signals"]}

        steady(served, names, page)
        page.keyboard.press("/")
        page.keyboard.type("eth")
        expect(rows).to_have_count(1)
        page.wait_for_url("**/signals?q=eth")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.wait_for_url("**/symbol/ETHUSDT")
        page.go_back()
        page.wait_for_selector('tr[data-key="ETHUSDT"]')
        expect(rows).to_have_count(1)
        shown.go("/signals?where=score%3C0")
        page.get_by_text("No symbol is in this screen now.").wait_for()


def test_the_keyboard_goes_everywhere_and_says_how(browser: Browser, program: Program) -> None:
    with opened(browser, program.url) as shown:
        shown.go("/")
        page = shown.page
        page.keyboard.press("?")
        page.locator("dialog[open]", has_text="go to Signals").wait_for()
        page.keyboard.press("Escape")
        expect(page.locator("dialog[open]")).to_have_count(0)
        page.keyboard.press("g")
        page.keyboard.press("s")
        page.wait_for_url("**/signals")
        page.keyboard.press("g")
        page.keyboard.press("m")
        page.wait_for_url(program.url + "/")
        term = page.get_by_role("button", name="turnover 24 h")
        term.focus()
        told = page.get_by_role("tooltip")
        expect(told).to_contain_text("Value traded")
        expect(term).to_have_attribute("aria-describedby", told.get_attribute("id") or "none")
        page.keyboard.press("Escape")
        expect(told).to_have_count(0)


def test_a_screen_is_kept_and_is_a_link_and_a_rule(browser: Browser, program: Program) -> None:
    with opened(browser, program.url) as shown:
        shown.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        shown.go("/signals")
        page = shown.page
        page.get_by_role("button", name="+ condition").click()
        page.get_by_label("What is compared").select_option("score")
        page.get_by_label("With what").fill("1")
        page.get_by_role("button", name="Add", exact=True).click()
        page.wait_for_url("**/signals?where=score%3E1")
        page.get_by_role("button", name="Save screen").click()
        page.get_by_label("Name of the screen").fill("Not at zero")
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Copy as rule").click()
        page.get_by_text("The rule is copied.").wait_for()
        rule = page.evaluate("navigator.clipboard.readText()")
        assert parse([("screen.yaml", rule)]).rules[0].name == "not-at-zero"
        shown.go("/signals")
        page.get_by_role("link", name="Not at zero").click()
        page.wait_for_url("**/signals?where=score%3E1")


def test_what_the_scan_found_is_shown_or_that_it_found_nothing(browser: Browser, program: Program) -> None:
    with opened(browser, program.url) as shown:
        shown.page.route("**/api/alpha", lambda route: route.fulfill(json=examples.ALPHA))  # nothing is found to order
        shown.go("/")
        cells = shown.page.locator('[aria-label="Patterns against the benchmark"] tbody td')
        expect(cells).to_have_text(["BNBUSDT 1m", "Correlation breakdown", "-0.41 correlation", "0.0032"])
        quiet = examples.ALPHA | {"rows": [], "found": 0, "reason": None}
        shown.page.route("**/api/alpha", lambda route: route.fulfill(json=quiet))
        shown.go("/")
        shown.page.get_by_text("Nothing stands out in").wait_for()


def test_a_part_of_the_method_is_shown_once_more_and_one_of_a_wrong_name_breaks_nothing(
    browser: Browser, program: Program
) -> None:
    with opened(browser, program.url) as shown:
        shown.go("/methodology#%E0%A4%A")
        page = shown.page
        link = page.locator("dt a").first
        for _ in range(2):
            link.click()
            page.wait_for_function("() => scrollY > 300")
            page.evaluate("scrollTo(0, 0)")
        page.wait_for_url("**/methodology#*")


def test_a_page_that_was_left_before_it_came_says_nothing_of_its_failing(browser: Browser, program: Program) -> None:
    with opened(browser, program.url, anew=True) as shown:
        page = shown.page
        shown.expected.append("Failed to load resource")
        held: list[Route] = []

        def hold(route: Route) -> None:
            held.append(route)

        page.add_init_script("delete Navigator.prototype.serviceWorker")  # what a worker asks for cannot be held
        page.route("**/assets/System-*.js", hold)
        shown.go("/signals")
        page.get_by_role("link", name="System", exact=True).click()
        soon(page, lambda: len(held), bool)
        page.get_by_role("link", name="Signals", exact=True).click()
        with page.expect_event("requestfailed"):
            held[0].abort()
        price = page.locator("[data-price]").first
        expect(price).not_to_have_text(price.inner_text())
        expect(page.locator(".message.error")).to_have_count(0)


def test_the_script_of_the_first_page_is_small(browser: Browser, program: Program) -> None:
    with opened(browser, program.url, anew=True) as shown:
        bodies: dict[str, bytes] = {}
        shown.page.on(
            "response", lambda answer: bodies.__setitem__(answer.url, answer.body()) if ".js" in answer.url else None
        )
        shown.go("/")
        shown.page.wait_for_selector("tr[data-key]")
        expect(shown.page.locator(LOADING)).to_have_count(0)
        assert 1 <= len(bodies) <= MOST_SCRIPTS
        assert sum(len(gzip.compress(body)) for body in bodies.values()) <= MOST_SCRIPT_BYTES


def test_a_screen_alerts_with_one_click_until_it_is_told_not_to(browser: Browser, program: Program) -> None:
    def rules() -> list[tuple[str, str, str]]:
        found = program.ask("/api/alerts/rules")["rules"]
        return [(rule["kind"], rule["when"], rule["place"]) for rule in found if rule["removable"]]

    before = program.ask("/api/alerts/rules")
    asked: list[str] = []

    def late(route: Route) -> None:
        if route.request.method == "GET":
            asked.append(route.request.url)
            route.fulfill(json=before)
        else:
            route.continue_()

    with opened(browser, program.url) as shown:
        shown.page.route("**/api/alerts/rules", late)
        shown.go("/signals?where=score%3E1&where=band%3Dbalanced")
        alert = shown.page.get_by_role("button", name="Alert on this screen")
        alert.click()
        name = "score-above-1-band-is-balanced"
        shown.page.get_by_role("status").get_by_text(f"rule {name}.").wait_for()
        soon(shown.page, lambda: len(asked), lambda times: times >= LATE)
        expect(alert).to_be_disabled()  # it waits for the monitor, however late that is
        shown.page.unroute("**/api/alerts/rules")
        program.until(
            "the rule", lambda: rules() == [(name, "score > 1 and band == 'balanced'", "added by the dashboard")], 10
        )
        shown.page.get_by_role("button", name=f"Stop alerting ({name})").click()
        program.until("no rule", lambda: rules() == [], 10)
        shown.page.get_by_role("button", name="Alert on this screen").wait_for()


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
        expect(page.locator("#lost")).to_have_count(0)
    page.wait_for_selector("#lost", timeout=15_000)
    with running_program(config):
        page.wait_for_selector("#lost", state="detached", timeout=30_000)
        page.wait_for_function("() => document.getElementById('quality').textContent.includes('fresh')", timeout=30_000)
    context.close()


def test_without_virtuoso_the_page_opens_and_says_how_old_it_is(
    browser: Browser, wall_exchange: Running, tmp_path: Path
) -> None:
    context = browser.new_context()
    page = context.new_page()
    with running_program(settings_for(wall_exchange, tmp_path, "universe: {size: 3}\n")) as program:
        url = program.url
        page.goto(f"{url}/signals")
        page.wait_for_selector("tr[data-key]", timeout=30_000)
        page.wait_for_function("() => navigator.serviceWorker.controller !== null", timeout=15_000)
        page.wait_for_function(
            "async () => (await (await caches.open('virtuoso-last')).keys()).length === 5", timeout=15_000
        )
        page.reload()  # now what the page is made of goes through the worker, too
        page.wait_for_selector("tr[data-key]", timeout=15_000)
    page.goto(f"{url}/signals")
    page.wait_for_selector("#lost:has-text('old')")
    expect(page.locator("tr[data-key]")).to_have_count(3)
    context.close()
