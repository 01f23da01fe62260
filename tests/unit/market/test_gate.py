"""The gate: what cannot be is refused, what is real passes, and a true jump gets through."""

from collections.abc import Callable
from itertools import count
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from virtuoso.market.book import CROSSED, FAR
from virtuoso.market.bounds import ranges
from virtuoso.market.gate import FACTOR, FAR_CLOSE, FAR_LAST, FAR_PRICE, NOT_TOLD
from virtuoso.market.minute import MinuteFeatures
from virtuoso.market.symbol import SymbolState
from virtuoso.model.market import AccountRatio, Bar, FundingRate, Liquidation, OpenInterest, Side, TickerUpdate, Trade
from virtuoso.model.timeframe import Timeframe

NOW_MS = 1_786_310_820_000
OFFSET_MS = 250.0
PRICE = 65_000.0
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


class Watched:
    """A symbol of which everything has been heard, at 65,000; `wait` lets local time pass."""

    def __init__(self, price: float = PRICE) -> None:
        self.state = SymbolState("BTCUSDT", (Timeframe.M1,), 100, 50, lambda: OFFSET_MS)
        self.gate = self.state.gate
        self.now_ms = NOW_MS
        self._ids = count(1)
        self.update_id = 0
        assert self.ticker(price) is None
        assert self.book(price) is None
        assert self.trade(price) is None
        assert self.bar(price) is None

    @property
    def ns(self) -> int:
        return int((self.now_ms - OFFSET_MS) * 1_000_000)

    def wait(self, ms: int) -> None:
        self.now_ms += ms

    def ticker(self, last: float, at_ms: int | None = None, **fields: float) -> str | None:
        fields.setdefault("mark", last)
        return self.state.ticker(at_ms or self.now_ms, self.ns, TickerUpdate(last=last, **fields))

    def book(self, price: float, at_ms: int | None = None) -> str | None:
        self.update_id += 100
        levels = [(price * 0.999, 1.0)], [(price * 1.001, 1.0)]
        return self.state.book_snapshot(self.update_id, at_ms or self.now_ms, self.ns, *levels)

    def trade(self, price: float, at_ms: int | None = None, size: float = 1.0) -> str | None:
        trade = Trade(at_ms or self.now_ms, price, size, Side.BUY, str(next(self._ids)))
        return self.state.trades(self.ns, [trade])

    def bar(self, close: float, **fields: float) -> str | None:
        row = {"open_ms": self.now_ms // MINUTE * MINUTE, "open": close, "high": close, "low": close, "close": close,
               "volume": 1.0, "turnover": close, "confirmed": False} | fields  # fmt: skip
        return self.state.bars(self.ns, [Bar(**row)])


AHEAD = ranges.AHEAD_MS
TIMES = st.one_of(
    st.integers(-HOUR, HOUR), st.integers(-AHEAD, 2 * AHEAD), st.integers(-(1 << 62), 1 << 62),
    st.sampled_from([AHEAD + 1, HOUR + 1, -HOUR - 1, NOW_MS * 999]),
)  # fmt: skip


@given(TIMES)
def test_a_time_passes_from_an_hour_before_to_seconds_after_the_measured_clock(off_ms: int) -> None:
    watched, at_ms = Watched(), NOW_MS + off_ms
    wanted = None if -HOUR <= off_ms <= AHEAD else ranges.BEHIND
    if off_ms > AHEAD:
        wanted = ranges.EARLY if off_ms <= HOUR else ranges.AHEAD
    assert watched.ticker(PRICE, at_ms) == wanted
    assert watched.trade(PRICE, at_ms) == wanted
    state, ns = watched.state, watched.ns
    assert state.touch(at_ms, ns, (PRICE, 1.0), (PRICE + 1, 1.0)) == wanted
    assert state.liquidations(ns, [Liquidation(at_ms, PRICE, 1.0, Side.BUY)]) == wanted
    assert state.book_delta(watched.update_id + 1, at_ms, ns, [(PRICE * 0.9991, 2.0)], []) == wanted
    assert state.book.valid is (wanted is None), "what was not applied leaves no book behind"
    assert watched.book(PRICE, at_ms) == wanted
    if wanted is not None:
        assert len(state.tape.recent) == 1
        assert state.stats.event_ms == NOW_MS
        assert state.minutes.close_ms == NOW_MS


