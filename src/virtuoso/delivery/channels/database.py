"""Notices that are kept, for the API and the page."""

from virtuoso.delivery.channels.protocol import Sent
from virtuoso.delivery.channels.spec import ChannelSpec
from virtuoso.model.notice import Notice


class Database:
    """The row of the outbox is itself the record: once it is committed all is done, and `send` has nothing to do."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.fingerprint = "database"

    def validate(self) -> None:
        """There is nothing to get wrong."""

    def render(self, notice: Notice, *, repeat: bool) -> None:
        """Nothing: the outbox holds the notice."""

    async def send(self, message: None) -> Sent:
        """It is sent."""
        return Sent()

    async def close(self) -> None:
        """Nothing is held."""


def make(spec: ChannelSpec) -> Database:
    """For the entry point."""
    spec.check_options()
    return Database(spec.name)
