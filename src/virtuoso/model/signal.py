"""What analysis says of a symbol at one closed base bar, with the whole tree of reasons."""

from enum import StrEnum

import msgspec

from virtuoso.model.quality import DataQuality
from virtuoso.model.timeframe import Timeframe


class Label(StrEnum):
    """What a reading amounts to. HOLD is a finding: there is evidence enough, and it leans nowhere far enough."""

    BUY = "BUY"
    SELL = "SELL"
    HOLD = "HOLD"


class ComponentScore(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One signed indicator, on one timeframe (`None` for book, tape and sentiment).

    `raw` in `unit`; `value` in [-1, 1] after its modifiers, `score` = 50·(1 + value); `weight` after redistribution,
    inside its factor, summing to 1 over what is available; `contribution` in score points: over a factor they sum to
    the factor's score less 50. `time` is the close of the bar it was computed from, `quality` that of its feed.
    `reason` says why `value` is null.
    """

    name: str
    timeframe: Timeframe | None
    raw: float | None
    unit: str
    value: float | None
    score: float | None
    weight: float
    contribution: float
    time: str | None
    quality: DataQuality
    reason: str | None = None


class ModifierScore(msgspec.Struct, frozen=True, kw_only=True, gc=False):
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


class TimeframeScore(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the factors of bars would make of one timeframe alone: `score` in [0, 100], `null` without data."""

    timeframe: Timeframe
    weight: float
    score: float | None


class Counterfactual(msgspec.Struct, frozen=True, kw_only=True):
    """The nearest change of one component alone that would give another label, verified by recomputing the score.

    `raw` is what it is, `needed` what it would have to be, in `unit`; `score` the score that would follow.
    """

    label: Label
    factor: str
    component: str
    timeframe: Timeframe | None
    unit: str
    raw: float
    needed: float
    score: float


class Slippage(msgspec.Struct, frozen=True, kw_only=True):
    """Cost of taking `size` quote units from the book at the cut, in bp of the mid; `null` with a `reason`."""

    size: float
    buy_bp: float | None
    sell_bp: float | None
    reason: str | None = None


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What an entry at `price` in the direction that the score leans to would mean; prices in quote units.

    `stop` lies beyond the last confirmed swing where that is near, else 1.5 ATR away (`basis` says which);
    `invalidation` is the price at which the idea is wrong; `reward_risk` = (first target − price)/(price − stop).
    `null` with a `reason` where it is unknown.
    """

    side: str
    price: float | None
    timeframe: Timeframe
    atr: float | None
    stop: float | None
    invalidation: float | None
    targets: tuple[float, ...]
    reward_risk: float | None
    basis: str | None
    slippage: Slippage
    reason: str | None = None


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """The scores of one symbol at one closed base bar.

    `signal` is `None` where there is no label: `reasons` say why. `score_percentile` in [0, 100] says how much of the
    symbol's own past lies below the score, `None` without a label or with too short a past: `past_closes` earlier
    closes, of which `past_from_bars` were scored from bars alone when it began to be watched. `coverage`
    is the share of enabled factor weight that had data, `attainable` the largest that a symbol of this
    `evidence_class` can have; `consensus` and `disagreement` in [0, 1];
    `confidence` in [0, 1] = agreement × coverage × data quality; `reasons` say what withheld or weakened it.
    `alignment` in [0, 1] is how far the `timeframes` agree. `why` says it in plain sentences; `input_hash` names
    everything the score was computed from.
    """

    symbol: str
    close_ms: int
    signal: Label | None
    score: float | None
    score_percentile: float | None
    past_closes: int
    past_from_bars: int
    confidence: float | None
    coverage: float
    attainable: float
    evidence_class: str
    consensus: float | None
    disagreement: float | None
    quality: DataQuality
    factors: tuple[FactorScore, ...]
    timeframes: tuple[TimeframeScore, ...]
    alignment: float | None
    counterfactual: Counterfactual | None
    entry: Entry
    why: tuple[str, ...]
    input_hash: str
    reasons: tuple[str, ...] = ()
