"""Freshness and origin of a datum: two things, both derived, never a constant."""

from collections.abc import Iterable
from enum import StrEnum


class DataQuality(StrEnum):
    """How fresh a datum is."""

    LIVE = "live"
    DELAYED = "delayed"
    STALE = "stale"
    PARTIAL = "partial"
    UNAVAILABLE = "unavailable"


class DataSource(StrEnum):
    """What the exchange behind a datum is; later members are further from the market."""

    LIVE = "live"
    REPLAY = "replay"
    SYNTHETIC = "synthetic"


_QUALITY_RANK = {
    DataQuality.LIVE: 0,
    DataQuality.DELAYED: 1,
    DataQuality.PARTIAL: 2,
    DataQuality.STALE: 3,
    DataQuality.UNAVAILABLE: 4,
}
_SOURCE_RANK = {source: rank for rank, source in enumerate(DataSource)}


def worst_quality(qualities: Iterable[DataQuality]) -> DataQuality:
    """The worst of several; of none, `unavailable`."""
    return max(qualities, key=_QUALITY_RANK.__getitem__, default=DataQuality.UNAVAILABLE)


def worst_source(sources: Iterable[DataSource]) -> DataSource | None:
    """The one furthest from the market; of none, `None`."""
    return max(sources, key=_SOURCE_RANK.__getitem__, default=None)