@pytest.mark.parametrize("ahead_ms", [AHEAD + 1, 3 * MINUTE, HOUR])
def test_a_time_ahead_is_believed_where_most_streams_tell_it(ahead_ms: int) -> None:
    watched, told = Watched(), [OFFSET_MS + ahead_ms]
    watched.gate._streams_ms = lambda: told[0]
    assert watched.book(PRICE, NOW_MS + ahead_ms) is None
    assert watched.trade(PRICE, NOW_MS + ahead_ms) is None
    assert watched.ticker(PRICE, NOW_MS + min(ahead_ms + AHEAD, HOUR)) is None
    assert watched.ticker(PRICE, NOW_MS + ahead_ms + AHEAD + 1) == (ranges.EARLY if ahead_ms < HOUR else ranges.AHEAD)
    told[0] = OFFSET_MS + ahead_ms - AHEAD - 1
    assert watched.book(PRICE, NOW_MS + ahead_ms) == ranges.EARLY, "they tell it no longer"
    assert watched.book(PRICE, NOW_MS) is None, "what is measured stays possible"


def test_before_the_clock_is_measured_an_hour_is_allowed() -> None:
    state = SymbolState("X", (Timeframe.M1,), 10, 50, lambda: None)
    assert state.book_snapshot(1, NOW_MS + HOUR, NOW_MS * 1_000_000, [(1.0, 1.0)], [(1.1, 1.0)]) is None
    assert state.time(NOW_MS + HOUR + 1, NOW_MS * 1_000_000) == ranges.AHEAD


def features(odd: Callable[[Watched, int], str | None]) -> tuple[list[str | None], list[MinuteFeatures | None]]:
    """Three minutes of a steady book, in the middle of the first of which something odd comes; what was cut."""
    watched, cuts, said = Watched(), list[MinuteFeatures | None](), list[str | None]()
    watched.wait(MINUTE - NOW_MS % MINUTE)
    for second in range(181):
        if second and second % 60 == 0:
            cuts.append(watched.state.cut(watched.now_ms))
        if second == 30:
            said.append(odd(watched, watched.now_ms))
        assert watched.book(PRICE + second % 7) is None
        watched.wait(1_000)
    return said, cuts


@pytest.mark.parametrize("minutes", [1, 4, 50])
def test_a_book_from_minutes_ahead_costs_no_minute_its_features(minutes: int) -> None:
    said, cuts = features(lambda watched, now_ms: watched.book(PRICE, now_ms + minutes * MINUTE))
    assert said == [ranges.EARLY]
    _, steady = features(lambda watched, now_ms: None)
    assert None not in cuts
    for cut, wanted in zip(cuts[1:], steady[1:], strict=True):
        assert cut == wanted
    assert [cut.spread_bp for cut in cuts[:1] if cut] == [pytest.approx(20.0, rel=1e-3)]


def test_a_book_that_was_asked_for_is_of_no_later_time_than_its_answer() -> None:
    """Where its exchange says a later one, within the hour, it is a look at the book as of now."""
    levels = [(PRICE * 0.999, 1.0)], [(PRICE * 1.001, 1.0)]
    said, cuts = features(
        lambda watched, now_ms: watched.state.book_fetched(1, now_ms + 4 * MINUTE, watched.ns, *levels)
    )
    assert said == [None]
    assert all(cut is not None and cut.spread_bp == pytest.approx(20.0, rel=1e-3) for cut in cuts)


