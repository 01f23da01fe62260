"""The markets the embedded exchange can serve, by name."""

from virtuoso.simulator.capture import CaptureSource
from virtuoso.simulator.model_market import open_model
from virtuoso.simulator.recording import open_recording
from virtuoso.simulator.source import Source

NAMES = ("recording", "capture", "model")
MODEL_UNIVERSE = 15
"""Symbols of the model market, unless told."""


def open_source(name: str, seed: int, start_ms: int, universe: int = MODEL_UNIVERSE) -> Source:
    """The source `name`, from exchange time `start_ms`; the model has `universe` symbols, 1 to 700.

    Raises:
        ValueError: there is none of that name, or not so large.
    """
    match name:
        case "recording":
            return open_recording(seed, start_ms)
        case "capture":
            return CaptureSource(start_ms)
        case "model":
            return open_model(universe, seed, start_ms)
        case _:
            raise ValueError(f"no source {name!r}: choose {' or '.join(NAMES)}")
