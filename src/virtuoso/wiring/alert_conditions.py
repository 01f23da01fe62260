"""Tells of each built-in kind of alert what makes an incident of it, with the thresholds in force."""

from collections.abc import Mapping
from dataclasses import asdict

from virtuoso.alerts import limits
from virtuoso.config.alerts import AlertSettings
from virtuoso.market.universe.listing import COLLAPSE
from virtuoso.model.catalogue.detectors import DETECTORS
from virtuoso.model.catalogue.kinds import KINDS
from virtuoso.wiring.detectors import fast_parameters


def conditions(alerts: AlertSettings) -> Mapping[str, str]:
    """By kind of incident, one sentence on what makes one, with the thresholds in force."""
    parameters = fast_parameters(alerts)
    detected = {of.kind.name: asdict(getattr(parameters, name)) for name, of in DETECTORS.items()}
    others = _thresholds(alerts)
    return {kind.name: kind.condition_of(detected.get(kind.name, others)) for kind in KINDS.values()}


def _thresholds(alerts: AlertSettings) -> dict[str, float]:
    """By the name that conditions use; what nobody detects on the event path has names of its own."""
    return {
        "cpu_pct": alerts.cpu_alerts.threshold,
        "memory_pct": alerts.memory_alerts.threshold,
        "disk_pct": alerts.disk_alerts.threshold,
        "loop_lag_ms": alerts.loop_lag_alerts.threshold,
        "crashes": alerts.restart_alerts.count,
        "crashes_within_min": alerts.restart_alerts.within / 60,
        "slow_cycle_s": alerts.slow_cycle,
        "listed_share": COLLAPSE,
        "skew_s": limits.CLOCK_SKEW_MS / 1_000,
        "feed_grace_s": limits.FEED_GRACE_MS / 1_000,
        "store_grace_s": limits.STORE_GRACE_MS / 1_000,
        "channel_grace_s": limits.CHANNEL_GRACE_MS / 1_000,
        "wrong_tokens": limits.WRONG_TOKENS,
        "refused_topic_s": limits.REFUSED_TOPIC_MS / 1_000,
        "refused_share": limits.REFUSED_SHARE,
        "refused_fewest": limits.REFUSED_FEWEST,
        "refused_window_s": limits.REFUSED_WINDOW_MS / 1_000,
        "failing_s": limits.FAILING_MS / 1_000,
        "gap_s": limits.GAP_MS / 1_000,
        "stop_gap_s": limits.STOP_GAP_MS / 1_000,
        "long_gap_s": limits.LONG_GAP_MS / 1_000,
    }
