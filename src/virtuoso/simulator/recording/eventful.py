"""The most eventful hour of a recording, found by measuring its bars: the demo opens just before it."""

import numpy as np

from virtuoso.simulator.recording.dataset import CLOSE, VOLUME, Floats, Recorded, Recording
from virtuoso.simulator.recording.timeline import MINUTE_MS

_HOUR = 60
_SHARE = 0.25


def eventful_ms(recording: Recording) -> int:
    """When (recorded, epoch ms) the first eventful minute of the most eventful hour opens.

    A minute is as eventful as its symbols move and trade beyond what is usual of each: the mean over all symbols of
    |log return| ÷ its root mean square, times log(volume ÷ median volume) where that is above 0. The hour is the one
    with the greatest sum; its first eventful minute is the first with a quarter of what its greatest has.
    """
    minutes = (recording.until - recording.loop_from) // MINUTE_MS
    events = np.mean([_events(recorded, minutes) for recorded in recording.symbols.values()], axis=0)
    hour = int(np.convolve(events, np.ones(_HOUR), "valid").argmax())
    first = np.argmax(events[hour : hour + _HOUR] >= _SHARE * events[hour : hour + _HOUR].max())
    return int(recording.loop_from + (hour + first) * MINUTE_MS)


def _events(recorded: Recorded, minutes: int) -> Floats:
    """How eventful each minute of the loop is for one symbol."""
    close = np.log(recorded.fine[-minutes - 1 :, CLOSE].astype(np.float64))
    volume = np.maximum(recorded.fine[-minutes:, VOLUME], 1).astype(np.float64)
    moves = np.abs(np.diff(close))
    usual = max(float(np.sqrt(np.mean(moves**2))), 1e-12)
    return np.asarray(moves / usual * np.maximum(np.log(volume / np.median(volume)), 0.0))
