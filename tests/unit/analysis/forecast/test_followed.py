"""What followed, against a slow count of it; shrinkage against statsmodels' meta-analysis."""

from collections import defaultdict
from functools import cache

import numpy as np
import pytest
from tests.support.lazily import Lazily

from virtuoso.analysis.block import Memory
from virtuoso.analysis.forecast.followed import CELLS, DAYS, LEAST_DAYS, Followed, FollowedTable, cells_of
from virtuoso.market.panel import Floats, Ints

meta_analysis = Lazily("statsmodels.stats.meta_analysis")
HORIZONS = (15, 60)
N = 6
FIRST_MS = 20_000 * 86_400_000
QUARTER_MS = 900_000


def history(days: int, seed: int = 1, effect: float = 0.0) -> tuple[Ints, Floats, Floats, Floats, Floats]:
    """Closes, percentiles, regimes, volatilities, outcomes; the lowest decile's next 15 minutes rise by `effect`."""
    rng = np.random.default_rng(seed)
    t = 96 * days
    close_ms = FIRST_MS + QUARTER_MS * np.arange(t)
    percentile = rng.uniform(0, 100, (t, N))
    regime = rng.integers(0, 4, (t, N)).astype(float)
    volatility = np.exp(0.3 * rng.standard_normal((2, t, N))) * 1e-3
    outcomes = rng.standard_normal((2, t, N)) * 1e-3
    outcomes[0, 1:] += effect * volatility[0, :-1] * (percentile[:-1] < 10)
    percentile[rng.uniform(size=(t, N)) < 0.02] = np.nan
    outcomes[:, rng.choice(t, 30), 2] = np.nan
    return close_ms, percentile, regime, volatility, outcomes


def stepped(data: tuple[Ints, Floats, Floats, Floats, Floats], lengths: list[int]) -> Followed:
    memory = Memory()
    followed = Followed(memory, HORIZONS)
    memory.reserve(N)
    at = 0
    for length in lengths:
        part = slice(at, at + length)
        close_ms, percentile, regime, volatility, outcomes = data
        followed.step(
            close_ms[part], slice(0, N), percentile[part], regime[part], volatility[:, part], outcomes[:, part]
        )
        at += length
    return followed


def slow(data: tuple[Ints, Floats, Floats, Floats, Floats], i: int) -> tuple[dict[int, list[float]], list[float]]:
    """Daily means of the returns that followed, in volatilities, by cell and of all, over the i-th horizon."""
    close_ms, percentile, regime, volatility, outcomes = data
    ahead = HORIZONS[i] // 15
    cells: dict[tuple[int, int], list[float]] = defaultdict(list)
    every: dict[int, list[float]] = defaultdict(list)
    for t in range(len(close_ms) - ahead):
        for column in range(N):
            moved = outcomes[i, t + ahead, column] / volatility[i, t, column]
            if np.isnan(moved) or np.isnan(percentile[t, column]):
                continue
            day = int(close_ms[t]) // 86_400_000
            cells[int(cells_of(percentile[t, column], regime[t, column])), day].append(moved)
            every[day].append(moved)
    by_cell: dict[int, list[float]] = defaultdict(list)
    for (cell, _), values in sorted(cells.items()):
        by_cell[cell].append(float(np.mean(values)))
    return by_cell, [float(np.mean(every[day])) for day in sorted(every)]


DATA = history(25)


@cache
def whole() -> Followed:
    """What followed the readings of the history, taken in one block."""
    return stepped(DATA, [len(DATA[0])])


@pytest.mark.parametrize("i", [0, 1])
def test_the_table_is_a_slow_count_of_what_followed(i: int) -> None:
    table, (by_cell, every) = whole().table(), slow(DATA, i)
    assert table.base[1, i] == pytest.approx(np.mean(every))
    assert len(by_cell) == CELLS
    for cell, daily in by_cell.items():
        assert table.days[cell, i] == len(daily)
        if len(daily) >= LEAST_DAYS:
            assert table.plain[1, cell, i] == pytest.approx(np.mean(daily))
        else:
            assert np.isnan(table.plain[:, cell, i]).all()
    assert np.isfinite(table.plain).all(axis=0).sum() > CELLS


