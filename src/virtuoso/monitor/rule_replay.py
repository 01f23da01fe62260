"""A recording played once, with two rule sets judged by what each of its cycles publishes."""

import msgspec

from virtuoso.alerts.rules.evaluator import Values
from virtuoso.alerts.rules.rule import RuleSet
from virtuoso.alerts.stages.pipeline import PipelineSettings
from virtuoso.config import Settings
from virtuoso.model import documents as docs
from virtuoso.monitor.alert_settings import routes
from virtuoso.monitor.replay import Replay
from virtuoso.monitor.rule_diff import Difference, Judged, compared
from virtuoso.monitor.rule_values import market_values, symbol_values

_SYMBOL = "symbol:"


class RuleReplay(Replay):
    """A replay; `difference` says what it showed."""

    def __init__(self, settings: Settings, old: RuleSet, new: RuleSet) -> None:
        super().__init__(settings)
        alerts = settings.monitoring.alerts
        told = PipelineSettings(
            group_wait_ms=round(alerts.group_wait * 1_000), group_interval_ms=round(alerts.group_interval * 1_000)
        )
        self._old, self._new = (Judged(rules, settings.exchange.name, routes(alerts), told) for rules in (old, new))
        self._detail = msgspec.json.Decoder(docs.SymbolDetail)
        self._overview = msgspec.json.Decoder(docs.MarketOverview)

    def difference(self) -> Difference:
        """Once the recording was played."""
        return compared(self._old, self._new)

    async def _run_cycle(self) -> None:
        await super()._run_cycle()
        overview = self._cache.get("overview")
        if overview is None:
            return
        found = [self._cache.get(name) for name in self._cache.names() if name.startswith(_SYMBOL)]
        details = [self._detail.decode(document.body) for document in found if document is not None]
        symbols: dict[str, Values] = {detail.ticker.symbol: symbol_values(detail) for detail in details}
        market = market_values(self._overview.decode(overview.body))
        for judged in (self._old, self._new):
            judged.step(self.clock.now_ns() // 1_000_000, symbols, market)
