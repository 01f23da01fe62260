"""Takes the values that user rules name from the documents that a cycle publishes; see `alerts.rules.values`."""

from collections.abc import Mapping

from virtuoso.alerts.rules.values import REGIMES, Known
from virtuoso.model import documents as docs
from virtuoso.model.catalogue.factors import FACTORS
from virtuoso.model.quality import DataQuality

RECORDED = frozenset({
    "system_universe", "system_feeds", "system_feeds_stale", "system_feeds_mute", "system_clock_offset_ms",
    "system_data_quality",
})  # fmt: skip
"""The values of the system that a recording holds; the others are of the process and machine that recorded it."""
_UNFRESH = frozenset({DataQuality.STALE, DataQuality.UNAVAILABLE})


def symbol_values(detail: docs.SymbolDetail) -> dict[str, Known]:
    """Take the values of a symbol from its document."""
    item, signal = detail.ticker, detail.signal
    values: dict[str, Known] = {
        "symbol": item.symbol,
        "price": item.price,
        "change_24h": item.change,
        "bid": item.bid,
        "ask": item.ask,
        "spread_bp": item.spread_bp,
        "mark_price": item.mark_price,
        "index_price": item.index_price,
        "turnover_24h": item.turnover_24h,
        "tick_size": item.tick_size,
        "quote": item.quote,
        "open_interest": item.open_interest,
        "funding_rate": item.funding_rate,
        "funding_interval_h": item.funding_interval_h,
        "long_account_ratio": item.long_account_ratio,
        "liquidations": detail.liquidations,
        "data_quality": item.data_quality,
        "data_source": item.data_source,
        "signal": signal.signal,
        "score": signal.score,
        "band": signal.band,
        "score_percentile": signal.score_percentile,
        "confidence": signal.confidence,
        "large_move": signal.large_move,
        "large_move_base": signal.large_move_base,
        "agreement": signal.agreement,
        "coverage": signal.coverage,
        "consensus": signal.consensus,
        "disagreement": signal.disagreement,
        "alignment": detail.alignment,
        "signal_quality": signal.data_quality,
    }
    for factor in FACTORS:
        values[f"{factor}_score"] = signal.factors.get(factor)
    return values | _regime(detail.regime) | _entry(detail)


def _regime(item: docs.RegimeItem | None) -> dict[str, Known]:
    if item is None:
        return {}
    probabilities = item.probabilities or {}
    values: dict[str, Known] = {
        "regime": item.regime,
        "trend_strength": item.trend_strength,
        "momentum": item.momentum,
        "volatility": item.volatility,
        "avg_volatility": item.avg_volatility,
    }
    for regime in REGIMES:
        values[f"{regime.lower()}_probability"] = probabilities.get(regime)
    return values


def _entry(detail: docs.SymbolDetail) -> dict[str, Known]:
    entry = detail.entry
    if entry is None:
        return {}
    return {
        "entry_side": entry.side,
        "entry_price": entry.price,
        "entry_stop": entry.stop,
        "entry_invalidation": entry.invalidation,
        "entry_reward_risk": entry.reward_risk,
        "atr": entry.atr,
        "slippage_buy_bp": entry.slippage.buy_bp,
        "slippage_sell_bp": entry.slippage.sell_bp,
    }


def market_values(overview: docs.MarketOverview) -> dict[str, Known]:
    """Take the values of the market from the overview."""
    breadth = overview.breadth
    return {
        "market_regime": overview.regime,
        "market_trend_strength": overview.trend_strength,
        "market_volatility": overview.volatility,
        "market_avg_volatility": overview.avg_volatility,
        "market_momentum_score": overview.momentum_score,
        "market_sentiment": overview.market_sentiment,
        "market_btc_dominance": overview.btc_dominance,
        "market_total_volume": overview.total_volume,
        "market_btc_price": overview.btc_price,
        "market_eth_price": overview.eth_price,
        "market_change_24h": overview.avg_market_change,
        "market_above_ema50_pct": overview.above_ema50_pct,
        "market_new_highs_24h": overview.new_highs_24h,
        "market_new_lows_24h": overview.new_lows_24h,
        "market_dispersion": overview.dispersion,
        "market_dispersion_robust": overview.dispersion_robust,
        "market_avg_correlation_btc": overview.avg_correlation_btc,
        "market_advancing": breadth.advancing,
        "market_declining": breadth.declining,
        "market_neutral": breadth.neutral,
        "market_symbols": breadth.total,
        "market_data_quality": overview.data_quality,
        "market_data_source": overview.data_source,
    }


def recorded_values(status: docs.MonitoringStatus) -> dict[str, Known]:
    """Take the values of the system from the status of a replay, as far as the recording holds them."""
    return {name: value for name, value in system_values(status, {}, None).items() if name in RECORDED}


def system_values(
    status: docs.MonitoringStatus, host: Mapping[str, float | None], restarts_1h: int | None
) -> dict[str, Known]:
    """Take the values of the system from the status; `host` has `cpu_pct`, `memory_pct` and `disk_pct`."""
    cycle, budget, lag = status.cycle, status.rate_budget, status.loop_lag_ms
    offered = [feed for feed in status.feeds if feed.reason is None]
    states = [store["state"] for store in status.stores.values() if isinstance(store, dict) and "state" in store]
    return {
        "system_cpu_pct": host.get("cpu_pct"),
        "system_memory_pct": host.get("memory_pct"),
        "system_disk_pct": host.get("disk_pct"),
        "system_process_mb": status.memory_mb,
        "system_uptime_s": status.uptime_s,
        "system_loop_lag_ms": None if lag is None else lag.p95,
        "system_cycle_s": None if cycle.last_duration_ms is None else cycle.last_duration_ms / 1_000,
        "system_cycle_drift_ms": cycle.drift_ms,
        "system_cycle_failures": cycle.failures,
        "system_cycle_overruns": cycle.overruns,
        "system_universe": status.universe.get("size"),
        "system_feeds": len(offered),
        "system_feeds_stale": sum(feed.data_quality in _UNFRESH for feed in offered),
        "system_feeds_mute": sum(feed.mute for feed in offered),
        "system_requests_left_pct": 100.0 * budget.available / budget.capacity if budget.capacity else None,
        "system_clock_offset_ms": status.exchange.get("clock_offset_ms"),
        "system_stores_down": sum(state in {"down", "full", "refusing"} for state in states),
        "system_alerts_open": status.alerts.get("open"),
        "system_restarts_1h": restarts_1h,
        "system_data_quality": status.data_quality,
    }
