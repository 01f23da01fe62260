"""One attempt at one channel, whatever the channel does: bounded in time, and every failure one of ours."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from virtuoso.delivery.channels.protocol import Channel, ChannelError, Editing, Rejected, Sent, Unreachable
from virtuoso.delivery.outbox.verdict import LeftOut, Outcome
from virtuoso.model.alerts.incident import Severity
from virtuoso.model.alerts.notice import Delivery
from virtuoso.model.alerts.outbox import Claimed

_LIMIT_S = 30.0
"""Beyond a channel's own limit (10 s): for one that has none."""
_MOST_FAULTS = 5


async def attempt(channel: Channel, claimed: Claimed) -> Outcome:
    """Edit the message that the notice amends, or send a new one.

    An edit needs no mark: done twice, there is one message. Where the earlier message is gone, or takes no edit, a
    critical notice is sent as a new one; others are not worth a message. What only brings a message up to date is left
    out where none can be edited.
    """
    delivery, notice = claimed.delivery, claimed.delivery.notice
    ref = claimed.amended_ref
    if notice.quiet and not isinstance(channel, Editing):
        return LeftOut()
    try:
        if ref is not None and isinstance(channel, Editing):
            edit, message = channel.edit, _rendered(channel, delivery, repeat=False)
            try:
                return await bounded(lambda: edit(ref, message), delivery)
            except Rejected:
                if notice.severity is not Severity.CRITICAL:
                    raise
        message = _rendered(channel, delivery, repeat=delivery.repeat)
        return await bounded(lambda: channel.send(message), delivery)
    except ChannelError as error:
        return error


async def bounded(request: Callable[[], Awaitable[Sent]], delivery: Delivery) -> Sent:
    """The answer to a request. Raises `ChannelError`, also where the channel itself is broken.

    What an unknown error says is not repeated: it may hold a secret.
    """
    try:
        async with asyncio.timeout(_LIMIT_S):
            return await request()
    except ChannelError:
        raise
    except TimeoutError:
        raise Unreachable(f"no answer within {_LIMIT_S:g} s", maybe_sent=True) from None
    except Exception as error:  # noqa: BLE001 - a channel may be a user's package
        text = f"the channel failed with {type(error).__name__}"
        if delivery.attempts + 1 >= _MOST_FAULTS:
            raise Rejected(f"{text}, after {_MOST_FAULTS} attempts") from None
        raise Unreachable(text, maybe_sent=True) from None


def _rendered(channel: Channel, delivery: Delivery, *, repeat: bool) -> Any:
    try:
        return channel.render(delivery.notice, repeat=repeat)
    except ChannelError:
        raise
    except Exception as error:  # noqa: BLE001 - a channel may be a user's package
        raise Rejected(f"the message could not be made: {type(error).__name__}") from None
