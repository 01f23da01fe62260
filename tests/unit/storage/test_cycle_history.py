"""How long passes took: grouped by stretches of time, gaps left out, the slowest told apart."""

from pathlib import Path

from virtuoso.model.clock import ManualClock
from virtuoso.model.documents import PassTimes
from virtuoso.storage.cycle_history import CycleHistory
from virtuoso.storage.timeseries.embedded.store import EmbeddedStore
from virtuoso.storage.timeseries.schema import CYCLES

START_MS = 1_748_476_800_000


async def test_passes_are_grouped_and_the_slowest_are_told(tmp_path: Path) -> None:
    clock = ManualClock((START_MS + 3_600_000) * 1_000_000)
    store = EmbeddedStore(tmp_path, clock=clock)
    await store.start()
    # A pass each 5 s for half an hour, but for ten minutes without any; one is slow, one failed before it analysed.
    times = [at for at in range(0, 1_800, 5) if not 600 <= at < 1_200]
    rows = [(START_MS + at * 1_000, True, 3, 10.0 + at % 2, 1.0, 2.0, 3.0, 4.0) for at in times]
    rows[7] = (rows[7][0], True, 3, 900.0, 1.0, 800.0, 3.0, 96.0)
    failed = (rows[9][0], False, 0, 5.0, 5.0, None, None, None)
    store.write(CYCLES, [*rows[:9], failed, *rows[10:]])
    assert await store.settle(5.0)
    found = await CycleHistory(store, clock).passes(1)
    assert (found.step_s, found.reason, len(found.groups)) == (10, None, 120)
    assert [group.since[14:19] for group in found.groups[58:62]] == ["09:40", "09:50", "20:00", "20:10"]
    assert {group.count for group in found.groups} == {2}
    slow, ill = found.groups[3], found.groups[4]
    assert (slow.slowest, slow.failed, slow.median.total) == (900.0, 0, 455.0)
    assert (ill.failed, ill.median.analyse) == (1, 2.0)
    assert len(found.slowest) == 5
    assert found.slowest[0].times == PassTimes(total=900.0, refresh=1.0, analyse=800.0, decide=3.0, publish=96.0)
    assert found.slowest[0].ended == "2025-05-29T00:00:35.000Z"
    day = await CycleHistory(store, clock).passes(24)
    assert (day.step_s, sum(group.count for group in day.groups)) == (240, len(times))
    await store.close()


async def test_without_a_time_series_it_says_why_there_is_none() -> None:
    found = await CycleHistory(None, ManualClock()).passes(6)
    assert (found.groups, found.reason) == ((), "nothing is kept that could be served: timeseries.store is `none`")
