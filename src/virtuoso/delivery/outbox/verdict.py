"""What became of an attempt, for the delivery and for its channel. Pure."""

import math

import msgspec
from msgspec.structs import replace

from virtuoso.delivery.channels.protocol import ChannelError, Gone, RateLimited, Rejected, Sent, Unreachable
from virtuoso.model.alerts.notice import Delivery, delivery_id
from virtuoso.model.alerts.outbox import ChannelState


class LeftOut(msgspec.Struct, frozen=True):
    """It only brings an earlier message up to date, and this channel cannot edit one: nothing was sent."""


Outcome = Sent | LeftOut | ChannelError


def settled(delivery: Delivery, outcome: Outcome) -> Delivery:
    """As it stands after the attempt: sent, dead, or waiting again.

    One that was out without an answer is a possible repeat from then on.
    """
    attempts = delivery.attempts + 1
    match outcome:
        case Sent():
            return replace(delivery, state="sent", attempts=attempts, ref=outcome.ref, error=None)
        case LeftOut():
            amended = delivery_id(delivery.notice.amends or "", delivery.channel)
            return replace(delivery, state="folded", folded_into=amended, error=None)
        case Rejected():
            return replace(delivery, state="dead", attempts=attempts, error=str(outcome))
        case Unreachable():
            repeat = delivery.repeat or outcome.maybe_sent
            return replace(delivery, state="waiting", attempts=attempts, error=str(outcome), repeat=repeat)
        case _:
            return replace(delivery, state="waiting", attempts=attempts, error=str(outcome))


def channel_after(before: ChannelState, outcome: Outcome, now_ms: int) -> ChannelState:
    """How the channel is after the attempt. One that refuses a message is up: it answered."""
    if isinstance(outcome, LeftOut):
        return before
    error: str | None = str(outcome)
    not_before_ms = None
    match outcome:
        case Sent():
            state, error = "up", None
            not_before_ms = _after(now_ms, outcome.wait_s) if outcome.wait_s > 0 else None
        case Rejected():
            state, error = "up", None
        case RateLimited():
            state, not_before_ms = "limited", _after(now_ms, outcome.retry_after_s)
        case Gone():
            state = "disabled"
        case _:
            state = "down"
    since_ms = before.since_ms if state == before.state else now_ms
    return replace(before, state=state, since_ms=since_ms, not_before_ms=not_before_ms, error=error)


def _after(now_ms: int, wait_s: float) -> int:
    """Not a millisecond too early: `now_ms` was rounded down."""
    return now_ms + 1 + math.ceil(wait_s * 1000)
