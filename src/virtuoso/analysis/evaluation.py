"""What one close amounts to: arrays over symbols, from which a reading with its reasons is built when asked for."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from virtuoso.analysis.counterfactual import Counterfactuals, counterfactuals
from virtuoso.analysis.entry import Context
from virtuoso.analysis.regime import RegimeArrays, SymbolRegime
from virtuoso.analysis.scoring import FactorArrays, Total
from virtuoso.analysis.signals import LabelCodes, Labelled, LabelRule
from virtuoso.analysis.tree import branches_of, label_of, reading_of
from virtuoso.market.panel import Floats
from virtuoso.model.signal import Label, Reading
from virtuoso.model.timeframe import Timeframe


@dataclass(frozen=True)
class Evaluation:
    """The scores of n symbols at one base close; arrays are [n], `nan` for unknown; `label` −1 SELL, 0 HOLD, 1 BUY."""

    close_ms: int
    symbols: tuple[str, ...]
    base: Timeframe
    timeframes: tuple[Timeframe, ...]
    factors: tuple[FactorArrays, ...]
    total: Total
    labelled: Labelled
    regimes: RegimeArrays
    context: Context
    rule: LabelRule

    @cached_property
    def score(self) -> Floats:
        """Scores in [0, 100]."""
        return 50.0 * (1.0 + self.total.confluence.x)

    @property
    def label(self) -> LabelCodes:
        """Labels as codes."""
        return self.labelled.label

    @cached_property
    def _index(self) -> dict[str, int]:
        return {symbol: i for i, symbol in enumerate(self.symbols)}

    @cached_property
    def _readings(self) -> dict[str, Reading]:
        branches = branches_of(self)  # much larger than what they are needed for
        return {symbol: reading_of(self, branches, i) for symbol, i in self._index.items()}

    @cached_property
    def counterfactuals(self) -> Counterfactuals:
        """The nearest change of a single component that would change each label."""
        return counterfactuals(self.factors, self.total.confluence, self.labelled, self.rule)

    @cached_property
    def factor_contributions(self) -> Floats:
        """Score points of each factor [F, n]."""
        return self.total.confluence.contributions(np.stack([arrays.result.x for arrays in self.factors]))

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._index

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

    def signal(self, symbol: str) -> Label:
        """The label of one symbol alone, without building its tree."""
        return label_of(int(self.label[self._index[symbol]]))
