"""Documents of prices: bars, books and ticks as they are known."""

from typing import Final

import msgspec

from virtuoso.model.quality import DataQuality, DataSource


class BarItem(msgspec.Struct, frozen=True, kw_only=True):
    """One closed bar of a symbol: when it began, its prices, and what was traded in it."""

    open_time: str
    """When the bar began, ISO 8601 in UTC."""
    open: float
    """First price, quote units."""
    high: float
    """Highest price, quote units."""
    low: float
    """Lowest price, quote units."""
    close: float
    """Last price, quote units."""
    volume: float
    """What was traded, base units."""
    turnover: float | None
    """Value of what was traded, quote units; `null` where the exchange does not tell it."""


class Bars(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/symbols/{symbol}/bars`: the latest closed bars."""

    symbol: str
    """The exchange's own name of the instrument, such as `BTCUSDT`."""
    timeframe: str
    """Length of a bar, as it was asked for."""
    bars: tuple[BarItem, ...]
    """Closed bars, oldest first; what was never received is left out."""
    reason: str | None = None
    """Why there is nothing: no time series is kept, or it does not answer; `null` otherwise."""


BOOK_LEVELS: Final = 50
"""Levels a side of a published book, at most."""


class Book(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/symbols/{symbol}/book`: the best levels of the order book, up to a second old."""

    symbol: str
    """The exchange's own name of the instrument, such as `BTCUSDT`."""
    bids: tuple[tuple[float, float], ...]
    """Buy orders as [price in quote units, size in base units], the highest price first, 50 levels at most; empty with
    a `reason` while the book is not valid."""
    asks: tuple[tuple[float, float], ...]
    """Sell orders as [price in quote units, size in base units], the lowest price first, 50 levels at most; empty with
    a `reason` while the book is not valid."""
    update_id: int | None
    """Number of the update that the exchange gave it, rising with each; `null` while the book is not valid."""
    updated_at: str | None
    """The exchange's time of the last update, ISO 8601 in UTC; `null` while the book is not valid."""
    data_quality: DataQuality
    """How fresh the book is; `unavailable` while it is not valid."""
    data_source: DataSource | None
    """What the exchange behind it is; `null` until it has answered once, and where no book is watched."""
    reason: str | None = None
    """Why there are no levels; `null` while the book is valid."""


class Tick(msgspec.Struct, frozen=True, kw_only=True):
    """Price and touch of one symbol, and how old they are."""

    symbol: str
    """The exchange's own name of the instrument, such as `BTCUSDT`."""
    price: float | None
    """Price of the last trade, quote units; `null` before the first ticker."""
    bid: float | None
    """Best bid, quote units; `null` while it is not known."""
    ask: float | None
    """Best ask, quote units; `null` while it is not known."""
    age_ms: int | None
    """Time since the ticker was received, ms; `null` before the first."""


class Ticks(msgspec.Struct, frozen=True, kw_only=True):
    """The event `ticks` of `/api/stream`, one in 500 ms at most."""

    timestamp: str
    """When it was published, ISO 8601 in UTC."""
    data_source: DataSource | None
    """What the exchange behind it is; `null` until it has answered once."""
    ticks: tuple[Tick, ...]
    """One for each watched symbol."""
