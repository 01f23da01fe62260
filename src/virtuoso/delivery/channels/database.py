"""Notices that are kept, for the API and the page."""

from virtuoso.delivery.channels.protocol import Sent
from virtuoso.delivery.channels.spec import ChannelSpec
from virtuoso.model.alerts.notice import Notice


class Database:
    """The row of the outbox is itself the record: once it is committed all is done, and `send` has nothing to do."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.fingerprint = "database"

    def validate(self) -> None:
        """Accept every configuration: there is none to get wrong."""

    def render(self, notice: Notice, *, repeat: bool) -> None:
        """Nothing: the outbox holds the notice."""

    async def send(self, message: None) -> Sent:
        """Report success at once: the notice is in the outbox already."""
        return Sent()

    async def close(self) -> None:
        """Do nothing: the channel holds no connections."""


def make(spec: ChannelSpec) -> Database:
    """Make the channel from its configuration; raises `ConfigError` for options, of which it has none."""
    spec.check_options()
    return Database(spec.name)
