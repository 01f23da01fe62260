"""Documents of signals: the label of each symbol now, its changes, and the scores of earlier closes."""

import msgspec

from virtuoso.model.forecast import Claim, ClaimCellItem, Lean
from virtuoso.model.quality import DataQuality, DataSource
from virtuoso.model.signal import Band, Label

FORECAST_FIELDS = frozenset(
    (
        "signal",
        "band",
        "confidence",
        "claim",
        "lean",
        "large_move",
        "large_move_base",
        "cone_1h",
        "move_1h",
        "move_1h_as_large",
        "probability",
    )
)
"""What an item of signals says only while its inputs are fresh; `null` each after that."""


class SignalItem(msgspec.Struct, frozen=True, kw_only=True):
    """One symbol's signal, its pressure, and how much evidence there was."""

    symbol: str
    """The exchange's own name of the instrument, such as `BTCUSDT`."""
    signal: Label | None
    """BUY or SELL while a claim stands: a return beyond costs on that side is likelier than not, and claiming so has
    paid. HOLD where neither is so, and `reasons` say what following the likelier side has earned. `null` where there is
    no fresh reading, and `reasons` say why."""
    confidence: float | None
    """Probability that `signal` turns out right, 0–1: of BUY and SELL, that the return over the claim's horizon goes
    beyond costs on that side; of HOLD, that it does not on the likelier side. `null` where `signal` is, as on
    stale inputs and while nothing can be forecast: `reasons` say why."""
    claim: Claim | None
    """What a BUY or SELL claims; `null` with HOLD, and where there is no signal."""
    lean: Lean | None
    """Which way it leans, only where leaning so was right more often than wrong, beyond chance; else `null`."""
    large_move: float | None
    """Probability of a large move within the next hour, 0–1, as in `forecast` of the symbol; `null` while unknown."""
    large_move_base: float | None
    """How often that was so of this symbol in the last seven days, 0–1; `null` while unknown."""
    cone_1h: tuple[float, float] | None
    """Both ends of the 80 % band of the closing return over the next hour, percent, as in `forecast` of the symbol;
    `null` while unknown."""
    move_1h: float | None
    """The return over the hour that ended at the close `timestamp`, percent; `null` while unknown."""
    move_1h_as_large: float | None
    """How often it moved as far within an hour, or farther, in its last seven days, 0–1: 0.025 is one in forty. `null`
    while unknown."""
    agreement: float | None
    """How far the factors agree and how much stands behind them, 0–1: consensus × (1 − disagreement) × coverage × data
    quality. It is not the chance of a gain. `null` before the first closed bar, and where no factor leans anywhere."""
    price: float | None
    """Price of the last trade, quote units; `null` before the first ticker."""
    tick_size: float | None = None
    """Step of the price, quote units; `null` until the instrument is known."""
    change: float | None
    """Change of the price over the last 24 h as the exchange tells it, percent (1.5 is +1.5 %); `null` before the first
    ticker, and where the contract was multiplied or divided meanwhile."""
    timestamp: str | None
    """Close of the 1m bar that the score was computed from, ISO 8601 in UTC; `null` before the first closed bar."""
    data_quality: DataQuality
    """How fresh it is: the worse of what the score was computed from and of what comes in now."""
    data_source: DataSource | None
    """What the exchange behind it is; `null` until it has answered once."""
    score: float | None
    """Pressure: how one-sided the evidence is now, 0–100, 50 neutral, above it up, below down; it says nothing about
    what follows. The weighted factors over all timeframes at the close `timestamp`; `null` before the first closed bar,
    and while no factor has data."""
    band: Band | None
    """How stretched the score is: `stretched up`, `balanced` or `stretched down`; `null` where `signal` is `null` for
    want of evidence or of fresh data."""
    score_percentile: float | None
    """Share of the symbol's own past that lies below the score, 0–100: of the closes of today (UTC) and the seven days
    before it at which it could have a band. `null` without a band, and with fewer than 240 such closes."""
    past_closes: int | None
    """How many closes that past has; `null` before the first closed bar."""
    past_from_bars: int | None
    """How many of them were scored from bars alone, when the symbol began to be watched; `null` before the first
    closed bar."""
    probability: float | None
    """Probability that the return goes beyond costs on the likelier side, 0–1, by the forecast of this close; `null`
    while unknown."""
    coverage: float | None
    """Share of all enabled evidence, by weight, that had data, 0–1; `null` before the first closed bar."""
    attainable_coverage: float | None
    """Largest `coverage` that this symbol can have the way it is watched, 0–1; `null` before the first closed bar."""
    evidence_class: str
    """How it is watched: `detailed`, with order book and trades, or `plain` (past `universe.detailed`), without."""
    consensus: float | None
    """How far the factors lean to one side, 0–1: 1 where all lean the same way, 0 where they cancel; `null` before the
    first closed bar, and where all are neutral."""
    disagreement: float | None
    """How far the factors lie apart, 0–1: their weighted standard deviation on a scale from −1 to 1; `null` before the
    first closed bar, and while no factor has data."""
    factors: dict[str, float | None]
    """Score of each factor by name, the heaviest first: 0–100, 50 neutral, `null` without data. Empty before the first
    closed bar."""
    reasons: tuple[str, ...]
    """Why something is `null`, or weaker than it could be, in words."""


