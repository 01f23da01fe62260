"""What the exchange really said, and since when the program is owed a frame that is true."""

from collections import deque

from tests.faults.hostile.odd import Json

from virtuoso.model.feed import UNREADABLE

_KEPT_S = 150.0


class Truth:
    """What the exchange really said, whatever was made of it on the way."""

    def __init__(self) -> None:
        self.prices: dict[str, deque[tuple[float, float]]] = {}
        self.owed_s: dict[str, float] = {}
        """Since when nothing true of a topic came, though there was something to say."""
        self.spoilt_s: dict[str, float] = {}
        """Since when something came that was not true; what is merely lost must be proved by other topics first."""
        self.hit_s: dict[str, float] = {}
        """When a fault first touched a topic."""
        self.untrue: set[str] = set()
        """Topics of which the fault made a frame say what is not so."""
        self.touched: dict[str, int] = {}
        """Frames of each topic that the fault touched."""
        self.enough_s: float | None = None
        """When the fault had touched so many of one topic that this must be told."""
        self.answered_s: dict[str, float] = {}
        self.symbols: set[str] = set()

    def struck(self) -> None:
        """A fault begins."""
        self.hit_s.clear()
        self.untrue.clear()
        self.touched.clear()
        self.enough_s = None

    def frame(self, topic: str, *, honest: bool, lost: bool, lied: bool, now_s: float) -> None:
        """One went through, or was kept or spoilt."""
        if honest:
            self.owed_s.pop(topic, None)
            self.spoilt_s.pop(topic, None)
            return
        self.hit_s.setdefault(topic, now_s)
        self.touched[topic] = self.touched.get(topic, 0) + 1
        if self.enough_s is None and self.touched[topic] >= UNREADABLE:
            self.enough_s = now_s
        self.owed_s.setdefault(topic, now_s)
        if lied:
            self.untrue.add(topic)
        if not lost:
            self.spoilt_s.setdefault(topic, now_s)

    def begun(self, topics: list[str]) -> None:
        """They are subscribed to: a tape and bars begin anew, and what they missed is asked for."""
        for topic in topics:
            if not topic.startswith(("tickers", "orderbook")):
                self.owed_s.pop(topic, None)
                self.spoilt_s.pop(topic, None)

    def last(self, ticker: Json, now_s: float) -> None:
        """Note the price of a ticker."""
        if price := ticker.get("lastPrice"):
            told = self.prices.setdefault(ticker["symbol"], deque(maxlen=2_000))
            told.append((now_s, float(price)))
            while len(told) > 1 and now_s - told[1][0] > _KEPT_S:
                told.popleft()

    def listed(self, tickers: list[Json], now_s: float) -> None:
        """Note what the list of tickers says, whatever became of it."""
        self.symbols = {ticker["symbol"] for ticker in tickers}
        for ticker in tickers:
            self.last(ticker, now_s)

    def band(self, symbol: str, since_s: float) -> tuple[float, float] | None:
        """Least and greatest true price since then, that which stood then included."""
        recent = []
        for at_s, price in reversed(self.prices.get(symbol, ())):
            recent.append(price)
            if at_s < since_s:
                break
        return (min(recent), max(recent)) if recent else None
