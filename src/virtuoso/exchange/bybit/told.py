"""The exchange's time as the frames of a stream tell it, whether they were believed or not."""

from collections.abc import Callable, Iterable
from statistics import median, median_low

from virtuoso.exchange.bybit.feeds import Feed
from virtuoso.model.clock import Clock

_HEARD_NS = 10_000_000_000
_LATELY_NS = 4_000_000_000
"""Longer than the beacon is silent: whoever speaks at all has spoken since."""
_AGAIN_NS = 250_000_000
_FEWEST = 2
"""One topic alone has nobody to agree with."""


class ToldClock:
    """Exchange clock less local clock (ms), by the latest frame of each of a stream's topics."""

    def __init__(self, feeds: Callable[[], Iterable[Feed]], clock: Clock) -> None:
        self._feeds = feeds
        self._clock = clock
        self._agreed_ms: float | None = None
        self._again_ns = 0

    def offset_ms(self) -> float | None:
        """The median of all topics heard of in the last 10 s; `None` if none was."""
        told = self._told(_HEARD_NS)
        return median(told) if told else None

    def agreed_ms(self) -> float | None:
        """What more than half of the topics heard of in the last 4 s tell, or more; `None` if fewer than two were.

        It is the lower median, found anew four times a second: no single topic can make it larger.
        """
        now_ns = self._clock.now_ns()
        if now_ns >= self._again_ns:
            told = self._told(_LATELY_NS)
            self._agreed_ms = median_low(told) if len(told) >= _FEWEST else None
            self._again_ns = now_ns + _AGAIN_NS
        return self._agreed_ms

    def _told(self, lately_ns: int) -> list[float]:
        since_ns = self._clock.now_ns() - lately_ns
        return [ms for feed in self._feeds() if (ms := feed.told_offset_ms(since_ns)) is not None]
