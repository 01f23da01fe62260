"""What the outbox and the database say to each other beside deliveries. Times are epoch milliseconds."""

import msgspec

from virtuoso.model.alerts.notice import Delivery


class ChannelState(msgspec.Struct, frozen=True, kw_only=True):
    """How a channel is, as it is kept over a restart.

    Attributes:
        fingerprint: of its address: another address begins anew.
        state: `up`, `down`, `limited`, or `disabled` (this address takes nothing ever again).
        since_ms: of the state.
        not_before_ms: no request before this; `None` = at once.
        error: why it is not up, for people.
    """

    name: str
    fingerprint: str
    state: str
    since_ms: int
    not_before_ms: int | None = None
    error: str | None = None


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery in state `sending`, ours to send.

    `amended_ref`: what the channel knows the message by that the notice amends; `None` where none was sent there.
    """

    delivery: Delivery
    amended_ref: str | None = None


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """How many deliveries of one channel are in one state, and when the oldest of them was created."""

    channel: str
    state: str
    deliveries: int
    oldest_ms: int


class Tidied(msgspec.Struct, frozen=True):
    """How many deliveries expired, and how many old ones were deleted."""

    expired: int
    deleted: int


class DeliveryPage(msgspec.Struct, frozen=True):
    """Deliveries, newest first, the cursor of the next page (`None` = that was all), and what is wrong with others."""

    deliveries: tuple[Delivery, ...]
    cursor: str | None
    damaged: tuple[str, ...] = ()


class ChannelStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How a channel is now, and what waits for it.

    Attributes:
        waiting: messages in the outbox, the one being sent included; as of a few seconds ago, as `dead` is.
        dead: messages that it will never take, to be looked at and sent again by people.
        oldest_ms: when the oldest that waits was created; `None` = none waits.
        counters: since the start: `sent` (`edited` and `digests` are among them), `failed` attempts, `repeats` that
            were marked, `dead`, `moved` to the fallback, `illustrated`.
    """

    name: str
    state: str
    since_ms: int | None
    not_before_ms: int | None
    error: str | None
    waiting: int
    dead: int
    oldest_ms: int | None
    counters: dict[str, int]
