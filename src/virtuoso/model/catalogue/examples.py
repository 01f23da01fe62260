"""Examples for the OpenAPI document: real answers of the demo, shortened."""

from base64 import b64encode
from typing import Any

from virtuoso.model.catalogue.alert_examples import ALERT

_SIGNAL: dict[str, Any] = {
    "symbol": "BTCUSDT", "signal": "HOLD", "confidence": 0.61, "claim": None, "lean": None,
    "large_move": 0.24, "large_move_base": 0.2, "cone_1h": [-0.58, 0.57], "move_1h": -0.21,
    "move_1h_as_large": 0.62, "agreement": 0.41,
    "price": 105989.5, "tick_size": 0.1,
    "change": 2.6861, "timestamp": "2026-11-23T20:46:00.000Z", "data_quality": "live", "data_source": "replay",
    "score": 57.2, "band": "balanced", "score_percentile": 78.4, "past_closes": 1906, "past_from_bars": 300,
    "probability": 0.39, "coverage": 1.0, "attainable_coverage": 1.0, "evidence_class": "detailed",
    "consensus": 0.67, "disagreement": 0.2,
    "factors": {"order_book": 61.3, "volume": 55.0, "technical": 52.1},
    "reasons": ["no edge at 1h: hit 38%, net -11.4 bp, 1,204 entries, 24 days"],
}  # fmt: skip
_CELL = {
    "side": "up", "horizon_min": 60, "rule": "favoured", "entries": 1204, "days": 24, "net_bp": -11.4,
    "net_twice_cost_bp": -23.4, "net_lower_bp": -19.8, "hit": 0.38, "claimed": 0.39, "right": 0.5, "pays": False,
    "directed": False,
}  # fmt: skip
SIGNALS = {
    "signals": [_SIGNAL], "timestamp": "2026-11-23T20:46:10.000Z", "order": "BUY and SELL by confidence; then …",
    "claims": [_CELL], "reason": None,
}  # fmt: skip
OVERVIEW = {
    "status": "active", "timestamp": "2026-11-23T20:46:10.000Z", "regime": "NEUTRAL", "trend_strength": 27.4,
    "volatility": 2.3, "avg_volatility": 2.9, "btc_dominance": 40.7, "total_volume": 45659223146.0,
    "market_sentiment": "NEUTRAL", "momentum_score": 47.4, "btc_price": 105989.5, "eth_price": 2633.1,
    "avg_market_change": -1.28, "above_ema50_pct": 40.0, "new_highs_24h": 1, "new_lows_24h": 3, "dispersion": 4.1,
    "dispersion_robust": 2.6, "avg_correlation_btc": 0.71,
    "forecast": {
        "close": "2026-11-23T20:46:00.000Z",
        "horizons": [{
            "horizon_min": 60, "cone": [-0.97, -0.58, -0.26, 0.27, 0.57, 0.94],
            "outside": [
                {"at_least": 1, "probability": 0.21}, {"at_least": 2, "probability": 0.13},
                {"at_least": 4, "probability": 0.08}, {"at_least": 8, "probability": 0.03},
            ], "symbols": 15,
        }],
    },
    "passed": [{
        "horizon_min": 60, "made_at": "2026-11-23T19:46:00.000Z", "volatility": 0.41, "volatility_forecast": 0.47,
        "above": 0.27, "symbols": 15, "change": -0.18, "cone": [-1.02, -0.6, -0.27, 0.28, 0.58, 0.97], "within": 50,
    }],
    "breadth": {"advancing": 5, "declining": 9, "neutral": 1, "total": 15},
    "data_quality": "live", "data_source": "replay", "reasons": {},
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
    "reason": None,
}  # fmt: skip
_BOUGHT = {
    "id": "0f6c9b0a5d3e4f71a2b8c4d5e6f70812", "exchange": "bybit", "symbol": "BTCUSDT", "signal": "BUY",
    "before": "HOLD", "timestamp": "2026-11-23T20:46:00.000Z", "score": 70.6, "confidence": 0.56,
    "expires_at": "2026-11-23T21:46:00.000Z", "agreement": 0.55,
    "price": 105989.5, "data_quality": "live", "data_source": "replay",
    "why": ["BTCUSDT is stretched up at 70.6: order book (+3.9) lifts it up."],
}  # fmt: skip
SIGNAL_HISTORY = {"signals": [_BOUGHT], "next": None, "reason": None}
SIGNAL_DETAIL = {
    "said": _BOUGHT,
    "horizon_min": 60,
    "build": "0.1.0+4f0c2b8a91de",
    "hash": "601c85d7ceedf81545e474354265d4d1b751b6f5b51b3063b309b1e1b7d4695f",
    "link": "/signals/0f6c9b0a5d3e4f71a2b8c4d5e6f70812",
    "alerts": [
        {
            "id": "9b1f03d2c7a84e65",
            "alert_type": "signal_change",
            "message": "BTCUSDT BUY at 105,990.1 · score 71 · agreement 62 %",
            "timestamp": "2026-11-23T20:46:01.204Z",
            "link": "/alerts/9b1f03d2c7a84e65",
        }
    ],
    "outcomes": [
        {
            "horizon_min": 15,
            "due": "2026-11-23T21:01:00.000Z",
            "entry": 105990.1,
            "closed": 0.21,
            "highest": 0.24,
            "lowest": -0.03,
            "first": "neither",
            "net_bp": 8.7,
            "reason": None,
        }
    ],
    "reason": None,
}
CONES = {
    "symbol": "BTCUSDT", "horizon_min": 60,
    "cones": [{
        "close": "2026-11-23T19:00:00.000Z", "price": 105712.4, "cone": [-0.66, -0.39, -0.18, 0.18, 0.39, 0.66],
        "due": "2026-11-23T20:00:00.000Z", "closed": 0.27, "highest": 0.34, "lowest": -0.05, "within": 80,
        "reason": None,
    }],
    "held": {"due": 1, "within_50": 0, "within_80": 1, "within_95": 1}, "reason": None,
}  # fmt: skip
SERIES = {
    "symbol": "BTCUSDT",
    "series": [{
        "name": "open_interest", "unit": "base units",
        "points": [["2026-11-23T20:44:00.000Z", 76698.1], ["2026-11-23T20:45:00.000Z", 76703.7]],
        "until": "2026-11-23T20:45:00.000Z", "reason": None,
    }],
    "data_source": "replay", "reason": None,
}  # fmt: skip
SCORES = {
    "symbol": "BTCUSDT",
    "scores": [{
        "timestamp": "2026-11-23T20:46:00.000Z", "band": "balanced", "score": 57.2, "score_percentile": 78.4,
        "agreement": 0.41, "coverage": 1.0,
        "factors": {"order_flow": 60.1, "order_book": 61.3, "volume": 55.0, "price_structure": 50.2,
                    "technical": 52.1, "sentiment": 48.9},
    }],
    "reason": None,
}  # fmt: skip
BOOK = {
    "symbol": "BTCUSDT", "bids": [[105989.4, 8.625]], "asks": [[105989.6, 0.539]], "update_id": 2103039,
    "updated_at": "2026-11-23T20:46:09.800Z", "data_quality": "live", "data_source": "replay", "reason": None,
}  # fmt: skip
TAPE = {
    "symbol": "BTCUSDT",
    "trades": [{"time": "2026-11-23T20:46:09.712Z", "price": 105989.6, "size": 0.21, "bought": True}],
    "liquidations": [{"time": "2026-11-23T20:41:17.080Z", "price": 105702.1, "size": 0.034, "long": True}],
    "large_from": 2.83, "data_quality": "live", "data_source": "replay", "reason": None,
}  # fmt: skip
DEPTH = {
    "symbol": "BTCUSDT",
    "blocks": [{
        "begins": "2026-11-23T20:46:00.000Z", "seconds": "bi", "width": 2.0, "lows": [52962, None],
        "bids": [105989.4, None], "asks": [105989.6, None], "largest": 41.25,
        "sizes": b64encode(bytes([*range(180, 212), *range(255, 223, -1), *[0] * 64])).decode(),
        "trades": [{"time": "2026-11-23T20:46:00.120Z", "price": 105989.6, "size": 3.1, "bought": True}],
        "data_source": "replay",
    }],
    "oldest": "2026-11-20T21:00:00.000Z", "reason": None,
}  # fmt: skip
HEALTH = {
    "status": "healthy", "service": "web_server", "mode": "embedded", "reasons": [], "last_cycle_age_s": 4.2,
    "interval_s": 10.0, "uptime_s": 3600.5, "tried_age_s": 4.2, "last_error": None, "watched": 15, "live": 15,
    "topics_connected": 75, "last_close_age_s": 24.3, "observed_age_s": 0.4, "empty": None, "untold": None,
}  # fmt: skip
_TICKER: dict[str, Any] = {
    "symbol": "BTCUSDT", "name": "BTC/USDT:USDT", "price": 105989.5, "change": 2.6861, "bid": 105989.4,
    "ask": 105989.6, "spread_bp": 0.0189, "mark_price": 106012.41, "index_price": 106027.69,
    "turnover_24h": 21969818471.1077, "open_interest": 76703.748, "funding_rate": 0.008379,
    "funding_interval_h": 8.0, "next_funding": "2026-11-24T00:00:00.000Z", "long_account_ratio": 0.6308,
    "updated_at": "2026-11-23T20:46:09.800Z", "tick_size": 0.1, "quote": "USDT", "evidence_class": "detailed",
    "data_quality": "live", "data_source": "replay", "reason": None,
}  # fmt: skip
SYMBOLS = {
    "symbols": [_TICKER],
    "left_out": [{"symbol": "ADAUSDT", "reason": "rank 16 by 24 h turnover is past the universe's size of 15"}],
    "timestamp": "2026-11-23T20:46:10.000Z",
}
_REGIME: dict[str, Any] = {
    "symbol": "BTCUSDT", "regime": "BULLISH", "since": "2026-11-23T17:30:00.000Z",
    "probabilities": {"BULLISH": 0.61, "BEARISH": 0.03, "NEUTRAL": 0.27, "VOLATILE": 0.09}, "trend_strength": 27.4,
    "momentum": 81.2, "volatility": 2.3, "avg_volatility": 2.9, "reason": None,
}  # fmt: skip
REGIME = {
    "timestamp": "2026-11-23T20:46:10.000Z", "market": "BULLISH", "since": "2026-11-23T18:00:00.000Z",
    "probabilities": _REGIME["probabilities"], "reason": None, "symbols": [_REGIME],
    "transitions": [{"symbol": "BTCUSDT", "from": "NEUTRAL", "to": "BULLISH", "at": "2026-11-23T17:30:00.000Z"}],
}  # fmt: skip
_LEAF: dict[str, Any] = {
    "name": "rsi", "timeframe": "1m", "raw": 54.2, "unit": "0–100", "value": 0.084, "score": 54.2, "weight": 0.25,
    "contribution": 2.1, "time": "2026-11-23T20:46:00.000Z", "quality": "live", "reason": None,
}  # fmt: skip
SYMBOL = {
    "ticker": _TICKER, "signal": _SIGNAL, "regime": _REGIME,
    "why": [
        "BTCUSDT is balanced at 57.2: order book (+3.9) and volume (+2.8) lift it up, technical (-0.5) pulls it down.",
        "What weighs most: micro price at 0.41 half spreads (+1.9) and rsi on 1m at 54.2 0–100 (+0.4).",
        "It would be stretched up with depth imbalance above 0.62 share (now 0.18), all else equal.",
    ],
    "factors": [{
        "name": "technical", "score": 52.1, "weight": 0.1, "effective_weight": 0.2083, "contribution": 0.4375,
        "quality": "live", "reason": None,
        "components": [
            _LEAF,
            _LEAF | {
                "name": "macd", "timeframe": "4h", "raw": None, "unit": "ATR", "value": None, "score": None,
                "weight": 0.0, "contribution": 0.0, "reason": "warming up: 90 of 126 bars",
            },
        ],
        "modifiers": [
            {"name": "adx", "timeframe": "1m", "raw": 27.4, "unit": "0–100", "value": 0.55, "scales": "di_difference",
             "reason": None},
        ],
    }],
    "timeframes": [
        {"timeframe": "1m", "weight": 0.4, "score": 58.1}, {"timeframe": "5m", "weight": 0.3, "score": 55.0},
        {"timeframe": "30m", "weight": 0.2, "score": 49.2}, {"timeframe": "4h", "weight": 0.1, "score": None},
    ],
    "alignment": 0.93,
    "counterfactual": {
        "would_be": "stretched up", "factor": "order_book", "component": "depth_imbalance",
        "timeframe": None, "unit": "share",
        "raw": 0.18, "needed": 0.62, "score": 70.0,
    },
    "forecast": {
        "version": "3f9a1c0d5e27", "fit_until": "2025-02-28T00:00:00.000Z", "fit_days": 81, "cost_bp": 11.1,
        "beta": 0.83,
        "horizons": [{
            "horizon_min": 60, "volatility": 0.31, "cone": [-0.66, -0.39, -0.18, 0.18, 0.39, 0.66],
            "high": [0.01, 0.05, 0.11, 0.36, 0.55, 0.81], "low": [-0.81, -0.55, -0.36, -0.11, -0.05, -0.01],
            "large_move": 0.24, "large_move_base": 0.2, "large_move_threshold": 0.42, "last_move": -0.21,
            "last_move_as_large": 0.62, "funding_bp": 0.0,
            "beyond_up": 0.39, "beyond_down": 0.37, "uncalibrated": None, "backtested": [{
                "set": "2025-05", "large_move_skill": [0.0548, 0.0403, 0.0709],
                "volatility_r2": [0.5679, 0.5012, 0.6233], "cone_50": [0.501, 0.4868, 0.5147],
                "cone_80": [0.8043, 0.7911, 0.8169], "cone_95": [0.9508, 0.9434, 0.9577],
            }], "followed": {
                "rose": 0.49, "rose_base": 0.504, "move": -0.01, "move_base": 0.0, "size": 0.24, "size_base": 0.24,
                "days": 74, "readings": 1812, "source": "shipped", "until": "2025-03-01T00:00:00.000Z",
            },
        }],
        "backtested_on": [{
            "set": "2025-05", "title": "thirty days, May 2025: 16 perpetuals, 1m",
            "since": "2025-05-04T16:05:00.000Z", "until": "2025-06-03T16:00:00.000Z",
        }],
        "reason": None,
    },
    "entry": {
        "side": "long", "price": 105989.5, "timeframe": "30m", "atr": 310.2, "stop": 105412.4,
        "invalidation": 105490.0, "targets": [106540.0, 107143.7], "reward_risk": 0.95, "basis": "swing low",
        "slippage": {"size": 10000.0, "buy_bp": 0.01, "sell_bp": 0.01, "reason": None},
        "chances": {
            "horizon_min": 60, "stop_first": 0.127, "target_first": 0.131, "levels_bp": -0.1, "net_bp": -11.1,
            "reason": None,
        },
        "reason": None,
    },
    "input_hash": "9f2c6a4d0b7e81c35a1f0d9e4b6c7a82", "liquidations": 3, "timestamp": "2026-11-23T20:46:10.000Z",
}  # fmt: skip
_BOUNDS_S = [
    1e-05, 2.5e-05, 5e-05, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0, 30.0,
]  # fmt: skip
_TIMES = {"p50": 9.1, "p95": 14.3, "max": 21.0, "last": 8.8}
_PASS = {
    "ended": "2026-11-23T20:45:00.412Z", "ok": True, "took_ms": 21.0, "budget_ms": 5000.0,
    "stages": {
        "analyse": {
            "began_ms": 0.1, "ms": 12.9, "usual_ms": 9.2, "parts": {"worker": 0.2, "factors": 8.8, "forecast": 3.1},
        },
        "decide": {"began_ms": 13.0, "ms": 0.3, "usual_ms": 0.2, "parts": {}},
        "publish": {"began_ms": 13.3, "ms": 7.7, "usual_ms": 7.1, "parts": {"worker": 0.1, "documents": 6.9}},
    },
    "fetched": {}, "alone": [], "cpu_ms": 20.1, "collections_ms": 0.0, "where": [],
}  # fmt: skip
STATUS = {
    "instance": "desk-1:4711",
    "build": {"version": "0.1.0", "python": "3.11.7", "started_at": "2026-11-23T20:40:00.000Z"},
    "uptime_s": 370.2, "timestamp": "2026-11-23T20:46:10.000Z", "state": "running",
    "exchange": {"name": "bybit", "category": "linear", "address": "https://api.bybit.com", "clock_offset_ms": 1.2},
    "cycle": {
        "interval_configured": 10.0, "interval_effective": 10.0, "count": 43, "failures": 0, "overruns": 0,
        "drift_ms": 1.9, "last_success": "2026-11-23T20:46:10.000Z", "last_duration_ms": 8.8,
        "last_close": "2026-11-23T20:46:00.000Z", "last_error": None, "stages": {"total": _TIMES},
        "slowest_fetch_ms": 0.0, "slowest": _PASS,
        "slow": {
            **_PASS, "took_ms": 6912.4, "stages": {
                "refresh": {"began_ms": 0.1, "ms": 6871.0, "usual_ms": 310.2, "parts": {}},
                "publish": {
                    "began_ms": 6876.2, "ms": 36.1, "usual_ms": 7.1, "parts": {"worker": 0.1, "documents": 35.2},
                },
            }, "fetched": {"BTCUSDT": 6869.5, "ETHUSDT": 6104.0}, "cpu_ms": 402.0, "collections_ms": 3.1,
            "where": [{"thread": "MainThread", "at": "nothing to do", "share": 0.97}],
        },
    },
    "universe": {
        "size": 15, "configured": 15, "left_out": 1, "failed": {}, "empty": None, "unknown_includes": {}, "doubts": [],
        "missing": [], "copies": 0, "raised": 0,
    },
    "feeds": [{
        "kind": "book", "topic": "book.BTCUSDT", "symbol": "BTCUSDT", "connected": True, "acked": True,
        "data_quality": "live", "age_ms": 140, "lag_ms": None, "messages": 1843, "rejected": 0, "resyncs": 0,
        "refusal": None, "refusals": {}, "mute": False, "polled_s": 5.0, "reason": None,
    }],
    "rate_budget": {
        "capacity": 480, "available": 479.0, "window_s": 5.0, "requests": 112, "waits": 0, "banned_until": None,
    },
    "stores": {"cache_tiers": ["memory"], "memory": {"documents": 23, "puts": 1200, "expired": 0}},
    "alerts": {"fired": 1, "resolved": 1, "open": 0}, "loop_lag_ms": _TIMES, "memory_mb": 108.5,
    "tasks": {"stream": "running", "cycle": "running"}, "data_quality": "live", "data_source": "replay",
    "health": "healthy", "health_reasons": [], "needs_restart": [],
    "recording": None,
    "latency": {
        "wire": {"bounds_s": _BOUNDS_S, "counts": [0] * 10 + [310, 5127, 88] + [0] * 8, "sum_s": 204.7},
        "alert": {"bounds_s": _BOUNDS_S, "counts": [0] * 13 + [3, 1] + [0] * 6, "sum_s": 0.94},
    },
}  # fmt: skip
ALPHA = {
    "timestamp": "2026-11-23T20:46:10.000Z", "data_source": "replay", "benchmark": "BTCUSDT",
    "false_discovery_rate": 0.005, "tests": 168, "found": 1,
    "tiers": [{
        "timeframe": "1m", "interval_min": 1, "long_bars": 240, "recent_bars": 60, "benchmark": "BTCUSDT",
        "scanned_at": "2026-11-23T20:46:05.400Z", "last_close": "2026-11-23T20:46:00.000Z", "symbols": 14,
        "tested": 14, "reason": None,
    }],
    "rows": [{
        "symbol": "BNBUSDT", "timeframe": "1m",
        "long": {
            "bars": 240, "alpha": 1.9121, "alpha_se": 4.0212, "beta": 0.5312, "beta_se": 0.0391,
            "correlation": 0.7811, "correlation_low": 0.7102, "correlation_high": 0.8365,
        },
        "recent": {
            "bars": 60, "alpha": 12.4011, "alpha_se": 11.2004, "beta": 0.4102, "beta_se": 0.1311,
            "correlation": 0.3704, "correlation_low": 0.1187, "correlation_high": 0.5769,
        },
        "tests": [
            {"pattern": "correlation_breakdown", "effect": -0.4107, "direction": "down", "p": 1.9e-05, "q": 0.0032,
             "found": True},
            {"pattern": "beta_expansion", "effect": -0.121, "direction": "down", "p": 0.812, "q": 0.96,
             "found": False},
            {"pattern": "alpha_breakout", "effect": 12.4011, "direction": "up", "p": 0.273, "q": 0.71,
             "found": False},
        ],
        "reason": None,
    }],
    "reason": None,
}  # fmt: skip
