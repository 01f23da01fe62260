"""Examples for the OpenAPI document: real answers of the demo, shortened."""

from typing import Any

_SIGNAL: dict[str, Any] = {
    "symbol": "BTCUSDT", "signal": "HOLD", "confidence": 0.41, "price": 105989.5, "change": 2.6861,
    "timestamp": "2026-11-23T20:46:00.000Z", "data_quality": "live", "data_source": "replay", "score": 57.2,
    "probability": None, "coverage": 1.0, "consensus": 0.67, "disagreement": 0.2,
    "factors": {"order_book": 61.3, "volume": 55.0, "technical": 52.1},
    "reasons": ["probability: no outcomes have been measured yet"],
}  # fmt: skip
SIGNALS = {"signals": [_SIGNAL], "timestamp": "2026-11-23T20:46:10.000Z", "reason": None}
OVERVIEW = {
    "status": "active", "timestamp": "2026-11-23T20:46:10.000Z", "regime": "NEUTRAL", "trend_strength": 27.4,
    "volatility": 2.3, "avg_volatility": 2.9, "btc_dominance": 40.7, "total_volume": 45659223146.0,
    "market_sentiment": "NEUTRAL", "momentum_score": 47.4, "btc_price": 105989.5, "eth_price": 2633.1,
    "avg_market_change": -1.28, "breadth": {"advancing": 5, "declining": 9, "neutral": 1, "total": 15},
    "data_quality": "live", "data_source": "replay", "reasons": {},
}  # fmt: skip
ALERT = {
    "id": "1f2e3d4c5b6a7988", "level": "warning", "message": "LAYERUSDT down 3.41 % in 5 min, to 0.8483",
    "details": {"move_pct": -3.41, "minutes": 5}, "timestamp": "2026-11-23T20:45:02.000Z", "source": "monitor",
    "alert_type": "sudden_move", "symbol": "LAYERUSDT", "resolved": False, "resolved_at": None, "acknowledged": False,
}  # fmt: skip
DASHBOARD = {
    "market_overview": {
        "market_regime": "Neutral", "btc_price": 105989.5, "btc_change": 2.6861, "data_quality": "live",
    },
    "top_movers": [{"symbol": "LAYERUSDT", "change": -13.5047, "price": 0.8483}],
    "alerts": [ALERT],
    "system_status": {"status": "online", "last_update": "2026-11-23T20:46:10.000Z", "data_source": "replay"},
    "signals": [_SIGNAL],
}  # fmt: skip
BARS = {
    "symbol": "BTCUSDT", "timeframe": "1m",
    "bars": [{
        "open_time": "2026-11-23T20:45:00.000Z", "open": 105980.1, "high": 105999.0, "low": 105971.3,
        "close": 105989.5, "volume": 41.25, "turnover": 4371992.11,
    }],
}  # fmt: skip
BOOK = {
    "symbol": "BTCUSDT", "bids": [[105989.4, 8.625]], "asks": [[105989.6, 0.539]], "update_id": 2103039,
    "updated_at": "2026-11-23T20:46:09.800Z", "data_quality": "live", "data_source": "replay", "reason": None,
}  # fmt: skip
HEALTH = {
    "status": "healthy", "service": "web_server", "mode": "embedded", "reasons": [], "last_cycle_age_s": 4.2,
}  # fmt: skip
_TICKER: dict[str, Any] = {
    "symbol": "BTCUSDT", "name": "BTC/USDT:USDT", "price": 105989.5, "change": 2.6861, "bid": 105989.4,
    "ask": 105989.6, "spread_bp": 0.0189, "mark_price": 106012.41, "index_price": 106027.69,
    "turnover_24h": 21969818471.1077, "open_interest": 76703.748, "funding_rate": 0.008379,
    "next_funding": "2026-11-24T00:00:00.000Z", "long_account_ratio": 0.6308,
    "updated_at": "2026-11-23T20:46:09.800Z", "data_quality": "live", "data_source": "replay",
}  # fmt: skip
SYMBOLS = {
    "symbols": [_TICKER],
    "left_out": [{"symbol": "ADAUSDT", "reason": "rank 16 by 24 h turnover is past the universe's size of 15"}],
    "timestamp": "2026-11-23T20:46:10.000Z",
}
_REGIME: dict[str, Any] = {
    "symbol": "BTCUSDT", "regime": "BULLISH",
    "probabilities": {"BULLISH": 0.61, "BEARISH": 0.03, "NEUTRAL": 0.27, "VOLATILE": 0.09}, "trend_strength": 27.4,
    "momentum": 81.2, "volatility": 2.3, "avg_volatility": 2.9, "reason": None,
}  # fmt: skip
REGIME = {
    "timestamp": "2026-11-23T20:46:10.000Z", "market": "BULLISH", "probabilities": _REGIME["probabilities"],
    "reason": None, "symbols": [_REGIME],
}  # fmt: skip
SYMBOL = {
    "ticker": _TICKER, "signal": _SIGNAL, "regime": _REGIME,
    "factors": [{
        "name": "technical", "score": 52.1, "weight": 0.1, "effective_weight": 0.2083, "contribution": 0.4375,
        "quality": "live", "reason": None,
        "components": [
            {"name": "rsi", "timeframe": "1m", "raw": 54.2, "unit": "0–100", "value": 0.084, "weight": 0.25,
             "contribution": 2.1, "reason": None},
            {"name": "macd", "timeframe": "4h", "raw": None, "unit": "ATR", "value": None, "weight": 0.0,
             "contribution": 0.0, "reason": "warming up: 90 of 126 bars"},
        ],
        "modifiers": [
            {"name": "adx", "timeframe": "1m", "raw": 27.4, "unit": "0–100", "value": 0.55, "scales": "di_difference",
             "reason": None},
        ],
    }],
    "liquidations": 3, "timestamp": "2026-11-23T20:46:10.000Z",
}  # fmt: skip
_TIMES = {"p50": 9.1, "p95": 14.3, "max": 21.0, "last": 8.8}
STATUS = {
    "instance": "desk-1:4711",
    "build": {"version": "0.1.0", "python": "3.11.7", "started_at": "2026-11-23T20:40:00.000Z"},
    "uptime_s": 370.2, "timestamp": "2026-11-23T20:46:10.000Z", "state": "running",
    "exchange": {"name": "bybit", "category": "linear", "address": "https://api.bybit.com", "clock_offset_ms": 1.2},
    "cycle": {
        "interval_configured": 10.0, "interval_effective": 10.0, "count": 43, "failures": 0, "overruns": 0,
        "drift_ms": 1.9, "last_success": "2026-11-23T20:46:10.000Z", "last_duration_ms": 8.8,
        "last_close": "2026-11-23T20:46:00.000Z", "last_error": None, "stages": {"total": _TIMES},
        "slowest_fetch_ms": 0.0,
    },
    "universe": {"size": 15, "configured": 15, "left_out": 1, "failed": {}},
    "feeds": [{
        "topic": "orderbook.50.BTCUSDT", "symbol": "BTCUSDT", "connected": True, "acked": True,
        "data_quality": "live", "age_ms": 140, "lag_ms": 21.5, "messages": 1843, "rejected": 0, "resyncs": 0,
        "mute": False, "polled_s": None, "reason": None,
    }],
    "rate_budget": {
        "capacity": 480, "available": 479.0, "window_s": 5.0, "requests": 112, "waits": 0, "banned_until": None,
    },
    "stores": {"cache_tiers": ["memory"], "memory": {"documents": 23, "puts": 1200, "expired": 0}},
    "alerts": {"fired": 1, "resolved": 1, "open": 0}, "loop_lag_ms": _TIMES, "memory_mb": 108.5,
    "tasks": {"stream": "running", "cycle": "running"}, "data_quality": "live", "data_source": "replay",
}  # fmt: skip
