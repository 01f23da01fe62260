"""Sudden moves: in units of the symbol's own volatility within a minute, or in percent whatever it is."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from math import exp, inf, log, nan, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.detectors import MINUTE, PARAMETERS, START_MS, Desk, minutes, ns, seconds

from virtuoso.alerts.fast.move import SuddenMove

SIGMA = 1e-3
LIMIT_PCT = 100 * (exp(PARAMETERS.sudden_move.sigmas * SIGMA) - 1)
QUIET = [100.0, 100.01] * 60


def detector(desk: Desk, sigma: float | None = SIGMA, closes: Sequence[float] = ()) -> SuddenMove:
    found = SuddenMove("X", PARAMETERS.sudden_move, desk.findings, desk.moves)
    found.baseline(sigma, closes, START_MS)
    return found


def played(
    desk: Desk, prices: Sequence[float], sigma: float | None = SIGMA, closes: Sequence[float] = ()
) -> SuddenMove:
    found = detector(desk, sigma, closes)
    for at_ms, price in seconds(START_MS, prices):
        found.see(at_ms, price, ns(at_ms))
    return found


def test_a_planted_move_is_found_at_its_threshold_and_the_stream_without_it_holds_none() -> None:
    bare, nearly, desk = Desk(), Desk(), Desk()
    played(bare, [*QUIET, 100.0])
    played(nearly, [*QUIET, 100.0 * (1 + 0.99 * LIMIT_PCT / 100)])
    assert bare.all() == nearly.all() == []
    played(desk, [*QUIET, 100.0 * (1 + 1.01 * LIMIT_PCT / 100)])
    (found,) = desk.all()
    assert (found.kind, found.symbol, found.details["direction"]) == ("sudden_move", "X", "up")
    assert found.details["move_pct"] == pytest.approx(1.01 * LIMIT_PCT)
    assert found.details["threshold_pct"] == pytest.approx(LIMIT_PCT)
    assert found.details["sigmas"] == pytest.approx(log(1 + 1.01 * LIMIT_PCT / 100) / SIGMA)
    assert found.fired_ms == START_MS + 120_000 + 50  # with the very event


def test_a_move_is_over_a_minute_at_most() -> None:
    """Half a percent every minute is a trend; within one it is a move."""
    slow, fast = Desk(), Desk()
    step = (1 + 0.5 * LIMIT_PCT / 100) ** (1 / 60)
    played(slow, [100.0 * step**i for i in range(600)])
    played(fast, [100.0 * step ** (4 * i) for i in range(150)])
    assert slow.all() == []
    assert len(fast.all()) == 1


def test_mirrored_prices_give_mirrored_findings() -> None:
    up, down = Desk(), Desk()
    prices = [*QUIET, *[101.0] * 70, *[100.0] * 70, *[98.5] * 100]
    played(up, prices)
    played(down, [100.0**2 / price for price in prices])
    assert [i.details["direction"] for i in up.all()] == ["up", "down", "down"]
    assert [i.details["direction"] for i in down.all()] == ["down", "up", "up"]
    assert [(i.fired_ms, i.resolved_ms) for i in up.all()] == [(i.fired_ms, i.resolved_ms) for i in down.all()]


def test_one_move_is_one_incident_until_it_is_half_of_what_it_took() -> None:
    desk = Desk()
    wobble = [101.0, 100.7, 101.0, 100.7] * 10  # in and out of the threshold, never within half of it
    found = played(desk, [*QUIET, *wobble])
    assert len(desk.log.open()) == 1
    assert len(desk.all()) == 1
    for at_ms, price in seconds(START_MS + 160_000, [101.0] * 40):  # the minute has passed: nothing moves any longer
        found.see(at_ms, price, ns(at_ms))
    assert desk.log.open() == ()
    assert len(desk.all()) == 1


def test_the_window_counts_in_its_own_volatility() -> None:
    desk, parameters = Desk(), PARAMETERS.sudden_move
    limit = exp(parameters.window_sigmas * SIGMA * sqrt(parameters.window_minutes))
    closes = [100.0] * (parameters.window_minutes + 1)
    found = detector(desk, closes=closes)
    for at_ms, price in seconds(START_MS, [100.0, 99.9 * limit, 100.01 * limit]):
        found.see(at_ms, price, ns(at_ms))
    (incident,) = desk.all()
    assert incident.details["minutes"] == parameters.window_minutes
    assert incident.details["sigmas"] == pytest.approx(parameters.window_sigmas, abs=0.1)
    found.baseline(SIGMA, [*closes[1:], 100.0 * limit**0.4], START_MS + MINUTE)
    for at_ms, price in seconds(START_MS + MINUTE, [100.0 * limit**0.4] * 2):
        found.see(at_ms, price, ns(at_ms))
    assert desk.log.open() == ()


def test_what_the_symbols_own_tail_reaches_often_is_no_finding() -> None:
    """The level is the farther of its own tail and the least number of standard deviations."""
    for tail, found in ((None, 1), (2.0, 1), (8.0, 0)):
        desk = Desk()
        move = detector(desk)
        move.baseline(SIGMA, (), START_MS, tail, None)
        for at_ms, price in seconds(START_MS, [*QUIET, 100.0 * exp(7 * SIGMA)]):
            move.see(at_ms, price, ns(at_ms))
        assert len(desk.all()) == found


def test_old_closes_are_not_compared_with() -> None:
    desk = Desk()
    found = detector(desk, sigma=None, closes=[100.0] * 6)
    found.see(START_MS + 2 * MINUTE, 110.0, ns(START_MS + 2 * MINUTE))
    assert desk.all() == []


@pytest.mark.parametrize("sigma", [None, SIGMA])
def test_what_is_not_known_yet_is_not_judged(sigma: float | None) -> None:
    desk = Desk()
    prices = QUIET if sigma is None else [100.0] * (PARAMETERS.sudden_move.seconds - 1)
    played(desk, [*prices, 200.0], sigma=sigma)
    assert desk.all() == []


def test_a_gap_or_a_lost_feed_begins_anew() -> None:
    for lost in (False, True):
        desk = Desk()
        found = played(desk, QUIET)
        at_ms = START_MS + 121_000 + (0 if lost else 60_000)
        if lost:
            found.restart(ns(at_ms))
        found.see(at_ms, 130.0, ns(at_ms))
        assert desk.all() == []


def test_a_lost_feed_ends_what_was_found() -> None:
    desk = Desk()
    found = played(desk, [*QUIET, 110.0])
    found.restart(ns(START_MS + 121_000))
    assert [i.resolved_ms for i in desk.all()] == [START_MS + 121_050]


def test_a_quiet_symbol_is_not_a_gap_and_a_late_event_changes_no_reference() -> None:
    desk = Desk()
    found = detector(desk)
    for at_ms in range(START_MS, START_MS + 200_000, 20_000):
        found.see(at_ms, 100.0, ns(at_ms))
    found.see(START_MS + 150_000, 100.0, ns(START_MS + 200_000))  # thirty seconds late
    found.see(START_MS + 200_000, 101.0, ns(START_MS + 200_000))
    assert len(desk.all()) == 1


def test_a_time_from_far_ahead_does_not_stop_the_clock() -> None:
    desk = Desk()
    found = detector(desk)
    found.see(2**53, 100.0, ns(START_MS))
    for at_ms, price in seconds(START_MS, [*QUIET, 110.0]):
        found.see(at_ms, price, ns(at_ms))
    assert len(desk.all()) == 1


@pytest.mark.parametrize("factor", [1e-6, 3.0, 1e6])
def test_scaling_prices_changes_nothing(factor: float) -> None:
    plain, scaled = Desk(), Desk()
    prices = [*QUIET, *[101.0] * 70, *[98.5] * 70]
    played(plain, prices)
    played(scaled, [factor * price for price in prices])
    assert plain.told() == scaled.told() != []
    assert [i.fired_ms for i in plain.all()] == [i.fired_ms for i in scaled.all()]


def test_a_constant_price_has_the_floor_for_a_threshold() -> None:
    below, above = Desk(), Desk()
    played(below, [*[100.0] * 100, 100.0 * (1 + 0.99 * PARAMETERS.sudden_move.floor_pct / 100)], sigma=0.0)
    played(above, [*[100.0] * 100, 100.0 * (1 + 1.01 * PARAMETERS.sudden_move.floor_pct / 100)], sigma=0.0)
    assert (below.told(), above.told()) == ([], [("sudden_move", "X", "up")])


def test_a_crash_bar_of_sixty_percent_is_told_once() -> None:
    desk = Desk()
    played(desk, [*QUIET, *[100.0 - i for i in range(60)], *[42.0] * 30])
    assert desk.told() == [("sudden_move", "X", "down")]


@given(st.lists(st.tuples(st.integers(0, 2**53), st.sampled_from([0.0, nan, inf, -1.0, 1e-9, 1.0, 1e18]))))
def test_no_number_raises(rows: list[tuple[int, float]]) -> None:
    found = played(Desk(), QUIET, closes=[100.0] * 6)
    for at_ms, price in rows:
        found.see(at_ms, price, ns(at_ms))
    assert len(found._ring) == PARAMETERS.sudden_move.seconds
    assert found.last is None or 0 < found.last < inf


def test_the_volatility_is_that_of_the_minutes() -> None:
    """Oracle: the weighted mean of squared log returns, written out."""
    from virtuoso.alerts.fast.baseline import Minutes

    baseline, rows = Minutes(), minutes(300)
    for i, (*_, close, volume) in enumerate(rows):
        baseline.learn(START_MS + i * MINUTE, close, volume)
    returns = [log(b[3] / a[3]) for a, b in pairwise(rows)]
    square, alpha = 0.0, 1 - 0.5 ** (1 / 60)
    for n, moved in enumerate(returns, 1):
        weight = max(alpha, 1 / n)
        square = (1 - weight) * square + weight * moved**2
    assert baseline.sigma == pytest.approx(square**0.5, rel=1e-12)


def test_a_return_over_a_gap_is_not_one_of_a_minute() -> None:
    from virtuoso.alerts.fast.baseline import Minutes

    baseline = Minutes()
    for i in range(100):
        baseline.learn(START_MS + (i + (1_000 if i >= 50 else 0)) * MINUTE, 100.0 if i < 50 else 300.0, 1.0)
    assert baseline.sigma == 0.0


def test_a_move_of_most_symbols_is_one_of_the_market() -> None:
    """Five of seven go up by 5.5 σ, each too little for itself; the four that it takes, and the fifth joins."""
    desk, factor = Desk(), exp(5.5 * SIGMA)
    found = []
    for i in range(7):
        move = SuddenMove(f"S{i}", PARAMETERS.sudden_move, desk.findings, desk.moves)
        desk.moves.watch(f"S{i}")
        move.baseline(SIGMA, (), START_MS)
        for at_ms, price in seconds(START_MS, QUIET):
            move.see(at_ms, price, ns(at_ms))
        found.append(move)
    assert desk.moves.enough == 5
    for i, move in enumerate(found[:5]):
        at_ms = START_MS + 120_000 + i * 5_000
        move.see(at_ms, 100.0 * factor, ns(at_ms))
        assert len(desk.all()) == (i == 4)
    (market,) = desk.all()
    assert (market.kind, market.symbol, market.labels["side"], market.value) == ("market_move", None, "up", 5.0)
    assert market.details["leader"] == "S0"
    assert market.details["move_pct"] == pytest.approx(100 * (factor - 1), rel=0.01)
    desk.findings.sweep(ns(START_MS + 140_000 + 300_000))
    assert market.id not in {each.id for each in desk.log.open()}


def test_symbols_that_move_one_after_the_other_are_no_market() -> None:
    desk = Desk()
    for i in range(7):
        desk.moves.watch(f"S{i}")
    for i in range(7):
        desk.moves.moved(f"S{i}", "up", 0.5, START_MS + i * 15_000, ns(START_MS + i * 15_000))
    assert desk.all() == []
    desk.moves.moved("S0", "down", -0.5, START_MS + 90_000, ns(START_MS + 90_000))
    assert desk.all() == []


@given(st.lists(st.floats(-3e-3, 3e-3), min_size=100, max_size=400), st.floats(5.0, 9.0))
def test_what_the_market_is_told_changes_nothing_of_a_symbols_own(steps: list[float], tail: float) -> None:
    """The same finds whether or not a lower bound is looked at for the market."""
    played_: list[list[tuple[int, int | None]]] = []
    for market in (PARAMETERS.market_move.sigmas, 100.0):
        desk = Desk()
        desk.moves._parameters = replace(PARAMETERS.market_move, sigmas=market)
        move = SuddenMove("X", PARAMETERS.sudden_move, desk.findings, desk.moves)
        move.baseline(SIGMA, (), START_MS, tail, None)
        price = 100.0
        for i, step in enumerate(steps):
            price *= exp(step)
            at_ms = START_MS + i * 1_000
            move.see(at_ms, price, ns(at_ms))
        played_.append([(each.fired_ms, each.resolved_ms) for each in desk.all("sudden_move")])
    assert played_[0] == played_[1]
