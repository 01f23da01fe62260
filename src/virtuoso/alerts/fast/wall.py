"""Finds book walls: resting orders far larger than the rest of the visible book, near the touch, that stay."""

from collections.abc import Mapping
from math import exp, inf

from virtuoso.alerts.fast.baseline import LogBaseline
from virtuoso.alerts.fast.findings import Findings
from virtuoso.model.alerts.incident import Severity
from virtuoso.model.catalogue.detectors import BookWallParameters
from virtuoso.model.market import Side
from virtuoso.model.text.numbers import PLAIN, Denomination

KIND = "book_wall"
_LOOKS_READY = 600
_HALF_LIFE_LOOKS = 1_800.0
_LEAST_LEVELS = 10
_GAP_MS = 30_000


class BookWalls:
    """Judges both sides of a symbol's book, once a second.

    A wall is within `within_bp` of the best price and there at every look for `stay`; its size is `ratio` times the
    mean of its side's other levels, and by `sigmas` more than is usual of the largest one.

    The queue at the best price is the largest of most books, so a wall is one behind it; when the price comes to a wall
    it stays one. What is usual is the largest level behind the best against the mean, as seen in the last half hour: a
    symbol with a habit of large orders at round prices needs a larger one.
    """

    __slots__ = ("_asks", "_bids")

    def __init__(
        self, symbol: str, parameters: BookWallParameters, findings: Findings, denomination: Denomination = PLAIN
    ) -> None:
        self._bids = _Side(symbol, Side.BUY, parameters, findings, denomination)
        self._asks = _Side(symbol, Side.SELL, parameters, findings, denomination)

    def observe(
        self,
        event_ms: int,
        bid: float,
        ask: float,
        bids: Mapping[float, float],
        asks: Mapping[float, float],
        now_ns: int,
    ) -> None:
        """Judge a book by its best prices and its sizes by price."""
        self._bids.observe(event_ms, bid, bids, now_ns)
        self._asks.observe(event_ms, ask, asks, now_ns)

    def gone(self, now_ns: int) -> None:
        """End the walls of both sides, because there is no valid book."""
        self._bids.drop(now_ns)
        self._asks.drop(now_ns)


class _Side:
    __slots__ = ("_baseline", "_denomination", "_findings", "_latest_ms", "_open", "_parameters", "_price", "_side",
                 "_since_ms", "_stay_ms", "_symbol")  # fmt: skip

    def __init__(
        self, symbol: str, side: Side, parameters: BookWallParameters, findings: Findings, denomination: Denomination
    ) -> None:
        self._symbol = symbol
        self._denomination = denomination
        self._side = side
        self._parameters = parameters
        self._stay_ms = int(parameters.stay * 1_000)
        self._findings = findings
        self._baseline = LogBaseline(_HALF_LIFE_LOOKS)
        self._price: float | None = None
        self._since_ms = self._latest_ms = 0
        self._open = False

    def observe(self, event_ms: int, best: float, levels: Mapping[float, float], now_ns: int) -> None:
        if not 0 <= event_ms - self._latest_ms < _GAP_MS:
            self.drop(now_ns)
        self._latest_ms = event_ms
        if len(levels) < _LEAST_LEVELS:
            return
        sizes = list(levels.values())
        total, large = sum(sizes), max(sizes)
        if large == levels.get(best):
            sizes.remove(large)
            large = max(sizes)
        others = (total - large) / (len(levels) - 1)
        if not 0.0 < others < inf:
            return
        ready = self._baseline.count >= _LOOKS_READY
        ratio = max(self._parameters.ratio, exp(self._baseline.mean + self._parameters.sigmas * self._baseline.spread))
        self._baseline.learn(large / others)
        if not ready:
            return
        if self._price is not None and not self._stands(levels, total, ratio):
            self.drop(now_ns)
        if self._price is None and large >= ratio * others:
            price = next(price for price, size in levels.items() if size == large and price != best)
            if self._near(price, best, 1.0):
                self._price, self._since_ms = price, event_ms
        if self._price is None:
            return
        if not self._near(self._price, best, 2.0):
            self.drop(now_ns)
        elif not self._open and event_ms - self._since_ms >= self._stay_ms:
            self._found(event_ms, best, levels, total, ratio, now_ns)

    def drop(self, now_ns: int) -> None:
        """End a wall that is gone, or of which nothing is known."""
        self._price = None
        if self._open:
            self._open = False
            self._findings.over(KIND, now_ns, symbol=self._symbol, side=self._side)

    def _stands(self, levels: Mapping[float, float], total: float, ratio: float) -> bool:
        """Say whether the wall is there; once found, half of its size is enough."""
        size = levels.get(self._price or 0.0, 0.0)
        least = ratio / 2 if self._open else ratio
        return size >= least * (total - size) / (len(levels) - 1)

    def _near(self, price: float, best: float, times: float) -> bool:
        return abs(price - best) <= times * self._parameters.within_bp * 1e-4 * best

    def _found(
        self, event_ms: int, best: float, levels: Mapping[float, float], total: float, ratio: float, now_ns: int
    ) -> None:
        self._open = True
        price = self._price or 0.0
        size = levels[price]
        mean = (total - size) / (len(levels) - 1)
        stayed_s = (event_ms - self._since_ms) / 1000
        name, denomination = "bid" if self._side is Side.BUY else "ask", self._denomination
        self._findings.found(
            KIND,
            Severity.INFO,
            f"{self._symbol}: {denomination.size(size)} on the {name} at {denomination.price(price)} "
            f"for {stayed_s:.0f} s, "
            f"{size / mean:.0f} times a mean level",
            now_ns,
            symbol=self._symbol,
            side=self._side,
            value=price * size,
            details={
                "side": self._side, "direction": "up" if self._side is Side.BUY else "down", "price": price,
                "size": size, "value": price * size, "times_mean": size / mean,
                "usual_times_mean": self._baseline.typical,
                "threshold": ratio, "unit": "mean levels", "stayed_s": stayed_s,
                "distance_bp": 1e4 * abs(price - best) / best, "event_ms": event_ms,
            },
        )  # fmt: skip
