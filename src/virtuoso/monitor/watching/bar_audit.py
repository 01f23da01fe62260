"""Closed bars compared with what the exchange answers: at once where one is doubted, and all of them now and then."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isnan

import structlog
from msgspec.structs import replace

from virtuoso.alerts.incidents import IncidentLog
from virtuoso.exchange.protocol import Exchange
from virtuoso.market.bounds.bar import implausible
from virtuoso.market.state import MarketState
from virtuoso.model.alerts.incident import Details, Severity
from virtuoso.model.clock import iso
from virtuoso.model.errors import ExchangeError
from virtuoso.model.market import Bar
from virtuoso.model.text.numbers import price_text
from virtuoso.model.timeframe import Timeframe
from virtuoso.model.units import unit_jump
from virtuoso.monitor.persistence.bar_archive import BarArchive
from virtuoso.monitor.watching.watch import Watch

log = structlog.get_logger(__name__)

CORRECTED, RESTARTED = "bars_corrected", "history_restarted"
_BASE = Timeframe.M1
_EVERY_S = 1.0
_SETTLED_MS = 5_000
"""How long after its end the exchange's own answer counts as final."""
_AGAIN_MS = 3_000
"""Between the two answers that must agree before a bar is replaced."""
_TRIES = 5
_BACK = 60
"""Minutes that are compared at most."""
_EVERY_MS, _A_SYMBOL_MS = 60_000, 1_000
"""Each symbol is looked at so often, or as often as one request a second allows."""
_TIMEOUT_S = 8.0
_TOLD_MS = 600_000
"""How long a correction, or a history that began anew, stays open as an incident."""


@dataclass(slots=True)
class _Case:
    """What is known of one symbol: up to where it was compared (epoch ms), and what the last answer said otherwise."""

    compared_ms: int
    asked_ms: int = 0
    due_ms: int = 0
    tries: int = 0
    otherwise: dict[int, Bar] = field(default_factory=dict)


