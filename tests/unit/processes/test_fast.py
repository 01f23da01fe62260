"""A time that passes faster than the machine's: clock and loop go by it, and so do the processes it is told to."""

import asyncio
import time

from hypothesis import given
from hypothesis import strategies as st

from virtuoso.model.clock import ManualClock
from virtuoso.processes.fast import OPTION, FastClock, faster, told


@given(speed=st.floats(0.1, 20), passed_ns=st.lists(st.integers(0, 10**12), max_size=5))
def test_the_clock_passes_so_many_times_as_fast(speed: float, passed_ns: list[int]) -> None:
    machine = ManualClock(5 * 10**18)
    clock = FastClock(machine, speed, machine.now_ns(), machine.monotonic_ns())
    for ns in passed_ns:
        machine.advance(ns)
    wanted_ns = sum(passed_ns) * speed
    assert abs(clock.now_ns() - 5 * 10**18 - wanted_ns) <= 1 + wanted_ns * 1e-12
    assert clock.monotonic_ns() == clock.awake_ns() == clock.now_ns() - 5 * 10**18


def test_what_waits_on_the_loop_waits_by_that_time() -> None:
    runtime, slept_s = faster(1_000.0), []

    async def sleep() -> None:
        began_s = asyncio.get_running_loop().time()
        await asyncio.sleep(600)
        slept_s.append(asyncio.get_running_loop().time() - began_s)

    began_s = time.monotonic()
    runtime.run(sleep())
    assert slept_s[0] >= 600
    assert 0.5 < time.monotonic() - began_s < 300


def test_other_processes_go_by_the_same_time() -> None:
    ours = faster(7.0)
    *_, option = ours.python
    assert option.startswith(OPTION)
    theirs = told(option)
    assert theirs.python == ours.python
    clocks = ours.clock(), theirs.clock()
    seen = [clocks[i % 2].now_ns() for i in range(10)]
    assert seen == sorted(seen)
