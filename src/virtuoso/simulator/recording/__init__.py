"""The recording source: real one-minute bars played with trades, books and tickers that agree with them."""

from virtuoso.simulator.recording.dataset import load
from virtuoso.simulator.recording.eventful import eventful_ms
from virtuoso.simulator.recording.source import RecordingSource

__all__ = ["RecordingSource", "open_recording", "opening_ms"]

_BEFORE_MS = 30_000
"""Before the first eventful minute: the first page comes, and all is quiet still."""


def open_recording(seed: int, start_ms: int) -> RecordingSource:
    """The bundled recording, played from exchange time `start_ms` (epoch ms)."""
    return RecordingSource(load(), seed, start_ms)


def opening_ms() -> int:
    """When (recorded, epoch ms) to begin so that the bundled recording's most eventful hour follows in half a minute."""
    return eventful_ms(load()) - _BEFORE_MS
