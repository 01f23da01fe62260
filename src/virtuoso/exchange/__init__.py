"""Exchange adapters: the wire turned into typed events and calls."""

PUBLIC = (
    "bybit", "bybit.feeds", "bybit.paths", "bybit.rest", "bybit.told", "ccxt", "ledger", "limits", "offset", "polling",
    "protocol", "supervise",
)  # fmt: skip
"""Modules that other rooms may import; the others are its own."""
