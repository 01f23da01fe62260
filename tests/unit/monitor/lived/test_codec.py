"""What is packed for the database comes back to the last bit, and what is no such thing is refused."""

from dataclasses import replace

import numpy as np
import pytest
from tests.support.lived import CLOSE_MS, came, statements

from virtuoso.analysis.lived.came import Way
from virtuoso.analysis.lived.sums import GroupSums
from virtuoso.market.bars import SymbolBars
from virtuoso.market.state import MarketState
from virtuoso.model.market import Bar
from virtuoso.model.timeframe import Timeframe
from virtuoso.monitor.lived.codec import (
    came_from,
    packed_came,
    packed_statements,
    packed_sums,
    statements_from,
    sums_from,
)
from virtuoso.monitor.lived.ways import ways_of

MINUTE = 60_000


def test_all_of_it_comes_back() -> None:
    rng = np.random.default_rng(1)
    said = statements(rng, 7)
    again = statements_from(packed_statements(said), said.close_ms, said.kind, said.part)
    assert (again.symbols, again.version, again.horizon_min) == (said.symbols, said.version, said.horizon_min)
    np.testing.assert_array_equal(again.values, said.values)
    after = came(rng, said, 60, missing=2)
    np.testing.assert_array_equal(came_from(packed_came(after), CLOSE_MS, "reading", 0, 60).values, after.values)
    sums = GroupSums()
    sums.add(said, after)
    found = sums_from(packed_sums(sums)).table()
    assert found[0] == sums.table()[0]
    np.testing.assert_array_equal(found[1], sums.table()[1])


@pytest.mark.parametrize("body", [b"", b"no", packed_sums(GroupSums())[:-3]])
def test_what_is_no_such_thing_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        statements_from(body, 0, "reading", 0)
    with pytest.raises(ValueError, match=r"\w"):
        sums_from(body)


def test_a_table_that_is_not_of_its_names_is_refused() -> None:
    said = statements(np.random.default_rng(1), 3)
    for other in (replace(said, symbols=said.symbols[:2]), replace(said, values=said.values[:-1])):
        with pytest.raises(ValueError, match="that it names"):
            statements_from(packed_statements(other), said.close_ms, said.kind, said.part)


def test_a_way_that_is_put_together_is_the_one_of_all_its_minutes() -> None:
    rng = np.random.default_rng(4)
    frames = (Timeframe.M1, Timeframe.M5)
    price = 100 * np.exp(np.cumsum(rng.normal(0, 1e-3, 3_001)))
    bars = [
        Bar(CLOSE_MS + k * MINUTE, a, max(a, b) * 1.001, min(a, b) * 0.999, b, 1.0, 1.0, confirmed=True)
        for k, (a, b) in enumerate(zip(price[:-1].tolist(), price[1:].tolist(), strict=True))
    ]
    whole, short = MarketState(frames, capacity=4_000), MarketState(frames, capacity=300)
    for market in (whole, short):
        market.add("S")
        history: SymbolBars = market["S"].history
        history.load(Timeframe.M1, bars)
    for begin in (1_500, 1_507, 1_558):  # on the grid of 5m and beside it
        open_ms = CLOSE_MS + begin * MINUTE
        near = ways_of(whole)("S", open_ms, 15, None)
        direct, joined = (ways_of(market)("S", open_ms, 1_440, near) for market in (whole, short))  # type: ignore[arg-type]
        assert isinstance(direct, Way)
        assert isinstance(joined, Way)
        assert joined.bars is None
        assert (joined.entry, joined.closed) == (direct.entry, pytest.approx(direct.closed, rel=1e-12))
        assert (joined.highest, joined.lowest) == pytest.approx((direct.highest, direct.lowest), rel=1e-12)
    assert ways_of(short)("S", CLOSE_MS, 15, None) == 1
    assert ways_of(short)("S", CLOSE_MS + 2_990 * MINUTE, 15, None) is None
    assert ways_of(short)("T", CLOSE_MS, 15, None) == 2
