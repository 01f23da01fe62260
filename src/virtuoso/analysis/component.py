"""What a factor is made of: components, modifiers and their maps."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

import numpy as np

from virtuoso.analysis.block import Indicator, Memory
from virtuoso.analysis.gains import Gain
from virtuoso.market.panel import Floats
from virtuoso.model.evidence import Evidence

Build = Callable[[Memory], Indicator[Any]]


class Mirror(StrEnum):
    """How the market is mirrored so that a component exactly changes its sign."""

    DIFFERENCE = "p → 2K − p"
    RATIO = "p → K²/p"
    SIDES = "book and taker sides exchanged"


class Feed(StrEnum):
    """What a factor is computed from."""

    BARS = "bars"
    """Closed bars of every timeframe."""
    TAPE = "tape"
    """Closed base bars and the trades in them."""
    TICKER = "ticker"
    """Closed base bars and what tickers and polls last said."""
    BOOK = "book"
    """The book over each base bar."""

    @property
    def kept(self) -> bool:
        """Whether what was seen stays true however stale the feed: a closed bar and a proven tape do."""
        return self in {Feed.BARS, Feed.TAPE}


UNBOUNDED = (-np.inf, np.inf)
SHARE = (-1.0, 1.0)
AGREEMENT = "agreement"
"""What a modifier scales that weighs on the reading's agreement instead of on a component."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A signed indicator: value = tanh(d/scale), continuous, monotone and odd about `center`.

    d = raw − center, less `dead` on either side. A negative `scale` reads the measure against the crowd. `limits` are
    the ends of its natural range. `ready`: bars after which the start weighs < 1e-3 (`null` before); `exact`: bars
    after which it weighs < 1e-9.
    """

    name: str
    unit: str
    build: Build
    ready: int
    exact: int
    scale: float
    center: float = 0.0
    dead: float = 0.0
    limits: tuple[float, float] = UNBOUNDED
    weight: float = 1.0
    mirror: Mirror = Mirror.DIFFERENCE
    undefined: str = "the price has not moved"
    """Why it has no value although enough whole bars were seen."""
    needs: Evidence = Evidence.BARS
    """Kinds of evidence without any of which it has no value."""

    @property
    def tape(self) -> bool:
        """Whether the component needs to know the taker's side of trades."""
        return bool(self.needs & Evidence.SIDES)

    def value(self, raw: Floats) -> Floats:
        """The map, from raw values to [-1, 1]."""
        return mapped(raw, self.center, self.dead, self.scale)

    def needed(self, value: Floats) -> Floats:
        """The raw values that map to `value` in (-1, 1)."""
        d = self.scale * np.arctanh(value)
        return self.center + d + np.sign(d) * self.dead


@dataclass(frozen=True, slots=True, kw_only=True)
class Modifier:
    """An unsigned measure, brought to [0, 1] by `map`, that multiplies the component named by `scales`.

    With `scales` empty it multiplies all of the factor, with "agreement" the agreement of the reading. Where it is
    missing it leaves what it scales alone.
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


def mapped(raw: Floats, center: Floats | float, dead: Floats | float, scale: Floats | float) -> Floats:
    """tanh(d/scale), d = raw − center less `dead` on either side."""
    d = raw - center
    if np.any(dead):
        d = np.sign(d) * np.maximum(np.abs(d) - dead, 0.0)
    out: Floats = np.tanh(d / scale)
    return out


def saturating(scale: float) -> Callable[[Floats], Floats]:
    """tanh(raw/scale): [0, ∞) → [0, 1), rising."""

    def apply(raw: Floats) -> Floats:
        return np.tanh(raw / scale)

    return apply
