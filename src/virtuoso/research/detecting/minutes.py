"""Feeds the detectors of all symbols with closed minutes: where a price went inside one is an assumption."""

from collections.abc import Mapping, Sequence

from virtuoso.alerts.fast.cones.bands import Bands
from virtuoso.alerts.fast.findings import Findings
from virtuoso.alerts.fast.liquidation import MarketCascade
from virtuoso.alerts.fast.market_move import MarketMove
from virtuoso.alerts.fast.symbol import SymbolDetectors
from virtuoso.alerts.incidents import IncidentLog
from virtuoso.model.catalogue.detectors import FastParameters
from virtuoso.model.market import TickerUpdate
from virtuoso.model.timeframe import Timeframe

MINUTE_MS = Timeframe.M1.ms
AT_MS = (0, 20_000, 40_000, 59_000)
"""When in a minute the assumed path is at its open, its first and its second extreme, and its close."""
ASSUMED = (
    "where the price went inside a minute no bar says; it is assumed to jump open, nearer extreme, farther extreme, "
    "close at 0, 20, 40 and 59 s"
)
LEARNT = 1_000
"""Minutes of a symbol that are learnt and not judged, as those that a monitor asks for when it starts."""
DRIVEN = ("sudden_move", "market_move", "volume_spike")
"""The kinds that minutes can find; the others need trades, books, tickers or liquidations."""
FORESEEN = ("cone_touched", "large_move_likely")
"""The kinds that minutes can find where there are forecasts."""
_FLUSHED = 240
_NS = 1_000_000

Minute = Sequence[float]
"""Open, high, low, close, volume (base units); `nan` where there is none."""


class MinuteDetectors:
    """Hands minutes to the detectors of each symbol as a monitor would: learnt first, then judged as they go by."""

    def __init__(self, symbols: Sequence[str], parameters: FastParameters, log: IncidentLog) -> None:
        self._findings = Findings(log)
        self._parameters = parameters
        self._cascade = MarketCascade(parameters.cascade.symbols, self._findings)
        self._market = MarketMove(parameters.market_move, self._findings)
        self._symbols = tuple(symbols)
        self._detectors = [self._made(symbol) for symbol in symbols]
        self._learnt = [0] * len(symbols)
        self._waiting: list[list[Minute]] = [[] for _ in symbols]
        self._waiting_ms = [0] * len(symbols)

    def begin_anew(self, column: int, now_ms: int) -> None:
        """Forget what was learnt of a symbol whose contract became another one."""
        symbol = self._symbols[column]
        for who in (self._cascade, self._market):
            who.forget(symbol)
        self._findings.forget(symbol, now_ms * _NS)
        self._detectors[column] = self._made(symbol)
        self._learnt[column] = 0
        self._waiting[column] = []

    def judged(self, minutes: Sequence[Minute], own: Sequence[bool]) -> list[int]:
        """Find the columns of the minutes to judge: known, to be scored, and of a symbol that learnt enough."""
        return [
            i
            for i, minute in enumerate(minutes)
            if own[i] and self._learnt[i] >= LEARNT and minute[3] == minute[3]  # not nan
        ]

    def price(self, open_ms: int, step: int, minutes: Sequence[Minute], columns: Sequence[int]) -> None:
        """Return the prices of these columns at one of the moments `AT_MS` of a minute."""
        event_ms = open_ms + AT_MS[step]
        for i in columns:
            opened, high, low, close, _ = minutes[i]
            if step == 1:
                price = low if close >= opened else high
            elif step == 2:
                price = high if close >= opened else low
            else:
                price = close if step else opened
            self._detectors[i].ticker(event_ms, TickerUpdate(last=price), event_ms * _NS)

    def close(self, open_ms: int, minutes: Sequence[Minute], columns: Sequence[int]) -> None:
        """End a minute: judge those of these columns as a whole, and learn from the others."""
        now_ns = (open_ms + MINUTE_MS) * _NS
        judged = set(columns)
        for i, minute in enumerate(minutes):
            if minute[3] != minute[3]:
                continue
            if i in judged:
                self._flush(i, now_ns)
                self._detectors[i].minutes(open_ms, [minute], now_ns)
            else:
                self._wait(i, open_ms, minute, now_ns)
            self._learnt[i] += 1
        self._findings.sweep(now_ns)

    def foresee(self, close_ms: int, bands: Mapping[str, Bands], columns: Sequence[int]) -> None:
        """Hand on the forecasts of a close to those of these columns that have any."""
        for i in columns:
            if (said := bands.get(self._symbols[i])) is not None:
                self._detectors[i].forecast(said, close_ms * _NS)

    def _wait(self, i: int, open_ms: int, minute: Minute, now_ns: int) -> None:
        waiting = self._waiting[i]
        if waiting and self._waiting_ms[i] + len(waiting) * MINUTE_MS != open_ms:
            self._flush(i, now_ns)
            waiting = self._waiting[i]
        if not waiting:
            self._waiting_ms[i] = open_ms
        waiting.append(minute)
        if len(waiting) >= 2 * _FLUSHED:
            self._hand_on(i, _FLUSHED, now_ns)

    def _flush(self, i: int, now_ns: int) -> None:
        if self._waiting[i]:
            self._hand_on(i, len(self._waiting[i]), now_ns)

    def _hand_on(self, i: int, count: int, now_ns: int) -> None:
        """Give so many of the minutes that wait to the detectors, at once: they learn from them and judge none."""
        rows, self._waiting[i] = self._waiting[i][:count], self._waiting[i][count:]
        self._detectors[i].minutes(self._waiting_ms[i], rows, now_ns)
        self._waiting_ms[i] += count * MINUTE_MS

    def _made(self, symbol: str) -> SymbolDetectors:
        return SymbolDetectors(symbol, self._parameters, self._findings, self._cascade, self._market)
