"""The model as a market behind the embedded exchange: implements `simulator.source.Source`."""

from collections.abc import Collection

from virtuoso.model.quality import DataSource
from virtuoso.simulator.history.noise import hash_of
from virtuoso.simulator.model_market import answers
from virtuoso.simulator.model_market.bars import DAY_MS
from virtuoso.simulator.model_market.factors import HISTORY_DAYS, Factor, Regimes
from virtuoso.simulator.model_market.listing import Listed, load
from virtuoso.simulator.model_market.symbol import Symbol, exists
from virtuoso.simulator.model_market.topics import Feed
from virtuoso.simulator.source import Item, Push

_CATEGORY = "linear"
_SECTORS = 8
_WARM_AFTER_MS, _WARM_SPAN_MS = 5_000, 45_000
_MINUTE_MS = 60_000
_NEVER_MS = 1 << 62


def open_model(universe: int, seed: int, start_ms: int) -> "ModelSource":
    """The first `universe` symbols (1 to 700) by turnover, from exchange time `start_ms` (epoch ms)."""
    return ModelSource(universe, seed, start_ms)


class ModelSource:
    """Real instruments, invented prices. Everything is a function of the seed, the first day and exchange time.

    Nothing is made for a topic that is not wanted; what is made is forgotten and made again as needed.
    """

    origin = DataSource.SYNTHETIC

    def __init__(self, universe: int, seed: int, start_ms: int) -> None:
        self._now_ms = self._due_ms = start_ms
        self._seed = seed
        self._first_day = start_ms // DAY_MS
        self._listed = {listed.symbol: listed for listed in load(universe)}
        self.regimes = Regimes(hash_of(seed, 1), self._first_day - HISTORY_DAYS - 1)
        self._market = Factor(hash_of(seed, 2), self._first_day, self.regimes)
        self._sectors = [Factor(hash_of(seed, 3, i), self._first_day) for i in range(_SECTORS + 2)]
        self._symbols: dict[str, Symbol] = {}
        self._feeds: dict[tuple[str, str], Feed] = {}
        self._warm: dict[str, int] = {}

    def advance(self, to_ms: int, wanted: Collection[tuple[str, str]]) -> list[Push]:
        """All frames due in (now, to_ms] of the wanted topics, in order of time."""
        pushes: list[Push] = []
        now_ms, feeds, due_ms = self._now_ms, self._feeds, _NEVER_MS
        for key in wanted:
            feed = feeds.get(key)
            if feed is None:
                if key[0] != _CATEGORY:
                    continue
                feed = feeds[key] = self._symbol_of(key[1]).feed(key[1])
            if feed.due_ms <= to_ms:
                category, topic = key
                pushes += [Push(at_ms, category, topic, frame) for at_ms, frame in feed.frames(now_ms, to_ms)]
                self._warm_up(topic, to_ms)
            due_ms = min(due_ms, feed.due_ms)
        pushes.sort(key=lambda push: push.at_ms)
        self._now_ms, self._due_ms = max(now_ms, to_ms), due_ms
        return pushes

    def due_ms(self) -> int:
        """When one of the topics that were wanted last speaks next."""
        return self._due_ms

    def _warm_up(self, topic: str, now_ms: int) -> None:
        """Make the next minute of a symbol ahead, each at its own time, so that minutes do not begin with a stall."""
        name = topic.rpartition(".")[2]
        symbol = self._symbols[name]
        minute, into = divmod(now_ms, _MINUTE_MS)
        if self._warm.get(name) != minute and into >= _WARM_AFTER_MS + symbol.market.key % _WARM_SPAN_MS:
            self._warm[name] = minute
            symbol.market.tape(minute + 1)

    def restarts_at(self) -> int | None:
        """Return `None`: the model never starts over."""
        return None

    def knows(self, category: str, topic: str) -> bool:
        """Return whether a subscription to `topic` is accepted: its kind exists and its symbol is listed."""
        return category == _CATEGORY and topic.rpartition(".")[2] in self._listed and exists(topic)

    def snapshot(self, category: str, topic: str) -> bytes | None:
        """The first frame of a subscription."""
        return self._symbol_of(topic).feed(topic).snapshot(self._now_ms) if category == _CATEGORY else None

    def instruments(self, category: str) -> list[Item]:
        """Return the instruments, as Bybit had them."""
        return [listed.instrument for listed in self._of(category).values()]

    def tickers(self, category: str) -> list[Item]:
        """Return the tickers of all symbols of a category as of the last `advance`."""
        return [answers.ticker_item(self._symbol_of(name), self._now_ms) for name in self._of(category)]

    def klines(
        self, category: str, symbol: str, interval: str, price: str, start_ms: int, end_ms: int
    ) -> list[list[str]]:
        """Bars of trades (with volume and turnover), mark, index or premium prices."""
        if symbol not in self._of(category):
            return []
        return answers.bar_rows(self._symbol_of(symbol), interval, price, start_ms, end_ms, self._now_ms)

    def orderbook(self, category: str, symbol: str, depth: int) -> Item | None:
        """Return the best `depth` levels of each side of the book; `None` for an unknown symbol."""
        if symbol not in self._of(category):
            return None
        return answers.book_item(self._symbol_of(symbol), depth, self._now_ms)

    def trades(self, category: str, symbol: str, limit: int) -> list[Item]:
        """Return the latest `limit` trades, oldest first; none for an unknown symbol."""
        if symbol not in self._of(category):
            return []
        return answers.trade_items(self._symbol_of(symbol), limit, self._now_ms)

    def open_interest(self, category: str, symbol: str, interval: str, start_ms: int, end_ms: int) -> list[Item]:
        """Open interest history, both sides summed."""
        if symbol not in self._of(category):
            return []
        return answers.interest_items(self._symbol_of(symbol), interval, start_ms, min(end_ms, self._now_ms))

    def funding(self, category: str, symbol: str, start_ms: int, end_ms: int) -> list[Item]:
        """Return the funding rates settled in [start_ms, end_ms], but none of the future."""
        if symbol not in self._of(category):
            return []
        return answers.funding_items(self._symbol_of(symbol), start_ms, min(end_ms, self._now_ms))

    def account_ratio(self, category: str, symbol: str, period: str, start_ms: int, end_ms: int) -> list[Item]:
        """Shares of accounts net long and net short."""
        if symbol not in self._of(category):
            return []
        return answers.ratio_items(self._symbol_of(symbol), period, start_ms, min(end_ms, self._now_ms))

    def _of(self, category: str) -> dict[str, Listed]:
        return self._listed if category == _CATEGORY else {}

    def _symbol_of(self, topic: str) -> Symbol:
        """The symbol that a topic names last."""
        name = topic.rpartition(".")[2]
        if (known := self._symbols.get(name)) is not None:
            return known
        listed = self._listed[name]
        by_kind = {"stock": _SECTORS, "commodity": _SECTORS + 1}
        sector = by_kind.get(listed.kind, hash_of(*name.encode()) % _SECTORS)
        made = Symbol(listed, self._seed, self._first_day, self._market, self._sectors[sector])
        self._symbols[name] = made
        return made
