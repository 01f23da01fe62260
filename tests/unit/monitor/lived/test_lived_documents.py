"""The document of what was lived: made of packed and open days alike, at once and then every quarter of an hour."""

import numpy as np
from tests.support.lived import CLOSE_MS, came, statements

from virtuoso.analysis.lived.sums import GroupSums
from virtuoso.model.catalogue.lived import READING
from virtuoso.model.clock import ManualClock
from virtuoso.model.documents import SignalPerformance
from virtuoso.model.timeframe import DAY_MS
from virtuoso.monitor.documents.publication import Publication
from virtuoso.monitor.lived.codec import packed_sums
from virtuoso.monitor.lived.documents import LivedDocuments, performance
from virtuoso.monitor.lived.record import LivedRecord
from virtuoso.storage.cache.memory import MemoryCache


def day_of(rng: np.random.Generator, day: int) -> GroupSums:
    sums = GroupSums()
    for k in range(4):
        said = statements(rng, 50, close_ms=(day * 24 + k) * 3_600_000)
        sums.add(said, came(rng, said, 15))
    return sums


def test_days_that_are_over_and_the_one_that_goes_on_make_one_figure() -> None:
    rng, first = np.random.default_rng(0), CLOSE_MS // DAY_MS
    days = [day_of(rng, first + k) for k in range(3)]
    found = performance(
        CLOSE_MS, {(first + k, READING, 15): packed_sums(each) if k < 2 else each for k, each in enumerate(days)}, 7
    )
    assert found == performance(CLOSE_MS, {(first + k, READING, 15): each for k, each in enumerate(days)}, 7)
    assert (found.origin, found.pending, found.since) == ("lived", 7, "2025-05-29T00:00:00.000Z")
    near = found.horizons[0]
    assert (near.horizon_min, near.readings, near.large_move.skill.days) == (15, 600, 3)
    assert near.cone.bands[1].inside.low is not None
    assert found.horizons[1].readings == 0


async def test_without_a_database_it_says_why_there_is_nothing() -> None:
    clock = ManualClock(CLOSE_MS * 1_000_000)
    cache = MemoryCache(clock)
    documents = LivedDocuments(LivedRecord(None, "x"), Publication(cache, 1, 40.0), clock)
    await documents.publish()
    first = cache.get("signals:performance")
    await documents.publish()
    assert first is not None
    assert first is cache.get("signals:performance")
    clock.advance(900_000_000_000)
    await documents.publish()
    again = cache.get("signals:performance")
    assert again is not None
    assert again.version > first.version
    assert b"nothing is kept of what is said here" in again.body
    assert SignalPerformance.__struct_fields__[0] == "timestamp"
