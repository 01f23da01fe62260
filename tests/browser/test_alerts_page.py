"""The pages of alerts in Chromium: the feed, and one incident with its moment, its path, and what people say to it."""

import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.support.dashboard import TITLE, opened, soon, steady, table, violations
from tests.support.exchange import Running
from tests.support.page_feed import HOSTILE
from tests.support.program import Program, running_program, settings_for

pytestmark = pytest.mark.slow

RULE = """
rules:
  - name: listed
    when: symbol == "BTCUSDT" and price > 0
    severity: critical
    message: "{symbol} trades at {price}"
  - name: also-listed
    when: symbol == "ETHUSDT" and price > 0
    message: "{symbol} trades at {price}"
"""

NEW = """  - name: new
    when: symbol == "BTCUSDT" and price > 1
    severity: critical
    message: "{symbol} trades at {price}, newly"
"""


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with two rules that fire at once."""
    path = tmp_path_factory.mktemp("rules") / "rules.yaml"
    path.write_text(RULE)
    return path


@pytest.fixture(scope="module")
def program(wall_exchange: Running, rules: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    config = settings_for(wall_exchange, tmp_path_factory.mktemp("alerts"), "universe: {size: 4}\n")
    alerts = f"{{interval: 1, alerts: {{rules: ['{rules}']}}}}"
    config.write_text(config.read_text().replace("{interval: 1}", alerts))
    with running_program(config) as running:
        running.until("both rules", lambda: running.incidents("listed") and running.incidents("also-listed"), 60)
        yield running


@pytest.fixture
def incident(program: Program) -> str:
    """Its id: the critical one."""
    return str(program.incidents("listed")[0]["id"])


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_an_incident_fits_and_is_accessible(
    browser: Browser, program: Program, incident: str, width: int, scheme: str
) -> None:
    with opened(browser, program.url, width, scheme) as shown:
        shown.go(f"/alerts/{incident}")
        page = shown.page
        page.locator("#main svg[role=img]").wait_for()
        page.get_by_role("button", name="Silence such…").click()
        page.get_by_label("Why").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert violations(page) == []


def test_the_feed_shows_what_is_kept_and_filters_it(browser: Browser, program: Program, incident: str) -> None:
    with opened(browser, program.url) as shown:
        shown.go("/alerts")
        page = shown.page
        page.wait_for_selector(f'[data-alert="{incident}"]')

        def ids() -> list[str]:
            return list(page.locator("[data-alert]").evaluate_all("all => all.map(row => row.dataset.alert)"))

        def served(query: str = "") -> list[str]:
            return [each["id"] for each in program.ask(f"/api/alerts{query}")["alerts"]]

        soon(page, lambda: (set(served()), set(ids())), lambda found: found[0] <= found[1])
        page.get_by_label("Least severity").select_option("critical")
        page.wait_for_url("**/alerts?severity=critical")
        steady(lambda: served("?severity=critical"), ids, page)
        shown.go("/alerts?symbol=NOSUCH")
        page.get_by_text("No incident is kept that these filters let through.").wait_for()


def test_a_new_incident_is_there_by_itself(browser: Browser, program: Program, rules: Path) -> None:
    with opened(browser, program.url) as shown:
        shown.go("/alerts?severity=critical")
        shown.page.wait_for_selector("[data-alert]")
        rules.write_text(RULE + NEW)
        os.kill(program.process.pid, signal.SIGHUP)
        came = shown.page.locator("[data-alert]", has_text="newly")
        came.wait_for()
        expect(came).to_have_attribute("data-alert", program.incidents("new")[0]["id"])


def test_an_incident_shows_its_moment_its_path_and_what_else_happened(
    browser: Browser, program: Program, incident: str
) -> None:
    with opened(browser, program.url) as shown:
        shown.go(f"/alerts/{incident}")
        page = shown.page
        served = program.ask(f"/api/alerts/{incident}")
        page.get_by_role("heading", name=served["message"], exact=True).wait_for()
        steps = page.get_by_role("region", name="Its path through the stages").locator("li b")
        stages = [step["stage"] for step in served["path"]]
        expect(steps).to_have_text(stages)
        assert {"route", "inhibit"} <= set(stages)
        page.locator('tr[data-horizon="60"]').wait_for()
        around = page.get_by_role("region", name="What else happened then")
        expect(around.get_by_text("ETHUSDT trades at")).to_have_count(1)
        rows = table(page, "minutes", lambda rows: len(rows) > 30)
        until = rows[-1][0]
        bars = program.ask(f"/api/symbols/BTCUSDT/bars?timeframe=1m&limit=1500&until={until}")["bars"]
        assert bars[-1]["open_time"] < until, "it is not in it"
        began = datetime.fromisoformat(rows[0][0])
        assert began.tzinfo == UTC


def test_an_incident_that_is_not_kept_is_said_to_be(browser: Browser, program: Program) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{program.url}/alerts/{'0' * 16}")
        page.get_by_text(f"no alert {'0' * 16} is kept").wait_for()
        expect(page.locator(TITLE)).to_have_text(f"Incident {'0' * 16}")


def test_people_acknowledge_and_silence_by_keyboard_alone(browser: Browser, program: Program, incident: str) -> None:
    with opened(browser, program.url) as shown:
        shown.go("/")
        page = shown.page
        page.keyboard.press("g")
        page.keyboard.press("a")
        page.wait_for_url("**/alerts")
        page.locator(f'[data-alert="{incident}"] a').first.focus()
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/alerts/{incident}")
        page.get_by_label("Who takes note").focus()
        page.keyboard.type("anna")
        page.keyboard.press("Tab")
        page.keyboard.type("looking at it")
        page.keyboard.press("Enter")
        page.get_by_text("Acknowledged by anna").wait_for()
        assert program.ask(f"/api/alerts/{incident}")["acknowledged_by"] == "anna"
        page.get_by_role("button", name="Silence such…").focus()
        page.keyboard.press("Enter")
        page.get_by_label("Why").focus()
        page.keyboard.type("listing day")
        page.keyboard.press("Enter")
        page.get_by_text("Silenced until").wait_for()
        [silence] = program.ask("/api/silences")["silences"]
        assert (silence["author"], silence["comment"]) == ("anna", "listing day")
        assert silence["matcher"] == {"kind": "listed", "symbol": "BTCUSDT"}
        shown.go("/alerts")
        page.get_by_role("button", name="End the silence of kind listed, symbol BTCUSDT").press("Enter")
        page.get_by_text("Nothing is silenced.").wait_for()
        assert program.ask("/api/silences")["silences"] == []


def test_without_a_database_the_feed_says_so_and_names_stay_text(browser: Browser, feed: str) -> None:
    with opened(browser, feed) as shown:
        shown.go("/alerts")
        shown.page.get_by_text("no database is kept").first.wait_for()
        shown.page.get_by_role("link", name=f"{HOSTILE} moved").wait_for()
        assert shown.page.locator("#app img").count() == 0
