"""What is asked of one symbol: bars of a moment, and when nothing is stored an empty answer that says why."""

from math import log
from pathlib import Path

import pytest

from virtuoso.model.clock import ManualClock
from virtuoso.model.timeframe import Timeframe
from virtuoso.storage.cache.memory import MemoryCache, Version
from virtuoso.storage.timeseries.embedded.store import EmbeddedStore
from virtuoso.storage.timeseries.schema import BARS, TICKERS
from virtuoso.storage.views import StoredViews

WHY = "nothing is kept that could be served: timeseries.store is `none`"


async def test_without_a_time_series_bars_and_scores_say_why_there_are_none() -> None:
    clock = ManualClock(1_748_476_800_000_000_000)
    cache = MemoryCache(clock)
    cache.put("symbol:BTCUSDT", b"{}", Version(1, 1), 60.0)
    views = StoredViews(cache, None, [Timeframe.M1], clock)
    bars, scores = await views.bars("BTCUSDT", Timeframe.M1, 10), await views.scores("BTCUSDT", 10)
    assert bars is not None
    assert scores is not None
    assert (bars.bars, bars.reason) == ((), WHY)
    assert (scores.scores, scores.reason) == ((), WHY)
    assert await views.bars("NOSUCHUSDT", Timeframe.M1, 10) is None


async def test_bars_until_a_time_are_those_that_began_before_it(tmp_path: Path) -> None:
    start_ms, minute = 1_748_476_800_000, Timeframe.M1.ms
    clock = ManualClock((start_ms + 20 * minute) * 1_000_000)
    cache = MemoryCache(clock)
    cache.put("symbol:BTCUSDT", b"{}", Version(1, 1), 60.0)
    store = EmbeddedStore(tmp_path, clock=clock)
    await store.start()
    rest = (1.0, 1.0, None)
    store.write(BARS, [(start_ms + i * minute, "BTCUSDT", "1m", 1.0, 1.0, 1.0, float(i), *rest) for i in range(20)])
    assert await store.settle(5.0)
    views = StoredViews(cache, store, [Timeframe.M1], clock)

    async def closes(until_ms: int | None) -> list[float]:
        found = await views.bars("BTCUSDT", Timeframe.M1, 3, until_ms)
        assert found is not None
        return [bar.close for bar in found.bars]

    assert await closes(start_ms + 10 * minute) == [7.0, 8.0, 9.0]
    assert await closes(start_ms + 10 * minute + 1) == [8.0, 9.0, 10.0]
    assert await closes(None) == await closes(10**15) == [17.0, 18.0, 19.0]
    assert await closes(0) == []
    await store.close()


async def test_series_are_what_was_kept_of_each_minute(tmp_path: Path) -> None:
    now_ms, minute = 1_748_476_800_000, Timeframe.M1.ms
    clock = ManualClock(now_ms * 1_000_000)
    cache = MemoryCache(clock)
    cache.put("symbol:BTCUSDT", b'{"ticker": {"data_source": "replay"}}', Version(1, 1), 60.0)
    store = EmbeddedStore(tmp_path, clock=clock)
    await store.start()
    names = list(TICKERS.fields)
    kept = [{"open_interest": 100.0 + i, "funding": 0.0001 if i == 2 else None, "long_ratio": log(3)} for i in range(4)]
    times = [now_ms - (4 - i) * minute for i in range(4)]
    store.write(
        TICKERS, [(at, "BTCUSDT", *(row.get(name) for name in names)) for at, row in zip(times, kept, strict=True)]
    )
    bars = [
        (at, "BTCUSDT", "1m", 1.0, 1.0, 1.0, 1.0, 10.0, 10.0, bought)
        for at, bought in zip(times, (7.0, None, 2.0, 5.0), strict=True)
    ]
    store.write(BARS, bars)
    assert await store.settle(5.0)
    found = await StoredViews(cache, store, [Timeframe.M1], clock).series(
        "BTCUSDT", ["open_interest", "funding", "volume_delta", "basis", "long_ratio"], 60
    )
    await store.close()
    assert found is not None
    by_name = {item.name: item for item in found.series}
    assert [value for _, value in by_name["open_interest"].points] == [100.0, 101.0, 102.0, 103.0]
    assert by_name["open_interest"].until == "2025-05-28T23:59:00.000Z"
    assert by_name["long_ratio"].points[-1][1] == pytest.approx(0.75)
    assert by_name["funding"].points == (("2025-05-28T23:58:00.000Z", 0.01),)
    assert [value for _, value in by_name["volume_delta"].points] == [4.0, -6.0, 0.0]
    assert (by_name["basis"].points, by_name["basis"].until) == ((), None)
    assert by_name["basis"].reason is not None
    assert found.data_source == "replay"
