"""Finds that a large move is likely: its probability is far above the symbol's own rate."""

from virtuoso.alerts.fast.cones.bands import LARGE_MIN, Bands
from virtuoso.alerts.fast.findings import Findings
from virtuoso.model.alerts.incident import Severity
from virtuoso.model.catalogue.detectors import LargeMoveParameters

KIND = "large_move_likely"


class LargeMoveLikely:
    """Judges each close. A finding is over when the probability is below `over` of what it took, or not known."""

    __slots__ = ("_findings", "_open", "_parameters", "_symbol")

    def __init__(self, symbol: str, parameters: LargeMoveParameters, findings: Findings) -> None:
        self._symbol = symbol
        self._parameters = parameters
        self._findings = findings
        self._open = False

    def forecast(self, bands: Bands | None, now_ns: int) -> None:
        """Judge the forecast of the last close; `None` = nothing is known."""
        chance = None if bands is None else bands.large_move
        base = None if bands is None else bands.large_move_base
        if bands is None or chance is None or base is None:
            self._over(now_ns)
            return
        limit = max(self._parameters.probability, self._parameters.ratio * base)
        if chance >= limit and not self._open:
            self._open = True
            threshold = bands.large_move_threshold
            beyond = "" if threshold is None else f" of more than {100 * threshold:.2f} %"
            self._findings.found(
                KIND, Severity.INFO,
                f"{self._symbol}: a move{beyond} within an hour has a probability of {chance:.0%}, "
                f"where {base:.0%} is usual",
                now_ns, symbol=self._symbol, value=chance,
                details={
                    "probability": chance, "usual": base, "threshold": limit, "unit": "probability",
                    "move_pct": None if threshold is None else 100 * threshold, "horizon_min": LARGE_MIN,
                    "event_ms": bands.close_ms,
                },
            )  # fmt: skip
        elif self._open and chance < self._parameters.over * limit:
            self._over(now_ns)

    def _over(self, now_ns: int) -> None:
        if self._open:
            self._open = False
            self._findings.over(KIND, now_ns, symbol=self._symbol)
