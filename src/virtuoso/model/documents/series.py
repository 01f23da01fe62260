"""The document of what is kept of each minute of a symbol beside its bar."""

from typing import Final

import msgspec

from virtuoso.model.quality import DataSource

SERIES: Final = {
    "open_interest": "base units", "funding": "percent per interval", "basis": "bp", "long_ratio": "share, 0–1",
    "volume_delta": "base units", "long_liquidated": "quote units", "short_liquidated": "quote units",
}  # fmt: skip
"""What may be asked for, and in which unit it is."""


class SeriesItem(msgspec.Struct, frozen=True, kw_only=True):
    """One measured value over the last minutes."""

    name: str
    """What it is. `volume_delta` is what takers bought less what they sold in the minute; the liquidations are what was
    closed by force in it."""
    unit: str
    """Unit of its values."""
    points: tuple[tuple[str, float], ...]
    """Open time of the minute (ISO 8601 in UTC) and value, oldest first; minutes of which it is not known are left
    out."""
    until: str | None
    """Open time of the last minute that it is known of; `null` where there is none."""
    reason: str | None = None
    """Why it has no points; `null` where it has."""


class SymbolSeries(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/symbols/{symbol}/series`: values of each minute, as they were kept."""

    symbol: str
    """The exchange's own name of the instrument, such as `BTCUSDT`."""
    series: tuple[SeriesItem, ...]
    """Those that were asked for, in that order."""
    data_source: DataSource | None
    """What the exchange behind it is; `null` until it has answered once."""
    reason: str | None = None
    """Why there is nothing: no time series is kept, or it does not answer; `null` otherwise."""
