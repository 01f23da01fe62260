"""Health in a process that runs no cycles: the age of the last success goes on rising, whoever published it."""

import msgspec
import pytest

from virtuoso.model.clock import ManualClock
from virtuoso.operations.health import HealthState, Observed
from virtuoso.storage.cache.memory import MemoryCache, Version
from virtuoso.web.published_health import PublishedHealth

S = 1_000_000_000
OLD = b"""{"status":"healthy","service":"web_server","mode":"standalone","reasons":[],"last_cycle_age_s":1.5,
"interval_s":10.0}"""


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1_700_000_000 * S)


def test_nothing_published_is_starting(clock: ManualClock) -> None:
    health = PublishedHealth(MemoryCache(clock))
    assert (health.healthy, health.live) == (False, False)
    assert health.document().status == "starting"
    assert health.document().reasons == ("no monitor has published anything",)


def test_it_ages_while_nothing_comes(clock: ManualClock) -> None:
    cache = MemoryCache(clock)
    board, health = HealthState(clock, 10.0, "standalone"), PublishedHealth(cache)

    def publish(sequence: int) -> None:
        cache.put("health", msgspec.json.encode(board.document()), Version(1, sequence), 3_600)

    publish(1)
    assert health.document().status == "starting"
    assert health.live
    clock.advance(31 * S)
    assert not health.live, "a start that nobody publishes any more has ended"
    board.succeeded()
    board.observed(Observed(watched=1, live=1, connected=5, close_age_s=1.0, empty=None))
    publish(2)
    clock.advance(15 * S)
    assert health.healthy
    assert health.document().last_cycle_age_s == pytest.approx(15.0)
    assert health.document().mode == "standalone"
    clock.advance(16 * S)
    assert (health.healthy, health.live) == (False, False)
    assert health.document().reasons == (
        "the last successful cycle is 31 s old; one is due every 10 s",
        "the feeds were looked at 31 s ago for the last time",
    )


def test_a_document_of_an_older_program_proves_nothing(clock: ManualClock) -> None:
    cache = MemoryCache(clock)
    cache.put("health", OLD, Version(1, 1), 3_600)
    health = PublishedHealth(cache)
    assert (health.live, health.healthy) == (True, False)
    assert health.document().reasons == ("the feeds have not been looked at yet",)
