"""The embedded exchange: a second, independent implementation of Bybit v5's public wire protocol."""

PUBLIC = (
    "model_market.listing", "replayed.server", "replayed.source", "replayed.told",
    "replayed.topics", "scenario", "server", "sources",
)  # fmt: skip
"""Modules that other rooms may import; the others are its own."""
