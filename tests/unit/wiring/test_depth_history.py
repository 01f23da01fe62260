"""Which store keeps depth, and what is said where none does."""

from pathlib import Path
from typing import Any

import pytest

from virtuoso.config import Settings
from virtuoso.model.clock import ManualClock
from virtuoso.storage.cache.memory import MemoryCache, Version
from virtuoso.storage.timeseries.embedded.reader import EmbeddedReader
from virtuoso.wiring.stores import depth_history_for


@pytest.mark.parametrize(
    ("timeseries", "why"),
    [
        ({"store": "influx"}, "timeseries.store is `influx`, and the embedded store alone keeps it"),
        ({"store": "none"}, "timeseries.store is `none`, and the embedded store alone keeps it"),
        ({"retention": {"depth_days": 0}}, "timeseries.retention.depth_days is 0"),
        ({}, None),
    ],
)
async def test_depth_is_kept_by_the_embedded_store_alone(
    tmp_path: Path, timeseries: dict[str, Any], why: str | None
) -> None:
    clock = ManualClock(10**18)
    cache = MemoryCache(clock)
    cache.put("symbol:BTCUSDT", b"{}", Version(1, 1), 60.0)
    reader = EmbeddedReader(tmp_path)
    found = await depth_history_for(Settings(timeseries=timeseries), cache, reader, clock).depth("BTCUSDT", 60)
    await reader.close()
    assert found is not None
    said = (
        "no book of this symbol is watched (universe.detailed)"
        if why is None
        else f"no history of depth is kept: {why}"
    )
    assert (found.blocks, found.reason) == ((), said)
