"""Pressure: changes of the bridged band that enter or leave a stretched one, each told once."""

from collections.abc import Collection, Mapping, Sequence

from virtuoso.alerts.changes import observe_pressure
from virtuoso.alerts.incidents import IncidentLog
from virtuoso.analysis.bands import band_of
from virtuoso.analysis.checkpoint import Checkpoint
from virtuoso.analysis.readings.evaluation import Evaluation
from virtuoso.model.signal import Band


class PressureLog:
    """The band told last of each symbol."""

    def __init__(self, incidents: IncidentLog) -> None:
        self._incidents = incidents
        self._told: dict[str, Band | None] = {}

    def observe(self, evaluation: Evaluation, symbols: Sequence[str], now_ms: int) -> None:
        """Make incidents of what changed with an evaluation of `symbols`."""
        for symbol in symbols:
            band, before = evaluation.bridged_band(symbol), self._told.get(symbol)
            if band is not before:
                self._told[symbol] = band
                observe_pressure(self._incidents, symbol, before, band, now_ms, evaluation.reading(symbol).score)

    def retain(self, symbols: Collection[str], now_ms: int) -> None:
        """Forget what is watched no longer: nobody can tell whether it is still stretched."""
        for symbol in [symbol for symbol in self._told if symbol not in symbols]:
            observe_pressure(self._incidents, symbol, self._told.pop(symbol), None, now_ms, None)

    def resume(self, checkpoints: Mapping[str, Checkpoint]) -> None:
        """Go on from the bands that an earlier run kept: what was told then is not told again."""
        for symbol, checkpoint in checkpoints.items():
            self._told[symbol] = None if checkpoint.band is None else band_of(int(checkpoint.band))
