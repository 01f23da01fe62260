"""The page of the API in Chromium: every route, with the fields of its answer."""

import pytest
from playwright.sync_api import Browser

from tests.support.dashboard import soon
from tests.support.program import Program

pytestmark = pytest.mark.slow


def test_the_apis_page_lists_every_route_with_its_fields(browser: Browser, program: Program) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 900})
    page.goto(f"{program.url}/docs")
    page.wait_for_selector(".route")
    document = program.ask("/openapi.json")
    titles = page.locator(".route h2 code")
    soon(
        page, titles.all_inner_texts, lambda found: {each.split(" ", 1)[1] for each in found} == set(document["paths"])
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator(".contents a", has_text="GET /api/signals/top").click()
    route = page.locator('[id="get/api/signals/top"]')
    route.locator("summary", has_text="Fields of the answer").click()
    rows = route.locator("details[open] tbody tr")
    rows.first.wait_for()
    fields = dict(rows.evaluate_all("all => all.map(row => [row.cells[0].innerText, row.innerText])"))
    told = document["components"]["schemas"]["SignalItem"]["properties"]
    assert {f"signals[].{name}" for name in told} < {name.removesuffix(".*").removesuffix("[]") for name in fields}
    assert "BUY | HOLD | SELL | null" in fields["signals[].signal"]
    assert "50 neutral" in fields["signals[].score"]
    page.close()
