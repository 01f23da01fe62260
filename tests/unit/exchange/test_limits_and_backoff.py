"""The REST budget and the back-off: bounded, in order, and silent when told."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from virtuoso.exchange.ledger import Ledger
from virtuoso.exchange.limits import RateBudget
from virtuoso.exchange.supervise import Backoff
from virtuoso.model.clock import ManualClock
from virtuoso.model.errors import RateLimited


class Waits:
    """A sleep that moves the clock."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.slept: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._clock.advance(int(seconds * 1e9))


async def test_no_window_ever_carries_more_than_the_documented_limit() -> None:
    """Rule of the wire: 600 requests in 5 s. Ours stays at 500 in *every* 5 s, the first ones too."""
    clock = ManualClock()
    waits = Waits(clock)
    budget = RateBudget(clock, 400, 5.0, 100, waits)
    sent = []
    for _ in range(2_000):
        await budget.acquire("kline")
        sent.append(clock.monotonic_ns() / 1e9)
    assert sent[99] == 0.0 < sent[100]
    for i in range(len(sent) - 501):
        assert sent[i + 501] - sent[i] > 4.999
    assert sent[-1] < 24.0  # and no slower than 80 a second
    assert budget.status.requests == 2_000
    assert budget.status.waits == len(waits.slept) == 1_900


async def test_a_wait_longer_than_ten_seconds_is_refused_and_takes_nothing() -> None:
    clock = ManualClock()

    async def stand_still(seconds: float) -> None:
        assert seconds <= 10.0

    budget = RateBudget(clock, 10, 5.0, 10, stand_still)
    refused = 0
    for _ in range(100):
        try:
            await budget.acquire("kline")
        except RateLimited as error:
            refused += error.retry_after_s > 10
    assert budget.status.requests == 30  # ten at once, and what ten seconds refill
    assert refused == 70


async def test_silence_lets_nothing_out_until_it_ends() -> None:
    """Rule of the wire: after a 403 all requests stop for ten minutes."""
    clock = ManualClock(1_000_000_000)
    budget = RateBudget(clock, 400, 5.0, 100, Waits(clock))
    budget.silence(600, banned=True)
    for _ in range(10):
        with pytest.raises(RateLimited, match="silenced"):
            await budget.acquire("tickers")
        clock.advance(59_000_000_000)
    assert budget.status.requests == 0
    assert budget.status.banned_until_ms == 601_000
    clock.advance(11_000_000_000)
    await budget.acquire("tickers")
    assert (budget.status.requests, budget.status.banned_until_ms) == (1, None)


async def test_what_waited_its_turn_is_held_back_by_a_ban() -> None:
    clock = ManualClock()
    budget = RateBudget(clock, 400, 5.0, 1, Waits(clock))
    await budget.acquire("kline")
    await budget.acquire("kline")  # waited for its token; meanwhile another request was answered with a 403
    budget.heed()
    budget.silence(600, banned=True)
    with pytest.raises(RateLimited, match="silenced"):
        budget.heed()


@given(st.integers(0, 2**32 - 1))
def test_backoff_grows_to_its_cap_and_starts_anew(seed: int) -> None:
    backoff = Backoff(np.random.default_rng(seed), first_s=0.25, cap_s=15.0)
    waits = [backoff.next_s() for _ in range(12)]
    for i, wait in enumerate(waits):
        step = min(15.0, 0.25 * 2**i)
        assert step / 2 <= wait <= step
    backoff.reset()
    assert backoff.next_s() <= 0.25


async def test_processes_of_one_machine_spend_one_budget_and_heed_one_ban(tmp_path: Path) -> None:
    clock = ManualClock()
    clock.advance(10**12)
    budgets = [RateBudget(clock, 400, 5.0, 100, Waits(clock), Ledger("api.x", tmp_path)) for _ in range(2)]
    for _ in range(30):
        for budget in budgets:
            await budget.acquire("kline")
    assert {budget.status.available for budget in budgets} == {40.0}
    budgets[0].silence(600, banned=True)
    with pytest.raises(RateLimited):
        await budgets[1].acquire("kline")
    assert budgets[1].status.banned_until_ms == clock.now_ns() // 1_000_000 + 600_000
    later = RateBudget(clock, 400, 5.0, 100, Waits(clock), Ledger("api.x", tmp_path))  # after a restart, too
    with pytest.raises(RateLimited):
        await later.acquire("kline")
    other = RateBudget(clock, 400, 5.0, 100, Waits(clock), Ledger("api.y", tmp_path))
    await other.acquire("kline")


async def test_a_process_stopped_inside_the_lock_hangs_nobody(tmp_path: Path) -> None:
    clock = ManualClock()
    held, free = Ledger("api.x", tmp_path), Ledger("api.x", tmp_path)
    budget = RateBudget(clock, 400, 5.0, 100, Waits(clock), free)
    with held:
        await budget.acquire("kline")
    assert free.contended == 1
    assert budget.status.requests == 1


def test_an_account_from_before_a_reboot_is_forgotten(tmp_path: Path) -> None:
    with Ledger("api.x", tmp_path) as ledger:
        ledger.write(-500.0, 1e9, 2e9, 0)  # by a monotonic clock that ran for thirty years
    budget = RateBudget(ManualClock(), 400, 5.0, 100, Waits(ManualClock()), Ledger("api.x", tmp_path))
    assert budget.status.available == 100.0
