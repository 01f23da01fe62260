"""The scores of all symbols at one close, as arrays."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.component import Component
from virtuoso.analysis.percentile import Ranked
from virtuoso.analysis.readings.counterfactual import Counterfactuals, counterfactuals
from virtuoso.analysis.readings.entry import Context
from virtuoso.analysis.regimes.regime import RegimeArrays
from virtuoso.analysis.scoring import FactorArrays, Total
from virtuoso.analysis.signals import LabelCodes, Labelled, LabelRule, label_of
from virtuoso.market.panel import Floats
from virtuoso.model.evidence import DETAILED_ONLY, Evidence
from virtuoso.model.signal import Label
from virtuoso.model.timeframe import Timeframe


@dataclass(frozen=True)
class Scores:
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
    ranked: Ranked
    context: Context
    rule: LabelRule
    attainable: Floats
    evidence: tuple[Evidence, ...]
    detailed: tuple[bool, ...]
    stale: NDArray[np.bool_]

    @cached_property
    def score(self) -> Floats:
        """The scores in [0, 100], 50 being neutral; `nan` for unknown."""
        return 50.0 * (1.0 + self.total.confluence.x)

    @property
    def label(self) -> LabelCodes:
        """The labels as codes: −1 SELL, 0 HOLD, 1 BUY, 2 unknown."""
        return self.labelled.label

    @cached_property
    def _index(self) -> dict[str, int]:
        return {symbol: i for i, symbol in enumerate(self.symbols)}

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
        return f"{missing.words}: not available the way this market is watched"

    def bridged(self, symbol: str) -> Label | None:
        """The label of one symbol with short unknown gaps bridged: what a signal is a change of."""
        return label_of(int(self.labelled.bridged[self._index[symbol]]))
