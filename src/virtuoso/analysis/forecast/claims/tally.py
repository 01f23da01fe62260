"""What became of claims, day by day, and what is earned by it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from virtuoso.analysis.forecast.claims.cells import CELLS, ClaimCell
from virtuoso.analysis.forecast.claims.evidence import holm, log_evidence, lower_bound
from virtuoso.market.panel import Floats, Ints

DAYS_LEAST, ENTRIES_LEAST = 20, 100
"""Days and non-overlapping entries below which nothing is earned."""
RECENT_DAYS = 20
"""Days whose mean net result must be above 0 still: what was earned once is withdrawn when it stops paying."""

_COUNT, _NET, _COST, _PAID, _AGAINST, _CLAIMED = range(6)
MEASURES = 6
"""What is summed of the entries of a day: their number, net bp, cost bp, how many paid, how many the other side would
have, and the probabilities claimed."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How one cell stands after the last whole day; money in bp per entry, each day weighing the same.

    `net_lower` is the lower bound of `net` at the cell's level among all cells; `pays` whether it is earned, `directed`
    whether the side is right more often than the other beyond costs, paying or not. `hit` is the share of entries
    that paid, `claimed` the mean probability given before, `right` the share of those beyond costs on either side
    that were on this one. `None` where there is no day or no such entry; `net_lower` also while days are too few for a
    bound.
    """

    cell: ClaimCell
    entries: int
    days: int
    net: float | None
    net_twice_cost: float | None
    net_lower: float | None
    hit: float | None
    claimed: float | None
    right: float | None
    pays: bool
    directed: bool


class Tally:
    """Adds up what claims of every cell brought, day by day.

    Args:
        cells: all that were ever tried.
    """

    def __init__(self, cells: tuple[ClaimCell, ...] = CELLS) -> None:
        self.cells = cells
        k = len(cells)
        self.through_day = -1
        self._days = np.zeros(k)
        self._sums = np.zeros((k, MEASURES))
        self._means = np.zeros((3, k))
        """Sums over days of the day's mean net, mean cost, and mean of right less wrong."""
        self._squares = np.zeros((3, k))
        self._recent: Floats = np.full((RECENT_DAYS, k), np.nan)
        self._standings: tuple[Standing, ...] | None = None

    def add(self, day: int, sums: Floats) -> None:
        """Take the `sums` [cells, MEASURES] of the entries of `day` (since 1970); cells without entries skip it."""
        count = sums[:, _COUNT]
        some = count > 0
        each = np.maximum(count, 1.0)
        means = np.stack([sums[:, _NET], sums[:, _COST], sums[:, _PAID] - sums[:, _AGAINST]]) / each
        self._days += some
        self._sums += sums
        self._means += means
        self._squares += means**2
        self._recent[:, some] = np.concatenate([self._recent[1:, some], means[:1, some]])
        self.through_day = day
        self._standings = None

    def standings(self) -> tuple[Standing, ...]:
        """How each cell stands, in the order of `cells`."""
        if self._standings is None:
            self._standings = self._judge()
        return self._standings

    def _judge(self) -> tuple[Standing, ...]:
        days = self._days
        n = np.maximum(days, 1.0)
        mean = self._means / n
        sd = np.sqrt(np.maximum(self._squares / n - mean**2, 0.0))
        enough = (days >= DAYS_LEAST) & (self._sums[:, _COUNT] >= ENTRIES_LEAST)
        paying, levels = holm(log_evidence(days, mean[0], sd[0]))
        directed, _ = holm(log_evidence(days, mean[2], sd[2]))
        seen = np.isfinite(self._recent)
        lasting = np.where(seen, self._recent, 0.0).sum(axis=0) > 0
        lower = lower_bound(days, mean[0], sd[0], levels)
        return tuple(
            self._standing(i, mean[:, i], float(lower[i]), pays=bool(p), directed=bool(d))
            for i, (p, d) in enumerate(zip(paying & enough & lasting, directed & enough, strict=True))
        )

    def _standing(self, i: int, mean: Floats, lower: float, *, pays: bool, directed: bool) -> Standing:
        sums, days = self._sums[i], int(self._days[i])
        count, beyond = sums[_COUNT], sums[_PAID] + sums[_AGAINST]
        known = days > 0
        return Standing(
            cell=self.cells[i],
            entries=int(count),
            days=days,
            net=float(mean[0]) if known else None,
            net_twice_cost=float(mean[0] - mean[1]) if known else None,
            net_lower=lower if np.isfinite(lower) else None,
            hit=float(sums[_PAID] / count) if known else None,
            claimed=float(sums[_CLAIMED] / count) if known else None,
            right=float(sums[_PAID] / beyond) if beyond else None,
            pays=pays,
            directed=directed,
        )

    def state(self) -> dict[str, Floats]:
        """Copies of all that is counted, as plain arrays."""
        return {
            "through_day": np.array([float(self.through_day)]),
            "days": self._days.copy(),
            "sums": self._sums.copy(),
            "means": self._means.copy(),
            "squares": self._squares.copy(),
            "recent": self._recent.copy(),
        }

    def load(self, state: Mapping[str, Floats]) -> None:
        """Go on from `state`. Cells that were added since begin now.

        Raises:
            ValueError: it counts more cells than there are.
        """
        k = state["days"].size
        if k > len(self.cells):
            raise ValueError(f"{k} claim cells were counted, and {len(self.cells)} are known")
        self.through_day = int(state["through_day"][0])
        self._days[:k] = state["days"]
        self._sums[:k] = state["sums"]
        self._means[:, :k] = state["means"]
        self._squares[:, :k] = state["squares"]
        self._recent[:, :k] = state["recent"]
        self._standings = None


def day_sums(shape: tuple[int, ...], at: tuple[Ints, Ints], gross: Floats, cost: Floats, claimed: Floats) -> Floats:
    """The sums [cells, MEASURES] over symbols of some entries that ended, each one of a cell and a column `at`.

    They are taken over all columns [cells, n] = `shape`, so that whoever else ended, entries are added in one order.
    `gross` is the return on the side taken and `cost` that of the round trip, bp; `claimed` the probability that was
    given. An entry paid where gross > cost, and the other side would have where −gross > cost: exactly the cost is
    within it.
    """
    values = np.zeros((MEASURES, *shape))
    values[(slice(None), *at)] = np.ones(gross.size), gross - cost, cost, gross > cost, -gross > cost, claimed
    sums: Floats = values.sum(axis=2).T
    return sums
