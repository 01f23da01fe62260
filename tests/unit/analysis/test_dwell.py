"""Minimum dwell, the market's regime and the log of transitions."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from virtuoso.analysis.regimes.dwell import Dwell, DwellRule, Held, MarketRegime, Transition, TransitionLog
from virtuoso.analysis.regimes.regime import REGIMES, Regime, classify, leading
from virtuoso.model.timeframe import Timeframe

MINUTE = 60_000
START_MS = 1_748_476_800_000
RULE = DwellRule(dwell=10, lead=5, margin=0.2)
UP, DOWN, RANGE, WILD = np.eye(4) * 0.7 + 0.075  # a clear lead of each
EVEN_UP, EVEN_RANGE = np.array([0.35, 0.15, 0.3, 0.2]), np.array([0.3, 0.15, 0.35, 0.2])  # leads by less than .2
UNKNOWN = np.full(4, np.nan)

Chances = arrays(np.float64, (4, 40, 3), elements=st.floats(0.01, 1.0)).map(lambda p: p / p.sum(axis=0))


def run(
    p: np.ndarray, rule: DwellRule = RULE, *, splits: tuple[int, ...] = (), every: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Codes and since [t, n] of probabilities [4, t, n] a close each, the state saved and loaded at `splits`."""
    n = p.shape[2]
    dwell = Dwell(rule, MINUTE)
    dwell.memory.reserve(n)
    out = []
    for k in range(p.shape[1]):
        if k in splits:
            state, dwell = dwell.memory.state(), Dwell(rule, MINUTE)
            dwell.memory.load(state)
        out.append(dwell.hold(slice(0, n), START_MS + k * every * MINUTE, p[:, k]))
    return np.stack([codes for codes, _ in out]), np.stack([since for _, since in out])


def labels(*steps: np.ndarray, rule: DwellRule = RULE) -> list[Regime | None]:
    """The regimes of one symbol."""
    codes = run(np.stack(steps, axis=1)[..., None], rule)[0][:, 0]
    return [None if np.isnan(code) else REGIMES[int(code)] for code in codes]


def slow(p: np.ndarray, rule: DwellRule) -> list[tuple[int, int]]:
    """Code and minute of entry, one symbol at a time, written down as the rule reads."""
    held = entered = led_from = leader = -1
    out = []
    for k in range(p.shape[1]):
        first = max(range(4), key=lambda r: p[r, k])
        if first == 0 and p[0, k] == p[1, k]:
            first = 2
        if first != leader:
            leader, led_from = first, k
        clear = p[leader, k] - p[held, k] >= rule.margin or k - led_from >= rule.lead
        if held < 0 or (leader != held and k - entered >= rule.dwell and clear):
            held, entered = leader, k
        out.append((held, entered))
    return out


def test_a_clear_leader_is_taken_once_the_dwell_is_over() -> None:
    got = labels(*[UP] * 3, *[DOWN] * 10)
    assert got == [Regime.BULLISH] * 10 + [Regime.BEARISH] * 3


def test_a_narrow_leader_is_taken_when_it_has_led_long_enough() -> None:
    got = labels(*[RANGE] * 12, *[EVEN_UP] * 8)
    assert got == [Regime.NEUTRAL] * 17 + [Regime.BULLISH] * 3


def test_leads_that_alternate_change_nothing() -> None:
    got = labels(*[RANGE] * 12, *[EVEN_UP, EVEN_RANGE] * 20)
    assert set(got) == {Regime.NEUTRAL}


def test_a_spike_that_is_over_before_the_dwell_changes_nothing() -> None:
    assert set(labels(*[RANGE] * 4, *[WILD] * 5, *[RANGE] * 20)) == {Regime.NEUTRAL}


def test_what_was_held_outlasts_the_unknown_and_cannot_be_left_by_it() -> None:
    got = labels(UP, UP, UNKNOWN, UNKNOWN, DOWN, DOWN, *[DOWN] * 5)
    assert got == [Regime.BULLISH] * 2 + [None] * 2 + [Regime.BULLISH] * 6 + [Regime.BEARISH]


def test_an_unknown_close_begins_the_lead_anew() -> None:
    got = labels(*[RANGE] * 12, *[EVEN_UP] * 4, UNKNOWN, *[EVEN_UP] * 7)
    assert got == [Regime.NEUTRAL] * 16 + [None] + [Regime.NEUTRAL] * 5 + [Regime.BULLISH] * 2


