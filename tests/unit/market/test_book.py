"""The book against a slow one that recomputes everything, and against the real capture."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from tests.support.market import captured_books, ladder

from virtuoso.market.book import CROSSED, GAP, NO_SNAPSHOT, Book
from virtuoso.model.market import Levels

SIZES = st.integers(0, 3).map(float)
BIDS = st.lists(st.tuples(st.integers(90, 101).map(float), SIZES), max_size=5)
ASKS = st.lists(st.tuples(st.integers(99, 110).map(float), SIZES), max_size=5)
DELTAS = st.lists(st.tuples(BIDS, ASKS, st.sampled_from([1, 1, 1, 1, 1, 1, 1, 0, 2])), max_size=40)


class SlowBook:
    """The rules, as literally as they can be written."""

    def __init__(self, update_id: int, bids: Levels, asks: Levels) -> None:
        self.bids, self.asks, self.update_id, self.flow, self.lost = dict(bids), dict(asks), update_id, 0.0, False

    def touch(self) -> tuple[float, float, float, float]:
        bid, ask = max(self.bids, default=float("-inf")), min(self.asks, default=float("inf"))
        return bid, self.bids.get(bid, 0.0), ask, self.asks.get(ask, 0.0)

    def apply(self, update_id: int, bids: Levels, asks: Levels) -> str | None:
        if self.lost:
            return NO_SNAPSHOT
        bid0, bid_size0, ask0, ask_size0 = self.touch()
        for side, levels in ((self.bids, bids), (self.asks, asks)):
            for price, size in levels:
                side[price] = size
                if size == 0:
                    del side[price]
        bid, bid_size, ask, ask_size = self.touch()
        gap = update_id != self.update_id + 1
        self.lost = gap or bid >= ask
        self.update_id = update_id
        if self.lost:
            return GAP if gap else CROSSED
        # Cont, Kukanov & Stoikov (2014), eq. 4
        self.flow += (bid >= bid0) * bid_size - (bid <= bid0) * bid_size0
        self.flow += (ask >= ask0) * ask_size0 - (ask <= ask0) * ask_size
        return None


def play(deltas: list[tuple[Levels, Levels, int]], sign: float = 1.0) -> Book:
    """A book after `deltas`; mirrored (prices negated, sides exchanged) with `sign` −1."""
    book = Book()
    sides = ladder(99, -1), ladder(100, 1)
    updates = [(sides[0], sides[1], 1), *deltas]
    update_id = 0
    for i, (bids, asks, step) in enumerate(updates):
        if sign < 0:
            bids, asks = [(-p, s) for p, s in asks], [(-p, s) for p, s in bids]
        update_id += step
        if i == 0:
            book.replace(update_id, bids, asks)
        else:
            book.apply(update_id, bids, asks)
    return book


@given(DELTAS)
def test_agrees_with_a_book_that_recomputes_everything(deltas: list[tuple[Levels, Levels, int]]) -> None:
    book, slow = Book(), SlowBook(1, ladder(99, -1), ladder(100, 1))
    book.replace(1, ladder(99, -1), ladder(100, 1))
    update_id = 1
    for bids, asks, step in deltas:
        update_id += step
        assert book.apply(update_id, bids, asks) == slow.apply(update_id, bids, asks)
        assert book.synced is not slow.lost
        if not slow.lost:
            assert (book.bids, book.asks) == (slow.bids, slow.asks)
            assert (book.bid_price, book.bid_size, book.ask_price, book.ask_size) == slow.touch()
            assert book.valid is bool(slow.bids and slow.asks)
            assert book.top(3) == (
                sorted(slow.bids.items(), reverse=True)[:3],
                sorted(slow.asks.items())[:3],
            )
    assert book.order_flow == slow.flow


@given(DELTAS)
def test_mirroring_the_market_negates_the_order_flow(deltas: list[tuple[Levels, Levels, int]]) -> None:
    assert play(deltas, -1).order_flow == -play(deltas).order_flow


def test_a_gap_invalidates_before_anything_is_derived() -> None:
    book = play([])
    assert book.apply(3, [(99.0, 5.0)], []) == GAP
    assert (book.valid, book.bids, book.asks, book.order_flow, book.gaps) == (False, {}, {}, 0.0, 1)
    assert [book.apply(4, [(99.0, 5.0)], []), book.apply(5, [], [])] == [NO_SNAPSHOT, NO_SNAPSHOT]
    assert book.dropped == 2
    book.replace(9, [(50.0, 1.0)], [(51.0, 2.0)])
    assert (book.valid, book.update_id, book.bids, book.asks) == (True, 9, {50.0: 1.0}, {51.0: 2.0})
    assert book.apply(10, [(50.0, 4.0)], []) is None
    assert book.order_flow == 3.0


def test_a_crossing_delta_is_never_seen() -> None:
    book = play([])
    assert book.apply(2, [(100.0, 5.0)], []) == CROSSED
    assert (book.valid, book.top(10), book.crossed, book.order_flow) == (False, ([], []), 1, 0.0)


def test_a_level_that_crosses_and_uncrosses_within_one_delta_is_fine() -> None:
    book = play([])
    assert book.apply(2, [(100.0, 5.0)], [(100.0, 0.0)]) is None
    assert (book.bid_price, book.bid_size, book.ask_price) == (100.0, 5.0, 101.0)
    # Both prices rose: the new best bid counts as bought, and so does the ask that is gone.
    assert book.order_flow == 5.0 + 1.0


def test_a_crossed_snapshot_is_refused_and_so_is_what_follows_it() -> None:
    book = play([])
    assert book.replace(1, [(10.0, 1.0)], [(9.0, 1.0)]) == CROSSED
    assert (book.valid, book.bids) == (False, {})
    assert [book.apply(2, [], []), book.apply(3, [], [])] == [NO_SNAPSHOT, NO_SNAPSHOT]


def test_a_book_that_loses_a_side_goes_on_when_it_comes_back() -> None:
    book = Book()
    book.replace(1, [(10.0, 1.0)], [(11.0, 2.0)])
    assert book.apply(2, [], [(11.0, 0.0)]) is None
    assert (book.valid, book.synced, book.ask_size) == (False, True, 0.0)
    assert book.apply(3, [], [(12.0, 3.0)]) is None
    assert (book.valid, book.ask_price, book.ask_size) == (True, 12.0, 3.0)


def test_levels_beyond_the_depth_are_forgotten() -> None:
    book = play([])
    book.trim(4)
    assert book.top(100) == (ladder(99, -1)[:4], ladder(100, 1)[:4])
    assert book.apply(2, [(90.0, 0.0), (99.0, 0.0)], []) is None
    assert book.bid_price == 98.0


def test_the_order_flow_is_taken_once() -> None:
    book = play([([(99.0, 3.0)], [], 1)])
    assert [book.take_order_flow(), book.take_order_flow()] == [2.0, 0.0]


def test_the_real_books_are_rebuilt() -> None:
    books: dict[str, Book] = {}
    plain: dict[str, tuple[dict[float, float], dict[float, float]]] = {}
    deltas: Counter[str] = Counter()
    for name, message in captured_books():
        data = message["data"]
        bids, asks = ([(float(p), float(s)) for p, s in data[side]] for side in ("b", "a"))
        if message["type"] == "snapshot":
            books[name] = Book()
            books[name].replace(data["u"], bids, asks)
            plain[name] = (dict(bids), dict(asks))
            continue
        assert books[name].apply(data["u"], bids, asks) is None
        for side, levels in zip(plain[name], (bids, asks), strict=True):
            side.update(levels)
        deltas[name] += 1
    assert len(books) == 6
    assert sum(deltas.values()) == 2_142
    for name, book in books.items():
        kept = [{p: s for p, s in side.items() if s} for side in plain[name]]
        assert [book.bids, book.asks] == kept
        assert [len(book.bids), len(book.asks)] == [200, 200]
        assert (book.bid_price, book.ask_price) == (max(kept[0]), min(kept[1]))
        assert (book.gaps, book.crossed, book.dropped) == (0, 0, 0)
    final = {name: (book.update_id, book.bid_price, book.bid_size, book.ask_price) for name, book in books.items()}
    assert final == {
        "BYBIT.ws.2 orderbook.200.BTCUSDT": (15_077_365, 65_114.2, 5.974, 65_114.3),
        "BYBIT.ws.2 orderbook.200.ETHUSDT": (14_768_880, 1_922.54, 52.0, 1_922.55),
        "BYBIT.ws.2 orderbook.200.SOLUSDT": (13_783_705, 77.26, 1_041.8, 77.27),
        "BYBIT.ws.2 orderbook.200.DOGEUSDT": (13_178_638, 0.07055, 192_121.0, 0.07056),
        "BYBIT.ws.3 orderbook.200.BTCUSDT": (62_505_723, 65_140.4, 0.622237, 65_140.5),
        "BYBIT.ws.3 orderbook.200.ETHUSDT": (56_726_742, 1_923.28, 9.42925, 1_923.29),
    }
