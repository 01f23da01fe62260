"""The documents about how alerts are made and sent: `alerts:rules` and `alerts:pipeline`."""

from collections import Counter

from virtuoso.alerts.incidents import IncidentLog
from virtuoso.alerts.policy import Policy
from virtuoso.model import alert_documents as docs
from virtuoso.model.clock import iso
from virtuoso.model.kinds import MARKET_KINDS, SYSTEM_KINDS
from virtuoso.model.outbox import ChannelStatus
from virtuoso.monitor.alerting import Alerting


def rules_document(alerting: Alerting, now_ms: int) -> docs.AlertRules:
    """The built-in kinds and the user's rules, as they are in force."""
    return docs.AlertRules(
        timestamp=iso(now_ms) or "",
        kinds=tuple(
            _row(kind, alerting.policy(kind), system=kind in SYSTEM_KINDS) for kind in MARKET_KINDS + SYSTEM_KINDS
        ),
        rules=tuple(
            _row(
                rule.name, rule.policy, system=rule.labels.get("scope") == "system", place=rule.place,
                when=rule.when.text, labels=dict(rule.labels),
            )
            for rule in alerting.rules.rules
        ),
    )  # fmt: skip


def _row(
    kind: str,
    policy: Policy,
    *,
    system: bool,
    place: str | None = None,
    when: str | None = None,
    labels: dict[str, str] | None = None,
) -> docs.PolicyRow:
    return docs.PolicyRow(
        kind=kind,
        enabled=policy.enabled,
        system=system,
        severity=None if policy.severity is None else str(policy.severity),
        hold=policy.hold_ms / 1000,
        cooldown=policy.cooldown_ms / 1000,
        rearm=policy.rearm_ms / 1000,
        change=policy.change,
        escalate_after=None if policy.escalate_after_ms is None else policy.escalate_after_ms / 1000,
        channels=policy.channels,
        place=place,
        when=when,
        labels=labels or {},
    )


def pipeline_document(alerting: Alerting, channels: tuple[ChannelStatus, ...], now_ms: int) -> docs.AlertPipeline:
    """What became of the incidents since the start, and how the channels are."""
    incidents: IncidentLog = alerting.incidents
    held = Counter(incident.held for incident in incidents.open())
    return docs.AlertPipeline(
        timestamp=iso(now_ms) or "",
        fired=incidents.fired,
        resolved=incidents.resolved,
        open=len(incidents.open()),
        stages=tuple(
            docs.StageRow(stage=stage, passed=counts["passed"], withheld=counts["withheld"], held=held[stage])
            for stage, counts in alerting.pipeline.counters.items()
        ),
        channels=tuple(
            docs.ChannelRow(
                name=each.name, state=each.state, since=iso(each.since_ms), not_before=iso(each.not_before_ms),
                error=each.error, waiting=each.waiting, dead=each.dead, oldest=iso(each.oldest_ms),
                counters=each.counters,
            )
            for each in channels
        ),
    )  # fmt: skip
