"""How the configuration scores bars of files."""

from virtuoso.config import Settings
from virtuoso.research.run import Plan
from virtuoso.wiring.parts import band_rule


def plan_of(settings: Settings) -> Plan:
    """The weights and the rule of bands that are configured."""
    return Plan(
        timeframes=settings.analysis.timeframes.weights(),
        factors=settings.analysis.factors.weights(),
        rule=band_rule(settings),
    )