@given(st.integers(-(1 << 62), 1 << 62))
def test_no_walk_is_as_long_as_a_time_that_came(at_ms: int) -> None:
    """Without a clock nothing is refused for its time: then the walks themselves are bounded."""
    state = SymbolState("X", (Timeframe.M1,), 10, 50)
    for ms in (NOW_MS, at_ms, NOW_MS + MINUTE, NOW_MS + 2 * MINUTE):
        state.ticker(ms, 0, TickerUpdate(last=1.0, open_interest=1.0))
        state.book_snapshot(1, ms, 0, [(1.0, 1.0)], [(1.1, 1.0)])
        state.trades(0, [Trade(ms, 1.0, 1.0, Side.BUY, "a")])
        state.liquidations(0, [Liquidation(ms, 1.0, 1.0, Side.BUY)])
        state.take_interest([OpenInterest(ms, 1.0)])
        state.minutes.settle(ms)
        state.cut(ms // MINUTE * MINUTE)


@pytest.mark.parametrize("price", [1e17, 1e-30, 0.0, -3.1, nan, inf, PRICE * 28, PRICE / 28, PRICE * FACTOR * 1.01])
def test_a_price_far_from_all_others_is_refused(price: float) -> None:
    watched = Watched()
    for _ in range(30):  # however often one feed repeats it, against the others
        watched.wait(1_000)
        assert watched.ticker(PRICE * 1.001) is None
        assert watched.book(PRICE) is None
        assert watched.bar(PRICE) is None
        assert watched.trade(price) == FAR_PRICE
        assert watched.ticker(price) == FAR_LAST
        assert watched.bar(price) in {FAR_CLOSE, "open: not a positive number", "high, low: not prices"}
    assert watched.state.stats.values["last"] == PRICE * 1.001
    assert watched.state.history.forming is not None
    assert watched.state.history.forming.close == PRICE
    assert watched.book(price) in {FAR, "b, a: not prices and sizes"}
    assert not watched.state.book.valid


@given(st.floats(0.25, 0.4), st.sampled_from([0.01, 100.0, 1e3, 1e-3]))
def test_a_true_jump_gets_through(pause_s: float, factor: float) -> None:
    """Book, trades and ticker agree on another price: believed within four seconds of it, for good."""
    watched, price = Watched(), PRICE * factor
    feeds: list[Callable[[float], str | None]] = [watched.book, watched.trade, watched.ticker, watched.bar]
    believed_ms, refused = None, 0
    for step in range(120):
        watched.wait(int(pause_s * 1_000))
        refusal = feeds[step % 4](price)
        if refusal is None and believed_ms is None:
            believed_ms = watched.now_ms
        refused += believed_ms is not None and refusal is not None
    assert believed_ms is not None
    assert believed_ms - NOW_MS <= 12_000, "the other feeds have said nothing else for ten seconds"
    assert refused == 0
    assert watched.state.stats.values["last"] == watched.state.stats.values["mark"] == price


@pytest.mark.parametrize("liar", ["trade", "ticker", "bar", "mark"])
@pytest.mark.parametrize("step", [2.4, 1 / 2.4])
def test_one_feed_does_not_lead_the_price_away_step_by_step(liar: str, step: float) -> None:
    """While the others, which are quiet, have said nothing of it."""
    watched, told = Watched(), 0
    for power in range(1, 21):
        watched.wait(1_000)
        price = PRICE * step**power
        refusal = watched.ticker(PRICE, mark=price) if liar == "mark" else getattr(watched, liar)(price)
        told += refusal is None and liar != "mark"
    assert told <= 2
    least, most = watched.gate.limits[0]
    assert PRICE / 50 < least < PRICE < most < PRICE * 50


def test_a_book_that_is_outvoted_is_not_valid() -> None:
    watched = Watched()
    for _ in range(30):
        watched.wait(1_000)
        watched.trade(PRICE * 28)
        watched.ticker(PRICE * 28)
    assert watched.state.stats.values["last"] == PRICE * 28
    assert not watched.state.book.valid


def test_two_feeds_do_not_outvote_two() -> None:
    watched = Watched()
    for _ in range(60):
        watched.wait(1_000)
        assert watched.book(PRICE) is None
        assert watched.trade(PRICE) is None
        assert watched.ticker(28 * PRICE) == FAR_LAST
        assert watched.bar(28 * PRICE) == FAR_CLOSE


def test_after_a_long_silence_the_price_may_be_anywhere() -> None:
    watched = Watched()
    watched.state.book_invalid()
    watched.wait(301_000)
    assert watched.ticker(PRICE / 10) is None
    assert watched.trade(PRICE / 10) is None


def test_the_first_ticker_must_agree_with_itself() -> None:
    state = SymbolState("X", (Timeframe.M1,), 10, 50, lambda: 0.0)
    assert state.ticker(NOW_MS, NOW_MS * 1_000_000, TickerUpdate(last=1e11, mark=PRICE)) == FAR_LAST
    assert state.ticker(NOW_MS, NOW_MS * 1_000_000, TickerUpdate(last=PRICE, mark=PRICE)) is None


def test_the_first_price_must_agree_with_a_history_that_is_fresh() -> None:
    state = SymbolState("X", (Timeframe.M1,), 10, 50, lambda: 0.0)
    state.history.load(Timeframe.M1, [Bar(NOW_MS - MINUTE, 10.0, 10.0, 10.0, 10.0, 1.0, 10.0)])
    assert state.ticker(NOW_MS, NOW_MS * 1_000_000, TickerUpdate(last=30.0)) == FAR_LAST
    assert state.ticker(NOW_MS, NOW_MS * 1_000_000, TickerUpdate(last=11.0)) is None


@given(st.lists(st.floats(1 / 1.8, 1.8), min_size=1, max_size=60))
def test_whatever_walks_by_steps_is_believed(steps: list[float]) -> None:
    """Almost halved or doubled within every second, in any direction: still nothing is refused."""
    watched, price = Watched(), PRICE
    for step in steps:
        price = min(max(price * step, 1e-6), 1e9)
        watched.wait(1_000)
        assert watched.trade(price) is None
        assert watched.ticker(price) is None
        assert watched.bar(price) is None
        assert watched.book(price) is None


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({}, None),
        ({"high": PRICE - 1, "low": PRICE - 2}, "high: below open or close"),
        ({"high": PRICE + 1, "open": PRICE + 1, "low": PRICE + 0.5}, "low: above open or close"),
        ({"high": 0.1, "low": 9.0}, "high: below open or close"),
        ({"open": PRICE + 1}, "high: below open or close"),
        ({"low": PRICE / 40, "high": PRICE}, None),  # a wick
        ({"low": PRICE / 60, "high": PRICE}, FAR_CLOSE),
        ({"volume": -1.0}, "volume: negative or not finite"),
        ({"volume": nan}, "volume: negative or not finite"),
        ({"turnover": nan}, None),
        ({"turnover": -1.0}, "turnover: negative or not finite"),
        ({"open_ms": NOW_MS + 2 * MINUTE}, "start: in the future"),
        ({"open_ms": NOW_MS + 1}, "start: not a multiple of its length"),
        ({"open_ms": NOW_MS - 2 * HOUR}, "start: more than 1 h ago"),
        ({"open_ms": NOW_MS * 1_000}, "start: in the future"),
        ({"confirmed": True, "open_ms": NOW_MS + MINUTE}, "confirm: before its end"),
        ({"confirmed": True, "open_ms": NOW_MS - MINUTE}, None),
    ],
)
def test_bars(fields: dict[str, float], refusal: str | None) -> None:
    assert Watched().bar(PRICE, **fields) == refusal


