"""The history, played: exact, deterministic, without jump or drift, and shaped like the real exchange's frames."""

from collections import defaultdict
from decimal import Decimal
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.wire_shapes import (
    padded_as_captured,
    shaped_as_captured,
)

from virtuoso.simulator.history import HistorySource, open_history
from virtuoso.simulator.history.dataset import CLOSE, HIGH, LOW, OPEN, VOLUME, Recorded, load, trimmed
from virtuoso.simulator.history.timeline import MINUTE_MS, Timeline
from virtuoso.simulator.history.trades import TradeTape

START_MS = 1_795_463_400_000
WEEK_MS = 7 * 86_400_000
DAY = 1_440
TOPICS = (
    "orderbook.1", "orderbook.50", "orderbook.200", "orderbook.1000", "publicTrade", "tickers", "kline.1", "kline.5",
    "kline.D", "kline.W", "allLiquidation",
)  # fmt: skip


@pytest.fixture(scope="module")
def history() -> Any:
    return load()


@pytest.fixture(scope="module")
def source() -> HistorySource:
    return open_history(1, START_MS)


def topics(symbol: str) -> list[tuple[str, str]]:
    return [("linear", f"{kind}.{symbol}") for kind in TOPICS]


def test_bundle_holds_what_it_says(history: Any) -> None:
    assert len(history.symbols) == 15
    assert "ADAUSDT" not in history.symbols
    for recorded in history.symbols.values():
        assert len(recorded.fine) == 4 * DAY
        assert (history.minutes_from - history.coarse_from) // 14_400_000 == 140
        for bars in (recorded.coarse, recorded.fine):
            assert (bars[:, HIGH] >= bars[:, [OPEN, CLOSE]].max(axis=1)).all()
            assert (bars[:, LOW] <= bars[:, [OPEN, CLOSE]].min(axis=1)).all()
            assert (bars[:, VOLUME] >= 0).all()


@given(symbol=st.integers(0, 14), seed=st.integers(0, 5), minute=st.integers(0, 4 * DAY - 1), back=st.booleans())
def test_trades_of_any_minute_add_up(symbol: int, seed: int, minute: int, back: bool) -> None:
    recorded, tape = tape_of(symbol, seed)
    opened, high, low, close, volume = recorded.fine[minute].tolist()
    trades = tape.minute(minute, back)
    first, last = (close, opened) if back else (opened, close)
    assert sum(trades.lots) == volume
    assert min(trades.lots) >= 1
    assert (trades.ticks[0], trades.ticks[-1], max(trades.ticks), min(trades.ticks)) == (first, last, high, low)
    assert trades.at_ms == sorted(trades.at_ms)
    assert len(set(zip(trades.at_ms, trades.buys, strict=True))) == len(set(trades.at_ms))  # an order has one side
    assert 0 <= trades.at_ms[0] <= trades.at_ms[-1] < MINUTE_MS
    turnover = sum(p * q for p, q in zip(trades.ticks, trades.lots, strict=True))
    assert turnover == tape.turnover[minute]


_TAPES: dict[tuple[int, int], tuple[Recorded, TradeTape]] = {}


def tape_of(symbol: int, seed: int) -> tuple[Recorded, TradeTape]:
    if (symbol, seed) not in _TAPES:
        recorded = list(load().symbols.values())[symbol]
        _TAPES[symbol, seed] = recorded, TradeTape(recorded, seed)
    return _TAPES[symbol, seed]


@given(
    volume=st.integers(4, 10**6),
    prices=st.lists(st.integers(1, 10**6), min_size=4, max_size=4).map(sorted),
    flips=st.tuples(st.booleans(), st.integers(0, 3), st.integers(0, 3)),
)
def test_trades_of_any_bar_add_up(volume: int, prices: list[int], flips: tuple[bool, int, int]) -> None:
    low, high = prices[0], prices[-1]
    opened, close = prices[flips[1]], prices[flips[2]]
    bars = np.array([[opened, high, low, close, volume]] * 3, dtype=np.int64)
    recorded = Recorded("X", None, bars, bars, (), {})  # type: ignore[arg-type]
    trades = TradeTape(recorded, 7).minute(1, flips[0])
    assert (sum(trades.lots), max(trades.ticks), min(trades.ticks)) == (volume, high, low)
    assert (trades.ticks[0], trades.ticks[-1]) == ((close, opened) if flips[0] else (opened, close))


