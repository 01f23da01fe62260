"""Book features of a minute: exact means, planted patterns beside the same stream without them, mirror symmetry."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.market import MINUTE, START_MS, ladder, takers, trade

from virtuoso.market.minute import MinuteFeatures
from virtuoso.market.symbol import SymbolState
from virtuoso.model.market import Bar, Levels, Side, Trade
from virtuoso.model.timeframe import Timeframe

BUY, SELL = Side.BUY, Side.SELL
CLOSE_MS = START_MS + MINUTE


class Scene:
    """A symbol with a book of ten levels a side around 100, touched at times in seconds after the minute's start."""

    def __init__(self, mirrored: bool = False) -> None:
        self.state = SymbolState("X", [Timeframe.M1], 10, 50)
        self._mirrored = mirrored
        self._traded = 0.0
        self._update_id = 0
        self._send(0.0, ladder(99.0, -1.0), ladder(100.0, 1.0))

    def book(self, at_s: float, bids: Levels = (), asks: Levels = ()) -> None:
        """Change levels."""
        self._send(at_s, list(bids), list(asks))

    def trade(self, at_s: float, price: float, size: float, side: Side) -> None:
        """One trade."""
        if self._mirrored:
            price, side = 199.0 - price, SELL if side is BUY else BUY
        self._traded += size
        self.state.trades(0, [Trade(START_MS + int(at_s * 1000), price, size, side)])

    def cut(self) -> MinuteFeatures:
        """Close the minute with a bar that its trades add up to."""
        self.state.history.load(Timeframe.M1, [Bar(START_MS, 100, 100, 99, 99, self._traded, 100 * self._traded)])
        rows = self.state.history.base.since(START_MS)[1]
        rows[0, 6] = takers(self.state.tape, START_MS, self._traded)[0]
        features = self.state.cut(CLOSE_MS)
        assert features is not None
        return features

    def _send(self, at_s: float, bids: Levels, asks: Levels) -> None:
        if self._mirrored:
            bids, asks = [(199.0 - p, s) for p, s in asks], [(199.0 - p, s) for p, s in bids]
        self._update_id += 1
        send = self.state.book_delta if self._update_id > 1 else self.state.book_snapshot
        send(self._update_id, START_MS + int(at_s * 1000), 0, bids, asks)


def test_means_over_the_seconds_of_the_minute() -> None:
    scene = Scene()
    scene.book(15.0, bids=[(99.0, 3.0)])  # as it was for 15 samples, changed for 45
    features = scene.cut()
    assert features.touch_size == pytest.approx((15 * 1.0 + 45 * 2.0) / 60)
    assert features.imbalance == pytest.approx(45 * (12 - 10) / (12 + 10) / 60)
    # Stoikov's micro-price: (99·1 + 100·3)/4 = 99.75, a half of the half-spread above the mid
    assert features.micro_deviation == pytest.approx(45 * ((99.75 - 99.5) / 0.5) / 60)
    assert features.spread_bp == pytest.approx(1 / 99.5 * 1e4)
    assert features.order_flow == 2.0
    assert (features.bids[:2], features.asks[:2]) == ([(99.0, 3.0), (98.0, 1.0)], [(100.0, 1.0), (101.0, 1.0)])
    assert (len(features.bids), len(features.asks)) == (10, 10)


def test_what_was_absorbed_and_the_same_trades_without_it() -> None:
    held, broken = Scene(), Scene()
    for second in range(5, 50, 5):
        for scene in (held, broken):
            scene.trade(second + 0.5, 99.0, 4.0, SELL)
        broken.book(second + 1.2, bids=[(99.0, 0.0)])  # the bid gives way to the selling
        held.book(second + 1.2, bids=[(99.0, 0.5)])
        broken.book(second + 3.0, bids=[(99.0, 1.0)])
    assert (held.cut().absorbed_bid, held.cut().absorbed_ask) == (9 * 4.0, 0.0)
    assert (broken.cut().absorbed_bid, broken.cut().absorbed_ask) == (0.0, 0.0)


