"""The scores of all symbols at one close, as arrays."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.bands import BandCodes, Banded, BandRule, band_of
from virtuoso.analysis.component import Component
from virtuoso.analysis.forecast.claims.signals import BUY, HOLD, SELL
from virtuoso.analysis.forecast.outlook import Said
from virtuoso.analysis.percentile import Ranked
from virtuoso.analysis.readings.chances import Chances, chances_of
from virtuoso.analysis.readings.counterfactual import Counterfactuals, counterfactuals
from virtuoso.analysis.readings.entry import Context, Entries
from virtuoso.analysis.readings.outlooks import label_of
from virtuoso.analysis.regimes.regime import RegimeArrays
from virtuoso.analysis.scoring import FactorArrays, Total
from virtuoso.market.panel import Floats, Ints
from virtuoso.model.evidence import DETAILED_ONLY, Evidence
from virtuoso.model.signal import Band, Label
from virtuoso.model.timeframe import Timeframe


@dataclass(frozen=True)
class Scores:
    """The scores of n symbols at one base close; arrays are [n], `nan` for unknown.

    `band` is −1 stretched down, 0 balanced, 1 stretched up, 2 unknown. `attainable` is the coverage that
    each symbol can reach, `evidence` of which kinds, `detailed` whether it is of the class with book and trades;
    `stale` whether a feed of it was.
    """

    close_ms: int
    symbols: tuple[str, ...]
    base: Timeframe
    timeframes: tuple[Timeframe, ...]
    factors: tuple[FactorArrays, ...]
    total: Total
    banded: Banded
    regimes: RegimeArrays
    ranked: Ranked
    context: Context
    rule: BandRule
    attainable: Floats
    evidence: tuple[Evidence, ...]
    detailed: tuple[bool, ...]
    stale: NDArray[np.bool_]
    said: Said | None
    rows: Ints

    @cached_property
    def score(self) -> Floats:
        """The scores in [0, 100], 50 being neutral; `nan` for unknown."""
        return 50.0 * (1.0 + self.total.confluence.x)

    @property
    def band(self) -> BandCodes:
        """The bands as codes: −1 stretched down, 0 balanced, 1 stretched up, 2 unknown."""
        return self.banded.band

    @cached_property
    def _index(self) -> dict[str, int]:
        return {symbol: i for i, symbol in enumerate(self.symbols)}

    @cached_property
    def counterfactuals(self) -> Counterfactuals:
        """The nearest change of a single component that would change each band."""
        return counterfactuals(self.factors, self.total.confluence, self.banded, self.rule)

    @cached_property
    def factor_contributions(self) -> Floats:
        """Score points of each factor [F, n]."""
        return self.total.confluence.contributions(np.stack([arrays.result.x for arrays in self.factors]))

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._index

    def signal(self, symbol: str) -> Label | None:
        """The label of one symbol alone, without building its tree; `None` while it is unknown."""
        said, at = self.said, self.places[self._index[symbol]]
        return None if said is None or at < 0 else label_of(said, int(at))

    def lacks(self, i: int, component: Component) -> str | None:
        """Why the symbol in column `i` cannot have what a component needs; `None` where it can."""
        missing = component.needs & ~self.evidence[i]
        if not missing:
            return None
        if not self.detailed[i] and missing & DETAILED_ONLY:
            return f"{missing.words}: watched for the first `universe.detailed` symbols only"
        return f"{missing.words}: not available the way this market is watched"

    @cached_property
    def places(self) -> Ints:
        """The columns [n] of the symbols in what is said of them, −1 where nothing is."""
        at = {} if self.said is None else {row: i for i, row in enumerate(self.said.forecasts.rows.tolist())}
        return np.array([at.get(row, -1) for row in self.rows.tolist()], dtype=np.int64)

    @cached_property
    def entries(self) -> Entries:
        """The entries of all, by the side of the signal, or without one by that of the score."""
        label = np.full(self.places.size, HOLD)
        if self.said is not None:
            label = np.where(self.places < 0, HOLD, self.said.signals.label[self.places])
        return self.context.entries((label == BUY) | ((label != SELL) & ~(self.score < 50.0)))

    @cached_property
    def chances(self) -> Chances:
        """How likely the stop of each entry is touched first, or its target."""
        return chances_of(self.entries, self.said, self.places)

    def claimed_ms(self, symbol: str) -> int | None:
        """The close at which the claim of a symbol was made; `None` where there is none."""
        said, at = self.said, int(self.places[self._index[symbol]])
        return None if said is None or at < 0 or np.isnan(said.signals.began_ms[at]) else int(said.signals.began_ms[at])

    def bridged_band(self, symbol: str) -> Band | None:
        """The band of one symbol with short unknown gaps bridged: whose changes are told as pressure."""
        return band_of(int(self.banded.bridged[self._index[symbol]]))
