"""Virtuoso: a market monitor for crypto derivatives that people can trust with their attention."""

__version__ = "0.1.0"
