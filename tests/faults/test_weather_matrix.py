"""Every fault gives exactly the quality, the incident and the recovery it should, within 15 s each way.

One program lives through all of it; each row waits for good weather first and asks what changed besides. A fault ends
when all that is asserted of it was seen, and by itself where a row fails.
"""

from typing import Any

import pytest
from tests.support.watcher import FLIP_S, TOPICS, Watcher

pytestmark = pytest.mark.slow

SKEW_S = 10.0 + 2.0 + 4.0 + 8.0 + 2.0
"""The clock is measured every ten seconds, and once it is doubted, after 2, 4 and 8 s at most: two that agree are
believed, of which none may have travelled long. What is believed is told a second later."""
LIST_S = 60.0
"""The lists are asked every ten seconds, and three must miss a symbol; a newcomer also needs its history."""


def test_mute_topics_are_found_by_what_others_prove(watcher: Watcher) -> None:
    """One topic of each kind, of four symbols: each stale, each with its own incident; every other topic live.

    A symbol has to trade before its silence proves anything: the quietest of the four takes its time.
    """
    muted = {"publicTrade.BTCUSDT", "orderbook.50.ETHUSDT", "tickers.SOLUSDT", "kline.1.XRPUSDT"}
    for topic in muted:
        watcher.order(fault="mute_topic", topic=topic, for_s=40)
    seen: set[str] = set()
    for _ in watcher.during(39):
        seen |= {name for name, feed in watcher.topics().items() if feed["mute"]}
        assert {name for name, feed in watcher.topics().items() if feed["data_quality"] == "stale"} <= muted
        if seen == muted:
            break
    assert seen == muted
    watcher.exchange.clear()
    watcher.until("recovery", watcher.is_fine, 40 + FLIP_S)
    assert watcher.fired() == {"mute_topic": 4}


def test_broken_sequences_resync_one_book_each(watcher: Watcher) -> None:
    faults = {
        "drop_delta": "BTCUSDT", "duplicate_delta": "ETHUSDT", "reorder_delta": "SOLUSDT", "cross_delta": "XRPUSDT",
    }  # fmt: skip
    books = {kind: f"orderbook.50.{symbol}" for kind, symbol in faults.items()}
    before = {name: feed["resyncs"] for name, feed in watcher.topics().items()}
    for kind, topic in books.items():
        watcher.order(fault=kind, topic=topic)
    watcher.until(
        "resyncs", lambda: all(watcher.topics()[topic]["resyncs"] > before[topic] for topic in books.values())
    )
    for symbol in faults.values():
        watcher.until(
            "a valid book", lambda s=symbol: watcher.program.ask(f"/api/symbols/{s}/book?depth=50")["update_id"]
        )
        book = watcher.program.ask(f"/api/symbols/{symbol}/book?depth=50")
        assert len(book["bids"]) == len(book["asks"]) == 50
        assert book["bids"][0][0] < book["asks"][0][0]
    changed = {name for name, feed in watcher.topics().items() if feed["resyncs"] != before[name]}
    assert changed == set(books.values())
    assert watcher.fired() == {}


def test_a_restarted_book_service_is_followed_without_a_resync(watcher: Watcher) -> None:
    topic = "orderbook.50.BTCUSDT"
    before = watcher.topics()[topic]["resyncs"]
    watcher.order(fault="restart_book", topic=topic)
    watcher.until("the restart", lambda: watcher.program.ask("/api/symbols/BTCUSDT/book")["update_id"] < 900)
    assert watcher.topics()[topic]["resyncs"] == before
    assert watcher.fired() == {}


def test_damage_is_counted_by_topic_and_disturbs_nothing_else(watcher: Watcher) -> None:
    before, unknown = watcher.topics(), watcher.status()["exchange"]["unknown_frames"]
    watcher.order(fault="truncated", topic="tickers.BTCUSDT", share=0.5, for_s=4)
    watcher.order(fault="malformed", topic="tickers.ETHUSDT", share=0.5, for_s=4)
    watcher.order(fault="unknown_topic", share=0.2, for_s=4)
    watcher.sleep(5)
    after = watcher.topics()
    damaged = {name for name in after if unreadable(after[name]) > unreadable(before[name])}
    assert damaged <= {"tickers.BTCUSDT", "tickers.ETHUSDT"}
    assert "tickers.ETHUSDT" in damaged
    assert watcher.status()["exchange"]["unknown_frames"] > unknown
    assert watcher.not_live() == set()
    assert watcher.fired() == {}
    # A price that a broken frame told is known with the next one, or with a snapshot that is asked for when none comes.
    watcher.sleep(FLIP_S)
    watcher.until("everything is told again", watcher.is_fine)
    assert watcher.told_of() <= {"BTCUSDT", "ETHUSDT"}


