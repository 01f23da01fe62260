"""The alerts of a monitor, built: incidents, stages, rules; and, where a database keeps them, outbox and channels."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from virtuoso.alerts.incidents import IncidentLog
from virtuoso.alerts.rules.rule import RuleSet
from virtuoso.alerts.stages.pipeline import Pipeline, PipelineSettings
from virtuoso.config import Settings
from virtuoso.config.alerts import AlertSettings
from virtuoso.delivery.channels.protocol import Illustrating
from virtuoso.delivery.chart import Charts
from virtuoso.delivery.outbox.outbox import Outbox
from virtuoso.model.alert import Incident, Severity
from virtuoso.model.clock import Clock
from virtuoso.model.notice import Context, Notice
from virtuoso.monitor.alert_channels import channels_for
from virtuoso.monitor.alert_context import AlertContext
from virtuoso.monitor.alert_settings import PolicyBook, fallbacks, routes
from virtuoso.monitor.alerting import Alerting
from virtuoso.monitor.rule_files import read_rules
from virtuoso.monitor.stores import Stores
from virtuoso.storage.database.leased_outbox import LeasedOutbox


class AlertParts:
    """Built once, by the monitor; `context` is set as soon as there is a market to ask.

    Raises:
        ConfigError: a channel or a file of rules is wrong.
    """

    def __init__(
        self, settings: Settings, clock: Clock, exchange: str, stores: Stores | None, wake: Callable[[], None]
    ) -> None:
        alerts = settings.monitoring.alerts
        self._alerts = alerts
        told = () if stores is None else routes(alerts)
        self.policies = PolicyBook(alerts, told)
        self.incidents = IncidentLog(alerts.keep, exchange=exchange, policies=self.policies, on_change=wake)
        self.context: AlertContext | None = None
        pipeline = Pipeline(pipeline_settings(alerts), told, policies=self.policies, context=self._context_of)
        rules = self.read_rules()
        self.policies.take(rules.policies)
        self.alerting = Alerting(self.incidents, pipeline, clock, self.policies, alerts.public_url, rules)
        self.charts: Charts | None = None
        self.outbox: Outbox | None = None
        if stores is not None:
            self._open(stores, settings.identity, settings.data_dir, clock)

    def read_rules(self) -> RuleSet:
        """The user's rules, as their files are now. Raises `ConfigError`."""
        return read_rules(self._alerts.rules, self._alerts)

    def _open(self, stores: Stores, identity: str, folder: Path, clock: Clock) -> None:
        channels = channels_for(self._alerts, clock)
        if self._alerts.discord.chart and any(isinstance(channel, Illustrating) for channel in channels.values()):
            self.charts = Charts(folder / "charts")
        self.outbox = Outbox(
            channels,
            LeasedOutbox(stores.database, stores.lease, identity),
            clock,
            np.random.default_rng(),
            digest_above=self._alerts.digest_above,
            fallbacks=fallbacks(self._alerts),
            charts={} if self.charts is None else dict.fromkeys(channels, self._chart),
        )

    async def close(self) -> None:
        """Let go of channels and charts."""
        if self.outbox is not None:
            await self.outbox.close()
        if self.charts is not None:
            await self.charts.close()

    def _context_of(self, incident: Incident) -> Context | None:
        return None if self.context is None else self.context.of(incident)

    async def _chart(self, notice: Notice) -> bytes | None:
        if self.charts is None or self.context is None:
            return None
        picture = self.context.picture(notice)
        return None if picture is None else await self.charts.draw(picture)


def pipeline_settings(alerts: AlertSettings) -> PipelineSettings:
    """Of the stages."""
    ttl = alerts.ttl
    return PipelineSettings(
        group_wait_ms=round(alerts.group_wait * 1000),
        group_interval_ms=round(alerts.group_interval * 1000),
        ttl_ms={
            Severity.INFO: round(ttl.info * 1000),
            Severity.WARNING: round(ttl.warning * 1000),
            Severity.CRITICAL: round(ttl.critical * 1000),
        },
    )
