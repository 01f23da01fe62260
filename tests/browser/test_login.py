"""The log-in in Chromium: the form where a token is required, what is seen after it, what is left after a log-out."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.support.dashboard import TITLE, opened, violations
from tests.support.exchange import Running
from tests.support.program import Program, running_program, settings_for

pytestmark = pytest.mark.slow

TOKEN, READ_TOKEN = "a-token-that-is-long-enough", "another-one-to-look-only"
REFUSED = "Failed to load resource: the server responded with a status of 401 (Unauthorized)"


@pytest.fixture(scope="module")
def guarded(wall_exchange: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A program that requires a token, also to be asked whether it is healthy."""
    config = settings_for(wall_exchange, tmp_path_factory.mktemp("guarded"), "universe: {size: 3}\n")
    tokens = f"web: {{port: 0, token: {TOKEN}, read_token: {READ_TOKEN}}}"
    config.write_text(config.read_text().replace("web: {port: 0}", tokens))
    with running_program(config, scored=False) as running:
        yield running


def test_a_link_leads_through_the_form_to_what_it_is_of_by_keyboard_alone(browser: Browser, guarded: Program) -> None:
    with opened(browser, guarded.url) as shown:
        page = shown.page
        shown.go("/signals?q=btc")
        page.wait_for_url("**/login?to=%2Fsignals%3Fq%3Dbtc")
        page.get_by_label("Token").wait_for()
        assert violations(page) == []
        assert page.locator("nav").count() == 0, "there is nowhere to go"
        shown.expected.append(REFUSED)
        page.keyboard.type(f"{TOKEN}x")
        page.keyboard.press("Enter")
        page.get_by_role("alert").get_by_text("This is not the token.").wait_for()
        page.keyboard.type(TOKEN)  # over what was wrong
        page.keyboard.press("Enter")
        page.wait_for_url("**/signals?q=btc")
        page.wait_for_selector('tr[data-key="BTCUSDT"]', timeout=60_000)  # by the stream, with the cookie
        assert page.evaluate("document.cookie") == "", "no script reads it"
        (cookie,) = page.context.cookies()
        assert (cookie["httpOnly"], cookie["sameSite"], cookie["secure"]) == (True, "Lax", False)
        page.goto(f"{guarded.url}/docs")
        page.get_by_text("GET /api/session").first.wait_for()


def test_a_log_out_holds_for_every_window_and_leaves_nothing(browser: Browser, guarded: Program) -> None:
    with opened(browser, guarded.url, anew=True) as shown:
        page = shown.page
        shown.go("/login")
        page.get_by_label("Token").fill(READ_TOKEN)
        page.get_by_role("button", name="Log in").click()
        page.get_by_text("look only").wait_for()
        shown.go("/alerts")
        page.get_by_text("Nothing is silenced.").wait_for()
        assert page.get_by_role("button", name="+ silence").count() == 0
        other = page.context.new_page()
        other.goto(f"{guarded.url}/signals")
        other.wait_for_selector("tr[data-key]", timeout=60_000)
        page.get_by_role("button", name="Log out").click()
        for window in (page, other):
            window.wait_for_url("**/login")
            window.get_by_label("Token").wait_for()
        assert page.context.cookies() == []
        page.wait_for_function("async () => !(await caches.has('virtuoso-last'))")
        answer = page.request.get(f"{guarded.url}/api/signals/top")
        assert answer.status == 401


def test_without_a_token_nobody_is_asked_for_one(browser: Browser, program: Program) -> None:
    with opened(browser, program.url) as shown:
        shown.go("/login")
        shown.page.get_by_text("No token is required here.").wait_for()
        assert shown.page.get_by_role("button", name="Log out").count() == 0
        shown.go("/")
        expect(shown.page.locator(TITLE)).to_have_text("Market")
