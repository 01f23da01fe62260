"""What a bar must fulfil to be one, and what is another unit rather than another price. Each has one reason a kind."""

from collections.abc import Sequence
from math import inf, isnan

from virtuoso.model.market import Bar
from virtuoso.model.units import turnover_bounds, unit_jump

BEFORE, STAYS = 3, 5
"""Bars before and after a jump that must be nearer to the old and to the new unit, as far as they are there: a single
bar in another unit is a wrong bar."""
MISVALUED = "turnover: not its volume at its prices"


def implausible(bar: Bar) -> str | None:
    """What of a bar cannot be, as "field: reason"; `None` of a possible one: that is found out first, and at once."""
    low, high, turnover = bar.low, bar.high, bar.turnover
    if (
        0 < low <= bar.open <= high < inf
        and low <= bar.close <= high
        and 0 <= bar.volume < inf
        and (0 <= turnover < inf or isnan(turnover))
    ):
        return None
    for name in ("open", "high", "low", "close"):
        if not 0 < getattr(bar, name) < inf:
            return f"{name}: not a positive number"
    if high < max(bar.open, bar.close):
        return "high: below open or close"
    if low > min(bar.open, bar.close):
        return "low: above open or close"
    if not 0 <= bar.volume < inf:
        return "volume: negative or not finite"
    return "turnover: negative or not finite"


def misvalued(bar: Bar) -> str | None:
    """What contradicts that the bar's volume changed hands at its prices, as "field: reason"; `None`: nothing does.

    Volume is in base units and turnover in quote units. One that is not known contradicts nothing.
    """
    least, most = turnover_bounds(bar.low, bar.high, bar.volume)
    return None if isnan(bar.turnover) or least <= bar.turnover <= most else MISVALUED


def seam_at(bars: Sequence[Bar], i: int, *, within: bool = False) -> int:
    """The power of ten by which the unit changed before bar `i`, or (`within`) while it ran; 0 where it did not."""
    n = unit_jump(bars[i - 1].close, bars[i].close if within else bars[i].open)
    if not n:
        return 0
    middle = bars[i].close * 10.0 ** (-n / 2)
    was = all((bar.close > middle) is (n < 0) for bar in bars[max(0, i - BEFORE) : i])
    stays = all((bar.close > middle) is (n > 0) for bar in bars[i : i + STAYS])
    return n if was and stays else 0


def last_seam(bars: Sequence[Bar], *, within: bool = False) -> tuple[int, int] | None:
    """Where the last change of unit in `bars` is: the index of the first bar of the new one, and the power of ten.

    `within` also takes one that happened while a bar ran, as it does in bars of higher timeframes.
    """
    for i in range(len(bars) - 1, 0, -1):
        before, after = bars[i - 1].close, bars[i].close if within else bars[i].open
        if unit_jump(before, after) and (n := seam_at(bars, i, within=within)):
            mixed = within and not unit_jump(bars[i - 1].close, bars[i].open)
            return i + mixed, n
    return None
