"""What the program says of itself, in one look: the documents it serves, whichever way they are had."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from virtuoso.model.catalogue.kinds import MARKET_KINDS

_OF_THE_MARKET = frozenset(MARKET_KINDS)
_COMPUTED = frozenset(kind for kind in MARKET_KINDS if kind.startswith(("alpha", "regime", "signal")))
_TOLD_AFTER = {"bars_corrected", "history_restarted"}
_OF_THE_MACHINE = frozenset({"slow_cycle", "loop_lag", "cpu", "memory", "disk", "restarts", "watch_gap"})
"""What a busy test machine does; none of it is the exchange's doing."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One look, at `at_s` of the world's time."""

    at_s: float
    symbols: Mapping[str, Mapping[str, Any]]
    signals: Mapping[str, Mapping[str, Any]]
    overview: Mapping[str, Any]
    status: Mapping[str, Any]
    health: Mapping[str, Any]
    alerts: tuple[Mapping[str, Any], ...]

    @property
    def topics(self) -> dict[str, Mapping[str, Any]]:
        """Every topic's row of the status."""
        return {row["topic"]: row for row in self.status["feeds"]}

    @property
    def not_live(self) -> set[str]:
        """Topics that are anything but live."""
        return {row["topic"] for row in self.status["feeds"] if row["data_quality"] != "live"}

    @property
    def healthy(self) -> bool:
        """What `/health` says."""
        return bool(self.health["status"] == "healthy")

    def incidents(self) -> dict[str, Mapping[str, Any]]:
        """Incidents about the exchange and the program itself, by id."""
        return {a["id"]: a for a in self.alerts if a["alert_type"] not in _OF_THE_MARKET | _OF_THE_MACHINE}

    def open(self) -> set[str]:
        """Kinds of those that are open; that bars were corrected, or begin anew, is told for a while after it."""
        return {a["alert_type"] for a in self.incidents().values() if not a["resolved"]} - _TOLD_AFTER

    def of_the_market(self, symbol: str) -> dict[str, Mapping[str, Any]]:
        """Incidents about what one symbol did, found in single events, by id."""
        kinds = _OF_THE_MARKET - _COMPUTED
        return {a["id"]: a for a in self.alerts if a["alert_type"] in kinds and a["symbol"] == symbol}
