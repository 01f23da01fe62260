"""The document of what was traded last, and what was closed by force."""

from typing import Final

import msgspec

from virtuoso.model.quality import DataQuality, DataSource

TAPE_TRADES: Final = 24
"""Trades of a published tape, at most."""
TAPE_LIQUIDATIONS: Final = 8
"""Liquidations of a published tape, at most."""


class TradeItem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One trade of the exchange's public feed, and which side its taker was on."""

    time: str
    """The exchange's time of it, ISO 8601 in UTC."""
    price: float
    """Price, quote units."""
    size: float
    """What was traded, base units."""
    bought: bool
    """Whether its taker bought."""


class LiquidationItem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One position that was closed by force."""

    time: str
    """The exchange's time of it, ISO 8601 in UTC."""
    price: float
    """Its bankruptcy price, quote units."""
    size: float
    """How much of it was closed, base units."""
    long: bool
    """Whether the position was long."""


class Tape(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/symbols/{symbol}/tape`: what was traded last, up to a second old."""

    symbol: str
    """The exchange's own name of the instrument, such as `BTCUSDT`."""
    trades: tuple[TradeItem, ...]
    """The last trades, the newest first; empty before the first."""
    liquidations: tuple[LiquidationItem, ...]
    """The last liquidations, as the exchange told them, the newest first; empty before the first."""
    large_from: float | None
    """Size from which a trade counts as large, base units: counted from the largest down, half of what was traded of
    late came in such; `null` while too few were seen."""
    data_quality: DataQuality
    """How fresh its trades are."""
    data_source: DataSource | None
    """What the exchange behind it is; `null` until it has answered once."""
    reason: str | None = None
    """Why there is nothing: no trades of this symbol are watched; `null` otherwise."""