@given(st.integers(0, 400 * DAY), st.sampled_from([1, 5, 30, 60, 240, 1440]))
def test_the_loop_has_no_jump_and_keeps_alignment(minute: int, length: int) -> None:
    history = load()
    timeline = Timeline.starting(history, START_MS)
    assert timeline.shift_ms % WEEK_MS == 0
    assert timeline.anchor_ms <= START_MS < timeline.anchor_ms + WEEK_MS
    at = timeline.anchor_ms + minute * MINUTE_MS
    (index, back), (following, back_then) = timeline.minute(at), timeline.minute(at + MINUTE_MS)
    if back == back_then:
        assert following - index == (-1 if back else 1)
    else:
        assert following == index  # the turn: the same minute, in the other direction
    assert timeline.anchor_ms % (length * MINUTE_MS) == 0


def test_same_seed_and_start_give_the_same_frames_however_they_are_asked() -> None:
    """Chunks of time and other subscriptions change nothing of what a topic carries."""
    whole, chunked = open_history(3, START_MS), open_history(3, START_MS)
    end = START_MS + 4_000
    wanted = topics("LAYERUSDT")
    expected: dict[str, list[bytes]] = defaultdict(list)
    for push in whole.advance(end, [*wanted, *topics("BTCUSDT")]):
        expected[push.topic].append(push.payload)
    got: dict[str, list[bytes]] = defaultdict(list)
    for at in range(START_MS + 37, end + 37, 37):
        for push in chunked.advance(min(at, end), wanted):
            got[push.topic].append(push.payload)
    for _, topic in wanted:
        assert got[topic] == expected[topic]
    assert len(got["orderbook.50.LAYERUSDT"]) == 20
    other = open_history(4, START_MS).advance(end, wanted)
    assert [p.payload for p in other if p.topic.startswith("orderbook.50")] != got["orderbook.50.LAYERUSDT"]