@pytest.mark.parametrize(
    ("name", "value", "known"),
    [
        ("next_funding_ms", NOW_MS + 8 * HOUR, True),
        ("next_funding_ms", 0.0, False),
        ("next_funding_ms", (NOW_MS + HOUR) * 1_000.0, False),
        ("next_funding_ms", NOW_MS + 8 * DAY, False),
        ("next_funding_ms", NOW_MS - 2 * HOUR, False),
        ("funding_rate", -0.03, True),
        ("funding_rate", 17.0, False),
        ("open_interest", 6e4, True),
        ("open_interest", 1e17, False),
        ("mark", 1e17, False),
        ("index", PRICE * 1.01, True),
        ("index", 1e-30, False),
        ("bid", 0.0, False),
        ("high_24h", inf, False),
        ("turnover_24h", 1e17, False),
        ("funding_interval_h", 8.0, True),
        ("funding_interval_h", 8e6, False),
    ],
)
def test_a_field_that_cannot_be_is_unknown(name: str, value: float, *, known: bool) -> None:
    watched = Watched()
    assert watched.ticker(PRICE, **{name: value}) is None
    stats = watched.state.stats
    assert stats.values[name] == (value if known else None)
    assert getattr(watched.state.believed, name) == (value if known else None), "the detectors see the same"
    assert stats.doubted == ({} if known else {name: 1})


def test_what_is_unknown_is_filled_by_what_is_asked_for_and_only_by_what_can_be() -> None:
    watched = Watched()
    watched.ticker(PRICE, next_funding_ms=0.0)
    watched.state.fill_ticker(watched.ns, TickerUpdate(next_funding_ms=NOW_MS * 1e3))
    assert watched.state.stats.values["next_funding_ms"] is None
    watched.state.fill_ticker(watched.ns, TickerUpdate(next_funding_ms=NOW_MS + 4.0 * HOUR))
    assert watched.state.stats.values["next_funding_ms"] == NOW_MS + 4 * HOUR


