"""Whale trades: the symbol's own sizes decide; one event is one incident; what is not known yet is not judged."""

from math import inf, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.detectors import OTHER, PARAMETERS, START_MS, Desk, ns, orders

from virtuoso.alerts.fast.sizes import Sizes
from virtuoso.alerts.fast.whale import WhaleTrades
from virtuoso.model.market import Side, Trade

KNOWN = 20_000
QUIET_MS = int(PARAMETERS.whale_trade.quiet * 1_000)


def whales(desk: Desk) -> WhaleTrades:
    return WhaleTrades("X", PARAMETERS.whale_trade, desk.findings)


def played(desk: Desk, trades: list[Trade], planted: list[Trade] | None = None) -> WhaleTrades:
    detector = whales(desk)
    for trade in trades:
        detector.take([trade], ns(trade.event_ms))
    if planted:
        detector.take(planted, ns(planted[-1].event_ms))
    return detector


def whale(value: float, side: Side = Side.BUY, at_ms: int = START_MS + KNOWN * 100, parts: int = 1) -> list[Trade]:
    return [Trade(at_ms, 100.0, value / 100.0 / parts, side, f"w{i}") for i in range(parts)]


def test_a_planted_whale_is_found_and_the_stream_without_it_holds_none() -> None:
    bare, desk = Desk(), Desk()
    calm = orders(KNOWN, tail=4.0)
    limit = played(bare, calm).limit
    assert bare.all() == []
    played(desk, calm, whale(1.01 * limit))
    (found,) = desk.all()
    assert (found.kind, found.symbol, found.details["side"], found.details["direction"]) == (
        "whale_trade",
        "X",
        "Buy",
        "up",
    )
    assert found.details["value"] == pytest.approx(1.01 * limit)
    assert found.details["threshold"] == pytest.approx(limit)
    nearly = Desk()
    played(nearly, calm, whale(0.99 * limit))
    assert nearly.all() == []


def test_an_order_that_met_many_resting_ones_is_one_order() -> None:
    calm = orders(KNOWN, tail=4.0)
    limit = played(Desk(), calm).limit
    desk = Desk()
    played(desk, calm, whale(1.01 * limit, parts=20))
    (found,) = desk.all()
    assert found.details["fills"] == 20
    other = Desk()
    mixed = [
        trade for pair in zip(whale(limit, parts=20), whale(limit, Side.SELL, parts=20), strict=True) for trade in pair
    ]
    played(other, calm, mixed)  # buys and sells by turns are no order
    assert other.all() == []


def test_mirrored_orders_give_mirrored_findings() -> None:
    def all_of(mirror: bool) -> list[tuple[int, object, object, object]]:
        desk = Desk()
        side = Side.SELL if mirror else Side.BUY
        played(desk, orders(KNOWN, mirror=mirror), whale(1e7, side) + whale(2e7, OTHER[side]))
        return [(i.fired_ms, i.details["side"], i.details["direction"], i.details["value"]) for i in desk.all()]

    plain, mirrored = all_of(False), all_of(True)
    assert len(plain) >= 2
    exchanged = {"Buy": "Sell", "Sell": "Buy", "up": "down", "down": "up"}
    assert [(at, exchanged[str(side)], exchanged[str(way)], value) for at, side, way, value in plain] == mirrored


def test_too_few_orders_are_silence() -> None:
    desk = Desk()
    detector = played(desk, orders(PARAMETERS.whale_trade.min_trades - 2), whale(1e12))
    assert (desk.all(), detector.limit) == ([], inf)


def test_a_minute_of_orders_says_nothing_of_hours() -> None:
    desk = Desk()
    detector = played(desk, orders(KNOWN, gap_ms=29), whale(1e12, at_ms=START_MS + KNOWN * 29))
    assert (desk.all(), detector.limit) == ([], inf)
    for trade in orders(2_000, gap_ms=29, start_ms=START_MS + KNOWN * 29):
        detector.take([trade], ns(trade.event_ms))
    assert detector.limit < inf


def test_history_is_learnt_from_and_never_found() -> None:
    desk = Desk()
    detector = whales(desk)
    detector.learn(orders(KNOWN - 100) + whale(1e12, at_ms=START_MS + KNOWN * 100 - 9_000))
    assert desk.all() == []
    for trade in orders(KNOWN)[-90:]:
        detector.take([trade], ns(trade.event_ms))
    assert 0 < detector.limit < inf


def test_one_whale_is_one_incident_over_after_the_quiet_time() -> None:
    desk = Desk()
    played(desk, orders(KNOWN, tail=4.0), whale(1e9))
    at_ms = START_MS + KNOWN * 100
    desk.findings.sweep(ns(at_ms + QUIET_MS - 1))
    assert len(desk.log.open()) == 1
    desk.findings.sweep(ns(at_ms + 10 * QUIET_MS))
    (found,) = desk.all()
    assert found.resolved_ms == found.fired_ms + QUIET_MS


