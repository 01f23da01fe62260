"""The page of the system in Chromium: what it says of passes, feeds, stores and channels is what the API serves."""

import pytest
from playwright.sync_api import Browser, expect

from tests.support.dashboard import opened, steady, table
from tests.support.program import Program

pytestmark = pytest.mark.slow


def test_it_shows_what_is_served_of_the_program(browser: Browser, program: Program) -> None:
    program.until("passes that were kept", lambda: program.ask("/api/monitoring/history")["groups"], 30)
    build = program.ask("/api/monitoring/status")
    with opened(browser, program.url) as shown:
        shown.go("/system")
        page = shown.page
        panels = {
            name: page.get_by_role("region", name=name, exact=True)
            for name in ("Health", "Program", "Stores", "Channels", "Feeds")
        }
        panels["Health"].get_by_text("Healthy").wait_for()
        expect(panels["Program"]).to_contain_text(build["build"]["version"])
        expect(panels["Program"]).to_contain_text(build["instance"])
        for name in ("Time series", "Database", "Memory"):
            expect(panels["Stores"]).to_contain_text(name)
        panels["Channels"].get_by_text("console", exact=True).wait_for()
        rows = page.get_by_role("group", name="Feeds by kind").locator("tbody tr")

        def feeds() -> tuple[int, str]:
            told = program.ask("/api/monitoring/status")["feeds"]
            return len({feed["kind"] for feed in told}), f"{len(told)} topics"

        def drawn() -> tuple[int, str]:
            return rows.count(), panels["Feeds"].get_by_text(" topics").inner_text().partition(",")[0]

        steady(feeds, drawn, page)


def test_passes_are_drawn_and_stand_in_a_table(browser: Browser, program: Program) -> None:
    with opened(browser, program.url) as shown:
        shown.go("/system")
        page = shown.page
        chart = page.get_by_role("img", name="Time that passes took over 1 hour,")
        chart.locator("canvas").wait_for()
        page.get_by_role("button", name="24 h", exact=True).click()
        page.get_by_role("img", name="Time that passes took over 24 hours,").wait_for()

        def first() -> str:
            return str(program.ask("/api/monitoring/history?hours=24")["groups"][0]["since"])

        steady(first, lambda: table(page, "passes")[0][0], page)
        with page.expect_download() as download:
            page.get_by_role("button", name="CSV: passes").click()
        assert download.value.suggested_filename == "virtuoso-passes.csv"


def test_topics_are_walked_by_keyboard_and_the_sound_is_off_until_asked_for(browser: Browser, program: Program) -> None:
    with opened(browser, program.url) as shown:
        shown.go("/")
        page = shown.page
        page.keyboard.press("g")
        page.keyboard.press("y")
        page.wait_for_url("**/system")
        topics = page.get_by_role("group", name="Every topic")
        topics.focus()
        page.keyboard.press("End")
        topics.locator("tr.active").wait_for()
        sound = page.get_by_role("button", name="Sound for new incidents")
        expect(sound).to_have_attribute("aria-pressed", "false")
        sound.press("Enter")
        expect(sound).to_have_attribute("aria-pressed", "true")
        page.reload()
        expect(sound).to_have_attribute("aria-pressed", "true")


def test_a_pass_that_took_long_is_explained(browser: Browser, program: Program) -> None:
    with opened(browser, program.url) as shown:
        shown.go("/system")
        page = shown.page
        panel = page.get_by_role("region", name="Why a pass took its time", exact=True)

        def served() -> tuple[str, list[str]]:
            cycle = program.ask("/api/monitoring/status")["cycle"]
            explained = cycle["slow"] or cycle["slowest"]
            return text_of(explained["took_ms"]), list(explained["stages"])

        def drawn() -> tuple[str, list[str]]:
            return panel.locator("p b").first.inner_text(), panel.locator(".stage b").all_inner_texts()

        steady(served, drawn, page)


def text_of(ms: float) -> str:
    """As `msText` writes it."""
    if ms >= 1_000:
        return f"{ms / 1_000:.1f} s" if ms >= 10_000 else f"{ms / 1_000:.2f} s"
    return f"{ms:.0f} ms" if ms >= 100 else f"{ms:.1f} ms" if ms >= 10 else f"{ms:.2f} ms"