def test_a_part_that_is_unknown_makes_all_unknown() -> None:
    assert labels(np.array([0.9, 0.05, 0.05, np.nan]), UP) == [None, Regime.BULLISH]


@given(Chances)
def test_the_dwell_is_never_violated(p: np.ndarray) -> None:
    codes, since = run(p)
    for column, entered in zip(codes.T, since.T, strict=True):
        changes = np.flatnonzero(np.diff(column)) + 1
        times = [0, *changes.tolist()]
        assert all(b - a >= RULE.dwell for a, b in itertools.pairwise(times))
        np.testing.assert_array_equal(np.unique(entered), START_MS + MINUTE * np.array(times))


@given(Chances, st.integers(0, 15), st.integers(0, 8), st.sampled_from([0.0, 0.05, 0.2, 1.0]))
def test_it_is_the_slow_reference(p: np.ndarray, dwell: int, lead: int, margin: float) -> None:
    rule = DwellRule(dwell=dwell, lead=lead, margin=margin)
    codes, since = run(p, rule)
    for i in range(p.shape[2]):
        expected = slow(p[:, :, i], rule)
        assert codes[:, i].tolist() == [code for code, _ in expected]
        assert since[:, i].tolist() == [START_MS + k * MINUTE for _, k in expected]


@given(Chances, st.lists(st.integers(0, 39), max_size=3))
def test_saving_and_loading_anywhere_changes_nothing(p: np.ndarray, splits: list[int]) -> None:
    for one, other in zip(run(p), run(p, splits=tuple(splits)), strict=True):
        np.testing.assert_array_equal(one, other)


@given(Chances)
def test_a_mirrored_market_exchanges_up_and_down(p: np.ndarray) -> None:
    codes, since = run(p)
    mirrored, mirrored_since = run(p[[1, 0, 2, 3]])
    np.testing.assert_array_equal(np.array([1, 0, 2, 3])[mirrored.astype(int)], codes)
    np.testing.assert_array_equal(mirrored_since, since)


@given(Chances, st.permutations(range(3)))
def test_permuting_symbols_permutes_regimes(p: np.ndarray, order: list[int]) -> None:
    np.testing.assert_array_equal(run(p[:, :, order])[0], run(p)[0][:, order])


@given(arrays(np.float64, (4, 8, 2), elements=st.floats(0.01, 1.0)).map(lambda p: p / p.sum(axis=0)))
@settings(max_examples=30)
def test_half_hours_come_to_the_same_as_their_minutes(half_hours: np.ndarray) -> None:
    rule = DwellRule(dwell=60, lead=60, margin=0.2)
    codes, since = run(half_hours, rule, every=30)
    minutes = run(np.repeat(half_hours, 30, axis=1), rule)
    np.testing.assert_array_equal(minutes[0][::30], codes)
    np.testing.assert_array_equal(minutes[1][::30], since)


def test_rows_step_alone_and_a_reset_row_begins_anew() -> None:
    dwell = Dwell(RULE, MINUTE)
    dwell.memory.reserve(3)
    ups = np.stack([UP] * 3, axis=1)
    dwell.hold(slice(0, 3), START_MS, ups)
    late = dwell.hold(np.array([2]), START_MS + MINUTE, DOWN[:, None])
    assert (late[0].tolist(), late[1].tolist()) == ([0.0], [START_MS])
    dwell.memory.reset(np.array([2]))
    codes, since = dwell.hold(np.array([0, 2]), START_MS + 2 * MINUTE, np.stack([DOWN, DOWN], axis=1))
    assert codes.tolist() == [0.0, 1.0]
    assert since.tolist() == [START_MS, START_MS + 2 * MINUTE]


def test_held_regimes_are_what_a_symbol_shows() -> None:
    def regimes(drift: float) -> np.ndarray:
        return np.array([[40.0], [drift], [0.004], [0.004]])

    dwell = Dwell(RULE, MINUTE)
    dwell.memory.reserve(1)
    one = slice(0, 1)
    shown = [
        dwell.step(one, START_MS + k * MINUTE, classify(regimes(d), np.array([400.0]), Timeframe.M30)).of("X", 0)
        for k, d in enumerate([0.01, -0.01, np.nan])
    ]
    assert [(r.regime, r.since_ms) for r in shown] == [(Regime.BULLISH, START_MS)] * 2 + [(None, None)]
    probabilities = shown[1].probabilities
    assert probabilities is not None
    assert max(probabilities, key=probabilities.__getitem__) is Regime.BEARISH  # held against the likeliest


