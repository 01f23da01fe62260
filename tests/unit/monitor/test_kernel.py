"""What a kernel takes over while it runs, and what stays until it is built anew."""

from dataclasses import replace

import numpy as np
import pytest
from structlog.testing import capture_logs
from tests.support.small_monitor import SmallMonitor

from virtuoso.analysis.bands import BandRule
from virtuoso.model.timeframe import Timeframe
from virtuoso.monitor.persistence.arrays import RECENT, SAMPLES, written


async def test_what_only_a_restart_applies_stays_however_often_it_is_asked_for() -> None:
    small = SmallMonitor()
    await small.start()
    before = small.kernel.parts
    frames = {Timeframe.M1: 0.4, Timeframe.M15: 0.3, Timeframe.H1: 0.2, Timeframe.H4: 0.1}
    asked = replace(
        before, timeframes=frames, depth=200, band=BandRule(up=51, down=49, exit_margin=0, hold_bars=0),
        stale_after_s=7.0, alpha_intervals=dict(zip(frames, (2, 3, 4, 5), strict=True)),
    )  # fmt: skip
    for _ in range(2):
        await small.kernel.apply(asked)
        held = small.kernel.parts
        assert (held.timeframes, held.depth) == (before.timeframes, before.depth)
        assert (held.band, held.stale_after_s) == (asked.band, 7.0)
        assert held.alpha_intervals == dict(zip(before.timeframes, (2, 3, 4, 5), strict=True))
    await small.minute()
    await small.kernel.alpha.scan_due()
    assert small.cycle.failures == 0
    assert small.watch.contained.reasons == {}
    small.close()


@pytest.mark.parametrize("part", ["costs.0", "claims.0", "learning.0", "week.0"])
async def test_a_start_goes_on_where_what_was_kept_has_another_depth_and_says_so(part: str) -> None:
    earlier, later = SmallMonitor(), SmallMonitor()
    await earlier.start()
    outlook = earlier.kernel._engine.outlook
    assert outlook is not None
    kept = {SAMPLES: dict(outlook.samples()), RECENT: dict(outlook.recent(0))}
    (of,) = [arrays for arrays in kept.values() if part in arrays]
    of[part] = np.vstack([of[part], of[part][:1]])
    with capture_logs() as logs:
        later.kernel.recall_outlook({name: written(arrays) for name, arrays in kept.items()})
    assert [line["event"] for line in logs] == ["what was kept of forecasts is of another version; they begin anew"]
    await later.start()
    assert later.watch.contained.reasons == {}
    assert later.cycle.evaluations.keys() == earlier.cycle.evaluations.keys() != set()
    for monitor in (earlier, later):
        monitor.close()
