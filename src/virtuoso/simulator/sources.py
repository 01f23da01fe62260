"""The markets the embedded exchange can serve, by name."""

from pathlib import Path

from virtuoso.model.clock import iso
from virtuoso.simulator.capture import CaptureSource
from virtuoso.simulator.history import OPENING_MS, HistorySource, open_history
from virtuoso.simulator.history.timeline import WEEK_MS
from virtuoso.simulator.model_market import open_model
from virtuoso.simulator.source import Source

NAMES = ("history", "capture", "model")
MODEL_UNIVERSE = 15
"""Symbols of the model market, unless told."""


def open_source(
    name: str, seed: int, start_ms: int, universe: int = MODEL_UNIVERSE, capture: Path | None = None
) -> Source:
    """The source `name`, from exchange time `start_ms`; the model has `universe` symbols, 1 to 700.

    Raises:
        ValueError: there is none of that name, or not so large, or the file of the capture is not named.
        UsageError: the capture cannot be read.
    """
    match name:
        case "history":
            return open_history(seed, start_ms)
        case "capture":
            if capture is None:
                raise ValueError("the source capture plays a file: name it")
            return CaptureSource(capture, start_ms)
        case "model":
            return open_model(universe, seed, start_ms)
        case _:
            raise ValueError(f"no source {name!r}: choose {' or '.join(NAMES)}")


def caveat(source: Source) -> str | None:
    """What would surprise whoever watches this market, to be said at its start; `None` = nothing."""
    return source.caveat if isinstance(source, CaptureSource) else None


def moment(source: Source) -> str | None:
    """Which moment of its history a market is at, in words; `None` where the market was not recorded for the loop."""
    if not isinstance(source, HistorySource):
        return None
    at_ms, back = source.moment
    return f"playing {iso(at_ms)} of the history{', backwards' if back else ''}"


def demo_start_ms(now_ms: int, wanted_ms: int | None = None) -> int:
    """The exchange time at which a demo begins: `wanted_ms`, whole weeks later or earlier, in the week before `now_ms`.

    Unless one is wanted it is just before the history's most eventful minutes. Bars repeat by the week, so
    that it is the same moment of the history, with bars before it as they were.
    """
    start_ms = OPENING_MS if wanted_ms is None else wanted_ms
    return start_ms + (now_ms - start_ms) // WEEK_MS * WEEK_MS
