"""Health in a process that runs no cycles: the age of the last success goes on rising, whoever published it."""

import msgspec
import pytest

from virtuoso.model.clock import ManualClock
from virtuoso.operations.health import HealthBoard
from virtuoso.storage.cache.memory import MemoryCache, Version
from virtuoso.web.published_health import PublishedHealth

S = 1_000_000_000


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1_700_000_000 * S)


def test_nothing_published_is_starting(clock: ManualClock) -> None:
    health = PublishedHealth(MemoryCache(clock))
    assert not health.healthy
    assert health.document().status == "starting"
    assert health.document().reasons == ("no monitor has published anything",)


def test_it_ages_while_nothing_comes(clock: ManualClock) -> None:
    cache = MemoryCache(clock)
    board, health = HealthBoard(clock, 10.0, "standalone"), PublishedHealth(cache)

    def publish(sequence: int) -> None:
        cache.put("health", msgspec.json.encode(board.document()), Version(1, sequence), 3_600)

    publish(1)
    assert health.document().status == "starting"
    board.succeeded()
    clock.advance(5 * S)
    publish(2)
    clock.advance(20 * S)
    assert health.healthy
    assert health.document().last_cycle_age_s == pytest.approx(25.0)
    assert health.document().mode == "standalone"
    clock.advance(6 * S)
    assert not health.healthy
    assert health.document().reasons == ("the last successful cycle is 31 s old; one is due every 10 s",)
    board.failed("ValueError: x")
    publish(3)
    assert health.document().reasons[0] == "the last cycle failed: ValueError: x"
    board.succeeded()
    publish(4)
    assert (health.healthy, health.document().reasons) == (True, ())
