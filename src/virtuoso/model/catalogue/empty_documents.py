"""Makes documents with nothing in them, as they are served before the first publication: nulls, and the reason."""

from virtuoso.model import documents as docs
from virtuoso.model.alerts.documents import AlertPerformance, AlertPipeline, AlertRules
from virtuoso.model.alpha_documents import AlphaDocument
from virtuoso.model.clock import iso
from virtuoso.model.quality import DataQuality

_REASON = "the monitor has not published anything yet"
_EPOCH = iso(0) or ""
"""The timestamp of what has never been written."""
_NONE = DataQuality.UNAVAILABLE


def signals() -> object:
    """Make the document `signals` without any signals."""
    return docs.TopSignals(signals=(), timestamp=_EPOCH, reason=_REASON)  # fmt: skip


def recent_alerts() -> object:
    """Make the document `alerts` without any alerts."""
    return ()  # fmt: skip


def alert_rules() -> object:
    """Make `alerts:rules` as it is before the first publication."""
    return AlertRules(timestamp=_EPOCH, kinds=(), rules=(), reason=_REASON)  # fmt: skip


def alert_pipeline() -> object:
    """Make `alerts:pipeline` as it is before the first publication."""
    return AlertPipeline(
        timestamp=_EPOCH, fired=0, resolved=0, open=0, stages=(), channels=(), reason=_REASON
    )  # fmt: skip


def alert_performance() -> object:
    """Make `alerts:performance` as it is before the first publication."""
    return AlertPerformance(
        timestamp=_EPOCH, kinds=(), pending=0, interruptions_today=None, interruptions_allowed=None, interrupting=(),
        reason=_REASON,
    )  # fmt: skip


def signal_performance() -> object:
    """Make the document `signals:performance` with nothing judged."""
    return docs.SignalPerformance(
        timestamp=_EPOCH, origin="lived", since=None, pending=0, horizons=(), groups=(), reason=_REASON
    )


def overview() -> object:
    """Make the document `overview` with every figure unknown."""
    return docs.MarketOverview(
        status="starting", timestamp=_EPOCH, regime=None, trend_strength=None, volatility=None,
        avg_volatility=None, btc_dominance=None, total_volume=None, market_sentiment=None, momentum_score=None,
        btc_price=None, eth_price=None, avg_market_change=None, above_ema50_pct=None, new_highs_24h=None,
        new_lows_24h=None, dispersion=None, dispersion_robust=None, avg_correlation_btc=None, forecast=None, passed=(),
        breadth=docs.Breadth(advancing=0, declining=0, neutral=0, total=0), data_quality=_NONE, data_source=None,
        reasons={"all": _REASON},
    )  # fmt: skip


def dashboard() -> object:
    """Make `dashboard` as it is before the first publication."""
    return docs.Dashboard(
        market_overview=docs.DashboardMarket(
            market_regime=None, btc_price=None, btc_change=None, data_quality=_NONE
        ),
        top_movers=(), alerts=(), signals=(),
        system_status=docs.SystemStatus(status="starting", last_update=_EPOCH, data_source=None),
    )  # fmt: skip


def symbols() -> object:
    """Make the document `symbols` without any symbols."""
    return docs.SymbolList(symbols=(), left_out=(), timestamp=_EPOCH)  # fmt: skip


def regime() -> object:
    """Make the document `regime` with no regime known."""
    return docs.RegimeDocument(
        timestamp=_EPOCH, market=None, since=None, probabilities=None, reason=_REASON, symbols=(), transitions=()
    )  # fmt: skip


def alpha() -> object:
    """Make the document `alpha` without any symbols."""
    return AlphaDocument(
        timestamp=_EPOCH, data_source=None, benchmark=None, false_discovery_rate=None, tests=0, found=0, tiers=(),
        rows=(), reason=_REASON,
    )  # fmt: skip


def status() -> object:
    """Make the document `status` of a monitor that has not completed a cycle."""
    return docs.MonitoringStatus(
        instance="", build=docs.Build(version="", python="", started_at=_EPOCH), uptime_s=0.0, timestamp=_EPOCH,
        state="starting", exchange={},
        cycle=docs.CycleStatus(
            interval_configured=0.0, interval_effective=None, count=0, failures=0, overruns=0, drift_ms=None,
            last_success=None, last_duration_ms=None, last_close=None, last_error=_REASON, stages={},
            slowest_fetch_ms=None,
        ),
        universe={}, feeds=(), stores={}, alerts={}, loop_lag_ms=None, memory_mb=None, tasks={},
        rate_budget=docs.RateBudget(
            capacity=0, available=0.0, window_s=0.0, requests=0, waits=0, banned_until=None
        ),
        data_quality=_NONE, data_source=None,
    )  # fmt: skip
