"""Statements wait until they are due, and are settled once."""

import numpy as np
from tests.support.lived import CLOSE_MS, statements

from virtuoso.analysis.lived.came import STOP, TARGET, Came, Way, came_of
from virtuoso.analysis.lived.pending import GRACE_MS, MINUTE_MS, Pending
from virtuoso.model.catalogue.lived import KNOWN, LATE, MISSING, UNWATCHED

HOURS = 60 * MINUTE_MS


class Market:
    """Answers with ways; what is not there yet has none."""

    def __init__(self) -> None:
        self.there: dict[str, Way | int | None] = {}
        self.asked: list[tuple[str, int]] = []

    def ways(self, symbol: str, open_ms: int, minutes: int, near: Way | None) -> Way | int | None:
        self.asked.append((symbol, minutes))
        return self.there.get(symbol, Way(10.0, 0.01 * minutes, 0.02 * minutes, -0.01, None))


def settled(pending: Pending, now_ms: int, market: Market) -> list[Came]:
    return [came for _, came in pending.settle(now_ms, market.ways)]


def test_each_horizon_is_settled_when_it_is_due_and_never_again() -> None:
    pending, market = Pending(), Market()
    pending.add(statements(np.random.default_rng(0), 2))
    assert settled(pending, CLOSE_MS + 15 * MINUTE_MS - 1, market) == []
    assert [came.horizon_min for came in settled(pending, CLOSE_MS + 15 * MINUTE_MS, market)] == [15]
    assert settled(pending, CLOSE_MS + 16 * MINUTE_MS, market) == []
    assert [came.horizon_min for came in settled(pending, CLOSE_MS + 5 * HOURS, market)] == [60, 240]
    assert len(pending) == 1
    assert [came.horizon_min for came in settled(pending, CLOSE_MS + 24 * HOURS, market)] == [1_440]
    assert len(pending) == 0
    assert settled(pending, CLOSE_MS + 48 * HOURS, market) == []


def test_bars_that_may_still_come_are_waited_for_and_then_missing() -> None:
    pending, market = Pending(), Market()
    market.there = {"S0USDT": None, "S1USDT": UNWATCHED, "S2USDT": MISSING}
    pending.add(statements(np.random.default_rng(0), 4))
    due_ms = CLOSE_MS + 15 * MINUTE_MS
    assert settled(pending, due_ms, market) == []
    asked = len(market.asked)
    assert settled(pending, due_ms + 1_000, market) == []
    assert len(market.asked) == asked, "asked once a minute"
    (came,) = settled(pending, due_ms + GRACE_MS, market)
    assert came["reason"].tolist() == [LATE, UNWATCHED, MISSING, KNOWN]
    assert np.isnan(came["closed"][:3]).all()
    assert np.isfinite(came["closed"][3])


def test_after_a_restart_bars_have_as_long_to_come() -> None:
    pending, market = Pending(), Market()
    market.there = {"S0USDT": None}
    said = statements(np.random.default_rng(0), 1)
    pending.add(said, [came_of(said, 15, [Way(1.0, 0.0, 0.0, 0.0, None)])])
    late_ms = CLOSE_MS + 10 * HOURS
    assert settled(pending, late_ms, market) == []
    assert [came["reason"].tolist() for came in settled(pending, late_ms + GRACE_MS, market)] == [[LATE], [LATE]]


def test_what_is_touched_first_and_a_minute_that_reaches_both_is_the_stop() -> None:
    rng = np.random.default_rng(0)
    said = statements(rng, 5, price=100.0, stop=-0.01, target=0.02)
    bars = np.array([[100.0, 100.5, 99.5, 100.0]] * 15)
    stopped, reached, both, neither, lower = (bars.copy() for _ in range(5))
    stopped[3, 2] = 98.9
    reached[4, 1], reached[9, 2] = 102.1, 98.0
    both[2, 1], both[2, 2] = 103.0, 98.0
    lower[:] = np.array([99.5, 99.5, 98.995, 99.2])  # entered lower: the stop stands where it did
    ways: list[Way | int] = [Way(b[0, 0], 0.0, 0.0, 0.0, b) for b in (stopped, reached, both, neither, lower)]
    assert came_of(said, 15, ways)["first"].tolist() == [STOP, TARGET, STOP, 0.0, STOP]
    short = statements(rng, 5, price=100.0, stop=0.01, target=-0.02)
    assert came_of(short, 15, ways)["first"].tolist() == [0.0, STOP, STOP, 0.0, 0.0]
    assert np.isnan(came_of(said, 1_440, ways)["first"]).all()


def test_levels_in_another_unit_than_the_bars_are_not_looked_at() -> None:
    """A contract that is multiplied at the very close: what was said is in the old unit, its entry in the new one."""
    said = statements(np.random.default_rng(0), 1, price=100.0, stop=-0.01, target=0.02)
    bars = np.array([[100_000.0, 103_000.0, 98_000.0, 100_000.0]] * 15)
    came = came_of(said, 15, [Way(100_000.0, 0.0, 0.03, -0.02, bars)])
    assert came["reason"].tolist() == [KNOWN]
    assert np.isnan(came["first"]).all()
