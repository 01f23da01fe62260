"""The dashboard as a test looks at it: in a window of its own, with whatever it complains of."""

import json
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request

_AXE = Path(__file__).parents[2] / "dashboard" / "node_modules" / "axe-core" / "axe.min.js"
_SOON_S, _LOOK_MS = 30.0, 100
TITLE = "#main h1"


@dataclass
class Opened:
    """A page, and what was complained of: by the console, by the policy of content, of other hosts asked.

    What holds one of the texts of `expected` is no complaint: the browser tells of every answer of 400 and more, too.
    """

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        """Open an address of the dashboard, and wait until its page is there."""
        self.page.goto(self.url + path)
        self.page.wait_for_selector(TITLE, state="attached", timeout=15_000)


_standing = WeakKeyDictionary[Browser, Page]()


@contextmanager
def opened(
    browser: Browser, url: str, width: int = 1440, scheme: Any = "dark", *, anew: bool = False
) -> Iterator[Opened]:
    """A window in which nothing is stored; at the end nothing may have been complained of.

    It is the one that stands open since the last time, in a process that is warm: a page takes a third less there.
    `anew` opens one of its own, for a test that adds scripts, listeners, or other windows to it.
    """
    page = _standing.pop(browser) if browser in _standing and not anew else _window(browser)
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    found = Opened(page, url)

    def said(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not any(text in message.text for text in found.expected):
            found.complaints.append(message.text)

    def failed(error: Error) -> None:
        found.complaints.append(str(error))

    def asked(request: Request) -> None:
        if not request.url.startswith((url, f"blob:{url}")):
            found.complaints.append(f"asked elsewhere: {request.url}")

    listeners: dict[Any, Any] = {"console": said, "pageerror": failed, "request": asked}
    for event, listener in listeners.items():
        page.on(event, listener)
    try:
        yield found
        assert found.complaints == [], found.complaints
        if not anew:
            for event, listener in listeners.items():
                page.remove_listener(event, listener)
            _forget(page, url)
            _standing[browser] = page
    finally:
        if page not in _standing.values():
            page.context.close()


def _window(browser: Browser) -> Page:
    page = browser.new_context().new_page()
    page.add_init_script(
        "addEventListener('securitypolicyviolation', e => console.error('policy: ' + e.violatedDirective))"
    )
    return page


def _forget(page: Page, url: str) -> None:
    """Leave the page, and nothing of it: routes, permissions, what is stored and hovered, its service worker."""
    page.unroute_all()
    page.mouse.move(0, 0)
    page.goto("about:blank")
    page.context.clear_cookies()
    page.context.clear_permissions()
    session = page.context.new_cdp_session(page)
    session.send("Storage.clearDataForOrigin", {"origin": url, "storageTypes": "all"})
    session.detach()


def served(url: str, path: str) -> Any:
    """The JSON that the API serves at a path now."""
    with urllib.request.urlopen(url + path, timeout=10) as answer:
        return json.load(answer)


def soon(page: Page, read: Callable[[], Any], holds: Callable[[Any], object]) -> Any:
    """What is read of a page once it holds: a page shows what it was told a little later, on a busy machine much."""
    give_up = time.monotonic() + _SOON_S
    while not holds(found := read()):
        assert time.monotonic() < give_up, found
        page.wait_for_timeout(_LOOK_MS)
    return found


def steady(read: Callable[[], Any], shown: Callable[[], Any], page: Page) -> None:
    """What is shown is what is served, at one moment of some that are looked at: both move."""
    soon(page, lambda: (read(), shown(), read()), lambda found: found[0] == found[1] == found[2])


def table(page: Page, name: str, holds: Callable[[list[list[str]]], object] = bool) -> list[list[str]]:
    """The cells of the numbers of a chart, once there are any, and they hold."""
    button = page.get_by_role("button", name=f"table: {name}", exact=True)
    if button.get_attribute("aria-expanded") == "false":
        button.click()
    rows = page.get_by_role("group", name=f"Numbers: {name}", exact=True).locator("tbody tr")
    cells = "all => all.map(row => [...row.cells].map(cell => cell.textContent))"
    told = rows.filter(has_not_text="Nothing yet.")
    return list(soon(page, lambda: told.evaluate_all(cells), holds))


def number(text: str) -> float:
    """A number as the page writes it."""
    return float(text.replace(",", ""))


def violations(page: Page) -> list[str]:
    """What axe-core finds against the accessibility of a page as it is now, and ids that stand there twice."""
    page.evaluate(_AXE.read_text())
    found = """async () => {
      const { violations } = await axe.run({ resultTypes: ["violations"] });
      return violations.flatMap(v => v.nodes.map(n => `${v.id}: ${n.html}`));
    }"""
    ids = Counter(page.locator("[id]").evaluate_all("all => all.map(each => each.id)"))
    return [*page.evaluate(found), *(f"{times} times: #{name}" for name, times in ids.items() if times > 1)]