@pytest.mark.parametrize("wrong", [{"dwell": -1}, {"lead": -1}, {"margin": -0.1}, {"margin": 1.1}])
def test_a_rule_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="dwell and lead"):
        DwellRule(**wrong)


def test_the_market_is_held_like_a_symbol() -> None:
    market = MarketRegime(RULE, MINUTE)
    chances = [dict(zip(REGIMES, p.tolist(), strict=True)) for p in (UP, DOWN)]
    assert market.step(None, START_MS) == Held(regime=None, since_ms=None)
    entered = START_MS + MINUTE
    assert market.step(chances[0], entered) == Held(regime=Regime.BULLISH, since_ms=entered)
    assert market.step(chances[1], entered + 9 * MINUTE) == Held(regime=Regime.BULLISH, since_ms=entered)
    left = entered + 10 * MINUTE
    assert market.step(chances[1], left) == Held(regime=Regime.BEARISH, since_ms=left)


def test_transitions_are_logged_once_newest_first() -> None:
    log = TransitionLog()
    assert log.observe("A", Regime.NEUTRAL, 1) is None  # the first is no transition
    assert log.observe("A", Regime.NEUTRAL, 1) is None
    assert log.observe("A", None, None) is None
    up = Transition(symbol="A", before=Regime.NEUTRAL, after=Regime.BULLISH, at_ms=5)
    assert log.observe("A", Regime.BULLISH, 5) == up
    assert log.observe("A", Regime.BULLISH, 5) is None
    log.observe(None, Regime.VOLATILE, 2)
    market = Transition(symbol=None, before=Regime.VOLATILE, after=Regime.NEUTRAL, at_ms=6)
    assert log.observe(None, Regime.NEUTRAL, 6) == market
    assert log.recent() == (market, up)


def test_the_log_is_bounded_and_forgets_who_left() -> None:
    log = TransitionLog(keep=3)
    for k in range(10):
        log.observe("A", REGIMES[k % 2], k)
    assert [t.at_ms for t in log.recent()] == [9, 8, 7]
    log.observe(None, Regime.NEUTRAL, 1)
    log.retain({"B"})
    assert log.observe("A", Regime.VOLATILE, 11) is None  # back as if never seen
    assert log.observe(None, Regime.VOLATILE, 11) is not None  # the market never leaves
    assert len(log.recent()) == 3


def test_a_planted_flicker_is_calmed_but_not_silenced() -> None:
    rng = np.random.default_rng(5)
    truth = np.repeat([0, 2, 1, 2, 0], 300)
    noisy = np.full((4, truth.size), 0.2)
    noisy[truth, np.arange(truth.size)] = 0.4
    noisy = noisy + rng.uniform(0, 0.25, noisy.shape)
    noisy /= noisy.sum(axis=0)
    raw = leading(noisy)
    held = run(noisy[..., None], DwellRule())[0][:, 0]
    assert (np.diff(raw) != 0).sum() > 50
    assert (np.diff(held) != 0).sum() == 4
    assert (held == truth).mean() > 0.85


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_what_stands_is_taken_over_by_another(cut: int) -> None:
    p = np.random.default_rng(3).dirichlet(np.ones(4), 60).T[..., None]
    dwell = Dwell(RULE, MINUTE)
    dwell.memory.reserve(1)
    out = []
    for k in range(60):
        if k == cut:
            checkpoint, dwell = dwell.checkpoint(slice(0, 1))[:, 0].tolist(), Dwell(RULE, MINUTE)
            dwell.memory.reserve(1)
            dwell.resume(0, checkpoint)
        out.append(dwell.hold(slice(0, 1), START_MS + k * MINUTE, p[:, k])[0][0])
    np.testing.assert_array_equal(out, run(p)[0][:, 0])


def test_transitions_and_where_everybody_stood_are_taken_over() -> None:
    first = TransitionLog()
    first.observe("A", REGIMES[0], 1)
    first.observe("A", REGIMES[1], 2)
    second = TransitionLog()
    second.resume(first.recent(), first.checkpoint())
    assert second.observe("A", REGIMES[1], 2) is None  # known already
    changed = second.observe("A", REGIMES[2], 3)
    assert changed is not None
    assert second.recent() == (changed, *first.recent())
