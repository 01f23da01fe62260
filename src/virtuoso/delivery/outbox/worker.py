"""One channel's worker: claims, sends, records, one delivery after the other, in order.

What it promises: what is committed is sent, and sent twice only if the second is marked. So nothing is sent that is not
claimed; what was sent is recorded before anything else, however long the database is away; and a claim is taken back,
marked, by whoever finds it.

What amends an earlier message replaces it where the channel can, if that was sent; in every other case (not sent yet,
folded, dead, expired, kept no longer, sent by another channel) it is a message of its own, behind what it amends: it
says what is over, and its text stands alone.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import numpy as np
import structlog
from msgspec.structs import replace

from virtuoso.delivery.channels.protocol import (
    Channel,
    ChannelError,
    Gone,
    Illustrating,
    RateLimited,
    Sent,
    Unreachable,
)
from virtuoso.delivery.outbox.attempt import attempt, bounded
from virtuoso.delivery.outbox.backoff import wait_s
from virtuoso.delivery.outbox.chart_queue import ChartQueue, Charts
from virtuoso.delivery.outbox.digest import digest_of, foldable
from virtuoso.delivery.outbox.protocol import OutboxStore
from virtuoso.delivery.outbox.retry import retry
from virtuoso.delivery.outbox.verdict import LeftOut, Outcome, channel_after, settled
from virtuoso.model.alerts.notice import Delivery, Role, delivery_id
from virtuoso.model.alerts.outbox import ChannelState, Claimed
from virtuoso.model.clock import Clock
from virtuoso.model.errors import StoreUnavailable
from virtuoso.model.timeframe import DAY_MS

log = structlog.get_logger(__name__)

_POLL_S = 5.0
"""Another process may have put something back into the outbox."""
_LEASE_S = 0.1
_GRACE_S = 3.0
_LONGEST_MS = DAY_MS


class Worker:
    """Sends what waits for one channel.

    Args:
        channel: to send to.
        store: the database.
        clock: for times that are kept.
        rng: of the back-off.
        digest_above: so many may wait behind a failure and still be sent one by one.
        fallback: channel that takes over when the address of this one is gone.
        moved: called when it took over something.
        charts: draws a chart for an alert that was sent.
        on_sent: told how long a message took from when it was decided on until the channel had it (s).
    """

    def __init__(
        self,
        channel: Channel,
        store: OutboxStore,
        clock: Clock,
        rng: np.random.Generator,
        *,
        digest_above: int,
        fallback: str | None,
        moved: Callable[[], None],
        charts: Charts | None,
        on_sent: Callable[[float], None],
    ) -> None:
        self.state = ChannelState(name=channel.name, fingerprint=channel.fingerprint, state="up", since_ms=0)
        self.counters = Counter[str]()
        self._channel, self._store, self._clock, self._rng = channel, store, clock, rng
        self._name = channel.name
        self._on_sent = on_sent
        self._digest_above, self._fallback, self._moved = digest_above, fallback, moved
        self._chart_queue = ChartQueue(charts) if charts is not None and isinstance(channel, Illustrating) else None
        self._nudged = asyncio.Event()
        self._quiet_until_ms = 0
        self._failures = 0
        self._behind = False
        self._ending = False

    def nudge(self) -> None:
        """Something was put into the outbox."""
        self._nudged.set()

    async def run(self, kept: ChannelState | None) -> None:
        """Send, for ever; `kept`: how the channel was. Cancelled, it first records what is in flight (3 s at most)."""
        self._ending = False
        if kept is not None and kept.fingerprint == self._channel.fingerprint:
            self.state = kept
        else:
            self.state = replace(self.state, state="up", since_ms=self._now_ms(), not_before_ms=None, error=None)
            await retry(lambda: self._store.turn(self._name, self._now_ms(), state=self.state))
        self._behind = self.state.state in {"down", "limited"}
        self._quiet_until_ms = min(self.state.not_before_ms or 0, self._now_ms() + _LONGEST_MS)
        try:
            claimed = None
            while True:
                claimed = await (self._next() if claimed is None else self._finish(claimed))
        finally:
            if self._chart_queue is not None:
                await self._chart_queue.close()

    async def _next(self) -> Claimed:
        """The next one, ours to send, as soon as there is one and the channel may be asked."""
        while True:
            self._nudged.clear()
            await self._rest()
            if self.state.state == "disabled":
                await self._hand_over()
            else:
                if self._behind and self.state.state == "up":  # the head of the line went through
                    await self._fold()
                claimed = await retry(lambda: self._store.turn(self._name, self._now_ms(), claim=True))
                if claimed is not None:
                    return claimed
                self._behind = False
            await self._idle()

    async def _finish(self, claimed: Claimed) -> Claimed | None:
        """`_deliver`, not interrupted by a cancellation but for a hang."""
        delivering = asyncio.create_task(self._deliver(claimed))
        try:
            return await asyncio.shield(delivering)
        except asyncio.CancelledError:
            self._ending = True
            await asyncio.wait({delivering}, timeout=_GRACE_S)
            if delivering.cancel():
                await asyncio.wait({delivering})
            elif delivering.exception() is None and (unsent := delivering.result()) is not None:
                with suppress(StoreUnavailable):
                    back = replace(unsent.delivery, state="waiting")
                    await self._store.turn(self._name, self._now_ms(), settled=back)
            raise

    async def _deliver(self, claimed: Claimed) -> Claimed | None:
        """Send it and record what became of it; the next one where it could be claimed at once."""
        while not self._store.may_publish():  # noqa: ASYNC110 - time alone may end it
            await asyncio.sleep(_LEASE_S)
        delivery, notice = claimed.delivery, claimed.delivery.notice
        charted = claimed.amended_ref is None
        if self._chart_queue is not None and notice.amends is not None:
            charted |= self._chart_queue.forget(delivery_id(notice.amends, self._name))
        outcome = await attempt(self._channel, claimed)
        now = settled(delivery, outcome)
        before = self._judge(outcome)
        self._count(claimed, now, outcome)
        if self._chart_queue is not None and now.state == "sent" and charted:
            self._chart_queue.add(now)
        return await retry(
            lambda: self._store.turn(
                self._name,
                self._now_ms(),
                settled=now,
                state=None if self.state == before else self.state,
                claim=not self._behind and not self._ending,
            )
        )

    def _judge(self, outcome: Outcome) -> ChannelState:
        """What an answer means for the channel; how that was before."""
        before, now_ms = self.state, self._now_ms()
        self.state = channel_after(before, outcome, now_ms)
        self._failures = self._failures + 1 if isinstance(outcome, Unreachable) else 0
        pause_ms = int(wait_s(self._failures, self._rng) * 1000) if self._failures else 0
        self._quiet_until_ms = max(self.state.not_before_ms or 0, now_ms + pause_ms)
        self._behind = self._behind or self.state.state != "up" or self.state.not_before_ms is not None
        if self.state.state != before.state:
            told = log.info if self.state.state == "up" else log.warning
            told("a channel changed", channel=self._name, state=self.state.state, error=self.state.error)
        return before

    def _count(self, claimed: Claimed, now: Delivery, outcome: Outcome) -> None:
        counters, notice = self.counters, claimed.delivery.notice
        if isinstance(outcome, Sent):
            counters["sent"] += 1
            counters["edited"] += claimed.amended_ref is not None
            counters["digests"] += notice.role is Role.DIGEST
            counters["repeats"] += claimed.delivery.repeat
            self._on_sent((self._now_ms() - claimed.delivery.created_ms) / 1e3)
        elif not isinstance(outcome, LeftOut):
            counters["failed"] += 1
        if now.state == "dead":
            counters["dead"] += 1
            log.warning("a message will never be taken", channel=self._name, delivery=now.id, error=now.error)

    async def _rest(self) -> None:
        """Wait until the channel allows the next request."""
        while (left_ms := self._quiet_until_ms - self._now_ms()) > 0:  # noqa: ASYNC110 - the clock may be stepped
            await asyncio.sleep(left_ms / 1000)

    async def _fold(self) -> None:
        """Put one digest in place of what piled up; few are sent one by one."""
        waiting = await retry(lambda: self._store.backlog(self._name, self._now_ms()))
        members = foldable(waiting)
        if len(members) > self._digest_above:
            digest = digest_of(members, self._now_ms())
            await retry(lambda: self._store.fold(digest, members))

    async def _hand_over(self) -> None:
        """Nothing is sent to this address any more."""
        reason = self.state.error or "the address of this channel is gone"
        while await retry(lambda: self._hand_some_over(reason)):
            if self._fallback is not None:
                self._moved()

    async def _hand_some_over(self, reason: str) -> int:
        many = await self._store.move(self._name, self._fallback, reason, self._now_ms())
        self.counters["dead" if self._fallback is None else "moved"] += many
        return many

    async def _idle(self) -> None:
        """Until something may wait; meanwhile a chart is drawn and added."""
        drawing = None if self._chart_queue is None or self.state.state == "disabled" else self._chart_queue.drawing()
        nudged = asyncio.create_task(self._nudged.wait())
        try:
            first = {nudged} if drawing is None else {nudged, drawing}
            await asyncio.wait(first, timeout=_POLL_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            nudged.cancel()
        if (
            self._chart_queue is not None
            and not self._nudged.is_set()
            and (drawn := self._chart_queue.take()) is not None
        ):
            await self._illustrate(*drawn)

    async def _illustrate(self, delivery: Delivery, png: bytes) -> None:
        """Add a chart. A failure costs no delivery, and is not tried again."""
        if not isinstance(self._channel, Illustrating) or delivery.ref is None or not self._store.may_publish():
            return
        channel, ref = self._channel, delivery.ref
        outcome: Outcome
        try:
            message = self._channel.render(delivery.notice, repeat=delivery.repeat)
            outcome = await bounded(lambda: channel.illustrate(ref, message, png), delivery)
        except ChannelError as error:
            outcome = error
        before = self.state
        if isinstance(outcome, Sent | RateLimited | Gone):
            self._judge(outcome)
        if self.state != before:
            await retry(lambda: self._store.turn(self._name, self._now_ms(), state=self.state))
        if isinstance(outcome, Sent):
            self.counters["illustrated"] += 1
            new_ref = outcome.ref
            await retry(lambda: self._store.keep_ref(delivery.id, new_ref))
        else:
            log.warning("a message stays without its chart", channel=self._name, error=str(outcome))

    def _now_ms(self) -> int:
        return self._clock.now_ns() // 1_000_000
