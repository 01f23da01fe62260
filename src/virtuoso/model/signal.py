"""What analysis says of a symbol at one closed base bar, with the whole tree of reasons."""

from enum import StrEnum

import msgspec

from virtuoso.model.quality import DataQuality
from virtuoso.model.timeframe import Timeframe


class Label(StrEnum):
    """What a reading amounts to."""

    BUY = "BUY"
    SELL = "SELL"
    HOLD = "HOLD"


class ComponentScore(msgspec.Struct, frozen=True, kw_only=True):
    """One signed indicator, on one timeframe (`None` for book and tape).

    `raw` in `unit`; `value` in [-1, 1]; `weight` after redistribution, inside its factor, summing to 1 over what
    is available; `contribution` in score points: over a factor they sum to the factor's score less 50.
    `reason` says why `value` is null.
    """

    name: str
    timeframe: Timeframe | None
    raw: float | None
    unit: str
    value: float | None
    weight: float
    contribution: float
    reason: str | None = None


class ModifierScore(msgspec.Struct, frozen=True, kw_only=True):
    """One unsigned measure in [0, 1] and what it scales."""

    name: str
    timeframe: Timeframe | None
    raw: float | None
    unit: str
    value: float | None
    scales: str
    reason: str | None = None


class FactorScore(msgspec.Struct, frozen=True, kw_only=True):
    """One view of a symbol: `score` is 50·(1+x) in [0, 100], or null with a `reason`.

    `weight` is the configured one, `effective_weight` after redistribution; `contribution` in points of the
    confluence: over the factors they sum to the reading's score less 50.
    """

    name: str
    score: float | None
    weight: float
    effective_weight: float
    contribution: float
    quality: DataQuality
    components: tuple[ComponentScore, ...]
    modifiers: tuple[ModifierScore, ...] = ()
    reason: str | None = None


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """The scores of one symbol at one closed base bar.

    `coverage` is the share of enabled factor weight that had data; `consensus` and `disagreement` in [0, 1];
    `confidence` in [0, 1] = agreement × coverage × data quality; `reasons` say what withheld or weakened it.
    """

    symbol: str
    close_ms: int
    signal: Label
    score: float | None
    confidence: float | None
    coverage: float
    consensus: float | None
    disagreement: float | None
    quality: DataQuality
    factors: tuple[FactorScore, ...]
    reasons: tuple[str, ...] = ()
