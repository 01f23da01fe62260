"""The history source: real one-minute bars played with trades, books and tickers that agree with them."""

from virtuoso.simulator.history.dataset import load
from virtuoso.simulator.history.source import HistorySource

__all__ = ["EVENTFUL_MS", "OPENING_MS", "HistorySource", "open_history"]

EVENTFUL_MS = 1_748_647_080_000
"""2025-05-30T23:18Z (recorded, epoch ms), the greatest minute of an eventful hour: tools/find_eventful_hour.py."""
OPENING_MS = EVENTFUL_MS - 30_000
"""Just before it: the first page comes, and all is quiet still."""


def open_history(seed: int, start_ms: int) -> HistorySource:
    """The bundled history, played from exchange time `start_ms` (epoch ms)."""
    return HistorySource(load(), seed, start_ms)
