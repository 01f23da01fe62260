"""Symbols that come, go and change their names: a source seen through the faults in force."""

from collections.abc import Callable, Collection, Iterable

from virtuoso.model.quality import DataSource
from virtuoso.simulator.faults import Faults
from virtuoso.simulator.source import Item, Push, Source

_MINUTE_MS = 60_000


class Listing:
    """Implements `simulator.source.Source`: `delist` hides a symbol, `rename` moves it, `list` adds a copy of one."""

    def __init__(self, source: Source, faults: Faults, monotonic_s: Callable[[], float]) -> None:
        self.origin: DataSource = source.origin
        self._source = source
        self._faults = faults
        self._now_s = monotonic_s
        self._changed = False
        """Whether a name ever came or went: there may be subscribers to it still."""

    def _names(self) -> tuple[set[str], dict[str, str]]:
        """Symbols that are gone, and new names with the symbol each is a copy of."""
        now_s = self._now_s()
        renamed = self._faults.all("rename", now_s)
        gone = {fault.symbol or "" for fault in (*self._faults.all("delist", now_s), *renamed)}
        new = {fault.to or "": fault.symbol or "" for fault in (*self._faults.all("list", now_s), *renamed)}
        self._changed = self._changed or bool(gone or new)
        return gone, new

    def _of(self, name: str) -> str | None:
        """The source's symbol behind a name; `None` when there is none."""
        if not self._faults:
            return name
        gone, new = self._names()
        return new.get(name, None if name in gone else name)

    def _topic_of(self, topic: str) -> str | None:
        kind, _, name = topic.rpartition(".")
        symbol = self._of(name)
        return None if symbol is None else f"{kind}.{symbol}"

    def advance(self, to_ms: int, wanted: Collection[tuple[str, str]]) -> Iterable[Push]:
        """Frames under the names they were asked for."""
        gone, new = self._names() if self._faults else (set(), {})
        if not self._changed:
            return self._source.advance(to_ms, wanted)
        asked: dict[tuple[str, str], list[str]] = {}
        for category, topic in wanted:
            kind, _, name = topic.rpartition(".")
            inner = f"{kind}.{new.get(name, name)}"
            if (name in new or name not in gone) and self._source.knows(category, inner):
                asked.setdefault((category, inner), []).append(topic)
        return [
            Push(push.at_ms, push.category, topic, _renamed(push.payload, push.topic, topic))
            for push in self._source.advance(to_ms, list(asked))
            for topic in asked[push.category, push.topic]
        ]

    def due_ms(self) -> int:
        """When the source next has something to say, epoch ms."""
        return self._source.due_ms()

    def restarts_at(self) -> int | None:
        """When the source starts over, epoch ms; `None` when it never does."""
        return self._source.restarts_at()

    def knows(self, category: str, topic: str) -> bool:
        """Whether a topic exists at present."""
        inner = self._topic_of(topic)
        return inner is not None and self._source.knows(category, inner)

    def snapshot(self, category: str, topic: str) -> bytes | None:
        """The first frame of a subscription."""
        inner = self._topic_of(topic)
        frame = None if inner is None else self._source.snapshot(category, inner)
        return None if frame is None or inner is None else _renamed(frame, inner, topic)

    def instruments(self, category: str) -> list[Item]:
        """Return the instruments that are listed."""
        return self._items(self._source.instruments(category))

    def tickers(self, category: str) -> list[Item]:
        """Return the tickers of what is listed."""
        return self._items(self._source.tickers(category))

    def _items(self, items: list[Item]) -> list[Item]:
        if not self._faults:
            return items
        gone, new = self._names()
        by_symbol = {item["symbol"]: item for item in items}
        kept = [item for item in items if item["symbol"] not in gone]
        return kept + [by_symbol[of] | {"symbol": name} for name, of in new.items() if of in by_symbol]

    def klines(
        self, category: str, symbol: str, interval: str, price: str, start_ms: int, end_ms: int
    ) -> list[list[str]]:
        """Bars; `missing_minutes` leaves out those that began since it was ordered."""
        items = self._source.klines(category, self._of(symbol) or symbol, interval, price, start_ms, end_ms)
        now_s = self._now_s()
        for fault in self._faults.all("missing_minutes", now_s):
            if fault.symbol == symbol and items:
                since_ms = int(items[-1][0]) - int((now_s - self._faults.since_s(fault)) * 1000) - _MINUTE_MS
                items = [item for item in items if int(item[0]) < since_ms]
        return items

    def orderbook(self, category: str, symbol: str, depth: int) -> Item | None:
        """Return the book of the symbol that stands behind this name, under this name."""
        book = self._source.orderbook(category, self._of(symbol) or symbol, depth)
        return book and book | {"s": symbol}

    def trades(self, category: str, symbol: str, limit: int) -> list[Item]:
        """Return the latest trades of the symbol that stands behind this name, under this name."""
        of = self._of(symbol) or symbol
        return self._named(self._source.trades(category, of, limit), of, symbol)

    def open_interest(self, category: str, symbol: str, interval: str, start_ms: int, end_ms: int) -> list[Item]:
        """Return the open interest of the symbol that stands behind this name."""
        return self._source.open_interest(category, self._of(symbol) or symbol, interval, start_ms, end_ms)

    def funding(self, category: str, symbol: str, start_ms: int, end_ms: int) -> list[Item]:
        """Return the settled funding rates of the symbol that stands behind this name, under this name."""
        of = self._of(symbol) or symbol
        return self._named(self._source.funding(category, of, start_ms, end_ms), of, symbol)

    def account_ratio(self, category: str, symbol: str, period: str, start_ms: int, end_ms: int) -> list[Item]:
        """Return the account ratios of the symbol that stands behind this name, under this name."""
        of = self._of(symbol) or symbol
        return self._named(self._source.account_ratio(category, of, period, start_ms, end_ms), of, symbol)

    @staticmethod
    def _named(items: list[Item], of: str, symbol: str) -> list[Item]:
        return items if of == symbol else [item | {"symbol": symbol} for item in items]


def _renamed(payload: bytes, old_topic: str, new_topic: str) -> bytes:
    old, new = old_topic.rpartition(".")[2], new_topic.rpartition(".")[2]
    if old == new:
        return payload
    return payload.replace(f'.{old}"'.encode(), f'.{new}"'.encode()).replace(f':"{old}"'.encode(), f':"{new}"'.encode())
