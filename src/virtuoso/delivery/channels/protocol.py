"""What a channel is: three verbs, and the ways in which sending can fail."""

from typing import Any, Protocol, runtime_checkable

import msgspec

from virtuoso.model.alerts.notice import Notice


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """It was accepted: `ref` is what the channel knows the message by (`None` = it cannot be edited).

    `wait_s`: the server's own word on how long to wait before the next request.
    """

    ref: str | None = None
    wait_s: float = 0.0


class ChannelError(Exception):
    """Sending failed; the text is for people and holds no secret."""


class Unreachable(ChannelError):
    """Not accepted as far as is known: worth another try (no connection, time-out, 5xx).

    `maybe_sent` is true when the request was out and no answer came.
    """

    def __init__(self, text: str, *, maybe_sent: bool = False) -> None:
        super().__init__(text)
        self.maybe_sent = maybe_sent


class RateLimited(ChannelError):
    """Refused for now: no request before `retry_after_s` has passed."""

    def __init__(self, text: str, retry_after_s: float) -> None:
        super().__init__(text)
        self.retry_after_s = retry_after_s


class Rejected(ChannelError):
    """This message will never be accepted (400, too large); others may be."""


class Gone(ChannelError):
    """The address will never accept anything (404, 410, 401, 403): not one more request to it."""


class Channel(Protocol):
    """One destination. `render` is pure; `send` is used by one task at a time.

    Attributes:
        name: as configured; unique.
        fingerprint: a hash of the address and its secrets: another address is another fingerprint.
    """

    name: str
    fingerprint: str

    def validate(self) -> None:
        """Look at the configuration, with no network. Raises `ConfigError` naming key, value, what would be right."""
        ...

    def render(self, notice: Notice, *, repeat: bool) -> Any:
        """The message in the channel's own form, within all of its limits, every text inert. `repeat` is marked."""
        ...

    async def send(self, message: Any) -> Sent:
        """Send what `render` made, bounded in time (10 s). Raises `ChannelError`."""
        ...

    async def close(self) -> None:
        """Close the connections that the channel holds."""
        ...


@runtime_checkable
class Editing(Protocol):
    """A channel whose messages can be replaced in place."""

    async def edit(self, ref: str, message: Any) -> Sent:
        """Replace the message; the new `ref` in the answer. Raises `ChannelError`."""
        ...


@runtime_checkable
class Illustrating(Protocol):
    """A channel that shows a picture in a message already sent."""

    async def illustrate(self, ref: str, message: Any, png: bytes) -> Sent:
        """Add a PNG to the message; the new `ref` in the answer. Raises `ChannelError`."""
        ...