def unreadable(feed: dict[str, Any]) -> int:
    """Frames of a topic that were no JSON."""
    return sum(count for reason, count in feed["refusals"].items() if reason.startswith("frame"))


def test_missing_numbers_are_counted_by_field_and_never_zero(watcher: Watcher) -> None:
    watcher.order(fault="empty_numbers", topic="tickers.*", for_s=4)
    prices: list[float | None] = []
    for _ in watcher.during(5):
        prices += [row["mark_price"] for row in watcher.program.ask("/api/symbols")["symbols"]]
    assert 0 not in prices
    assert None in prices
    assert watcher.status()["exchange"]["missing_values"]["markPrice"] > 0
    watcher.until(
        "known again",
        lambda: all(row["mark_price"] for row in watcher.program.ask("/api/symbols")["symbols"]),
    )
    assert watcher.fired() == {}


def test_fields_that_are_not_there_leave_the_last_value_known(watcher: Watcher) -> None:
    watcher.order(fault="missing_numbers", topic="tickers.*", for_s=4)
    for _ in watcher.during(5):
        assert all(row["mark_price"] for row in watcher.program.ask("/api/symbols")["symbols"])
    assert watcher.not_live() == set()
    assert watcher.fired() == {}


def test_latency_is_delayed_and_nothing_more(watcher: Watcher) -> None:
    watcher.order(fault="latency", latency_ms=3_000, jitter_ms=300, for_s=10)
    watcher.until("delayed", lambda: len(watcher.not_live()) > TOPICS // 2)
    assert {watcher.topics()[name]["data_quality"] for name in watcher.not_live()} <= {"delayed"}
    watcher.until("recovery", watcher.is_fine, 10 + FLIP_S)
    assert watcher.fired() == {}


def test_frozen_exchange_time_is_delayed_and_said(watcher: Watcher) -> None:
    watcher.order(fault="frozen_time", for_s=18)
    watcher.until("delayed", lambda: len(watcher.not_live()) > TOPICS // 2)
    assert {watcher.topics()[name]["data_quality"] for name in watcher.not_live()} <= {"delayed", "stale"}
    watcher.until("the incident", lambda: watcher.open() == {"exchange_clock"})
    watcher.until("recovery", watcher.is_fine, 18 + FLIP_S)
    assert but_for_late_bars(watcher) == {"exchange_clock": 1}


@pytest.mark.parametrize("skew_ms", [4_000, -4_000])
def test_skew_is_measured_and_ages_stay_right(watcher: Watcher, skew_ms: int) -> None:
    """Less than the 5 s that an event may be ahead: the fault leaves the times of the trades themselves as they are."""
    before = watcher.status()["exchange"]["clock_offset_ms"]
    watcher.order(fault="clock_skew", skew_ms=skew_ms, for_s=60)
    watcher.until("the incident", lambda: "clock_skew" in watcher.open(), SKEW_S)
    watcher.until("live by the measured offset", lambda: not watcher.not_live())
    assert watcher.status()["exchange"]["clock_offset_ms"] == pytest.approx(before + skew_ms, abs=300)
    assert max(feed["age_ms"] or 0 for name, feed in watcher.topics().items() if name.startswith("orderbook")) < 2_000
    watcher.exchange.clear()
    watcher.until("recovery", watcher.is_fine, 60 + FLIP_S)
    assert but_for_late_bars(watcher).keys() == {"clock_skew", "exchange_clock"}


def but_for_late_bars(watcher: Watcher) -> dict[str, int]:
    """What was told, but for mute topics of bars.

    One that is confirmed by a clock that is behind is refused and asked for; if it held the last trade for a while,
    its topic has not told that trade.
    """
    return {kind: n for kind, n in watcher.fired().items() if kind != "mute_topic" or watcher.mute_kinds() != {"kline"}}


def test_maintenance_is_a_state_with_one_notice_each_way(watcher: Watcher) -> None:
    watcher.order(fault="maintenance", for_s=14)
    watcher.until("both said", lambda: watcher.open() >= {"maintenance", "stale_feed"})
    assert "503" in watcher.status()["exchange"]["maintenance"]
    watcher.until("recovery", watcher.is_fine, 14 + 2 * FLIP_S)
    assert watcher.fired() == {"maintenance": 1, "stale_feed": 1}


def test_slow_acceptance_of_a_lost_socket(watcher: Watcher) -> None:
    watcher.order(fault="slow_accept", latency_ms=4500, for_s=4)
    watcher.order(fault="disconnect")
    watcher.until("the loss", lambda: watcher.open() == {"stale_feed"})
    watcher.until("recovery", watcher.is_fine)
    assert watcher.fired() == {"stale_feed": 1}


def test_refusals_of_single_requests_change_nothing(watcher: Watcher) -> None:
    for kind in ("busy", "reject"):
        watcher.order(fault=kind, for_s=6)
        watcher.sleep(7)
    assert watcher.not_live() == set()
    assert watcher.fired() == {}


def test_a_symbol_is_listed_and_delisted_while_running(watcher: Watcher) -> None:
    def watched() -> set[str]:
        return {row["symbol"] for row in watcher.program.ask("/api/symbols")["symbols"]}

    watcher.order(fault="list", symbol="SOLUSDT", to="NEWUSDT", for_s=LIST_S + 20)
    watcher.until("the newcomer", lambda: "NEWUSDT" in watched(), LIST_S)
    watcher.until("its data", lambda: watcher.topics().get("orderbook.50.NEWUSDT", {}).get("data_quality") == "live")
    watcher.exchange.clear()
    watcher.until("its end", lambda: "NEWUSDT" not in watched(), 20 + 2 * LIST_S)
    watcher.order(fault="delist", symbol="XRPUSDT", for_s=LIST_S + 20)
    watcher.until("the delisting", lambda: "XRPUSDT" not in watched(), LIST_S)
    watcher.until("all others live", lambda: not watcher.not_live())
    hold_gone(watcher, "NEWUSDT", "XRPUSDT")


def hold_gone(watcher: Watcher, *names: str) -> None:
    """Nothing was told but of names that went: one that goes between a trade and what tells of it is mute in truth."""
    assert watcher.fired().keys() <= {"mute_topic"}
    assert watcher.told_of() <= set(names)


def test_a_newcomer_that_never_speaks_is_live_only_as_it_is_polled(watcher: Watcher) -> None:
    """All five topics are acknowledged and silent: only the liquidations, of which there may be none, are live."""
    kinds = ("orderbook.50", "publicTrade", "tickers", "kline.1")
    for kind in (*kinds, "allLiquidation"):
        watcher.order(fault="mute_topic", topic=f"{kind}.MUTEUSDT", for_s=2 * LIST_S)
    watcher.order(fault="list", symbol="SOLUSDT", to="MUTEUSDT", for_s=2 * LIST_S)
    watcher.until("the newcomer", lambda: "tickers.MUTEUSDT" in watcher.topics(), LIST_S)
    seen: set[str] = set()
    for _ in watcher.during(40):
        for kind in kinds:
            if (feed := watcher.topics().get(f"{kind}.MUTEUSDT")) is not None:
                assert feed["polled_s"] or feed["data_quality"] != "live", feed
                seen |= {kind} if feed["mute"] and feed["polled_s"] else set()
        if seen >= {"orderbook.50", "tickers"}:
            break
    assert seen >= {"orderbook.50", "tickers"}
    watcher.until("the incident", lambda: watcher.open() == {"mute_topic"})
    watcher.exchange.clear()
    watcher.until("its end", lambda: "tickers.MUTEUSDT" not in watcher.topics(), 2 * LIST_S + LIST_S)
    watcher.until("recovery", watcher.is_fine)
    assert watcher.fired().keys() == {"mute_topic"}


def test_a_renamed_symbol_goes_on_under_its_new_name(watcher: Watcher) -> None:
    def watched() -> set[str]:
        return {row["symbol"] for row in watcher.program.ask("/api/symbols")["symbols"]}

    watcher.order(fault="rename", symbol="XRPUSDT", to="XRPNEWUSDT", for_s=LIST_S + 20)
    watcher.until("the new name", lambda: "XRPNEWUSDT" in watched() and "XRPUSDT" not in watched(), LIST_S)
    watcher.until("its data", lambda: watcher.topics().get("orderbook.50.XRPNEWUSDT", {}).get("data_quality") == "live")
    watcher.exchange.clear()
    watcher.until("the old name", lambda: "XRPUSDT" in watched() and "XRPNEWUSDT" not in watched(), 20 + 2 * LIST_S)
    watcher.until("recovery", watcher.is_fine)
    hold_gone(watcher, "XRPUSDT", "XRPNEWUSDT")


def test_a_minute_that_is_never_closed_makes_its_symbol_stale_and_no_other(watcher: Watcher) -> None:
    def stale() -> set[str]:
        rows = watcher.program.ask("/api/signals/top?limit=50")["signals"]
        return {row["symbol"] for row in rows if row["data_quality"] == "stale"}

    watcher.until("bars of all, also of those that came back", lambda: not stale(), 130)
    watcher.order(fault="missing_minutes", symbol="SOLUSDT", for_s=80)
    watcher.until("stale bars", stale, 60 + FLIP_S)
    assert stale() == {"SOLUSDT"}
    assert watcher.not_live() <= {"kline.1.SOLUSDT"}  # a topic whose last frame was refused owes the next one
    watcher.exchange.clear()
    watcher.until("recovery", lambda: not stale(), 80 + FLIP_S)
    assert watcher.fired() == {}