class TopSignals(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/signals/top`: the signals of the watched symbols, the strongest first."""

    signals: tuple[SignalItem, ...]
    """In the order that `order` states."""
    timestamp: str
    """When it was published, ISO 8601 in UTC; 1970 before the first publication."""
    order: str = ""
    """By what the signals are ordered, in words; empty before the first publication."""
    claims: tuple[ClaimCellItem, ...] = ()
    """What became of claims: every kind that was ever tried; empty before the first closed bar."""
    reason: str | None = None
    """Why nothing is scored yet; `null` once something is."""


class SignalChange(msgspec.Struct, frozen=True, kw_only=True):
    """A BUY or SELL that began or ended, kept for good.

    Those that began without `confidence` and `expires_at` are of an earlier program: changes of the score's band.
    """

    id: str
    """Identity of the change: 32 hex digits that follow from exchange, symbol, close and label."""
    exchange: str
    """Exchange and category by which stored data is kept apart."""
    symbol: str
    """The exchange's own name of the instrument, such as `BTCUSDT`."""
    signal: Label | None
    """The label from this close on; `null` where the old one ended with no other: what it rested on went stale, or the
    symbol is watched no longer."""
    confidence: float | None
    """Probability that it pays, 0–1, of a BUY or SELL that begins; else `null`."""
    expires_at: str | None
    """When it ends at the latest, ISO 8601 in UTC, of a BUY or SELL that begins; else `null`."""
    before: Label | None
    """The label until then; `null` where there was none."""
    timestamp: str
    """Close of the 1m bar at which it changed, ISO 8601 in UTC."""
    score: float | None
    """Score at that close, 0–100, 50 neutral; `null` where it was not scored."""
    agreement: float | None
    """How far the factors agreed at that close, 0–1; `null` where it was not scored."""
    price: float | None
    """Price at that close, quote units; `null` where it was not scored."""
    data_quality: DataQuality
    """How fresh the data was that it was computed from."""
    data_source: DataSource | None
    """What the exchange behind it was; `null` where that was not known."""
    why: tuple[str, ...]
    """The reading behind it in plain sentences; empty where it was not scored."""


class SignalHistory(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/signals`: claims that began or ended, newest first."""

    signals: tuple[SignalChange, ...]
    """The changes of this page, newest first."""
    next: str | None
    """Give it as `cursor` for the page after; `null` at the end."""
    reason: str | None = None
    """Why there is nothing, or something is left out: no database is kept, it does not answer, or rows of its tables
    are damaged; `null` otherwise."""


class ScoreItem(msgspec.Struct, frozen=True, kw_only=True):
    """The scores of one symbol at one close."""

    timestamp: str
    """Close of the 1m bar that it was computed from, ISO 8601 in UTC."""
    band: Band | None
    """How stretched the score was; `null` where that was unknown, and before bands were kept."""
    score: float | None
    """Score, 0–100, 50 neutral; `null` where no factor had data."""
    score_percentile: float | None
    """Share of the symbol's past at that close that lay below the score, 0–100; `null` where it was not known."""
    agreement: float | None
    """How far the factors agreed, 0–1; `null` where no factor leaned anywhere."""
    coverage: float | None
    """Share of all enabled evidence, by weight, that had data, 0–1; `null` where it was not kept."""
    factors: dict[str, float | None]
    """Score of each factor by name: 0–100, 50 neutral, `null` without data."""


class ScoreHistory(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/symbols/{symbol}/scores`: readings as they were at each close."""

    symbol: str
    """The exchange's own name of the instrument, such as `BTCUSDT`."""
    scores: tuple[ScoreItem, ...]
    """One for each scored close, oldest first."""
    reason: str | None = None
    """Why there is nothing: no time series is kept, or it does not answer; `null` otherwise."""
