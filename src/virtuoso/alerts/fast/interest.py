"""Finds open-interest surges: positions are opened or closed within minutes far faster than usual."""

from collections import deque
from math import exp, inf, log, log1p
from statistics import median

from virtuoso.alerts.fast.findings import Findings
from virtuoso.model.alerts.incident import Severity
from virtuoso.model.catalogue.detectors import OpenInterestParameters
from virtuoso.model.units import unit_jump

KIND = "open_interest_surge"
_MINUTE_MS = 60_000
_KEPT, _READY = 240, 60
_TO_SIGMA = 1.4826
"""Times the median absolute value: the standard deviation, of a normal distribution."""


class InterestSurge:
    """Judges a symbol's open interest (base units) against that of earlier minutes.

    It surges when |ln(OI/OI before)| over `window_minutes` ≥ `sigmas` robust deviations, and ≥ ln(1 + `floor_pct`/100).
    The robust deviation is 1.4826 times the median absolute change over the window, of the changes of the last four
    hours; an hour of them is needed. It is over when the change is less than half of what it took.
    """

    __slots__ = ("_changes", "_findings", "_high", "_last", "_limit", "_low", "_minute", "_parameters", "_ring",
                 "_side", "_symbol")  # fmt: skip

    def __init__(self, symbol: str, parameters: OpenInterestParameters, findings: Findings) -> None:
        self._symbol = symbol
        self._parameters = parameters
        self._findings = findings
        self._ring: deque[float] = deque(maxlen=parameters.window_minutes)
        self._changes: deque[float] = deque(maxlen=_KEPT)
        self._minute = -1
        self._last = 0.0
        self._limit, self._low, self._high = inf, 0.0, inf
        self._side: str | None = None

    def learn(self, event_ms: int, interest: float) -> None:
        """Learn from an earlier value, without judging it."""
        if 0.0 < interest < inf:
            self._advance(event_ms // _MINUTE_MS)
            self._last = interest

    def take(self, event_ms: int, interest: float, now_ns: int) -> None:
        """Judge the current open interest (base units); a value that is not positive and finite is ignored."""
        if not 0.0 < interest < inf:
            return
        minute = event_ms // _MINUTE_MS
        if minute != self._minute:
            self._advance(minute)
            self._arm(now_ns)
        self._last = interest
        if not self._low < interest < self._high:
            self._found(event_ms, interest, now_ns)

    def _advance(self, minute: int) -> None:
        """Fill the ring up to the end of the minute before; minutes without a value repeat the last one."""
        passed = minute - self._minute
        if self._minute < 0 or not 0 <= passed <= self._parameters.window_minutes:
            self._ring.clear()
            self._minute = minute
            return
        for _ in range(passed):
            if len(self._ring) == self._ring.maxlen:
                self._changes.append(abs(log(self._last / self._ring[0])))
            self._ring.append(self._last)
        self._minute = minute

    def _arm(self, now_ns: int) -> None:
        """Set the bounds for a new minute, and end what is over."""
        self._limit = inf
        if len(self._ring) == self._ring.maxlen and len(self._changes) >= _READY:
            baseline = _TO_SIGMA * median(self._changes)
            self._limit = max(self._parameters.sigmas * baseline, log1p(self._parameters.floor_pct / 100))
        sign = {"up": 1.0, "down": -1.0}.get(self._side or "", 0.0)
        if self._side is not None and (self._limit == inf or sign * log(self._last / self._ring[0]) < self._limit / 2):
            self._findings.over(KIND, now_ns, symbol=self._symbol, side=self._side)
            self._side = None
        self._bound()

    def _bound(self) -> None:
        self._low, self._high = 0.0, inf
        if self._limit < inf:
            if self._side != "down":
                self._low = self._ring[0] * exp(-self._limit)
            if self._side != "up":
                self._high = self._ring[0] * exp(self._limit)

    def _found(self, event_ms: int, interest: float, now_ns: int) -> None:
        reference, limit = self._ring[0], self._limit
        if unit_jump(reference, interest):  # coins of another unit: learn anew
            self._ring.clear()
            self._changes.clear()
            self._arm(now_ns)
            return
        if self._side is not None:
            self._findings.over(KIND, now_ns, symbol=self._symbol, side=self._side)
        self._side = "up" if interest > reference else "down"
        change = log(interest / reference)
        baseline = _TO_SIGMA * median(self._changes)
        self._bound()
        self._findings.found(
            KIND,
            Severity.INFO,
            f"{self._symbol}: open interest {self._side} {abs(exp(change) - 1) * 100:.2f} % in "
            f"{self._parameters.window_minutes} min",
            now_ns,
            symbol=self._symbol,
            side=self._side,
            value=(exp(change) - 1) * 100,
            details={
                "direction": self._side, "change_pct": (exp(change) - 1) * 100, "from": reference, "to": interest,
                "threshold_pct": (exp(limit if change > 0 else -limit) - 1) * 100, "unit": "percent",
                "sigmas": change / baseline if baseline else None, "minutes": self._parameters.window_minutes,
                "event_ms": event_ms,
            },
        )  # fmt: skip
