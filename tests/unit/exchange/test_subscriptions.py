"""A topic that is wanted is asked for until it is granted, whatever the exchange answers."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from virtuoso.exchange.bybit.feeds import Feed, feeds_for
from virtuoso.exchange.bybit.subscriptions import Subscriptions
from virtuoso.exchange.bybit.wire import Reply
from virtuoso.model.clock import ManualClock

S = 1_000_000_000
LOOK_NS = S // 4


class Silent:
    """A sink that takes everything."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


Answer = Callable[[list[str]], Reply | None]


def yes(topics: list[str]) -> Reply | None:
    return Reply(op="subscribe", success=True)


def names(*bad: str) -> Answer:
    """The exchange refuses a request with one of these in it, and says which, in its own words."""

    def answer(topics: list[str]) -> Reply:
        found = next((topic for topic in topics if topic in bad), None)
        return Reply(op="subscribe", success=found is None, ret_msg=f"error:handler not found,topic:{found}")

    return answer


def refuses(said: object, *bad: str) -> Answer:
    """The exchange refuses a request with one of these in it, or any if none is given, and does not say which."""

    def answer(topics: list[str]) -> Reply:
        return Reply(op="subscribe", success=bool(bad) and not set(bad) & set(topics), ret_msg=said)

    return answer


