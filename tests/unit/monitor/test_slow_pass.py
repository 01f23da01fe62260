"""A pass that took too long says which stage it was, which symbols, and what the process did meanwhile."""

import asyncio
import gc
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.small_monitor import SmallMonitor

from virtuoso.model.documents import PassExplained, StageExplained, Whereabouts
from virtuoso.model.market import Bar
from virtuoso.model.timeframe import Timeframe
from virtuoso.monitor.cycle.timing import PassTimes, why_slow
from virtuoso.operations.latency import Latencies
from virtuoso.operations.sampling import IDLE

BUDGET_S = 0.02


@pytest.fixture
def small() -> Iterator[SmallMonitor]:
    small = SmallMonitor(symbols=3)
    yield small
    small.kernel.close()


def slow(small: SmallMonitor) -> PassExplained:
    found = small.cycle.times.slow
    assert found is not None
    return found


async def looked(small: SmallMonitor) -> None:
    """Until the process was looked at a few times."""
    sampler = small.cycle.times._now.sampler
    assert sampler is not None
    while sampler._looks < 3:
        await asyncio.sleep(0.01)


async def test_a_slow_exchange_is_told_with_its_symbols(small: SmallMonitor, monkeypatch: pytest.MonkeyPatch) -> None:
    await small.start()
    assert small.cycle.times.slow is None, "nothing is slow without a budget"
    first, *_, last = small.watch.universe.symbols
    bars = small.exchange.bars

    async def late(symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> list[Bar]:
        if symbol == last:
            await asyncio.sleep(0.2)
            await looked(small)
        return await bars(symbol, timeframe, start_ms, end_ms)

    monkeypatch.setattr(small.exchange, "bars", late)
    small.cycle.judge_by(slow_s=BUDGET_S, stale_after_s=10.0)
    await small.minute({first: None, last: None})  # the stream told nothing of them
    found = slow(small)
    assert found.ok
    assert next(iter(found.fetched)) == last
    assert found.fetched[last] >= 200.0
    assert found.stages["refresh"].ms >= 200.0
    assert found.stages["refresh"].usual_ms is not None
    assert IDLE in {each.at for each in found.where if each.thread == "MainThread"}, "the loop had nothing to do"
    (incident,) = [incident for incident in small.incidents.open() if incident.kind == "slow_cycle"]
    assert incident.message.endswith(why_slow(found)[0])
    assert incident.details.items() >= why_slow(found)[1].items()


async def test_a_slow_function_is_named_that_the_worker_was_in(
    small: SmallMonitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await small.start()
    engine: Any = small.kernel._engine
    step = engine._banks.step

    def busy(block: Any) -> None:
        until_s = time.thread_time() + 0.2
        while time.thread_time() < until_s:
            pass
        step(block)

    monkeypatch.setattr(engine._banks, "step", busy)
    small.cycle.judge_by(slow_s=BUDGET_S, stale_after_s=10.0)
    await small.minute()
    found = slow(small)
    assert found.stages["analyse"].parts["factors"] >= 200.0
    assert found.cpu_ms > 0.0
    seen = {each.at for each in found.where if each.thread.startswith("analysis")}
    assert any(at.startswith("analysis.engine:Engine._advance > ") for at in seen), found.where


async def test_one_that_is_cancelled_leaves_nobody_looking(
    small: SmallMonitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await small.start()
    small.cycle.judge_by(slow_s=BUDGET_S, stale_after_s=10.0)
    begun = asyncio.Event()

    async def never() -> None:
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(small.cycle, "publish", never)
    running, callbacks = asyncio.create_task(small.minute()), len(gc.callbacks)
    await begun.wait()
    running.cancel()
    await asyncio.wait({running})
    assert running.cancelled()
    assert "sampler" not in {thread.name for thread in threading.enumerate()}
    assert len(gc.callbacks) == callbacks


async def test_the_slowest_of_late_is_kept_whether_it_was_slow_or_not(small: SmallMonitor) -> None:
    await small.start()
    for _ in range(3):
        await small.minute()
    slowest = small.cycle.times.slowest
    assert slowest is not None
    total = small.cycle.times.stages["total"].times()
    assert total is not None
    assert slowest.took_ms == pytest.approx(total.max, abs=0.001)
    assert slowest.budget_ms is None
    assert slowest.where == ()


async def test_a_pass_goes_on_where_no_thread_can_be_had_to_look_at_it(
    small: SmallMonitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await small.start()
    small.cycle.judge_by(slow_s=1e-6, stale_after_s=10.0)

    def refused(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)
    await small.minute()
    assert (slow(small).ok, slow(small).where) == (True, ())


def test_what_is_said_of_it_names_the_stage_the_part_and_who_was_alone() -> None:
    one = PassExplained(
        ended="2026-11-23T20:46:10.000Z", ok=True, took_ms=7_400.0, budget_ms=5_000.0,
        stages={
            "refresh": StageExplained(began_ms=0.0, ms=80.0, usual_ms=70.0, parts={}),
            "analyse": StageExplained(began_ms=0.0, ms=7_200.0, usual_ms=12.0, parts={"fit": 7_100.0, "factors": 60.0}),
        },
        fetched={"BTCUSDT": 79.0}, alone=("XUSDT",), cpu_ms=150.0, collections_ms=2.0, where=(),
    )  # fmt: skip
    said, details = why_slow(one)
    assert said == (
        "analyse took 7.2 s (usually 0.012 s), 7.1 s of it fit; analysed alone: XUSDT; 0.15 s of processor time"
    )
    assert details == {
        "cpu_s": 0.15, "collections_s": 0.002, "stage": "analyse", "stage_s": 7.2, "usual_s": 0.012, "part": "fit",
        "part_s": 7.1, "symbols": "XUSDT",
    }  # fmt: skip


def test_what_took_minutes_is_told_in_whole_seconds() -> None:
    one = PassExplained(
        ended="2026-11-23T20:46:10.000Z", ok=True, took_ms=1_234_000.0, budget_ms=5_000.0,
        stages={"refresh": StageExplained(began_ms=0.0, ms=1_234_000.0, usual_ms=100_000.0, parts={})},
        fetched={}, alone=(), cpu_ms=0.02, collections_ms=0.0, where=(),
    )  # fmt: skip
    assert why_slow(one)[0] == "refresh took 1,234 s (usually 100 s); 0.00002 s of processor time"


def test_of_a_slow_refresh_the_symbols_are_named_that_took_longest() -> None:
    one = PassExplained(
        ended="2026-11-23T20:46:10.000Z", ok=True, took_ms=6_950.0, budget_ms=5_000.0,
        stages={"refresh": StageExplained(began_ms=0.0, ms=6_900.0, usual_ms=None, parts={})},
        fetched={"BTCUSDT": 6_890.0, "ETHUSDT": 410.0}, alone=(), cpu_ms=150.0, collections_ms=2.0,
        where=(Whereabouts(thread="MainThread", at=IDLE, share=0.97),),
    )  # fmt: skip
    said, details = why_slow(one)
    assert said == (
        "refresh took 6.9 s; slowest: BTCUSDT 6.9 s, ETHUSDT 0.41 s; 0.15 s of processor time; "
        "seen most often: nothing to do (97% of MainThread)"
    )
    assert details["symbols"] == "BTCUSDT 6.9 s, ETHUSDT 0.41 s"


def test_a_pass_that_begins_in_the_midst_of_another_takes_its_place() -> None:
    """As where a pass is asked for by hand: nothing goes on looking at what nobody ends."""
    times, before, threads = PassTimes(Latencies()), list(gc.callbacks), threading.active_count()
    for _ in range(2):
        times.begin(60.0)
    for _ in range(2):
        times.end(60.0, 0, ok=True)
    assert gc.callbacks == before
    assert threading.active_count() == threads
