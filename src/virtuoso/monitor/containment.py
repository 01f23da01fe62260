"""What one symbol raises costs that symbol: it is noted, counted and told, and the others go on."""

import traceback
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import structlog

from virtuoso.alerts.incidents import IncidentLog
from virtuoso.alerts.limits import FAILING_MS
from virtuoso.model.alerts.incident import Details, Severity
from virtuoso.model.clock import Clock
from virtuoso.model.feed import SymbolSink

log = structlog.get_logger(__name__)

KIND = "symbol_failed"
_OVER_MS = 60_000
"""A fault that was not repeated for so long, or for twice the time between its last two, is over, also where nothing
of its kind was tried since."""
_KNOWN_MS = 3_600_000
"""One that is repeated within so long is the same: what fails is not tried each minute."""

_FRAMES = 4

_P = ParamSpec("_P")
_T = TypeVar("_T")


@dataclass(slots=True)
class Fault:
    """What a symbol raised at one piece of work, how often without a success between, and when (epoch ms)."""

    reason: str
    since_ms: int
    last_ms: int
    times: int = 1
    lasts_ms: int = _OVER_MS
    """For how long it stands after it was raised last."""


class Contained:
    """Runs the work of one symbol at a time. Used on the loop and on the worker: each change is one assignment."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._faults: dict[tuple[str, str], Fault] = {}
        self._over: dict[tuple[str, str], Fault] = {}
        """Those that are over by time alone: nothing of their kind went well since."""
        self.raised = 0
        """How often anything was raised."""

    def attempt(self, symbol: str, what: str, work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T | None:
        """What `work` answers, or `None` when it raised: that is a fault of `symbol`, named by `what` it was at."""
        try:
            answer = work(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - whatever it is: it may not reach the other symbols
            self.note(symbol, what, error)
            return None
        self.clear(symbol, what)
        return answer

    async def awaited(self, symbol: str, what: str, work: Awaitable[object]) -> bool:
        """Whether `work` went well; see `attempt`."""
        try:
            await work
        except Exception as error:  # noqa: BLE001 - see `attempt`
            self.note(symbol, what, error)
            return False
        self.clear(symbol, what)
        return True

    def note(self, symbol: str, what: str, error: BaseException) -> None:
        """Count what was raised; the first time it is logged with its origin."""
        now_ms = self._now_ms()
        self.raised += 1
        reason = f"{what} failed: {type(error).__name__}: {error}"
        fault = self._faults.get((symbol, what)) or self._over.pop((symbol, what), None)
        if fault is not None:
            fault.lasts_ms = max(_OVER_MS, 2 * (now_ms - fault.last_ms))
            fault.reason, fault.last_ms, fault.times = reason, now_ms, fault.times + 1
            self._faults[symbol, what] = fault
            return
        self._faults[symbol, what] = Fault(reason, now_ms, now_ms)
        log.error("one symbol failed; the others go on", symbol=symbol, reason=reason, where=_where(error))

    def clear(self, symbol: str, what: str) -> None:
        """Forget the fault of a symbol at `what`, because that work went well again."""
        if self._faults or self._over:
            self._faults.pop((symbol, what), None)
            self._over.pop((symbol, what), None)

    def reason(self, symbol: str) -> str | None:
        """What is wrong with a symbol now."""
        found = [fault.reason for (each, _), fault in self._faults.copy().items() if each == symbol]
        return "; ".join(found) or None

    def failing(self, what: str) -> set[str]:
        """Symbols that raised when `what` was last tried."""
        return {symbol for symbol, each in self._faults.copy() if each == what}

    @property
    def reasons(self) -> dict[str, str]:
        """By symbol, what went wrong with it."""
        return {symbol: self.reason(symbol) or "" for symbol in sorted({symbol for symbol, _ in self._faults.copy()})}

    def observe(self, incidents: IncidentLog, watched: Collection[str]) -> None:
        """Keep an incident open from when a symbol's fault has lasted a while until it is over; forget who left."""
        now_ms = self._now_ms()
        for (symbol, what), fault in self._faults.copy().items():
            if symbol not in watched:
                self.clear(symbol, what)
            elif now_ms - fault.last_ms > fault.lasts_ms:
                self.clear(symbol, what)
                self._over[symbol, what] = fault
            elif now_ms - fault.since_ms >= FAILING_MS and fault.times > 1:
                text = f"{symbol} is not analysed or shown whole: {fault.reason}"
                details: Details = {"reason": fault.reason, "times": fault.times, "since_ms": fault.since_ms}
                incidents.fire(KIND, Severity.WARNING, text, now_ms, symbol=symbol, part=symbol, details=details)
        for (symbol, what), fault in self._over.copy().items():
            if symbol not in watched or now_ms - fault.last_ms > _KNOWN_MS:
                self._over.pop((symbol, what), None)
        failing = {symbol for symbol, _ in self._faults.copy()}
        for symbol in incidents.open_parts(KIND):
            if symbol not in failing:
                incidents.resolve(KIND, now_ms, part=symbol)

    def sink(self, symbol: str, sink: SymbolSink) -> SymbolSink:
        """`sink` so that it never raises; a book that a delta raised at is dropped and asked for anew."""
        return cast("SymbolSink", _ContainedSink(self, symbol, sink))

    def guarded(
        self, symbol: str, what: str, work: Callable[..., Any], failed: Callable[[], Any]
    ) -> Callable[..., Any]:
        """`work` for events: it does not raise, and answers what `failed` does instead."""

        def guard(*args: Any) -> Any:
            try:
                return work(*args)
            except Exception as error:  # noqa: BLE001 - see `attempt`; here the fault is over by time
                self.note(symbol, what, error)
                return failed()

        return guard

    def _now_ms(self) -> int:
        return self._clock.now_ns() // 1_000_000


def _where(error: BaseException) -> str:
    """The last lines of our own that it was raised through, outermost first."""
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    return " > ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)


_OF_BOOK = ("book_snapshot", "book_delta", "book_fetched")
_OTHERS = ("book_invalid", "time", "touch", "trades", "trades_fetched", "ticker", "bars", "liquidations")
RAISED = "frame: could not be taken"


class _ContainedSink:
    """The methods of a sink, each guarded: one call more an event. What raised was not accepted."""

    __slots__ = (*_OF_BOOK, *_OTHERS)

    def __init__(self, contained: Contained, symbol: str, sink: SymbolSink) -> None:
        def refused() -> str:
            return RAISED

        def lost() -> str:
            contained.attempt(symbol, "dropping the book", sink.book_invalid)
            return RAISED

        for name in (*_OF_BOOK, *_OTHERS):
            failed = lost if name in _OF_BOOK else refused
            setattr(
                self, name, contained.guarded(symbol, f"taking {name.replace('_', ' ')}", getattr(sink, name), failed)
            )


def each(
    contained: Contained, what: str, symbols: Collection[str], work: Callable[[str], _T | None]
) -> Mapping[str, _T]:
    """What `work` answers for each symbol, in their order; one for which it raises, or answers `None`, is absent."""
    found = {}
    for symbol in symbols:
        if (answer := contained.attempt(symbol, what, work, symbol)) is not None:
            found[symbol] = answer
    return found
