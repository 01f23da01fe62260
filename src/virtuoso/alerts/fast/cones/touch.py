"""Finds touches of the cone's edge: the price goes at once as far as it rarely goes in a quarter of an hour."""

from math import inf, log

from virtuoso.alerts.fast.cones.bands import TOUCH_MIN, Bands
from virtuoso.alerts.fast.cones.thin import ThinBook
from virtuoso.alerts.fast.findings import Findings
from virtuoso.model.alerts.incident import Details, Severity
from virtuoso.model.catalogue.detectors import ConeTouchParameters
from virtuoso.model.text.numbers import PLAIN, Denomination
from virtuoso.model.units import unit_jump

KIND = "cone_touched"
_FRESH_MS = 180_000


class ConeTouch:
    """Compares a symbol's last price with the edges that the last close gave.

    While a touch is open, its side is measured by the cone of the first touch, so that further widths are further from
    where the move began. It is over `quiet` seconds after the price went to a further width last.

    Attributes:
        lower, upper: prices (quote units) within which nothing is found before `until_ms` (event time, epoch ms).
    """

    __slots__ = ("_denomination", "_findings", "_latest", "_parameters", "_quiet_ms", "_sides", "_symbol", "_thin",
                 "lower", "until_ms", "upper")  # fmt: skip

    def __init__(
        self,
        symbol: str,
        parameters: ConeTouchParameters,
        findings: Findings,
        thin: ThinBook,
        denomination: Denomination = PLAIN,
    ) -> None:
        self._symbol = symbol
        self._parameters = parameters
        self._findings = findings
        self._thin = thin
        self._denomination = denomination
        self._quiet_ms = int(parameters.quiet * 1_000)
        self._latest: Bands | None = None
        self._sides: dict[str, tuple[Bands, int, int]] = {}
        """Of an open touch: its cone, the widths that were found, and when it is over."""
        self.lower, self.upper = 0.0, inf
        self.until_ms = 0

    def forecast(self, bands: Bands | None) -> None:
        """Take the forecast of the last close; `None` = nothing is known."""
        self._latest = bands
        self.until_ms = 0 if bands is None else bands.close_ms + _FRESH_MS
        self._bound(0 if bands is None else bands.close_ms)

    def see(self, event_ms: int, price: float, now_ns: int) -> None:
        """Judge the price at `event_ms` (epoch ms)."""
        if self.lower < price < self.upper or event_ms >= self.until_ms or not 0.0 < price < inf:
            return
        side = "up" if price >= self.upper else "down"
        bands = self._of(side, event_ms)
        if bands is not None and unit_jump(bands.price, price):  # another unit, not another price
            self._sides.clear()
            self.forecast(None)
            return
        width = None if bands is None else bands.high if side == "up" else bands.low
        if bands is not None and width:
            moved = log(price / bands.price)
            widths = moved / width
            if widths >= self._parameters.widths:
                self._found(side, bands, price, moved, widths, event_ms, now_ns)
        self._bound(event_ms)

    def _of(self, side: str, event_ms: int) -> Bands | None:
        """Return the cone that a side is measured by."""
        touched = self._sides.get(side)
        if touched is not None and event_ms < touched[2]:
            return touched[0]
        self._sides.pop(side, None)
        return self._latest

    def _bound(self, event_ms: int) -> None:
        self.lower, self.upper = 0.0, inf
        for side in ("up", "down"):
            bands = self._of(side, event_ms)
            touched = self._sides.get(side)
            widths = self._parameters.widths if touched is None else float(touched[1] + 1)
            edge = None if bands is None else bands.edge(side, widths)
            if edge is not None and side == "up":
                self.upper = edge
            elif edge is not None:
                self.lower = edge

    def _found(
        self, side: str, bands: Bands, price: float, moved: float, widths: float, event_ms: int, now_ns: int
    ) -> None:
        self._sides[side] = (bands, int(widths), event_ms + self._quiet_ms)
        percent = 100.0 * (price / bands.price - 1.0)
        edge = bands.edge(side, 1.0) or bands.price
        details: Details = {
            "direction": side, "move_pct": percent, "from": bands.price, "to": price, "edge": edge, "widths": widths,
            "horizon_min": TOUCH_MIN, "threshold": self._parameters.widths, "unit": "widths", "event_ms": event_ms,
        }  # fmt: skip
        text = (
            f"{self._symbol} {side} {abs(percent):.2f} % to {self._denomination.price(price)}: {widths:.1f} times as "
            "far as in all but 2.5 % of quarters of an hour"
        )
        self._findings.found(
            KIND, Severity.WARNING, text, now_ns, symbol=self._symbol, side=side, value=widths, details=details,
            quiet_ms=self._quiet_ms,
        )  # fmt: skip
        self._thin.touched(side, details, event_ms, now_ns)
