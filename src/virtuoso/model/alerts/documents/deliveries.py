"""Documents of the outbox: its messages."""

import msgspec

from virtuoso.model.alerts.notice import Delivery
from virtuoso.model.clock import iso


class DeliveryItem(msgspec.Struct, frozen=True, kw_only=True):
    """One message for one channel, as it stands in the outbox."""

    id: str
    """Identity of the message: 32 hex digits that follow from what it says and the channel."""
    channel: str
    """Name of the channel that it is for."""
    state: str
    """How far it is: `waiting`, `sending`, `sent`, `folded` (it went into `folded_into`), `dead` (the channel will
    never take it, `error` says why) or `expired` (not worth sending any longer)."""
    role: str
    """Why it is sent: `alert` (one incident fired), `update` (it became worse), `group` (several fired), `resolved`
    (all are over), `digest` (what could not be sent one by one) or `test`."""
    level: str
    """Level of the most severe incident in it: `info`, `warning` or `critical`."""
    title: str
    """Its headline, for people."""
    alerts: tuple[str, ...]
    """The `id` of each incident that it is about."""
    created_at: str
    """When it was made, ISO 8601 in UTC."""
    expires_at: str
    """After when it is not worth sending, ISO 8601 in UTC."""
    attempts: int
    """How many times it was tried to send it."""
    repeat: bool
    """Whether it may have been sent before: a process ended, or no answer came, while it was on its way."""
    error: str | None
    """Why the last attempt failed; `null` where none did, and once it is sent."""
    folded_into: str | None
    """The digest, or the channel, that it went into; `null` where it did not."""


class Deliveries(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/alerts/deliveries`: messages in the outbox, newest first."""

    deliveries: tuple[DeliveryItem, ...]
    """The messages of this page, newest first."""
    next: str | None
    """Give it as `cursor` for the page after; `null` at the end."""
    reason: str | None = None
    """Why there is nothing, or something is left out: no database is kept, it does not answer, or rows of its tables
    are damaged; `null` otherwise."""


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An empty object: the path says all."""


def delivery_of(delivery: Delivery) -> DeliveryItem:
    """A delivery as the API lists it."""
    notice = delivery.notice
    return DeliveryItem(
        id=delivery.id,
        channel=delivery.channel,
        state=delivery.state,
        role=notice.role,
        level=notice.severity,
        title=notice.title,
        alerts=notice.incidents,
        created_at=iso(delivery.created_ms) or "",
        expires_at=iso(delivery.expires_ms) or "",
        attempts=delivery.attempts,
        repeat=delivery.repeat,
        error=delivery.error,
        folded_into=delivery.folded_into,
    )
