"""Says once a day what a fit is to be made of, and which fit holds from which close on."""

from typing import Protocol

from virtuoso.analysis.forecast.fits.fit import Fit
from virtuoso.analysis.forecast.training import TrainingSet
from virtuoso.model.timeframe import Timeframe


class Fitted(Protocol):
    """A forecaster, as far as its fits go."""

    @property
    def fit(self) -> Fit | None:
        """The fit that holds; `None` while there is none."""
        ...

    def adopt(self, fit: Fit) -> None:
        """Forecast by `fit` from the next close on, unless the one that holds is better."""
        ...

    def training_set(self, close_ms: int) -> TrainingSet:
        """What was known at a time (epoch ms), to make a fit of."""
        ...


class DailyFits:
    """Gives a forecaster the fits that it goes by; it makes none by itself.

    Args:
        forecaster: whose fits they are.
        start: a fit to begin with, left aside where it has seen anything at or after the first close.
    """

    def __init__(self, forecaster: Fitted, start: Fit | None) -> None:
        self._forecaster = forecaster
        self._start = start
        self._next: tuple[int, Fit] | None = None
        self._asked_ms = 0
        self._due: TrainingSet | None = None

    def ask(self, close_ms: int) -> None:
        """Once a day: at 00:00 UTC, or at the first close after it where a restart or an outage missed that.

        Nothing is asked for where nothing was known by then that the fit which holds has not seen.
        """
        midnight_ms = Timeframe.D1.floor(close_ms)
        if midnight_ms <= self._asked_ms:
            return
        self._asked_ms, training = midnight_ms, self._forecaster.training_set(midnight_ms)
        fit = self._forecaster.fit
        seen_ms = 0 if fit is None else fit.last_ms
        if (training.close_ms > seen_ms).any():
            self._due = training

    def take_training(self) -> TrainingSet | None:
        """What a fit is due to, once: what was known at the last 00:00 UTC, read-only; else `None`."""
        due, self._due = self._due, None
        return due

    def adopt(self, fit: Fit, from_ms: int) -> None:
        """Let `fit` hold from the close `from_ms` (epoch ms) on."""
        self._next = (from_ms, fit)

    def begin(self, close_ms: int) -> None:
        """Let the fits hold that do from this close (epoch ms) on."""
        if self._start is not None and self._forecaster.fit is None and self._start.last_ms < close_ms:
            self._forecaster.adopt(self._start)
        self._start = None
        if self._next is not None and close_ms >= self._next[0]:
            self._forecaster.adopt(self._next[1])
            self._next = None
