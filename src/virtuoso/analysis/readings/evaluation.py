"""What one close amounts to: scores, and for each symbol a reading with its reasons, built when it is asked for."""

from collections.abc import Iterator
from functools import cached_property

from virtuoso.analysis.readings.scores import Scores
from virtuoso.analysis.readings.tree import branches_of, reading_of
from virtuoso.analysis.regimes.regime import SymbolRegime
from virtuoso.model.signal import Reading


class Evaluation(Scores):
    """The scores of n symbols at one base close, with their readings and regimes."""

    @cached_property
    def _readings(self) -> dict[str, Reading]:
        branches = branches_of(self)  # much larger than what they are needed for
        return {symbol: reading_of(self, branches, i) for symbol, i in self._index.items()}

    def reading(self, symbol: str) -> Reading:
        """The whole tree of one symbol, all built at once; `KeyError` when it is not in this evaluation."""
        return self._readings[symbol]

    def readings(self) -> Iterator[Reading]:
        """The trees of all symbols, in their order."""
        return iter(self._readings.values())

    @cached_property
    def _regimes(self) -> dict[str, SymbolRegime]:
        return {symbol: self.regimes.of(symbol, i) for symbol, i in self._index.items()}

    def regime(self, symbol: str) -> SymbolRegime:
        """The regime of one symbol, all built at once; `KeyError` when it is not in this evaluation."""
        return self._regimes[symbol]
