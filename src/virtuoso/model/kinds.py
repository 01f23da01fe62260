"""The built-in kinds of incidents, by what they are about. A rule of the user's is a kind of its own, named by him."""

from typing import Final

MARKET_KINDS: Final = (
    "alpha_beta_expansion", "alpha_breakout", "alpha_correlation_breakdown", "book_wall", "funding_extreme",
    "liquidation", "liquidation_cascade", "open_interest_surge", "regime_change", "signal_change", "spread_blowout",
    "sudden_move", "volume_spike", "whale_trade",
)  # fmt: skip
SYSTEM_KINDS: Final = (
    "auth_failures", "bars_corrected", "history_restarted",
    "channel_down", "clock_skew", "cpu", "disk", "exchange_clock", "failed_cycle", "include_unknown", "list_doubted",
    "loop_lag", "maintenance", "memory", "mute_topic", "origin_changed", "rate_ban", "refused_frames", "rest_down",
    "restarts", "slow_cycle", "stale_feed", "store_down", "store_full", "store_refusing", "symbol_failed", "task_died",
    "topic_refused", "universe_empty", "watch_gap",
)  # fmt: skip
"""About the program and its surroundings."""