def test_bars_pushed_are_the_bars_told_later(source: HistorySource) -> None:
    start = START_MS + 10 * WEEK_MS  # far ahead: after many turns of the loop
    late = open_history(1, START_MS)
    late.advance(start, ())
    confirmed = {}
    trades: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for push in late.advance(start + 5 * MINUTE_MS, [("linear", "kline.1.XMRUSDT"), ("linear", "publicTrade.XMRUSDT")]):
        message = msgspec.json.decode(push.payload)
        for row in message["data"]:
            if row.get("confirm"):
                confirmed[row["start"]] = row
            elif "S" in row:
                trades[row["T"] // MINUTE_MS * MINUTE_MS].append(row)
    rows = late.klines("linear", "XMRUSDT", "1", "trade", min(confirmed), max(confirmed))
    assert len(rows) == len(confirmed) == 5
    for row in rows:
        bar = confirmed[int(row[0])]
        assert row[1:] == [bar[n] for n in ("open", "high", "low", "close", "volume", "turnover")]
        own = trades[int(row[0])]
        if int(row[0]) < start:
            continue  # closed just before: confirmed within the time asked for, its trades came earlier
        assert sum(Decimal(t["v"]) for t in own) == Decimal(bar["volume"])
        assert sum(Decimal(t["v"]) * Decimal(t["p"]) for t in own) == Decimal(bar["turnover"])


@pytest.mark.parametrize("interval", ["5", "30", "240"])
def test_longer_bars_are_made_of_the_shorter(source: HistorySource, interval: str) -> None:
    length = int(interval) * MINUTE_MS
    start = START_MS - START_MS % length - 3 * length
    (whole,) = [r for r in source.klines("linear", "SUIUSDT", interval, "trade", start, start) if int(r[0]) == start]
    parts = source.klines("linear", "SUIUSDT", "1", "trade", start, start + length - 1)
    assert len(parts) == int(interval)
    assert whole[1] == parts[0][1]
    assert whole[4] == parts[-1][4]
    assert Decimal(whole[2]) == max(Decimal(p[2]) for p in parts)
    assert Decimal(whole[3]) == min(Decimal(p[3]) for p in parts)
    for column in (5, 6):
        assert Decimal(whole[column]) == sum(Decimal(p[column]) for p in parts)


@pytest.fixture(scope="module")
def pushed() -> dict[str, list[dict[str, Any]]]:
    """Two minutes of every topic of one symbol, with the first frames of a subscription."""
    source = open_history(1, START_MS)
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for category, topic in topics("BTCUSDT"):
        if (frame := source.snapshot(category, topic)) is not None:
            found[topic].append(msgspec.json.decode(frame))
    for push in source.advance(START_MS + 75_000, topics("BTCUSDT")):
        found[push.topic].append(msgspec.json.decode(push.payload))
    return found


def test_every_frame_has_the_captures_shape(pushed: dict[str, list[dict[str, Any]]]) -> None:
    shaped_as_captured(pushed)


def test_strings_are_padded_as_the_captures_are(pushed: dict[str, list[dict[str, Any]]]) -> None:
    padded_as_captured(pushed, "BTCUSDT")


@pytest.mark.parametrize("depth", [50, 200, 1000])
def test_books_follow_their_deltas_and_never_cross(pushed: dict[str, list[dict[str, Any]]], depth: int) -> None:
    """Rule of the wire: one snapshot, then deltas with `u` + 1; size 0 deletes; the depth is kept."""
    first, *deltas = pushed[f"orderbook.{depth}.BTCUSDT"]
    book = {side: dict(first["data"][side]) for side in "ba"}
    update_id = first["data"]["u"]
    assert len(deltas) > 300
    for message in deltas:
        data = message["data"]
        assert (message["type"], data["u"]) == ("delta", update_id + 1)
        assert data["b"] or data["a"]
        update_id += 1
        for side in "ba":
            for price, size in data[side]:
                if size == "0":
                    del book[side][price]
                else:
                    assert book[side].get(price) != size
                    book[side][price] = size
            assert len(book[side]) == depth
        assert max(map(float, book["b"])) < min(map(float, book["a"]))


def test_level_one_is_pushed_when_it_changes_and_again_after_three_seconds(source: HistorySource) -> None:
    feed = open_history(1, START_MS)
    frames = [
        m
        for p in feed.advance(START_MS + 60_000, [("linear", "orderbook.1.XMRUSDT")])
        if (m := msgspec.json.decode(p.payload))
    ]
    assert {message["type"] for message in frames} == {"snapshot"}
    again = [
        (a, b) for a, b in pairwise(frames) if a["data"]["b"] == b["data"]["b"] and a["data"]["a"] == b["data"]["a"]
    ]
    for before, after in again:
        assert after["data"]["u"] == before["data"]["u"]
        assert after["cts"] - before["cts"] == 3_000
    assert all(b["cts"] - a["cts"] <= 3_000 for a, b in pairwise(frames))


def test_a_fall_liquidates_longs() -> None:
    """Rule of the wire: `S` is the position's side; a position is liquidated against the move of its minute."""
    feed = open_history(1, START_MS)
    rows = []
    for push in feed.advance(START_MS + 12 * 60 * MINUTE_MS, [("linear", "allLiquidation.ENAUSDT")]):
        (row,) = msgspec.json.decode(push.payload)["data"]
        open_ms = row["T"] // MINUTE_MS * MINUTE_MS
        (bar,) = feed.klines("linear", "ENAUSDT", "1", "trade", open_ms, open_ms)
        # The price is the bankruptcy price: past the market, in the direction of the move.
        fell = Decimal(row["p"]) < Decimal(bar[1])
        assert row["S"] == ("Buy" if fell else "Sell")
        rows.append(row)
    assert {row["S"] for row in rows} == {"Buy", "Sell"}


@given(st.integers(-(10**15), 10**15), st.integers(0, 9))
def test_trimmed_is_exact(value: int, places: int) -> None:
    text = trimmed(value, places)
    assert Decimal(text) == Decimal(value).scaleb(-places)
    assert "." not in text or not text.endswith("0")
