"""A recording played once, with sets of rules judged by what each of its cycles publishes."""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from virtuoso.alerts.rules.evaluator import Values
from virtuoso.alerts.rules.observed import Observed
from virtuoso.alerts.rules.rule import RuleSet
from virtuoso.model import documents as docs
from virtuoso.monitor.alerting.rule_values import market_values, recorded_values, symbol_values
from virtuoso.playback.replay import Replay
from virtuoso.playback.rule_diff import Judged
from virtuoso.wiring.monitor import MonitorParts

_SYMBOL = "symbol:"


class Judge(Protocol):
    """Is given the values of each cycle."""

    def step(self, now_ms: int, symbols: Mapping[str, Values], market: Values, system: Values) -> None:
        """Take the values of the cycle at `now_ms` (epoch ms)."""
        ...


class RuleReplay(Replay):
    """A replay that gives the values of each of its cycles to whoever judges by them."""

    def __init__(self, parts: MonitorParts) -> None:
        super().__init__(parts)
        self._alerting = parts.alerting
        self._judges: list[Judge] = []
        self._detail = msgspec.json.Decoder(docs.SymbolDetail)
        self._overview = msgspec.json.Decoder(docs.MarketOverview)
        self._status = msgspec.json.Decoder(docs.MonitoringStatus)

    def judged(self, rules: RuleSet) -> Judged:
        """The alerts that a set of rules makes, from now on."""
        made = Judged(rules, self._kernel.exchange.name, self._alerting.routes, self._alerting.pipeline)
        self._judges.append(made)
        return made

    def observed(self, rules: RuleSet) -> Observed:
        """How often the conditions of a set of rules are true, from now on."""
        made = Observed(rules)
        self._judges.append(made)
        return made

    async def _run_cycle(self) -> None:
        await super()._run_cycle()
        overview, status = self.cache.get("overview"), self.cache.get("status")
        if overview is None:
            return
        found = [self.cache.get(name) for name in self.cache.names() if name.startswith(_SYMBOL)]
        details = [self._detail.decode(document.body) for document in found if document is not None]
        symbols: dict[str, Values] = {detail.ticker.symbol: symbol_values(detail) for detail in details}
        market = market_values(self._overview.decode(overview.body))
        system = {} if status is None else recorded_values(self._status.decode(status.body))
        for judge in self._judges:
            judge.step(self.clock.now_ns() // 1_000_000, symbols, market, system)
