"""Finds moves beyond the cone in a thin book: spread or depth are beyond their own 99 % as the edge is touched."""

from collections.abc import Mapping
from math import inf

from virtuoso.alerts.fast.findings import Findings
from virtuoso.alerts.fast.sizes import Sizes
from virtuoso.model.alerts.incident import Details, Severity
from virtuoso.model.catalogue.detectors import ThinBreakParameters

KIND = "thin_break"
_HALF_LIFE_S = 4 * 3_600.0
_SETTLED_EVERY = 60
"""Samples between two looks at the levels."""
_FRESH_MS = 5_000


class ThinBook:
    """Samples a symbol's spread and depth once a second, and knows what is as rare as one sample in `once_in`.

    The depth is the quote value within `within_bp` of the middle, both sides; what is rare is a small one. It is told
    critical where spread and depth are both so rare.
    """

    __slots__ = ("_count", "_depth", "_findings", "_most_spread", "_now", "_now_ms", "_once_in_s", "_parameters",
                 "_quiet_ms", "_rare_thinness", "_spread", "_symbol")  # fmt: skip

    def __init__(self, symbol: str, parameters: ThinBreakParameters, findings: Findings) -> None:
        self._symbol = symbol
        self._parameters = parameters
        self._findings = findings
        self._quiet_ms = int(parameters.quiet * 1_000)
        self._once_in_s = float(parameters.once_in)  # samples come once a second
        self._spread, self._depth = Sizes(_HALF_LIFE_S), Sizes(_HALF_LIFE_S)
        self._count = 0
        self._most_spread = self._rare_thinness = inf
        self._now: tuple[float, float] | None = None
        self._now_ms = 0

    def observe(
        self, event_ms: int, bid: float, ask: float, bids: Mapping[float, float], asks: Mapping[float, float]
    ) -> None:
        """Sample a valid book: best prices, and sizes by price."""
        middle = (bid + ask) / 2.0
        if not (0.0 < middle < inf and ask > bid):
            return
        reach = middle * self._parameters.within_bp / 10_000.0
        least, most = middle - reach, middle + reach
        value = sum([price * size for price, size in bids.items() if price >= least])
        value += sum([price * size for price, size in asks.items() if price <= most])
        if not 0.0 < value < inf:
            return
        self._now, self._now_ms = ((ask - bid) / middle, 1.0 / value), event_ms
        for tail, sample in zip((self._spread, self._depth), self._now, strict=True):
            tail.pending.append(sample)
        self._count += 1
        if self._count % _SETTLED_EVERY == 1:
            self._settle(event_ms)

    def gone(self) -> None:
        """Forget the latest sample, because there is no valid book."""
        self._now = None

    def touched(self, side: str, details: Details, event_ms: int, now_ns: int) -> None:
        """Judge the latest sample as the price leaves its cone; `details` say how far."""
        if self._now is None or event_ms - self._now_ms > _FRESH_MS or self._count < self._parameters.min_samples:
            return
        spread, thinness = self._now
        wide, thin = spread >= self._most_spread, thinness >= self._rare_thinness
        if not (wide or thin):
            return
        found = [
            *([f"a spread of {10_000 * spread:.1f} bp"] if wide else []),
            *([f"{1 / thinness:,.0f} within {self._parameters.within_bp:g} bp"] if thin else []),
        ]
        text = f"{self._symbol} {side} beyond its cone in a thin book: {' and '.join(found)}"
        more: Details = {
            "spread_bp": 10_000 * spread, "spread_limit_bp": 10_000 * self._most_spread, "depth": 1 / thinness,
            "depth_limit": 1 / self._rare_thinness,
        }  # fmt: skip
        severity = Severity.CRITICAL if wide and thin else Severity.WARNING
        widths = details.get("widths")
        self._findings.found(
            KIND, severity, text, now_ns, symbol=self._symbol, side=side,
            value=float(widths) if isinstance(widths, int | float) else None, details=details | more,
            quiet_ms=self._quiet_ms,
        )  # fmt: skip

    def _settle(self, event_ms: int) -> None:
        for tail in (self._spread, self._depth):
            tail.advance(event_ms)
        spread, thinness = self._spread.level(self._once_in_s), self._depth.level(self._once_in_s)
        self._most_spread = inf if spread is None else spread
        self._rare_thinness = inf if thinness is None else thinness
