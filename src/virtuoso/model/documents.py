"""Published documents: one struct each, encoded once, served as bytes; the schema of the HTTP API.

Prices in quote units; `change` is the 24 h change in percent; scores 0–100; confidence, coverage and probabilities
in [0, 1]; times ISO 8601 in UTC. `null` means unknown, and `reasons` (or `reason`) says why.
"""

from typing import Any

import msgspec

from virtuoso.model.alerts.documents import Alert
from virtuoso.model.feed_kind import FeedKind
from virtuoso.model.quality import DataQuality, DataSource
from virtuoso.model.signal import Counterfactual, Entry, FactorScore, Label, TimeframeScore


class SignalRow(msgspec.Struct, frozen=True, kw_only=True):
    """One symbol's signal. `timestamp` is the close of the bar it was computed from.

    `signal` is `null` where there is no label, and `reasons` say why: it was not scored yet or not lately, with too
    little evidence, or on data that is stale by now. `coverage` is the share of all enabled evidence that had data,
    `attainable_coverage` the largest that it can be: a symbol of the `evidence_class` `plain` (past
    `universe.detailed`) has neither book nor trades, one of the class `detailed` has them.

    `score_percentile` in [0, 100] is the share of the symbol's own past that lies below the score: of the closes of
    today (UTC) and the seven days before it at which it could have a label. It is `null` without a label, and with
    fewer than 240 such closes. `past_closes` says how many there are, and `past_from_bars` how many of them were scored
    from bars alone when the symbol began to be watched.
    """

    symbol: str
    signal: Label | None
    confidence: float | None
    price: float | None
    change: float | None
    timestamp: str | None
    data_quality: DataQuality
    data_source: DataSource | None
    score: float | None
    score_percentile: float | None
    past_closes: int | None
    past_from_bars: int | None
    probability: float | None
    coverage: float | None
    attainable_coverage: float | None
    evidence_class: str
    consensus: float | None
    disagreement: float | None
    factors: dict[str, float | None]
    reasons: tuple[str, ...]


