"""Finds funding extremes: one side pays the other far more than usual."""

from math import exp, inf, sqrt

from virtuoso.alerts.fast.findings import Findings
from virtuoso.model.alerts.incident import Severity
from virtuoso.model.catalogue.detectors import FundingParameters
from virtuoso.model.market import Side
from virtuoso.model.timeframe import DAY_MS

KIND = "funding_extreme"
_HOURS = 8.0
_MEMORY_MS = 3 * DAY_MS
_READY_MS = DAY_MS
_STEP_MS = 60_000
_RELEASE = 0.8


class FundingExtreme:
    """Judges a symbol's funding rate, scaled from its own interval to eight hours.

    It is extreme at `level_pct` (percent per 8 hours), or at a quarter of that and `sigmas` from its own mean of three
    days. Mean and variance fade over three days, are taken once a minute at most, and count after a day of them. It is
    over below four fifths of what it took.
    """

    __slots__ = ("_begun_ms", "_findings", "_latest_ms", "_level", "_mean", "_side", "_sigmas", "_symbol", "_variance")

    def __init__(self, symbol: str, parameters: FundingParameters, findings: Findings) -> None:
        self._symbol = symbol
        self._level = parameters.level_pct / 100
        self._sigmas = parameters.sigmas
        self._findings = findings
        self._begun_ms = self._latest_ms = 0
        self._mean = self._variance = 0.0
        self._side: Side | None = None

    def learn(self, event_ms: int, rate: float, interval_h: float) -> None:
        """Learn from an earlier rate, without judging it."""
        if not (-inf < rate < inf and 0.0 < interval_h < inf):
            return
        value = rate * _HOURS / interval_h
        if self._begun_ms == 0:
            self._begun_ms = self._latest_ms = event_ms
            self._mean = value
            return
        past_ms = event_ms - self._latest_ms
        if past_ms < _STEP_MS:
            return
        self._latest_ms = event_ms
        alpha = 1.0 - exp(-past_ms / min(_MEMORY_MS, event_ms - self._begun_ms))
        off = value - self._mean
        self._mean += alpha * off
        self._variance = (1.0 - alpha) * (self._variance + alpha * off * off)

    def take(self, event_ms: int, rate: float, interval_h: float, now_ns: int) -> None:
        """Judge the rate that settles next (a fraction per interval of `interval_h` hours)."""
        if not (-inf < rate < inf and 0.0 < interval_h < inf):
            return
        value = rate * _HOURS / interval_h
        sigma = sqrt(self._variance) if self._latest_ms - self._begun_ms >= _READY_MS else 0.0
        sigmas = (value - self._mean) / sigma if sigma > 0.0 else None
        side = Side.BUY if value > 0 else Side.SELL
        strength = self._strength(value, sigmas)
        if self._side is not None and (strength < _RELEASE or side is not self._side):
            self._findings.over(KIND, now_ns, symbol=self._symbol, side=self._side)
            self._side = None
        if strength >= 1.0 and self._side is None:
            self._side = side
            self._found(event_ms, value, sigmas, interval_h, now_ns)
        self.learn(event_ms, rate, interval_h)

    def _strength(self, value: float, sigmas: float | None) -> float:
        """Return how extreme the rate is as a multiple of the threshold: 1 or more is a finding."""
        of_level = abs(value) / self._level
        if sigmas is None or sigmas * value < 0:
            return of_level
        return max(of_level, min(4 * of_level, abs(sigmas) / self._sigmas))

    def _found(self, event_ms: int, value: float, sigmas: float | None, interval_h: float, now_ns: int) -> None:
        payer, payee = ("longs", "shorts") if value > 0 else ("shorts", "longs")
        side = Side.BUY if value > 0 else Side.SELL
        self._findings.found(
            KIND,
            Severity.INFO,
            f"{self._symbol}: {payer} pay {payee} {abs(value) * 100:.4f} % per 8 h",
            now_ns,
            symbol=self._symbol,
            side=side,
            value=value * 100,
            details={
                "side": side, "direction": "up" if value > 0 else "down", "rate_8h_pct": value * 100,
                "sigmas": sigmas, "usual_8h_pct": self._mean * 100 if sigmas is not None else None,
                "threshold": self._level * 100, "unit": "percent per 8 h", "interval_h": interval_h,
                "against": "absolute level" if abs(value) >= self._level else "own history",
                "event_ms": event_ms,
            },
        )  # fmt: skip
