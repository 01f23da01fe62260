"""The book: spreads that blow out and stay wide, walls that stand and stay; flickers are neither."""

from dataclasses import replace
from math import inf, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.detectors import PARAMETERS, START_MS, Desk, ns

from virtuoso.alerts.fast.spread import SpreadBlowout
from virtuoso.alerts.fast.wall import BookWalls

LOOK = 1_000
WARM = 300
HOLD_MS = int(PARAMETERS.spread.hold * 1_000)
Levels = dict[float, float]


class Touch:
    """Looks at a touch around 100, one a second; the spread is 1 or 2 bp."""

    def __init__(self, desk: Desk, factor: float = 1.0) -> None:
        self.detector = SpreadBlowout("X", PARAMETERS.spread, desk.findings)
        self.at_ms = START_MS
        self._factor = factor
        self._rng = np.random.default_rng(1)

    def baseline(self, looks: int) -> "Touch":
        for _ in range(looks):
            self.observe(float(self._rng.choice([1.0, 2.0])))
        return self

    def wide(self, spread_bp: float, held_ms: float) -> "Touch":
        for _ in range(int(held_ms // LOOK) + 1):
            self.observe(spread_bp)
        return self

    def observe(self, spread_bp: float) -> None:
        half = spread_bp / 2e4
        self.detector.observe(
            self.at_ms, 100 * self._factor * (1 - half), 100 * self._factor * (1 + half), ns(self.at_ms)
        )
        self.at_ms += LOOK


def test_a_planted_blow_out_is_found_and_the_stream_without_it_holds_none() -> None:
    bare, desk = Desk(), Desk()
    Touch(bare).baseline(4 * WARM)
    assert bare.all() == []
    Touch(desk).baseline(2 * WARM).wide(20.0, HOLD_MS).baseline(100)
    (found,) = desk.all()
    assert (found.kind, found.symbol, found.details["direction"]) == ("spread_blowout", "X", None)
    assert found.details["spread_bp"] == pytest.approx(20.0)
    assert found.details["usual_bp"] == pytest.approx(2**0.5, rel=0.05)
    assert found.resolved_ms is not None
    assert found.resolved_ms - found.fired_ms == pytest.approx(HOLD_MS, abs=2 * LOOK)


def test_a_flicker_is_no_blow_out_and_one_that_lasts_is_told_once() -> None:
    desk = Desk()
    touch = Touch(desk).baseline(2 * WARM)
    for _ in range(3):
        touch.wide(50.0, HOLD_MS - 2 * LOOK).baseline(1)
    assert desk.all() == []
    touch.wide(50.0, 60_000)
    for _ in range(20):
        touch.wide(5.0, LOOK).wide(50.0, 2_000)
    assert len(desk.all()) == 1


def test_it_must_be_wide_for_its_symbol_and_wide_in_itself() -> None:
    narrow, baseline = Desk(), Desk()
    tight = Touch(narrow)
    for _ in range(2 * WARM):
        tight.observe(0.02)  # as of BTCUSDT: one tick
    tight.wide(0.9 * PARAMETERS.spread.floor_bp, 60_000)
    assert narrow.all() == []
    wide = Touch(baseline)
    for i in range(4 * WARM):
        wide.observe(10.0 if i % 2 else 90.0)
    assert baseline.all() == []


def test_spread_that_is_not_known_yet_is_not_judged() -> None:
    desk = Desk()
    Touch(desk).baseline(WARM - 20).wide(100.0, 4_000)
    assert desk.all() == []


def test_a_gap_does_not_hold_and_without_a_book_it_is_over() -> None:
    desk = Desk()
    touch = Touch(desk).baseline(2 * WARM)
    for _ in range(5):
        touch.observe(50.0)
        touch.at_ms += 60_000
    assert desk.all() == []
    touch.wide(50.0, 5_000)
    touch.detector.gone(ns(touch.at_ms))
    assert [i.resolved_ms for i in desk.all()] == [touch.at_ms + 50]


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_scaling_prices_changes_no_spread(factor: float) -> None:
    plain, scaled = Desk(), Desk()
    Touch(plain).baseline(2 * WARM).wide(20.0, 5_000).baseline(100)
    Touch(scaled, factor).baseline(2 * WARM).wide(20.0, 5_000).baseline(100)
    assert (
        [(i.fired_ms, i.resolved_ms) for i in plain.all()] == [(i.fired_ms, i.resolved_ms) for i in scaled.all()] != []
    )


class Book:
    """Fifty levels a side a basis point apart, looked at once a second; sizes of 1 to 3, the touch of 20."""

    def __init__(self, desk: Desk, price: float = 1.0, size: float = 1.0, mirror: bool = False) -> None:
        self.detector = BookWalls("X", PARAMETERS.book_wall, desk.findings)
        self.at_ms = START_MS
        self.best = 0
        self.walls: dict[int, float] = {}
        """Size by level from the touch: > 0 the bids', < 0 the asks'."""
        self._price, self._size, self._mirror = price, size, mirror
        self._rng = np.random.default_rng(1)

    def side(self, sign: int) -> Levels:
        grow = 1e-4 if (sign < 0) != self._mirror else -1e-4
        sizes = self._rng.uniform(1, 3, 50)
        sizes[0] = 20.0
        for level, size in self.walls.items():
            at = abs(level) - self.best
            if level * sign > 0 and at >= 0:
                sizes[at] = size
        return {
            self._price * (100 + 100 * grow * (self.best + i + 1)): self._size * float(size)
            for i, size in enumerate(sizes)
        }

    def looks(self, count: int) -> "Book":
        for _ in range(count):
            own, other = self.side(1), self.side(-1)
            bids, asks = (other, own) if self._mirror else (own, other)
            self.detector.observe(self.at_ms, max(bids), min(asks), bids, asks, ns(self.at_ms))
            self.at_ms += 1_000
        return self


STAY = int(PARAMETERS.book_wall.stay)
READY = 700


def test_a_planted_wall_is_found_and_the_book_without_it_has_none() -> None:
    bare, desk = Desk(), Desk()
    Book(bare).looks(READY + 100)
    assert bare.all() == []
    book = Book(desk).looks(READY)
    book.walls = {5: 60.0}
    book.looks(STAY)
    assert desk.all() == []  # it has not stayed long enough
    book.looks(1)
    (found,) = desk.all()
    assert (found.kind, found.details["side"], found.details["direction"]) == ("book_wall", "Buy", "up")
    assert found.details["size"] == 60.0
    assert found.details["times_mean"] == pytest.approx(60 / (2.0 + 18 / 49), rel=0.1)
    assert found.details["stayed_s"] == STAY
    book.walls = {}
    book.looks(1)
    assert desk.log.open() == ()


def test_the_queue_at_the_best_price_is_no_wall_but_a_wall_stays_one_there() -> None:
    desk = Desk()
    book = Book(desk).looks(READY)
    for _ in range(3 * STAY):
        bids, asks = book.side(1), book.side(-1)
        bids[max(bids)] = 500.0
        book.detector.observe(book.at_ms, max(bids), min(asks), bids, asks, ns(book.at_ms))
        book.at_ms += 1_000
    assert desk.all() == []
    book.walls = {5: 60.0}
    book.looks(STAY + 2)
    assert len(desk.log.open()) == 1
    book.best = 5  # the price comes to it
    book.looks(5)
    assert len(desk.log.open()) == 1


def test_a_wall_that_comes_and_goes_is_none_and_one_far_away_neither() -> None:
    desk = Desk()
    book = Book(desk).looks(READY)
    for _ in range(10):
        book.walls = {5: 60.0}
        book.looks(STAY - 1)
        book.walls = {}
        book.looks(1)
    assert desk.all() == []
    far = Desk()
    distant = Book(far)
    distant.detector = BookWalls("X", replace(PARAMETERS.book_wall, within_bp=3.0), far.findings)
    distant.looks(READY)
    distant.walls = {20: 60.0}
    distant.looks(3 * STAY)
    assert far.all() == []


def test_mirrored_books_give_mirrored_walls() -> None:
    told = []
    for mirror in (False, True):
        desk = Desk()
        book = Book(desk, mirror=mirror).looks(READY)
        book.walls = {5: 60.0, -7: 90.0}
        book.looks(STAY + 5)
        told.append([(i.fired_ms, str(i.details["side"]), str(i.details["direction"])) for i in desk.all()])
    exchanged = {"Buy": "Sell", "Sell": "Buy", "up": "down", "down": "up"}
    assert len(told[0]) == 2
    assert sorted((at, exchanged[side], exchanged[way]) for at, side, way in told[0]) == sorted(told[1])


def test_a_symbol_with_a_habit_of_large_orders_needs_a_larger_one() -> None:
    desk = Desk()
    book = Book(desk)
    rng = np.random.default_rng(2)
    for _ in range(3 * READY):  # at a round price there is always some order of 30 to 60
        book.walls = {9: float(rng.uniform(30, 60))}
        book.looks(1)
    book.walls = {9: 60.0}
    book.looks(3 * STAY)
    assert desk.all() == []
    book.walls = {9: 900.0}
    book.looks(STAY + 1)
    assert len(desk.all()) == 1


def test_walls_that_are_not_known_yet_are_not_judged() -> None:
    desk = Desk()
    book = Book(desk)
    book.looks(100)
    book.walls = {5: 60.0}
    book.looks(400)
    assert desk.all() == []


@pytest.mark.parametrize(("price", "size"), [(1e-6, 1.0), (1.0, 1e9), (1e6, 1e-6)])
def test_scaling_prices_or_sizes_changes_no_wall(price: float, size: float) -> None:
    desk = Desk()
    book = Book(desk, price, size).looks(READY)
    book.walls = {5: 60.0}
    book.looks(STAY + 1)
    assert desk.told() == [("book_wall", "X", "up")]


def test_without_a_book_a_wall_is_over() -> None:
    desk = Desk()
    book = Book(desk).looks(READY)
    book.walls = {5: 60.0}
    book.looks(STAY + 1).detector.gone(ns(book.at_ms))
    assert desk.log.open() == ()
    book.looks(STAY)
    assert len(desk.all()) == 1  # it counts from anew


NUMBERS = st.sampled_from([0.0, nan, inf, -1.0, 1e-9, 1.0, 100.0, 1e18])


@given(st.lists(st.tuples(st.integers(0, 2**53), NUMBERS, NUMBERS, NUMBERS), max_size=30))
def test_no_book_raises(rows: list[tuple[int, float, float, float]]) -> None:
    touch, book = Touch(Desk()).baseline(10), Book(Desk()).looks(5)
    for at_ms, bid, ask, size in rows:
        touch.detector.observe(at_ms, bid, ask, ns(at_ms))
        levels = {100.0 + i: size for i in range(20)}
        book.detector.observe(at_ms, bid, ask, levels, levels, ns(at_ms))
    book.detector.observe(START_MS, 1.0, 2.0, {}, {}, ns(START_MS))
