"""Makes the plans of the channels that the configuration names, and the channels from their plans."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import SecretStr

from virtuoso.config.alerts import AlertSettings
from virtuoso.config.channels import DiscordSettings
from virtuoso.delivery.channels.protocol import Channel
from virtuoso.delivery.channels.registry import make
from virtuoso.delivery.channels.spec import ChannelSpec, Option
from virtuoso.model.clock import Clock
from virtuoso.model.errors import ConfigError

_PLACE = "monitoring.alerts"
_DISCORD = DiscordSettings().api_url
"""Unless it was changed, a webhook of another host is asked there: its token is nobody else's business."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelPlan:
    """A channel as configured: its type, and what it is made of (see `ChannelSpec`)."""

    type: str
    key: str
    url: str | None = field(default=None, repr=False)
    secret: str | None = field(default=None, repr=False)
    allowed_hosts: tuple[str, ...] = ()
    options: Mapping[str, Option] = field(default_factory=dict, repr=False)


def channel_plans(alerts: AlertSettings) -> dict[str, ChannelPlan]:
    """The plans of all channels, by name."""
    found: dict[str, ChannelPlan] = {}
    if alerts.console.enabled:
        found["console"] = ChannelPlan(type="console", key=f"{_PLACE}.console")
    if alerts.database.enabled:
        found["database"] = ChannelPlan(type="database", key=f"{_PLACE}.database")
    webhooks = {
        "discord": ("discord_webhook_url", alerts.discord_webhook_url),
        "system": ("system_alerts_webhook_url", alerts.system_alerts_webhook_url),
    }
    options = {} if alerts.discord.api_url == _DISCORD else {"api_url": alerts.discord.api_url}
    for name, (key, url) in webhooks.items():
        if url is not None:
            found[name] = ChannelPlan(
                type="discord", key=f"{_PLACE}.{key}", url=url.get_secret_value(), options=options
            )
    for name, each in alerts.channels.items():
        found[name] = ChannelPlan(
            type=each.type, key=f"{_PLACE}.channels.{name}", url=_revealed(each.url), secret=_revealed(each.secret),
            allowed_hosts=each.allowed_hosts, options=each.options,
        )  # fmt: skip
    return found


def make_channels(plans: Mapping[str, ChannelPlan], clock: Clock) -> dict[str, Channel]:
    """Make the channels, validated; nothing is connected yet.

    Raises:
        ConfigError: some are configured wrongly; a line each.
    """
    found: dict[str, Channel] = {}
    mistakes: list[str] = []
    for name, plan in plans.items():
        spec = ChannelSpec(
            name=name, key=plan.key, clock=clock, url=plan.url, secret=plan.secret,
            allowed_hosts=plan.allowed_hosts, options=plan.options,
        )  # fmt: skip
        try:
            found[name] = make(plan.type, spec)
        except ConfigError as error:
            mistakes.append(str(error))
    if mistakes:
        raise ConfigError("\n".join(mistakes))
    return found


def _revealed(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
