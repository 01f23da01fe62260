"""Which topics of a symbol are mute: judged by what is due and by what others prove, never by silence alone."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from virtuoso.exchange.bybit.feeds import BarFeed, BookFeed, Feed, LiquidationFeed, TickerFeed, TradeFeed
from virtuoso.model.feed import UNREADABLE
from virtuoso.model.market import TickerUpdate

_SLACK_NS, _SLACK_MS = 2_000_000_000, 2_000
"""What is proved this soon after a topic's last frame, that frame may have told: by receive time, or by the exchange's,
as of two frames about one trade one may be held up."""
_LIST_SLACK_NS = 3_000_000_000
"""A list that was asked for may be so much older than its answer."""
_PATIENCE_NS = 6_000_000_000
"""How long a topic may leave unsaid what another has proved."""
_IN_FLIGHT_NS = 2_000_000_000
"""How long after a proof is known a topic's own frame may be under way: a list proves what is seconds old."""
_SNAPSHOT_NS = 10_000_000_000
"""How long after its acknowledgement a ticker or a book may owe its snapshot."""

_FORGIVEN_NS = 10_000_000_000
"""What speaks once in hours makes its refused frames good by sending no more of them for so long."""


@dataclass(slots=True)
class _Suspicion:
    since_ns: int | None = None
    steps: int = 0


@dataclass(frozen=True, slots=True)
class _Listed:
    """A symbol's item in a list of all tickers, asked for at `asked_ns`."""

    asked_ns: int
    last: Any
    turnover: Any
    bid: Any
    ask: Any


