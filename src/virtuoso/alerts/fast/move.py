"""Finds sudden moves of the price within a minute, or within some, in units of its own volatility."""

from collections.abc import Sequence
from math import exp, inf, log, log1p, sqrt

from virtuoso.alerts.fast.findings import Findings
from virtuoso.alerts.fast.market_move import MarketMove
from virtuoso.alerts.incidents import Details
from virtuoso.model.alerts.incident import Severity
from virtuoso.model.catalogue.detectors import SuddenMoveParameters
from virtuoso.model.text.numbers import PLAIN, Denomination
from virtuoso.model.units import unit_jump

KIND = "sudden_move"
_GAP_S = 30
_WRONG_S = 60
_MINUTE_MS = 60_000


class SuddenMove:
    """Compares a symbol's last price with earlier ones.

    A move counts when |ln(p/p₀)| ≥ k·σ₁·√(seconds/60) over `seconds`, σ₁ being that of one minute; or ≥ k'·σ₁·√m over
    m = `window_minutes` closed minutes and the running one. k and k' are what the symbol's own moves reach but once
    in days (`MoveTails`), `sigmas` and `window_sigmas` at least. None counts below ln(1 + `floor_pct`/100).

    The price at the end of each of the last seconds is kept, and the bounds beyond which a price is a finding are found
    once a second, so that a price costs three comparisons. It is over when both moves are back to half of what it took.

    Attributes:
        begin_ms, end_ms: the second (event time) in which a price within `low` and `high` is no finding.
        last: the latest price.
    """

    __slots__ = (
        "_closes", "_closes_ms", "_denomination", "_down", "_findings", "_joined", "_limit", "_market", "_parameters",
        "_ring", "_second", "_shared", "_side", "_sigma", "_since", "_symbol", "_up", "_window_down", "_window_limit",
        "_window_up", "begin_ms", "end_ms", "high", "last", "low",
    )  # fmt: skip

    def __init__(
        self,
        symbol: str,
        parameters: SuddenMoveParameters,
        findings: Findings,
        market: MarketMove,
        denomination: Denomination = PLAIN,
    ) -> None:
        self._symbol = symbol
        self._denomination = denomination
        self._parameters = parameters
        self._findings = findings
        self._market = market
        self._shared = inf
        self._joined = {"up": -_GAP_S, "down": -_GAP_S}
        self._ring = [0.0] * parameters.seconds
        self._second = self._since = -1
        self.begin_ms = self.end_ms = 0
        self.low, self.high = 0.0, inf
        self._side: str | None = None
        self._sigma: float | None = None
        self._limit, self._down, self._up = inf, 0.0, inf
        self._window_limit, self._window_down, self._window_up = inf, 0.0, inf
        self._closes: tuple[float, ...] = ()
        self._closes_ms = 0
        self.last: float | None = None

    def baseline(
        self,
        sigma: float | None,
        closes: Sequence[float],
        close_ms: int,
        tail: float | None = None,
        window_tail: float | None = None,
    ) -> None:
        """Take a closed minute: σ of one minute, and the latest closes, oldest first, the last of them at `close_ms`.

        `tail` and `window_tail` are how far the symbol's own moves go but once in days, in σ of their time;
        `None` while too little of them is known.
        """
        parameters = self._parameters
        self._sigma = sigma
        if sigma is not None:
            least = log1p(parameters.floor_pct / 100)
            over = max(parameters.sigmas, tail or 0.0) * sqrt(parameters.seconds / 60)
            over_window = max(parameters.window_sigmas, window_tail or 0.0) * sqrt(parameters.window_minutes)
            self._shared = max(self._market.sigmas * sqrt(parameters.seconds / 60) * sigma, least)
            self._limit, self._window_limit = max(over * sigma, least), max(over_window * sigma, least)
            self._down, self._up = exp(-self._limit), exp(self._limit)
            self._window_down, self._window_up = exp(-self._window_limit), exp(self._window_limit)
        self._closes = tuple(closes)[-parameters.window_minutes - 1 :]
        self._closes_ms = close_ms
        if self.last is not None:
            self._bound(self.begin_ms)

    def see(self, event_ms: int, price: float, now_ns: int) -> None:
        """Judge the price at `event_ms` (epoch ms); the same one again lets time pass."""
        if self.begin_ms <= event_ms < self.end_ms and self.low < price < self.high:
            self.last = price
            return
        if 0.0 < price < inf:
            self._observe(event_ms, price, now_ns)

    def restart(self, now_ns: int) -> None:
        """Forget earlier prices, because the feed was interrupted."""
        self._second = -1
        self.begin_ms = self.end_ms = 0
        self._over(now_ns)

    def _observe(self, event_ms: int, price: float, now_ns: int) -> None:
        second = event_ms // 1000
        if self._second < 0 or not self._second - _WRONG_S <= second <= self._second + _GAP_S:
            self.restart(now_ns)
            self._second = self._since = second
        turned = second > self._second
        if turned and self.last is not None:
            for passed in range(self._second, second):
                self._ring[passed % self._parameters.seconds] = self.last
        if turned or self.end_ms == 0:
            self._second = second
            self.begin_ms, self.end_ms = second * 1000, second * 1000 + 1000
            self._bound(self.begin_ms)
        self.last = price
        if self._side is not None and turned:
            self._release(now_ns)
        if not self.low < price < self.high:
            self._beyond(event_ms, price, now_ns)

    def _may_join(self, side: str) -> bool:
        """Say whether a move that way would be news of the market: at most once in half a minute."""
        return self._second - self._joined[side] >= _GAP_S

    def _beyond(self, event_ms: int, price: float, now_ns: int) -> None:
        """Judge a move that is far enough to take part in one of the market, and perhaps for an incident of its own."""
        side = "down" if price <= self.low else "up"
        sign = 1.0 if side == "up" else -1.0
        moves = [(sign * log(price / of), limit, basis) for of, limit, basis in self._references(self.begin_ms)]
        for moved, _, basis in moves:
            if "seconds" in basis and moved >= self._shared and self._may_join(side):
                self._joined[side] = self._second
                self._market.moved(self._symbol, side, 100 * sign * moved, event_ms, now_ns)
        if any(moved >= limit for moved, limit, _ in moves):
            self._found(event_ms, price, now_ns)
        else:
            self._bound(self.begin_ms)

    def _references(self, at_ms: int) -> list[tuple[float, float, Details]]:
        """List the prices to compare with: each with the least |log move| that counts, and the details of a finding."""
        parameters, found = self._parameters, list[tuple[float, float, Details]]()
        if self._sigma is None:
            return found
        if self._second - self._since >= parameters.seconds:
            details: Details = {
                "seconds": parameters.seconds, "sigma_pct": 100 * self._sigma * sqrt(parameters.seconds / 60),
            }  # fmt: skip
            found.append((self._ring[self._second % parameters.seconds], self._limit, details))
        if self._closes_count(at_ms):
            details = {
                "minutes": parameters.window_minutes, "sigma_pct": 100 * self._sigma * sqrt(parameters.window_minutes),
            }  # fmt: skip
            found.append((self._closes[0], self._window_limit, details))
        return found

    def _closes_count(self, at_ms: int) -> bool:
        """Say whether the closes reach back far enough and up to now."""
        recent = -_MINUTE_MS <= at_ms - self._closes_ms < 2 * _MINUTE_MS
        return recent and len(self._closes) > self._parameters.window_minutes

    def _bound(self, at_ms: int) -> None:
        """Set the bounds of this second; on the side of what is open there is none."""
        low, high = 0.0, inf
        if self._sigma is not None and self._second - self._since >= self._parameters.seconds:
            reference = self._ring[self._second % self._parameters.seconds]
            low, high = reference * self._down, reference * self._up
            if self._shared < self._limit:
                low = max(low, reference * exp(-self._shared)) if self._may_join("down") else low
                high = min(high, reference * exp(self._shared)) if self._may_join("up") else high
        if self._sigma is not None and self._closes_count(at_ms):
            reference = self._closes[0]
            low, high = max(low, reference * self._window_down), min(high, reference * self._window_up)
        self.low = 0.0 if self._side == "down" else low
        self.high = inf if self._side == "up" else high

    def _release(self, now_ns: int) -> None:
        """End a finding when every move is less than half of what it took, and arm the bounds again."""
        sign = 1.0 if self._side == "up" else -1.0
        price = self.last or 0.0
        if all(sign * log(price / reference) < limit / 2 for reference, limit, _ in self._references(self.begin_ms)):
            self._over(now_ns)
            self._bound(self.begin_ms)

    def _over(self, now_ns: int) -> None:
        if self._side is not None:
            self._findings.over(KIND, now_ns, symbol=self._symbol, side=self._side)
            self._side = None

    def _found(self, event_ms: int, price: float, now_ns: int) -> None:
        sign = -1.0 if price <= self.low else 1.0
        moves = [(log(price / of), limit, of, basis) for of, limit, basis in self._references(self.begin_ms)]
        # Of two reasons the one that is exceeded by more is given.
        move, limit, reference, basis = max(moves, key=lambda found: sign * found[0] / found[1])
        if unit_jump(reference, price):  # another unit, not another price: what was is no measure of it
            self.restart(now_ns)
            return
        self._over(now_ns)
        self._side = direction = "up" if sign > 0 else "down"
        percent = 100 * (price / reference - 1)
        span = f"{basis['seconds']} s" if "seconds" in basis else f"{basis['minutes']} min"
        details: Details = {
            "direction": direction, "move_pct": percent, "from": reference, "to": price,
            "threshold_pct": 100 * (exp(sign * limit) - 1), "widths": abs(move) / limit, **basis, "unit": "percent",
            "event_ms": event_ms,
        }  # fmt: skip
        if sigma_pct := basis["sigma_pct"]:
            details["sigmas"] = 100 * move / float(sigma_pct)
        text = f"{self._symbol} {direction} {abs(percent):.2f} % in {span}, to {self._denomination.price(price)}"
        self._findings.found(
            KIND, Severity.WARNING, text, now_ns, symbol=self._symbol, side=direction, value=percent, details=details
        )
        self._bound(self.begin_ms)
