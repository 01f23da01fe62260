"""A recording as a market: its frames to the byte, and answers as they were at each moment of it."""

from collections.abc import Collection, Iterator

from virtuoso.model.quality import DataSource
from virtuoso.simulator.parameters import Refused
from virtuoso.simulator.replayed.answers import Answers, not_recorded
from virtuoso.simulator.replayed.bars import merged
from virtuoso.simulator.replayed.told import Answered, Framed, Lost, Recorded, Told
from virtuoso.simulator.replayed.topics import Topics
from virtuoso.simulator.source import Item, Push

_MINUTE_MS = 60_000
_MARK_MS = 60_000
"""Between two moments that can be gone back to without reading what was before them."""
_MOST_MARKS = 512
_SLACK_MS = 1_000
_QUIET = frozenset({"publicTrade", "allLiquidation"})
"""Kinds that may say nothing for as long as a recording lasts."""
_STREAM_ONLY = frozenset({"tickDirection"})


class ReplayedSource:
    """Implements `simulator.source.Source`. The moment moves by `advance`, `forward` and `back_to`."""

    origin = DataSource.REPLAY

    def __init__(self, recorded: Recorded) -> None:
        self.recorded = recorded
        self.moment_ms = recorded.first_ms
        """Up to which the recording was taken (exchange time)."""
        self._symbols = {topic.rpartition(".")[2] for topic in recorded.topics}
        self._answers = Answers()
        self._topics = Topics()
        self._marks: list[tuple[int, Topics]] = []
        self._told_ms = 0
        self._tape: Iterator[Told] = recorded.tape(None)
        self._next: Told | None = next(self._tape, None)

    @property
    def ended(self) -> bool:
        """Whether the recording was served to its end."""
        return self._next is None

    def advance(self, to_ms: int, wanted: Collection[tuple[str, str]]) -> list[Push]:
        """The frames up to a time, as they were recorded."""
        asked, category = set(wanted), self.recorded.category
        pushes = []
        while self._next is not None and self._next.at_ms <= to_ms:
            told, topic = self._next, self._take_next()
            if topic is not None and isinstance(told, Framed) and (category, topic) in asked:
                pushes.append(Push(told.at_ms, category, topic, told.payload))
        self.moment_ms = max(self.moment_ms, to_ms)
        return pushes

    def forward(self, to_ms: int, most: int) -> bool:
        """Take at most so much of what was recorded up to a time; whether all of that was taken."""
        for _ in range(most):
            if self._next is None or self._next.at_ms > to_ms:
                self.moment_ms = max(self.moment_ms, to_ms)
                return True
            self._take_next()
        return False

    def back_to(self, to_ms: int) -> None:
        """Be at a moment at or before an earlier time; `forward` leads on to it."""
        while self._marks and self._marks[-1][0] > to_ms:
            self._marks.pop()
        if not self._marks:
            self.moment_ms, self._told_ms = self.recorded.first_ms, 0
            self._answers, self._topics = Answers(), Topics()
            self._tape = self.recorded.tape(None)
            self._next = next(self._tape, None)
            return
        self.moment_ms, mark = self._marks[-1]
        self._topics, self._told_ms = self._topics.back_at(mark), self.moment_ms
        self._answers.forget_after(self.moment_ms)
        self._tape = self.recorded.tape(self.moment_ms - _SLACK_MS)
        self._next = next((told for told in self._tape if told.at_ms > self.moment_ms), None)

    def _take_next(self) -> str | None:
        """Take what comes next; the topic of a frame."""
        told = self._next
        if told is None:
            return None
        self._mark(told.at_ms)
        topic = None
        match told:
            case Framed():
                topic = self._topics.take(told.payload, told.connection)
            case Answered():
                self._answers.take(told)
            case Lost():
                self._topics.forget(told.connection)
        self._next = next(self._tape, None)
        return topic

    def _mark(self, next_ms: int) -> None:
        """Note what is known before a time, once in a while; of many moments every other is kept."""
        last_ms = self._marks[-1][0] if self._marks else self.recorded.first_ms
        if next_ms > self._told_ms and next_ms - last_ms >= _MARK_MS:
            self._marks.append((next_ms - 1, self._topics.marked()))
            if len(self._marks) > _MOST_MARKS:
                del self._marks[::2]
        self._told_ms = max(self._told_ms, next_ms)

    def due_ms(self) -> int:
        """When the next frame or answer was recorded."""
        return self.recorded.last_ms if self._next is None else self._next.at_ms

    def restarts_at(self) -> int | None:
        """Never: at its end a recording stands still."""
        return None

    def knows(self, category: str, topic: str) -> bool:
        """A topic that was recorded; trades and liquidations of any symbol of it, which may have been silent."""
        if category != self.recorded.category:
            return False
        kind, _, rest = topic.partition(".")
        return topic in self.recorded.topics or (kind in _QUIET and rest in self._symbols)

    def snapshot(self, category: str, topic: str) -> bytes | None:
        """The book or ticker as it stands; the next recorded delta follows it."""
        return self._topics.snapshot(topic) if category == self.recorded.category else None

    def instruments(self, category: str) -> list[Item]:
        """The instruments that the recording lists in this category."""
        return self._answers.instruments() if category == self.recorded.category else []

    def tickers(self, category: str) -> list[Item]:
        """The tickers as they were answered, with what the streams said since."""
        if category != self.recorded.category:
            return []
        items = {item["symbol"]: dict(item) for item in self._answers.tickers()}
        for symbol, message in self._topics.tickers.items():
            said = {name: value for name, value in message["data"].items() if name not in _STREAM_ONLY}
            items[symbol] = items.get(symbol, {}) | said
        if not items:
            raise not_recorded("tickers")
        return list(items.values())

    def klines(
        self, category: str, symbol: str, interval: str, price: str, start_ms: int, end_ms: int
    ) -> list[list[str]]:
        """Bars as they were answered; those of trades go on with the minutes that were streamed."""
        minutes = self._topics.bars.get(symbol, {}).get("1", {}) if price == "trade" else {}
        length_ms = _length_ms(interval)
        try:
            items = self._answers.bars(price, symbol, interval)
        except Refused:
            if not minutes or length_ms is None:
                raise
            items = []
        items = items if length_ms is None else merged(items, minutes, length_ms)
        return [item for item in items if start_ms <= int(item[0]) <= min(end_ms, self.moment_ms)]

    def orderbook(self, category: str, symbol: str, depth: int) -> Item | None:
        """The deepest book that was streamed, as it stands."""
        book = self._topics.deepest(symbol)
        if book is None:
            raise not_recorded(f"orderbook {symbol}")
        bids, asks = book.top(depth)
        data, message = book.message["data"], book.message
        return {
            "s": symbol, "b": bids, "a": asks, "ts": message["ts"], "u": data["u"], "seq": data["seq"],
            "cts": message["cts"],
        }  # fmt: skip

    def trades(self, category: str, symbol: str, limit: int) -> list[Item]:
        """Trades as they were answered, and those that were streamed since."""
        streamed = self._topics.trades.get(symbol, [])
        try:
            items = self._answers.items("recent-trade", symbol)
        except Refused:
            if not streamed:
                raise
            items = []
        found = {item["execId"]: item for item in items}
        for item in streamed:
            found[item["i"]] = {
                "execId": item["i"], "symbol": symbol, "price": item["p"], "size": item["v"], "side": item["S"],
                "time": str(item["T"]), "isBlockTrade": item["BT"], "isRPITrade": item.get("RPI", False),
                "seq": str(item.get("seq", "")),
            }  # fmt: skip
        return sorted(found.values(), key=lambda item: int(item["time"]))[-limit:]

    def open_interest(self, category: str, symbol: str, interval: str, start_ms: int, end_ms: int) -> list[Item]:
        """Open interest as it was answered."""
        return _between(self._answers.items("open-interest", symbol, interval), "timestamp", start_ms, end_ms)

    def funding(self, category: str, symbol: str, start_ms: int, end_ms: int) -> list[Item]:
        """Settled funding as it was answered."""
        return _between(self._answers.items("funding/history", symbol), "fundingRateTimestamp", start_ms, end_ms)

    def account_ratio(self, category: str, symbol: str, period: str, start_ms: int, end_ms: int) -> list[Item]:
        """Account ratios as they were answered."""
        return _between(self._answers.items("account-ratio", symbol, period), "timestamp", start_ms, end_ms)


def _length_ms(interval: str) -> int | None:
    """How long a bar is, where it can be made of minutes."""
    minutes = 1440 if interval == "D" else int(interval) if interval.isdecimal() else None
    return None if minutes is None else minutes * _MINUTE_MS


def _between(items: list[Item], name: str, start_ms: int, end_ms: int) -> list[Item]:
    return sorted((r for r in items if start_ms <= int(r[name]) <= end_ms), key=lambda item: int(item[name]))
