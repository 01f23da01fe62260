"""What one symbol's events must fulfil to be believed: times near the measured clock, prices near what is known.

A price is judged by a band around the mark, the touch of the book and the price accepted last, anew in each second of
receive time. One beyond it is believed when it is a jump: when more kinds of feed say so, for some seconds, than still
say otherwise.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, sqrt
from typing import TypeVar

from msgspec import UNSET

from virtuoso.market.book import CROSSED, FAR, Book
from virtuoso.market.bounds import ranges
from virtuoso.market.series import BarSeries
from virtuoso.market.ticker import Limits, limits
from virtuoso.model.feed import Refusal
from virtuoso.model.market import (
    AccountRatio,
    Bar,
    FundingRate,
    Levels,
    Liquidation,
    OpenInterest,
    TickerUpdate,
    Trade,
)
from virtuoso.model.timeframe import Timeframe

_Timed = TypeVar("_Timed", AccountRatio, FundingRate, OpenInterest)
ClockOffset = Callable[[], float | None]
"""Exchange clock less local clock, ms, as measured or as the streams tell it; `None` where that is not known."""

FACTOR = 2.5
"""How far from all that is known a price may be. Of 1.4 million real minutes none closed, nor opened, more than 1.2
times the close before it, and none had an extreme of more than 1.92 times."""
_ASTRAY = FACTOR * FACTOR
"""How far mark and book may be from a price that each single step would allow."""
_WICK = 20.0
"""So much further may an extreme of a bar be, or the price at which a position was bankrupt."""
_AGREE = 1.2
_PROOF_NS = 3_000_000_000
_RECENT_NS = 10_000_000_000
_RIVALS_LAST_NS = 120_000_000_000
_FORGET_NS = 300_000_000_000
"""After such a silence the price may be anywhere."""
_SECOND_NS = 1_000_000_000
_UNTOLD, _UNTOLD_NS = 20, 5_000_000_000
"""After so many trades in so long, all at other prices than the ticker told last, the ticker hides the price."""
_OFF_TICK = 0.01
_OFF_TICKS = 3
_ANY_MS = 1 << 62

_TICKER, _TRADES, _BARS, _BOOK = "ticker", "trades", "bars", "book"
FAR_LAST, FAR_PRICE = "last: far from all other prices", "price: far from all other prices"
FAR_CLOSE = "close: far from all other prices"
NOT_TOLD = "last: not told, while trades are at other prices"


def no_stream() -> None:
    """Return `None` for the offset that streams tell: there is no stream, as where everything is asked for."""


@dataclass(slots=True)
class _Rival:
    """A price that one kind of feed insists on, against what is known."""

    price: float
    since_ns: int
    seen_ns: int


class Gate:
    """One symbol's. Methods answer why an event is refused; times are receive times (epoch ns) and event times (ms).

    Attributes:
        until_ns: receive time from which the bounds are old; `turn` sets them anew.
        first_ms, last_ms: bounds of event times that are believed without asking what other streams tell.
        tick: the instrument's price step, if known.
        instrument_doubt: whether prices do not fit it: the instrument should be asked for again.
    """

    __slots__ = (
        "_asked_tick", "_bars_ns", "_book", "_ceiling", "_floor", "_history", "_last", "_levels", "_limits", "_mark",
        "_now_ms", "_off_ticks", "_offset_ms", "_rivals", "_streams_ms", "_ticker_ns", "_told", "_trades_ns", "_untold",
        "_untold_ns", "first_ms", "instrument_doubt", "last_ms", "tick", "until_ns",
    )  # fmt: skip

    def __init__(
        self,
        book: Book,
        history: BarSeries,
        offset_ms: ClockOffset | None,
        levels: int,
        streams_ms: ClockOffset = no_stream,
    ) -> None:
        """Without `offset_ms` times are not judged: there is no clock to judge them by.

        `streams_ms` is the same offset as most streams tell it: it is asked only about times ahead of the measured one.
        The book keeps `levels` a side at most, from second to second of receive time: told times may stand still.
        """
        self._levels = levels
        self._book = book
        self._history = history
        self._offset_ms = offset_ms
        self._streams_ms = streams_ms
        self.until_ns = 0
        self.first_ms, self.last_ms = -_ANY_MS, _ANY_MS
        self._now_ms: int | None = None
        self._floor, self._ceiling = ranges.LEAST_PRICE, ranges.MOST_PRICE
        self._limits: Limits | None = None
        self._mark: float | None = None
        self._last: float | None = None
        self._ticker_ns = self._trades_ns = self._bars_ns = -_FORGET_NS
        self._rivals: dict[str, _Rival] = {}
        self._told: float | None = None
        self._untold = self._untold_ns = 0
        self.tick: float | None = None
        self._off_ticks = 0
        self._asked_tick: float | None = None
        self.instrument_doubt = False

    def turn(self, received_ns: int) -> None:
        """Set the bounds of the second that begins."""
        self.until_ns = received_ns + _SECOND_NS
        self._book.trim(self._levels)
        if self._offset_ms is not None:
            offset_ms = self._offset_ms()
            now_ms = self._now_ms = received_ns // 1_000_000 + int(offset_ms or 0.0)
            ahead_ms = ranges.HOUR_MS if offset_ms is None else ranges.AHEAD_MS
            self.first_ms, self.last_ms = now_ms - ranges.HOUR_MS, now_ms + ahead_ms
        self._bound(received_ns)
        if self.tick is not None and self._last is not None and received_ns - self._trades_ns <= _SECOND_NS:
            self._watch_tick(self._last / self.tick)

    def see(self, received_ns: int) -> None:
        """Let the bounds be those of now."""
        if received_ns >= self.until_ns:
            self.turn(received_ns)

    def steps(self, tick: float) -> None:
        """Prices are multiples of `tick`: the instrument was just asked for."""
        self.tick, self._off_ticks, self.instrument_doubt = tick, 0, False

    def time(self, event_ms: int, received_ns: int) -> Refusal:
        """Judge an event by its time alone."""
        if received_ns >= self.until_ns:
            self.turn(received_ns)
        if event_ms > self.last_ms:
            return self._ahead(event_ms, received_ns)
        return ranges.BEHIND if event_ms < self.first_ms else None

    def _ahead(self, event_ms: int, received_ns: int) -> Refusal:
        """Judge a time ahead of the measured clock: it is believed where most streams tell it, within an hour."""
        offset_ms = None if self._offset_ms is None else self._offset_ms()
        now_ms = received_ns / 1e6 + (offset_ms or 0.0)
        if offset_ms is None or event_ms > now_ms + ranges.HOUR_MS:
            return ranges.AHEAD
        streams_ms = self._streams_ms()
        if streams_ms is not None:
            now_ms = max(now_ms, received_ns / 1e6 + streams_ms)
        return None if event_ms <= now_ms + ranges.AHEAD_MS else ranges.EARLY

    def latest_ms(self, received_ns: int) -> float:
        """The exchange's time by now as measured (epoch ms); infinite where there is no clock to judge times by."""
        offset_ms = None if self._offset_ms is None else self._offset_ms()
        return inf if offset_ms is None else received_ns / 1e6 + offset_ms

    def book(self, event_ms: int, received_ns: int, bids: Levels, asks: Levels) -> Refusal:
        """Say why the time or the best prices of a whole book cannot be; `None`: they can."""
        if (refusal := self.time(event_ms, received_ns)) is not None:
            return refusal
        least, most = ranges.LEAST_PRICE, ranges.MOST_PRICE
        for side in (bids, asks):
            for price, size in side:
                if not least <= price <= most or not 0 <= size <= ranges.MOST_AMOUNT:
                    return "b, a: not prices and sizes"
        bid = max([price for price, size in bids if size], default=None)
        ask = min([price for price, size in asks if size], default=None)
        if bid is None and ask is None:
            return "b, a: no levels"
        if bid is None or ask is None:
            return None
        if bid >= ask:
            return CROSSED
        if (bid > self._ceiling or ask < self._floor) and self._far(_BOOK, sqrt(bid * ask), received_ns):
            return FAR
        return None

    def touch(self, event_ms: int, received_ns: int, bid: tuple[float, float], ask: tuple[float, float]) -> Refusal:
        """Say why the time or the prices of a touch cannot be; `None`: they can."""
        return CROSSED if bid[0] >= ask[0] else self.time(event_ms, received_ns)

    def trades(self, received_ns: int, trades: Sequence[Trade]) -> Refusal:
        """Judge trades of a stream: one that cannot be refuses them all."""
        if received_ns >= self.until_ns:
            self.turn(received_ns)
        first_ms, last_ms, floor, ceiling = self.first_ms, self.last_ms, self._floor, self._ceiling
        for trade in trades:
            price = trade.price
            event_ms = trade.event_ms
            if not first_ms <= event_ms <= last_ms and (refusal := self.time(event_ms, received_ns)) is not None:
                return refusal
            if not floor <= price <= ceiling:
                if self._far(_TRADES, price, received_ns):
                    return FAR_PRICE
                floor, ceiling = self._floor, self._ceiling
            if not 0 < price * trade.size <= ranges.MOST_VALUE:
                return "size: not an amount"
        if trades:
            self._trades_ns = received_ns
            price = trades[-1].price
            if price == self._told:
                self._untold = 0
            elif self._untold == 0:
                self._untold, self._untold_ns = 1, received_ns
            else:
                self._untold += 1
            self._know(price, received_ns)
        return None

    def fetched(self, received_ns: int, trades: Sequence[Trade]) -> list[Trade]:
        """Those of trades that were asked for that can be: they may be old, and the price far from today's."""
        self.see(received_ns)
        return [
            trade
            for trade in trades
            if trade.event_ms > 0
            and (trade.event_ms <= self.last_ms or self.time(trade.event_ms, received_ns) is None)
            and ranges.LEAST_PRICE <= trade.price <= ranges.MOST_PRICE
            and 0 < trade.price * trade.size <= ranges.MOST_VALUE
        ]

    def past(self, items: Sequence[_Timed]) -> list[_Timed]:
        """Return those of `items` that are not of a time to come."""
        last_ms = _ANY_MS if self._now_ms is None else self._now_ms + ranges.HOUR_MS
        return [item for item in items if 0 < item.event_ms <= last_ms]

    def ticker(self, event_ms: int, received_ns: int, update: TickerUpdate) -> Refusal:
        """Judge a ticker by its time and last price; other fields that cannot be are unknown (`limits`)."""
        if (refusal := self.time(event_ms, received_ns)) is not None:
            return refusal
        last, mark = update.last, update.mark
        if last is not UNSET and last is not None:
            if not self._floor <= last <= self._ceiling and self._far(_TICKER, last, received_ns):
                return FAR_LAST
            if self._last is None and mark is not UNSET and mark is not None and not _near(last, mark, FACTOR):
                return FAR_LAST  # nothing else is known to tell which of the two is true
            self._ticker_ns = received_ns
            self._told, self._untold = last, 0
            self._know(last, received_ns)
        elif self._untold >= _UNTOLD and last is UNSET and received_ns - self._untold_ns > _UNTOLD_NS:
            return NOT_TOLD
        if mark is not UNSET and mark is not None and self._floor <= mark <= self._ceiling:
            self._mark = mark
        return None

    @property
    def limits(self) -> Limits:
        """Least and greatest value of each field of a ticker, now."""
        if self._limits is None:
            self._limits = limits(self._floor, self._ceiling, self._now_ms)
        return self._limits

    def bars(self, received_ns: int, bars: Sequence[Bar]) -> Refusal:
        """Judge 1m bars of a stream, or of its like."""
        if received_ns >= self.until_ns:
            self.turn(received_ns)
        for bar in bars:
            if (refusal := self._bar(received_ns, bar)) is not None:
                return refusal
        return None

    def _bar(self, received_ns: int, bar: Bar) -> Refusal:
        if (refusal := ranges.bar_refusal(bar)) is not None:
            return refusal
        if self._now_ms is not None:
            if (refusal := ranges.bar_time_refusal(bar, Timeframe.M1, self._now_ms)) is not None:
                return refusal
            if bar.open_ms < self.first_ms - Timeframe.M1.ms:
                return "start: more than 1 h ago"
        floor, ceiling = self._floor, self._ceiling
        near = floor <= bar.close <= ceiling and bar.high <= ceiling * _WICK and bar.low * _WICK >= floor
        if not near and self._far(_BARS, bar.close, received_ns):
            return FAR_CLOSE
        self._bars_ns = received_ns
        self._know(bar.close, received_ns)
        return None

    def liquidations(self, received_ns: int, liquidations: Sequence[Liquidation]) -> Refusal:
        """Judge liquidations; the price of one is that at which the position was bankrupt."""
        for liquidation in liquidations:
            if (refusal := self.time(liquidation.event_ms, received_ns)) is not None:
                return refusal
            if not self._floor / _WICK <= liquidation.price <= self._ceiling * _WICK:
                return FAR_PRICE
            if not 0 <= liquidation.price * liquidation.size <= ranges.MOST_VALUE:
                return "size: not an amount"
        return None

    def _know(self, price: float, received_ns: int) -> None:
        """A price is accepted; the very first one is a bound for the next."""
        first, self._last = self._last is None, price
        if first:
            self._bound(received_ns)

    def _bound(self, received_ns: int) -> None:
        """The band around what is known; without that, whatever a price can be at all."""
        known = [] if self._mark is None else [self._mark]
        if self._last is not None:
            known.append(self._last)
        book, mark, middle = self._book, self._mark, self._middle()
        if middle is not None:
            known += (book.bid_price, book.ask_price)
        heard_ns = max(self._trades_ns, self._ticker_ns, self._bars_ns)
        if received_ns - heard_ns > _FORGET_NS:
            known = self._closed()
            self._mark = self._last = mark = middle = None
        low, high = ranges.LEAST_PRICE, ranges.MOST_PRICE
        if known:
            low, high = max(low, min(known) / FACTOR), min(high, max(known) * FACTOR)
        for anchor in (mark, middle):  # what one feed tells step by step may not lead the band away from the others
            if anchor is not None:
                low, high = max(low, anchor / _ASTRAY), min(high, anchor * _ASTRAY)
        self._floor = book.floor = low
        self._ceiling = book.ceiling = high
        self._limits = None

    def _middle(self) -> float | None:
        """Of the book, where it is one that tells a price."""
        book = self._book
        if not book.valid or book.ask_price >= FACTOR * book.bid_price:
            return None
        return sqrt(book.bid_price * book.ask_price)

    def _closed(self) -> list[float]:
        """The close of the history where it is as fresh as anything may be."""
        next_ms = self._history.next_ms
        if next_ms is None or self._now_ms is None or not 0 <= self._now_ms - next_ms <= _FORGET_NS // 1_000_000:
            return []
        return [bar.close for bar in self._history.last(1)]

    def _far(self, kind: str, price: float, received_ns: int) -> bool:
        """Whether a price beyond the band is not to be believed; one that is, is what is known from now on."""
        if not ranges.LEAST_PRICE <= price <= ranges.MOST_PRICE:
            return True
        rivals, rival = self._rivals, self._rivals.get(kind)
        if rival is None or not _near(rival.price, price, _AGREE) or received_ns - rival.seen_ns > _RIVALS_LAST_NS:
            rival = rivals[kind] = _Rival(price, received_ns, received_ns)
        rival.price, rival.seen_ns = price, received_ns
        agreeing = sum(
            _near(other.price, price, _AGREE)
            and received_ns - other.seen_ns <= _RIVALS_LAST_NS
            and received_ns - other.since_ns >= _PROOF_NS
            for other in rivals.values()
        )
        heard = (self._ticker_ns, self._trades_ns, self._bars_ns)
        against = sum(received_ns - at_ns <= _RECENT_NS for at_ns in heard) + self._book.valid
        if agreeing < 2 or agreeing <= against:
            return True
        rivals.clear()
        if (middle := self._middle()) is not None and not _near(middle, price, FACTOR):
            self._book.invalidate()  # outvoted: it is asked for anew
        self._mark, self._last = None, price
        self._ticker_ns = self._trades_ns = self._bars_ns = received_ns - _RECENT_NS - 1
        self._bound(received_ns)
        return False

    def _watch_tick(self, steps: float) -> None:
        """Prices that are no multiple of the step, again and again: the instrument is not what it was."""
        if abs(steps - round(steps)) <= _OFF_TICK:
            self._off_ticks = 0
            return
        self._off_ticks += 1
        if self._off_ticks >= _OFF_TICKS and self._asked_tick != self.tick:
            self._asked_tick, self.instrument_doubt = self.tick, True


def _near(one: float, other: float, factor: float) -> bool:
    return one <= other * factor and other <= one * factor
