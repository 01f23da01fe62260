"""The adapter of Bybit v5: its wire, REST and streams."""

from virtuoso.exchange.bybit.adapter import Bybit

__all__ = ["Bybit"]
