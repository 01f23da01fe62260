"""Document of how good forecasts were on files, before this version was shipped."""

import msgspec

from virtuoso.model.backtested import Backtested, BacktestedForecast, BacktestedSet


class HorizonBacktested(msgspec.Struct, frozen=True, kw_only=True):
    """How good the forecasts of one horizon were, on each set."""

    horizon_min: int
    """How far ahead, minutes."""
    forecasts: tuple[BacktestedForecast, ...]
    """The figures of each set on which it was measured."""


class BacktestedQuality(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/signals/backtested`: how good forecasts were on recorded months, walked forward, each from an empty fit.

    Nothing that was lived is in it: that is `/api/signals/performance`.
    """

    origin: str
    """`files`: measured before this version was shipped; it is the same wherever this version runs."""
    sets: tuple[BacktestedSet, ...]
    """The recorded months, with symbols and bars."""
    horizons: tuple[HorizonBacktested, ...]
    """By horizon, the nearest first."""


def backtested_quality(measured: Backtested) -> BacktestedQuality:
    """What was measured, as the API tells it."""
    horizons = tuple(
        HorizonBacktested(horizon_min=minutes, forecasts=forecasts)
        for minutes, forecasts in sorted(measured.horizons.items())
    )
    return BacktestedQuality(origin="files", sets=measured.sets, horizons=horizons)
