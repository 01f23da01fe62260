"""What one connection asks the exchange for: a topic that is wanted is asked for again, for ever, until it is granted.

One bad topic spoils the whole request that names it: the exchange says which it was, or the request is halved until it
is found. Times in monotonic seconds.
"""

import re
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from virtuoso.exchange.bybit.feeds import Feed
from virtuoso.exchange.bybit.wire import Reply
from virtuoso.exchange.supervise import Backoff
from virtuoso.model.clock import Clock

ANSWER_S = 10.0
"""How long a request may stay unanswered."""
AGAIN_FIRST_S, AGAIN_CAP_S = 1.0, 60.0
_CHARS = 2_000
_SPOT_ARGS = 10
_BURST, _PER_S = 100, 10.0
"""Requests at once, and each second after that: halving a large request must not become a flood."""
_SPLIT = re.compile(r"[\s,:;'\"\[\](){}]+")
_SAID_CHARS = 200
_LATE_NS = 1_000_000_000
"""What comes this soon after a request may still be of the one before it."""


@dataclass(slots=True)
class _Request:
    topics: list[str]
    asked_ns: int
    due_s: float


@dataclass(slots=True)
class _Denial:
    """`again_s` is `None` while the topic is being asked for."""

    backoff: Backoff
    again_s: float | None = None


