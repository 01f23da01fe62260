"""What of a block is new to each row: nothing twice, and what was missed as bars of which nothing is known."""

import numpy as np

from virtuoso.analysis.block import Memory, Vector
from virtuoso.analysis.forecast.consecutive import Consecutive
from virtuoso.market.panel import BAR_FIELDS, BarBlock
from virtuoso.model.timeframe import Timeframe

FORGOTTEN = 10


def _block(first: int, bars: int, rows: list[int]) -> BarBlock:
    """Bars `first` … of some rows, whose values are their numbers."""
    numbers = np.arange(first, first + bars, dtype=np.int64)
    values = np.repeat(numbers[:, None].astype(np.float64), len(rows), axis=1)
    arrays = dict.fromkeys(BAR_FIELDS, values)
    return BarBlock(timeframe=Timeframe.M1, rows=np.array(rows), open_ms=numbers * Timeframe.M1.ms, **arrays)


def _consecutive() -> tuple[Consecutive, Vector]:
    """Of two rows, beside what else is kept of them."""
    memory = Memory()
    consecutive, kept = Consecutive(memory, Timeframe.M1, FORGOTTEN), memory.vector(fill=0.0)
    memory.reserve(2)
    return consecutive, kept


def _taken(consecutive: Consecutive, block: BarBlock) -> dict[int, list[tuple[int, float]]]:
    """By row, the numbers and closes that its step is given."""
    found: dict[int, list[tuple[int, float]]] = {}
    for part in consecutive.parts(block):
        assert part.block.rows.tolist() == block.rows[part.columns].tolist()
        if not part.missed:
            assert part.number * Timeframe.M1.ms == block.open_ms[part.skip]
        assert part.block.open_ms.tolist() == [
            number * Timeframe.M1.ms for number in range(part.number, part.number + part.block.open_ms.size)
        ]
        for column, row in enumerate(part.block.rows.tolist()):
            numbers = range(part.number, part.number + part.block.open_ms.size)
            found.setdefault(row, []).extend(zip(numbers, part.block.close[:, column].tolist(), strict=True))
    return found


def test_a_row_begins_with_the_first_bar_that_it_is_given() -> None:
    consecutive, _ = _consecutive()
    assert _taken(consecutive, _block(100, 2, [0])) == {0: [(100, 100.0), (101, 101.0)]}


def test_bars_seen_already_are_passed_over_and_a_late_row_comes_alone() -> None:
    consecutive, _ = _consecutive()
    _taken(consecutive, _block(100, 3, [0]))
    assert _taken(consecutive, _block(101, 3, [0, 1])) == {
        0: [(103, 103.0)],
        1: [(n, float(n)) for n in (101, 102, 103)],
    }
    assert _taken(consecutive, _block(101, 2, [0, 1])) == {}
    assert _taken(consecutive, _block(104, 1, [0, 1])) == {0: [(104, 104.0)], 1: [(104, 104.0)]}, "nothing went back"


def test_bars_missed_come_before_the_block_and_are_unknown() -> None:
    consecutive, _ = _consecutive()
    _taken(consecutive, _block(100, 3, [0]))
    _taken(consecutive, _block(100, 5, [1]))
    taken = _taken(consecutive, _block(105, 1, [0, 1]))
    assert [number for number, _ in taken[0]] == [103, 104, 105]
    assert np.isnan([close for _, close in taken[0][:2]]).all()
    assert taken[0][2] == (105, 105.0)
    assert taken[1] == [(105, 105.0)]


def test_after_a_long_gap_a_row_begins_anew_and_others_do_not() -> None:
    consecutive, kept = _consecutive()
    _taken(consecutive, _block(100, 1, [0]))
    _taken(consecutive, _block(100, FORGOTTEN + 1, [1]))
    kept.put(slice(0, 2), np.array([7.0, 7.0]))
    at = 100 + FORGOTTEN + 1
    taken = _taken(consecutive, _block(at, 1, [0, 1]))
    assert taken == {0: [(at, float(at))], 1: [(at, float(at))]}
    assert kept.get(slice(0, 2)).tolist() == [0.0, 7.0]
