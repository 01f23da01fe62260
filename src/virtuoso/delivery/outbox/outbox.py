"""The outbox: a worker for each channel, and what must be done for all of them."""

import asyncio
from collections.abc import Callable, Mapping

import numpy as np
import structlog

from virtuoso.delivery.channels.protocol import Channel
from virtuoso.delivery.outbox.chart_queue import Charts
from virtuoso.delivery.outbox.protocol import OutboxStore
from virtuoso.delivery.outbox.retry import retry
from virtuoso.delivery.outbox.worker import Worker
from virtuoso.model.alerts.outbox import ChannelStatus, Count
from virtuoso.model.clock import Clock
from virtuoso.model.errors import StoreUnavailable

log = structlog.get_logger(__name__)

_LOOK_S = 5.0
_LOOKS_PER_TIDYING = 12
_MOST_BATCHES = 20
_COUNTERS = ("sent", "edited", "digests", "repeats", "failed", "dead", "moved", "illustrated")


class Outbox:
    """Sends what is committed, through all channels at once, in order within each.

    Args:
        channels: by name.
        store: the database.
        clock: for times that are kept.
        rng: of the back-off.
        digest_above: when more wait behind a failure, they become a digest.
        fallbacks: by channel, which one takes over when its address is gone; those not among `channels` are none.
        charts: draws a chart for a notice, for channels that can show one; bounded to 3 s here.
        on_sent: told how long a message took from when it was decided on until its channel had it (s).
    """

    def __init__(
        self,
        channels: Mapping[str, Channel],
        store: OutboxStore,
        clock: Clock,
        rng: np.random.Generator,
        *,
        digest_above: int = 10,
        fallbacks: Mapping[str, str] | None = None,
        charts: Mapping[str, Charts] | None = None,
        on_sent: Callable[[float], None] = lambda _: None,
    ) -> None:
        self._channels, self._store, self._clock = dict(channels), store, clock
        known = {name: to for name, to in (fallbacks or {}).items() if to in channels}
        self._workers = {
            name: Worker(
                channel, store, clock, rng, digest_above=digest_above, fallback=known.get(name), moved=self.nudge,
                charts=(charts or {}).get(name), on_sent=on_sent,
            )
            for name, channel in channels.items()
        }  # fmt: skip
        self._counts: dict[tuple[str, str], Count] = {}

    def nudge(self) -> None:
        """Something was committed: send it now."""
        for worker in self._workers.values():
            worker.nudge()

    async def run(self) -> None:
        """Send, for ever. Cancelled, it ends when what is in flight is recorded, in 3 s at most."""
        repeats = await retry(self._store.recover)
        if repeats:
            log.warning("messages were in flight when the last run ended; they are sent again, marked", many=repeats)
        kept = await retry(self._store.states)
        async with asyncio.TaskGroup() as group:
            for name, worker in self._workers.items():
                group.create_task(worker.run(kept.get(name)), name=f"outbox {name}")
            group.create_task(self._maintain(), name="outbox tidying")

    async def close(self) -> None:
        """Let go of the channels' connections; after `run` ended."""
        for channel in self._channels.values():
            await channel.close()

    def statuses(self) -> tuple[ChannelStatus, ...]:
        """How each channel is now; what waits as of 5 s ago at the most."""
        return tuple(self._status(name, worker) for name, worker in self._workers.items())

    def _status(self, name: str, worker: Worker) -> ChannelStatus:
        state, now_ms = worker.state, self._clock.now_ns() // 1_000_000
        counts = [self._counts[name, kind] for kind in ("waiting", "sending") if (name, kind) in self._counts]
        dead = self._counts.get((name, "dead"))
        later = state.not_before_ms is not None and state.not_before_ms > now_ms
        return ChannelStatus(
            name=name,
            state=state.state,
            since_ms=state.since_ms or None,
            not_before_ms=state.not_before_ms if later else None,
            error=state.error,
            waiting=sum(count.deliveries for count in counts),
            dead=0 if dead is None else dead.deliveries,
            oldest_ms=min((count.oldest_ms for count in counts), default=None),
            counters={counter: worker.counters[counter] for counter in _COUNTERS},
        )

    async def _maintain(self) -> None:
        looks = 0
        while True:
            try:
                if looks % _LOOKS_PER_TIDYING == 0:
                    await self._tidy()
                counts = await self._store.counts(tuple(self._channels))
                self._counts = {(count.channel, count.state): count for count in counts}
            except StoreUnavailable as error:
                log.debug("the outbox could not be tidied", error=str(error))
            looks += 1
            await asyncio.sleep(_LOOK_S)

    async def _tidy(self) -> None:
        for _ in range(_MOST_BATCHES):
            tidied = await self._store.tidy(self._clock.now_ns() // 1_000_000)
            if tidied.expired:
                log.warning("messages expired before they could be sent", many=tidied.expired)
            if not tidied.deleted:
                return
