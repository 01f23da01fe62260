"""Units: a contract that was multiplied or divided by a power of ten, and what a volume is worth at its prices."""

from math import inf, log10
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import numpy as np

_Number = TypeVar("_Number", float, "np.ndarray[Any, np.dtype[np.float64]]")
_ASIDE, _CENT = 0.01, 0.01
_WITHIN = 0.15
"""How far a jump may be from a power of ten, in decades: prices move on while a contract is exchanged.

The greatest real step from one minute's close to the next one's open in the data that this was measured on (19 May
2021, the falls of February 2023 and 2025, May 2025) is 0.017 decades; the least that counts here is 0.85.
"""


def unit_jump(before: float, after: float) -> int:
    """The power of ten, if any but 0, by which a contract was changed between two of its values in a row."""
    if before and 0.5 < after / before < 2.0:
        return 0  # nearly all: no power of ten is near
    if not (0 < before < inf and 0 < after < inf):
        return 0
    decades = log10(after / before)
    n = round(decades)
    return n if abs(decades - n) <= _WITHIN else 0


def multiplied(n: int) -> str:
    """How a contract was changed to 10ⁿ times its value, for people."""
    return f"multiplied by {10**n:,}" if n > 0 else f"divided by {10**-n:,}"


def turnover_bounds(low: _Number, high: _Number, volume: _Number) -> tuple[_Number, _Number]:
    """Least and greatest turnover (quote units) of a volume (base units) that changed hands from `low` to `high`.

    1 % more or less is allowed, as volumes are rounded, and a hundredth of the quote currency, as some exchanges round
    a turnover to cents. Of 600,000 real bars none goes beyond volume times prices by more than floats are off.
    """
    return (1 - _ASIDE) * low * volume - _CENT, (1 + _ASIDE) * high * volume + _CENT
