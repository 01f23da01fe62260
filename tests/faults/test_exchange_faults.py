"""Faults of the exchange against the running program: found, said once, recovered from."""

from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from tests.support.exchange import running_exchange
from tests.support.pace import SPEED
from tests.support.program import running_program, settings_for
from tests.support.watcher import TOPICS, UNIVERSE, Watcher

pytestmark = pytest.mark.slow


def test_mute_socket_is_found_and_replaced(watcher: Watcher) -> None:
    """Connected, pings answered, no data: found within 10 s, fresh again after 15 s, one incident and one recovery."""
    watcher.order(fault="mute", for_s=60)
    # It may be over before the next document: another connection brings data within a second. A topic that owed a
    # frame when the socket fell silent, such as the bar of a trade a moment before, is found mute sooner.
    found_s = watcher.until("the incident", lambda: "stale_feed" in watcher.fired())
    assert found_s <= 10 + 1
    fresh_s = watcher.until(
        "fresh data", lambda: (watcher.topics()["orderbook.50.BTCUSDT"]["age_ms"] or 9_999) < 2_000, 20
    )
    assert found_s + fresh_s <= 15 + 1
    watcher.until("recovery", watcher.is_fine, 20)
    fired = watcher.fired()
    assert (fired.pop("stale_feed"), fired.keys() - {"mute_topic"}) == (1, set())
    assert "no data" in watcher.program.incidents("stale_feed")[0]["message"]


def test_disconnect_is_reconnected_and_no_minute_is_lost(watcher: Watcher) -> None:
    def connected() -> int:
        return len([feed for feed in watcher.topics().values() if feed["connected"]])

    watcher.until("every topic", lambda: connected() == TOPICS)
    watcher.order(fault="disconnect")
    watcher.order(fault="refuse", for_s=5)
    watcher.until("the loss", lambda: watcher.quality() != "live")
    watcher.until("the incident", lambda: watcher.open() == {"stale_feed"})
    watcher.until("all topics again", lambda: watcher.quality() == "live", 20)
    watcher.until("recovery", watcher.is_fine)
    assert watcher.fired() == {"stale_feed": 1}
    bars = watcher.program.ask("/api/symbols/BTCUSDT/bars?limit=200")["bars"]
    opens = [datetime.fromisoformat(bar["open_time"]) for bar in bars]
    assert len(opens) == 200
    assert all(later - earlier == timedelta(minutes=1) for earlier, later in pairwise(opens))


def test_dropped_delta_never_reaches_a_score(watcher: Watcher) -> None:
    """The book is invalid from the gap to the next snapshot, and equals the exchange's own afterwards."""
    name = "orderbook.50.BTCUSDT"
    before = {topic: feed["resyncs"] for topic, feed in watcher.topics().items()}
    watcher.order(fault="drop_delta", topic=name)
    watcher.until("the resync", lambda: watcher.topics()[name]["resyncs"] == before[name] + 1, 20)
    book = "/api/symbols/BTCUSDT/book?depth=50"
    shown = watcher.program.ask(book)["update_id"] or 0  # it may still be of before the gap
    valid = lambda: (watcher.program.ask(book)["update_id"] or 0) > shown  # noqa: E731
    watcher.until("a valid book", valid, 20)
    found = watcher.program.ask(book)
    assert len(found["bids"]) == len(found["asks"]) == 50
    assert found["bids"][0][0] < found["asks"][0][0]
    other = "orderbook.50.ETHUSDT"
    assert watcher.topics()[other]["resyncs"] == before[other]
    assert watcher.fired() == {}


def test_latency_shows_as_delayed_and_as_that_of_the_wire(watcher: Watcher) -> None:
    def late() -> dict[str, int]:
        """How many of what came by each stage took more than a second."""
        latency = watcher.status()["latency"]
        return {
            stage: sum(found["counts"][found["bounds_s"].index(1.0) + 1 :])
            for stage in ("wire", "state") if (found := latency.get(stage))
        }  # fmt: skip

    watcher.until("both stages are measured", lambda: len(late()) == 2, 20)
    before = late()
    watcher.order(fault="latency", latency_ms=3000, for_s=8)
    watcher.until("delayed", lambda: watcher.quality() == "delayed", 20)
    watcher.until("counted", lambda: late()["wire"] >= before["wire"] + TOPICS // 2, 20)
    watcher.until("live again", lambda: watcher.quality() == "live", 8 + 15)
    assert late()["state"] - before["state"] < (late()["wire"] - before["wire"]) / 2


def test_a_quiet_symbol_is_never_stale(watcher: Watcher) -> None:
    """Over a minute every symbol stays live, though some do not trade for several seconds."""
    ages = []
    for _ in watcher.during(60, 0.5):
        topics = watcher.topics()
        ages += [feed["age_ms"] for name, feed in topics.items() if name.startswith("publicTrade") and feed["age_ms"]]
        assert {feed["data_quality"] for feed in topics.values()} == {"live"}
    assert max(ages) > 2_000, "no symbol was quiet, so the test showed nothing"


def test_nothing_goes_out_during_a_ban(tmp_path: Path) -> None:
    """The silence after a 403 lasts ten minutes, as documented, while streams go on."""
    with (  # others of our address are banned, too
        running_exchange("--faults", speed=SPEED) as exchange,
        running_program(settings_for(exchange, tmp_path, UNIVERSE), pace=exchange.pace) as program,
    ):
        watcher = Watcher(exchange, program)
        watcher.order(fault="ban", for_s=600)
        watcher.until("the incident", lambda: watcher.open() == {"rate_ban"})
        banned = watcher.status()["rate_budget"]["banned_until"]
        watcher.sleep(60)  # longer than the clock's and the lists' periods
        assert banned is not None
        assert watcher.exchange.state()["requests_during_ban"] == 0
        assert watcher.not_live() == set()
        assert watcher.fired() == {"rate_ban": 1}
