"""Put the dashboard and `virtuoso top` side by side: what each shows of the same market at the same moment.

Usage: python -m tools.side_by_side [--url U] [--out DIR]

Without `--url` a demo is started on a free port, and waited for. In DIR (build/side-by-side) are then `dashboard.png`,
`top.png` and `both.png`; none of them is kept in git.
"""

import argparse
import html
import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright
from tools.screenshots import CHROMIUM, DEMO_MS, FLAGS, READY_S, SETTLED_MS, demo

COLUMNS = 200
"""Of the terminal: as many as `top` needs for all its columns."""
SIZE = (1440, 900)
_TERMINAL = """<style>body {{ margin: 0; padding: 16px; background: #101418; color: #d7dde3; width: max-content }}
pre {{ font: 13px/1.35 "DejaVu Sans Mono", monospace; margin: 0 }}</style><pre>{}</pre>"""
_BOTH = """<style>body {{ margin: 0; padding: 16px; background: #000; color: #ddd; font: 16px sans-serif;
display: grid; grid-template-columns: 1fr 1fr; gap: 16px; width: 2800px }} img {{ width: 100% }} h2 {{ margin: 0 }}</style>
<section><h2>dashboard</h2><img src="{}"></section><section><h2>virtuoso top</h2><img src="{}"></section>"""


def dashboard(browser: Browser, url: str, out: Path) -> None:
    """Take what the market's page shows without scrolling."""
    page = window(browser, *SIZE)
    page.goto(url)
    page.wait_for_selector("tr[data-key]", timeout=READY_S * 1_000)
    page.wait_for_timeout(SETTLED_MS)
    page.screenshot(path=out)


def top(browser: Browser, url: str, out: Path) -> None:
    """Take what `virtuoso top` prints, as wide as it likes."""
    command = [sys.executable, "-m", "virtuoso.cli", "top", "--once", "--url", url]
    environment = os.environ | {"COLUMNS": str(COLUMNS)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=READY_S)
    drawn(browser, _TERMINAL.format(html.escape(done.stdout)), out)


def drawn(browser: Browser, content: str, out: Path) -> None:
    """Draw a page that stands in `out`'s folder."""
    source = out.with_suffix(".html")
    source.write_text(f"<!doctype html><meta charset=utf-8>{content}", "utf-8")
    page = window(browser, *SIZE)
    page.goto(source.absolute().as_uri())
    page.locator("body").screenshot(path=out)


def window(browser: Browser, width: int, height: int) -> Page:
    """Open a window of its own, in the dark scheme."""
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme="dark")
    return context.new_page()


def main() -> None:
    """Take all three pictures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--url")
    parser.add_argument("--out", type=Path, default=Path("build/side-by-side"))
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        with demo() if given.url is None else nullcontext(given.url) as url:
            if given.url is None:
                browser.new_page().wait_for_timeout(DEMO_MS)
            dashboard(browser, url, given.out / "dashboard.png")
            top(browser, url, given.out / "top.png")
        drawn(browser, _BOTH.format("dashboard.png", "top.png"), given.out / "both.png")
        browser.close()
    print(*(given.out / f"{name}.png" for name in ("dashboard", "top", "both")), sep="\n")


if __name__ == "__main__":
    main()
