"""Prices in another unit: a contract that was multiplied or divided by a power of ten."""

from math import inf, log10

_WITHIN = 0.15
"""How far a jump may be from a power of ten, in decades: prices move on while a contract is exchanged.

The greatest real step from one minute's close to the next one's open in the data that this was measured on (19 May
2021, the falls of February 2023 and 2025, May 2025) is 0.017 decades; the least that counts here is 0.85.
"""


def unit_jump(before: float, after: float) -> int:
    """The power of ten, if any but 0, by which a contract was changed between two of its values in a row."""
    if not (0 < before < inf and 0 < after < inf):
        return 0
    decades = log10(after / before)
    n = round(decades)
    return n if abs(decades - n) <= _WITHIN else 0


def multiplied(n: int) -> str:
    """How a contract was changed to 10ⁿ times its value, for people."""
    return f"multiplied by {10**n:,}" if n > 0 else f"divided by {10**-n:,}"
