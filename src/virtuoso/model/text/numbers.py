"""Write numbers as people read them: prices by their tick, sizes by their lot, amounts with their currency.

Every text that the program makes (API, alerts, templates, terminal, charts) has its numbers from here, so a price reads
alike everywhere. None has an exponent, none above 1e-15 reads as zero, none is longer than forty characters.
"""

from decimal import Decimal
from functools import lru_cache
from math import floor, log10
from typing import TypeGuard

import msgspec

UNKNOWN = "—"
_DIGITS = 15
"""Decimal digits that a double holds whatever they are."""
_ASIDE = 5e-6
"""What a text may leave of a price that lies between two ticks, as a fraction of it: a mean of several trades."""
_AMOUNT_DIGITS = 4
_NOISE, _MOST = 1e-15, 1e18
"""What is less is what sums of doubles leave of zero; what is more is nothing that is traded."""


class Denomination(msgspec.Struct, frozen=True):
    """What numbers of one instrument are counted in; `None` where it is not known.

    `tick_size` and `lot_size` are the steps of its prices (quote units) and sizes (base units), `quote` and `base` the
    currencies.
    """

    tick_size: float | None = None
    lot_size: float | None = None
    quote: str | None = None
    base: str | None = None

    def price(self, value: float | None) -> str:
        """A price in quote units, without its currency: `65,114.20`."""
        return price_text(value, self.tick_size)

    def amount(self, value: float | None) -> str:
        """An amount in quote units, with its currency: `1,204,511 USDT`."""
        return amount_text(value, self.quote)

    def size(self, value: float | None) -> str:
        """A size in base units, with its currency: `0.125 BTC`."""
        return f"{price_text(value, self.lot_size)} {self.base}" if self.base else price_text(value, self.lot_size)


PLAIN = Denomination()
"""Of an instrument of which nothing is known."""


def price_text(price: float | None, tick_size: float | None = None) -> str:
    """A price to its tick's decimals; between ticks, and without a tick, with as many more as it needs.

    Distinct multiples of a tick read differently, up to the fifteen digits that a double holds.
    """
    if price is None or not abs(price) < _MOST:
        return UNKNOWN
    if abs(price) < _NOISE:
        return f"{0.0:.{_decimals(tick_size) if _is_step(tick_size) else 0}f}"
    most = max(0, _DIGITS - 1 - floor(log10(abs(price))))
    if not _is_step(tick_size):
        return f"{price:,.{min(most, _decimals(float(f'{price:.{_DIGITS}g}')))}f}"
    decimals = min(most, _decimals(tick_size))
    while decimals < most and abs(round(price, decimals) - price) > _ASIDE * abs(price):
        decimals += 1
    return f"{price:,.{decimals}f}"


def amount_text(amount: float | None, currency: str | None) -> str:
    """An amount with its currency: whole from 1,000 on, below with four digits that say something and two decimals."""
    if amount is None or not abs(amount) < _MOST:
        return UNKNOWN
    size = abs(amount)
    decimals = 0 if size >= 999.5 else 2 if size >= 10.0 or size < _NOISE else _AMOUNT_DIGITS - 1 - floor(log10(size))
    return f"{amount:,.{decimals}f} {currency or 'quote units'}"


def number_text(value: float | None, digits: int = 6) -> str:
    """Any other number to `digits` significant digits, without zeros at the end of its decimals."""
    if value is None or not abs(value) < _MOST:
        return UNKNOWN
    if abs(value) < _NOISE:
        return "0"
    rounded = float(f"{value:.{digits}g}")
    return f"{value:,.0f}" if abs(value) >= 10.0**digits else f"{rounded:,.{_decimals(rounded)}f}"


def counted(count: int, noun: str) -> str:
    """How many of something there are: `1 rule`, `1,200 rules`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _is_step(step: float | None) -> TypeGuard[float]:
    return step is not None and _NOISE <= step < _MOST


@lru_cache(4_096)
def _decimals(value: float) -> int:
    """Digits behind the point of the shortest text that is this number."""
    exponent = Decimal(repr(value)).normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