def test_a_second_whale_prolongs_the_first_and_a_later_one_is_another() -> None:
    desk = Desk()
    detector = played(desk, orders(KNOWN, tail=4.0))
    at_ms, quiet_ms, value = START_MS + KNOWN * 100, QUIET_MS, 20 * detector.limit
    for after_ms in (0, quiet_ms // 2, quiet_ms):
        detector.take(whale(value, at_ms=at_ms + after_ms), ns(at_ms + after_ms))
    assert len(desk.all()) == 1
    detector.take(whale(1e4 * value, at_ms=at_ms + 4 * quiet_ms), ns(at_ms + 4 * quiet_ms))
    first, second = desk.all()
    assert first.resolved_ms == first.fired_ms + 2 * quiet_ms  # though no one swept in between
    assert second.resolved_ms is None


def test_fetched_trades_are_judged_where_they_are_news() -> None:
    desk = Desk()
    detector = whales(desk)
    detector.take_fetched(orders(KNOWN, tail=4.0), ns(START_MS))  # nothing was known before: history
    assert desk.all() == []
    for trade in orders(101, start_ms=START_MS + KNOWN * 100, tail=4.0):
        detector.take([trade], ns(trade.event_ms))
    late = whale(1e9, at_ms=START_MS + (KNOWN + 200) * 100)
    detector.take_fetched([*orders(50, start_ms=START_MS + KNOWN * 100), *late], ns(late[0].event_ms))
    assert len(desk.all()) == 1
    desk.findings.sweep(ns(late[0].event_ms + 10**6))
    detector.take_fetched(whale(1e9, at_ms=START_MS + KNOWN * 100), ns(late[0].event_ms + 10**6))
    assert len(desk.all()) == 1, "what is older than the newest known is no news; none is fetched twice (the tape)"


@pytest.mark.parametrize("seed", range(5))
def test_a_symbol_gets_about_the_configured_number_of_whales(seed: int) -> None:
    """A day of a trade every four seconds, of a heavy tail (α = 1.5): once in six hours is what was asked for."""
    desk = Desk()
    detector = whales(desk)
    for trade in orders(6 * 3_600, seed=seed, gap_ms=4_000):
        detector.take([trade], ns(trade.event_ms))
    assert 1 <= len(desk.all()) <= 8


@pytest.mark.parametrize("factor", [2.0**10, 1_000.0, 1e-6])
def test_scaling_prices_or_sizes_changes_nothing_but_the_values(factor: float) -> None:
    plain, scaled = Desk(), Desk()
    one = played(plain, orders(KNOWN), whale(1e8))
    other = played(scaled, orders(KNOWN, scale=factor), whale(1e8 * factor))
    assert other.limit / one.limit / factor == pytest.approx(1.0, rel=1e-9 if factor == 2.0**10 else 0.25)
    assert [i.fired_ms for i in plain.all()] == [i.fired_ms for i in scaled.all()]
    dear = Desk()
    priced = whales(dear)
    for trade in orders(KNOWN, price=100 * factor):
        priced.take([trade], ns(trade.event_ms))
    assert priced.limit / played(Desk(), orders(KNOWN)).limit / factor == pytest.approx(1.0, rel=0.25)


@given(st.lists(st.tuples(st.sampled_from([0.0, nan, inf, 1e-30, 1.0, 1e30]), st.integers(0, 2**53))))
def test_no_number_raises(rows: list[tuple[float, int]]) -> None:
    desk = Desk()
    detector = whales(desk)
    detector.learn(orders(3_000))
    detector.take([], 0)
    for size, at_ms in rows:
        detector.take([Trade(at_ms, 1.0, size, Side.BUY), Trade(at_ms, size, 1.0, Side.SELL)], ns(at_ms))
    assert desk.log.fired <= len(rows) * 2


def test_state_is_bounded() -> None:
    detector = whales(Desk())
    for trade in orders(5_000):
        detector.take([trade], ns(trade.event_ms))
    for trade in orders(20_000, start_ms=START_MS + 10**8):
        detector.take([trade], ns(trade.event_ms))
    burst = [Trade(START_MS + 10**9, 1.0, 1.0, Side.BUY if i % 2 else Side.SELL) for i in range(5_000)]
    for trade in burst:  # within a millisecond: the ten seconds do not pass
        detector.take([trade], ns(trade.event_ms))
    assert len(detector._sizes._bins) == 640
    assert len(detector._sizes.pending) <= 1_024
    assert detector._sizes.count > 29_000


def test_the_level_is_the_quantile_of_the_size_distribution() -> None:
    """Oracle: of a Pareto distribution (x ≥ 1, exponent α) the level of n values is n^(1/α)."""
    for alpha in (1.5, 2.5):
        sizes = Sizes(6 * 3_600.0)
        values = 1.0 + np.random.default_rng(3).pareto(alpha, 50_000)
        for i, value in enumerate(values.tolist()):
            sizes.add(value, i * 100)
        level = sizes.level(3_600.0)
        assert level is not None
        assert np.log(level) == pytest.approx(np.log(36_000) / alpha, rel=0.2)


def test_the_level_follows_what_a_symbol_has_become() -> None:
    sizes = Sizes(3_600.0)
    rng = np.random.default_rng(4)
    levels = []
    for hour, scale in enumerate((1.0, 1.0, 100.0, 100.0, 100.0, *[1.0] * 13)):
        for i, value in enumerate((scale * (1.0 + rng.pareto(4.0, 3_600))).tolist()):
            sizes.add(value, (hour * 3_600 + i) * 1_000)
        levels.append(sizes.level(3_600.0) or 0.0)
    assert levels[4] > 30 * levels[1]
    assert levels[-1] == pytest.approx(levels[1], rel=0.5)  # after thirteen half-lives


def test_a_time_from_far_ahead_does_not_stop_the_clock() -> None:
    sizes = Sizes(3_600.0)
    sizes.add(5.0, 2**53)
    for i in range(1_000):
        sizes.add(1.0, START_MS + i * 1_000)
    assert sizes.count == 1_000
    assert sizes.level(3_600.0) == pytest.approx(1.0, rel=0.6)


def test_years_of_weight_do_not_overflow() -> None:
    sizes = Sizes(3_600.0)
    for day in range(0, 4_000, 3):
        sizes.add(10.0, START_MS + day * 86_400_000)
    assert sizes.level(86_400.0) == pytest.approx(10.0, rel=0.6)
