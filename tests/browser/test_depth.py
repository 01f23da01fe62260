"""The depth of a symbol's page in Chromium: its values are those served, gaps are gaps, hours are dragged through."""

from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.dashboard import Opened, number, opened, served, soon, table, violations
from tests.support.made_depth import LARGEST, WIDTH, byte_of, known_of, low_of, middle_of
from tests.support.page_feed import DEPTH_S
from tests.support.program import Program
from tests.support.soak import soak_only

pytestmark = pytest.mark.slow

PATH = "/symbol/BTCUSDT"
MAP = "section .map"
WORDS = {"b": "book", "i": "the book was not valid", "-": "nobody looked"}
MOST_FRAME_MS = 8.0
DRAGS = 4
"""The best of them counts: what others do on the machine makes the thread's own time longer, too."""
PARTS = {
    "FireAnimationFrame", "EventDispatch", "UpdateLayoutTree", "Layout", "PrePaint", "Paint", "Layerize", "Commit",
}  # fmt: skip
"""Events of a trace that are script and paint of a frame."""


def second_of(iso: str) -> int:
    return round(datetime.fromisoformat(iso).replace(tzinfo=UTC).timestamp())


def left(page: Page) -> float:
    return float(page.locator(MAP).get_attribute("data-left") or "nan")


def spans(page: Page) -> Locator:
    return page.get_by_role("group", name="Seconds of depth")


def drawn(shown: Opened) -> Page:
    shown.go(PATH)
    shown.page.wait_for_selector(f"{MAP}[data-left]")
    shown.page.locator(MAP).scroll_into_view_if_needed()
    return shown.page


def test_what_is_drawn_is_what_is_served_gaps_too(browser: Browser, feed: str) -> None:
    with opened(browser, feed) as shown:
        page = drawn(shown)
        spans(page).get_by_role("button", name="15m").click()
        page.wait_for_function("() => document.querySelector('section .map').dataset.step === '2'")
        before = left(page)
        page.get_by_role("button", name="older", exact=True).click()
        page.wait_for_function(
            "before => { const { left, whole } = document.querySelector('section .map').dataset;"
            " return Number(left) < before - 800 && whole === 'yes'; }",
            arg=before,
        )
        rows = table(page, "depth")
        for time, bid, _ask, bids, asks, known in rows[-300:]:
            second = second_of(time)
            assert known == WORDS[known_of(second)], time
            if known != "book":
                assert (bid, bids, asks) == ("—", "—", "—")
                continue
            assert number(bid) == pytest.approx(middle_of(second) - 0.05)
            sizes = [LARGEST * 10 ** ((byte_of(second, j) - 255) / 42) for j in range(64)]
            assert number(bids) + number(asks) == pytest.approx(sum(sizes), rel=1e-6)
        assert {row[-1] for row in rows} >= {"book", "the book was not valid"}


def test_the_newest_second_is_that_of_the_stream_and_a_hand_leads_to_hours_before(browser: Browser, feed: str) -> None:
    with opened(browser, feed) as shown:
        page = drawn(shown)
        before = left(page)
        page.wait_for_function("left => Number(document.querySelector('section .map').dataset.left) > left", arg=before)
        page.locator(MAP).focus()
        for _ in range(5):
            page.keyboard.press("PageUp")
        there = "at => Math.abs(Number(document.querySelector('section .map').dataset.left) - at) <= 20"
        page.wait_for_function(there, arg=before - 5 * 300)
        at = left(page)
        price = page.locator("[data-price]")
        for _ in range(2):
            expect(price).not_to_have_text(price.inner_text())
        assert left(page) == at, "what is looked at stays, whatever comes meanwhile"
        page.keyboard.press("End")
        page.wait_for_function("left => Number(document.querySelector('section .map').dataset.left) > left", arg=before)
        for _ in range(round(1.1 * DEPTH_S / 300)):
            page.keyboard.press("PageUp")
        oldest = second_of(served(feed, "/api/symbols/BTCUSDT/depth?seconds=10")["oldest"])
        soon(page, lambda: left(page), lambda at: abs(at - oldest) <= 60)  # no further than what is kept


