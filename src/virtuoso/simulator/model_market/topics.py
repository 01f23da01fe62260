"""The topics of one symbol as feeds: which frames each has between two exchange times, and when the next may come.

Frames are written by hand, with the keys, order, decimals and padding of the real capture's: encoding a dictionary for
each would cost several times as much.
"""

from typing import Protocol

from virtuoso.simulator.model_market.book import BookModel, Level
from virtuoso.simulator.model_market.market import ModelMarket
from virtuoso.simulator.model_market.ticker import NAMES, TickerModel, Values

Frames = list[tuple[int, bytes]]
_FIRST_UPDATE, _FIRST_SEQ = 1_000, 1_000_000
_REPUSH_MS = 3_000
_NAMED = tuple(f'"{name}":"' for name in NAMES)


class Feed(Protocol):
    """One topic. `due_ms` is a time before which no frame is due; it may be early, never late."""

    due_ms: int

    def frames(self, after_ms: int, upto_ms: int) -> Frames:
        """Frames due in (after_ms, upto_ms] as (due ms, payload), a function of the two times; sets `due_ms`."""
        ...

    def snapshot(self, at_ms: int) -> bytes | None:
        """The first frame of a new subscription."""
        ...


class Sequence:
    """Update ids and cross sequences: they count looks from the first day's beginning."""

    def __init__(self, book: BookModel, first_ms: int) -> None:
        self._book = book
        self._first_ms = first_ms
        self._first_tick = book.look_at(first_ms, 1)

    def update_id(self, look: int, depth: int) -> int:
        """`u` of a book of a depth at a look."""
        return _FIRST_UPDATE + look - self._book.look_at(self._first_ms, depth)

    def seq(self, at_ms: int) -> int:
        """Cross sequence at a time; all that happens in one tick has the same."""
        return _FIRST_SEQ + (self._book.look_at(at_ms, 1) - self._first_tick) * 8


class BookFeed:
    """`orderbook.50`, `.200` and `.1000`: a delta at every look."""

    def __init__(self, market: ModelMarket, book: BookModel, sequence: Sequence, depth: int) -> None:
        self.due_ms = 0
        self._market, self._book, self._sequence, self._depth = market, book, sequence, depth
        self._topic = f'{{"topic":"orderbook.{depth}.{market.listed.symbol}","type":"'

    def frames(self, after_ms: int, upto_ms: int) -> Frames:
        """Return one delta for every look in (after_ms, upto_ms]; sets `due_ms` to the next look."""
        book, depth = self._book, self._depth
        last = book.look_at(upto_ms, depth)
        self.due_ms = book.time_of(last + 1, depth)
        found: Frames = []
        for look in range(book.look_at(after_ms, depth) + 1, last + 1):
            block, index = book.at(look, depth)
            bids, asks = block.changes
            found.append((book.time_of(look, depth), self._frame(look, "delta", bids[index], asks[index])))
        return found

    def snapshot(self, at_ms: int) -> bytes | None:
        """The book as of the latest look."""
        look = self._book.look_at(at_ms, self._depth)
        block, index = self._book.at(look, self._depth)
        return self._frame(look, "snapshot", block.side(index, 0), block.side(index, 1))

    def _frame(self, look: int, kind: str, bids: list[Level], asks: list[Level]) -> bytes:
        at_ms = self._book.time_of(look, self._depth)
        return (
            f'{self._topic}{kind}","ts":{at_ms + 1},"data":{{"s":"{self._market.listed.symbol}",'
            f'"b":[{_levels(self._market, bids)}],"a":[{_levels(self._market, asks)}],'
            f'"u":{self._sequence.update_id(look, self._depth)},"seq":{self._sequence.seq(at_ms)}}},"cts":{at_ms}}}'
        ).encode()


def _levels(market: ModelMarket, levels: list[Level]) -> str:
    texts, size = market.texts, market.units.size
    return ",".join([f'["{texts[price]}","{size(lots)}"]' for price, lots in levels])


