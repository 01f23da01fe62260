"""When a market speaks next: whoever looks only then misses nothing, and looks seldom in vain."""

import asyncio

import pytest
from tests.support.capture import CAPTURE
from tests.support.virtual import EPOCH_MS, VirtualClock, virtual_loop

from virtuoso.simulator import server
from virtuoso.simulator.server import EmbeddedExchange
from virtuoso.simulator.source import Source
from virtuoso.simulator.sources import open_source

KINDS = ("orderbook.1", "orderbook.50", "tickers", "publicTrade", "kline.1", "allLiquidation")
WANTED = [("linear", f"{kind}.{symbol}") for kind in KINDS for symbol in ("BTCUSDT", "ETHUSDT")]
SOURCES = ("history", "model", "capture")
_END_MS = EPOCH_MS + 8_000


def opened(name: str) -> Source:
    source = open_source(name, 1, EPOCH_MS, capture=CAPTURE)
    source.advance(EPOCH_MS, ())
    return source


@pytest.mark.parametrize("name", SOURCES)
def test_who_looks_only_when_something_is_due_misses_nothing(name: str) -> None:
    source, at_ms, looks = opened(name), EPOCH_MS + 1, 1
    found = list(source.advance(at_ms, WANTED))
    while at_ms < _END_MS:
        at_ms = min(max(at_ms + 1, source.due_ms()), _END_MS)
        pushes = source.advance(at_ms, WANTED)
        assert all(push.at_ms == at_ms for push in pushes), "told too late"
        found += pushes
        looks += 1
    whole = sorted(opened(name).advance(_END_MS, WANTED))
    assert whole
    assert sorted(found) == whole
    if name != "capture":  # it goes by whatever was captured, wanted or not
        assert looks < 2 * len({push.at_ms for push in whole})


@pytest.mark.parametrize("name", ["history", "model"])
def test_nothing_is_due_where_nothing_is_wanted(name: str) -> None:
    source = opened(name)
    source.advance(EPOCH_MS + 1_000, WANTED)
    source.advance(EPOCH_MS + 2_000, ())
    assert source.due_ms() > EPOCH_MS + 10**12


def test_the_exchange_looks_when_something_is_due_and_twenty_times_a_second_where_nothing_is() -> None:
    looks = 0

    def counted(source: Source) -> Source:
        advance = source.advance

        def look(*given: object) -> object:
            nonlocal looks
            looks += 1
            return advance(*given)  # type: ignore[arg-type]

        source.advance = look  # type: ignore[method-assign, assignment]
        return source

    with virtual_loop() as loop:

        async def live() -> None:
            source = counted(opened("history"))
            async with EmbeddedExchange(source, clock=VirtualClock(loop), start_ms=EPOCH_MS):
                await asyncio.sleep(10)

        loop.run_until_complete(live())
    assert looks == pytest.approx(10 / server._MOST_QUIET_S, abs=3)
