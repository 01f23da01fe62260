"""Sums of measures by symbol, hour, label and regime: exact, and the same in whatever order statements were settled.

They are whole multiples of 2⁻⁴⁰, so that adding rounds nothing; a day of 600 symbols stays far below what they hold.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.forecast.claims.signals import BUY, HOLD, SELL
from virtuoso.analysis.lived.came import Came
from virtuoso.analysis.lived.measures import AT, MEASURES, measured
from virtuoso.analysis.lived.statements import Statements
from virtuoso.analysis.regimes.regime import REGIMES
from virtuoso.market.panel import Floats
from virtuoso.model.timeframe import Timeframe

_SCALE: Final = 2.0**40
Group = tuple[str, str]
"""What is grouped by, and which: `("all", "")`, `("symbol", "BTCUSDT")`, `("hour", "13")`, and so on."""
ALL: Final[Group] = ("all", "")
BY: Final = ("all", "symbol", "hour", "label", "regime")
_LABELS: Final = {BUY: "BUY", SELL: "SELL", HOLD: "HOLD"}
_INT: Final = np.int64


class GroupSums:
    """The sums of each group, for one day, horizon and kind of statements."""

    def __init__(self) -> None:
        self._sums: dict[Group, NDArray[np.int64]] = {}

    @classmethod
    def of(cls, groups: Sequence[Group], measures: Sequence[str], values: NDArray[np.int64]) -> "GroupSums":
        """Go on from what `table` said, perhaps of other measures."""
        made = cls()
        chosen = [(i, AT[name]) for i, name in enumerate(measures) if name in AT]
        source, target = [i for i, _ in chosen], [at for _, at in chosen]
        for group, row in zip(groups, values, strict=True):
            made._sums[(group[0], group[1])] = whole = np.zeros(len(MEASURES), _INT)
            whole[target] = row[source]
        return made

    def add(self, said: Statements, came: Came) -> None:
        """Count statements and what came of them."""
        units = np.rint(measured(said, came) * _SCALE).astype(_INT)
        label = np.vectorize(lambda code: _LABELS.get(code, "unknown"), otypes=[object])(said["label"])
        regime = np.array([REGIMES[int(code)].value if code == code else "unknown" for code in said["regime"].tolist()])  # noqa: PLR0124 - nan
        self._add(ALL, units.sum(axis=1))
        self._add(("hour", f"{said.close_ms // Timeframe.H1.ms % 24:02}"), units.sum(axis=1))
        for by, names in (("label", label), ("regime", regime)):
            for name in sorted(set(names.tolist())):
                self._add((by, name), units[:, names == name].sum(axis=1))
        for i, symbol in enumerate(said.symbols):
            self._add(("symbol", symbol), units[:, i])

    def _add(self, group: Group, units: NDArray[np.int64]) -> None:
        if group in self._sums:
            self._sums[group] += units
        else:
            self._sums[group] = units.copy()

    def copy(self) -> "GroupSums":
        """The same, which stays as it is."""
        made = GroupSums()
        made._sums = {group: units.copy() for group, units in self._sums.items()}
        return made

    def table(self) -> tuple[tuple[Group, ...], NDArray[np.int64]]:
        """The groups in their order, and their sums [group, measure] in multiples of 2⁻⁴⁰."""
        groups = tuple(sorted(self._sums))
        return groups, np.stack([self._sums[group] for group in groups]) if groups else np.zeros(
            (0, len(MEASURES)), _INT
        )

    def groups(self) -> Iterator[Group]:
        """The groups that anything was counted of."""
        return iter(self._sums)

    def __getitem__(self, group: Group) -> Floats:
        """The sums of a group [measure], all 0 where nothing was counted of it."""
        found = self._sums.get(group)
        return np.zeros(len(MEASURES)) if found is None else found / _SCALE