def test_under_the_cursor_stands_the_size_that_rests_there(browser: Browser, feed: str) -> None:
    with opened(browser, feed) as shown:
        page = drawn(shown)
        page.get_by_role("button", name="older", exact=True).click()
        page.wait_for_selector(f"{MAP}[data-whole=yes]")
        box = page.locator(MAP).bounding_box()
        assert box is not None
        shares = (0.2, 0.35, 0.5, 0.65)
        found = list[list[str]]()
        for share in shares:
            page.mouse.move(box["x"] + share * (box["width"] - 66), box["y"] + 0.5 * box["height"])
            second = int(left(page) + share * 300)
            near = list(range(second - 2, second + 3))
            lines = soon(page, page.locator(".hover div").all_inner_texts, lambda told, near=near: tells(told, near))
            found.append(lines)
        assert sum(lines[0][0].isdigit() for lines in found) > len(shares) // 2, found


def tells(lines: list[str], seconds: list[int]) -> bool:
    """Whether what stands under the cursor is that of one of these seconds."""
    if len(lines) < 4:
        return lines[1:] in [[WORDS[known_of(s)]] for s in seconds if known_of(s) != "b"]
    bin_number = round(number(lines[1].split(" – ")[0]) / WIDTH)
    sizes = {
        f"{LARGEST * 10 ** ((byte_of(s, bin_number - low_of(s)) - 255) / 42):.3g}"
        if 0 <= bin_number - low_of(s) < 64
        else "beyond the bins"
        for s in seconds
        if known_of(s) == "b"
    }
    return lines[0] in sizes


def test_what_the_store_did_not_tell_is_not_called_unseen_and_is_asked_for_again(browser: Browser, feed: str) -> None:
    with opened(browser, feed) as shown:
        away = {"symbol": "BTCUSDT", "blocks": [], "oldest": None, "reason": "the store does not answer"}
        pattern = "**/api/symbols/*/depth?*"
        shown.page.route(pattern, lambda route: route.fulfill(json=away))
        page = drawn(shown)
        page.get_by_text("the store does not answer: drawn is what came").wait_for()
        before_it_was_opened = [row[-1] for row in table(page, "depth")[:100]]
        assert set(before_it_was_opened) == {"asked for"}
        page.unroute(pattern)
        page.wait_for_selector(f"{MAP}[data-whole=yes]")
        assert "book" in {row[-1] for row in table(page, "depth")[:100]}
        page.get_by_text("the store does not answer").wait_for(state="detached")


def test_what_is_kept_of_a_book_that_is_streamed_no_more_is_drawn_without_a_word_that_none_is(
    browser: Browser, feed: str
) -> None:
    with opened(browser, feed, anew=True) as shown:
        shown.page.add_init_script(
            "const listen = EventSource.prototype.addEventListener;"
            "EventSource.prototype.addEventListener = function (name, ...rest) {"
            " if (name !== 'depth') listen.call(this, name, ...rest); };"
        )
        page = drawn(shown)
        page.wait_for_selector(f"{MAP}[data-whole=yes]")
        assert "book" in {row[-1] for row in table(page, "depth")}
        expect(page.get_by_text("No book of this symbol is watched.")).to_have_count(0)


@pytest.mark.parametrize(("width", "scheme"), [(1440, "dark"), (390, "light")])
def test_it_is_accessible_and_fits(browser: Browser, feed: str, width: int, scheme: str) -> None:
    with opened(browser, feed, width, scheme) as shown:
        page = drawn(shown)
        table(page, "depth")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert "\n".join(violations(page)) == ""


