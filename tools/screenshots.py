"""Take the pictures of the dashboard that stand in the documentation: of the demo, some minutes after its start.

Usage: python -m tools.screenshots [--url U] [--out DIR] [--all]

Without `--url` a demo is started on a free port, and waited for. `--all` takes every page in both schemes, for a phone
and for a desk, and is for whoever looks the pages over; the documentation has two of them.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

READY_S, SETTLED_MS, DEMO_MS = 60, 3_000, 120_000
CHROMIUM = "/usr/bin/chromium-headless-shell"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
PAGES = {
    "market": "/", "signals": "/signals", "symbol": "/symbol/BTCUSDT", "alerts": "/alerts",
    "track-record": "/track-record", "system": "/system",
}  # fmt: skip
SIZES = {"desk": (1440, 900), "phone": (390, 844)}
DOCUMENTED = (("market", "desk", "dark"), ("signals", "desk", "light"))
"""Page, size and scheme of the pictures in the documentation."""


@contextmanager
def demo() -> Iterator[str]:
    """A demo of its own; its address."""
    command = [sys.executable, "-m", "virtuoso.cli", "demo", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        for line in process.stdout:
            if found := re.search(r"virtuoso: (http://127\.0\.0\.1:\d+) · watching", line):
                yield found[1]
                return
        raise SystemExit("the demo did not start")
    finally:
        process.terminate()
        process.wait(20)


def take(browser: Browser, url: str, page: str, size: str, scheme: str, out: Path) -> None:
    width, height = SIZES[size]
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    window = context.new_page()
    window.goto(url + PAGES[page])
    window.wait_for_selector("#source", timeout=READY_S * 1_000)
    window.wait_for_selector("tr[data-key], #main section", timeout=READY_S * 1_000)
    window.wait_for_timeout(SETTLED_MS)
    window.screenshot(path=out, full_page=True)
    Image.open(out).convert("RGB").quantize(128).save(out, optimize=True)  # a third of the size, and looks the same
    print(out)
    context.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--url")
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    parser.add_argument("--all", action="store_true")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    shots = DOCUMENTED
    if given.all:
        shots = tuple((page, size, scheme) for page in PAGES for size in SIZES for scheme in ("dark", "light"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        with demo() if given.url is None else nullcontext(given.url) as url:
            if given.url is None:
                browser.new_page().wait_for_timeout(DEMO_MS)
            for page, size, scheme in shots:
                name = f"{page}-{size}-{scheme}.png" if given.all else f"dashboard-{page}.png"
                take(browser, url, page, size, scheme, given.out / name)
        browser.close()


if __name__ == "__main__":
    main()
