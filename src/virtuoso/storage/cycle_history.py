"""How long passes took, out of the time series: implements `model.views.MonitorViews`."""

import asyncio
from collections.abc import Iterable, Sequence
from heapq import nlargest
from itertools import groupby
from statistics import median
from typing import Final, NamedTuple

from virtuoso.model.clock import Clock, iso
from virtuoso.model.documents import MonitoringHistory, PassGroup, PassTimes, SlowPass
from virtuoso.model.errors import StoreUnavailable
from virtuoso.storage.timeseries.protocol import Readable
from virtuoso.storage.timeseries.schema import CYCLES, Row

_GROUPS: Final = 360
"""Stretches at most, whatever was asked for: as many as a chart has room for."""
_LEAST_STEP_S: Final = 10
_MOST_ROWS: Final = 100_000
"""A day of passes a second; of more, the latest are read."""
_SLOWEST: Final = 5
_STAGES: Final = ("total_ms", "refresh_ms", "analyse_ms", "decide_ms", "publish_ms")
_FIELDS: Final = ("ok", "symbols", *_STAGES)


class _Pass(NamedTuple):
    ended_ms: int
    ok: bool
    symbols: int
    total: float | None
    refresh: float | None
    analyse: float | None
    decide: float | None
    publish: float | None


class CycleHistory:
    """Reads the passes that a monitor kept in `series`; `None` is a store that keeps nothing."""

    def __init__(self, series: Readable | None, clock: Clock) -> None:
        self._series = series
        self._clock = clock

    async def passes(self, hours: int) -> MonitoringHistory:
        """The passes of the last hours; none, with a reason, while the store cannot be read."""
        step_s = max(_LEAST_STEP_S, hours * 3_600 // _GROUPS)
        if self._series is None:
            reason = "nothing is kept that could be served: timeseries.store is `none`"
            return MonitoringHistory(step_s=step_s, groups=(), slowest=(), reason=reason)
        now_ms = self._clock.now_ns() // 1_000_000
        try:
            found = await self._series.read(
                CYCLES, now_ms - hours * 3_600_000, now_ms, tags={}, fields=_FIELDS, limit=_MOST_ROWS
            )
        except StoreUnavailable as error:
            return MonitoringHistory(step_s=step_s, groups=(), slowest=(), reason=str(error))
        rows = next(iter(found.values()), [])
        return await asyncio.to_thread(_summed, rows, step_s)  # a day of passes takes a tenth of a second


def _summed(rows: Sequence[Row], step_s: int) -> MonitoringHistory:
    passes = [_Pass._make(row) for row in rows]
    step_ms = step_s * 1_000
    groups = groupby(passes, key=lambda one: one.ended_ms // step_ms)
    slowest = nlargest(_SLOWEST, (one for one in passes if one.total is not None), key=lambda one: one.total or 0.0)
    return MonitoringHistory(
        step_s=step_s,
        groups=tuple(_group(number * step_ms, list(members)) for number, members in groups),
        slowest=tuple(map(_slow, slowest)),
    )


def _group(since_ms: int, passes: list[_Pass]) -> PassGroup:
    return PassGroup(
        since=iso(since_ms) or "",
        count=len(passes),
        failed=sum(not one.ok for one in passes),
        slowest=max((one.total for one in passes if one.total is not None), default=None),
        median=PassTimes(
            total=_median(one.total for one in passes),
            refresh=_median(one.refresh for one in passes),
            analyse=_median(one.analyse for one in passes),
            decide=_median(one.decide for one in passes),
            publish=_median(one.publish for one in passes),
        ),
    )


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(median(known), 3) if known else None


def _slow(one: _Pass) -> SlowPass:
    times = PassTimes(total=one.total, refresh=one.refresh, analyse=one.analyse, decide=one.decide, publish=one.publish)
    return SlowPass(ended=iso(one.ended_ms) or "", ok=bool(one.ok), symbols=one.symbols, times=times)
