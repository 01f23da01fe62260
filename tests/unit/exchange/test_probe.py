"""Some frames are timed from their receipt until the state has them; the handlers of all others are as they were."""

from collections.abc import Callable
from typing import Any, cast

from virtuoso.exchange.bybit.feeds import Feed
from virtuoso.exchange.bybit.probe import Probe
from virtuoso.model.clock import ManualClock

MS = 1_000_000


class SlowFeed:
    """Takes a frame in so many milliseconds, as its first byte says."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.taken: list[bytes] = []

    def take(self, frame: bytes, received_ns: int) -> None:
        self._clock.advance(frame[0] * MS)
        self.taken.append(frame)


def test_one_frame_of_each_topic_in_turn_is_timed_and_none_is_lost() -> None:
    clock, took = ManualClock(), list[int]()
    feeds = {name: SlowFeed(clock) for name in (b"a", b"b")}
    handlers: dict[bytes, Callable[[bytes, int], None]] = {name: feed.take for name, feed in feeds.items()}
    before = dict(handlers)
    probe = Probe(cast("dict[bytes, Feed]", cast("Any", feeds)), handlers, clock, took.append)

    def come(topic: bytes, ms: int) -> None:
        handlers[topic](bytes([ms]), clock.now_ns())

    come(b"a", 7)
    assert took == [], "it was not armed"
    probe.arm()
    probe.arm()
    probe.arm()  # the first topic has not spoken yet: it is timed once all the same
    come(b"a", 200)
    come(b"b", 3)
    assert took == [200 * MS, 3 * MS]
    assert handlers == before
    come(b"a", 9)
    assert took == [200 * MS, 3 * MS]
    assert [frame[0] for frame in feeds[b"a"].taken] == [7, 200, 9]


def test_a_connection_without_topics_has_nothing_to_time() -> None:
    handlers: dict[bytes, Callable[[bytes, int], None]] = {}
    Probe({}, handlers, ManualClock(), lambda ns: None).arm()
    assert handlers == {}
