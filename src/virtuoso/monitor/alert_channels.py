"""The channels that the configuration names, made: for the monitor, and for `virtuoso alerts test`."""

from pydantic import SecretStr

from virtuoso.config.alerts import AlertSettings
from virtuoso.config.channels import DiscordSettings
from virtuoso.delivery.channels.protocol import Channel
from virtuoso.delivery.channels.registry import make
from virtuoso.delivery.channels.spec import ChannelSpec
from virtuoso.model.clock import Clock

_PLACE = "monitoring.alerts"
_DISCORD = DiscordSettings().api_url
"""Unless it was changed, a webhook of another host is asked there: its token is nobody else's business."""


def channels_for(alerts: AlertSettings, clock: Clock) -> dict[str, Channel]:
    """All channels by name, validated; nothing is connected yet.

    Raises:
        ConfigError: one is configured wrongly.
    """
    found: dict[str, Channel] = {}
    if alerts.console.enabled:
        found["console"] = make("console", ChannelSpec(name="console", key=f"{_PLACE}.console", clock=clock))
    if alerts.database.enabled:
        found["database"] = make("database", ChannelSpec(name="database", key=f"{_PLACE}.database", clock=clock))
    webhooks = {
        "discord": ("discord_webhook_url", alerts.discord_webhook_url),
        "system": ("system_alerts_webhook_url", alerts.system_alerts_webhook_url),
    }
    for name, (key, url) in webhooks.items():
        if url is not None:
            spec = ChannelSpec(
                name=name, key=f"{_PLACE}.{key}", clock=clock, url=url.get_secret_value(),
                options={} if alerts.discord.api_url == _DISCORD else {"api_url": alerts.discord.api_url},
            )  # fmt: skip
            found[name] = make("discord", spec)
    for name, each in alerts.channels.items():
        spec = ChannelSpec(
            name=name, key=f"{_PLACE}.channels.{name}", clock=clock, url=_revealed(each.url),
            secret=_revealed(each.secret), allowed_hosts=each.allowed_hosts, options=each.options,
        )  # fmt: skip
        found[name] = make(each.type, spec)
    return found


def _revealed(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
