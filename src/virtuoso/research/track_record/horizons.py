"""Horizons as people say them."""

_HOUR_MIN = 60


def said(minutes: int) -> str:
    """A horizon: `15 m`, `1 h`."""
    return f"{minutes} m" if minutes % _HOUR_MIN else f"{minutes // _HOUR_MIN} h"
