"""What a kernel takes over while it runs, and what stays until it is built anew."""

from dataclasses import replace

from tests.support.small_monitor import SmallMonitor

from virtuoso.analysis.bands import BandRule
from virtuoso.model.timeframe import Timeframe


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
