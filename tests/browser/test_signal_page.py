"""The page of one signal in Chromium: what it claimed, what came of it, by what it can be checked."""

from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.support.dashboard import opened, served, soon, violations

pytestmark = pytest.mark.slow


def signals(url: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The end of the claim and the claim, as they are served."""
    ended, began = served(url, "/api/signals")["signals"]
    return ended, began


@pytest.mark.parametrize(("width", "scheme"), [(1440, "dark"), (390, "light")])
def test_it_fits_and_is_accessible(browser: Browser, kept_feed: str, width: int, scheme: str) -> None:
    with opened(browser, kept_feed, width, scheme) as shown:
        for signal in signals(kept_feed):
            shown.go(f"/signals/{signal['id']}")
            shown.page.wait_for_selector("#hash")
            shown.page.locator("svg", has_text="BUY").wait_for()
            assert shown.page.evaluate("document.documentElement.scrollWidth") <= width
            assert violations(shown.page) == []


def test_it_says_what_the_api_says_and_the_page_of_its_symbol_leads_there(browser: Browser, kept_feed: str) -> None:
    ended, began = signals(kept_feed)
    detail = served(kept_feed, f"/api/signals/{began['id']}")
    with opened(browser, kept_feed) as shown:
        page = shown.page
        shown.go("/symbol/BTCUSDT")
        links = page.get_by_role("list", name="The newest signals").get_by_role("link")
        addresses = [f"/signals/{each['id']}" for each in (ended, began)]
        read = "all => all.map(link => link.getAttribute('href'))"
        soon(page, lambda: links.evaluate_all(read), lambda found: found == addresses)
        own = next(came for came in detail["outcomes"] if came["horizon_min"] == detail["horizon_min"])
        links.last.get_by_text(f"{own['net_bp']:+,.1f} bp").wait_for()
        links.last.click()
        expect(page.locator("h1")).to_have_text("BTCUSDT · BUY")
        told = {"hash": detail["hash"], "build": detail["build"], "link": kept_feed + detail["link"]}
        for name, text in (told | {"price": "101.25", "confidence": ".56"}).items():
            expect(page.locator(f"#{name}")).to_have_text(text)
        expect(page.locator("#why li")).to_have_text(list(began["why"]))
        assert len(detail["outcomes"]) == 4
        nets = [came["net_bp"] for came in detail["outcomes"]]
        texts = ["not due yet" if net is None else f"{net:+,.1f} bp" for net in nets]
        expect(page.locator("tr[data-horizon]")).to_contain_text(texts)
        expect(page.locator("#verdict")).to_contain_text(f"{own['net_bp']:+,.1f} bp after costs")
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.get_by_role("button", name="Copy link").click()
        page.get_by_text("The link is copied.").wait_for()
        assert page.evaluate("navigator.clipboard.readText()") == kept_feed + detail["link"]
        shown.go(f"/signals/{ended['id']}")
        page.get_by_role("heading", name="BTCUSDT · BUY ended").wait_for()
        reason = served(kept_feed, f"/api/signals/{ended['id']}")["reason"]
        expect(page.locator("#reason")).to_have_text(reason)


def test_what_was_never_said_is_said_to_be_unknown(browser: Browser, kept_feed: str) -> None:
    with opened(browser, kept_feed, 390) as shown:
        shown.expected.append("Failed to load resource")
        for unknown in ("0" * 32, "<img src=x onerror=alert(1)>"):
            shown.go(f"/signals/{unknown}")
            shown.page.get_by_role("heading", name="There is no such signal").wait_for()
            shown.page.locator("code", has_text=unknown).wait_for()
            assert shown.page.evaluate("document.documentElement.scrollWidth") <= 390
            assert violations(shown.page) == []
