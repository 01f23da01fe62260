"""Publishes how alerts are made and sent, and what they were worth: the documents `alerts:…`."""

from collections import Counter
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from virtuoso.alerts.conditions import ChannelCondition, observe_channels
from virtuoso.alerts.incidents import IncidentLog
from virtuoso.alerts.policy import Policy
from virtuoso.model.alerts import documents as docs
from virtuoso.model.alerts.incident import Severity
from virtuoso.model.alerts.kind import About
from virtuoso.model.alerts.outbox import ChannelStatus
from virtuoso.model.catalogue.kinds import KINDS
from virtuoso.model.clock import Clock, iso
from virtuoso.monitor.alerting.alerting import Alerting
from virtuoso.monitor.documents.publication import Publication

PERIOD_S = 1.0
"""Between two publications."""


class AlertDocuments:
    """Publishes these documents; `channels` returns how each channel is, and what is wrong with one is an incident."""

    def __init__(
        self,
        alerting: Alerting,
        channels: Callable[[], Sequence[ChannelStatus]],
        publication: Publication,
        clock: Clock,
    ) -> None:
        self._alerting = alerting
        self._channels = channels
        self._publication = publication
        self._clock = clock

    def publish(self) -> None:
        """Publish the documents as they are now."""
        now_ms = self._clock.now_ns() // 1_000_000
        channels = tuple(self._channels())
        observed = (ChannelCondition(each.name, each.state, each.since_ms, each.error) for each in channels)
        observe_channels(self._alerting.incidents, observed, now_ms)
        alerting = self._alerting
        self._publication.offer(
            {
                "alerts:rules": lambda: rules_document(alerting, now_ms),
                "alerts:pipeline": lambda: pipeline_document(alerting, channels, now_ms),
                "alerts:performance": lambda: performance_document(alerting, now_ms),
            }
        )


def rules_document(alerting: Alerting, now_ms: int) -> docs.AlertRules:
    """Build the document of the built-in kinds and the user's rules, as they are in force."""
    return docs.AlertRules(
        timestamp=iso(now_ms) or "",
        kinds=tuple(
            replace(
                _row(
                    kind.name, alerting.policy(kind.name), system=kind.about is About.SYSTEM,
                    severities=kind.severities, when=alerting.conditions.get(kind.name),
                ),
                title=kind.title, meaning=kind.meaning, check=kind.check,
            )
            for kind in KINDS.values()
        ),
        rules=tuple(
            _row(
                rule.name, rule.policy, system=rule.labels.get("scope") == "system",
                severities=(rule.severity,), place=rule.place, when=rule.when.text,
                labels=dict(rule.labels), removable=rule.added,
            )
            for rule in alerting.rules.rules
        ),
        left_out=tuple(map(docs.left_out_of, alerting.rules.left_out)),
    )  # fmt: skip


def _row(
    kind: str,
    policy: Policy,
    *,
    system: bool,
    severities: tuple[Severity, ...],
    place: str | None = None,
    when: str | None = None,
    labels: dict[str, str] | None = None,
    removable: bool = False,
) -> docs.PolicyItem:
    return docs.PolicyItem(
        kind=kind,
        enabled=policy.enabled,
        system=system,
        severity=None if policy.severity is None else str(policy.severity),
        severities=tuple(map(str, severities if policy.severity is None else (policy.severity,))),
        hold=policy.hold_ms / 1000,
        cooldown=policy.cooldown_ms / 1000,
        rearm=policy.rearm_ms / 1000,
        change=policy.change,
        escalate_after=None if policy.escalate_after_ms is None else policy.escalate_after_ms / 1000,
        channels=policy.channels,
        place=place,
        when=when,
        labels=labels or {},
        removable=removable,
    )


def pipeline_document(alerting: Alerting, channels: tuple[ChannelStatus, ...], now_ms: int) -> docs.AlertPipeline:
    """Build the document of what became of incidents since the start, and how the channels are."""
    incidents: IncidentLog = alerting.incidents
    suppressed = Counter(incident.suppressed_by for incident in incidents.open())
    return docs.AlertPipeline(
        timestamp=iso(now_ms) or "",
        fired=incidents.fired,
        resolved=incidents.resolved,
        open=len(incidents.open()),
        stages=tuple(
            docs.StageItem(stage=stage, passed=counts["passed"], withheld=counts["withheld"], held=suppressed[stage])
            for stage, counts in alerting.pipeline.counters.items()
        ),
        channels=tuple(map(docs.channel_of, channels)),
    )


def performance_document(alerting: Alerting, now_ms: int) -> docs.AlertPerformance:
    """Build the document of what alerts were worth, and what interrupts people because of it."""
    budget = alerting.pipeline.budget
    return docs.AlertPerformance(
        timestamp=iso(now_ms) or "",
        kinds=alerting.outcomes.kinds(now_ms),
        pending=alerting.outcomes.pending,
        interruptions_today=None if budget is None else budget.spent,
        interruptions_allowed=None if budget is None else budget.choice.most_a_day,
        interrupting=() if budget is None else tuple(
            docs.InterruptingItem(kind=kind, level=severity, interrupts=why is None, reason=why)
            for (kind, severity), why in budget.interrupting()
        ),
    )  # fmt: skip