class BarAudit:
    """Used on the event loop. `routine` compares all bars of all symbols; without it, doubted ones alone.

    Attributes:
        corrections: bars that were replaced.
        unsettled: doubts that were given up because the exchange's answers did not agree with each other.
        corrected: by symbol, when (epoch ms) a bar of it was last replaced, and what was wrong with it.
    """

    def __init__(
        self, exchange: Exchange, market: MarketState, watch: Watch, archive: BarArchive, *, routine: bool
    ) -> None:
        self._exchange = exchange
        self._market = market
        self._watch = watch
        self._archive = archive
        self._routine = routine
        self._cases: dict[str, _Case] = {}
        self.corrections = self.unsettled = 0
        self.corrected: dict[str, tuple[int, str]] = {}

    async def run(self) -> None:
        """Run until cancelled: look every `_LOOK_S` seconds."""
        while True:
            await self.compare_due()
            await asyncio.sleep(_EVERY_S)

    async def compare_due(self) -> None:
        """Compare what is due now: every symbol with a doubt, and the one whose turn it is."""
        now_ms = self._watch.exchange_ms()
        for symbol in self._cases.keys() - self._watch.ready:
            del self._cases[symbol]
        due = [symbol for symbol in sorted(self._watch.ready) if self._doubted(symbol, now_ms)]
        if (turn := self._whose_turn(now_ms)) is not None and turn not in due:
            due.append(turn)
        await asyncio.gather(
            *(self._watch.contained.awaited(symbol, "comparing its bars", self.check(symbol)) for symbol in due)
        )

    def _case(self, symbol: str) -> _Case:
        if (case := self._cases.get(symbol)) is None:
            compared_ms = self._market[symbol].history.base.next_ms or 0
            case = self._cases[symbol] = _Case(compared_ms, self._watch.exchange_ms())
        return case

    def _doubted(self, symbol: str, now_ms: int) -> bool:
        case, doubted = self._case(symbol), self._market[symbol].history.doubted
        settled = any(open_ms + _BASE.ms + _SETTLED_MS <= now_ms for open_ms in doubted)
        return (settled or bool(case.otherwise)) and now_ms >= case.due_ms

    def _whose_turn(self, now_ms: int) -> str | None:
        budget = self._exchange.budget
        if not self._routine or 2 * budget.available < budget.burst:
            return None
        every_ms = max(_EVERY_MS, _A_SYMBOL_MS * len(self._watch.ready))
        waiting = [(case.asked_ms, symbol) for symbol, case in self._cases.items() if not case.otherwise]
        asked_ms, symbol = min(waiting, default=(now_ms, ""))
        return symbol if now_ms - asked_ms >= every_ms else None

    async def check(self, symbol: str) -> None:
        """Ask for the minutes since the last comparison, and those in doubt; replace what two answers contradict."""
        now_ms, case = self._watch.exchange_ms(), self._case(symbol)
        history = self._market[symbol].history
        end_ms = min(history.base.next_ms or 0, _BASE.floor(now_ms - _SETTLED_MS))
        first_ms = min((case.compared_ms, *history.doubted, *case.otherwise))
        first_ms = max(first_ms, end_ms - _BACK * _BASE.ms, history.base.first_ms or 0)
        case.asked_ms, case.due_ms = now_ms, now_ms + _AGAIN_MS * 2**case.tries
        for open_ms in [open_ms for open_ms in history.doubted if open_ms < first_ms]:
            del history.doubted[open_ms]  # from before what is held
        if first_ms >= end_ms:
            return
        try:
            answer = await self._ask(symbol, _BASE, first_ms, end_ms - _BASE.ms)
            if symbol in self._market and self._market[symbol].history is history:
                await self._judge(symbol, case, answer, end_ms)
        except (ExchangeError, TimeoutError) as error:
            case.tries = min(case.tries + 1, _TRIES)
            log.debug("bars could not be compared", symbol=symbol, error=str(error))

    async def _ask(self, symbol: str, timeframe: Timeframe, first_ms: int, last_ms: int) -> Sequence[Bar]:
        async with asyncio.timeout(_TIMEOUT_S):
            return await self._exchange.bars(symbol, timeframe, first_ms, last_ms)

    async def _judge(self, symbol: str, case: _Case, answer: Sequence[Bar], end_ms: int) -> None:
        """Only closed bars that can be are an answer, and only about their own minutes."""
        history = self._market[symbol].history
        answer = [bar for bar in answer if bar.confirmed and implausible(bar) is None]
        differing = {bar.open_ms: bar for bar in history.differing(answer)}
        agreed = [bar for open_ms, bar in differing.items() if _same(case.otherwise.get(open_ms), bar)]
        if agreed:
            await self._correct(symbol, agreed)
        settled = {bar.open_ms for bar in answer} - (differing.keys() - {bar.open_ms for bar in agreed})
        case.otherwise = {open_ms: bar for open_ms, bar in differing.items() if open_ms not in settled}
        answered_ms = max((bar.open_ms + _BASE.ms for bar in answer), default=0)
        case.compared_ms = max(case.compared_ms, min(end_ms, answered_ms))
        for open_ms in [open_ms for open_ms in history.doubted if open_ms in settled]:
            del history.doubted[open_ms]
        open_still = case.otherwise.keys() | {open_ms for open_ms in history.doubted if open_ms < end_ms}
        case.tries = case.tries + 1 if open_still else 0
        if case.tries > _TRIES:
            self.unsettled += len(open_still)
            log.warning("the exchange does not settle what a bar was", symbol=symbol, bars=len(open_still))
            for open_ms in open_still:
                history.doubted.pop(open_ms, None)
            case.otherwise, case.tries = {}, 0

    async def _correct(self, symbol: str, bars: Sequence[Bar]) -> None:
        history = self._market[symbol].history
        held = {bar.open_ms: bar for bar in history.base.last(len(history.base))}
        units = {unit_jump(held[bar.open_ms].close, bar.close) for bar in bars}
        if len(units) == 1 and 0 not in units:  # the exchange tells its whole past in the new unit
            await self._watch.restarts.begin_anew(symbol, 0, units.pop())
            return
        asked = [
            (timeframe, await self._ask(symbol, timeframe, open_ms, open_ms))
            for timeframe, open_ms in history.to_ask(bars)
        ]
        if symbol not in self._market or self._market[symbol].history is not history:
            return  # it left, or began anew, meanwhile
        changed = history.correct(bars)
        for timeframe, higher in asked:
            history.replace(timeframe, higher)
        self._archive.corrected(symbol, changed)
        self._watch.corrected.add(symbol)
        self.corrections += len(bars)
        text = "; ".join(_told(held[bar.open_ms], bar) for bar in bars[:3])
        self.corrected[symbol] = self._watch.now_ns() // 1_000_000, text
        log.warning("bars were corrected", symbol=symbol, bars=len(bars), what=text)

    def observe(self, incidents: IncidentLog) -> None:
        """Tell of corrections, and of histories that began anew, for some minutes after each."""
        now_ms = self._watch.now_ns() // 1_000_000
        _tell(incidents, CORRECTED, Severity.INFO, "bars were replaced by the exchange's own", self.corrected, now_ms)
        _tell(incidents, RESTARTED, Severity.WARNING, "its history began anew", self._watch.restarts.restarted, now_ms)


def _same(one: Bar | None, other: Bar) -> bool:
    """Whether two answers agree; turnover may be unknown in both."""
    return (
        one is not None
        and replace(one, turnover=0.0) == replace(other, turnover=0.0)
        and (one.turnover == other.turnover or (isnan(one.turnover) and isnan(other.turnover)))
    )


def _told(before: Bar, after: Bar) -> str:
    names = ("open", "high", "low", "close", "volume")
    values = [(name, getattr(before, name), getattr(after, name)) for name in names]
    changes = ", ".join(f"{name} {price_text(old)} → {price_text(new)}" for name, old, new in values if old != new)
    return f"{iso(before.open_ms)}: {changes or 'turnover'}"


def _tell(
    incidents: IncidentLog,
    kind: str,
    severity: Severity,
    what: str,
    happened: dict[str, tuple[int, str]],
    now_ms: int,
) -> None:
    """One incident a symbol, resolved when nothing of it happened again for a while; `happened` forgets it then."""
    for symbol, (at_ms, text) in list(happened.items()):
        if now_ms - at_ms > _TOLD_MS:
            del happened[symbol]
        else:
            details: Details = {"at_ms": at_ms, "what": text}
            incidents.fire(
                kind, severity, f"{symbol}: {what}: {text}", now_ms, symbol=symbol, part=symbol, details=details
            )
    for symbol in incidents.open_parts(kind):
        if symbol not in happened:
            incidents.resolve(kind, now_ms, part=symbol)


def refused_bars(market: MarketState) -> Mapping[str, int]:
    """How often bars were not believed, by "field: reason", over all symbols watched."""
    found: dict[str, int] = {}
    for symbol in market.rows:
        for reason, count in market[symbol].history.refused.items():
            found[reason] = found.get(reason, 0) + count
    return found
