"""The order-book factor: values by hand, mirroring, scale, missing books."""

from dataclasses import replace

import numpy as np
import pytest
from tests.support.banks import mirror_book
from tests.support.panels import random_book

from virtuoso.analysis.bank import BookBank
from virtuoso.analysis.factors.orderbook import FACTOR
from virtuoso.market.panel import BookBlock

MINUTE = 60_000
N = 4
BOOKS = [random_book(np.array([100.0, 0.01, 3e4, 7.0]), seed=seed) for seed in range(60)]
NAMES = [component.name for component in FACTOR.components]
MODIFIERS = [modifier.name for modifier in FACTOR.modifiers]


def _run(books: list[BookBlock]) -> tuple[np.ndarray, np.ndarray]:
    """Raw values and maps [t, measure, n]."""
    bank = BookBank(MINUTE, FACTOR.components, FACTOR.modifiers)
    raws, values = [], []
    for k, book in enumerate(books):
        bank.step(book, (k + 1) * MINUTE)
        raws.append(bank.measures.last(slice(0, N)).raw.copy())
        values.append(bank.measures.last(slice(0, N)).value.copy())
    return np.stack(raws), np.stack(values)


RAW, VALUE = _run(BOOKS)


def test_depth_imbalance_weighs_near_levels_more_and_the_bar_as_much_as_the_cut() -> None:
    book = BOOKS[0]
    bid = sum(book.bid_size[0, level] / (level + 1) for level in range(10))
    ask = sum(book.ask_size[0, level] / (level + 1) for level in range(10))
    expected = 0.5 * (bid - ask) / (bid + ask) + 0.5 * book.imbalance[0]
    assert RAW[0, NAMES.index("depth_imbalance"), 0] == pytest.approx(expected, rel=1e-12)


def test_order_flow_is_measured_in_its_own_dispersion() -> None:
    flow = np.array([book.order_flow / book.touch_size for book in BOOKS])
    column = RAW[:, NAMES.index("order_flow_imbalance")]
    assert np.isnan(column[:19]).all()
    for t in range(19, 60):
        rms = np.sqrt((flow[t - 19 : t + 1] ** 2).mean(axis=0))
        np.testing.assert_allclose(column[t], flow[t] / rms, rtol=1e-12)


def test_absorption_is_a_share_and_nothing_absorbed_is_no_evidence() -> None:
    book = BOOKS[0]
    bid, ask = book.absorbed_bid, book.absorbed_ask
    np.testing.assert_allclose(RAW[0, NAMES.index("absorption")], (bid - ask) / (bid + ask + book.touch_size))
    nothing = replace(book, absorbed_bid=np.zeros(N), absorbed_ask=np.zeros(N))
    assert _run([nothing])[0][0, NAMES.index("absorption")].tolist() == [0.0] * N


def test_micro_price_is_taken_as_cut() -> None:
    np.testing.assert_array_equal(RAW[5, NAMES.index("micro_price")], BOOKS[5].micro_deviation)


def test_modifiers_are_shares_that_fall_with_spread_and_suspicion_and_rise_with_resilience() -> None:
    modifiers = dict(zip(MODIFIERS, VALUE[0, len(NAMES) :], strict=True))
    book = BOOKS[0]
    np.testing.assert_allclose(modifiers["spread"], 10 / (10 + book.spread_bp))
    np.testing.assert_allclose(modifiers["resilience"], (1 + book.resilience) / 2)
    np.testing.assert_allclose(modifiers["spoof_suspicion"], 1 - book.vanished)
    assert ((VALUE[:, len(NAMES) :] >= 0) & (VALUE[:, len(NAMES) :] <= 1)).all()


def test_mirroring_negates_components_and_leaves_modifiers() -> None:
    _, mirrored = _run([mirror_book(book) for book in BOOKS])
    np.testing.assert_allclose(mirrored[:, : len(NAMES)], -VALUE[:, : len(NAMES)], rtol=0, atol=1e-12)
    np.testing.assert_array_equal(mirrored[:, len(NAMES) :], VALUE[:, len(NAMES) :])


@pytest.mark.parametrize("size", [1e-6, 1e7])
def test_units_of_size_do_not_matter(size: float) -> None:
    names = ("bid_size", "ask_size", "order_flow", "touch_size", "absorbed_bid", "absorbed_ask")
    scaled = [replace(b, **{name: getattr(b, name) * size for name in names}) for b in BOOKS]
    np.testing.assert_allclose(_run(scaled)[1], VALUE, rtol=1e-9, atol=1e-12)


def test_a_book_that_was_not_seen_is_null_and_its_dispersion_begins_anew() -> None:
    hole = {f: getattr(BOOKS[30], f).copy() for f in BookBlock.__dataclass_fields__ if f != "rows"}
    for values in hole.values():
        values[1] = np.nan
    raw, _ = _run([*BOOKS[:30], replace(BOOKS[30], **hole), *BOOKS[31:]])
    assert np.isnan(raw[30, :, 1]).all()
    flow = NAMES.index("order_flow_imbalance")
    assert np.isnan(raw[30:50, flow, 1]).all()
    np.testing.assert_allclose(raw[50:, flow, 1], RAW[50:, flow, 1])
    assert np.isfinite(raw[31, NAMES.index("depth_imbalance"), 1])
    np.testing.assert_array_equal(raw[:, :, [0, 2, 3]], RAW[:, :, [0, 2, 3]])


def test_missing_deep_levels_count_as_empty() -> None:
    thin = {name: BOOKS[0].__getattribute__(name).copy() for name in ("bid_size", "ask_size", "bid_price", "ask_price")}
    for values in thin.values():
        values[:, 3:] = np.nan
    raw, _ = _run([replace(BOOKS[0], **thin)])
    weights = 1 / np.arange(1, 4)
    bid, ask = BOOKS[0].bid_size[:, :3] @ weights, BOOKS[0].ask_size[:, :3] @ weights
    expected = 0.5 * (bid - ask) / (bid + ask) + 0.5 * BOOKS[0].imbalance
    np.testing.assert_allclose(raw[0, NAMES.index("depth_imbalance")], expected)


def test_a_motionless_touch_has_no_order_flow() -> None:
    still = [replace(book, order_flow=np.zeros(N)) for book in BOOKS]
    assert np.isnan(_run(still)[0][:, NAMES.index("order_flow_imbalance")]).all()
