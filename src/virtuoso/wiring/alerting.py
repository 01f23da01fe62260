"""Makes the parts of alerting from settings: plain values that can be compared."""

from collections.abc import Mapping
from dataclasses import dataclass

from virtuoso.alerts.host import HostLimits
from virtuoso.alerts.policy import Policy
from virtuoso.alerts.stages.budget import BudgetSettings
from virtuoso.alerts.stages.pipeline import PipelineSettings
from virtuoso.alerts.stages.stage_state import Route
from virtuoso.config import Settings
from virtuoso.config.alerts import AlertSettings, InterruptionSettings
from virtuoso.model.alerts.incident import Severity
from virtuoso.wiring.alert_conditions import conditions
from virtuoso.wiring.alert_policies import default_policy, fallbacks, policies, routes
from virtuoso.wiring.channels import ChannelPlan, channel_plans
from virtuoso.wiring.rule_files import RuleFiles, rule_files


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertingParts:
    """What the alerts of a monitor, or of a replay, are made of.

    Attributes:
        most_incidents: kept in memory and served as recent ones.
        public_url: what links in messages begin with; `None` = there are none.
        conditions: by built-in kind, what makes an incident of it, for people.
        usual: the policy of a kind that has none of its own in `policies`.
        routes: the channels, by what each takes; none where nobody is notified.
        digest_above: of so many waiting messages a channel gets one that sums them up.
        charts: whether pictures are drawn for channels that take them.
        crashes: this many within `crashes_within_s` seconds are an incident.
    """

    most_incidents: int
    public_url: str | None
    pipeline: PipelineSettings
    default: Policy
    policies: Mapping[str, Policy]
    routes: tuple[Route, ...]
    rules: RuleFiles
    channels: Mapping[str, ChannelPlan]
    fallbacks: Mapping[str, str]
    digest_above: int
    charts: bool
    limits: HostLimits
    conditions: Mapping[str, str]
    crashes: int
    crashes_within_s: float


def alerting_parts(settings: Settings, *, notify: bool = True) -> AlertingParts:
    """Make the parts of alerting as configured; without `notify` there are no channels."""
    alerts = settings.monitoring.alerts
    channels = routes(alerts) if notify else ()
    return AlertingParts(
        most_incidents=alerts.keep,
        public_url=alerts.public_url,
        pipeline=pipeline_settings(alerts),
        default=default_policy(alerts),
        policies=policies(alerts, channels),
        routes=channels,
        rules=rule_files(settings),
        channels=channel_plans(alerts),
        fallbacks=fallbacks(alerts),
        digest_above=alerts.digest_above,
        charts=alerts.discord.chart,
        limits=HostLimits(
            cpu_pct=alerts.cpu_alerts.threshold,
            memory_pct=alerts.memory_alerts.threshold,
            disk_pct=alerts.disk_alerts.threshold,
            loop_lag_ms=alerts.loop_lag_alerts.threshold,
        ),
        conditions=conditions(alerts),
        crashes=alerts.restart_alerts.count,
        crashes_within_s=alerts.restart_alerts.within,
    )


def _budget(given: InterruptionSettings) -> BudgetSettings | None:
    """How often people may be interrupted; `None` = as often as something comes."""
    if not given.enabled:
        return None
    times = (time.split(":") for time in given.digest_at)
    return BudgetSettings(
        typical=given.typical,
        most=given.most,
        digest_min=tuple(sorted({60 * int(hours) + int(minutes) for hours, minutes in times})),
        storm_ms=round(given.storm * 1000),
    )


def pipeline_settings(alerts: AlertSettings) -> PipelineSettings:
    """Make the settings of the alert stages: durations in seconds become milliseconds."""
    ttl = alerts.ttl
    return PipelineSettings(
        group_wait_ms=round(alerts.group_wait * 1000),
        group_interval_ms=round(alerts.group_interval * 1000),
        budget=_budget(alerts.interruptions),
        ttl_ms={
            Severity.INFO: round(ttl.info * 1000),
            Severity.WARNING: round(ttl.warning * 1000),
            Severity.CRITICAL: round(ttl.critical * 1000),
        },
    )