def test_what_a_monitor_kept_is_drawn_after_it_is_opened(browser: Browser, program: Program) -> None:
    def blocks() -> list[dict[str, Any]]:
        return list(served(program.url, "/api/symbols/BTCUSDT/depth?seconds=60")["blocks"])

    program.until("a book is kept", lambda: any("b" in block["seconds"] for block in blocks()), 60)
    with opened(browser, program.url) as shown:
        page = drawn(shown)
        kept = next(block for block in blocks() if "b" in block["seconds"])
        first = second_of(kept["begins"])
        known = {first + i: bid for i, bid in enumerate(kept["bids"]) if kept["seconds"][i] == "b"}
        assert known

        def bids() -> dict[int, float]:
            rows = {second_of(time): bid for time, bid, *_ in table(page, "depth")}
            return {second: number(rows[second]) for second in known if rows.get(second, "—") != "—"}

        assert soon(page, bids, lambda found: len(found) == len(known)) == pytest.approx(known)


@soak_only("a trace of an hour that is dragged through")
def test_an_hour_is_dragged_through_at_eight_milliseconds_a_frame(browser: Browser, feed: str) -> None:
    with opened(browser, feed, anew=True) as shown:
        page = drawn(shown)
        spans(page).get_by_role("button", name="1h").click()
        for _ in range(2):
            page.get_by_role("button", name="older", exact=True).click()
            page.wait_for_selector(f"{MAP}[data-whole=yes]")
        box = page.locator(MAP).bounding_box()
        assert box is not None
        frames = [frame_times(traced(page, lambda: drag(page, box))) for _ in range(DRAGS)]
        assert sum(map(len, frames)) >= 50 * DRAGS
        slow = [sorted(each)[int(0.95 * len(each))] for each in frames]
        assert min(slow) <= MOST_FRAME_MS, f"the 95th percentile of each drag, ms: {slow}"


def drag(page: Page, box: Any) -> None:
    """To an hour before and back, by hand."""
    y = box["y"] + box["height"] / 2
    start, wide = box["x"] + 10, box["width"] - 90
    for direction in (1, -1):
        page.mouse.move(start if direction > 0 else start + wide, y)
        page.mouse.down()
        for step in range(100):
            offset = wide * step / 100
            page.mouse.move(start + offset if direction > 0 else start + wide - offset, y)
        page.mouse.up()


def traced(page: Page, work: Any) -> list[dict[str, Any]]:
    """What Chromium notes of its main thread while something is done."""
    session = page.context.browser.new_browser_cdp_session()  # type: ignore[union-attr]
    events: list[dict[str, Any]] = []
    done: list[bool] = []
    session.on("Tracing.dataCollected", lambda found: events.extend(found["value"]))
    session.on("Tracing.tracingComplete", lambda _: done.append(True))
    categories = ["devtools.timeline", "disabled-by-default-devtools.timeline", "toplevel"]
    session.send("Tracing.start", {"traceConfig": {"includedCategories": categories}, "transferMode": "ReportEvents"})
    work()
    session.send("Tracing.end")
    for _ in range(100):
        if done:
            break
        page.wait_for_timeout(100)
    assert done
    return events


def frame_times(events: list[dict[str, Any]]) -> list[float]:
    """Script and paint of each frame drawn by script, ms of the thread's own time, however busy the machine is."""
    fired = [e for e in events if e["name"] == "FireAnimationFrame" and e.get("ph") == "X"]
    (thread,) = {(e["pid"], e["tid"]) for e in fired}
    drawn_at = sorted(e["ts"] for e in fired)
    sums = dict.fromkeys(drawn_at, 0.0)
    mine = [e for e in events if e["name"] in PARTS and e.get("ph") == "X" and (e["pid"], e["tid"]) == thread]
    for event in mine:
        frame = next((at for at in reversed(drawn_at) if at <= event["ts"]), None)
        if frame is not None:
            sums[frame] += event.get("tdur", event.get("dur", 0)) / 1_000
    return list(sums.values())
