"""A tier that failed is left alone for bounded times, and says what was wrong and since when."""

import pytest

from virtuoso.model.clock import ManualClock
from virtuoso.model.errors import StoreUnavailable
from virtuoso.storage.cache.breaker import Breaker
from virtuoso.storage.cache.tier import StoreFull


def test_waiting_grows_to_a_second_and_ends_with_success() -> None:
    clock = ManualClock(1_000_000_000)
    breaker = Breaker("redis", clock)
    assert (breaker.up, breaker.failed, breaker.wait_s) == (False, False, 0.0)
    waits = []
    for _ in range(2_000):
        with breaker.attempt():
            raise StoreUnavailable("redis: no\nanswer")
        waits.append(breaker.wait_s)
    assert waits[:5] == [0.1, 0.2, 0.4, 0.8, 1.0]
    assert set(waits[5:]) == {1.0}
    clock.advance(1_000_000_000)
    with breaker.attempt():
        pass
    assert (breaker.up, breaker.failed, breaker.wait_s) == (True, False, 0.0)


def test_the_status_tells_of_the_change_not_of_each_attempt() -> None:
    clock = ManualClock(1_000_000_000)
    breaker = Breaker("redis", clock)
    assert (breaker.status({}).state, breaker.status({}).since_ms) == ("down", None)
    for _ in range(3):
        with breaker.attempt():
            raise StoreUnavailable("redis: no\nanswer")
        clock.advance(1_000_000_000)
    status = breaker.status({"written": 5})
    assert (status.name, status.state, status.since_ms, status.error) == ("redis", "down", 1_000, "redis: no answer")
    assert status.counts == {"failures": 3, "written": 5}
    with breaker.attempt():
        raise StoreFull("redis is full")
    assert (breaker.status({}).state, breaker.status({}).since_ms) == ("full", 4_000)
    with breaker.attempt():
        pass
    assert (breaker.status({}).state, breaker.status({}).error) == ("up", None)


def test_an_error_of_ours_is_not_taken_for_one_of_the_store() -> None:
    breaker = Breaker("redis", ManualClock())
    with pytest.raises(KeyError), breaker.attempt():
        raise KeyError("a bug")
