"""The topics of one symbol: which frames each has between two exchange times, and its first frame.

Every frame has the keys, types, decimals and padding of the real capture's frame of its topic.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby
from typing import Any

import msgspec

from virtuoso.simulator.history.book import TICK_MS, BookModel, Levels
from virtuoso.simulator.history.dataset import Units
from virtuoso.simulator.history.market import PlayedTrade, SymbolMarket
from virtuoso.simulator.history.noise import uniform
from virtuoso.simulator.history.ticker import TickerModel
from virtuoso.simulator.history.timeline import MINUTE_MS

Frames = Iterator[tuple[int, bytes]]

INTERVALS_MS = {
    "1": MINUTE_MS, "3": 3 * MINUTE_MS, "5": 5 * MINUTE_MS, "15": 15 * MINUTE_MS, "30": 30 * MINUTE_MS,
    "60": 60 * MINUTE_MS, "120": 120 * MINUTE_MS, "240": 240 * MINUTE_MS, "360": 360 * MINUTE_MS,
    "720": 720 * MINUTE_MS, "D": 1440 * MINUTE_MS, "W": 10080 * MINUTE_MS,
}  # fmt: skip
MONDAY_MS = 4 * 1440 * MINUTE_MS
_CONFIRM_AFTER_MS = 150
_REPUSH_TICKS = 3_000 // TICK_MS
_FIRST_UPDATE, _FIRST_SEQ = 1_000, 1_000_000
_FAST_MINUTE = 0.0025
"""A minute that moves by more than this fraction liquidates someone."""
_LIQUIDATED = 0.12
"""Of the orders of such a minute, those that liquidate."""
_LIQUIDATION_SHARE = 0.4
"""Of such an order, what is liquidated on average."""
_GONE = '["%s","0"],'


def _period(interval: str) -> tuple[int, int]:
    """Length of its bars and what shifts their alignment, ms."""
    return INTERVALS_MS[interval], MONDAY_MS if interval == "W" else 0


def encode(message: dict[str, Any]) -> bytes:
    """Encode a message as the JSON bytes of a frame."""
    return msgspec.json.encode(message)


class SymbolFeeds:
    """Frames of one symbol's topics as (due ms, payload)."""

    def __init__(
        self, symbol: str, market: SymbolMarket, book: BookModel, ticker: TickerModel, first_tick: int
    ) -> None:
        self.symbol = symbol
        self._market = market
        self._units: Units = market.units
        self.price_text = lru_cache(4_096)(market.units.price)
        decimals = market.units.size_decimals
        self._size_unit = 10**decimals
        self._level = f'["%s","%d.%0{decimals}d"],' if decimals else '["%s","%d%.0s"],'
        self._book = book
        self._ticker = ticker
        self._first_tick = first_tick
        key = market.key
        self._id = f"{key >> 32:08x}-{key >> 16 & 0xFFFF:04x}-5{key & 0xFFF:03x}-8"

    def frames(self, topic: str, after_ms: int, upto_ms: int) -> Frames:
        """What `topic` pushes in (after_ms, upto_ms]."""
        kind, *rest = topic.split(".")
        match kind:
            case "orderbook":
                depth = int(rest[0])
                return self._touches(after_ms, upto_ms) if depth == 1 else self._deltas(depth, after_ms, upto_ms)
            case "publicTrade":
                return self._trades(after_ms, upto_ms)
            case "tickers":
                return self._tickers(after_ms, upto_ms)
            case "kline":
                return self._bars(rest[0], after_ms, upto_ms)
            case _:
                return self._liquidations(after_ms, upto_ms)

    def due_ms(self, topic: str, after_ms: int) -> int:
        """The earliest time after `after_ms` at which `topic` may push anything."""
        kind, *rest = topic.split(".")
        match kind:
            case "orderbook" | "tickers":
                return self._book.time_of(self._book.tick_at(after_ms) + 1)
            case "kline":
                second = after_ms // 1000 * 1000 + 1000
                return min(second, self._closed(*_period(rest[0]), after_ms) + _CONFIRM_AFTER_MS)
            case _:
                return self._market.around(after_ms)[1].at_ms

    def snapshot(self, topic: str, at_ms: int) -> bytes | None:
        """The first frame of a new subscription; trades, bars and liquidations have none."""
        kind, *rest = topic.split(".")
        tick = self._book.tick_at(at_ms)
        if kind == "orderbook" and rest[0] == "1":
            return self._touch_frame(tick, self._unchanged(tick))
        if kind == "orderbook":
            return self._book_frame(int(rest[0]), tick, "snapshot", *self._book.levels(tick, int(rest[0])))
        if kind == "tickers":
            return self._ticker_frame(tick, "snapshot", self._ticker.fields(tick))
        return None

    def update_id(self, tick: int) -> int:
        """`u` of the book at a tick: it counts them."""
        return _FIRST_UPDATE + tick - self._first_tick

    def seq(self, tick: int) -> int:
        """Cross sequence at a tick of the book; trades between have the same."""
        return _FIRST_SEQ + (tick - self._first_tick) * 8

    def _ticks(self, after_ms: int, upto_ms: int) -> range:
        return range(self._book.tick_at(after_ms) + 1, self._book.tick_at(upto_ms) + 1)

    def _book_frame(
        self, depth: int, tick: int, kind: str, bids: Levels, asks: Levels, update_id: int | None = None
    ) -> bytes:
        at_ms, update_id = self._book.time_of(tick), self.update_id(tick) if update_id is None else update_id
        return (
            f'{{"topic":"orderbook.{depth}.{self.symbol}","type":"{kind}","ts":{at_ms + 1},"data":{{'
            f'"s":"{self.symbol}","b":[{self._levels_text(bids)}],"a":[{self._levels_text(asks)}],'
            f'"u":{update_id},"seq":{self.seq(tick)}}},"cts":{at_ms}}}'
        ).encode()

    def _levels_text(self, levels: Levels) -> str:
        """Levels as JSON; those that are gone come last. Most of what is sent is made here."""
        text, unit = self.price_text, self._size_unit
        kept = [part for price, lots in levels if lots for part in (text(price), lots // unit, lots % unit)]
        gone = [text(price) for price, lots in levels if not lots]
        return (self._level * (len(kept) // 3) % tuple(kept) + _GONE * len(gone) % tuple(gone))[:-1]

    def _deltas(self, depth: int, after_ms: int, upto_ms: int) -> Frames:
        for tick in self._ticks(after_ms, upto_ms):
            frame = self._book_frame(depth, tick, "delta", *self._book.changes(tick, depth))
            yield self._book.time_of(tick), frame

    def _touches(self, after_ms: int, upto_ms: int) -> Frames:
        """Level 1: a snapshot when it changed, and again after 3 s without change, with the same `u`."""
        for tick in self._ticks(after_ms, upto_ms):
            unchanged = self._unchanged(tick)
            if unchanged % _REPUSH_TICKS == 0:
                yield self._book.time_of(tick), self._touch_frame(tick, unchanged)

    def _touch_frame(self, tick: int, unchanged: int) -> bytes:
        bid, ask = self._book.best(tick)
        return self._book_frame(1, tick, "snapshot", [bid], [ask], self.update_id(tick - unchanged))

    def _unchanged(self, tick: int) -> int:
        """For how many ticks the touch has been as it is; at most a minute's, far beyond what the model holds still."""
        best, unchanged = self._book.best(tick), 0
        while unchanged < _REPUSH_TICKS * 20 and self._book.best(tick - unchanged - 1) == best:
            unchanged += 1
        return unchanged

    def _ticker_frame(self, tick: int, kind: str, fields: dict[str, str]) -> bytes:
        data = {"symbol": self.symbol, **fields}
        topic = f"tickers.{self.symbol}"
        at_ms = self._book.time_of(tick)
        return encode({"topic": topic, "type": kind, "data": data, "cs": self.seq(tick), "ts": at_ms})

    def _tickers(self, after_ms: int, upto_ms: int) -> Frames:
        for tick in self._ticks(after_ms, upto_ms):
            old, new = self._ticker.fields(tick - 1), self._ticker.fields(tick)
            difference = {name: value for name, value in new.items() if old[name] != value}
            if difference:
                yield self._book.time_of(tick), self._ticker_frame(tick, "delta", difference)

    def trade_id(self, trade: PlayedTrade) -> str:
        """A trade's id, in the form of a UUID, the same on the stream and by REST."""
        return f"{self._id}{trade.number:03x}-{trade.at_ms // MINUTE_MS:012x}"

    def direction(self, trade: PlayedTrade) -> str:
        """Tick direction against the trade before."""
        before = self._market.before(trade).ticks
        if trade.ticks == before:
            return "ZeroPlusTick"
        return "PlusTick" if trade.ticks > before else "MinusTick"

    def _orders(self, after_ms: int, upto_ms: int) -> Iterator[tuple[int, list[PlayedTrade]]]:
        """Trades in (after_ms, upto_ms] by takers' orders, each at one time."""
        trades = self._market.trades(after_ms, upto_ms)
        return ((at_ms, list(order)) for at_ms, order in groupby(trades, key=lambda trade: trade.at_ms))

    def _trades(self, after_ms: int, upto_ms: int) -> Frames:
        for at_ms, order in self._orders(after_ms, upto_ms):
            items = [
                {
                    "T": at_ms,
                    "s": self.symbol,
                    "S": "Buy" if trade.buy else "Sell",
                    "v": self._units.size(trade.lots),
                    "p": self._units.price(trade.ticks),
                    "L": self.direction(trade),
                    "i": self.trade_id(trade),
                    "BT": False,
                    "RPI": False,
                    "seq": self.seq(self._book.tick_at(at_ms)) + 1,
                }
                for trade in order
            ]
            topic = f"publicTrade.{self.symbol}"
            yield at_ms, encode({"topic": topic, "type": "snapshot", "ts": at_ms + 1, "data": items})

    def _bars(self, interval: str, after_ms: int, upto_ms: int) -> Frames:
        """The forming bar each second in which a trade came, and the closed one just after its end."""
        length, offset = _period(interval)
        second = after_ms // 1000 * 1000 + 1000
        while second <= upto_ms:
            opened = second - (second - offset) % length
            if second > opened and self._market.around(second)[0].at_ms > max(second - 1000, opened - 1):
                yield second, self._bar_frame(interval, length, offset, opened, second, confirm=False)
            second += 1000
        closed = self._closed(length, offset, after_ms)
        while closed + _CONFIRM_AFTER_MS <= upto_ms:
            at_ms = closed + _CONFIRM_AFTER_MS
            yield at_ms, self._bar_frame(interval, length, offset, closed - length, at_ms, confirm=True)
            closed += length

    @staticmethod
    def _closed(length: int, offset: int, after_ms: int) -> int:
        """End of the first bar that is told as closed after `after_ms`."""
        due = after_ms - _CONFIRM_AFTER_MS
        return due - (due - offset) % length + length

    def _bar_frame(self, interval: str, length: int, offset: int, opened: int, at_ms: int, *, confirm: bool) -> bytes:
        o, h, low, c, volume, turnover = self._market.bar(length, offset, opened, opened + length if confirm else at_ms)
        units = self._units
        bar = {
            "start": opened,
            "end": opened + length - 1,
            "interval": interval,
            "open": units.trimmed_price(o),
            "close": units.trimmed_price(c),
            "high": units.trimmed_price(h),
            "low": units.trimmed_price(low),
            "volume": units.trimmed_size(volume),
            "turnover": units.turnover(turnover),
            "confirm": confirm,
            "timestamp": at_ms,
        }
        topic = f"kline.{interval}.{self.symbol}"
        return encode({"topic": topic, "data": [bar], "ts": at_ms, "type": "snapshot"})

    def _liquidations(self, after_ms: int, upto_ms: int) -> Frames:
        """In a fast minute one order in eight liquidates a position, of the side that the move hurts."""
        for at_ms, order in self._orders(after_ms, upto_ms):
            trade = order[-1]
            minute = at_ms // MINUTE_MS * MINUTE_MS
            first = self._market.trades_of(minute).ticks[0]
            move = trade.ticks / first - 1
            draw = uniform(self._market.key, minute, trade.number, 9)
            if abs(move) < _FAST_MINUTE or draw > _LIQUIDATED:
                continue
            side = "Buy" if move < 0 else "Sell"  # the position's side: a fall liquidates longs
            bankrupt = round(trade.ticks * (0.995 if side == "Buy" else 1.005))
            lots = max(1, int(sum(each.lots for each in order) * _LIQUIDATION_SHARE * (0.5 + draw / _LIQUIDATED)))
            item = {
                "T": at_ms, "s": self.symbol, "S": side, "v": self._units.size(lots),
                "p": self._units.price(bankrupt),
            }  # fmt: skip
            topic = f"allLiquidation.{self.symbol}"
            yield at_ms, encode({"topic": topic, "type": "snapshot", "ts": at_ms + 1, "data": [item]})
