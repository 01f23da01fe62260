"""Keeps one incident while frames are refused: garbled, of an impossible time or price, or of another shape."""

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from virtuoso.alerts.incidents import IncidentLog
from virtuoso.alerts.limits import REFUSED_FEWEST, REFUSED_SHARE, REFUSED_WINDOW_MS
from virtuoso.model.alerts.incident import Details, Severity
from virtuoso.model.feed import FeedStatus

KIND = "refused_frames"
_LASTS_MS = 5_000
_NAMED = 3


@dataclass(frozen=True, slots=True)
class _Sample:
    at_ms: int
    accepted: int
    refused: int
    spoilt: Mapping[str, tuple[int, int]]
    """Accepted and refused frames of each topic of which some were ever refused."""


class RefusedFrames:
    """Judges all topics together, at every look; it is over when there was nothing of it for as long as it took."""

    def __init__(self) -> None:
        self._samples: deque[_Sample] = deque()
        self._since_ms: int | None = None
        self._last_ms = 0

    def observe(self, log: IncidentLog, feeds: Iterable[FeedStatus], now_ms: int) -> None:
        """Judge the counts as they are now (local epoch ms)."""
        feeds = list(feeds)
        samples, total = self._samples, sum(feed.rejected for feed in feeds)
        spoilt = {feed.topic: (feed.messages, feed.rejected) for feed in feeds if feed.rejected}
        samples.append(_Sample(now_ms, sum(feed.messages for feed in feeds), total, spoilt))
        while now_ms - samples[0].at_ms > REFUSED_WINDOW_MS:
            samples.popleft()
        refused, accepted = max(0, total - samples[0].refused), max(0, samples[-1].accepted - samples[0].accepted)
        before = samples[0].spoilt
        # One that was not understood and falls silent is no better for it: only a frame that is understood ends it.
        unreadable = [feed for feed in feeds if feed.unreadable or _is_spoilt(feed, before)]
        if unreadable or _too_many(refused, accepted):
            self._since_ms = now_ms if self._since_ms is None else self._since_ms
            self._last_ms = now_ms
            if refused and now_ms - self._since_ms >= _LASTS_MS:
                self._fire(log, unreadable or [feed for feed in feeds if feed.refusal], refused, accepted, now_ms)
        elif now_ms - self._last_ms >= _LASTS_MS:
            self._since_ms = None
            log.resolve(KIND, now_ms)

    @staticmethod
    def _fire(log: IncidentLog, feeds: list[FeedStatus], refused: int, accepted: int, now_ms: int) -> None:
        feeds.sort(key=lambda feed: feed.refused_ns or 0, reverse=True)
        share = refused / (refused + accepted)
        reasons = Counter(feed.refusal or "" for feed in feeds)
        sample = "; ".join(f"{feed.topic} {feed.refusal}" for feed in feeds[:_NAMED])
        details: Details = {
            "share": round(share, 4), "refused": refused, "accepted": accepted, "topics": len(feeds),
            "reason": reasons.most_common(1)[0][0] if reasons else None, "sample": sample,
        }  # fmt: skip
        text = f"{100 * share:.0f} % of the frames of the last {REFUSED_WINDOW_MS // 1000} s were refused: {sample}"
        log.fire(KIND, Severity.WARNING, text, now_ms, details=details)


def _is_spoilt(feed: FeedStatus, before: Mapping[str, tuple[int, int]]) -> bool:
    accepted, refused = before.get(feed.topic, (0, 0))
    return _too_many(feed.rejected - refused, feed.messages - accepted)


def _too_many(refused: int, accepted: int) -> bool:
    return refused >= REFUSED_FEWEST and refused >= REFUSED_SHARE * (refused + accepted)