class TouchFeed:
    """`orderbook.1`: a snapshot when the touch changes, and again after 3 s without change, with the same `u`."""

    def __init__(self, market: ModelMarket, book: BookModel, sequence: Sequence) -> None:
        self.due_ms = 0
        self._market, self._book, self._sequence = market, book, sequence

    def frames(self, after_ms: int, upto_ms: int) -> Frames:
        """Looks at which it changed or has been as it is for a multiple of 3 s."""
        book = self._book
        last = book.look_at(upto_ms, 1)
        self.due_ms = book.time_of(last + 1, 1)
        every = _REPUSH_MS // book.tick_ms
        looks = range(book.look_at(after_ms, 1) + 1, last + 1)
        return [
            (book.time_of(look, 1), self._frame(look, unchanged))
            for look in looks
            if (unchanged := self._unchanged(look)) % every == 0
        ]

    def snapshot(self, at_ms: int) -> bytes | None:
        """The touch as of the latest look."""
        look = self._book.look_at(at_ms, 1)
        return self._frame(look, self._unchanged(look))

    def _unchanged(self, look: int) -> int:
        """For how many looks the touch has been as it is; two minutes' are the most that is looked at."""
        block, index = self._book.at(look, 1)
        best, unchanged = block.touch(index), 0
        while unchanged < 40 * _REPUSH_MS // self._book.tick_ms:
            if index == 0:
                block, index = self._book.at(look - unchanged, 1)
            index -= 1
            if block.touch(index) != best:
                break
            unchanged += 1
        return unchanged

    def _frame(self, look: int, unchanged: int) -> bytes:
        block, index = self._book.at(look, 1)
        bid, ask = block.touch(index)
        at_ms, symbol = self._book.time_of(look, 1), self._market.listed.symbol
        return (
            f'{{"topic":"orderbook.1.{symbol}","type":"snapshot","ts":{at_ms + 1},"data":{{"s":"{symbol}",'
            f'"b":[{_levels(self._market, [bid])}],"a":[{_levels(self._market, [ask])}],'
            f'"u":{self._sequence.update_id(look - unchanged, 1)},"seq":{self._sequence.seq(at_ms)}}},"cts":{at_ms}}}'
        ).encode()


class TickerFeed:
    """`tickers`: what changed, at every look at which something did."""

    def __init__(self, market: ModelMarket, ticker: TickerModel, sequence: Sequence) -> None:
        self.due_ms = 0
        self._market, self._ticker, self._sequence = market, ticker, sequence
        self._topic = f'{{"topic":"tickers.{market.listed.symbol}","type":"'

    def frames(self, after_ms: int, upto_ms: int) -> Frames:
        """Make the frames of a span of time, each with what changed since the one before."""
        ticker = self._ticker
        last = ticker.look_at(upto_ms)
        self.due_ms = ticker.time_of(last + 1)
        found: Frames = []
        for look in range(ticker.look_at(after_ms) + 1, last + 1):
            old, new = ticker.values(look - 1), ticker.values(look)
            changed = "".join([f',{n}{v}"' for n, v, o in zip(_NAMED, new, old, strict=True) if v != o])
            if changed:
                found.append((ticker.time_of(look), self._frame(look, "delta", changed)))
        return found

    def snapshot(self, at_ms: int) -> bytes | None:
        """Return the frame with all fields of the ticker at `at_ms`."""
        look = self._ticker.look_at(at_ms)
        return self._frame(look, "snapshot", "".join(map(_field, _NAMED, self._ticker.values(look))))

    def _frame(self, look: int, kind: str, fields: str) -> bytes:
        at_ms = self._ticker.time_of(look)
        return (
            f'{self._topic}{kind}","data":{{"symbol":"{self._market.listed.symbol}"{fields}}},'
            f'"cs":{self._sequence.seq(at_ms)},"ts":{at_ms}}}'
        ).encode()


def _field(named: str, value: str) -> str:
    return f',{named}{value}"'


__all__ = ["BookFeed", "Feed", "Frames", "Sequence", "TickerFeed", "TouchFeed", "Values"]
