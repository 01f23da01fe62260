"""Makes the parameters of the fast detectors from settings."""

from virtuoso.config.alerts import AlertSettings
from virtuoso.model.catalogue.detectors import DETECTORS, FastParameters


def fast_parameters(alerts: AlertSettings) -> FastParameters:
    """The parameters of all fast detectors as configured; sudden moves have their section beside the others."""
    sections = alerts.fast.model_dump() | {"sudden_move": alerts.sudden_move.model_dump()}
    return FastParameters(**{name: parameters(**sections[name]) for name, parameters in DETECTORS.items()})
