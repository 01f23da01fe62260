"""What a channel is made of, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2s

from virtuoso.model.clock import Clock
from virtuoso.model.errors import ConfigError

Option = str | int | float | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSpec:
    """One channel as configured; the types of channels are called with it (entry points of `virtuoso.channels`).

    Attributes:
        name: unique; errors name `key`, under which it is configured.
        url: its address, a secret.
        secret: what messages are signed with.
        allowed_hosts: to which it may send; none = that of its address.
        options: what else the type understands.
    """

    name: str
    key: str
    clock: Clock
    url: str | None = field(default=None, repr=False)
    secret: str | None = field(default=None, repr=False)
    allowed_hosts: tuple[str, ...] = ()
    options: Mapping[str, Option] = field(default_factory=dict, repr=False)

    @property
    def fingerprint(self) -> str:
        """Tells addresses apart without telling them: 8 bytes in hex."""
        return blake2s(f"{self.url}\0{self.secret}".encode(), digest_size=8).hexdigest()

    def check_options(self, *known: str) -> None:
        """Raises `ConfigError` at an option that is not known."""
        if unknown := sorted(set(self.options) - set(known)):
            there = f"it has {', '.join(known)}" if known else "it has none"
            raise ConfigError(f"{self.key}.options.{unknown[0]}: unknown option; {there}")
