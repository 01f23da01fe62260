"""One symbol of the model with everything that is known of it, made when it is first asked for."""

from functools import cached_property

from virtuoso.simulator.history.feeds import INTERVALS_MS
from virtuoso.simulator.history.noise import hash_of
from virtuoso.simulator.model_market.bars import DAY_MS, SymbolBars
from virtuoso.simulator.model_market.book import BookModel
from virtuoso.simulator.model_market.factors import Factor
from virtuoso.simulator.model_market.listing import Listed
from virtuoso.simulator.model_market.market import ModelMarket
from virtuoso.simulator.model_market.slow import SlowModel
from virtuoso.simulator.model_market.ticker import TickerModel
from virtuoso.simulator.model_market.topics import BookFeed, Feed, Sequence, TickerFeed, TouchFeed
from virtuoso.simulator.model_market.traded import BarFeed, LiquidationFeed, TradeFeed

DEPTHS = (1, 50, 200, 1000)


class Symbol:
    """The models of one symbol: its market, and its book, ticker and others, which are made when first needed."""

    def __init__(self, listed: Listed, seed: int, first_day: int, market: Factor, sector: Factor) -> None:
        self.listed = listed
        key = hash_of(seed, *listed.symbol.encode())
        self.market = ModelMarket(listed, key, SymbolBars(listed, key, first_day, market, sector))
        self._first_ms = first_day * DAY_MS

    @cached_property
    def book(self) -> BookModel:
        """The model of this symbol's order book."""
        return BookModel(self.market)

    @cached_property
    def slow(self) -> SlowModel:
        """The model of what changes slowly, such as the funding rate."""
        return SlowModel(self.market)

    @cached_property
    def ticker(self) -> TickerModel:
        """The model of the ticker, made from the market, the book and what changes slowly."""
        return TickerModel(self.market, self.book, self.slow)

    @cached_property
    def sequence(self) -> Sequence:
        """The update ids and cross sequences of the symbol's frames."""
        return Sequence(self.book, self._first_ms)

    def feed(self, topic: str) -> Feed:
        """The feed of a topic that exists."""
        kind, *rest = topic.split(".")
        match kind:
            case "orderbook" if rest[0] == "1":
                return TouchFeed(self.market, self.book, self.sequence)
            case "orderbook":
                return BookFeed(self.market, self.book, self.sequence, int(rest[0]))
            case "publicTrade":
                return TradeFeed(self.market, self.sequence)
            case "tickers":
                return TickerFeed(self.market, self.ticker, self.sequence)
            case "kline":
                return BarFeed(self.market, rest[0])
            case _:
                return LiquidationFeed(self.market)


def exists(topic: str) -> bool:
    """Whether a topic is one of the market's, for a symbol that is."""
    kind, *rest = topic.split(".")
    match kind, rest[:-1]:
        case "orderbook", [depth]:
            return depth.isdecimal() and depth.isascii() and int(depth) in DEPTHS and depth[0] != "0"
        case "kline", [interval]:
            return interval in INTERVALS_MS
        case (("publicTrade" | "tickers" | "allLiquidation"), []):
            return True
        case _:
            return False
