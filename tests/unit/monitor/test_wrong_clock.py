"""The exchange's clock is an hour wrong for 45 s: the next close is analysed on time, and requests back off."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.support.long_day_market import MINUTE
from tests.support.small_monitor import SmallMonitor

from virtuoso.exchange.offset import ClockOffset
from virtuoso.model.timeframe import Timeframe

HOUR_MS = 3_600_000
WRONG_S = 45


class Counted:
    """A monitor whose exchange has no bars of the future, and counts what it is asked for."""

    def __init__(self) -> None:
        self.small = SmallMonitor()
        self.asked = 0
        self.exchange: Any = self.small.exchange
        real = self.exchange.bars

        async def bars(symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> Any:
            self.asked += 1
            return await real(symbol, timeframe, start_ms, min(end_ms, self.small.now_ms - timeframe.ms))

        self.exchange.bars = bars

    async def seconds(self, count: int) -> None:
        """A pass a second."""
        for _ in range(count):
            self.small.clock.advance(1_000_000_000)
            await self.small.cycle.run()


@pytest.fixture
async def counted() -> AsyncIterator[Counted]:
    counted = Counted()
    await counted.small.start()
    await counted.small.minute()
    yield counted
    counted.small.close()


async def test_a_wrong_clock_is_not_believed(counted: Counted) -> None:
    small, offset = counted.small, ClockOffset()
    offset.offer(0.0)
    analysed_ms = small.cycle.analysed_ms
    for second in range(WRONG_S):
        if second % 5 == 0:
            offset.offer(HOUR_MS, at_s=float(second), streams_ms=0.0)
            counted.exchange.clock_offset_ms = offset.ms
        await counted.seconds(1)
    assert small.cycle.analysed_ms == analysed_ms
    await small.minute()
    assert small.cycle.analysed_ms == analysed_ms + MINUTE
    assert {e.close_ms for e in small.cycle.evaluations.values()} == {analysed_ms + MINUTE}


@pytest.mark.parametrize("off_ms", [HOUR_MS, -HOUR_MS, 1_000 * HOUR_MS])
async def test_a_wrong_clock_that_was_believed_is_over_with_the_next_close(counted: Counted, off_ms: int) -> None:
    small = counted.small
    analysed_ms, asked = small.cycle.analysed_ms, counted.asked
    counted.exchange.clock_offset_ms = float(off_ms)
    await counted.seconds(WRONG_S)
    assert counted.asked - asked <= 8 * len(small.market.rows), "each symbol waits longer each time"
    counted.exchange.clock_offset_ms = 0.0
    await counted.seconds(1)
    await small.minute()
    assert small.cycle.analysed_ms == analysed_ms + MINUTE
    assert {e.close_ms for e in small.cycle.evaluations.values()} == {analysed_ms + MINUTE}
    assert small.cycle.failures == 0
