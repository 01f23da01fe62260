"""A raw capture of the real exchange, pushed as it was, its times shifted to now. Then it starts over."""

import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

import msgspec

from virtuoso.model.quality import DataSource
from virtuoso.simulator.capture_file import read_capture
from virtuoso.simulator.replayed.topics import Book
from virtuoso.simulator.source import Item, Push

_DEPTH = 200
_DERIVED = (1, 50)
_REPUSH_MS = 3_000
_HOUR_MS = 3_600_000
_TIMES = re.compile(rb'("(?:ts|cts|T|start|end|timestamp)":)(\d{13})')
_KINDS = frozenset({"tickers", "publicTrade", "allLiquidation", "kline", "orderbook"})
_SILENT_DEPTHS = frozenset({"1", "50", "200", "1000"})


class _Book(Book):
    """A 200-level book, from which smaller depths are derived."""

    def __init__(self, topic: str) -> None:
        super().__init__(topic)
        self.sent: dict[int, tuple[list[list[str]], list[list[str]]]] = {}


class CaptureSource:
    """Frames keep their bytes but for the times; depths 1 and 50 are derived from the 200-level books.

    Topics that were not recorded are known and silent; REST answers from what the frames held.
    """

    origin = DataSource.REPLAY

    def __init__(self, path: Path, start_ms: int) -> None:
        captured = read_capture(path)
        self._frames, self._instruments = captured.frames, captured.instruments
        self._first_ms = self._frames[0][0]
        self._length_ms = self._frames[-1][0] - self._first_ms + 1_000
        self._begin(start_ms)

    def _begin(self, start_ms: int) -> None:
        """From the first frame, at exchange time `start_ms`."""
        self._now_ms = start_ms
        self._start_ms = start_ms
        self._next = 0
        self._books: dict[tuple[str, str], _Book] = {}
        self._touches: dict[tuple[str, str], Push] = {}
        self._tickers: dict[tuple[str, str], dict[str, Any]] = {}
        self._trades: dict[tuple[str, str], list[Item]] = {}
        self._bars: dict[tuple[str, str], dict[int, dict[str, Any]]] = {}

    @property
    def caveat(self) -> str:
        """That it knows no bars from before it, of which scores need hours: a short one begins anew first."""
        until = "" if self._length_ms < _HOUR_MS else " in its first hours"
        return (
            f"the capture lasts {self._length_ms / 1000:.0f} s and has no bars from before it: whoever watches it "
            f"scores nothing{until}; --source history has the bars of weeks"
        )

    def advance(self, to_ms: int, wanted: Collection[tuple[str, str]]) -> list[Push]:
        """Frames due; from the end it begins anew."""
        if to_ms >= self._start_ms + self._length_ms:
            self._begin(to_ms)
        pushes: list[Push] = []
        asked = set(wanted)
        while self._next < len(self._frames) and self._due(self._next) <= to_ms:
            at_ms, category, frame = self._due(self._next), *self._frames[self._next][1:]
            self._next += 1
            shifted = self._shifted(frame)
            message = msgspec.json.decode(shifted)
            topic = message["topic"]
            self._remember(category, message)
            if (category, topic) in asked:
                pushes.append(Push(at_ms, category, topic, shifted))
            if topic.startswith("orderbook."):
                pushes += self._derived(category, topic.rpartition(".")[2], at_ms, asked)
        pushes += self._repeated(asked, to_ms)
        pushes.sort(key=lambda push: push.at_ms)
        self._now_ms = max(self._now_ms, to_ms)
        return pushes

    def _repeated(self, asked: set[tuple[str, str]], to_ms: int) -> list[Push]:
        """Level 1 again, as it was and with the same `u`, when it did not change for 3 s."""
        pushes = []
        for key in [key for key in self._touches if key in asked]:
            last = self._touches[key]
            while last.at_ms + _REPUSH_MS <= to_ms:
                last = last._replace(at_ms=last.at_ms + _REPUSH_MS)
                pushes.append(last)
            self._touches[key] = last
        return pushes

    def due_ms(self) -> int:
        """When the next frame was captured, whoever wants it, or the best prices are due again."""
        again = [last.at_ms + _REPUSH_MS for last in self._touches.values()]
        following = self._due(self._next) if self._next < len(self._frames) else self._start_ms + self._length_ms
        return min([following, *again])

    def restarts_at(self) -> int | None:
        """Return the exchange time (epoch ms) at which the capture ends and starts over."""
        return self._start_ms + self._length_ms

    def knows(self, category: str, topic: str) -> bool:
        """Any well-formed topic of a recorded instrument; what was not recorded is silent."""
        kind, *rest = topic.split(".")
        if kind not in _KINDS or not rest or rest[-1] not in self._names(category):
            return False
        return kind != "orderbook" or (len(rest) == 2 and rest[0] in _SILENT_DEPTHS)

    def snapshot(self, category: str, topic: str) -> bytes | None:
        """The book or ticker as it stands."""
        kind, *rest = topic.split(".")
        symbol = rest[-1]
        if kind == "tickers" and (ticker := self._tickers.get((category, symbol))) is not None:
            return msgspec.json.encode(ticker | {"type": "snapshot"})
        book = self._books.get((category, symbol))
        if kind != "orderbook" or book is None or rest[0] == "1000":
            return None
        depth = int(rest[0])
        bids, asks = book.top(depth)
        if depth in _DERIVED:
            book.sent[depth] = (bids, asks)
        return self._book_frame(book, depth, symbol, "snapshot", bids, asks)

    def instruments(self, category: str) -> list[Item]:
        """Return the recorded instruments of a category."""
        return self._instruments.get(category, [])

    def tickers(self, category: str) -> list[Item]:
        """The latest ticker of each symbol, as heard so far."""
        return [message["data"] for (of, _), message in self._tickers.items() if of == category]

    def klines(
        self, category: str, symbol: str, interval: str, price: str, start_ms: int, end_ms: int
    ) -> list[list[str]]:
        """The minutes heard so far; nothing else was recorded."""
        if interval != "1" or price != "trade":
            return []
        names = ("open", "high", "low", "close", "volume", "turnover")
        bars = self._bars.get((category, symbol), {})
        return [[str(at), *(bar[n] for n in names)] for at, bar in sorted(bars.items()) if start_ms <= at <= end_ms]

    def orderbook(self, category: str, symbol: str, depth: int) -> Item | None:
        """The book as it stands, at most 200 levels."""
        book = self._books.get((category, symbol))
        if book is None:
            return None
        bids, asks = book.top(depth)
        data, message = book.message["data"], book.message
        return {
            "s": symbol, "b": bids, "a": asks, "ts": message["ts"], "u": data["u"], "seq": data["seq"],
            "cts": message["cts"],
        }  # fmt: skip

    def trades(self, category: str, symbol: str, limit: int) -> list[Item]:
        """Return the latest `limit` trades that were pushed so far, as REST items."""
        return [
            {
                "execId": item["i"], "symbol": symbol, "price": item["p"], "size": item["v"], "side": item["S"],
                "time": str(item["T"]), "isBlockTrade": item["BT"], "isRPITrade": item["RPI"], "seq": str(item["seq"]),
            }
            for item in self._trades.get((category, symbol), [])[-limit:]
        ]  # fmt: skip

    def open_interest(self, category: str, symbol: str, interval: str, start_ms: int, end_ms: int) -> list[Item]:
        """Return no items: open interest by interval is not recorded."""
        return []

    def funding(self, category: str, symbol: str, start_ms: int, end_ms: int) -> list[Item]:
        """Return no items: settled funding rates are not recorded."""
        return []

    def account_ratio(self, category: str, symbol: str, period: str, start_ms: int, end_ms: int) -> list[Item]:
        """Return no items: account ratios are not recorded."""
        return []

    def _names(self, category: str) -> set[str]:
        return {item["symbol"] for item in self._instruments.get(category, [])}

    def _due(self, number: int) -> int:
        return self._start_ms + self._frames[number][0] - self._first_ms

    def _shifted(self, frame: bytes) -> bytes:
        shift = self._start_ms - self._first_ms
        return _TIMES.sub(lambda match: match[1] + str(int(match[2]) + shift).encode(), frame)

    def _remember(self, category: str, message: dict[str, Any]) -> None:
        kind, *rest = message["topic"].split(".")
        key = (category, rest[-1])
        match kind:
            case "orderbook":
                self._books.setdefault(key, _Book(message["topic"])).apply(message)
            case "tickers":
                old = self._tickers.get(key, {"data": {}})
                self._tickers[key] = message | {"data": old["data"] | message["data"]}
            case "publicTrade":
                self._trades.setdefault(key, []).extend(message["data"])
            case "kline":
                for bar in message["data"]:
                    self._bars.setdefault(key, {})[bar["start"]] = bar

    def _derived(self, category: str, symbol: str, at_ms: int, asked: set[tuple[str, str]]) -> list[Push]:
        """Frames of the smaller depths: level 1 as snapshots when it changed, level 50 as deltas."""
        book = self._books[(category, symbol)]
        pushes = []
        for depth in _DERIVED:
            topic = f"orderbook.{depth}.{symbol}"
            if (category, topic) not in asked:
                book.sent.pop(depth, None)
                continue
            bids, asks = book.top(depth)
            before = book.sent.get(depth)
            book.sent[depth] = (bids, asks)
            if depth == 1 and before == (bids, asks):
                continue
            kind = "snapshot" if depth == 1 or before is None or book.message["type"] == "snapshot" else "delta"
            if kind == "delta" and before is not None:
                bids, asks = _difference(before[0], bids), _difference(before[1], asks)
            push = Push(at_ms, category, topic, self._book_frame(book, depth, symbol, kind, bids, asks))
            pushes.append(push)
            if depth == 1:
                pushes[:0] = self._repeated({(category, topic)}, at_ms - 1)
                self._touches[category, topic] = push
        return pushes

    @staticmethod
    def _book_frame(
        book: _Book, depth: int, symbol: str, kind: str, bids: list[list[str]], asks: list[list[str]]
    ) -> bytes:
        data = book.message["data"] | {"b": bids, "a": asks}
        topic = f"orderbook.{depth}.{symbol}"
        return msgspec.json.encode(book.message | {"topic": topic, "type": kind, "data": data})


def _difference(before: list[list[str]], after: list[list[str]]) -> list[list[str]]:
    old, new = {level[0]: level[1] for level in before}, {level[0]: level[1] for level in after}
    changed = [[price, size] for price, size in new.items() if old.get(price) != size]
    return changed + [[price, "0"] for price in old if price not in new]
