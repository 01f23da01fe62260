"""Times a frame now and then, from its receipt until the state has it; all other frames pay nothing for that."""

from collections.abc import Callable, Mapping

from virtuoso.exchange.bybit.feeds import Feed
from virtuoso.model.clock import Clock


class Probe:
    """Exchanges the handler of one topic after the other for one that looks at the clock behind it, for one frame.

    Args:
        feeds: the topics of one connection.
        handlers: what its listener calls, by topic.
        clock: that of the receive times.
        on_taken: told how long a frame took (ns).
    """

    def __init__(
        self,
        feeds: Mapping[bytes, Feed],
        handlers: dict[bytes, Callable[[bytes, int], None]],
        clock: Clock,
        on_taken: Callable[[int], None],
    ) -> None:
        self._feeds, self._handlers = feeds, handlers
        self._clock, self._on_taken = clock, on_taken
        self._turn = 0

    def arm(self) -> None:
        """Time the next frame of the topic whose turn it is."""
        topics = tuple(self._feeds)
        if not topics:
            return
        self._turn = (self._turn + 1) % len(topics)
        topic = topics[self._turn]
        take = self._feeds[topic].take

        def timed(frame: bytes, received_ns: int) -> None:
            self._handlers[topic] = take
            take(frame, received_ns)
            self._on_taken(self._clock.now_ns() - received_ns)

        self._handlers[topic] = timed
