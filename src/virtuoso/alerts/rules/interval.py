"""Intervals of numbers, and the arithmetic of rules upon them."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import copysign, inf, isinf, isnan


class Never(Exception):
    """An expression has no result, whatever its values are; the message says which."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Numbers from `low` to `high`, both included where finite; none at all where `low` is above `high`."""

    low: float = -inf
    high: float = inf

    def __str__(self) -> str:
        if self.low == self.high:
            return f"{self.low:g}"
        if isinf(self.low):
            return "any number" if isinf(self.high) else f"at most {self.high:g}"
        return f"at least {self.low:g}" if isinf(self.high) else f"{self.low:g} to {self.high:g}"

    def within(self, other: "Interval") -> "Interval":
        """The numbers that are in this and in `other`; none (`low` above `high`) where they do not meet."""
        return Interval(max(self.low, other.low), min(self.high, other.high))

    def __add__(self, other: "Interval") -> "Interval":
        return Interval(self.low + other.low, self.high + other.high)

    def __sub__(self, other: "Interval") -> "Interval":
        return Interval(self.low - other.high, self.high - other.low)

    def __mul__(self, other: "Interval") -> "Interval":
        corners = [_product(a, b) for a in (self.low, self.high) for b in (other.low, other.high)]
        return Interval(min(corners), max(corners))

    def __truediv__(self, other: "Interval") -> "Interval":
        if other.low == other.high == 0:
            raise ZeroDivisionError
        if other.low < 0 < other.high:
            return Interval()
        below = -0.0 if other.high == 0 else other.high
        corners = [_quotient(a, b) for a in (self.low, self.high) for b in (other.low, below)]
        return Interval(min(corners), max(corners))

    def __mod__(self, other: "Interval") -> "Interval":
        """The remainder has the sign of what is divided by, and is smaller than it."""
        if other.low == other.high == 0:
            raise ZeroDivisionError
        return Interval(min(other.low, 0.0), max(other.high, 0.0))

    def __abs__(self) -> "Interval":
        low, high = sorted((abs(self.low), abs(self.high)))
        return Interval(0.0 if self.low <= 0 <= self.high else low, high)


def arithmetic(name: str, sides: Sequence[Interval], text: str) -> Interval:
    """Apply an operator or a function of rules, by the name of its syntax or its own; `text` is how it is written.

    Raises:
        Never: it divides by nothing but zero.
    """
    found = _arithmetic(name, sides, text)
    return Interval() if isnan(found.low) or isnan(found.high) else found


def _arithmetic(name: str, sides: Sequence[Interval], text: str) -> Interval:
    one, *others = sides
    match name:
        case "Add":
            return one + others[0]
        case "Sub":
            return one - others[0]
        case "Mult":
            return one * others[0]
        case "Div" | "Mod":
            try:
                return one / others[0] if name == "Div" else one % others[0]
            except ZeroDivisionError:
                raise Never(f"{text} is never known: it divides by zero") from None
        case "abs":
            return abs(one)
        case "round":
            digits = int(others[0].low) if others else 0
            return Interval(_rounded(one.low, digits), _rounded(one.high, digits))
        case "min":
            return Interval(min(side.low for side in sides), min(side.high for side in sides))
        case _:  # max
            return Interval(max(side.low for side in sides), max(side.high for side in sides))


def _product(one: float, other: float) -> float:
    """0 · ∞ is 0: a bound that is not there times nothing."""
    return 0.0 if 0 in (one, other) else one * other


def _quotient(one: float, other: float) -> float:
    """Of nothing, or by a bound that is not there, it is 0; by a zero, whose sign says from where, it is endless."""
    if one == 0 or isinf(other):
        return 0.0
    return copysign(inf, one) * copysign(1.0, other) if other == 0 else one / other


def _rounded(number: float, digits: int) -> float:
    return number if isinf(number) else float(round(number, digits))
