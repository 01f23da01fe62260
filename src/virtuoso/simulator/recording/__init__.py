"""The recording source: real one-minute bars played with trades, books and tickers that agree with them."""

from virtuoso.simulator.recording.dataset import load
from virtuoso.simulator.recording.source import RecordingSource

__all__ = ["RecordingSource", "open_recording"]


def open_recording(seed: int, start_ms: int) -> RecordingSource:
    """The bundled recording, played from exchange time `start_ms` (epoch ms)."""
    return RecordingSource(load(), seed, start_ms)
