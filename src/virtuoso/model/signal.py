"""What analysis says of a symbol at one closed base bar, with the whole tree of reasons."""

from enum import StrEnum

import msgspec

from virtuoso.model.forecast import Claim, Forecast, Lean
from virtuoso.model.quality import DataQuality
from virtuoso.model.timeframe import Timeframe


class Band(StrEnum):
    """How stretched the pressure is: how one-sided the evidence is now, which says nothing about what follows."""

    DOWN = "stretched down"
    """The score is low: 30 or less by default, left above 35."""
    BALANCED = "balanced"
    """A finding, too: there is evidence enough, and it leans nowhere far."""
    UP = "stretched up"
    """The score is high: 70 or more by default, left below 65."""


class Label(StrEnum):
    """What may be claimed of what follows."""

    BUY = "BUY"
    """A rise beyond costs is likelier than not, and claiming so has paid."""
    SELL = "SELL"
    """A fall beyond costs is likelier than not, and claiming so has paid."""
    HOLD = "HOLD"
    """A finding, too: neither side is likely to pay, or claiming so has not paid."""


class ComponentScore(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One signed indicator, on one timeframe."""

    name: str
    """Name of the indicator; `docs/methodology.md` has the formula of each."""
    timeframe: Timeframe | None
    """Length of the bars it is computed from; `null` for book, tape and sentiment, which have none."""
    raw: float | None
    """What was measured, in `unit`; `null` with a `reason`."""
    unit: str
    """Unit of `raw`, such as `bp`, `share` or `ATR`."""
    value: float | None
    """What it says after its modifiers, −1 (down) to 1 (up), 0 neutral; `null` with a `reason`."""
    score: float | None
    """The same as 0–100, 50 neutral: 50·(1 + value); `null` with a `reason`."""
    weight: float
    """Share of its factor that it makes, 0–1, sum 1 over what is available; 0 without a value."""
    contribution: float
    """What it adds to its factor's score, score points: over a factor they sum to the score less 50."""
    time: str | None
    """Close of the bar it was computed from, ISO 8601 in UTC; `null` where that bar is missing."""
    quality: DataQuality
    """How fresh its feed was."""
    reason: str | None = None
    """Why `value` is `null`, such as that bars are missing or too few; `null` where it is known."""


class ModifierScore(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One unsigned measure, and what it makes weaker."""

    name: str
    """Name of the measure; `docs/methodology.md` has the formula of each."""
    timeframe: Timeframe | None
    """Length of the bars it is computed from; `null` for book, tape and sentiment, which have none."""
    raw: float | None
    """What was measured, in `unit`; `null` with a `reason`."""
    unit: str
    """Unit of `raw`, such as `bp`, `share` or `ratio`."""
    value: float | None
    """What is left of what it scales, 0 (nothing) to 1 (all); `null` with a `reason`, and then all is left."""
    scales: str
    """The component that it scales, or the factor as a whole, or `agreement`."""
    reason: str | None = None
    """Why `value` is `null`; `null` where it is known."""


class FactorScore(msgspec.Struct, frozen=True, kw_only=True):
    """One view of a symbol, made of its components."""

    name: str
    """Name of the factor, as in `analysis.factors` of the configuration."""
    score: float | None
    """Where this view leans, 0–100, 50 neutral; `null` with a `reason`."""
    weight: float
    """Weight as configured, a ratio to those of the other factors."""
    effective_weight: float
    """Share of the score that it makes, 0–1, sum 1 over the factors that have data; 0 without a score."""
    contribution: float
    """What it adds to the symbol's score, score points: over the factors they sum to the score less 50."""
    quality: DataQuality
    """How fresh its data was."""
    components: tuple[ComponentScore, ...]
    """The indicators it is made of, one for each timeframe, shortest first."""
    modifiers: tuple[ModifierScore, ...] = ()
    """The measures that make components, the factor or the agreement weaker."""
    reason: str | None = None
    """Why there is no score; `null` where there is one."""


class TimeframeScore(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the factors of bars would make of one timeframe alone."""

    timeframe: Timeframe
    """Length of the bars."""
    weight: float
    """Share of the timeframe in the factors of bars, 0–1, sum 1."""
    score: float | None
    """Where this timeframe alone leans, 0–100, 50 neutral; `null` without data."""


class Counterfactual(msgspec.Struct, frozen=True, kw_only=True):
    """The nearest change of one component alone that would give another band, verified by recomputing the score."""

    would_be: Band
    """The band that would follow."""
    factor: str
    """Name of the factor whose component would change."""
    component: str
    """Name of the component that would change."""
    timeframe: Timeframe | None
    """Length of the bars of that component; `null` for book, tape and sentiment, which have none."""
    unit: str
    """Unit of `raw` and `needed`, such as `bp` or `share`."""
    raw: float
    """What was measured, in `unit`."""
    needed: float
    """What it would have to be, in `unit`."""
    score: float
    """The score that would follow, 0–100, 50 neutral."""


class Slippage(msgspec.Struct, frozen=True, kw_only=True):
    """Cost of taking `size` at once from the book as it was at the close."""

    size: float
    """Value that would be traded, quote units, as configured."""
    buy_bp: float | None
    """How far above the mid a buy would be filled on average, bp; `null` with a `reason`."""
    sell_bp: float | None
    """How far below the mid a sale would be filled on average, bp; `null` with a `reason`."""
    reason: str | None = None
    """Why a cost is `null`: no book was seen, or its ten best levels hold less; else `null`."""


class EntryChances(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How likely an entry's stop or its first target is touched first, and what that comes to.

    It is context for who enters anyway, and no recommendation: `signal` alone says what is likely to pay.
    """

    horizon_min: int | None
    """How far ahead, minutes: the horizon of signals; `null` where nothing is forecast."""
    stop_first: float | None
    """Probability, 0–1, that the stop is touched within the horizon, and before the first target; `null` with a
    `reason`."""
    target_first: float | None
    """Probability, 0–1, that the first target is touched within the horizon, and before the stop; `null` with a
    `reason`."""
    levels_bp: float | None
    """What both bring on average before costs, bp: P(target first) · gain − P(stop first) · loss, as shares of all
    entries; `null` with a `reason`."""
    net_bp: float | None
    """Mean result of all after costs, bp; what touches neither is closed at the horizon. The price is taken to have no
    drift, so the rest brings what the levels take, and minus the cost remains: no stop and no target earns by itself.
    `null` with a `reason`."""
    reason: str | None = None
    """Why something is `null`: a stop, a forecast or the cost is missing; else `null`."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What an entry at the last close would mean, in the direction that the signal or else the score leans to."""

    side: str
    """`long` where it leans up, `short` where it leans down."""
    price: float | None
    """Close of the 1m bar that the score was computed from, quote units; `null` where that is not known."""
    timeframe: Timeframe
    """Length of the bars that ATR and swings are read from: the analysed one nearest to 30m."""
    atr: float | None
    """Average true range (Wilder, 14 bars of `timeframe`), quote units; `null` with a `reason`."""
    stop: float | None
    """Where to give up, quote units: beyond the last confirmed swing where that is near, else 1.5 ATR away; `null` with
    a `reason`."""
    invalidation: float | None
    """Price at which the idea is wrong, quote units: the swing itself, or the stop; `null` with a `reason`."""
    targets: tuple[float, ...]
    """Where to take profit, quote units, the nearest first: the swing ahead where it is near, and twice the risk; empty
    with a `reason`."""
    reward_risk: float | None
    """Ratio of what is to be won up to the first target to what is risked down to the stop; `null` with a `reason`."""
    basis: str | None
    """What the stop goes by: `swing low`, `swing high` or `1.5 ATR`; `null` with a `reason`."""
    slippage: Slippage
    """What the book would charge for it."""
    chances: EntryChances
    """How likely stop or target comes first. It stands beside any reading, HOLD too, and recommends none."""
    reason: str | None = None
    """Why the levels are `null`: there is no ATR yet; else `null`."""


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """The scores of one symbol at one closed base bar.

    `band` and `signal` are `None` where there is none: `reasons` say why. `score_percentile` in [0, 100] says how much
    of the symbol's own past lies below the score, `None` without a band or with too short a past: `past_closes` earlier
    closes, of which `past_from_bars` were scored from bars alone when it began to be watched. `coverage`
    is the share of enabled factor weight that had data, `attainable` the largest that a symbol of this
    `evidence_class` can have; `consensus` and `disagreement` in [0, 1];
    `agreement` in [0, 1] = consensus × (1 − disagreement) × coverage × data quality; `reasons` say what withheld or
    weakened it.
    `alignment` in [0, 1] is how far the `timeframes` agree. `why` says it in plain sentences; `input_hash` names
    everything the score was computed from.
    """

    symbol: str
    close_ms: int
    band: Band | None
    signal: Label | None
    confidence: float | None
    claim: Claim | None
    lean: Lean | None
    forecast: Forecast | None
    score: float | None
    score_percentile: float | None
    past_closes: int
    past_from_bars: int
    agreement: float | None
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


class Statement(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What was said of a symbol at a close, in the few values by which it is known again.

    Attributes:
        symbol: of which.
        score: 0–100; `None` for unknown.
        band: of the pressure; `None` for unknown.
        label: BUY, SELL or HOLD; `None` for unknown.
        confidence: of the label, a probability; `None` where it has none.
        fit: the version of the fit that forecast; `None` where nothing was forecast.
        forecast: a hash of all its horizons; `None` where nothing was forecast.
        chances: of the nearest horizon the volatility (percent), and the probabilities beyond costs up and down.
        input_hash: names everything the score was computed from.
    """

    symbol: str
    score: float | None
    band: str | None
    label: str | None
    confidence: float | None
    fit: str | None
    forecast: str | None
    chances: tuple[float | None, float | None, float | None]
    input_hash: str
