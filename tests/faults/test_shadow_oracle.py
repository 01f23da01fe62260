"""Books under faults, checked at every step against a slow book of the exchange's own."""

import msgspec
import numpy as np
from tests.support.soak import SOAK

from virtuoso.exchange.bybit.feeds import Feed, feeds_for
from virtuoso.market.symbol import SymbolState
from virtuoso.model.timeframe import Timeframe

STEPS = (1_000_000 if SOAK else 100_000) // 20
FAULTS = ("drop", "duplicate", "reorder", "cross", "restart", "anew")
Side = dict[float, float]


def drive(symbol: int) -> None:
    rng = np.random.default_rng(symbol)
    asked: list[Feed] = []
    state = SymbolState("X", (Timeframe.M1,), 100, 50)
    feed = feeds_for("X", state, "linear", 50, asked.append)[0]
    bids: Side = {100.0 - i: 1.0 for i in range(1, 21)}
    asks: Side = {100.0 + i: 1.0 for i in range(1, 21)}
    u, ts, wanted, answer_in = 10, 1_748_476_800_000, 0, 0
    true: dict[int, tuple[Side, Side]] = {}

    def send(kind: str, b: object, a: object, number: int) -> None:
        before, was = state.minute, (dict(state.book.bids), dict(state.book.asks)) if state.book.valid else ({}, {})
        body = {"topic": feed.topic, "type": kind, "ts": ts, "data": {"b": b, "a": a, "u": number}}
        feed.take(msgspec.json.encode(body), ts * 1_000_000)
        if state.minute is not before and state.minute is not None:
            assert state.minute.bids == sorted(was[0].items(), reverse=True)[:10]
            assert state.minute.asks == sorted(was[1].items())[:10]
        if state.book.valid:
            assert (state.book.bids, state.book.asks) == true[state.book.update_id]

    def whole(number: int) -> None:
        true[number] = (dict(bids), dict(asks))
        send("snapshot", list(bids.items()), list(asks.items()), number)

    whole(u)
    pending = False
    for _ in range(STEPS):
        ts += 100
        level, size, side = int(rng.integers(1, 21)), float(rng.integers(5)), int(rng.integers(2))
        book, price = (bids, 100.0 - level) if side else (asks, 100.0 + level)
        if size == 0 and len(book) < 3:
            size = 1.0
        book[price] = size
        if not size:
            del book[price]
        u += 1
        true[u] = (dict(bids), dict(asks))
        true.pop(u - 10, None)
        change = [[[price, size]], []] if side else [[], [[price, size]]]
        calm = not answer_in and not pending
        fault = FAULTS[int(rng.integers(6))] if calm and rng.random() < 0.01 else None
        wanted += fault in {"drop", "duplicate", "reorder", "cross"}
        pending = fault == "drop"
        if fault == "restart":
            u = 1
            true.clear()
            whole(1)
        elif fault == "anew":
            whole(u)
        elif fault == "reorder":
            send("delta", [], [], u + 1)
            send("delta", *change, u)
            u += 1
            true[u] = (dict(bids), dict(asks))
        elif fault == "cross":
            send("delta", [[500.0, 1.0]], [], u)
        elif fault != "drop":
            send("delta", *change, u)
            if fault == "duplicate":
                send("delta", *change, u)
        assert len(asked) == feed.resyncs == wanted - pending
        if not answer_in and not pending and not state.book.valid:
            answer_in = int(rng.integers(2, 8))
        elif answer_in:
            answer_in -= 1
            if not answer_in:
                whole(u)
    whole(u)
    assert wanted > 10
    assert (state.book.valid, state.book.bids, state.book.asks) == (True, bids, asks)


def test_twenty_books_against_their_exchange() -> None:
    for symbol in range(20):
        drive(symbol)