class Lab:
    """One connection's subscriptions before an exchange that answers each request at once, or not at all."""

    def __init__(self, symbols: int = 4, answer: Answer = yes, *, spot: bool = False) -> None:
        self.clock = ManualClock(1_000 * S)
        self.answer = answer
        self.feeds: dict[bytes, Feed] = {}
        self.requests: list[list[str]] = []
        self.denied: list[str] = []
        self._inbox: list[tuple[str, list[str]]] = []
        self.subscriptions = Subscriptions(
            number=0, spot=spot, clock=self.clock, rng=np.random.default_rng(1), feeds=self.feeds, send=self._sent,
            on_denied=lambda feed, said: self.denied.append(feed.topic),
        )  # fmt: skip
        for k in range(symbols):
            for feed in feeds_for(f"S{k}USDT", Silent(), "linear", 50, lambda feed: None):
                self.feeds[feed.topic.encode()] = feed

    def _sent(self, message: dict[str, Any]) -> None:
        if message["op"] == "subscribe":
            self.requests.append(message["args"])
            self._inbox.append((message["req_id"], message["args"]))

    def run(self, seconds: float) -> None:
        """Look as often as a connection does."""
        for _ in range(int(seconds * S) // LOOK_NS):
            self._answer()
            self.clock.advance(LOOK_NS)
            self.subscriptions.check()
        self._answer()

    def _answer(self) -> None:
        while self._inbox:
            req_id, topics = self._inbox.pop(0)
            if (reply := self.answer(topics)) is not None:
                given_id = req_id if reply.req_id is None else reply.req_id
                self.subscriptions.take(Reply(reply.op, reply.success, reply.ret_msg, given_id))

    def missing(self) -> set[str]:
        return {feed.topic for feed in self.feeds.values() if not feed.acked}


def test_all_are_granted_at_once() -> None:
    lab = Lab()
    lab.subscriptions.begin()
    lab.run(0.25)
    assert lab.missing() == set()
    assert lab.subscriptions.settled
    assert len(lab.requests) == 1


@pytest.mark.parametrize("answer", [names("tickers.S2USDT"), refuses("params error", "tickers.S2USDT")])
def test_one_bad_topic_costs_itself_only(answer: Answer) -> None:
    lab = Lab(10, answer)
    lab.subscriptions.begin()
    lab.run(1)
    assert lab.missing() == {"tickers.S2USDT"}
    assert lab.denied == ["tickers.S2USDT"]
    assert len(lab.requests) <= 14
    feed = lab.feeds[b"tickers.S2USDT"]
    assert feed.denied
    assert feed.denied_ns is not None


def test_a_refused_topic_is_asked_for_again_for_ever_and_ever_less_often() -> None:
    lab = Lab(1, names("tickers.S0USDT"))
    lab.subscriptions.begin()
    lab.run(3_600)
    asked = sum("tickers.S0USDT" in topics for topics in lab.requests)
    assert 3_600 / 60 <= asked <= 3_600 / 30 + 10
    assert lab.denied == ["tickers.S0USDT"]  # said once
    lab.answer = yes
    lab.run(61)
    assert lab.missing() == set()
    assert lab.feeds[b"tickers.S0USDT"].denied is None


@pytest.mark.parametrize(
    "answer",
    [
        refuses("error:system busy"), refuses(""), refuses(None), refuses({"why": "no"}), refuses(7),
        refuses("x" * 100_000), lambda topics: names(*topics)(topics), lambda topics: None,
        lambda topics: Reply(op="subscribe", success=True, req_id="another"),
    ],
    ids=["busy", "empty", "null", "object", "number", "long", "named", "nothing", "another's"],
)  # fmt: skip
def test_all_are_refused_for_eight_seconds(answer: Answer) -> None:
    """However it says no, all are back some seconds after, and the requests meanwhile are bounded."""
    lab = Lab(15, answer)
    lab.subscriptions.begin()
    lab.run(8)
    assert len(lab.missing()) == 75
    lab.answer = yes
    assert len(lab.requests) <= 100 + 8 * 10
    lab.run(12)
    assert lab.missing() == set()
    assert all(feed.denied is None for feed in lab.feeds.values())


def test_a_topic_that_speaks_was_granted_whatever_became_of_the_answer() -> None:
    lab = Lab(1, lambda topics: None)
    lab.subscriptions.begin()
    lab.clock.advance(S)
    lab.feeds[b"tickers.S0USDT"].received_ns = lab.clock.now_ns()
    lab.run(10)
    assert "tickers.S0USDT" not in lab.missing()
    assert "publicTrade.S0USDT" in lab.missing()
    lab.feeds[b"publicTrade.S0USDT"].received_ns = lab.clock.now_ns() + 2 * S
    lab.run(0.25)
    assert "publicTrade.S0USDT" not in lab.missing()


def test_a_new_connection_asks_for_the_bad_apart_from_the_good() -> None:
    lab = Lab(4, names("tickers.S2USDT"))
    lab.subscriptions.begin()
    lab.run(1)
    lab.subscriptions.end()
    lab.requests.clear()
    lab.subscriptions.begin()
    assert [len(topics) for topics in lab.requests] == [19, 1]


def test_what_is_no_longer_wanted_is_not_asked_for_again() -> None:
    lab = Lab(2, names("tickers.S1USDT"))
    lab.subscriptions.begin()
    lab.run(1)
    del lab.feeds[b"tickers.S1USDT"]
    lab.subscriptions.forget("tickers.S1USDT")
    lab.requests.clear()
    lab.run(200)
    assert lab.requests == []


def test_spot_takes_ten_topics_a_request() -> None:
    lab = Lab(15, spot=True)
    lab.subscriptions.begin()
    assert {len(topics) for topics in lab.requests} <= {10, 5}
    lab.run(0.25)
    assert lab.missing() == set()


@settings(max_examples=60, deadline=None)
@given(st.sets(st.integers(0, 19), max_size=20), st.booleans(), st.randoms(use_true_random=False))
def test_after_any_weather_exactly_the_bad_are_missing(bad: set[int], named: bool, chance: Any) -> None:
    """Answers lost, delayed, wrong for a while: in the end what is good is granted, and nothing else."""
    lab = Lab(4)
    topics = [feed.topic for feed in lab.feeds.values()]
    wrong = {topics[k] for k in bad}
    steady = names(*wrong) if named else refuses("no", *wrong) if wrong else yes

    def stormy(asked: list[str]) -> Reply | None:
        return chance.choice([steady, refuses("busy"), lambda _: None, names(*asked[-1:])])(asked)

    lab.answer = stormy
    lab.subscriptions.begin()
    lab.run(chance.choice([1, 5, 30]))
    lab.answer = steady
    lab.run(140)
    assert lab.missing() == wrong
    assert {feed.topic for feed in lab.feeds.values() if feed.denied} == wrong
    assert not re.search("None", "".join(lab.denied))
