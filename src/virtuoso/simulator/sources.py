"""The markets the embedded exchange can serve, by name."""

from virtuoso.simulator.capture import CaptureSource
from virtuoso.simulator.recording import open_recording
from virtuoso.simulator.source import Source

NAMES = ("recording", "capture")


def open_source(name: str, seed: int, start_ms: int) -> Source:
    """The source `name`, from exchange time `start_ms`.

    Raises:
        ValueError: there is none of that name.
    """
    match name:
        case "recording":
            return open_recording(seed, start_ms)
        case "capture":
            return CaptureSource(start_ms)
        case _:
            raise ValueError(f"no source {name!r}: choose {' or '.join(NAMES)}")
