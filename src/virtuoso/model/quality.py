"""Freshness and origin of a datum: two things, both derived, never a constant."""

from collections.abc import Iterable
from enum import StrEnum


class DataQuality(StrEnum):
    """Says how far a value can be relied on now, by when its feed last proved itself alive."""

    LIVE = "live"
    """Its feed is alive, however quiet the market is."""
    DELAYED = "delayed"
    """Its connection was lost seconds ago, or data comes more than 2 s late."""
    STALE = "stale"
    """Nothing proved its feed alive for 10 s (as configured), or data comes as late; no label is given on it."""
    PARTIAL = "partial"
    """Some of what it needs was never there."""
    UNAVAILABLE = "unavailable"
    """Nothing of it was ever there."""


class DataSource(StrEnum):
    """What the exchange behind a datum is; later members are further from the market."""

    LIVE = "live"
    """The exchange itself."""
    REPLAY = "replay"
    """A recording of real data, played again."""
    SYNTHETIC = "synthetic"
    """Made up by a model of a market."""


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
