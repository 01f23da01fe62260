"""What is asked of one symbol when nothing is stored: an empty answer that says why, not an error."""

from virtuoso.model.clock import ManualClock
from virtuoso.model.timeframe import Timeframe
from virtuoso.storage.cache.memory import MemoryCache, Version
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
