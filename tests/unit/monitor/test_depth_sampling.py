"""What a look at books finds: every order in its bin, sizes within the step of their scale, bins that fit the book."""

import numpy as np
import pytest

from virtuoso.market.book import Book
from virtuoso.model.documents.depth import DEPTH_BINS
from virtuoso.monitor.depth.sampling import bin_width, coded, look


def book_of(bids: list[tuple[float, float]], asks: list[tuple[float, float]]) -> Book:
    book = Book()
    assert book.replace(1, bids, asks) is None
    return book


def ladder(middle: float, tick: float, levels: int, every: int = 1) -> Book:
    """Levels at every so many ticks on both sides; the size of each is the number of its tick."""
    first = round(middle / tick)
    bids = [(round((first - 1 - every * i) * tick, 10), float(first - 1 - every * i)) for i in range(levels)]
    asks = [(round((first + every * i) * tick, 10), float(first + every * i)) for i in range(levels)]
    return book_of(bids, asks)


@pytest.mark.parametrize(("middle", "tick"), [(105_989.5, 0.1), (0.7312, 0.0001), (1.2e-5, 1e-8), (3_000.0, 0.05)])
def test_each_order_lies_in_the_bin_of_its_price(middle: float, tick: float) -> None:
    book = ladder(middle, tick, 50)
    width = bin_width(book, tick, None)
    (low,), (sizes,) = look([book], np.array([width]))
    ticks = round(width / tick)
    assert width == pytest.approx(ticks * tick)
    expected = np.zeros(DEPTH_BINS)
    for side in (book.bids, book.asks):
        for price, size in side.items():
            expected[round(price / tick) // ticks - low] += size
    assert sizes == pytest.approx(expected)
    assert sizes.sum() == pytest.approx(sum(book.bids.values()) + sum(book.asks.values()))


def test_many_books_are_looked_at_as_one_by_one() -> None:
    books = [ladder(100.0 * (i + 1), 0.1, 30 + i, 1 + i % 3) for i in range(7)]
    widths = np.array([bin_width(book, 0.1, None) for book in books])
    lows, sizes = look(books, widths)
    for i, book in enumerate(books):
        (low,), (alone,) = look([book], widths[i : i + 1])
        assert (low, alone.tolist()) == (lows[i], sizes[i].tolist())


def test_a_few_far_levels_do_not_make_the_bins_coarse() -> None:
    near = ladder(1_000.0, 0.1, 50)
    far = ladder(1_000.0, 0.1, 50)
    far.apply(2, [(500.0, 1.0)], [(2_000.0, 1.0)])
    assert bin_width(far, 0.1, None) == bin_width(near, 0.1, None)


def test_bins_stay_until_the_book_no_longer_fits_them() -> None:
    width = bin_width(ladder(1_000.0, 0.1, 50, every=3), 0.1, None)
    assert bin_width(ladder(1_000.0, 0.1, 50, every=2), 0.1, width) == width
    assert bin_width(ladder(1_000.0, 0.1, 50, every=9), 0.1, width) > width
    assert bin_width(ladder(1_000.0, 0.1, 10), 0.1, width) < width


def test_where_no_step_of_prices_is_told_bins_fit_all_the_same() -> None:
    book = ladder(1_000.0, 0.1, 50)
    _, (sizes,) = look([book], np.array([bin_width(book, None, None)]))
    assert np.count_nonzero(sizes) > DEPTH_BINS // 3


def test_a_size_is_exact_to_three_percent_over_six_decades() -> None:
    rng = np.random.default_rng(1)
    sizes = 10.0 ** rng.uniform(-6, 0, (2, 10, DEPTH_BINS)) * np.array([1e-3, 1e9])[:, None, None]
    sizes[:, :, ::3] = 0.0
    largest, found = coded(sizes)
    told = np.where(found > 0, largest[:, None, None] * 10.0 ** ((found.astype(float) - 255) / 42), 0.0)
    assert told == pytest.approx(sizes, rel=0.03)


def test_a_block_without_a_book_has_nothing() -> None:
    largest, found = coded(np.zeros((1, 3, DEPTH_BINS)))
    assert (largest.tolist(), found.any()) == ([0.0], False)
