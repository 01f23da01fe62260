"""The track record in Chromium: figures as served, what is too little said to be, files told from what was lived."""

import pytest
from playwright.sync_api import Browser, expect

from tests.support.dashboard import opened, served, soon, table, violations
from virtuoso.model.catalogue import examples, performance_example

pytestmark = pytest.mark.slow

EXAMPLE = performance_example.PERFORMANCE["horizons"][0]


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_figures_fit_and_are_accessible(browser: Browser, feed: str, width: int, scheme: str) -> None:
    with opened(browser, feed, width, scheme) as shown:
        shown.go("/track-record")
        page = shown.page
        page.get_by_role("button", name="15m", exact=True).click()
        table(page, "reliability")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert violations(page) == []


def test_figures_are_those_of_the_api_with_their_intervals(browser: Browser, feed: str) -> None:
    with opened(browser, feed) as shown:
        shown.go("/track-record")
        page = shown.page
        page.get_by_role("button", name="15m", exact=True).click()
        held = EXAMPLE["cone"]["bands"][0]["inside"]
        assert (held["value"], held["low"], held["high"]) == (0.797, 0.782, 0.812)
        regions = {
            "80 % range": (".797", "[.782, .812]"),
            "P(large move)": ("+.061", "20,160 readings"),
            "P(beyond costs)": ("0 of 100",),
        }
        for name, texts in regions.items():
            for text in texts:
                expect(page.get_by_role("region", name=name, exact=True)).to_contain_text(text)
        assert table(page, "reliability") == [["large move", "0.151", "0.149", "6,204"]]
        page.get_by_role("group", name="Grouped by").get_by_role("button", name="regime").click()
        expect(page.get_by_role("group", name="Figures by group")).to_contain_text("Volatile")


def test_too_little_is_said_to_be(browser: Browser, feed: str) -> None:
    with opened(browser, feed) as shown:
        shown.go("/track-record")
        shown.page.get_by_role("button", name="4h", exact=True).click()
        said = shown.page.get_by_text("Not enough outcomes yet (0 of 100)")
        said.first.wait_for()
        expect(shown.page.get_by_role("region", name="80 % range", exact=True)).to_have_count(0)


def test_every_kind_of_claim_is_listed_and_files_are_told_apart(browser: Browser, feed: str) -> None:
    with opened(browser, feed) as shown:
        shown.go("/track-record")
        page = shown.page
        cells = page.get_by_role("group", name="Kinds of claim").locator("tbody tr")
        expect(cells).to_have_count(len(examples.SIGNALS["claims"]))
        expect(cells.first).to_contain_text("has not paid")
        page.get_by_role("button", name="1h", exact=True).click()
        files = page.get_by_role("group", name="Figures of files").locator("tbody tr")
        backtested = served(feed, "/api/signals/backtested")
        [hour] = [horizon for horizon in backtested["horizons"] if horizon["horizon_min"] == 60]

        def rows() -> dict[str, str]:
            return {row.split("\t")[0].split()[-1]: row for row in files.all_inner_texts()}

        sets = {each["set"] for each in hour["forecasts"]}
        shown_rows = soon(page, rows, lambda found: set(found) == sets)
        for each in hour["forecasts"]:
            value = f"{each['cone_80'][0]:.3f}".lstrip("0")
            assert value in shown_rows[each["set"]]
            assert "files" in shown_rows[each["set"]]