def test_buying_that_the_ask_absorbed() -> None:
    scene = Scene()
    scene.trade(5.5, 100.0, 4.0, BUY)
    scene.trade(6.5, 101.0, 2.0, BUY)  # the ask went back below the price paid
    scene.trade(7.5, 98.0, 8.0, BUY)  # the ask did not hold so low a price
    assert (scene.cut().absorbed_bid, scene.cut().absorbed_ask) == (0.0, 6.0)


def test_absorption_is_unknown_when_a_trade_of_the_minute_was_not_seen() -> None:
    scene = Scene()
    scene.trade(5.5, 99.0, 4.0, SELL)
    scene._traded += 1.0
    features = scene.cut()
    assert (features.absorbed_bid, features.absorbed_ask) == (None, None)
    assert features.touch_size == 1.0


def test_absorption_is_unknown_while_the_bar_is_missing() -> None:
    scene = Scene()
    scene.trade(5.5, 99.0, 4.0, SELL)
    features = scene.state.cut(CLOSE_MS)
    assert features is not None
    assert (features.absorbed_bid, features.order_flow) == (None, 0.0)


@pytest.mark.parametrize(("restored_s", "resilience"), [(2.0, 1.0), (30.0, 0.0)], ids=["made good", "not made good"])
def test_resilience_after_a_depleted_touch(restored_s: float, resilience: float) -> None:
    scene = Scene()
    scene.book(10.5, bids=[(99.0, 0.4)])
    scene.book(10.5 + restored_s, bids=[(99.0, 1.0)])
    assert scene.cut().resilience == resilience


@pytest.mark.parametrize(("restored_s", "resilience"), [(2.0, 1.0), (30.0, 0.0)])
def test_resilience_after_a_widened_spread(restored_s: float, resilience: float) -> None:
    scene = Scene()
    scene.book(10.5, asks=[(100.0, 0.0)])
    scene.book(10.5 + restored_s, asks=[(100.0, 1.0)])
    assert scene.cut().resilience == resilience


def test_resilience_is_the_share_of_shocks_and_unknown_without_one() -> None:
    scene = Scene()
    assert scene.cut().resilience is None
    scene = Scene()
    for second, restored_s in ((10.5, 1.0), (20.5, 9.0), (40.5, 2.0)):
        scene.book(second, asks=[(100.0, 0.4)])
        scene.book(second + restored_s, asks=[(100.0, 1.0)])
    assert scene.cut().resilience == pytest.approx(2 / 3)


def test_a_large_order_that_is_pulled_and_one_that_stays() -> None:
    pulled, stays = Scene(), Scene()
    for scene in (pulled, stays):
        scene.book(10.5, bids=[(95.0, 50.0)])
    pulled.book(12.5, bids=[(95.0, 1.0)])
    assert (pulled.cut().vanished, stays.cut().vanished) == (1.0, 0.0)


def test_a_large_order_that_was_traded_or_left_behind_is_not_suspect() -> None:
    traded, behind = Scene(), Scene()
    for scene in (traded, behind):
        scene.book(10.5, bids=[(95.0, 50.0)])
    traded.trade(12.0, 95.0, 50.0, SELL)
    traded.book(12.5, bids=[(95.0, 0.0)])
    behind.book(12.5, bids=[(float(p), 0.0) for p in range(90, 96)] + [(99.0 + 0.1 * k, 1.0) for k in range(1, 10)])
    assert (traded.cut().vanished, behind.cut().vanished) == (None, None)


def test_nothing_large_nothing_vanished() -> None:
    scene = Scene()
    scene.book(10.5, bids=[(95.0, 3.0)])
    scene.book(12.5, bids=[(95.0, 0.0)])
    scene.book(20.5, bids=[(99.0, 90.0)])  # at the touch: not counted
    scene.book(22.5, bids=[(99.0, 1.0)])
    assert scene.cut().vanished is None


