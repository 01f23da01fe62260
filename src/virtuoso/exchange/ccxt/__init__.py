"""Any exchange that ccxt knows, polled. ccxt itself is imported when one is constructed, not before."""

from virtuoso.exchange.ccxt.adapter import CcxtExchange

__all__ = ["CcxtExchange"]
