"""The outbox of one identity, as the one who sends may use it: under the lease, and only while that is surely ours."""

from collections.abc import Sequence

from virtuoso.model.alerts.notice import Delivery
from virtuoso.model.alerts.outbox import ChannelState, Claimed, Count, Tidied
from virtuoso.storage.database import outbox
from virtuoso.storage.database.connection.calls import Calls
from virtuoso.storage.database.lease.guard import LeaseGuard
from virtuoso.storage.database.lease.lease import Lease


class LeasedOutbox:
    """Implements `delivery.outbox.protocol.Books`. Everything raises `StoreUnavailable` when it cannot be done now."""

    def __init__(self, database: Calls, lease: Lease, identity: str) -> None:
        self._database = database
        self._guard = LeaseGuard(database, lease)
        self._identity = identity

    def may_publish(self) -> bool:
        """Say whether anything may be sent now. Ask directly before; cheap."""
        return self._guard.may_write()

    async def recover(self) -> int:
        """What an earlier process was sending waits again, marked as a possible repeat; how many."""
        return await self._guard.write(lambda c: outbox.recover(c, self._identity))

    async def states(self) -> dict[str, ChannelState]:
        """How each channel was last, by name."""
        return await self._database.run(lambda c: outbox.states(c, self._identity), writing=False)

    async def turn(
        self,
        channel: str,
        now_ms: int,
        *,
        settled: Delivery | None = None,
        state: ChannelState | None = None,
        claim: bool = False,
    ) -> Claimed | None:
        """In one transaction: record what became of a delivery and of its channel, and claim the channel's next."""
        return await self._guard.write(
            lambda c: outbox.turn(c, self._identity, channel, now_ms, settled=settled, state=state, claim=claim)
        )

    async def backlog(self, channel: str, now_ms: int) -> tuple[Delivery, ...]:
        """What waits, in order; at most 500."""
        return await self._database.run(lambda c: outbox.backlog(c, self._identity, channel, now_ms), writing=False)

    async def fold(self, digest: Delivery, members: Sequence[Delivery]) -> None:
        """Put a digest in the place of its members, at most 500."""
        await self._guard.write(lambda c: outbox.fold(c, self._identity, digest, members))

    async def move(self, channel: str, fallback: str | None, reason: str, now_ms: int) -> int:
        """What waits goes to the fallback, or is dead where there is none; at most 500, how many."""
        return await self._guard.write(lambda c: outbox.move(c, self._identity, channel, fallback, reason, now_ms))

    async def keep_ref(self, delivery: str, ref: str | None) -> None:
        """Keep what the channel knows a sent message by from now on."""
        await self._guard.write(lambda c: outbox.keep_ref(c, self._identity, delivery, ref))

    async def tidy(self, now_ms: int) -> Tidied:
        """Expire what waited for too long, delete some of what is old."""
        return await self._guard.write(lambda c: outbox.tidy(c, self._identity, now_ms))

    async def counts(self, channels: Sequence[str]) -> tuple[Count, ...]:
        """How much waits, is being sent, or is dead, by channel."""
        return await self._database.run(lambda c: outbox.counts(c, self._identity, channels), writing=False)