def test_a_touch_or_a_book_that_is_crossed() -> None:
    watched = Watched()
    state = watched.state
    assert state.touch(NOW_MS, watched.ns, (10.0, 1.0), (10.0, 1.0)) == CROSSED
    assert state.book_snapshot(1, NOW_MS, watched.ns, [(PRICE, 1.0)], [(PRICE, 1.0)]) == CROSSED
    assert state.book_snapshot(1, NOW_MS, watched.ns, [(PRICE, nan)], [(PRICE + 1, 1.0)]) is not None
    assert not state.book.valid


def test_of_trades_that_were_asked_for_those_that_cannot_be_are_left_out() -> None:
    watched = Watched()
    old = Trade(NOW_MS - 9 * DAY, PRICE / 9, 1.0, Side.BUY, "old")
    wrong = [Trade(NOW_MS * 1_000, PRICE, 1.0, Side.BUY, "us"), Trade(NOW_MS, -1.0, 1.0, Side.BUY, "negative")]
    assert watched.state.trades_fetched(watched.ns, [old, *wrong]) is None
    assert [trade.id for trade in watched.state.tape.recent] == ["old", "1"]
    assert watched.state.trades_fetched(watched.ns, wrong) == "trades: none of them can be"


def test_slow_data_of_a_time_to_come_or_of_an_impossible_value_is_left_out() -> None:
    state = Watched().state
    state.take_ratios([AccountRatio(NOW_MS, 0.6, 0.4), AccountRatio(NOW_MS * 1_000, 0.6, 0.4),
                       AccountRatio(NOW_MS + 1, 17.0, 0.4)])  # fmt: skip
    assert [ratio.event_ms for ratio in state.ratios] == [NOW_MS]
    hours = [FundingRate(NOW_MS - 8 * HOUR * k, 0.0001) for k in (2, 1)]
    state.take_rates([*hours, FundingRate(NOW_MS, 17.0), FundingRate(NOW_MS * 1_000, 0.0001)])
    assert list(state.minutes.hourly_rates) == [0.0001 / 8]
    state.take_interest([OpenInterest(NOW_MS * 1_000, 5.0), OpenInterest(NOW_MS, -5.0), OpenInterest(NOW_MS, inf)])
    state.take_interest([OpenInterest(NOW_MS, 5.0)])
    number = NOW_MS // MINUTE - 1
    assert state.minutes.noted(number, 1)[0, 1] == 5.0


@pytest.mark.parametrize("size", [1e17, 0.0])
def test_trades_of_impossible_size(size: float) -> None:
    watched = Watched()
    assert watched.trade(PRICE, size=size) == "size: not an amount"
    fetched = [Trade(watched.now_ms, PRICE, size, Side.BUY, "fetched")]
    assert watched.state.trades_fetched(watched.ns, fetched) == "trades: none of them can be"


def test_a_ticker_that_hides_the_price_is_refused_until_it_tells_one() -> None:
    """A field renamed as after a change of the schema: the other fields go on, the price is of long ago."""
    watched = Watched()
    state, bid = watched.state, TickerUpdate(bid=PRICE - 1)
    refusals = []
    for second in range(30):
        watched.wait(1_000)
        watched.trade(PRICE + 1 + second % 5)
        refusals.append(state.ticker(watched.now_ms, watched.ns, bid))
    assert refusals == [None] * 19 + [NOT_TOLD] * 11
    assert watched.ticker(PRICE + 5) is None
    assert state.ticker(watched.now_ms, watched.ns, bid) is None


def test_a_ticker_that_is_quiet_while_trades_are_at_its_price() -> None:
    watched = Watched()
    for _ in range(60):
        watched.wait(1_000)
        watched.trade(PRICE)
        assert watched.state.ticker(watched.now_ms, watched.ns, TickerUpdate(bid=PRICE - 1)) is None


def test_off_tick_is_doubt_of_the_instrument_and_never_a_refusal() -> None:
    watched = Watched()
    watched.gate.steps(0.1)
    for second in range(9):
        watched.wait(1_000)
        assert watched.trade(PRICE + 0.1 * second) is None
    assert not watched.gate.instrument_doubt
    for _ in range(5):
        watched.wait(1_000)
        assert watched.trade(PRICE + 0.05) is None
    assert watched.gate.instrument_doubt
    watched.gate.steps(0.1)  # asked for, and the same as before: it is not asked for again and again
    for _ in range(9):
        watched.wait(1_000)
        assert watched.trade(PRICE + 0.05) is None
    assert not watched.gate.instrument_doubt
