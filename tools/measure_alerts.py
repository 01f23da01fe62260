"""Plays minute bars through the detectors that bars can drive, and through the stages: `python tools/measure_alerts.py FILE…`.

Prints by kind how many incidents there are a symbol and day, and how often people are interrupted a day, by the default
settings. The first 1,000 minutes of a symbol are learnt, as at a start. Where a price went inside a minute no bar says: it
is *assumed* to jump open → nearer extreme → farther extreme → close, at 0, 20, 40 and 59 s.
"""

import sys
from collections import Counter
from pathlib import Path

import numpy as np

from virtuoso.alerts.fast.findings import Findings
from virtuoso.alerts.fast.liquidation import MarketCascade
from virtuoso.alerts.fast.market_move import MarketMove
from virtuoso.alerts.fast.symbol import SymbolDetectors
from virtuoso.alerts.incidents import IncidentLog
from virtuoso.alerts.stages.pipeline import Pipeline
from virtuoso.alerts.stages.stage_state import Route
from virtuoso.config import Settings
from virtuoso.market.panel import BarBlock
from virtuoso.model.alerts.incident import Severity
from virtuoso.model.alerts.notice import Role
from virtuoso.model.market import Bar, Side, Trade
from virtuoso.monitor.alerting.policies import PolicyBook
from virtuoso.research.bar_files.bars import read_bars
from virtuoso.wiring.alert_policies import default_policy, policies
from virtuoso.wiring.alerting import pipeline_settings
from virtuoso.wiring.detectors import fast_parameters

MINUTE_MS, DAY_MS = 60_000, 86_400_000
LEARNT = 1_000
AT_MS = (0, 20_000, 40_000, 59_000)
CHANNEL = Route(channel="phone", least=Severity.INFO, system=False)


class Played:
    """The detectors of all symbols and the stages, fed with minutes."""

    def __init__(self, symbols: tuple[str, ...]) -> None:
        alerts = Settings().monitoring.alerts
        self._book = PolicyBook(default_policy(alerts), policies(alerts, (CHANNEL,)))
        self._log = IncidentLog(10_000, policies=self._book)
        self._pipeline = Pipeline(pipeline_settings(alerts), (CHANNEL,), policies=self._book)
        parameters, findings = fast_parameters(alerts), Findings(self._log)
        cascade = MarketCascade(parameters.cascade.symbols, findings)
        market = MarketMove(parameters.market_move, findings)
        self._detectors = [SymbolDetectors(symbol, parameters, findings, cascade, market) for symbol in symbols]
        self._learnt = [0] * len(symbols)
        self.minutes = 0
        self.found: Counter[str] = Counter()
        self.notices: Counter[tuple[int, Role]] = Counter()
        self.days: set[int] = set()

    def play(self, block: BarBlock) -> None:
        """All minutes of a block, second by second of the assumed path."""
        rows = np.stack([block.open, block.high, block.low, block.close, block.volume], axis=-1)
        for at, open_ms in enumerate(block.open_ms.tolist()):
            self._minute(open_ms, rows[at].tolist())

    def _minute(self, open_ms: int, rows: list[list[float]]) -> None:
        judged = [i for i, row in enumerate(rows) if row[0] == row[0] and self._learnt[i] >= LEARNT]
        for step, at_ms in enumerate(AT_MS):
            now_ms = open_ms + at_ms
            for i in judged:
                price = _path(*rows[i][:4])[step]
                self._detectors[i].trades([Trade(now_ms, price, 0.0, Side.BUY)], now_ms * 1_000_000)
            self._decide(now_ms)
        end_ms = open_ms + MINUTE_MS
        for i, row in enumerate(rows):
            if row[0] == row[0]:
                if i in judged:
                    self._detectors[i].forming(Bar(open_ms, *row, row[4] * row[3]), end_ms * 1_000_000)
                self._detectors[i].minutes(open_ms, [row], end_ms * 1_000_000)
                self._learnt[i] += 1
        self.minutes += len(judged)
        if judged:
            self.days.add(open_ms // DAY_MS)

    def _decide(self, now_ms: int) -> None:
        for delivery in self._pipeline.step(self._log, now_ms, ()):
            self.notices[now_ms // DAY_MS, delivery.notice.role] += 1
        for incident in self._log.take_changed():
            if incident.fired_ms == now_ms and incident.resolved_ms is None:
                self.found[incident.kind] += 1


def _path(opened: float, high: float, low: float, close: float) -> tuple[float, float, float, float]:
    return (opened, low, high, close) if close >= opened else (opened, high, low, close)


def main(paths: list[Path]) -> None:
    """Play the files and print the figures."""
    with read_bars(paths) as bars:
        played = Played(bars.symbols)
        for block in bars.blocks():
            played.play(block)
        days = played.minutes / 1_440
        print(f"{len(bars.symbols)} symbols, {days:.1f} days of symbols")
        for kind, count in sorted(played.found.items()):
            print(f"{kind:20} {count / days:6.2f} a symbol and day")
        a_day = [
            sum(played.notices[day, role] for role in (Role.ALERT, Role.GROUP, Role.UPDATE)) for day in played.days
        ]
        print(
            f"interruptions a day: median {np.median(a_day):.1f}, 95 % {np.quantile(a_day, 0.95):.1f}, most {max(a_day)}"
        )


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
