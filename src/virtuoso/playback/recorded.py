"""The recorded exchange: a REST interface and a stream that give back what a recording holds."""

from collections import Counter, defaultdict, deque
from collections.abc import Collection, Mapping, Sequence
from typing import TypeVar

import numpy as np

from virtuoso.exchange.bybit import paths
from virtuoso.exchange.bybit.feeds import Feed, feeds_for, topic_of
from virtuoso.exchange.bybit.rest import Rest
from virtuoso.exchange.bybit.told import ToldClock
from virtuoso.exchange.limits import RateBudget
from virtuoso.exchange.offset import ClockOffset
from virtuoso.exchange.protocol import PollStatus
from virtuoso.model.clock import ManualClock
from virtuoso.model.errors import ExchangeUnavailable
from virtuoso.model.feed import FeedStatus, SymbolSink
from virtuoso.model.feed_kind import FeedKind
from virtuoso.recording.records import Answer, Frame

_T = TypeVar("_T")
_Key = tuple[str, str | None, str | None]
_ONCE = {paths.BARS, paths.INSTRUMENTS, paths.TICKERS}
"""What is asked for anew each time it is needed: an older answer is of no use."""
GOOD = 200


def _ignore(_: object) -> None:
    """What is asked for anew, and what is announced, stands in the recording."""


class RecordedRest(Rest):
    """Answers with what was answered then, each once and in order; what was not asked then is unavailable."""

    def __init__(self, clock: ManualClock, rng: np.random.Generator) -> None:
        budget = RateBudget(clock, 1, 1.0, 1)
        super().__init__(url="recording:", budget=budget, clock=clock, rng=rng, on_origin=_ignore)
        self._answers: dict[_Key, deque[Answer]] = defaultdict(deque)
        self.begun = False
        """Whether the start, which asks for all that came before its first frame, is over."""

    def offer(self, answer: Answer) -> None:
        """Keep a good answer for whoever asks; of those that nobody asked for since the start only the latest."""
        if answer.status != GOOD:
            return
        query = answer.query
        kept = self._answers[answer.path, query.get("symbol"), query.get("interval")]
        if self.begun and answer.path in _ONCE:
            kept.clear()
        kept.append(answer)

    def waiting(self, path: str, symbol: str) -> int:
        """How many good answers about a symbol nobody has asked for yet."""
        return len(self._answers[path, symbol, None])

    async def get(
        self, path: str, result: type[_T], *, most_bytes: int = 0, **parameters: str | int | None
    ) -> tuple[_T, int]:
        """The next recorded answer to this question."""
        symbol, interval = parameters.get("symbol"), parameters.get("interval")
        kept = self._answers[path, None if symbol is None else str(symbol), None if interval is None else str(interval)]
        if not kept:
            raise ExchangeUnavailable(f"GET {path}: not in the recording")
        return self._judge(path, kept.popleft().body, {}, result)


class RecordedStream:
    """Implements `exchange.protocol.Stream`: hands recorded frames to the same handlers."""

    def __init__(self, category: str, depth: int, offset: ClockOffset, clock: ManualClock) -> None:
        self.rounds = PollStatus()
        self.unknown_frames = self.frames = 0
        self._category = category
        self._depth = depth
        self._offset = offset
        self._feeds: dict[bytes, Feed] = {}
        self._carrier: dict[bytes, int] = {}
        self._alive_ns: dict[int, int] = {}
        self._told = ToldClock(self._feeds.values, clock)

    def watch(self, sinks: Mapping[str, SymbolSink], detailed: Collection[str] | None = None) -> None:
        """Bind the sinks of these symbols, so that their recorded frames reach them."""
        for symbol, sink in sinks.items():
            own = detailed is None or symbol in detailed
            for feed in feeds_for(symbol, sink, self._category, self._depth, _ignore, detailed=own):
                if feed.topic.encode() not in self._feeds:
                    self._feeds[feed.topic.encode()] = feed

    def forget(self, symbols: Collection[str]) -> None:
        """Take no frames of these symbols until they are watched again."""
        for topic in [topic for topic, feed in self._feeds.items() if feed.symbol in symbols]:
            del self._feeds[topic]

    def agreed_offset_ms(self) -> float | None:
        """Exchange clock less local clock as most of the recorded topics told it lately (ms)."""
        return self._told.agreed_ms()

    async def run(self) -> None:
        """Return at once: there is no connection to keep, for frames come in by `take`."""

    def take(self, frame: Frame) -> None:
        """Hand a recorded frame to the feed of its topic; one that no feed takes is counted."""
        topic = topic_of(frame.payload)
        feed = None if topic is None else self._feeds.get(topic)
        self._alive_ns[frame.connection] = frame.received_ns
        if feed is None or topic is None:
            self.unknown_frames += 1
            return
        self.frames += 1
        feed.acked = True
        self._carrier[topic] = frame.connection
        feed.take(frame.payload, frame.received_ns)

    def closed(self, connection: int) -> None:
        """Let nothing be computed from what hung on this connection."""
        self._alive_ns.pop(connection, None)
        for topic, carrier in self._carrier.items():
            if carrier == connection and (feed := self._feeds.get(topic)) is not None:  # unless it was forgotten
                feed.acked = False
                feed.sink.book_invalid()

    def feeds(self, kind: FeedKind | None = None) -> Sequence[FeedStatus]:
        """Return the state of every topic, or of one kind, judged by the frames of the recording."""
        found = []
        for topic, feed in self._feeds.items():
            if kind not in (None, feed.kind):
                continue
            alive_ns = self._alive_ns.get(self._carrier.get(topic, -1))
            found.append(feed.status(alive_ns is not None, alive_ns, self._offset.ms or 0.0))
        return found

    @property
    def missing(self) -> Mapping[str, int]:
        """How often frames left a field empty."""
        return sum((feed.missing for feed in self._feeds.values() if feed.missing), Counter[str]())
