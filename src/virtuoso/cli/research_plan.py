"""How the configuration scores bars of files, and finds incidents in them."""

from virtuoso.config import Settings
from virtuoso.research.detecting.played import AlertPlan
from virtuoso.research.run import Plan
from virtuoso.wiring.alerting import alerting_parts
from virtuoso.wiring.detectors import fast_parameters
from virtuoso.wiring.parts import band_rule


def plan_of(settings: Settings) -> Plan:
    """The weights and the rule of bands that are configured."""
    return Plan(
        timeframes=settings.analysis.timeframes.weights(),
        factors=settings.analysis.factors.weights(),
        rule=band_rule(settings),
    )


def alert_plan_of(settings: Settings) -> AlertPlan:
    """The detectors, stages and policies that are configured."""
    parts = alerting_parts(settings, notify=False)
    return AlertPlan(
        detectors=fast_parameters(settings.monitoring.alerts),
        stages=parts.pipeline,
        usual=parts.default,
        policies=parts.policies,
    )
