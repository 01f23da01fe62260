"""What is known at a moment of a recording: bars made of minutes, books that are lost and made anew, answers."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from virtuoso.simulator.parameters import Refused
from virtuoso.simulator.replayed.answers import Answers
from virtuoso.simulator.replayed.bars import merged
from virtuoso.simulator.replayed.source import ReplayedSource
from virtuoso.simulator.replayed.told import Answered, Framed, Lost, Recorded, Told
from virtuoso.simulator.replayed.topics import Topics

MINUTE = 60_000
START = 1_800_000_000_000 // (5 * MINUTE) * (5 * MINUTE)
BOOK = "orderbook.50.BTCUSDT"


def minute(number: int) -> dict[str, Any]:
    price = 100 + number
    return {
        "start": START + number * MINUTE, "open": str(price), "close": f"{price}.5", "high": f"{price + 9}",
        "low": f"{price - 9}", "volume": "1.25", "turnover": "125.5",
    }  # fmt: skip


def book(update: int, *levels: tuple[str, str], kind: str = "delta") -> bytes:
    data = {"s": "BTCUSDT", "b": levels, "a": [("200", "1")] if kind == "snapshot" else [], "u": update, "seq": update}
    return msgspec.json.encode({"topic": BOOK, "type": kind, "ts": update, "data": data, "cts": update})


def bar(number: int) -> bytes:
    return msgspec.json.encode({"topic": "kline.1.BTCUSDT", "data": [minute(number)], "ts": 1, "type": "snapshot"})


def answered(at_ms: int, path: str, rows: list[Any], **query: str) -> Answered:
    return Answered(at_ms, f"/v5/market/{path}", query, msgspec.json.encode({"result": {"list": rows}}))


def test_longer_bars_go_on_with_minutes_that_have_no_gap() -> None:
    minutes = {START + n * MINUTE: minute(n) for n in (0, 1, 2, 3, 4, 5, 6, 10, 12)}
    old = [
        [str(START - 5 * MINUTE), "1", "2", "0.5", "1", "9", "9"],
        [str(START), "100", "100", "100", "100", "1", "1"],
    ]
    rows = {int(row[0]): row for row in merged(old, minutes, 5 * MINUTE)}
    assert rows[START - 5 * MINUTE] == old[0]
    assert rows[START] == [str(START), "100", "113", "91", "104.5", "6.25", "627.5"], (
        "the one that was forming is whole"
    )
    assert rows[START + 5 * MINUTE] == [str(START + 5 * MINUTE), "105", "115", "96", "106.5", "2.50", "251.0"]
    assert START + 10 * MINUTE not in rows, "a minute of it is missing"
    assert [int(row[0]) for row in merged(old, minutes, MINUTE)] == [START - 5 * MINUTE, *minutes]


def test_a_book_that_was_lost_has_no_snapshot_until_one_comes() -> None:
    topics = Topics()
    topics.take(book(1, ("100", "2"), ("99", "1"), kind="snapshot"), 7)
    topics.take(book(2, ("100", "0"), ("98", "3")), 7)
    before = topics.marked()
    made = msgspec.json.decode(topics.snapshot(BOOK) or b"")
    assert (made["type"], made["data"]["u"], made["data"]["b"]) == ("snapshot", 2, [["99", "1"], ["98", "3"]])
    topics.forget(8)
    assert topics.snapshot(BOOK) is not None
    topics.forget(7)
    topics.take(book(3, ("97", "1")), 7)
    assert topics.snapshot(BOOK) is None
    assert before.snapshot(BOOK) is not None, "a copy does not change"


def test_a_mark_takes_no_more_room_for_more_bars_and_gives_them_all_back() -> None:
    topics = Topics()
    for number in range(60):
        topics.take(bar(number))
    whole = dict(topics.bars["BTCUSDT"]["1"])
    mark = topics.marked()
    assert len(mark.bars["BTCUSDT"]["1"]) == 3
    for number in range(59, 70):
        topics.take(bar(number).replace(b'"volume":"1.25"', b'"volume":"9"'))
    assert topics.bars["BTCUSDT"]["1"] != whole
    back = topics.back_at(mark)
    assert back.bars["BTCUSDT"]["1"] == whole
    back.take(bar(60))
    assert len(mark.bars["BTCUSDT"]["1"]) == 3


def test_answers_are_known_from_when_they_came() -> None:
    answers = Answers()
    with pytest.raises(Refused, match="not in the recording: open-interest A 5min"):
        answers.items("open-interest", "A", "5min")
    rows = [{"openInterest": "1", "timestamp": "5"}]
    answers.take(answered(10, "open-interest", rows, symbol="A", intervalTime="5min"))
    answers.take(Answered(11, "/v5/market/tickers", {}, b"<html>"))
    answers.take(
        answered(20, "open-interest", [*rows, {"openInterest": "2", "timestamp": "6"}], symbol="A", intervalTime="5min")
    )
    assert [row["timestamp"] for row in answers.items("open-interest", "A", "5min")] == ["5", "6"]
    answers.forget_after(15)
    with pytest.raises(Refused):
        answers.items("open-interest", "A", "5min")


def test_a_moment_is_the_same_whichever_way_it_is_come_to() -> None:
    told: list[Told] = [Framed(START, 1, book(1, *((str(50 + n), "1") for n in range(40)), kind="snapshot"))]
    for n in range(1, 1_200):
        told.append(Framed(START + n * 500, 1, book(n + 1, (str(50 + n % 40), str(n % 7)))))
        if n % 120 == 0:
            told.append(Framed(START + n * 500, 1, bar(n // 120 - 1)))
        if n == 700:
            told += [Lost(START + n * 500, 2), answered(START + n * 500, "tickers", [{"symbol": "BTCUSDT", "x": "1"}])]
    asked = list[int | None]()

    def tape(from_ms: int | None) -> Iterator[Told]:
        asked.append(from_ms)
        return iter([each for each in told if each.at_ms >= (from_ms or 0)])

    recorded = Recorded("linear", START, told[-1].at_ms, frozenset({BOOK, "kline.1.BTCUSDT"}), tape)
    way, straight = ReplayedSource(recorded), ReplayedSource(recorded)
    assert way.forward(START + 500_000, 10**6)
    way.back_to(START + 200_250)
    assert asked[-1] is not None, "a moment a minute or less before it was noted"
    assert way.forward(START + 200_250, 10**6)
    assert straight.forward(START + 200_250, 10**6)
    for each in (way, straight):
        assert msgspec.json.decode(each.snapshot("linear", BOOK) or b"")["data"]["u"] == 401
    assert way.snapshot("linear", BOOK) == straight.snapshot("linear", BOOK)
    assert way.klines("linear", "BTCUSDT", "1", "trade", 0, 1 << 60) == straight.klines(
        "linear", "BTCUSDT", "1", "trade", 0, 1 << 60
    )
    wanted = [("linear", BOOK)]
    assert way.advance(START + 600_000, wanted) == straight.advance(START + 600_000, wanted)
    assert way.ended
    assert way.tickers("linear") == [{"symbol": "BTCUSDT", "x": "1"}]
