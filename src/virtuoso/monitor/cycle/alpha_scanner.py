"""The alpha scanner: each timeframe scanned on its own interval, off the loop, published, its patterns raised."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass

import msgspec
import numpy as np
import structlog

from virtuoso.alerts.incidents import IncidentLog
from virtuoso.analysis.alpha.estimates import WINDOWS, history
from virtuoso.analysis.alpha.patterns import Pattern, scan
from virtuoso.exchange.protocol import Exchange
from virtuoso.market.panel import Floats
from virtuoso.market.series import CLOSE
from virtuoso.market.state import MarketState
from virtuoso.model.alerts.incident import Severity
from virtuoso.model.instrument import seniority
from virtuoso.model.timeframe import Timeframe
from virtuoso.monitor.documents.alpha import Context, Holding, Scanned, alpha_document
from virtuoso.monitor.documents.publication import Publication
from virtuoso.monitor.watching.watch import Watch

log = structlog.get_logger(__name__)

PERIOD_S = 1.0
"""Seconds between two checks of what is due."""
_SETTLE_MS = 5_000
"""After a close, until the bars of all symbols are in: two seconds of patience, then repair by request."""
_BASE = "BTC"
KINDS: Mapping[Pattern, str] = {
    Pattern.CORRELATION_BREAKDOWN: "alpha_correlation_breakdown",
    Pattern.BETA_EXPANSION: "alpha_beta_expansion",
    Pattern.ALPHA_BREAKOUT: "alpha_breakout",
}
"""Kind of the incident of each pattern."""


@dataclass(frozen=True, slots=True)
class _Table:
    """Closes [t, n + 1] of n symbols and, last, of the benchmark; the newest bar ends at `end_ms`."""

    symbols: tuple[str, ...]
    benchmark: str
    closes: Floats
    end_ms: int

    def scanned(self, timeframe: Timeframe, now_ms: int) -> Scanned:
        """Scan the table against its benchmark; `now_ms` is noted as the time of the scan."""
        made = scan(timeframe, self.symbols, self.closes[:, :-1], self.closes[:, -1])
        return Scanned(scan=made, at_ms=now_ms, close_ms=self.end_ms, benchmark=self.benchmark)


class AlphaScanner:
    """Reads the market on the loop, computes on `worker`; `intervals` are minutes by timeframe."""

    def __init__(
        self,
        *,
        exchange: Exchange,
        market: MarketState,
        watch: Watch,
        worker: Executor,
        publication: Publication,
        incidents: IncidentLog,
        intervals: Mapping[Timeframe, int],
        false_discovery_rate: float,
    ) -> None:
        self._exchange = exchange
        self._market = market
        self._watch = watch
        self._worker = worker
        self._publication = publication
        self._incidents = incidents
        self._intervals = intervals
        self._rate = false_discovery_rate
        self._slots: dict[Timeframe, int] = {}
        self._scanned: dict[Timeframe, Scanned] = {}

    def scan_by(self, intervals: Mapping[Timeframe, int], false_discovery_rate: float) -> None:
        """Scan at other intervals (minutes), or at another rate of false discoveries, from the next scan on."""
        self._intervals, self._rate = intervals, false_discovery_rate

    async def scan_due(self) -> None:
        """Scan the timeframes that are due, and publish if any was."""
        settled_ms = self._watch.exchange_ms() - _SETTLE_MS
        slots = {tf: settled_ms // (minutes * Timeframe.M1.ms) for tf, minutes in self._intervals.items()}
        due = [tf for tf, slot in slots.items() if slot != self._slots.get(tf)]
        if not due:
            return
        benchmark = self.benchmark()
        tables = {} if benchmark is None else {tf: self._table(tf, benchmark, tf.floor(settled_ms)) for tf in due}
        context = Context(
            now_ms=self._now_ms(), source=self._exchange.origin, benchmark=benchmark, rate=self._rate,
            intervals=self._intervals, watched=frozenset(self._market.rows),
        )  # fmt: skip
        kept = {} if benchmark is None else dict(self._scanned)

        def compute() -> tuple[dict[Timeframe, Scanned], bytes, list[Holding]]:
            scanned = kept | {
                timeframe: table.scanned(timeframe, context.now_ms) for timeframe, table in tables.items()
            }
            document, holding = alpha_document(scanned, context)
            return scanned, msgspec.json.encode(document), holding

        self._scanned, body, holding = await asyncio.get_running_loop().run_in_executor(self._worker, compute)
        self._slots = slots
        self._publication.publish_all({"alpha": body})
        self._raise(holding)

    def benchmark(self) -> str | None:
        """Of the watched symbols of BTC, no dated future among them, the one listed longest; `None` without any."""
        known = [i for s in self._market.rows if (i := self._watch.instruments.get(s)) is not None]
        perpetual = [i for i in known if i.base == _BASE and not i.dated]
        first = min(perpetual, key=lambda i: seniority(i.launch_ms, self._turnover(i.symbol), i.symbol), default=None)
        return None if first is None else first.symbol

    def _turnover(self, symbol: str) -> float:
        return self._market[symbol].stats.values["turnover_24h"] or 0.0

    def _table(self, timeframe: Timeframe, benchmark: str, end_ms: int) -> _Table:
        """What a scan of the bars that end by `end_ms` reads, copied; a close that is not held is `nan`."""
        symbols = tuple(symbol for symbol in self._market.rows if symbol != benchmark)
        count = history(timeframe)
        start_ms = end_ms - count * timeframe.ms
        closes = np.full((count, len(symbols) + 1), np.nan)

        def fill(i: int, symbol: str) -> None:
            first_ms, bars = self._market[symbol].history.series[timeframe].since(start_ms)
            at = (first_ms - start_ms) // timeframe.ms
            kept = bars[: max(0, count - at), CLOSE]
            closes[at : at + len(kept), i] = kept

        for i, symbol in enumerate((*symbols, benchmark)):
            self._watch.contained.attempt(symbol, "its part in the alpha scan", fill, i, symbol)
        return _Table(symbols, benchmark, closes, end_ms)

    def _raise(self, holding: list[Holding]) -> None:
        """One incident from the scan that finds a pattern until the one in which it no longer holds."""
        now_ms = self._now_ms()
        parts: dict[str, set[str]] = {kind: set() for kind in KINDS.values()}
        for each in holding:
            kind, part = KINDS[each.pattern], f"{each.symbol} {each.timeframe}"
            parts[kind].add(part)
            if each.found:
                self._incidents.fire(
                    kind, Severity.INFO, message(each), now_ms, symbol=each.symbol, part=part,
                    details={
                        "timeframe": each.timeframe, "benchmark": each.benchmark, "long": round(each.long, 4),
                        "recent": round(each.recent, 4), "p": each.p, "q": each.q,
                    },
                )  # fmt: skip
        for kind, held in parts.items():
            for part in self._incidents.open_parts(kind):
                if part not in held:
                    self._incidents.resolve(kind, now_ms, part=part)

    def _now_ms(self) -> int:
        return self._watch.now_ns() // 1_000_000


def message(found: Holding) -> str:
    """What a pattern is, in one sentence."""
    windows = WINDOWS[found.timeframe]
    recent = f"over the last {windows.recent} {found.timeframe} bars"
    before = f"over the {windows.long} before"
    match found.pattern:
        case Pattern.CORRELATION_BREAKDOWN:
            what = (
                f"correlation with {found.benchmark} fell to {found.recent:.2f} {recent}, "
                f"from {found.long:.2f} {before}"
            )
        case Pattern.BETA_EXPANSION:
            what = f"beta to {found.benchmark} grew to {found.recent:.2f} {recent}, from {found.long:.2f} {before}"
        case Pattern.ALPHA_BREAKOUT:
            what = f"alpha of {found.recent:+.1f} % per day against {found.benchmark} {recent}"
    return f"{found.symbol}: {what} (q = {found.q:.2g})"
