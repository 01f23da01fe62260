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
