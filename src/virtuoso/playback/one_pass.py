"""Looks once at one symbol: the kernel of the monitor, asked once by REST and stepped by the last closed minute."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

import msgspec

from virtuoso.alerts.incidents import IncidentLog
from virtuoso.exchange.polling import Polling
from virtuoso.exchange.protocol import Exchange
from virtuoso.market.minute import MinuteSampler
from virtuoso.market.symbol import SymbolState
from virtuoso.market.universe.names import meant, resolved
from virtuoso.model.clock import Clock
from virtuoso.model.documents import SymbolDetail
from virtuoso.model.errors import ExchangeError, UsageError, VirtuosoError
from virtuoso.model.feed_kind import FeedKind
from virtuoso.model.instrument import Instrument
from virtuoso.model.timeframe import Timeframe
from virtuoso.monitor.alerting.alerting import without_notifications
from virtuoso.monitor.documents.publication import Publication
from virtuoso.monitor.kernel import Kernel, Source
from virtuoso.monitor.persistence.committer import Committer
from virtuoso.operations.health import HealthState
from virtuoso.storage.cache.memory import MemoryCache
from virtuoso.wiring.monitor import MonitorParts
from virtuoso.wiring.parts import KernelParts

_BASE = Timeframe.M1
_PATIENCE_S = 5.0
_LOOK_S = 0.2
_INCIDENTS = 100


@dataclass(frozen=True, slots=True)
class OnePass:
    """What one pass found: the document of `/api/symbols/{symbol}`, and the last base closes, oldest first."""

    detail: SymbolDetail
    closes: tuple[float, ...]


async def analyze_once(
    exchange: Exchange, parts: MonitorParts, name: str, clock: Clock, tell: Callable[[str], None], closes: int = 60
) -> OnePass:
    """Ask the exchange about the symbol called `name`, and close it; `tell` is told each step.

    Raises:
        UsageError: the exchange has no such symbol.
        VirtuosoError: the exchange, or what it says of the symbol, cannot be had.
    """
    kernel, stream = _kernel(exchange, replace(parts.kernel, polled=True), clock)
    try:
        tell(f"asking {parts.address} for its instruments")
        await exchange.measure_clock()
        await kernel.watch.choose()
        symbol = find(name, kernel.watch.instruments).symbol
        tell(f"looking at the book and the slow data of {symbol}")
        kernel.watch.only(symbol)
        stream.watch(kernel.market.sinks(), kernel.watch.detailed)
        await asyncio.gather(stream.poll({symbol: (FeedKind.TICKER, FeedKind.BOOK)}), kernel.slow.poll())
        seen_ms = see(kernel.market[symbol], kernel.watch.exchange_ms())
        tell(f"loading the history of {symbol}")
        await kernel.watch.loader.recover(symbol, left=1)  # the close that is scored and forecast from
        if (failure := kernel.watch.loader.failed.get(symbol)) is not None:
            raise VirtuosoError(f"{symbol}: its history could not be loaded: {failure}")
        kernel.watch.ready.add(symbol)
        tell("scoring the last closed minute")
        await _scored(kernel, symbol)
    except ExchangeError as error:
        raise VirtuosoError(f"{parts.address}: {error}") from error
    finally:
        await exchange.close()
        kernel.close()
    document = kernel.cache.get(f"symbol:{symbol}")
    if document is None:
        raise VirtuosoError(f"{symbol}: nothing was published")
    detail = msgspec.json.decode(document.body, type=SymbolDetail)
    said = (*detail.signal.reasons, _apart(seen_ms, kernel.cycle.analysed_ms))
    bars = kernel.market[symbol].history.base.last(closes)
    signal = msgspec.structs.replace(detail.signal, reasons=said)
    return OnePass(msgspec.structs.replace(detail, signal=signal), tuple(bar.close for bar in bars))


def _kernel(exchange: Exchange, parts: KernelParts, clock: Clock) -> tuple[Kernel, Polling]:
    """A kernel that polls, keeps nothing and tells nobody."""
    stream = Polling(
        exchange, clock, interval_s=parts.interval_s, depth=parts.depth, on_event=lambda _: None, stream=None
    )
    incidents = IncidentLog(_INCIDENTS, exchange=exchange.name)
    kernel = Kernel(
        parts, Source(exchange, stream), clock, Publication(MemoryCache(clock), 1, parts.interval_s, ages=False),
        alerting=without_notifications(incidents, clock), committer=Committer(None, parts.market, incidents),
        health=HealthState(clock, parts.interval_s, "embedded"),
    )  # fmt: skip
    return kernel, stream


def _apart(seen_ms: int | None, close_ms: int) -> str:
    """What sets one pass apart from watching."""
    if seen_ms is None:
        return "one pass: no book was seen"
    late = f"seen {(seen_ms - close_ms) / 1000:.0f} s after the close, its flow and liquidations not at all"
    return f"one pass: book and ticker were {late}; the band has no bar before it to hold on to"


def find(name: str, instruments: Mapping[str, Instrument]) -> Instrument:
    """The instrument called `name`: by symbol or unified name, as a pair or a coin, where that can be only one.

    Raises:
        UsageError: there is none, or there are several; the message names them, or those that look like it.
    """
    listed = list(instruments.values())
    if (found := resolved(name, listed)) is not None:
        return found
    near = meant(name, listed)
    hint = f"did you mean {' or '.join(near)}?" if near else "`virtuoso universe` lists its symbols"
    raise UsageError(f"{name}: the exchange has no such symbol; {hint}")


def see(state: SymbolState, now_ms: int) -> int | None:
    """Let what was just seen stand for the minute that closed before, when nobody looked; the book's time (epoch ms).

    Of ticker, funding and account ratio that is what is known at `now_ms` (epoch ms, by the exchange's clock). What a
    single look at the book cannot show (flow, absorption, resilience, what vanished) stays unknown, and so do
    liquidations.
    """
    state.minutes.close_ms = _BASE.floor(now_ms)
    state.minutes.turn(now_ms)
    if not state.book.valid:
        return None
    sampler = MinuteSampler()
    sampler.blind = True
    sampler.sample(state.book_event_ms, state.book)
    state.minute = sampler.cut(_BASE.floor(state.book_event_ms), state.book)
    return state.book_event_ms


async def _scored(kernel: Kernel, symbol: str) -> None:
    """Cycle until the symbol has a reading: a minute that closed this second may not be served yet."""
    cycle = kernel.cycle
    with suppress(TimeoutError):
        async with asyncio.timeout(_PATIENCE_S):
            while symbol not in cycle.evaluations:
                await cycle.run()
                if cycle.last_error is not None:
                    raise VirtuosoError(f"{symbol}: could not be scored: {cycle.last_error}")
                if symbol not in cycle.evaluations:
                    await asyncio.sleep(_LOOK_S)
    if symbol not in cycle.evaluations:
        why = kernel.watch.loader.failed.get(symbol, "the exchange does not serve its last minute")
        raise VirtuosoError(f"{symbol}: could not be scored: {why}")
