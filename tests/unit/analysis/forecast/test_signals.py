"""A signal is a claim with an end: begun by what was earned, never prolonged, over at once when it does not hold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from virtuoso.analysis.forecast.claims.signals import BUY, HOLD, SELL, UNKNOWN, Signals, SignalState

BAR, HOUR = 60_000, 3_600_000
START = 1_800_000_000_000
EARNED = (True, True)


def run(
    up: list[float], pays: tuple[bool, bool] = EARNED, fresh: list[bool] | None = None, **more: float
) -> list[Signals]:
    """One symbol, a close a minute, the other side always at .1."""
    state, row = SignalState(HOUR, **more), slice(0, 1)
    state.memory.reserve(1)
    found = []
    for k, p in enumerate(up):
        ok = np.array([True if fresh is None else fresh[k]])
        found.append(state.step(row, START + k * BAR, np.array([100.0 + k]), np.array([p]), np.array([0.1]), pays, ok))
    return found


def labels(found: list[Signals]) -> list[int]:
    return [int(each.label[0]) for each in found]


def test_a_claim_begins_beyond_the_margin_and_ends_where_its_probability_falls_to_one_half() -> None:
    found = run([0.51, 0.53, 0.505, 0.501, 0.5, 0.515])
    assert labels(found) == [HOLD, BUY, BUY, BUY, HOLD, HOLD]
    claim = found[3]
    assert (claim.confidence[0], claim.price[0], claim.began_ms[0]) == (0.53, 101.0, START + BAR)
    assert claim.expires_ms[0] == START + BAR + HOUR
    assert found[4].confidence[0] == 0.5


def test_a_claim_is_over_at_its_expiry_and_another_is_a_new_one() -> None:
    found = run([0.6] * 62)
    assert labels(found) == [BUY] * 62
    assert [int(each.began_ms[0] - START) // BAR for each in found] == [0] * 60 + [60] * 2
    assert found[60].price[0] == 160.0


def test_what_was_not_earned_is_not_claimed_however_likely() -> None:
    assert labels(run([0.9] * 3, pays=(False, True))) == [HOLD] * 3
    state = SignalState(HOUR)
    state.memory.reserve(1)
    one, may = np.ones(1), np.array([True])
    assert state.step(slice(0, 1), START, one, 0.2 * one, 0.7 * one, EARNED, may).label.tolist() == [SELL]
    withdrawn = state.step(slice(0, 1), START + BAR, one, 0.2 * one, 0.7 * one, (True, False), may)
    assert withdrawn.label.tolist() == [SELL], "what was claimed stands as long as it said"


def test_a_claim_ends_at_once_on_stale_inputs() -> None:
    found = run([0.6, 0.6, 0.51], fresh=[True, False, True])
    assert labels(found) == [BUY, UNKNOWN, HOLD]
    assert np.isnan(found[1].confidence[0])


def test_a_close_decides_once() -> None:
    state = SignalState(HOUR)
    state.memory.reserve(1)
    one, may = np.ones(1), np.array([True])
    first = state.step(slice(0, 1), START, one, 0.51 * one, 0.1 * one, EARNED, may)
    again = state.step(slice(0, 1), START, one, 0.9 * one, 0.1 * one, EARNED, may)
    assert first.label.tolist() == again.label.tolist() == [HOLD]


@pytest.mark.parametrize("unknown", [np.nan])
def test_an_unknown_probability_claims_nothing_and_has_neither_label_nor_confidence(unknown: float) -> None:
    found = run([0.6, unknown])
    assert labels(found) == [BUY, UNKNOWN]
    assert np.isnan(found[1].confidence[0])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.floats(0, 0.2))
def test_every_label_follows_from_the_last_claim_alone(up: list[float], margin: float) -> None:
    """A slow walk: a claim or none, and nothing else remembered."""
    began, claimed = None, 0.0
    for k, (p, each) in enumerate(zip(up, run(up, margin=margin), strict=True)):
        if began is not None and (k - began >= 60 or p <= 0.5):
            began = None
        if began is None and p > 0.5 + margin:
            began, claimed = k, p
        assert each.label[0] == (HOLD if began is None else BUY)
        assert each.confidence[0] == (1 - max(p, 0.1) if began is None else claimed)