class Liveness:
    """One symbol's. Only frames that were accepted count as spoken.

    A ticker and a book owe a snapshot after their acknowledgement. A move of the touch must be in the book, a trade on
    the tape, in the ticker and in the bar, whoever tells of it: another topic, or two lists of tickers that differ.
    Three refused frames in a row are as mute as none. `allLiquidation` can be judged by its ack alone.
    """

    def __init__(self, feeds: Iterable[Feed]) -> None:
        by_kind = {type(feed): feed for feed in feeds}
        self._ticker, self._trades = by_kind.get(TickerFeed), by_kind.get(TradeFeed)
        self._judged = [by_kind[kind] for kind in (BookFeed, TradeFeed, TickerFeed, BarFeed) if kind in by_kind]
        self._rare = by_kind.get(LiquidationFeed)
        self._leaders = [feed for feed in self._judged if isinstance(feed, TickerFeed | BookFeed)]
        self._suspicions = {feed.topic: _Suspicion() for feed in self._judged}
        self._listed: _Listed | None = None
        self._listed_trade_ns = self._listed_touch_ns = 0

    def check(self, now_ns: int) -> list[tuple[Feed, int]]:
        """Topics found mute at `now_ns` since the last call, each with how often in a row; sets `Feed.mute`."""
        found = []
        if self._rare is not None and now_ns - (self._rare.refused_ns or 0) > _FORGIVEN_NS:
            self._rare.refused_in_row = 0
        for feed in self._judged:
            suspicion = self._suspicions[feed.topic]
            spoke_ns = feed.received_ns or 0  # a refused frame says nothing
            if suspicion.since_ns is not None and spoke_ns >= suspicion.since_ns:
                suspicion.since_ns, suspicion.steps, feed.mute = None, 0, False
            elif not feed.acked:  # one that is moved meanwhile is mute until it speaks, and has time to
                suspicion.since_ns = now_ns if feed.mute else None
            elif suspicion.since_ns is None or (suspicion.since_ns < _acked_ns(feed) and not feed.mute):
                suspicion.since_ns = self._wanting_ns(feed, spoke_ns, now_ns)
            if suspicion.since_ns is not None and now_ns - suspicion.since_ns > _PATIENCE_NS:
                suspicion.since_ns = now_ns
                suspicion.steps += 1
                feed.mute = True
                found.append((feed, suspicion.steps))
        return found

    def vouches(self, feed: Feed) -> bool:
        """Whether a topic, while it is silent, may be taken for as alive as its connection.

        A ticker and a book may once they have spoken; trades and bars as long as one of those does; all that are
        acknowledged and not refused frame by frame.
        """
        if not feed.acked or _unreadable(feed):
            return False
        if isinstance(feed, LiquidationFeed):
            return True
        return any(
            leader.acked and not leader.mute and _spoke(leader) and not _unreadable(leader)
            for leader in ([feed] if feed in self._leaders else self._leaders)
        )

    def listed(self, item: TickerUpdate, asked_ns: int) -> None:
        """Take tickers that were asked for at `asked_ns`: what changed since the last ones happened after that."""
        now, before = _Listed(asked_ns, item.last, item.turnover_24h, item.bid, item.ask), self._listed
        self._listed = now
        if before is None:
            return
        after_ns = before.asked_ns - _LIST_SLACK_NS
        grown = _known(now.turnover, before.turnover) and now.turnover > before.turnover  # it shrinks without a trade
        if grown or _moved(now.last, before.last):
            self._listed_trade_ns = after_ns
        if _moved(now.bid, before.bid) or _moved(now.ask, before.ask):
            self._listed_touch_ns = after_ns

    def _wanting_ns(self, feed: Feed, spoke_ns: int, now_ns: int) -> int | None:
        """Since when a topic leaves something unsaid (receive time); `None`: it does not, as far as is known."""
        acked_ns = _acked_ns(feed)
        if feed in self._leaders and not _spoke(feed):
            owing_ns = acked_ns + _SNAPSHOT_NS - _PATIENCE_NS
            return owing_ns if now_ns >= owing_ns else None
        since_ns = max(spoke_ns, acked_ns)  # what was proved before an ack is history
        proved_ns = self._proved_ns(feed)
        if proved_ns <= since_ns + _SLACK_NS:
            return None
        return max(proved_ns, now_ns - _PATIENCE_NS + _IN_FLIGHT_NS)

    def _proved_ns(self, feed: Feed) -> int:
        """When something last proved that a topic has something to say (receive time); 0 = never."""
        unread_ns = feed.refused_ns or 0 if _unreadable(feed) else 0
        traded_ns = self._listed_trade_ns
        if isinstance(feed, TickerFeed | BarFeed):
            trades = self._trades
            told_ns = 0 if trades is None else _since(feed, trades.received_ns, trades.event_ms)
            return max(unread_ns, traded_ns, told_ns)
        if not isinstance(self._ticker, TickerFeed):
            return unread_ns
        if isinstance(feed, BookFeed):
            return max(unread_ns, self._listed_touch_ns, _since(feed, self._ticker.touched_ns, self._ticker.touched_ms))
        return max(unread_ns, traded_ns, _since(feed, self._ticker.traded_ns, self._ticker.traded_ms))


def _since(feed: Feed, proved_ns: int | None, proved_ms: int | None) -> int:
    """When something was proved (receive time), if the feed's last frame cannot have told it; else 0."""
    if proved_ns is None:
        return 0
    told = proved_ms is not None and feed.event_ms is not None and 0 <= proved_ms - feed.event_ms <= _SLACK_MS
    return 0 if told else proved_ns


def _unreadable(feed: Feed) -> bool:
    """Whether it has something to say that is not understood."""
    return feed.refused_in_row >= UNREADABLE


def _acked_ns(feed: Feed) -> int:
    """Since when it owes anything: asked again, it owes anew, also where nobody looked while the line was down."""
    return max(feed.acked_ns or 0, feed.asked_ns or 0)


def _spoke(feed: Feed) -> bool:
    """Whether it said anything since it was last subscribed to: the snapshot may come before the acknowledgement."""
    return feed.received_ns is not None and feed.received_ns >= (feed.asked_ns or 0)


def _known(*values: Any) -> bool:
    return all(isinstance(value, float) for value in values)


def _moved(now: Any, before: Any) -> bool:
    """Whether a number changed, where both are known."""
    return _known(now, before) and now != before