class TopSignals(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/signals/top`: ordered by |score − 50| · confidence; those without a label have no rank and come last."""

    signals: tuple[SignalRow, ...]
    timestamp: str
    reason: str | None = None


class Breadth(msgspec.Struct, frozen=True, kw_only=True):
    """How many symbols rose, fell or did neither (within ±0.1 %) over 24 h."""

    advancing: int
    declining: int
    neutral: int
    total: int


class MarketOverview(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/market/overview`. Volatilities in % a day; `total_volume` is the 24 h turnover in quote units.

    `above_ema50_pct`: share of symbols (%) above the EMA-50 of the regime's timeframe; `new_highs_24h`, `new_lows_24h`:
    how many made their extreme of 24 h within the last hour; `dispersion`: standard deviation over symbols of the 24 h
    changes (%), `dispersion_robust` the same from their median deviation; `avg_correlation_btc` in [-1, 1]: mean
    correlation with BTC of 48 log returns.
    """

    status: str
    timestamp: str
    regime: str | None
    trend_strength: float | None
    volatility: float | None
    avg_volatility: float | None
    btc_dominance: float | None
    total_volume: float | None
    market_sentiment: str | None
    momentum_score: float | None
    btc_price: float | None
    eth_price: float | None
    avg_market_change: float | None
    above_ema50_pct: float | None
    new_highs_24h: int | None
    new_lows_24h: int | None
    dispersion: float | None
    dispersion_robust: float | None
    avg_correlation_btc: float | None
    breadth: Breadth
    data_quality: DataQuality
    data_source: DataSource | None
    reasons: dict[str, str]


class Mover(msgspec.Struct, frozen=True, kw_only=True):
    """A symbol by its 24 h change (%)."""

    symbol: str
    change: float
    price: float


class DashboardMarket(msgspec.Struct, frozen=True, kw_only=True):
    """The market in the dashboard document; the regime in title case."""

    market_regime: str | None
    btc_price: float | None
    btc_change: float | None
    data_quality: DataQuality


class SystemStatus(msgspec.Struct, frozen=True, kw_only=True):
    """`online` while all is healthy (see `/health`), else `starting` or `degraded`."""

    status: str
    last_update: str
    data_source: DataSource | None


class Dashboard(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/dashboard/data`: what a page needs at first sight."""

    market_overview: DashboardMarket
    top_movers: tuple[Mover, ...]
    alerts: tuple[Alert, ...]
    system_status: SystemStatus
    signals: tuple[SignalRow, ...]


class SymbolRow(msgspec.Struct, frozen=True, kw_only=True):
    """One watched symbol's ticker. `spread_bp` in basis points, `funding_rate` in % per interval.

    `evidence_class` is `detailed`, or `plain` (past `universe.detailed`): without book and trades. `reason` says why
    something of it is unknown or began anew; `None` while nothing is.
    """

    symbol: str
    name: str
    price: float | None
    change: float | None
    bid: float | None
    ask: float | None
    spread_bp: float | None
    mark_price: float | None
    index_price: float | None
    turnover_24h: float | None
    open_interest: float | None
    funding_rate: float | None
    next_funding: str | None
    long_account_ratio: float | None
    updated_at: str | None
    evidence_class: str
    data_quality: DataQuality
    data_source: DataSource | None
    reason: str | None = None


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """A symbol that is not watched, and why."""

    symbol: str
    reason: str


class SymbolList(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/symbols`: the universe, by turnover, and every instrument left out."""

    symbols: tuple[SymbolRow, ...]
    left_out: tuple[LeftOut, ...]
    timestamp: str


class RegimeRow(msgspec.Struct, frozen=True, kw_only=True):
    """A regime with its probabilities (sum 1); `trend_strength` (ADX) and `momentum` 0–100, volatilities % a day.

    `regime` is the one that is held, not always the likeliest; `since` is the close at which it was entered.
    """

    symbol: str
    regime: str | None
    since: str | None
    probabilities: dict[str, float] | None
    trend_strength: float | None
    momentum: float | None
    volatility: float | None
    avg_volatility: float | None
    reason: str | None


class RegimeTransition(msgspec.Struct, frozen=True, kw_only=True):
    """A change of regime at a base close; `symbol` is `null` for the market's."""

    symbol: str | None
    before: str = msgspec.field(name="from")
    after: str = msgspec.field(name="to")
    at: str


class RegimeDocument(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/regime`: the market's regime and each symbol's, and the latest transitions, newest first."""

    timestamp: str
    market: str | None
    since: str | None
    probabilities: dict[str, float] | None
    reason: str | None
    symbols: tuple[RegimeRow, ...]
    transitions: tuple[RegimeTransition, ...]


class SymbolDetail(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/symbols/{symbol}`: the ticker, the signal, its regime and the whole tree of reasons.

    `why` says the reading in plain sentences; `timeframes` are the scores of each alone, and `alignment` in [0, 1] how
    far they agree; `counterfactual` the nearest change of one component that would change the label; `entry` what an
    entry would mean; `input_hash` names everything that the score was computed from.
    """

    ticker: SymbolRow
    signal: SignalRow
    regime: RegimeRow | None
    why: tuple[str, ...]
    factors: tuple[FactorScore, ...]
    timeframes: tuple[TimeframeScore, ...]
    alignment: float | None
    counterfactual: Counterfactual | None
    entry: Entry | None
    input_hash: str | None
    liquidations: int
    timestamp: str


class BarRow(msgspec.Struct, frozen=True, kw_only=True):
    """One closed bar; `turnover` in quote units."""

    open_time: str
    open: float
    high: float
    low: float
    close: float
    volume: float
    turnover: float | None


class Bars(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/symbols/{symbol}/bars`: closed bars, oldest first."""

    symbol: str
    timeframe: str
    bars: tuple[BarRow, ...]
    reason: str | None = None


class SignalChange(msgspec.Struct, frozen=True, kw_only=True):
    """A BUY or SELL that began or ended at the close `timestamp`, kept for good; `why` says the reading behind it.

    `signal` is what the label became, `before` what it was; `null` is no label: nothing was scored yet, or its data was
    missing for minutes.
    """

    id: str
    exchange: str
    symbol: str
    signal: Label | None
    before: Label | None
    timestamp: str
    score: float | None
    confidence: float | None
    price: float | None
    data_quality: DataQuality
    data_source: DataSource | None
    why: tuple[str, ...]


class SignalHistory(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/signals`: changes of label, newest first; `next` is the cursor of the page after, `null` at the end."""

    signals: tuple[SignalChange, ...]
    next: str | None
    reason: str | None = None


class ScoreRow(msgspec.Struct, frozen=True, kw_only=True):
    """The scores of one close, `factors` by name (0–100).

    `score_percentile` is the share of the symbol's past at that close that lay below the score (0–100).
    """

    timestamp: str
    signal: Label | None
    score: float | None
    score_percentile: float | None
    confidence: float | None
    coverage: float | None
    factors: dict[str, float | None]


class ScoreHistory(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/symbols/{symbol}/scores`: readings as they were, oldest first."""

    symbol: str
    scores: tuple[ScoreRow, ...]
    reason: str | None = None


class Book(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/symbols/{symbol}/book`: the best levels as [price, size]; empty with a reason while it is not valid."""

    symbol: str
    bids: tuple[tuple[float, float], ...]
    asks: tuple[tuple[float, float], ...]
    update_id: int | None
    updated_at: str | None
    data_quality: DataQuality
    data_source: DataSource | None
    reason: str | None = None


class Tick(msgspec.Struct, frozen=True, kw_only=True):
    """Price and touch of one symbol, and how old (ms since it was received) they are."""

    symbol: str
    price: float | None
    bid: float | None
    ask: float | None
    age_ms: int | None


class Ticks(msgspec.Struct, frozen=True, kw_only=True):
    """The `ticks` document of `/api/stream`, coalesced to at most one in 500 ms."""

    timestamp: str
    data_source: DataSource | None
    ticks: tuple[Tick, ...]


class StageTimes(msgspec.Struct, frozen=True, kw_only=True):
    """Durations of one stage over the last cycles, ms."""

    p50: float
    p95: float
    max: float
    last: float


class CycleStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The cycle: intervals in seconds; `drift_ms` is how late the last one began; `overruns` are ticks skipped."""

    interval_configured: float
    interval_effective: float | None
    count: int
    failures: int
    overruns: int
    drift_ms: float | None
    last_success: str | None
    last_duration_ms: float | None
    last_close: str | None
    last_error: str | None
    stages: dict[str, StageTimes]
    slowest_fetch_ms: float | None


class FeedRow(msgspec.Struct, frozen=True, kw_only=True):
    """One feed: ages in ms, `lag_ms` is receive time less event time."""

    kind: FeedKind
    topic: str
    """What the exchange calls it."""
    symbol: str
    connected: bool
    acked: bool
    data_quality: DataQuality
    age_ms: int | None
    lag_ms: float | None
    messages: int
    rejected: int
    resyncs: int
    mute: bool = False
    """Other topics prove that this one should have spoken."""
    polled_s: float | None = None
    """Seconds between requests, where it is asked for because no stream delivers it."""
    reason: str | None = None
    """Why the exchange has no such data, or what it says against the subscription."""
    refusal: str | None = None
    """Why the last frame that was refused was, as "field: reason"."""
    refusals: dict[str, int] = msgspec.field(default_factory=dict)
    """How often frames were refused, by field and reason; `rejected` is their sum."""


class RateBudget(msgspec.Struct, frozen=True, kw_only=True):
    """The REST budget of this address."""

    capacity: int
    available: float
    window_s: float
    requests: int
    waits: int
    banned_until: str | None


class Build(msgspec.Struct, frozen=True, kw_only=True):
    """Version and Python of the running program, and when it started."""

    version: str
    python: str
    started_at: str


class MonitoringStatus(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/monitoring/status`."""

    instance: str
    build: Build
    uptime_s: float
    timestamp: str
    state: str
    exchange: dict[str, Any]
    cycle: CycleStatus
    universe: dict[str, Any]
    feeds: tuple[FeedRow, ...]
    rate_budget: RateBudget
    stores: dict[str, Any]
    alerts: dict[str, int]
    loop_lag_ms: StageTimes | None
    memory_mb: float | None
    tasks: dict[str, str]
    data_quality: DataQuality
    data_source: DataSource | None
    health: str = "starting"
    """As in `/health`, with its reasons."""
    health_reasons: tuple[str, ...] = ()
    needs_restart: tuple[str, ...] = ()
    """Keys of the configuration that were changed and reloaded, and that only a restart applies."""


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """`/health`: healthy | starting | unhealthy, and why. All ages in seconds.

    Not healthy is: no cycle within three times `interval_s`, an empty universe (`empty` says why), no topic connected,
    no watched symbol live, no close analysed for two minutes of exchange time, feeds that nobody looked at for 15 s.
    `starting` is it for ten minutes at most, and only until it was healthy once.
    """

    status: str
    service: str
    mode: str
    reasons: tuple[str, ...]
    last_cycle_age_s: float | None
    interval_s: float
    uptime_s: float = 0.0
    tried_age_s: float = 0.0
    """Since the start last asked the exchange, or a cycle was completed."""
    last_error: str | None = None
    watched: int | None = None
    live: int | None = None
    """Watched symbols with a feed that is live, other than one that is judged by its acknowledgement alone."""
    topics_connected: int | None = None
    last_close_age_s: float | None = None
    """Exchange time since the last close that was analysed."""
    observed_age_s: float | None = None
    empty: str | None = None
    untold: str | None = None
    """Why incidents are not told to anyone; what is served is as healthy as it was."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with a request, as problem details (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
