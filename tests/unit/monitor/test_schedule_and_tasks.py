"""The grid does not drift; a task that dies is never silent."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from virtuoso.monitor.schedule import FixedRate
from virtuoso.monitor.tasks import TrackedTasks


def test_lateness_never_adds_up() -> None:
    schedule = FixedRate(10.0)
    schedule.begin(100.0)
    now, late = 100.0, []
    for _ in range(1_000):
        now = max(now, schedule.due_s) + 0.3  # each tick is taken late
        late.append(schedule.take(now))
    assert late == pytest.approx([0.3] * 1_000, abs=1e-6)
    assert schedule.due_s == 100.0 + 1_000 * 10.0
    assert schedule.overruns == 0


def test_an_overrun_skips_ticks_and_is_counted() -> None:
    schedule = FixedRate(10.0)
    schedule.begin(0.0)
    schedule.take(0.0)
    assert schedule.take(35.0) == pytest.approx(5.0)  # due at 10; those of 20 and 30 … are gone
    assert schedule.overruns == 2
    assert schedule.due_s == 40.0


@given(st.lists(st.floats(min_value=0, max_value=95), min_size=1, max_size=50))
def test_due_times_stay_on_the_grid(pauses: list[float]) -> None:
    schedule = FixedRate(10.0)
    schedule.begin(5.0)
    now, taken = 5.0, 0
    for pause in pauses:
        now = max(now + pause, schedule.due_s)
        late = schedule.take(now)
        taken += 1
        assert 0 <= late < 10.0 + 1e-9
        assert (schedule.due_s - 5.0) % 10.0 == pytest.approx(0.0, abs=1e-6)
        assert schedule.due_s > now - 1e-9
    assert taken + schedule.overruns == round((schedule.due_s - 5.0) / 10.0)


async def test_a_dead_task_is_reported_and_restarted() -> None:
    deaths: list[tuple[str, str]] = []
    restarts: list[str] = []
    runs = 0
    alive = asyncio.Event()

    async def work() -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            raise ValueError("planted")
        alive.set()
        await asyncio.Event().wait()

    tasks = TrackedTasks(lambda name, reason: deaths.append((name, reason)), restarts.append)
    tasks.start("feed", work)
    await asyncio.wait_for(alive.wait(), 5)
    assert deaths == [("feed", "ValueError: planted")]
    assert (restarts, runs, tasks.deaths, tasks.states) == (["feed"], 2, 1, {"feed": "running"})
    await tasks.stop()
    assert tasks.states == {"feed": "stopped"}


async def test_a_task_that_merely_ends_is_dead_too() -> None:
    deaths: list[str] = []
    died = asyncio.Event()

    async def work() -> None:
        return

    def on_death(name: str, reason: str) -> None:
        deaths.append(reason)
        died.set()

    tasks = TrackedTasks(on_death, lambda name: None)
    tasks.start("short", work)
    await asyncio.wait_for(died.wait(), 2)
    await tasks.stop()
    assert deaths == ["ended by itself"]


@pytest.mark.parametrize(("old_s", "new_s", "within_s"), [(10.0, 15.0, 10.0), (10.0, 5.0, 5.0), (10.0, 3_600.0, 10.0)])
def test_another_interval_begins_soon_and_misses_nothing(old_s: float, new_s: float, within_s: float) -> None:
    schedule = FixedRate(old_s)
    schedule.begin(100.0)
    now_s = 100.0
    for _ in range(8_640):  # a day
        now_s = schedule.due_s
        schedule.take(now_s)
    schedule.change(new_s, now_s + 1.0)
    assert now_s < schedule.due_s <= now_s + 1.0 + within_s
    assert schedule.take(schedule.due_s) == 0.0
    first_s = schedule.due_s
    schedule.take(first_s)
    assert (schedule.due_s - first_s, schedule.overruns) == (new_s, 0)
