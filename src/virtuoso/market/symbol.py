"""One symbol's whole state, and the sink through which an adapter changes it."""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from math import isnan

from virtuoso.market.bars import SymbolBars
from virtuoso.market.book import Book
from virtuoso.market.bounds import ranges
from virtuoso.market.gate import ClockOffset, Gate, no_stream
from virtuoso.market.minute import SAMPLE_MS, MinuteFeatures, MinuteSampler
from virtuoso.market.minutes import Minutes
from virtuoso.market.series import BUY_VOLUME
from virtuoso.market.tape import Tape
from virtuoso.market.ticker import Ticker
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
from virtuoso.model.text.numbers import PLAIN
from virtuoso.model.timeframe import Timeframe

_BASE_MS = Timeframe.M1.ms
_KEPT = 1_000
_CATCH_UP_MS = 300_000
_MOST_SAMPLES = _CATCH_UP_MS // SAMPLE_MS + 2


class SymbolState:
    """Implements `model.feed.SymbolSink`. Events arrive in order; features are cut in event time.

    Nothing passes but by the gate. `offset_ms` is the measured clock; without it times are not judged. `streams_ms` is
    the clock as most streams tell it.
    """

    def __init__(
        self,
        symbol: str,
        timeframes: Sequence[Timeframe],
        capacity: int,
        depth: int,
        offset_ms: ClockOffset | None = None,
        streams_ms: ClockOffset = no_stream,
    ) -> None:
        self.symbol = symbol
        self.denomination = PLAIN
        self.book = Book()
        self.tape = Tape()
        self.stats = Ticker()
        self.believed = TickerUpdate()
        """The latest update of the ticker without what was not believed of it."""
        self.told: Sequence[Trade] = ()
        """The latest trades that came, without those that came before, by the stream or asked for."""
        self.history = SymbolBars(timeframes, capacity)
        self.gate = Gate(self.book, self.history.base, offset_ms, 2 * depth, streams_ms)
        self.minutes = Minutes(self.stats)
        self.forced: deque[Liquidation] = deque(maxlen=_KEPT)
        self.ratios = self.minutes.ratios
        self.minute: MinuteFeatures | None = None
        self._sampler = MinuteSampler()
        self._depth = depth
        self.book_event_ms = 0
        self._next_sample_ms = 0

    def book_snapshot(self, update_id: int, event_ms: int, received_ns: int, bids: Levels, asks: Levels) -> Refusal:
        """Replace the whole book; the first one accepted marks since when the symbol is watched."""
        refusal = self._replace_book(update_id, event_ms, received_ns, bids, asks)
        if refusal is None and self.minutes.watched_ms is None:
            self.minutes.watched_ms = event_ms  # the first frame of a subscription, liquidations among its topics
        return refusal

    def _replace_book(self, update_id: int, event_ms: int, received_ns: int, bids: Levels, asks: Levels) -> Refusal:
        if (refusal := self.gate.book(event_ms, received_ns, bids, asks)) is not None:
            self.book.invalidate()
            return refusal
        if event_ms >= self._next_sample_ms:
            self._sample(event_ms)
        self.book_event_ms = event_ms
        return self.book.replace(update_id, bids, asks)

    def book_delta(self, update_id: int, event_ms: int, received_ns: int, bids: Levels, asks: Levels) -> Refusal:
        """Apply changed levels once the gate has judged time and prices; what is refused makes the book invalid."""
        gate = self.gate
        if received_ns >= gate.until_ns:
            gate.turn(received_ns)
        if not gate.first_ms <= event_ms <= gate.last_ms and (refusal := gate.time(event_ms, received_ns)) is not None:
            self.book.invalidate()
            return refusal
        if event_ms >= self._next_sample_ms:
            self._sample(event_ms)
        self.book_event_ms = event_ms
        return self.book.apply(update_id, bids, asks)

    def book_invalid(self) -> None:
        """Drop the book, because the feed behind it is gone."""
        self.minutes.watched_ms = None
        self.book.invalidate()
        self._sampler.forget()

    def time(self, event_ms: int, received_ns: int) -> Refusal:
        """Say why the time of a frame cannot be, where its items have times of their own."""
        return self.gate.time(event_ms, received_ns)

    def touch(self, event_ms: int, received_ns: int, bid: tuple[float, float], ask: tuple[float, float]) -> Refusal:
        """A level-1 feed is only a beacon here: the touch comes from the deeper book."""
        return self.gate.touch(event_ms, received_ns, bid, ask)

    def trades(self, received_ns: int, trades: Sequence[Trade]) -> Refusal:
        """Take public trades, oldest first; the reason where they are refused."""
        if (refusal := self.gate.trades(received_ns, trades)) is not None:
            return refusal
        if trades and trades[0].event_ms >= self._next_sample_ms:
            self._sample(trades[0].event_ms)
        self.told = self.tape.add(trades)
        self._sampler.trades(self.told)
        return None

    def trades_fetched(self, received_ns: int, trades: Sequence[Trade]) -> Refusal:
        """Trades that were asked for; those that cannot be are left out."""
        believed = self.gate.fetched(received_ns, trades)
        self.told = self.tape.merge(believed)
        self._sampler.trades(self.told)
        return "trades: none of them can be" if trades and not believed else None

    def fill_tape(self, received_ns: int, trades: Sequence[Trade]) -> None:
        """Trades that were asked for to fill what the stream did not carry; the book then is not known."""
        self.tape.merge(self.gate.fetched(received_ns, trades), told=False)

    def book_fetched(self, update_id: int, event_ms: int, received_ns: int, bids: Levels, asks: Levels) -> Refusal:
        """A look at the book; between looks nothing is known of flow, absorption or what came and went.

        It is of a moment before it came: where it says a later one, as measured, it is taken as of then.
        """
        self.minutes.watched_ms = None
        if 0 < event_ms - (latest_ms := self.gate.latest_ms(received_ns)) <= ranges.HOUR_MS:
            event_ms = int(latest_ms)
        refusal = self._replace_book(update_id, event_ms, received_ns, bids, asks)
        self._sampler.blind = True
        return refusal

    def ticker(self, event_ms: int, received_ns: int, update: TickerUpdate) -> Refusal:
        """Take a ticker snapshot or delta; the reason where it is refused."""
        if (refusal := self.gate.ticker(event_ms, received_ns, update)) is not None:
            return refusal
        if event_ms > self.minutes.close_ms:
            self.minutes.turn(event_ms)
        self.believed = self.stats.update(event_ms, received_ns, update, self.gate.limits)
        return None

    def fill_ticker(self, received_ns: int, asked: TickerUpdate) -> None:
        """Take what is unknown of the ticker from one that was asked for."""
        self.gate.see(received_ns)
        self.stats.fill(asked, self.gate.limits)

    def bars(self, received_ns: int, bars: Sequence[Bar]) -> Refusal:
        """Take 1m bars from the stream into the history, as far as the gate accepts them."""
        if (refusal := self.gate.bars(received_ns, bars)) is not None:
            return refusal
        return self.history.update(bars)

    def liquidations(self, received_ns: int, liquidations: Sequence[Liquidation]) -> Refusal:
        """Take liquidations, oldest first; the reason where they are refused."""
        if (refusal := self.gate.liquidations(received_ns, liquidations)) is not None:
            return refusal
        self.forced.extend(liquidations)
        self.minutes.liquidations(liquidations)
        return None

    def take_ratios(self, ratios: Sequence[AccountRatio]) -> None:
        """Account ratios that were asked for, oldest first; those already held are left out."""
        shares = [r for r in self.gate.past(ratios) if 0 <= r.long <= 1 and 0 <= r.short <= 1]
        self.minutes.take_ratios(shares)

    def take_rates(self, rates: Sequence[FundingRate]) -> None:
        """Settled funding rates that were asked for, oldest first; those already held are left out."""
        self.minutes.take_rates([rate for rate in self.gate.past(rates) if -1 <= rate.rate <= 1])

    def take_interest(self, interests: Sequence[OpenInterest]) -> None:
        """Open interest of the past that was asked for."""
        most = ranges.MOST_AMOUNT
        self.minutes.take_interest(
            [interest for interest in self.gate.past(interests) if 0 <= interest.open_interest <= most]
        )

    def cut(self, close_ms: int) -> MinuteFeatures | None:
        """Features of the base bar that closes at `close_ms`, cut now if no event past the close has come yet.

        What was absorbed is only known when the tape of the whole bar is, so the bar comes first.
        """
        if self._next_sample_ms - close_ms > _CATCH_UP_MS:
            self._next_sample_ms = 0  # an event claimed to come from far ahead: sample anew from the next one
        if 0 < self._next_sample_ms <= close_ms:
            self._sample(close_ms)
        minute = self.minute
        if minute is None or minute.close_ms != close_ms:
            return None
        bar = self.history.base.window(close_ms - _BASE_MS, 1)
        if bar is None or isnan(bar[0, BUY_VOLUME]):  # an unseen trade is not an absorbed one, nor a zero
            return replace(minute, absorbed_bid=None, absorbed_ask=None)
        return minute

    def _sample(self, event_ms: int) -> None:
        """Look at the book at every second up to `event_ms`, before that event; at the end of a minute, cut.

        In a second without an event the book stood as it was. After five minutes without a look (nothing was
        watched: `cut` looks at each close) it begins afresh.
        """
        at_ms = self._next_sample_ms
        if not at_ms or event_ms - at_ms > _CATCH_UP_MS:
            self._sampler.restart()
            self.book.take_order_flow()
            at_ms = event_ms - event_ms % SAMPLE_MS + SAMPLE_MS
        for _ in range(_MOST_SAMPLES):
            if at_ms > event_ms:
                break
            self._sampler.sample(at_ms, self.book)
            if at_ms % _BASE_MS == 0:
                self.minute = self._sampler.cut(at_ms, self.book)
            at_ms += SAMPLE_MS
        self.book.trim(2 * self._depth)
        self._next_sample_ms = at_ms
