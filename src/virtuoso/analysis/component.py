"""What a factor is made of: components, modifiers and their maps."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

import numpy as np

from virtuoso.analysis.block import Indicator, Memory
from virtuoso.analysis.gains import Gain
from virtuoso.market.panel import Floats

Build = Callable[[Memory], Indicator[Any]]


class Mirror(StrEnum):
    """How the market is mirrored so that a component exactly changes its sign."""

    DIFFERENCE = "p → 2K − p"
    RATIO = "p → K²/p"
    SIDES = "book and taker sides exchanged"


class Feed(StrEnum):
    """What a factor is computed from."""

    BARS = "bars"
    BOOK = "book"


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A signed indicator: value = tanh((raw − center)/scale), continuous, monotone and odd about `center`.

    `ready`: bars after which the start weighs < 1e-3 (`null` before); `exact`: bars after which it weighs < 1e-9.
    """

    name: str
    unit: str
    build: Build
    ready: int
    exact: int
    scale: float
    center: float = 0.0
    weight: float = 1.0
    mirror: Mirror = Mirror.DIFFERENCE
    undefined: str = "the price has not moved"
    """Why it has no value although enough whole bars were seen."""
    tape: bool = False
    """Whether it needs taker sides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Modifier:
    """An unsigned measure, brought to [0, 1] by `map`, that multiplies the component named by `scales`.

    With `scales` empty it multiplies all of the factor. Where it is missing it leaves what it scales alone.
    """

    name: str
    unit: str
    build: Build
    ready: int
    exact: int
    map: Callable[[Floats], Floats]
    scales: str = ""
    undefined: str = "the price has not moved"


Measure: TypeAlias = Component | Modifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """One view of a symbol: its components, modifiers, weight in the confluence and gain."""

    name: str
    weight: float
    feed: Feed
    components: tuple[Component, ...]
    modifiers: tuple[Modifier, ...]
    gain: Gain


def saturating(scale: float) -> Callable[[Floats], Floats]:
    """tanh(raw/scale): [0, ∞) → [0, 1), rising."""

    def apply(raw: Floats) -> Floats:
        return np.tanh(raw / scale)

    return apply
