"""Freshness of a feed, derived from when it last proved itself alive. Never from the last trade."""

from collections.abc import Iterable

from virtuoso.model.feed import FeedStatus
from virtuoso.model.feed_kind import BEGINS_WHOLE, MAY_BE_SILENT, FeedKind
from virtuoso.model.quality import DataQuality, worst_quality

STALE_AFTER_S = 10.0
DELAYED_AFTER_MS = 2_000.0
POLLED_SLACK_S = 2.0


def feed_quality(feed: FeedStatus, now_ns: int, stale_after_s: float = STALE_AFTER_S) -> DataQuality:
    """Quality of one topic at the local time `now_ns`.

    `unavailable`: it was never acknowledged nor delivered, or it is a ticker or a book, which begin with a snapshot,
    and none came. `stale`: nothing proved its connection alive for `stale_after_s`, or other topics prove that it is
    mute, or its messages come that much later than their events; a polled one after two intervals and 2 s. `delayed`:
    its connection is down for less than that, or its last message came more than 2 s after its event, or before it.
    Else `live`, however quiet the symbol is. One whose last frame was refused is not quiet: it is as old as the last
    accepted one.
    """
    if feed.polled_s is not None:
        return polled_quality(feed.received_ns, now_ns, 2 * feed.polled_s + POLLED_SLACK_S)
    known = (feed.received_ns or 0) if feed.refused_in_row else max(feed.alive_ns or 0, feed.received_ns or 0)
    owes = not feed.acked or feed.kind in BEGINS_WHOLE
    if known == 0 or (feed.received_ns is None and owes):
        return DataQuality.UNAVAILABLE
    lag_ms = _lag_ms(feed, now_ns, stale_after_s)
    if feed.mute or now_ns - known > stale_after_s * 1e9 or lag_ms > stale_after_s * 1e3:
        return DataQuality.STALE
    if not feed.connected or lag_ms > DELAYED_AFTER_MS:
        return DataQuality.DELAYED
    return DataQuality.LIVE


def _lag_ms(feed: FeedStatus, now_ns: int, stale_after_s: float) -> float:
    """How late its last message was, or how early; one from long ago says nothing of now."""
    if feed.lag_ms is None or feed.received_ns is None or now_ns - feed.received_ns > stale_after_s * 1e9:
        return 0.0
    return abs(feed.lag_ms)


def polled_quality(fetched_ns: int | None, now_ns: int, stale_after_s: float = STALE_AFTER_S) -> DataQuality:
    """Quality of what was asked for at `fetched_ns` and is not streamed (yet)."""
    if fetched_ns is None:
        return DataQuality.UNAVAILABLE
    return DataQuality.LIVE if now_ns - fetched_ns <= stale_after_s * 1e9 else DataQuality.STALE


def speaks(kind: FeedKind) -> bool:
    """Whether a feed that is live has said something; some are live by their acknowledgement alone."""
    return kind not in MAY_BE_SILENT


def joined_quality(qualities: Iterable[DataQuality]) -> DataQuality:
    """Quality of what needs all of them: the worst; `partial` at best when only some were ever there."""
    every = list(qualities)
    present = [quality for quality in every if quality is not DataQuality.UNAVAILABLE]
    if present and len(present) < len(every):
        return worst_quality([DataQuality.PARTIAL, *present])
    return worst_quality(present)
