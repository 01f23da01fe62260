"""What takes 300 ms is counted as that of the stage in which it took them, and of no other."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.support.small_monitor import SmallMonitor

from virtuoso.config import Settings
from virtuoso.model.documents import LatencyHistogram
from virtuoso.monitor.schedule import FixedRate
from virtuoso.monitor.status import StatusReport
from virtuoso.monitor.supervision import Supervision
from virtuoso.monitor.vitals import Vitals
from virtuoso.wiring.monitor import monitor_parts

LONG_S = 0.3
OF_A_PASS = ("refresh", "factors", "forecast", "publish")


class Stand:
    """A clock for durations that stands still, but for what is made to take time."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def slowed(self, work: Callable[..., Any]) -> Callable[..., Any]:
        def slow(*args: Any, **kwargs: Any) -> Any:
            self.now_s += LONG_S
            return work(*args, **kwargs)

        return slow


@pytest.fixture
def stand(monkeypatch: pytest.MonkeyPatch) -> Stand:
    stand = Stand()
    monkeypatch.setattr(time, "perf_counter", lambda: stand.now_s)
    return stand


@pytest.fixture
def small() -> Iterator[SmallMonitor]:
    small = SmallMonitor(symbols=2)
    yield small
    small.kernel.close()


def long_ones(found: LatencyHistogram) -> int:
    """How many took more than a quarter of a second."""
    return sum(count for bound, count in zip((*found.bounds_s, 1e9), found.counts, strict=True) if bound > 0.25)


@pytest.mark.parametrize("stage", OF_A_PASS)
async def test_a_slow_stage_of_a_pass_is_named(
    stage: str, small: SmallMonitor, stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = small.kernel._engine
    assert engine.outlook is not None
    await small.start()
    before = small.kernel.latency.documents()
    owner, name = {
        "refresh": (small.refresh, "complete"), "factors": (engine._banks, "step"),
        "forecast": (engine.outlook, "step"), "publish": (small.cycle, "_build"),
    }[stage]  # fmt: skip
    monkeypatch.setattr(owner, name, stand.slowed(getattr(owner, name)))
    await small.minute()
    after = small.kernel.latency.documents()
    assert small.cycle.last_error is None
    slow = {each for each in OF_A_PASS if long_ones(after[each]) > long_ones(before[each])}
    assert slow == {stage}
    assert all(sum(after[each].counts) > sum(before[each].counts) for each in OF_A_PASS)


async def test_the_way_of_a_frame_is_counted_once_however_often_it_is_looked_at(small: SmallMonitor) -> None:
    await small.start()
    status = StatusReport(small.kernel, monitor_parts(Settings()), Vitals(FixedRate(60.0)))
    supervision = Supervision(small.kernel, status)
    for feed in small.stream.feeds():
        feed.lag_ms = 1e3 * LONG_S
    await supervision.check()
    await supervision.check()  # by a clock that stands still: no frame came since
    found = small.kernel.latency.documents()["wire"]
    assert sum(found.counts) == long_ones(found) == len(small.stream.feeds())
    assert found.sum_s == pytest.approx(LONG_S * len(small.stream.feeds()))
    small.clock.advance(1_000_000_000)
    await supervision.check()
    assert sum(small.kernel.latency.documents()["wire"].counts) == 2 * len(small.stream.feeds())
