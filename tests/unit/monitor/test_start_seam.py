"""What is said after a start is the same wherever a close fell into it: nothing decided before the stream lasts."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest
from tests.support.long_day_market import MadeUpExchange
from tests.support.small_monitor import START_MS, SmallMonitor

from virtuoso.analysis.bands import BandRule
from virtuoso.model.clock import ManualClock
from virtuoso.model.market import Bar
from virtuoso.model.timeframe import Timeframe

SYMBOL = "BTCUSDT"
BEFORE_S, AFTER_S, SLOW_S = 100, 125, 115
"""When a start begins and ends, in seconds; 115 is before the close, and long after the requests. No bar of 5m ends
within: one that is made of minutes has another least range than one that was asked for."""
TIMEFRAMES = {Timeframe.M1: 0.6, Timeframe.M5: 0.4}
CLOSES = 2
Read = list[tuple[Any, ...]]


class Truthful(MadeUpExchange):
    """Says of a bar whether it has closed by now; a history that is asked for begins where it always does."""

    async def bars(self, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> list[Bar]:
        if end_ms - start_ms > 10 * timeframe.ms:
            start_ms = START_MS - 960 * timeframe.ms
        end_ms = timeframe.floor(end_ms) + timeframe.ms - 1  # each bar whole, whoever asks
        found = await super().bars(symbol, timeframe, start_ms, end_ms)
        now_ms = self._clock.now_ns() // 1_000_000
        return [msgspec.structs.replace(bar, confirmed=bar.open_ms + timeframe.ms <= now_ms) for bar in found]


class Started:
    """A monitor that is started at a time, and in which the time passes at one phase of the start."""

    def __init__(self, at_s: int, rule: BandRule) -> None:
        clock = ManualClock(START_MS * 1_000_000)
        self.monitor = SmallMonitor(1, Truthful(clock, 1), clock=clock, timeframes=TIMEFRAMES)
        self.pass_to(at_s)
        self.monitor.kernel._engine.decide_by(rule)

    def pass_to(self, at_s: int) -> None:
        self.monitor.clock.advance_to((START_MS + 1_000 * at_s) * 1_000_000)

    async def start(self, phase: str, to_s: int) -> Read:
        monitor, loader = self.monitor, self.monitor.watch.loader

        def passing_before(step: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
            async def passed(*args: Any, **options: Any) -> None:
                self.pass_to(to_s)
                await step(*args, **options)

            return passed

        if phase in ("warm_up", "catch_up"):
            setattr(loader, phase, passing_before(getattr(loader, phase)))
        universe = await monitor.watch.choose()
        monitor.watch._tickers = {}  # it is known from when it was asked for
        await monitor.watch.adopt(universe)
        if phase == "first frame":
            await monitor.cycle.run()
        self.pass_to(to_s)
        await monitor.cycle.run()
        found = [self.reading()]
        self.pass_to(AFTER_S)
        await monitor.cycle.run()
        monitor.stream.watch(monitor.sinks, monitor.watch.detailed)
        forming = (await monitor.exchange.bars(SYMBOL, Timeframe.M1, START_MS + 120_000, monitor.now_ms))[-1]
        assert not forming.confirmed
        monitor.sinks[SYMBOL].bars(monitor.clock.now_ns(), [forming])
        for _ in range(CLOSES):
            await monitor.minute()
            found.append(self.reading())
        monitor.close()
        return found

    def reading(self) -> tuple[Any, ...]:
        evaluation = self.monitor.cycle.evaluations[SYMBOL]
        reading, regime = evaluation.reading(SYMBOL), evaluation.regime(SYMBOL)
        return (
            evaluation.close_ms, reading.input_hash, reading.score, reading.coverage, reading.band,
            evaluation.bridged_band(SYMBOL), reading.signal, reading.confidence, reading.forecast,
            regime.regime, regime.since_ms,
        )  # fmt: skip


def read(phase: str, at_s: int, to_s: int, rule: BandRule) -> Read:
    return asyncio.run(Started(at_s, rule).start(phase, to_s))


@pytest.fixture(scope="module")
def parting() -> BandRule:
    """A rule by which the band of the last close before the stream would be kept by those that follow."""
    before, after = (scored[2] for scored in read("none", AFTER_S, AFTER_S, BandRule())[:2])
    edge = (before + after) / 2
    return BandRule(
        up=edge if before > after else 100.0, down=0.0 if before > after else edge, exit_margin=0.0, hold_bars=3,
        min_coverage=0.1,
    )  # fmt: skip


@pytest.fixture(scope="module")
def expected(parting: BandRule) -> Read:
    """What is read of a start into which no close falls, and which ends with the first frame."""
    found = read("none", AFTER_S, AFTER_S, parting)
    assert found[0][4] != found[1][4], "the rule tells them apart"
    return found


@pytest.mark.parametrize(
    ("phase", "to_s"),
    [("warm_up", AFTER_S), ("catch_up", AFTER_S), ("first frame", AFTER_S), ("slow", SLOW_S)],
)
def test_closes_after_the_first_frame_are_as_if_the_start_had_been_at_it(
    phase: str, to_s: int, parting: BandRule, expected: Read
) -> None:
    assert read(phase, BEFORE_S, to_s, parting)[1:] == expected[1:]
