"""What the outbox asks of the database. See `storage.database.leased_outbox`."""

from collections.abc import Sequence
from typing import Protocol

from virtuoso.model.alerts.notice import Delivery
from virtuoso.model.alerts.outbox import ChannelState, Claimed, Count, Tidied


class OutboxStore(Protocol):
    """Every call may raise `StoreUnavailable`, after which it is repeated: done twice, it is as done once."""

    def may_publish(self) -> bool:
        """Whether anything may be sent now: whether the lease is ours for sure."""
        ...

    async def recover(self) -> int:
        """What an earlier process was sending waits again, marked as a possible repeat; how many."""
        ...

    async def states(self) -> dict[str, ChannelState]:
        """How each channel was last, by name."""
        ...

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
        ...

    async def backlog(self, channel: str, now_ms: int) -> tuple[Delivery, ...]:
        """What waits, in order; at most 500."""
        ...

    async def fold(self, digest: Delivery, members: Sequence[Delivery]) -> None:
        """Put a digest in the place of its members, at most 500."""
        ...

    async def move(self, channel: str, fallback: str | None, reason: str, now_ms: int) -> int:
        """What waits goes to the fallback, or is dead where there is none; at most 500, how many."""
        ...

    async def keep_ref(self, delivery: str, ref: str | None) -> None:
        """Keep what the channel knows a sent message by from now on."""
        ...

    async def tidy(self, now_ms: int) -> Tidied:
        """Expire what waited for too long, delete some of what is old."""
        ...

    async def counts(self, channels: Sequence[str]) -> tuple[Count, ...]:
        """How much waits, is being sent, or is dead, by channel."""
        ...
