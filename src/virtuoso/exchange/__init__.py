"""Exchange adapters: the wire turned into typed events and calls."""

PUBLIC = (
    "bybit", "bybit.answers", "bybit.feeds", "bybit.paths", "bybit.rest", "bybit.told", "bybit.wire", "ccxt", "ledger",
    "limits", "offset", "polling", "protocol", "supervise",
)  # fmt: skip
"""Modules that other rooms may import; the others are its own."""
