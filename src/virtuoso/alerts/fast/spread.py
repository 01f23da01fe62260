"""Spread blow-outs: the touch is far wider than usual, and stays so."""

from dataclasses import dataclass
from math import exp

from virtuoso.alerts.fast.findings import Findings
from virtuoso.alerts.fast.usual import LogUsual
from virtuoso.model.alert import Severity

KIND = "spread_blowout"
_LOOKS_READY = 300
_HALF_LIFE_LOOKS = 600.0
_GAP_MS = 30_000


@dataclass(frozen=True, slots=True)
class SpreadRule:
    """Spread ≥ `ratio` usual ones, by `sigmas` of their own spread, and ≥ `floor_bp`; at every look for `hold_ms`."""

    ratio: float
    sigmas: float
    floor_bp: float
    hold_ms: int


class SpreadBlowout:
    """One symbol's spread in basis points of the mid, looked at once a second.

    The usual is the geometric mean of about ten minutes of looks. It is over when the spread was within half of what it
    took (on a logarithmic scale) for as long.
    """

    __slots__ = ("_change_ms", "_findings", "_latest_ms", "_limit", "_open", "_release", "_rule", "_symbol", "usual")

    def __init__(self, symbol: str, rule: SpreadRule, findings: Findings) -> None:
        self._symbol = symbol
        self._rule = rule
        self._findings = findings
        self._open = False
        self._change_ms: int | None = None
        self._latest_ms = 0
        self._limit = self._release = 0.0
        self.usual = LogUsual(_HALF_LIFE_LOOKS)

    def look(self, event_ms: int, bid: float, ask: float, now_ns: int) -> None:
        """Judge the spread between the best bid and ask at `event_ms`; a crossed or empty touch is ignored."""
        if not 0.0 < bid < ask:
            return
        spread = 2e4 * (ask - bid) / (ask + bid)
        if not 0 <= event_ms - self._latest_ms < _GAP_MS:
            self._change_ms = None
        self._latest_ms = event_ms
        if self.usual.count >= _LOOKS_READY:
            self._judge(event_ms, spread, now_ns)
        self.usual.learn(spread)

    def gone(self, now_ns: int) -> None:
        """There is no book: how wide it is, is not known."""
        self._change_ms = None
        if self._open:
            self._open = False
            self._findings.over(KIND, now_ns, symbol=self._symbol)

    def _judge(self, event_ms: int, spread: float, now_ns: int) -> None:
        if not self._open and self._change_ms is None:
            # While it is out of bounds the bounds stay, however usual it becomes.
            excess = self.usual.excess(self._rule.sigmas, self._rule.ratio)
            self._limit = max(self._rule.floor_bp, exp(self.usual.mean + excess))
            self._release = exp(self.usual.mean + excess / 2)
        changed = spread < self._release if self._open else spread >= self._limit
        if not changed:
            self._change_ms = None
            return
        if self._change_ms is None:
            self._change_ms = event_ms
        held_ms = event_ms - self._change_ms
        if held_ms < self._rule.hold_ms:
            return
        self._change_ms = None
        self._open = not self._open
        if not self._open:
            self._findings.over(KIND, now_ns, symbol=self._symbol)
            return
        usual = self.usual.typical
        self._findings.found(
            KIND,
            Severity.WARNING,
            f"{self._symbol}: the spread is {spread:.2f} bp, {spread / usual:.1f} times its usual",
            now_ns,
            symbol=self._symbol,
            value=spread,
            details={
                "direction": None, "spread_bp": spread, "usual_bp": usual, "threshold": self._limit, "unit": "bp",
                "held_ms": held_ms, "event_ms": event_ms,
            },
        )  # fmt: skip
