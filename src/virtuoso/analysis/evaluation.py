"""What one close amounts to: arrays over symbols, from which a reading with its reasons is built when asked for."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.component import Component
from virtuoso.analysis.counterfactual import Counterfactuals, counterfactuals
from virtuoso.analysis.entry import Context
from virtuoso.analysis.regime import RegimeArrays, SymbolRegime
from virtuoso.analysis.scoring import FactorArrays, Total
from virtuoso.analysis.signals import LabelCodes, Labelled, LabelRule
from virtuoso.analysis.tree import branches_of, label_of, reading_of
from virtuoso.market.panel import Floats
from virtuoso.model.evidence import DETAILED_ONLY, Evidence
from virtuoso.model.signal import Label, Reading
from virtuoso.model.timeframe import Timeframe


@dataclass(frozen=True)
class Evaluation:
    """The scores of n symbols at one base close; arrays are [n], `nan` for unknown.

    `label` is −1 SELL, 0 HOLD, 1 BUY, 2 unknown. `attainable` is the coverage that each symbol can reach, `evidence` of
    which kinds, `detailed` whether it is of the class with book and trades; `stale` whether a feed of it was.
    """

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
    attainable: Floats
    evidence: tuple[Evidence, ...]
    detailed: tuple[bool, ...]
    stale: NDArray[np.bool_]

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

    def signal(self, symbol: str) -> Label | None:
        """The label of one symbol alone, without building its tree; `None` while it is unknown."""
        return label_of(int(self.label[self._index[symbol]]))

    def lacks(self, i: int, component: Component) -> str | None:
        """Why the symbol in column `i` cannot have what a component needs; `None` where it can."""
        missing = component.needs & ~self.evidence[i]
        if not missing:
            return None
        if not self.detailed[i] and missing & DETAILED_ONLY:
            return f"{missing.words}: watched for the first `universe.detailed` symbols only"
        return f"{missing.words}: not to be had the way this market is watched"

    def standing(self, symbol: str) -> Label | None:
        """The label of one symbol with short unknown gaps bridged: what a signal is a change of."""
        return label_of(int(self.labelled.standing[self._index[symbol]]))
