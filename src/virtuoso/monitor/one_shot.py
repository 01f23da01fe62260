"""One look at one symbol: the monitor's own parts, asked once by REST and stepped by the last closed minute."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import msgspec
from msgspec.structs import replace

from virtuoso.config import Settings
from virtuoso.market.minute import MinuteSampler
from virtuoso.market.names import meant, named
from virtuoso.market.symbol import SymbolState
from virtuoso.market.universe import Universe
from virtuoso.model.clock import Clock
from virtuoso.model.documents import SymbolDetail
from virtuoso.model.errors import ExchangeError, UsageError, VirtuosoError
from virtuoso.model.instrument import Instrument
from virtuoso.model.timeframe import Timeframe
from virtuoso.monitor.app import Monitor
from virtuoso.operations.health import HealthBoard
from virtuoso.storage.cache.memory import MemoryCache

_BASE = Timeframe.M1
_PATIENCE_S = 5.0
_LOOK_S = 0.2


@dataclass(frozen=True, slots=True)
class Look:
    """What one look found: the document of `/api/symbols/{symbol}`, and the last base closes, oldest first."""

    detail: SymbolDetail
    closes: tuple[float, ...]


async def look(settings: Settings, name: str, clock: Clock, tell: Callable[[str], None], closes: int = 60) -> Look:
    """Ask the configured exchange about the symbol called `name`; `tell` is told each step.

    Raises:
        UsageError: the exchange has no such symbol.
        VirtuosoError: the exchange, or what it says of the symbol, cannot be had.
    """
    polled = settings.market_data.model_copy(update={"mode": "poll"})
    monitor = Monitor(
        settings.model_copy(update={"market_data": polled}), clock, cache := MemoryCache(clock),
        HealthBoard(clock, settings.monitoring.interval, "embedded"),
    )  # fmt: skip
    try:
        tell(f"asking {settings.exchange.address} for its instruments")
        await monitor.exchange.measure_clock()
        await monitor.watch.choose()
        symbol = find(name, monitor.watch.instruments).symbol
        tell(f"looking at the book and the slow data of {symbol}")
        monitor.market.add(symbol)
        monitor.watch.universe = Universe((symbol,), {}, frozenset({symbol}))
        monitor.watch.detailed = monitor.watch.universe.detailed
        monitor.stream.watch(monitor.market.sinks(), monitor.watch.detailed)
        await asyncio.gather(monitor.stream.poll({symbol: ("tickers", "orderbook")}), monitor.slow.look())
        seen_ms = see(monitor.market[symbol], monitor.watch.exchange_ms())
        tell(f"loading the history of {symbol}")
        await monitor.watch.recover(symbol)
        if (failure := monitor.watch.failed.get(symbol)) is not None:
            raise VirtuosoError(f"{symbol}: its history could not be loaded: {failure}")
        monitor.watch.ready.add(symbol)
        tell("scoring the last closed minute")
        await _scored(monitor, symbol)
    except ExchangeError as error:
        raise VirtuosoError(f"{settings.exchange.address}: {error}") from error
    finally:
        await monitor.exchange.close()
    document = cache.get(f"symbol:{symbol}")
    if document is None:
        raise VirtuosoError(f"{symbol}: nothing was published")
    detail = msgspec.json.decode(document.body, type=SymbolDetail)
    said = (*detail.signal.reasons, _apart(seen_ms, monitor.cycle.analysed_ms))
    bars = monitor.market[symbol].history.base.last(closes)
    return Look(replace(detail, signal=replace(detail.signal, reasons=said)), tuple(bar.close for bar in bars))


def _apart(seen_ms: int | None, close_ms: int) -> str:
    """What sets one look apart from watching."""
    if seen_ms is None:
        return "one look: no book was seen"
    late = f"seen {(seen_ms - close_ms) / 1000:.0f} s after the close, its flow and liquidations not at all"
    return f"one look: book and ticker were {late}; the label has no bar before it to hold on to"


def find(name: str, instruments: Mapping[str, Instrument]) -> Instrument:
    """The instrument called `name`, by the exchange's name or the unified one, in any case.

    Raises:
        UsageError: there is none; the message names those that look like it.
    """
    listed = list(instruments.values())
    if (found := named(name, listed)) is not None:
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


async def _scored(monitor: Monitor, symbol: str) -> None:
    """Cycle until the symbol has a reading: a minute that closed this second may not be served yet."""
    cycle = monitor.cycle
    with suppress(TimeoutError):
        async with asyncio.timeout(_PATIENCE_S):
            while symbol not in cycle.evaluations:
                await cycle.run()
                if cycle.last_error is not None:
                    raise VirtuosoError(f"{symbol}: could not be scored: {cycle.last_error}")
                if symbol not in cycle.evaluations:
                    await asyncio.sleep(_LOOK_S)
    if symbol not in cycle.evaluations:
        why = monitor.watch.failed.get(symbol, "the exchange does not serve its last minute")
        raise VirtuosoError(f"{symbol}: could not be scored: {why}")
