"""Which topics of a symbol are mute: judged by what its other topics prove, never by silence alone."""

from collections.abc import Iterable
from dataclasses import dataclass

from virtuoso.exchange.bybit.feeds import BarFeed, BookFeed, Feed, TickerFeed, TradeFeed

_SLACK_NS = 2_000_000_000
"""What is proved this soon after a topic's last frame, that frame may have told."""
_PATIENCE_NS = 6_000_000_000
"""How long a topic may leave unsaid what another has proved."""


@dataclass(slots=True)
class _Suspicion:
    since_ns: int | None = None
    steps: int = 0


class Liveness:
    """One symbol's. A move of the touch must be in the book, a trade on the tape, in the ticker and in the bar.

    `allLiquidation` can be judged by its ack alone.
    """

    def __init__(self, feeds: Iterable[Feed]) -> None:
        by_kind = {type(feed): feed for feed in feeds}
        self._ticker, self._trades = by_kind.get(TickerFeed), by_kind.get(TradeFeed)
        self._judged = [by_kind[kind] for kind in (BookFeed, TradeFeed, TickerFeed, BarFeed) if kind in by_kind]
        self._suspicions = {feed.topic: _Suspicion() for feed in self._judged}

    def check(self, now_ns: int) -> list[tuple[Feed, int]]:
        """Topics found mute at `now_ns` since the last call, each with how often in a row; sets `Feed.mute`."""
        found = []
        for feed in self._judged:
            suspicion = self._suspicions[feed.topic]
            spoke_ns = max(feed.received_ns or 0, feed.refused_ns or 0)
            if not feed.acked:
                suspicion.since_ns = None
            elif suspicion.since_ns is None:
                since_ns = max(spoke_ns, feed.acked_ns or 0)  # what was proved before an ack is history
                proved_ns = self._proved_ns(feed)
                if proved_ns is not None and proved_ns > since_ns + _SLACK_NS:
                    suspicion.since_ns = proved_ns
            elif spoke_ns >= suspicion.since_ns:
                suspicion.since_ns, suspicion.steps, feed.mute = None, 0, False
            if suspicion.since_ns is not None and now_ns - suspicion.since_ns > _PATIENCE_NS:
                suspicion.since_ns = now_ns
                suspicion.steps += 1
                feed.mute = True
                found.append((feed, suspicion.steps))
        return found

    def _proved_ns(self, feed: Feed) -> int | None:
        """When another topic last proved that this one has something to say (receive time)."""
        if isinstance(feed, TickerFeed | BarFeed):
            return None if self._trades is None else self._trades.received_ns
        if not isinstance(self._ticker, TickerFeed):
            return None
        return self._ticker.touched_ns if isinstance(feed, BookFeed) else self._ticker.traded_ns
