"""Finds moves of the market: most symbols go the same way at once, each far for its own volatility."""

from math import ceil

from virtuoso.alerts.fast.findings import Findings
from virtuoso.model.alerts.incident import Severity
from virtuoso.model.catalogue.detectors import MarketMoveParameters

KIND = "market_move"
_NAMED = 5


class MarketMove:
    """Counts the watched symbols that moved far within the last `within` seconds, by direction.

    A symbol takes part from the move on that is `sigmas` standard deviations of its own volatility. The incident is
    over `quiet` seconds after the last symbol joined.
    """

    def __init__(self, parameters: MarketMoveParameters, findings: Findings) -> None:
        self._parameters = parameters
        self._findings = findings
        self._quiet_ms = int(parameters.quiet * 1_000)
        self._within_ms = int(parameters.within * 1_000)
        self._watched: set[str] = set()
        self._moving: dict[str, dict[str, tuple[int, float]]] = {"up": {}, "down": {}}

    def watch(self, symbol: str) -> None:
        """Count a symbol among those of the market."""
        self._watched.add(symbol)

    def forget(self, symbol: str) -> None:
        """Stop counting a symbol that is no longer watched."""
        self._watched.discard(symbol)
        for among in self._moving.values():
            among.pop(symbol, None)

    @property
    def sigmas(self) -> float:
        """How many standard deviations a symbol's move must have to count."""
        return self._parameters.sigmas

    @property
    def enough(self) -> int:
        """How many symbols must move at once for it to be the market."""
        return max(self._parameters.symbols, ceil(self._parameters.share_pct / 100 * len(self._watched)))

    def moved(self, symbol: str, side: str, percent: float, event_ms: int, now_ns: int) -> None:
        """Count a symbol that moved far enough to take part, by so many percent."""
        among = self._moving[side]
        among[symbol] = (event_ms, percent)
        for gone in [name for name, (at_ms, _) in among.items() if at_ms <= event_ms - self._within_ms]:
            del among[gone]
        if len(among) < self.enough:
            return
        names, moves = list(among), sorted(abs(moved) for _, moved in among.values())
        typical = moves[len(moves) // 2]
        self._findings.found(
            KIND,
            Severity.WARNING,
            f"{len(names)} of {len(self._watched)} symbols {side} within {self._parameters.within:g} s, "
            f"{typical:.2f} % in the middle, led by {', '.join(names[:_NAMED])}",
            now_ns,
            symbol=None,
            side=side,
            value=float(len(names)),
            details={
                "scope": "market", "direction": side, "symbols": len(names), "watched": len(self._watched),
                "move_pct": typical, "leader": names[0], "followers": ", ".join(names[1:]), "threshold": self.enough,
                "unit": "symbols", "event_ms": event_ms,
            },
            quiet_ms=self._quiet_ms,
        )  # fmt: skip
