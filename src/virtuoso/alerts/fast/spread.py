"""Finds spread blow-outs: the spread is far wider than usual, and stays so."""

from math import exp

from virtuoso.alerts.fast.baseline import LogBaseline
from virtuoso.alerts.fast.findings import Findings
from virtuoso.model.alerts.incident import Severity
from virtuoso.model.catalogue.detectors import SpreadParameters

KIND = "spread_blowout"
_LOOKS_READY = 300
_HALF_LIFE_LOOKS = 600.0
_GAP_MS = 30_000


class SpreadBlowout:
    """Judges a symbol's spread in basis points of the mid, once a second.

    It is blown out when it is `ratio` usual ones, by `sigmas` of their own spread (logarithms), and `floor_bp` at
    least, at every look for `hold` seconds. The usual is the geometric mean of about ten minutes of looks. It is over
    when the spread was within half of what it took (on a logarithmic scale) for as long.
    """

    __slots__ = ("_change_ms", "_findings", "_hold_ms", "_latest_ms", "_limit", "_open", "_parameters", "_release",
                 "_symbol", "baseline")  # fmt: skip

    def __init__(self, symbol: str, parameters: SpreadParameters, findings: Findings) -> None:
        self._symbol = symbol
        self._parameters = parameters
        self._hold_ms = int(parameters.hold * 1_000)
        self._findings = findings
        self._open = False
        self._change_ms: int | None = None
        self._latest_ms = 0
        self._limit = self._release = 0.0
        self.baseline = LogBaseline(_HALF_LIFE_LOOKS)

    def observe(self, event_ms: int, bid: float, ask: float, now_ns: int) -> None:
        """Judge the spread between the best bid and ask at `event_ms`; a crossed or empty touch is ignored."""
        if not 0.0 < bid < ask:
            return
        spread = 2e4 * (ask - bid) / (ask + bid)
        if not 0 <= event_ms - self._latest_ms < _GAP_MS:
            self._change_ms = None
        self._latest_ms = event_ms
        if self.baseline.count >= _LOOKS_READY:
            self._judge(event_ms, spread, now_ns)
        self.baseline.learn(spread)

    def gone(self, now_ns: int) -> None:
        """End a blow-out as unknown, because there is no valid book."""
        self._change_ms = None
        if self._open:
            self._open = False
            self._findings.over(KIND, now_ns, symbol=self._symbol)

    def _judge(self, event_ms: int, spread: float, now_ns: int) -> None:
        if not self._open and self._change_ms is None:
            # While it is out of bounds the bounds stay, however usual it becomes.
            excess = self.baseline.excess(self._parameters.sigmas, self._parameters.ratio)
            self._limit = max(self._parameters.floor_bp, exp(self.baseline.mean + excess))
            self._release = exp(self.baseline.mean + excess / 2)
        changed = spread < self._release if self._open else spread >= self._limit
        if not changed:
            self._change_ms = None
            return
        if self._change_ms is None:
            self._change_ms = event_ms
        held_ms = event_ms - self._change_ms
        if held_ms < self._hold_ms:
            return
        self._change_ms = None
        self._open = not self._open
        if not self._open:
            self._findings.over(KIND, now_ns, symbol=self._symbol)
            return
        baseline = self.baseline.typical
        self._findings.found(
            KIND,
            Severity.WARNING,
            f"{self._symbol}: the spread is {spread:.2f} bp, {spread / baseline:.1f} times its usual",
            now_ns,
            symbol=self._symbol,
            value=spread,
            details={
                "direction": None, "spread_bp": spread, "usual_bp": baseline, "threshold": self._limit, "unit": "bp",
                "held_ms": held_ms, "event_ms": event_ms,
            },
        )  # fmt: skip
