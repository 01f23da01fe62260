"""Makes incidents of changes of the bridged band that enter or leave a stretched one, each once."""

from collections.abc import Callable, Collection, Mapping, Sequence

from virtuoso.alerts.changes import observe_pressure
from virtuoso.alerts.incidents import IncidentLog
from virtuoso.analysis.bands import band_of
from virtuoso.analysis.checkpoint import Checkpoint
from virtuoso.analysis.readings.evaluation import Evaluation
from virtuoso.model.signal import Band


class PressureLog:
    """Remembers the last band of each symbol; `standing` names the signal that stands for one, if any does."""

    def __init__(self, incidents: IncidentLog, standing: Callable[[Evaluation, str], str | None]) -> None:
        self._incidents = incidents
        self._standing = standing
        self._bands: dict[str, Band | None] = {}

    def observe(self, evaluation: Evaluation, symbols: Sequence[str], now_ms: int) -> None:
        """Make incidents of what changed with an evaluation of `symbols`."""
        for symbol in symbols:
            band, before = evaluation.bridged_band(symbol), self._bands.get(symbol)
            if band is not before:
                self._bands[symbol] = band
                score, signal_id = evaluation.reading(symbol).score, self._standing(evaluation, symbol)
                observe_pressure(self._incidents, symbol, before, band, now_ms, score, signal_id)

    def retain(self, symbols: Collection[str], now_ms: int) -> None:
        """Forget symbols that are not watched any more: nobody can tell whether they are still stretched."""
        for symbol in [symbol for symbol in self._bands if symbol not in symbols]:
            observe_pressure(self._incidents, symbol, self._bands.pop(symbol), None, now_ms, None)

    def resume(self, checkpoints: Mapping[str, Checkpoint]) -> None:
        """Go on from the bands that an earlier run stored: nobody is notified of them again."""
        for symbol, checkpoint in checkpoints.items():
            self._bands[symbol] = None if checkpoint.band is None else band_of(int(checkpoint.band))