def test_below_twenty_days_nothing_is_said() -> None:
    early = stepped(DATA, [96 * 19]).table()
    assert np.isnan(early.shrunk).all()
    assert np.isnan(early.plain).all()
    assert np.isfinite(early.base).all()


def test_shrinkage_is_that_of_a_meta_analysis() -> None:
    """τ² by statsmodels, of daily differences of cells that have days enough."""
    data = history(40, effect=0.5)
    table = stepped(data, [len(data[0])]).table()
    means, errors, cells = [], [], []
    sums = stepped(data, [len(data[0])]).state()["sums"]
    count, moves = sums[:, 0, :, 0], sums[:, 2, :, 0]
    for cell in range(CELLS):
        days = count[:, cell] > 0
        of_all = moves[days].sum(axis=1) / count[days].sum(axis=1)
        apart = moves[days, cell] / count[days, cell] - of_all
        if days.sum() >= LEAST_DAYS:
            cells.append(cell)
            means.append(apart.mean())
            errors.append(apart.var(ddof=1) / days.sum())
    between = meta_analysis.combine_effects(np.array(means), np.array(errors), method_re="dl").tau2
    expected = table.base[1, 0] + np.array(means) * between / (between + np.array(errors))
    assert table.shrunk[1, cells, 0] == pytest.approx(expected)


def test_a_true_difference_stays_and_chance_is_shrunk_away() -> None:
    table = stepped(history(60, seed=3, effect=0.5), [96 * 60]).table()
    lowest = cells_of(np.full(4, 5.0), np.arange(4.0)).astype(int)
    others = np.setdiff1d(np.arange(CELLS), lowest)
    apart = table.shrunk[1, :, 0] - table.base[1, 0]
    assert (apart[lowest] > 0.3).all()
    chance = table.plain[1, others, 1] - table.base[1, 1]
    assert np.abs(table.shrunk[1, others, 1] - table.base[1, 1]).max() < 0.3 * np.abs(chance).max()


def same(one: FollowedTable, other: FollowedTable) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True)
        for name in ("days", "readings", "plain", "shrunk", "base")
    )


@pytest.mark.parametrize("lengths", [[1] * 96, [7, 50, 39]])
def test_where_a_history_is_split_changes_nothing(lengths: list[int]) -> None:
    assert same(stepped(DATA, [*lengths * 25]).table(), whole().table())


def test_a_close_that_was_missed_pairs_with_nothing() -> None:
    """A day's readings, a day without any, and outcomes that would fit them but for the day between."""
    close_ms, percentile, regime, volatility, outcomes = history(2)
    followed = stepped((close_ms, percentile, regime, volatility, outcomes), [96])
    before = followed.table().readings.sum()
    late = slice(96 + 40, 96 + 41)
    followed.step(
        close_ms[late], slice(0, N), percentile[late], regime[late], volatility[:, late], np.ones((2, 1, N)) * 1e-3
    )
    assert followed.table().readings.sum() == before


def test_days_are_forgotten_after_ninety() -> None:
    data = history(30)
    followed = stepped(data, [len(data[0])])
    close_ms, *rest = history(3)
    later = close_ms + DAYS * 86_400_000
    followed.step(later, slice(0, N), rest[0], rest[1], rest[2], rest[3])
    assert followed.table().days.max() == 30


def test_it_goes_on_from_a_state() -> None:
    other, table = Followed(Memory(), HORIZONS), whole().table()
    other.load(whole().state())
    assert same(other.table(), table)
    assert other.table().until_ms == table.until_ms == DATA[0][-1]
    with pytest.raises(ValueError, match="another make"):
        other.load({"sums": np.zeros(1)})
