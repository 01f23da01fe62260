"""Makes the policy of each kind of alert, and the routes of the channels, from settings."""

from dataclasses import replace

from virtuoso.alerts.policy import Policy
from virtuoso.alerts.stages.stage_state import Route
from virtuoso.config.alerts import AlertSettings, KindSettings
from virtuoso.model.alerts.incident import Severity

_SYSTEM, _GENERAL = "system", "discord"
_IN_WIDTHS = ("cone_touched", "thin_break")
"""Kinds whose value is in widths of the cone: people are notified again at each further one."""


def default_policy(alerts: AlertSettings) -> Policy:
    """The policy of a kind that has none of its own."""
    return Policy(cooldown_ms=_ms(alerts.cooldown))


def policies(alerts: AlertSettings, channels: tuple[Route, ...]) -> dict[str, Policy]:
    """Make the policies of the kinds that have their own; `channels` are those in use."""
    default = default_policy(alerts)
    holds = {
        "cpu": alerts.cpu_alerts.hold, "memory": alerts.memory_alerts.hold, "disk": alerts.disk_alerts.hold,
        "loop_lag": alerts.loop_lag_alerts.hold,
    }  # fmt: skip
    found = {kind: replace(default, hold_ms=_ms(hold)) for kind, hold in holds.items()}
    found |= {kind: replace(default, step=1.0) for kind in _IN_WIDTHS}
    if (taking := _channels_of_cpu(alerts, channels)) is not None:
        found["cpu"] = replace(found["cpu"], channels=taking)
    for kind, given in alerts.kinds.items():
        found[kind] = _overridden(found.get(kind, default), given)
    return found


def _overridden(policy: Policy, given: KindSettings) -> Policy:
    return Policy(
        enabled=given.enabled,
        severity=given.severity,
        hold_ms=policy.hold_ms if given.for_ is None else _ms(given.for_),
        cooldown_ms=policy.cooldown_ms if given.cooldown is None else _ms(given.cooldown),
        rearm_ms=0 if given.rearm is None else _ms(given.rearm),
        change=given.change,
        step=policy.step,
        escalate_after_ms=None if given.escalate_after is None else _ms(given.escalate_after),
        channels=policy.channels if given.channels is None else given.channels,
    )


def _channels_of_cpu(alerts: AlertSettings, channels: tuple[Route, ...]) -> tuple[str, ...] | None:
    """Its own choice between Discord's two webhooks, where that is another than all system alerts have."""
    both = {_SYSTEM, _GENERAL} <= {channel.channel for channel in channels}
    if not both or alerts.cpu_alerts.use_system_webhook == alerts.discord_webhook.use_system_webhook:
        return None
    others = [
        c.channel
        for c in channels
        if c.system and c.channel not in {_SYSTEM, _GENERAL} and c.least.rank <= Severity.WARNING.rank
    ]
    return (*others, _SYSTEM if alerts.cpu_alerts.use_system_webhook else _GENERAL)


def routes(alerts: AlertSettings) -> tuple[Route, ...]:
    """List the configured channels with what each takes.

    Of Discord's two webhooks one alone takes everything; of both, `system` takes what is of the system where
    `discord_webhook.use_system_webhook` says so.
    """
    found = []
    if alerts.console.enabled:
        found.append(Route(channel="console", least=alerts.console.severity, market=True, system=True))
    if alerts.database.enabled:
        found.append(Route(channel="database", least=Severity.INFO, market=True, system=True))
    general, system = alerts.discord_webhook_url is not None, alerts.system_alerts_webhook_url is not None
    discord, apart = alerts.discord, alerts.discord_webhook.use_system_webhook
    if general:
        found.append(Route(channel=_GENERAL, least=discord.severity, market=True, system=not system or not apart))
    if system:
        found.append(Route(channel=_SYSTEM, least=discord.severity, market=not general, system=not general or apart))
    for name, each in alerts.channels.items():
        found.append(Route(channel=name, least=each.severity, market=each.market, system=each.system))
    return tuple(found)


def fallbacks(alerts: AlertSettings) -> dict[str, str]:
    """By channel: which one takes over when its address is gone."""
    given = {_GENERAL: alerts.discord.fallback, _SYSTEM: alerts.discord.fallback}
    given |= {name: each.fallback for name, each in alerts.channels.items()}
    return {name: fallback for name, fallback in given.items() if fallback not in (None, name)}


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
