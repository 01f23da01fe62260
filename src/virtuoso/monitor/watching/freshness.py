"""Qualities of each symbol's inputs, from the state of its feeds."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping

from virtuoso.market.quality import feed_quality, polled_quality
from virtuoso.market.state import Qualities
from virtuoso.model.evidence import Evidence
from virtuoso.model.feed import FeedStatus
from virtuoso.model.feed_kind import FeedKind
from virtuoso.model.quality import DataQuality, worst_quality
from virtuoso.monitor.containment import Contained, each

_QUALITY = "judging how fresh it is"
_BOOK = "judging how fresh its book is"
_UNKNOWN = Qualities(*4 * (DataQuality.UNAVAILABLE,))
"""Of a symbol whose feeds or evidence cannot be judged: nothing of it may be called fresh."""


def symbol_qualities(
    symbols: Iterable[str],
    detailed: Collection[str],
    feeds: Iterable[FeedStatus],
    fetched_ns: Mapping[str, int],
    now_ns: int,
    stale_after_s: float,
    evidence: Callable[[str], Evidence],
    contained: Contained,
    closed_ns: int = 1 << 62,
) -> dict[str, Qualities]:
    """Quality of bars, book and tape of each symbol at `now_ns`, and what `evidence` says that it can have at all.

    Until its stream delivers, a symbol's trades and ticker are as fresh as the request that fetched them; so are its
    bars, but for those that were fetched since the last close (`closed_ns`), after which there are none newer. One
    that raises is unavailable.
    """
    by_symbol: dict[str, list[FeedStatus]] = defaultdict(list)
    for feed in feeds:
        by_symbol[feed.symbol].append(feed)

    def qualities(symbol: str) -> Qualities:
        streamed = {f.kind: feed_quality(f, now_ns, stale_after_s) for f in by_symbol.get(symbol, ())}
        asked_ns = fetched_ns.get(symbol)
        polled = polled_quality(asked_ns, now_ns, stale_after_s)
        bars = polled if asked_ns is None or asked_ns < closed_ns else DataQuality.LIVE
        return Qualities(
            bars=_streamed_or(bars, streamed.get(FeedKind.BAR)),
            book=streamed.get(FeedKind.BOOK, DataQuality.UNAVAILABLE),
            tape=_streamed_or(polled, streamed.get(FeedKind.TRADE)) if symbol in detailed else DataQuality.UNAVAILABLE,
            detailed=symbol in detailed,
            ticker=_streamed_or(polled, streamed.get(FeedKind.TICKER)),
            evidence=evidence(symbol),
        )

    watched = list(symbols)
    found = each(contained, _QUALITY, watched, qualities)
    return {symbol: found.get(symbol, _UNKNOWN) for symbol in watched}


def book_qualities(
    feeds: Iterable[FeedStatus], now_ns: int, stale_after_s: float, contained: Contained
) -> Mapping[str, DataQuality]:
    """Quality of each book at `now_ns`, from the state of its feed; one that cannot be judged has none."""
    books = {feed.symbol: feed for feed in feeds if feed.kind is FeedKind.BOOK}
    return each(contained, _BOOK, books, lambda symbol: feed_quality(books[symbol], now_ns, stale_after_s))


def _streamed_or(polled: DataQuality, streamed: DataQuality | None) -> DataQuality:
    return polled if streamed in (None, DataQuality.UNAVAILABLE) else streamed


def overall(qualities: Iterable[Qualities]) -> DataQuality:
    """Quality of everything watched: the worst of any."""
    return worst_quality(quality.joined for quality in qualities)
