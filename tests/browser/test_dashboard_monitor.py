"""The dashboard when the monitor behind it is killed, and when it is back."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.support.pace import STORES_SPEED
from tests.support.services import quality, running_site, started, url_of

pytestmark = pytest.mark.slow

STALE_WITHIN_S = 15.0


def test_a_killed_monitor_is_told_with_its_age_and_a_new_one_ends_that(tmp_path: Path, browser: Browser) -> None:
    with running_site(tmp_path, speed=STORES_SPEED) as site:
        monitor, web = site.monitor(), site.web()
        with started(monitor, web):
            url = url_of(web)
            site.until("live", lambda: quality(url) == "live")
            page = browser.new_context().new_page()
            with site.pace.flowing():
                page.goto(url)
                page.wait_for_selector("#quality:has-text('fresh')", timeout=15_000)
                expect(page.locator("#silent")).to_have_count(0)
                monitor.kill()
                page.wait_for_selector("#silent", timeout=STALE_WITHIN_S * 1_000)
                page.wait_for_selector("#quality:has-text('stale')", timeout=15_000)
                expect(page.locator("#silent")).to_contain_text("The monitor is away")
                monitor.start()
                page.wait_for_selector("#silent", state="detached", timeout=60_000)
            page.context.close()
