"""`/api/monitoring/status`: what the monitor is doing, measured, on demand."""

import os
import platform
import socket
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
import psutil

from virtuoso import __version__
from virtuoso.market.quality import feed_quality
from virtuoso.model import documents as docs
from virtuoso.model.clock import iso
from virtuoso.model.feed import FeedStatus
from virtuoso.monitor.kernel import Kernel
from virtuoso.monitor.vitals import Vitals
from virtuoso.monitor.watching.bar_audit import refused_bars
from virtuoso.monitor.watching.freshness import overall
from virtuoso.operations.metrics import Durations
from virtuoso.storage.stores import Stores
from virtuoso.wiring.monitor import MonitorParts


class StatusReport:
    """Reads everything, changes nothing."""

    def __init__(
        self, kernel: Kernel, parts: MonitorParts, vitals: Vitals,
        stores: Stores | None = None, recording: Callable[[], docs.RecordingStatus] | None = None,
    ) -> None:  # fmt: skip
        self._kernel = kernel
        self.parts = parts
        self._vitals = vitals
        self._stores = stores
        self._recording = recording
        self._clock = clock = kernel.clock
        self._started_ns = clock.now_ns()
        self._started_mono = clock.monotonic_ns()
        self._began_s: float | None = None
        self._intervals = Durations()
        self._late_ms: float | None = None
        self._process = psutil.Process()

    def began(self, late_s: float) -> None:
        """Note how late a tick of the grid began."""
        now_s = self._clock.monotonic_ns() / 1e9
        if self._began_s is not None:
            self._intervals.add((now_s - self._began_s) * 1000)
        self._began_s = now_s
        self._late_ms = late_s * 1000

    def document(self, feeds: tuple[docs.FeedItem, ...]) -> docs.MonitoringStatus:
        """Tell the status now, with the items of `feed_items`."""
        kernel, vitals, now_ns = self._kernel, self._vitals, self._clock.now_ns()
        health = kernel.health.document()
        return docs.MonitoringStatus(
            instance=f"{socket.gethostname()}:{os.getpid()}",
            build=docs.Build(
                version=__version__,
                python=platform.python_version(),
                started_at=iso(self._started_ns // 1_000_000) or "",
            ),
            uptime_s=round((self._clock.monotonic_ns() - self._started_mono) / 1e9, 3),
            timestamp=iso(now_ns // 1_000_000) or "",
            state=vitals.state,
            exchange=self._exchange(feeds),
            cycle=self._cycle(),
            universe=self._universe(),
            feeds=feeds,
            rate_budget=self._budget(),
            stores=self._store_items(),
            alerts={
                "fired": kernel.incidents.fired,
                "resolved": kernel.incidents.resolved,
                "open": len(kernel.incidents.open()),
            },
            loop_lag_ms=vitals.lag.times(),
            memory_mb=round(self._process.memory_info().rss / 1e6, 1),
            tasks=dict(vitals.tasks),
            data_quality=overall(kernel.cycle.qualities.values()),
            data_source=kernel.exchange.origin,
            needs_restart=vitals.needs_restart,
            health=health.status,
            health_reasons=health.reasons,
            recording=None if self._recording is None else self._recording(),
            latency=kernel.latency.documents(),
        )

    def _exchange(self, feeds: Sequence[docs.FeedItem]) -> dict[str, Any]:
        """What the exchange is, and how its data comes."""
        kernel, vitals = self._kernel, self._vitals
        exchange = kernel.exchange
        return {
            "name": exchange.name,
            "category": self.parts.category,
            "address": self.parts.address,
            "clock_offset_ms": exchange.clock_offset_ms,
            "maintenance": exchange.maintenance,
            "missing_values": dict(sorted((Counter(exchange.missing) + Counter(kernel.stream.missing)).items())),
            "unknown_frames": kernel.stream.unknown_frames,
            "doubted_values": dict(sorted(kernel.market.doubted_values().items())),
            "refusals": dict(sorted(_refusals(feeds).items())),
            "mode": "stream" if vitals.largest_polled is None else "poll",
            "polling": msgspec.structs.asdict(kernel.stream.rounds) | {"largest_universe": vitals.largest_polled},
            "smart_intervals_s": _span(kernel.slow.intervals.values()),
        }

    def _universe(self) -> dict[str, Any]:
        """What is watched, and what is wrong with it."""
        kernel = self._kernel
        watch = kernel.watch
        return {
            "size": len(watch.universe.symbols),
            "configured": self.parts.universe_size,
            "left_out": len(watch.universe.left_out),
            "failed": dict(watch.loader.failed) | watch.contained.reasons,
            "raised": watch.contained.raised,
            "bars": {
                "refused": refused_bars(kernel.market),
                "corrected": kernel.audit.corrections,
                "unsettled": kernel.audit.unsettled,
            },
            "restarted": {symbol: reason for symbol, (_, reason) in watch.restarts.restarted.items()},
            "empty": watch.empty,
            "unknown_includes": dict(watch.unknown),
            "doubts": [doubt.text for doubt in watch.listed.doubts],
            "missing": sorted(watch.listed.missing),
            "copies": watch.listings.copies,
        }

    def _store_items(self) -> dict[str, Any]:
        """Each store by name; `memory` is this process's own."""
        cache, stores = self._kernel.cache, self._stores
        memory = {"state": "up", "documents": len(cache), "puts": cache.puts, "expired": cache.expired}
        shown: dict[str, Any] = {"cache_tiers": list(self.parts.cache_tiers), "memory": memory}
        if stores is None:
            return shown
        for status in stores.statuses():
            shown[status.name] = {
                "state": status.state, "since": iso(status.since_ms), "error": status.error, **status.counts,
            }  # fmt: skip
        lease = stores.lease
        shown["lease"] = {
            "identity": self.parts.identity, "holder": lease.holder, "epoch": lease.epoch,
            "may_publish": lease.may_publish(),
        }  # fmt: skip
        committer = self._kernel.committer
        shown["uncommitted"] = dict(committer.waiting)
        shown["committed_close"] = iso(committer.committed_close_ms or None)
        return shown

    def _cycle(self) -> docs.CycleStatus:
        cycle, schedule = self._kernel.cycle, self._vitals.schedule
        intervals, total = self._intervals.times(), cycle.times.stages["total"].times()
        stages = {name: times for name, durations in cycle.times.stages.items() if (times := durations.times())}
        return docs.CycleStatus(
            interval_configured=schedule.interval_s,
            interval_effective=None if intervals is None else round(intervals.p50 / 1000, 4),
            count=cycle.count,
            failures=cycle.failures,
            overruns=schedule.overruns,
            drift_ms=None if self._late_ms is None else round(self._late_ms, 3),
            last_success=iso(cycle.succeeded_ms),
            last_duration_ms=None if total is None else total.last,
            last_close=iso(cycle.analysed_ms or None),
            last_error=cycle.last_error,
            stages=stages,
            slowest_fetch_ms=None if cycle.last_refresh is None else round(cycle.last_refresh.slowest_s * 1000, 3),
            slowest=cycle.times.slowest,
            slow=cycle.times.slow,
        )

    def _budget(self) -> docs.RateBudget:
        budget = self._kernel.exchange.budget
        return docs.RateBudget(
            capacity=budget.capacity,
            available=round(budget.available, 1),
            window_s=budget.window_s,
            requests=budget.requests,
            waits=budget.waits,
            banned_until=iso(budget.banned_until_ms),
        )


def feed_items(feeds: Sequence[FeedStatus], now_ns: int, stale_after_s: float) -> tuple[docs.FeedItem, ...]:
    """Topics as the API lists them. For a whole exchange there are many: build them off the loop."""
    return tuple(
        docs.FeedItem(
            kind=feed.kind,
            topic=feed.topic,
            symbol=feed.symbol,
            connected=feed.connected,
            acked=feed.acked,
            data_quality=feed_quality(feed, now_ns, stale_after_s),
            age_ms=None if feed.received_ns is None else (now_ns - feed.received_ns) // 1_000_000,
            lag_ms=None if feed.lag_ms is None else round(feed.lag_ms, 2),
            messages=feed.messages,
            rejected=feed.rejected,
            resyncs=feed.resyncs,
            mute=feed.mute,
            polled_s=feed.polled_s,
            reason=feed.lacking if feed.denied is None else f"refused: {feed.denied}",
            refusal=feed.refusal,
            refusals=dict(feed.refusals),
        )
        for feed in feeds
    )


def _refusals(feeds: Iterable[docs.FeedItem]) -> Counter[str]:
    """Frames refused of all topics, by field and reason."""
    return sum((Counter(feed.refusals) for feed in feeds if feed.refusals), Counter[str]())


def _span(values: Iterable[float]) -> list[float] | None:
    """Return the least and the greatest value, rounded to 0.1; `None` if there are no values."""
    found = sorted(values)
    return [round(found[0], 1), round(found[-1], 1)] if found else None
