"""The history as a market behind the embedded exchange: implements `simulator.source.Source`."""

from collections.abc import Callable, Collection

from virtuoso.model.quality import DataSource
from virtuoso.simulator.history.book import BookModel
from virtuoso.simulator.history.dataset import History
from virtuoso.simulator.history.feeds import INTERVALS_MS, MONDAY_MS, SymbolFeeds
from virtuoso.simulator.history.market import PlayedTrade, SymbolMarket
from virtuoso.simulator.history.ticker import TickerModel
from virtuoso.simulator.history.timeline import MINUTE_MS, Timeline
from virtuoso.simulator.source import Item, Push

_CATEGORY = "linear"
_DEPTHS = frozenset({"1", "50", "200", "1000"})
_PERIODS_MS = {
    "5min": 5 * MINUTE_MS, "15min": 15 * MINUTE_MS, "30min": 30 * MINUTE_MS, "1h": 60 * MINUTE_MS,
    "4h": 240 * MINUTE_MS, "1d": 1440 * MINUTE_MS,
}  # fmt: skip
_NEVER_MS = 1 << 62
_LEAD_MS = 60 * MINUTE_MS
"""The slow series look an hour back, so they begin an hour after the minutes."""


class HistorySource:
    """15 symbols of real bars; trades, book, ticker, open interest and ratio are synthesised around them.

    Everything is a function of the seed, the anchor and exchange time, so what REST tells later is what was pushed.
    """

    origin = DataSource.REPLAY

    def __init__(self, history: History, seed: int, start_ms: int) -> None:
        self._now_ms = start_ms
        self._timeline = Timeline.starting(history, start_ms)
        self._markets: dict[str, SymbolMarket] = {}
        self._books: dict[str, BookModel] = {}
        self._tickers: dict[str, TickerModel] = {}
        self._feeds: dict[str, SymbolFeeds] = {}
        self._due_ms: dict[str, int] = {}
        """Until when a topic has nothing to say: most steps of time are shorter than that."""
        self._wanted: tuple[tuple[str, str], ...] = ()
        self._quiet_ms = start_ms
        """Until when none of those that were wanted last has."""
        for symbol, recorded in history.symbols.items():
            market = self._markets[symbol] = SymbolMarket(recorded, self._timeline, seed)
            book = self._books[symbol] = BookModel(market)
            ticker = self._tickers[symbol] = TickerModel(market, book, self._timeline)
            first = book.tick_at(self._timeline.anchor_ms)
            self._feeds[symbol] = SymbolFeeds(symbol, market, book, ticker, first)

    def advance(self, to_ms: int, wanted: Collection[tuple[str, str]]) -> list[Push]:
        """All frames due in (now, to_ms] of the wanted topics, in order of time."""
        wanted = tuple(wanted)
        if to_ms < self._quiet_ms and wanted == self._wanted:
            self._now_ms = max(self._now_ms, to_ms)
            return []
        pushes = []
        for category, topic in wanted:
            if category != _CATEGORY or to_ms < self._due_ms.get(topic, 0):
                continue
            feeds = self._feeds[topic.rpartition(".")[2]]
            pushes += [Push(at_ms, category, topic, frame) for at_ms, frame in feeds.frames(topic, self._now_ms, to_ms)]
            self._due_ms[topic] = feeds.due_ms(topic, to_ms)
        pushes.sort(key=lambda push: push.at_ms)
        self._now_ms = max(self._now_ms, to_ms)
        self._wanted = wanted
        self._quiet_ms = min((self._due_ms.get(topic, _NEVER_MS) for _, topic in wanted), default=_NEVER_MS)
        return pushes

    @property
    def moment(self) -> tuple[int, bool]:
        """The recorded moment (epoch ms) that is played now, and whether it is played backwards."""
        return self._timeline.recorded(self._now_ms)

    def due_ms(self) -> int:
        """When one of the topics that were wanted last speaks next."""
        return self._quiet_ms

    def restarts_at(self) -> int | None:
        """Say that the source never starts over: its loop has no end."""
        return None

    def knows(self, category: str, topic: str) -> bool:
        """Return whether a subscription to `topic` is accepted: its kind and its symbol exist."""
        kind, *rest = topic.split(".")
        if category != _CATEGORY or not rest or rest[-1] not in self._feeds:
            return False
        match kind, rest[:-1]:
            case "orderbook", [depth]:
                return depth in _DEPTHS
            case "kline", [interval]:
                return interval in INTERVALS_MS
            case (("publicTrade" | "tickers" | "allLiquidation"), []):
                return True
            case _:
                return False

    def snapshot(self, category: str, topic: str) -> bytes | None:
        """The first frame of a subscription."""
        return self._feeds[topic.rpartition(".")[2]].snapshot(topic, self._now_ms) if category == _CATEGORY else None

    def instruments(self, category: str) -> list[Item]:
        """Return the instruments of a category."""
        return [market.recorded.instrument for market in self._of(category).values()]

    def tickers(self, category: str) -> list[Item]:
        """Return the tickers; REST names a few fields that the stream does not."""
        items = []
        for symbol in self._of(category):
            fields = self._tickers[symbol].fields(self._books[symbol].tick_at(self._now_ms))
            rest = {name: value for name, value in fields.items() if name != "tickDirection"}
            items.append({"symbol": symbol, **rest, **_REST_ONLY})
        return items

    def klines(
        self, category: str, symbol: str, interval: str, price: str, start_ms: int, end_ms: int
    ) -> list[list[str]]:
        """Bars of trades (with volume and turnover), mark, index or premium prices."""
        market = self._of(category).get(symbol)
        if market is None or interval not in INTERVALS_MS:
            return []
        offset = MONDAY_MS if interval == "W" else 0
        times, rows = market.bars(INTERVALS_MS[interval], offset, start_ms, end_ms, self._now_ms)
        units = market.units
        if price == "trade":
            return [
                [
                    str(at),
                    *(units.trimmed_price(p) for p in (o, h, low, c)),
                    units.trimmed_size(volume),
                    units.turnover(turnover),
                ]
                for at, (o, h, low, c, volume, turnover) in zip(times.tolist(), rows.tolist(), strict=True)
            ]
        ratio = _ratio(self._tickers[symbol], price)
        length = INTERVALS_MS[interval]
        found = []
        for at, (o, h, low, c, _, _) in zip(times.tolist(), rows.tolist(), strict=True):
            first, last = ratio(at), ratio(min(at + length, self._now_ms))
            if price == "premium":
                found.append([str(at), *(f"{r:.6f}" for r in (first, max(first, last), min(first, last), last))])
                continue
            scale = units.step / 10**units.price_decimals
            opened, closed = o * first * scale, c * last * scale
            top, bottom = h * max(first, last) * scale, low * min(first, last) * scale
            found.append([str(at), *(f"{p:.{units.price_decimals}f}" for p in (opened, top, bottom, closed))])
        return found

    def orderbook(self, category: str, symbol: str, depth: int) -> Item | None:
        """Return the best `depth` levels of each side of the book; `None` for an unknown symbol."""
        if symbol not in self._of(category):
            return None
        book, units, feeds = self._books[symbol], self._markets[symbol].units, self._feeds[symbol]
        tick = book.tick_at(self._now_ms)
        bids, asks = book.levels(tick, depth)
        return {
            "s": symbol,
            "b": [[units.price(price), units.size(size)] for price, size in bids],
            "a": [[units.price(price), units.size(size)] for price, size in asks],
            "ts": book.time_of(tick) + 1,
            "u": feeds.update_id(tick),
            "seq": feeds.seq(tick),
            "cts": book.time_of(tick),
        }

    def trades(self, category: str, symbol: str, limit: int) -> list[Item]:
        """Return the latest `limit` trades, oldest first; none for an unknown symbol."""
        market = self._of(category).get(symbol)
        if market is None:
            return []
        after = self._now_ms
        found: list[PlayedTrade] = []
        while len(found) < limit and after > self._timeline.minutes_ms:
            before, after = after, max(after - 10 * MINUTE_MS, self._timeline.minutes_ms)
            found = market.trades(after, before) + found
        feeds, units, book = self._feeds[symbol], market.units, self._books[symbol]
        return [
            {
                "execId": feeds.trade_id(trade),
                "symbol": symbol,
                "price": feeds.price_text(trade.ticks),
                "size": units.size(trade.lots),
                "side": "Buy" if trade.buy else "Sell",
                "time": str(trade.at_ms),
                "isBlockTrade": False,
                "isRPITrade": False,
                "seq": str(feeds.seq(book.tick_at(trade.at_ms)) + 1),
            }
            for trade in found[-limit:]
        ]

    def open_interest(self, category: str, symbol: str, interval: str, start_ms: int, end_ms: int) -> list[Item]:
        """Open interest history, both sides summed."""
        items = []
        for at in self._instants(category, symbol, interval, start_ms, end_ms):
            lots = self._tickers[symbol].open_interest(at)
            units = self._markets[symbol].units
            items.append(
                {
                    "openInterest": units.size(lots),
                    "timestamp": str(at),
                    "singleOpenInterest": units.size(lots // 2),
                }
            )
        return items

    def funding(self, category: str, symbol: str, start_ms: int, end_ms: int) -> list[Item]:
        """Settled funding rates, as recorded."""
        market = self._of(category).get(symbol)
        if market is None:
            return []
        interval = int(market.recorded.facts.funding_min) * MINUTE_MS
        first = -(-max(start_ms, self._timeline.coarse_ms) // interval) * interval
        ticker = self._tickers[symbol]
        return [
            {"symbol": symbol, "fundingRate": ticker.settled(at), "fundingRateTimestamp": str(at)}
            for at in range(first, min(end_ms, self._now_ms) + 1, interval)
            if ticker.settles(at)
        ]

    def account_ratio(self, category: str, symbol: str, period: str, start_ms: int, end_ms: int) -> list[Item]:
        """Shares of accounts net long and net short."""
        items = []
        for at in self._instants(category, symbol, period, start_ms, end_ms):
            share = round(self._tickers[symbol].long_share(at), 4)
            items.append(
                {"symbol": symbol, "buyRatio": f"{share:.4f}", "sellRatio": f"{1 - share:.4f}", "timestamp": str(at)}
            )
        return items

    def _of(self, category: str) -> dict[str, SymbolMarket]:
        return self._markets if category == _CATEGORY else {}

    def _instants(self, category: str, symbol: str, period: str, start_ms: int, end_ms: int) -> range:
        if symbol not in self._of(category) or period not in _PERIODS_MS:
            return range(0)
        step = _PERIODS_MS[period]
        first = -(-max(start_ms, self._timeline.minutes_ms + _LEAD_MS) // step) * step
        return range(first, min(end_ms, self._now_ms) + 1, step)


_REST_ONLY = {
    "predictedDeliveryPrice": "", "basisRate": "", "deliveryFeeRate": "", "deliveryTime": "0", "basis": "",
}  # fmt: skip


def _ratio(ticker: TickerModel, price: str) -> Callable[[int], float]:
    """Ratio of a derived price to the last price; for `premium` the premium itself."""
    if price == "mark":
        return ticker.mark_ratio
    if price == "index":
        return ticker.index_ratio
    return lambda at_ms: 1 / ticker.index_ratio(at_ms) - 1
