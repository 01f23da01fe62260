"""Market events: what an adapter hands over and the market state is made from.

Prices are in quote units, sizes in base units, turnover in quote units, times in epoch milliseconds of the
exchange's clock (`event_ms`). `None` means unknown, never zero.
"""

from enum import StrEnum

import msgspec
from msgspec import UNSET, UnsetType

Levels = list[tuple[float, float]]
"""Book levels as `(price, size)`; a size of 0 deletes the price."""

Update = float | None | UnsetType
"""A field of a delta: `UNSET` = not mentioned, so unchanged; `None` = said to be empty."""


class BookSnapshot(msgspec.Struct, frozen=True):
    """A whole book that was asked for, best levels first."""

    event_ms: int
    update_id: int
    bids: Levels
    asks: Levels


class Side(StrEnum):
    """Side of a trade (the taker's) or of a liquidated position (`Buy` = a long was liquidated)."""

    BUY = "Buy"
    SELL = "Sell"


class Bar(msgspec.Struct, frozen=True):
    """One bar; `confirmed` once it is closed."""

    open_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    turnover: float
    confirmed: bool = True


class Trade(msgspec.Struct, frozen=True):
    """One public trade; `side` is the taker's."""

    event_ms: int
    price: float
    size: float
    side: Side
    id: str = ""


class Liquidation(msgspec.Struct, frozen=True):
    """One liquidation; `side` is the *position's* side, `price` the bankruptcy price."""

    event_ms: int
    price: float
    size: float
    side: Side


class TickerUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """A ticker snapshot or delta: fields left `UNSET` keep their last value."""

    last: Update = UNSET
    mark: Update = UNSET
    index: Update = UNSET
    bid: Update = UNSET
    bid_size: Update = UNSET
    ask: Update = UNSET
    ask_size: Update = UNSET
    previous_24h: Update = UNSET
    change_24h: Update = UNSET
    """Fraction, 0.01 = +1 %."""
    high_24h: Update = UNSET
    low_24h: Update = UNSET
    volume_24h: Update = UNSET
    turnover_24h: Update = UNSET
    open_interest: Update = UNSET
    """Base units, both sides summed, as Bybit gives it."""
    open_interest_value: Update = UNSET
    funding_rate: Update = UNSET
    """Fraction per funding interval."""
    next_funding_ms: Update = UNSET
    funding_interval_h: Update = UNSET


class FundingRate(msgspec.Struct, frozen=True):
    """One settled funding rate (fraction per interval)."""

    event_ms: int
    rate: float


class OpenInterest(msgspec.Struct, frozen=True):
    """Open interest at an instant, base units, both sides summed."""

    event_ms: int
    open_interest: float


class AccountRatio(msgspec.Struct, frozen=True):
    """Share of accounts that are net long and net short; the two add to 1."""

    event_ms: int
    long: float
    short: float
