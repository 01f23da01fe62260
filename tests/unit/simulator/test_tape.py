"""The synthesised tape is as lively as the real one: compared with the messages of the real capture."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.support.capture import frames

from virtuoso.simulator.history import open_history
from virtuoso.simulator.history.dataset import VOLUME, load
from virtuoso.simulator.history.timeline import MINUTE_MS
from virtuoso.simulator.history.trades import TradeTape

START_MS = 1_795_463_400_000
MINUTES = 20
SYMBOLS = ("BTCUSDT", "SOLUSDT", "XMRUSDT")

Messages = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def real() -> Messages:
    found: Messages = defaultdict(list)
    for category, frame, _ in frames():
        message = msgspec.json.decode(frame)
        if category == "linear" and message.get("topic", "").startswith("publicTrade."):
            found[message["topic"]].append(message)
    return found


@pytest.fixture(scope="module")
def ours() -> Messages:
    source = open_history(1, START_MS)
    found: Messages = defaultdict(list)
    wanted = [("linear", f"publicTrade.{symbol}") for symbol in SYMBOLS]
    for push in source.advance(START_MS + MINUTES * MINUTE_MS, wanted):
        found[push.topic].append(msgspec.json.decode(push.payload))
    return found


def sizes(topics: Iterable[list[dict[str, Any]]]) -> list[int]:
    return [len(message["data"]) for messages in topics for message in messages]


def test_messages_come_as_often_as_real_ones(real: Messages, ours: Messages) -> None:
    """The real ones were 12 (ETH) to 57 (SOL) in 42 s."""
    often = [len(messages) / 42 for messages in real.values()]
    for topic, messages in ours.items():
        assert min(often) / 1.5 < len(messages) / (60 * MINUTES) < max(often) * 1.5, topic


def test_a_message_is_one_order_that_met_as_many_makers_as_real_ones(real: Messages, ours: Messages) -> None:
    theirs, made = np.array(sizes(real.values())), np.array(sizes(ours.values()))
    assert abs((made == 1).mean() - (theirs == 1).mean()) < 0.15
    assert 0.6 < made.mean() / theirs.mean() < 1.5
    assert made.max() > 10
    for message in [message for messages in ours.values() for message in messages]:
        assert len({(row["T"], row["S"]) for row in message["data"]}) == 1
        assert len({row["i"] for row in message["data"]}) == len(message["data"])


def test_gaps_between_messages_are_clustered_like_real_ones(real: Messages, ours: Messages) -> None:
    """Their standard deviation is above their mean, which it would equal if messages came independently."""

    def spread(messages: list[dict[str, Any]]) -> float:
        gaps = np.diff([message["ts"] for message in messages])
        return float(gaps.std() / gaps.mean())

    assert all(spread(messages) > 1.1 for messages in (*real.values(), *ours.values()))


def test_prices_move(ours: Messages) -> None:
    """Nearly every half minute of BTC has a third price."""
    prices = defaultdict(set)
    for message in ours["publicTrade.BTCUSDT"]:
        prices[message["ts"] // 30_000].update(row["p"] for row in message["data"])
    assert np.mean([len(seen) >= 3 for seen in prices.values()]) > 0.95


def test_a_quiet_minute_has_fewer_trades_than_a_busy_one() -> None:
    recorded = load().symbols["BTCUSDT"]
    tape = TradeTape(recorded, 1)
    by_volume = np.argsort(recorded.fine[:, VOLUME], kind="stable")
    quiet, usual, busy = (
        np.mean([len(tape.minute(int(index), False)) for index in by_volume[at : at + 50]])
        for at in (100, len(by_volume) // 2, len(by_volume) - 150)
    )
    assert quiet * 1.5 < usual < busy / 2
