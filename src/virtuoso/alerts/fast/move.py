"""Sudden moves: of the price within a minute in units of its own volatility, or within some minutes in percent."""

from collections.abc import Sequence
from math import exp, inf, log, log1p, sqrt

from virtuoso.alerts.fast.findings import Findings
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
    """One symbol's last price against what it was.

    A move counts when |ln(p/p₀)| ≥ `sigmas`·σ₁·√(seconds/60) over `seconds`, and ≥ ln(1 + `floor_pct`/100), σ₁ being
    that of one minute; or, whatever the volatility, when it is ≥ ln(1 + `threshold_pct`/100) over `window_minutes`
    closed minutes and the running one.

    The price at the end of each of the last seconds is kept, and the bounds beyond which a price is a finding are found
    once a second, so that a price costs three comparisons. It is over when both moves are back to half of what it took.

    Attributes:
        begin_ms, end_ms: the second (event time) in which a price within `low` and `high` is no finding.
        last: the latest price.
    """

    __slots__ = (
        "_closes", "_closes_ms", "_denomination", "_down", "_findings", "_limit", "_parameters", "_ring", "_second",
        "_side", "_sigma", "_since", "_symbol", "_up", "begin_ms", "end_ms", "high", "last", "low",
    )  # fmt: skip

    def __init__(
        self, symbol: str, parameters: SuddenMoveParameters, findings: Findings, denomination: Denomination = PLAIN
    ) -> None:
        self._symbol = symbol
        self._denomination = denomination
        self._parameters = parameters
        self._findings = findings
        self._ring = [0.0] * parameters.seconds
        self._second = self._since = -1
        self.begin_ms = self.end_ms = 0
        self.low, self.high = 0.0, inf
        self._side: str | None = None
        self._sigma: float | None = None
        self._limit, self._down, self._up = inf, 0.0, inf
        self._closes: tuple[float, ...] = ()
        self._closes_ms = 0
        self.last: float | None = None

    def baseline(self, sigma: float | None, closes: Sequence[float], close_ms: int) -> None:
        """A minute closed: σ of one minute, and the latest closes, oldest first, the last of them at `close_ms`."""
        parameters = self._parameters
        self._sigma = sigma
        if sigma is not None:
            self._limit = max(
                parameters.sigmas * sigma * sqrt(parameters.seconds / 60), log1p(parameters.floor_pct / 100)
            )
            self._down, self._up = exp(-self._limit), exp(self._limit)
        self._closes = tuple(closes)[-parameters.window_minutes - 1 :]
        self._closes_ms = close_ms
        if self.last is not None:
            self._bound(self.begin_ms)

    def see(self, event_ms: int, price: float, now_ns: int) -> None:
        """The price at `event_ms`; the same one again lets time pass."""
        if self.begin_ms <= event_ms < self.end_ms and self.low < price < self.high:
            self.last = price
            return
        if 0.0 < price < inf:
            self._observe(event_ms, price, now_ns)

    def restart(self, now_ns: int) -> None:
        """The feed is gone: what the price was is not known any longer."""
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
            self._found(event_ms, price, now_ns)

    def _references(self, at_ms: int) -> list[tuple[float, float, Details]]:
        """Each price to compare with: the price, the least |log move| that counts, and what to tell of it."""
        parameters, found = self._parameters, list[tuple[float, float, Details]]()
        if self._sigma is not None and self._second - self._since >= parameters.seconds:
            told: Details = {
                "seconds": parameters.seconds, "sigma_pct": 100 * self._sigma * sqrt(parameters.seconds / 60),
            }  # fmt: skip
            found.append((self._ring[self._second % parameters.seconds], self._limit, told))
        if self._closes_count(at_ms):
            told = {"minutes": parameters.window_minutes}
            found.append((self._closes[0], log1p(parameters.threshold_pct / 100), told))
        return found

    def _closes_count(self, at_ms: int) -> bool:
        """Whether the closes reach back far enough and up to now."""
        recent = -_MINUTE_MS <= at_ms - self._closes_ms < 2 * _MINUTE_MS
        return recent and len(self._closes) > self._parameters.window_minutes

    def _bound(self, at_ms: int) -> None:
        """The bounds of this second; on the side of what is open there is none."""
        low, high = 0.0, inf
        if self._sigma is not None and self._second - self._since >= self._parameters.seconds:
            reference = self._ring[self._second % self._parameters.seconds]
            low, high = reference * self._down, reference * self._up
        if self._closes_count(at_ms):
            ratio = 1.0 + self._parameters.threshold_pct / 100
            low, high = max(low, self._closes[0] / ratio), min(high, self._closes[0] * ratio)
        self.low = 0.0 if self._side == "down" else low
        self.high = inf if self._side == "up" else high

    def _release(self, now_ns: int) -> None:
        """Over when every move is less than half of what it took; the bounds are then armed again."""
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
        moves = [(log(price / of), limit, of, told) for of, limit, told in self._references(self.begin_ms)]
        # Of two reasons the one that is exceeded by more is told.
        move, limit, reference, told = max(moves, key=lambda found: sign * found[0] / found[1])
        if unit_jump(reference, price):  # another unit, not another price: what was is no measure of it
            self.restart(now_ns)
            return
        self._over(now_ns)
        self._side = direction = "up" if sign > 0 else "down"
        percent = 100 * (price / reference - 1)
        span = f"{told['seconds']} s" if "seconds" in told else f"{told['minutes']} min"
        details: Details = {
            "direction": direction, "move_pct": percent, "from": reference, "to": price,
            "threshold_pct": 100 * (exp(sign * limit) - 1), **told, "unit": "percent",
            "event_ms": event_ms,
        }  # fmt: skip
        if self._sigma:
            details["sigmas"] = move / (self._sigma * sqrt(self._parameters.seconds / 60))
        text = f"{self._symbol} {direction} {abs(percent):.2f} % in {span}, to {self._denomination.price(price)}"
        self._findings.found(
            KIND, Severity.WARNING, text, now_ns, symbol=self._symbol, side=direction, value=percent, details=details
        )
        self._bound(self.begin_ms)