class Subscriptions:
    """The requests of one connection. `send` puts a message on the wire, `on_denied` hears of each topic's first no."""

    def __init__(
        self,
        *,
        number: int,
        spot: bool,
        clock: Clock,
        rng: np.random.Generator,
        feeds: dict[bytes, Feed],
        send: Callable[[dict[str, Any]], None],
        on_denied: Callable[[Feed, str], None],
    ) -> None:
        self._number = number
        self._spot = spot
        self._clock = clock
        self._rng = rng
        self._feeds = feeds
        self._send = send
        self._on_denied = on_denied
        self._count = 0
        self._pending: dict[str, _Request] = {}
        self._waiting: deque[list[str]] = deque()
        self._denials: dict[str, _Denial] = {}
        self._tokens, self._filled_s = float(_BURST), self._now_s()

    @property
    def settled(self) -> bool:
        """Whether everything asked for was answered, with yes or no."""
        return not self._pending and not self._waiting

    def begin(self) -> None:
        """Ask for everything on a connection that is open, and apart from it for what was denied before."""
        self.end()
        topics = [feed.topic for feed in self._feeds.values()]
        for denial in self._denials.values():
            denial.again_s = None
        self.ask([topic for topic in topics if topic not in self._denials])
        self.ask([topic for topic in topics if topic in self._denials])

    def end(self) -> None:
        """Forget whatever was asked on a connection that is gone."""
        self._pending.clear()
        self._waiting.clear()
        self._tokens, self._filled_s = float(_BURST), self._now_s()

    def ask(self, topics: Iterable[str]) -> None:
        """Subscribe to topics, as few requests as can be."""
        waiting = {topic for batch in self._waiting for topic in batch}
        self._waiting += self._batches(topic for topic in topics if topic not in waiting)
        self._flush()

    def leave(self, topics: Iterable[str]) -> None:
        """Unsubscribe; the answer says nothing of use."""
        for batch in self._batches(topics):
            self._send({"req_id": self._next_id(), "op": "unsubscribe", "args": batch})

    def _batches(self, topics: Iterable[str]) -> list[list[str]]:
        """Topics as one request may hold them."""
        batches: list[list[str]] = []
        for topic in topics:
            batch = batches[-1] if batches else []
            full = sum(map(len, batch)) + len(topic) > _CHARS or (self._spot and len(batch) == _SPOT_ARGS)
            if not batch or full:
                batches.append(batch := [])
            batch.append(topic)
        return batches

    def forget(self, topic: str) -> None:
        """Forget the denials of a topic that is not asked for any more."""
        self._denials.pop(topic, None)

    def take(self, reply: Reply) -> bool:
        """An answer came; whether it answers a request of ours."""
        request = self._pending.pop(str(reply.req_id), None)
        if request is None:
            return False
        topics = self._carried(request.topics)
        if reply.success:
            self._grant(topics)
            return True
        text = str(reply.ret_msg or "refused without a word")[:_CHARS]
        words = {word.rstrip(".") for word in _SPLIT.split(text)}
        named = [topic for topic in topics if topic in words]
        if named or len(topics) == 1:
            denied = named or topics
            self._deny(denied, text[:_SAID_CHARS])
            self.ask([topic for topic in topics if topic not in denied])
        else:
            half = (len(topics) + 1) // 2
            self.ask(topics[:half])
            self.ask(topics[half:])
        return True

    def check(self) -> None:
        """Time has passed: give up what is not answered, ask again for what was denied."""
        now_s = self._now_s()
        for req_id in [req_id for req_id, request in self._pending.items() if now_s > request.due_s]:
            request = self._pending.pop(req_id)
            topics = self._carried(request.topics)
            speaking = [t for t in topics if (self._feeds[t.encode()].received_ns or 0) > request.asked_ns]
            self._grant(speaking)  # a topic that speaks was granted, whatever became of the answer
            self._deny([t for t in topics if t not in speaking], f"no answer within {ANSWER_S:g} s")
        self._grant([topic for topic in self._carried(self._denials) if self._speaks(topic)])
        again = [topic for topic, d in self._denials.items() if d.again_s is not None and d.again_s <= now_s]
        for topic in again:
            self._denials[topic].again_s = None
        self.ask(again)

    def _speaks(self, topic: str) -> bool:
        """Whether a topic that was denied is heard all the same, as one that was subscribed to twice is."""
        feed = self._feeds[topic.encode()]
        return (feed.received_ns or 0) > (feed.asked_ns or 0) + _LATE_NS

    def _carried(self, topics: Iterable[str]) -> list[str]:
        return [topic for topic in topics if topic.encode() in self._feeds]

    def _grant(self, topics: Sequence[str]) -> None:
        cleared = False
        for topic in topics:
            feed = self._feeds[topic.encode()]
            feed.acked, feed.acked_ns = True, self._clock.now_ns()
            feed.denied = feed.denied_ns = None
            cleared |= self._denials.pop(topic, None) is not None
        if cleared:  # what was refused together may be granted together
            for denial in self._denials.values():
                if denial.again_s is not None:
                    denial.again_s = self._now_s()

    def _deny(self, topics: Sequence[str], said: str) -> None:
        for topic in topics:
            feed = self._feeds[topic.encode()]
            feed.acked = False
            feed.denied = said
            denial = self._denials.get(topic)
            if denial is None:
                denial = self._denials[topic] = _Denial(Backoff(self._rng, AGAIN_FIRST_S, AGAIN_CAP_S))
                feed.denied_ns = self._clock.now_ns()
                self._on_denied(feed, said)
            denial.again_s = self._now_s() + denial.backoff.next_s()

    def _flush(self) -> None:
        now_s = self._now_s()
        self._tokens = min(float(_BURST), self._tokens + (now_s - self._filled_s) * _PER_S)
        self._filled_s = now_s
        while self._waiting and self._tokens >= 1:
            topics = self._carried(self._waiting.popleft())
            if topics:
                self._tokens -= 1
                self._subscribe(topics, now_s)

    def _subscribe(self, topics: list[str], now_s: float) -> None:
        asked_ns = self._clock.now_ns()
        for topic in topics:
            self._feeds[topic.encode()].asked_ns = asked_ns
        req_id = self._next_id()
        self._pending[req_id] = _Request(topics, asked_ns, now_s + ANSWER_S)
        self._send({"req_id": req_id, "op": "subscribe", "args": topics})

    def _next_id(self) -> str:
        self._count += 1
        return f"{self._number}-{self._count}"

    def _now_s(self) -> float:
        return self._clock.monotonic_ns() / 1e9
