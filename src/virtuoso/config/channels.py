"""The keys of the channels: where messages go. Addresses are secrets: whoever knows one can write to it."""

import ipaddress
import re
from typing import Annotated, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from virtuoso.config.section import FilePath, Names, Section
from virtuoso.config.values.texts import WebLink
from virtuoso.model.alerts.incident import Severity

Least = Annotated[Severity, Field(strict=False)]
"""The least severity that is told."""
Option = str | int | float | bool | None
BUILT_IN = ("console", "database", "discord", "system")
"""Channels that have a section of their own; `system` is Discord's second webhook."""

_DISCORD_PATH = re.compile(r"/api(/v\d{1,2})?/webhooks/\d{1,20}/[A-Za-z0-9_-]{1,200}/?")


def _empty_is_none(value: object) -> object:
    return None if value == "" else value


def _split(secret: SecretStr) -> SplitResult:
    try:
        parts = urlsplit(secret.get_secret_value())
        _ = parts.port  # a port that is no number is found out here
    except ValueError:
        raise ValueError("is no web address; it must look like https://host/path") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must begin with https://host")
    return parts


def web_address(secret: SecretStr | None) -> SecretStr | None:
    """Check that a secret is an http or https address.

    Raises:
        ValueError: it is none; the text does not repeat it.
    """
    if secret is not None:
        _split(secret)
    return secret


def guarded_address(secret: SecretStr | None) -> SecretStr | None:
    """An https address, or an http one of this machine: nothing that is sent can be read on the way.

    Raises:
        ValueError: it is none; the text does not repeat it.
    """
    if secret is not None:
        parts = _split(secret)
        if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
            raise ValueError("must begin with https:// (http:// is for loopback addresses only)")
    return secret


def discord_address(secret: SecretStr | None) -> SecretStr | None:
    """The address of a webhook as Discord shows it.

    Raises:
        ValueError: it is none; the text does not repeat it.
    """
    if guarded_address(secret) is not None and secret is not None:
        parts = _split(secret)
        if not _DISCORD_PATH.fullmatch(parts.path) or parts.query or parts.fragment:
            raise ValueError("must look like https://discord.com/api/webhooks/ID/TOKEN, ID of digits")
    return secret


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


Secret = Annotated[SecretStr | None, BeforeValidator(_empty_is_none)]
WebAddress = Annotated[Secret, AfterValidator(web_address)]
DiscordAddress = Annotated[Secret, AfterValidator(discord_address)]
Fallback = Annotated[str | None, Field(description="Channel that takes over when this one's address is gone.")]


def one_of(section: Section, *names: str) -> None:
    """Check that no secret is given twice, itself and as a file.

    Raises:
        ValueError: one is.
    """
    for name in names:
        if getattr(section, name) is not None and getattr(section, f"{name}_file") is not None:
            raise ValueError(f"give {name} or {name}_file, not both")


class ConsoleSettings(Section):
    """Messages as lines on standard error."""

    enabled: bool = Field(default=True, description="Whether there are any.")
    severity: Least = Field(Severity.INFO, description="Least severity.")


class DatabaseChannelSettings(Section):
    """Messages kept in the outbox of the database alone, for the API."""

    enabled: bool = Field(default=True, description="Whether there are any.")


class DiscordSettings(Section):
    """How alerts are sent to Discord."""

    api_url: WebLink = Field(
        "https://discord.com/api/v10",
        description="Base address of the API: Discord, or a host that speaks like it.",
    )  # fmt: skip
    severity: Least = Field(Severity.WARNING, description="Least severity.")
    chart: bool = Field(default=True, description="Whether a chart is added to a symbol's alert.")
    fallback: Fallback = None


class ChannelSettings(Section):
    """One more channel that messages go to."""

    type: str = Field(min_length=1, description="`webhook`, `apprise`, or the type that an installed package offers.")
    url: Secret = Field(None, description="Address; for Apprise `slack://…`, `tgram://…`, `mailto://…`.")
    url_file: FilePath | None = Field(None, description="File that holds the address.")
    secret: Secret = Field(None, description="Key that messages of a webhook are signed with (HMAC-SHA256).")
    secret_file: FilePath | None = Field(None, description="File that holds the key.")
    severity: Least = Field(Severity.WARNING, description="Least severity.")
    system: bool = Field(default=True, description="Whether it is told of the program and its surroundings.")
    market: bool = Field(default=True, description="Whether it is told of the market.")
    fallback: Fallback = None
    allowed_hosts: Names = Field((), description="Hosts that a webhook may be sent to; none: that of its address.")
    options: dict[str, Option] = Field({}, description="What else the type understands.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        one_of(self, "url", "secret")
        if not self.system and not self.market:
            raise ValueError("system or market must be true, else it is told nothing")
        if self.type in {"webhook", "apprise"} and self.url is None and self.url_file is None:
            raise ValueError(f"type {self.type} needs a url (or url_file)")
        if self.url is not None:
            self._check_address(self.url)
        return self

    def _check_address(self, url: SecretStr) -> None:
        if self.type == "webhook":
            try:
                guarded_address(url)
            except ValueError as error:
                raise ValueError(f"url {error}") from None
        elif self.type == "apprise" and "://" not in url.get_secret_value():
            raise ValueError("url must be an address of Apprise's, such as slack://…")
