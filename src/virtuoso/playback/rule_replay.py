"""A recording played once, with two rule sets judged by what each of its cycles publishes."""

import msgspec

from virtuoso.alerts.rules.evaluator import Values
from virtuoso.alerts.rules.rule import RuleSet
from virtuoso.model import documents as docs
from virtuoso.monitor.alerting.rule_values import market_values, symbol_values
from virtuoso.playback.replay import Replay
from virtuoso.playback.rule_diff import Difference, Judged, compared
from virtuoso.wiring.monitor import MonitorParts

_SYMBOL = "symbol:"


class RuleReplay(Replay):
    """A replay; `difference` says what it showed."""

    def __init__(self, parts: MonitorParts, old: RuleSet, new: RuleSet) -> None:
        super().__init__(parts)
        alerting, exchange = parts.alerting, self._kernel.exchange.name
        self._old, self._new = (Judged(rules, exchange, alerting.routes, alerting.pipeline) for rules in (old, new))
        self._detail = msgspec.json.Decoder(docs.SymbolDetail)
        self._overview = msgspec.json.Decoder(docs.MarketOverview)

    def difference(self) -> Difference:
        """Once the recording was played."""
        return compared(self._old, self._new)

    async def _run_cycle(self) -> None:
        await super()._run_cycle()
        overview = self.cache.get("overview")
        if overview is None:
            return
        found = [self.cache.get(name) for name in self.cache.names() if name.startswith(_SYMBOL)]
        details = [self._detail.decode(document.body) for document in found if document is not None]
        symbols: dict[str, Values] = {detail.ticker.symbol: symbol_values(detail) for detail in details}
        market = market_values(self._overview.decode(overview.body))
        for judged in (self._old, self._new):
            judged.step(self.clock.now_ns() // 1_000_000, symbols, market)
