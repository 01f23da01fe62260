"""The monitor at the exchange's lists: what is adopted, waited for, and told."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.support.virtual import virtual_loop

from virtuoso.alerts.incidents import IncidentLog
from virtuoso.alerts.universe_conditions import observe_universe
from virtuoso.market.universe.choice import UniverseRules
from virtuoso.model.clock import ManualClock
from virtuoso.model.errors import ExchangeUnavailable
from virtuoso.model.instrument import Instrument, InstrumentId, Kind
from virtuoso.model.market import TickerUpdate
from virtuoso.monitor.supervision import universe_state
from virtuoso.monitor.watching.watch import Watch

SYMBOLS = [f"S{rank:02}USDT" for rank in range(1, 13)]


def instrument(symbol: str) -> Instrument:
    return Instrument(
        id=InstrumentId("bybit", Kind.LINEAR, symbol), unified=f"{symbol}:USDT", base=symbol.removesuffix("USDT"),
        quote="USDT", settle="USDT", status="Trading", perpetual=True, tick_size=0.1, lot_size=0.1,
    )  # fmt: skip


class UniverseRefresh:
    """An exchange that has nothing but lists."""

    clock_offset_ms = 0.0

    def __init__(self) -> None:
        self.rows = [instrument(symbol) for symbol in SYMBOLS]
        self.worth = {s: TickerUpdate(turnover_24h=1e9 / rank) for rank, s in enumerate(SYMBOLS, 1)}
        self.empty = False

    async def instruments(self) -> list[Instrument]:
        return [] if self.empty else self.rows

    async def tickers(self) -> dict[str, TickerUpdate]:
        return self.worth


def watch_of(exchange: UniverseRefresh, rules: UniverseRules) -> Watch:
    parts = dict.fromkeys(("market", "engine", "archive"), cast("Any", SimpleNamespace()))
    worker = ThreadPoolExecutor(1)
    return Watch(exchange=cast("Any", exchange), worker=worker, rules=rules, clock=ManualClock(1), **parts)


def open_kinds(log: IncidentLog, watch: Watch, now_ms: int) -> list[tuple[str, str | None]]:
    observe_universe(log, universe_state(watch), now_ms)
    return sorted((incident.kind, incident.part) for incident in log.open())


def test_an_empty_list_at_the_start_is_no_answer() -> None:
    exchange = UniverseRefresh()
    watch = watch_of(exchange, UniverseRules(size=5))
    exchange.empty = True
    with pytest.raises(ExchangeUnavailable, match="list of instruments has none in trading; it is asked again"):
        asyncio.run(watch.choose())
    exchange.empty = False
    watch.universe = asyncio.run(watch.choose())
    assert watch.universe.symbols == tuple(SYMBOLS[:5])


def test_a_list_that_is_short_at_the_start_alone_is_asked_for_again() -> None:
    exchange, log = UniverseRefresh(), IncidentLog(100)
    watch, whole = watch_of(exchange, UniverseRules(size=5)), exchange.rows
    exchange.rows = whole[-5:]
    with virtual_loop() as loop:
        choosing = loop.create_task(watch.choose())
        loop.run_until_complete(asyncio.sleep(1))
        assert open_kinds(log, watch, 1_000) == [("list_doubted", "instruments")]
        assert log.open()[0].details == {"list": "instruments", "listed": 5, "known": 12}
        exchange.rows = whole
        watch.universe = loop.run_until_complete(choosing)
    assert watch.universe.symbols == tuple(SYMBOLS[:5])
    assert open_kinds(log, watch, 2_000) == []


def test_first_lists_that_stay_unlike_are_taken_and_told() -> None:
    exchange, log = UniverseRefresh(), IncidentLog(100)
    watch = watch_of(exchange, UniverseRules(size=5))
    exchange.worth = {symbol: exchange.worth[symbol] for symbol in SYMBOLS[:3]}
    with virtual_loop() as loop:
        watch.universe = loop.run_until_complete(watch.choose())
    assert watch.universe.symbols == tuple(SYMBOLS[:3])
    assert open_kinds(log, watch, 1_000) == [("list_doubted", "tickers")]


def test_a_doubted_list_is_an_incident_with_its_numbers_until_it_is_whole() -> None:
    exchange, log = UniverseRefresh(), IncidentLog(100)
    watch = watch_of(exchange, UniverseRules(size=5))
    watch.universe = asyncio.run(watch.choose())
    assert open_kinds(log, watch, 1_000) == []
    exchange.empty = True
    watch.universe = asyncio.run(watch.choose())
    assert watch.universe.symbols == tuple(SYMBOLS[:5])
    assert open_kinds(log, watch, 2_000) == [("list_doubted", "instruments")]
    assert log.open()[0].details == {"list": "instruments", "listed": 0, "known": 12}
    exchange.empty = False
    asyncio.run(watch.choose())
    assert open_kinds(log, watch, 3_000) == []


def test_what_is_not_as_configured_is_an_incident_while_it_lasts() -> None:
    exchange, log = UniverseRefresh(), IncidentLog(100)
    watch = watch_of(exchange, UniverseRules(size=5, quote="usdt", include=("s01usdt",)))
    watch.universe = asyncio.run(watch.choose())
    assert open_kinds(log, watch, 1_000) == [("include_unknown", "s01usdt"), ("universe_empty", None)]
    assert {incident.message.rpartition("; ")[2] for incident in log.open()} == {
        "did you mean S01USDT?", "did you mean USDT?",
    }  # fmt: skip
    watch.rules = UniverseRules(size=5)
    watch.universe = asyncio.run(watch.choose())
    assert open_kinds(log, watch, 2_000) == []
