"""Published documents: one struct each, encoded once, served as bytes; the schema of the HTTP API.

Prices in quote units; `change` is the 24 h change in percent; scores 0–100; confidence, coverage and probabilities
in [0, 1]; times ISO 8601 in UTC. `null` means unknown, and `reasons` (or `reason`) says why.
"""

from typing import Any

import msgspec

from virtuoso.model.quality import DataQuality, DataSource
from virtuoso.model.signal import FactorScore, Label


class SignalRow(msgspec.Struct, frozen=True, kw_only=True):
    """One symbol's signal. `timestamp` is the close of the bar it was computed from."""

    symbol: str
    signal: Label
    confidence: float | None
    price: float | None
    change: float | None
    timestamp: str | None
    data_quality: DataQuality
    data_source: DataSource | None
    score: float | None
    probability: float | None
    coverage: float | None
    consensus: float | None
    disagreement: float | None
    factors: dict[str, float | None]
    reasons: tuple[str, ...]


class TopSignals(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/signals/top`: ordered by |score − 50| · confidence."""

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
    """`/api/market/overview`. Volatilities in % a day; `total_volume` is the 24 h turnover in quote units."""

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
    breadth: Breadth
    data_quality: DataQuality
    data_source: DataSource | None
    reasons: dict[str, str]


class Mover(msgspec.Struct, frozen=True, kw_only=True):
    """A symbol by its 24 h change (%)."""

    symbol: str
    change: float
    price: float


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One incident as `/api/alerts/recent` lists it."""

    id: str
    level: str
    message: str
    details: dict[str, str | float | int | bool | None]
    timestamp: str
    source: str
    alert_type: str
    symbol: str | None
    resolved: bool
    resolved_at: str | None
    acknowledged: bool


class DashboardMarket(msgspec.Struct, frozen=True, kw_only=True):
    """The market in the dashboard document; the regime in title case."""

    market_regime: str | None
    btc_price: float | None
    btc_change: float | None
    data_quality: DataQuality


class SystemStatus(msgspec.Struct, frozen=True, kw_only=True):
    """`online` while cycles succeed, else `starting` or `degraded`."""

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
    """One watched symbol's ticker. `spread_bp` in basis points, `funding_rate` in % per interval."""

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
    data_quality: DataQuality
    data_source: DataSource | None


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
    """A regime with its probabilities (sum 1); `trend_strength` (ADX) and `momentum` 0–100, volatilities % a day."""

    symbol: str
    regime: str | None
    probabilities: dict[str, float] | None
    trend_strength: float | None
    momentum: float | None
    volatility: float | None
    avg_volatility: float | None
    reason: str | None


class RegimeDocument(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/regime`: the market's regime, and each symbol's."""

    timestamp: str
    market: str | None
    probabilities: dict[str, float] | None
    reason: str | None
    symbols: tuple[RegimeRow, ...]


class SymbolDetail(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/symbols/{symbol}`: the ticker, the signal, its regime and the whole tree of reasons."""

    ticker: SymbolRow
    signal: SignalRow
    regime: RegimeRow | None
    factors: tuple[FactorScore, ...]
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
    """One topic: ages in ms, `lag_ms` is receive time less event time."""

    topic: str
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
    """Why the exchange has no such data."""


class RateBudget(msgspec.Struct, frozen=True, kw_only=True):
    """The REST budget of this address."""

    capacity: int
    available: float
    window_s: float
    requests: int
    waits: int
    banned_until: str | None


class Build(msgspec.Struct, frozen=True, kw_only=True):
    """Which program this is."""

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


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """`/health`: healthy | starting | unhealthy, by the age of the last successful cycle."""

    status: str
    service: str
    mode: str
    reasons: tuple[str, ...]
    last_cycle_age_s: float | None


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