def test_a_lost_book_is_neither_sampled_nor_judged() -> None:
    scene = Scene()
    scene.book(10.5, bids=[(95.0, 50.0), (99.0, 0.4)])
    scene.state.book_invalid()
    scene.trade(30.0, 99.0, 1.0, SELL)
    features = scene.cut()
    assert (features.bids, features.resilience, features.vanished, features.absorbed_bid) == ([], None, None, 0.0)
    assert features.touch_size == 1.0


def test_a_minute_without_a_book_knows_nothing() -> None:
    state = SymbolState("X", [Timeframe.M1], 10, 50)
    state.trades(0, [trade(START_MS + 500)])
    features = state.cut(CLOSE_MS)
    assert features == MinuteFeatures(CLOSE_MS, [], [], *[None] * 9)


EVENTS = st.lists(
    st.tuples(
        st.integers(10, 2_500),  # ms to the one before
        st.sampled_from(["bid", "ask", "buy", "sell"]),
        st.integers(0, 11),  # levels behind the touch's first price
        st.sampled_from([0.0, 0.25, 1.0, 2.0, 40.0]),
    ),
    max_size=80,
)


def played(events: list[tuple[int, str, int, float]], mirrored: bool) -> MinuteFeatures:
    scene = Scene(mirrored)
    at_ms = 0
    for after_ms, kind, level, size in events:
        at_ms += after_ms
        if at_ms >= MINUTE:
            break
        price = 99.0 - level if kind in {"bid", "sell"} else 100.0 + level
        if kind == "bid":
            scene.book(at_ms / 1000, bids=[(price, size)])
        elif kind == "ask":
            scene.book(at_ms / 1000, asks=[(price, size)])
        else:
            scene.trade(at_ms / 1000, price, size + 1.0, BUY if kind == "buy" else SELL)
    return scene.cut()


@given(EVENTS)
def test_mirroring_the_market_negates_what_is_signed_and_nothing_else(
    events: list[tuple[int, str, int, float]],
) -> None:
    one, other = played(events, mirrored=False), played(events, mirrored=True)
    assert one.touch_size is not None
    assert one.imbalance is not None
    assert one.micro_deviation is not None
    assert one.order_flow is not None
    assert one.spread_bp is not None
    assert other == replace(
        one,
        bids=[(199.0 - p, s) for p, s in one.asks],
        asks=[(199.0 - p, s) for p, s in one.bids],
        imbalance=pytest.approx(-one.imbalance, abs=1e-12),
        micro_deviation=pytest.approx(-one.micro_deviation, abs=1e-12),
        order_flow=pytest.approx(-one.order_flow, abs=1e-12),
        absorbed_bid=one.absorbed_ask,
        absorbed_ask=one.absorbed_bid,
        spread_bp=pytest.approx(one.spread_bp, rel=0.25),  # relative to a mid that is mirrored too
        vanished=one.vanished,
    )
    assert abs(one.imbalance) <= 1
    assert abs(one.micro_deviation) <= 1
    for share in (one.resilience, one.vanished):
        assert share is None or 0 <= share <= 1


def test_one_event_from_the_far_future_does_not_end_the_sampling() -> None:
    state = SymbolState("XUSDT", [Timeframe.M1], 10, 50)
    bids, asks = ladder(10.0, -0.1), ladder(10.1, 0.1)
    state.book_snapshot(1, START_MS + 500, 0, bids, asks)
    state.book_delta(2, START_MS + 10**12, 0, [(9.0, 2.0)], [])  # a time that was garbled
    state.cut(START_MS + MINUTE)  # the minute that closes notices it
    for second in range(60, 120):
        state.book_delta(second, START_MS + second * 1_000 + 1, 0, [(9.0, float(second))], [])
        if second == 60:
            state.book_snapshot(60, START_MS + 60_001, 0, bids, asks)
    features = state.cut(START_MS + 2 * MINUTE)
    assert features is not None
    assert features.spread_bp is not None
