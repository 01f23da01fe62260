"""Bybit v5."""

from virtuoso.exchange.bybit.adapter import Bybit

__all__ = ["Bybit"]
