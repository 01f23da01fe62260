"""What a program says while the exchange has faults, and what it said before."""

import json
from typing import Any

from tests.support.exchange import Running
from tests.support.program import Program

EXCLUDED = ("SUI", "ENA", "BNB", "LINK", "AVAX", "BCH", "LTC", "XLM", "ETC", "LAYER", "XMR")
UNIVERSE = f"universe: {{size: 6, refresh_interval: 10, exclude: [{', '.join(f'{coin}USDT' for coin in EXCLUDED)}]}}\n"
"""Four symbols, and room for those that are listed meanwhile."""
TOPICS = 5 * 4
FLIP_S = 15.0
"""Within which every state is found, each way."""

_KINDS = (
    "stale_feed", "mute_topic", "maintenance", "rate_ban", "exchange_clock", "clock_skew", "failed_cycle", "task_died",
)  # fmt: skip


class Watcher:
    """What the program says, and what it said before the fault."""

    def __init__(self, exchange: Running, program: Program) -> None:
        self.exchange, self.program = exchange, program
        self.sleep, self.during = program.pace.sleep, program.during
        program.until("good weather", self.is_fine, 60)
        self._before = self._fired()
        self._began_s = program.pace.now_s()

    def order(self, **fault: Any) -> None:
        self.exchange.order(json.dumps(fault))

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = self.program.ask("/api/monitoring/status")
        return found

    def topics(self) -> dict[str, dict[str, Any]]:
        return {feed["topic"]: feed for feed in self.status()["feeds"]}

    def not_live(self) -> set[str]:
        return {name for name, feed in self.topics().items() if feed["data_quality"] != "live"}

    def is_fine(self) -> bool:
        feeds = self.status()["feeds"]
        live = len(feeds) >= TOPICS and all(feed["data_quality"] == "live" for feed in feeds)
        return live and not self.open()

    def quality(self) -> str:
        return str(self.program.ask("/api/market/overview")["data_quality"])

    def open(self) -> set[str]:
        return {a["alert_type"] for a in self._alerts() if not a["resolved"]}

    def fired(self) -> dict[str, int]:
        """Incidents since the beginning of this row, by kind."""
        return {
            kind: n - self._before.get(kind, 0) for kind, n in self._fired().items() if n > self._before.get(kind, 0)
        }

    def told_of(self) -> set[str]:
        """Symbols whose topics were told to be mute since the beginning of this row."""
        return {alert["symbol"] for alert in self._mute()}

    def mute_kinds(self) -> set[str]:
        """Kinds of the topics that were told to be mute since the beginning of this row."""
        return {alert["message"].partition(".")[0] for alert in self._mute()}

    def _mute(self) -> list[dict[str, Any]]:
        mute = [alert for alert in self._alerts() if alert["alert_type"] == "mute_topic"]
        return mute[: len(mute) - self._before.get("mute_topic", 0)]

    def told(self) -> str:
        """The incidents since the beginning of this row, and the topics that are not live, as text."""
        alerts = self._alerts()
        new = alerts[: len(alerts) - sum(self._before.values())]
        told = [f"{a['timestamp']} {a['alert_type']} {a['symbol']}: {a['message']} {a['details']}" for a in new]
        topics = self.topics()
        told.append(f"{self._began_s:.1f} to {self.program.pace.now_s():.1f}: {self.fired()}")
        return "\n".join((*told, *(f"not live: {topics[name]}" for name in self.not_live() if name in topics)))

    def _alerts(self) -> list[dict[str, Any]]:
        return [alert for alert in self.program.ask("/api/alerts/recent") if alert["alert_type"] in _KINDS]

    def _fired(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for alert in self._alerts():
            found[alert["alert_type"]] = found.get(alert["alert_type"], 0) + 1
        return found

    def until(self, what: str, holds: Any, seconds: float = FLIP_S) -> float:
        try:
            return self.program.until(what, holds, seconds)
        except AssertionError as error:
            error.add_note(f"open: {self.open()}; not live: {sorted(self.not_live())}")
            raise
