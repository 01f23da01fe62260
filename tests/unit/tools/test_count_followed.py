"""The tool that counts what followed writes a module that holds its table."""

import numpy as np
from tools.count_followed import module

from virtuoso.analysis.forecast.followed import CELLS, LEAST_DAYS, MEASURES, FollowedTable
from virtuoso.analysis.forecast.horizons import HORIZONS_MIN
from virtuoso.analysis.forecast.shipped_followed import FOLLOWED
from virtuoso.simulator.history.dataset import load


def test_the_written_module_holds_the_table() -> None:
    names: dict[str, FollowedTable] = {}
    exec(module(FOLLOWED, ["a", "b"]), names)
    again = names["FOLLOWED"].arrays()
    assert all(np.array_equal(array, again[name], equal_nan=True) for name, array in FOLLOWED.arrays().items())
    assert max(map(len, module(FOLLOWED, ["a"]).splitlines())) <= 120


def test_the_shipped_table_knows_most_cells_and_nothing_of_the_bundled_history() -> None:
    assert FOLLOWED.until_ms < load().coarse_from
    assert FOLLOWED.horizons_min == HORIZONS_MIN
    assert FOLLOWED.shrunk.shape == (len(MEASURES), CELLS, len(HORIZONS_MIN))
    known = FOLLOWED.days >= LEAST_DAYS
    assert (np.isfinite(FOLLOWED.shrunk[0]) == known).all()
    assert known.mean() > 0.9
    rose = FOLLOWED.shrunk[0][known]
    assert rose.min() > 0.3
    assert rose.max() < 0.7
