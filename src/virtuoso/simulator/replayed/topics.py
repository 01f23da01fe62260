"""What is known of each topic at a moment of a recording: enough to make the snapshot that a new subscriber gets."""

import re
from heapq import nlargest
from typing import Any

import msgspec

from virtuoso.simulator.source import Item

_TOPIC = re.compile(rb'\{"topic":"([^"]{1,100})"')

Side = dict[str, str]


class Book:
    """A book of one depth in the wire's own strings."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.bids: Side = {}
        self.asks: Side = {}
        self.message: dict[str, Any] = {}

    def copy(self) -> "Book":
        """The same again, which does not change with this one."""
        made = Book(self.topic)
        made.bids, made.asks, made.message = dict(self.bids), dict(self.asks), self.message
        return made

    def apply(self, message: dict[str, Any]) -> None:
        """Take a snapshot or a delta of the topic."""
        data = message["data"]
        if message["type"] == "snapshot":
            self.bids, self.asks = dict(data["b"]), dict(data["a"])
        else:
            for side, levels in ((self.bids, data["b"]), (self.asks, data["a"])):
                for price, size in levels:
                    if size == "0":
                        side.pop(price, None)
                    else:
                        side[price] = size
        self.message = message

    def top(self, depth: int) -> tuple[list[list[str]], list[list[str]]]:
        """The best `depth` bids and asks, best first."""
        bids = sorted(self.bids.items(), key=lambda level: float(level[0]), reverse=True)[:depth]
        asks = sorted(self.asks.items(), key=lambda level: float(level[0]))[:depth]
        return [list(level) for level in bids], [list(level) for level in asks]

    def snapshot(self) -> bytes:
        """The book as it stands, with the update id of its last frame: the next recorded delta follows it."""
        bids, asks = self.top(len(self.bids) + len(self.asks))
        return msgspec.json.encode(
            self.message | {"type": "snapshot", "data": self.message["data"] | {"b": bids, "a": asks}}
        )


class Topics:
    """What was said so far, by topic."""

    def __init__(self) -> None:
        self.books: dict[str, Book] = {}
        self.tickers: dict[str, dict[str, Any]] = {}
        self.bars: dict[str, dict[str, dict[int, dict[str, Any]]]] = {}
        """By symbol and interval: the bars that were streamed, by their open."""
        self.trades: dict[str, list[Item]] = {}
        self.carriers: dict[str, int] = {}
        """The connection on which each topic came last."""

    def marked(self) -> "Topics":
        """What is known now, which does not change with this one; of bars only those that may change yet."""
        made = Topics()
        made.books = {topic: book.copy() for topic, book in self.books.items()}
        made.tickers = dict(self.tickers)
        made.bars = {
            symbol: {interval: {at: bars[at] for at in nlargest(_OPEN_BARS, bars)} for interval, bars in each.items()}
            for symbol, each in self.bars.items()
        }
        made.trades = {symbol: list(items) for symbol, items in self.trades.items()}
        made.carriers = dict(self.carriers)
        return made

    def back_at(self, mark: "Topics") -> "Topics":
        """What was known when `mark` was made, with the older bars of this one, which is at a later moment."""
        made = mark.marked()
        for symbol, each in made.bars.items():
            for interval, bars in each.items():
                first = min(bars)
                older = {at: bar for at, bar in self.bars[symbol][interval].items() if at < first}
                each[interval] = older | bars
        return made

    def deepest(self, symbol: str) -> Book | None:
        """The book with the most levels of a symbol; `None` where none was recorded."""
        found = [book for topic, book in self.books.items() if topic.rpartition(".")[2] == symbol]
        return max(found, key=lambda book: int(book.topic.split(".")[1]), default=None)

    def forget(self, connection: int | None) -> None:
        """What came on a connection (`None`: on any) does not stand any more."""
        for topic, by in list(self.carriers.items()):
            if connection in {None, by}:
                del self.carriers[topic]
                self.books.pop(topic, None)
                if topic.startswith("tickers."):
                    self.tickers.pop(topic.rpartition(".")[2], None)

    def take(self, payload: bytes, connection: int = 0) -> str | None:
        """Take a frame; its topic, `None` where it has none."""
        found = _TOPIC.match(payload)
        if found is None:
            return None
        topic = found[1].decode()
        self.carriers[topic] = connection
        kind, _, rest = topic.partition(".")
        symbol = rest.rpartition(".")[2]
        match kind:
            case "orderbook":
                message = msgspec.json.decode(payload)
                book = self.books.get(topic)
                if book is None and message["type"] == "snapshot":
                    book = self.books[topic] = Book(topic)
                if book is not None:
                    book.apply(message)
            case "tickers":
                message = msgspec.json.decode(payload)
                old = self.tickers.get(symbol)
                if old is not None or message["type"] == "snapshot":
                    data = ({} if old is None else old["data"]) | message["data"]
                    self.tickers[symbol] = message | {"data": data, "topic": topic}
            case "kline":
                bars = self.bars.setdefault(symbol, {}).setdefault(rest.partition(".")[0], {})
                for bar in msgspec.json.decode(payload)["data"]:
                    bars[bar["start"]] = bar
            case "publicTrade":
                kept = self.trades.setdefault(symbol, [])
                kept.extend(msgspec.json.decode(payload)["data"])
                del kept[:-_TRADES]
            case _:
                pass
        return topic

    def snapshot(self, topic: str) -> bytes | None:
        """The frame that a subscriber gets first; `None` where a topic has none, or nothing was said yet."""
        kind, _, rest = topic.partition(".")
        if kind == "tickers" and (ticker := self.tickers.get(rest)) is not None:
            return msgspec.json.encode(ticker | {"type": "snapshot"})
        book = self.books.get(topic)
        return None if book is None else book.snapshot()


_OPEN_BARS = 3
"""Of a symbol and interval: the last, and those before it that may be told again. Older ones change no more."""
_TRADES = 1_000
"""Of a symbol: as many as a question may ask for."""
