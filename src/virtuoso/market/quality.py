"""Freshness of a feed, derived from when it last proved itself alive. Never from the last trade."""

from collections.abc import Iterable

from virtuoso.model.feed import FeedStatus
from virtuoso.model.quality import DataQuality, worst_quality

STALE_AFTER_S = 10.0
DELAYED_AFTER_MS = 2_000.0


def feed_quality(feed: FeedStatus, now_ns: int, stale_after_s: float = STALE_AFTER_S) -> DataQuality:
    """Quality of one topic at the local time `now_ns`.

    `unavailable`: it never delivered. `stale`: nothing proved its connection alive for `stale_after_s`. `delayed`:
    its last message came more than 2 s after its event. Else `live`, however quiet the symbol is.
    """
    if feed.received_ns is None:
        return DataQuality.UNAVAILABLE
    if not feed.connected or feed.alive_ns is None or now_ns - feed.alive_ns > stale_after_s * 1e9:
        # A connection that was lost a moment ago is no older than its last frame.
        last = max(feed.alive_ns or 0, feed.received_ns)
        if now_ns - last > stale_after_s * 1e9:
            return DataQuality.STALE
        return DataQuality.LIVE if feed.connected else DataQuality.DELAYED
    if feed.lag_ms is not None and feed.lag_ms > DELAYED_AFTER_MS:
        return DataQuality.DELAYED
    return DataQuality.LIVE


def feeds_quality(feeds: Iterable[FeedStatus], now_ns: int, stale_after_s: float = STALE_AFTER_S) -> DataQuality:
    """Quality of what needs all of `feeds`: the worst; `partial` when only some of them ever delivered."""
    qualities = [feed_quality(feed, now_ns, stale_after_s) for feed in feeds]
    present = [quality for quality in qualities if quality is not DataQuality.UNAVAILABLE]
    if present and len(present) < len(qualities):
        return worst_quality([DataQuality.PARTIAL, *present])
    return worst_quality(present)
