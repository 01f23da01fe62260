"""All detectors of a symbol, and what becomes of their findings."""

import sys
from math import inf, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from tests.support.detectors import MINUTE, PARAMETERS, START_MS, Desk, minute, minutes, ns, orders, warmed

from virtuoso.alerts.fast.baseline import Minutes
from virtuoso.alerts.fast.symbol import SymbolDetectors
from virtuoso.model.alerts.incident import Severity
from virtuoso.model.market import Bar, Liquidation, Side, TickerUpdate, Trade

LAST = minutes(240)[-1][3]
"""The close of the minutes behind a symbol that is `warmed`."""


def bar(volume: float, open_ms: int = START_MS) -> Bar:
    return Bar(open_ms, 100.0, 101.0, 99.0, 100.5, volume, volume * 100, confirmed=False)


def test_a_stream_of_quiet_events_finds_nothing() -> None:
    desk = Desk()
    detectors = warmed(desk)
    rows = minutes(30, seed=3, price=LAST)
    for i, row in enumerate(rows):
        opened, _, _, close, volume = row
        at_ms = START_MS + i * MINUTE
        for trade in orders(120, seed=i, gap_ms=500, start_ms=at_ms, tail=4.0, price=(opened + close) / 2):
            detectors.trades([trade], ns(trade.event_ms))
            detectors.ticker(trade.event_ms, TickerUpdate(last=trade.price, open_interest=1e6), ns(trade.event_ms))
        detectors.forming(bar(volume, at_ms), ns(at_ms + 59_000))
        detectors.minutes(at_ms, [row], ns(at_ms + MINUTE))
    assert desk.all() == []


def test_history_warms_what_it_can_and_is_never_judged() -> None:
    """After four hours of bars: moves in a minute's time, volumes and liquidations at once; orders and books not."""
    desk = Desk()
    history = [*minutes(238), minute(100.0, 150.0, 1e9), minute(150.0, 100.0, 1e9)]
    detectors = desk.symbol()
    detectors.minutes(START_MS - 240 * MINUTE, history, ns(START_MS))
    detectors.learn([Trade(START_MS, 100.0, 1e12, Side.BUY)], 8.0, [(START_MS, 1.0)], [(START_MS, 1.0)])
    assert desk.all() == []
    fresh = Desk()
    detectors = warmed(fresh)
    detectors.forming(bar(50_000.0), ns(START_MS))
    detectors.liquidations([Liquidation(START_MS, 100.0, 1_000.0, Side.BUY)], ns(START_MS))
    detectors.trades([Trade(START_MS, LAST, 1e9, Side.BUY)], ns(START_MS))
    assert [incident.kind for incident in fresh.all()] == ["volume_spike", "liquidation"]


def test_without_history_nothing_is_found_in_the_first_minute() -> None:
    desk = Desk()
    detectors = desk.symbol()
    for i in range(600):
        at_ms, wild = START_MS + i * 100, 2.0 ** (i % 7)
        detectors.trades([Trade(at_ms, 100.0 * wild, 1e6 * wild, Side.BUY)], ns(at_ms))
        detectors.liquidations([Liquidation(at_ms, 100.0, 1e9, Side.SELL)], ns(at_ms))
        detectors.ticker(at_ms, TickerUpdate(last=wild, open_interest=wild), ns(at_ms))
        levels = {100.0 + j: wild**j for j in range(20)}
        detectors.book(at_ms, 100.0, 100.0 + wild, levels, levels, ns(at_ms))
        detectors.forming(bar(1e9 * wild), ns(at_ms))
    assert desk.all() == []


def test_the_tickers_price_counts_only_where_trades_say_nothing() -> None:
    desk = Desk()
    detectors = warmed(desk)
    for i in range(90):
        at_ms = START_MS + i * 1_000
        detectors.trades([Trade(at_ms, LAST, 1.0, Side.BUY)], ns(at_ms))
        detectors.ticker(at_ms + 500, TickerUpdate(last=130.0), ns(at_ms + 500))  # an odd one, beside the trades
    assert desk.all("sudden_move") == []
    plain = Desk()
    alone = warmed(plain)
    for i in range(90):
        at_ms = START_MS + i * 1_000
        update = TickerUpdate(last=LAST) if i == 0 else TickerUpdate(last=130.0) if i == 80 else TickerUpdate()
        alone.ticker(at_ms, update, ns(at_ms))
    assert plain.told() == [("sudden_move", "X", "up")]


def test_a_ticker_that_does_not_know_is_no_event() -> None:
    desk = Desk()
    detectors = warmed(desk)
    for update in (
        TickerUpdate(),
        TickerUpdate(last=None, open_interest=None, funding_rate=None, funding_interval_h=None),
        TickerUpdate(funding_rate=1.0),  # per which interval?
        TickerUpdate(last=UNSET, open_interest=0.0, funding_rate=0.0, funding_interval_h=0.0),
    ):
        detectors.ticker(START_MS, update, ns(START_MS))
    assert desk.all() == []
    detectors.ticker(START_MS, TickerUpdate(funding_interval_h=8.0), ns(START_MS))
    detectors.ticker(START_MS, TickerUpdate(funding_rate=-0.01), ns(START_MS))
    assert desk.told() == [("funding_extreme", "X", "down")]


def test_minutes_that_were_repaired_are_learnt_from_and_not_judged() -> None:
    desk = Desk()
    detectors = warmed(desk)
    busy = [minute(100.0, 100.0, 50_000.0)] * 10
    detectors.minutes(START_MS, busy, ns(START_MS + 10 * MINUTE))
    assert desk.all() == []
    assert detectors.next_ms == START_MS + 10 * MINUTE
    detectors.minutes(START_MS + 10 * MINUTE, [minute(100.0, 100.0, 1e9)], ns(START_MS + 11 * MINUTE))
    assert desk.told() == [("volume_spike", "X", None)]


def size_of(thing: Any, seen: set[int]) -> int:
    """Bytes of everything that hangs on an object, but not of classes and what is shared by all."""
    if id(thing) in seen or isinstance(thing, type):
        return 0
    seen.add(id(thing))
    found = sys.getsizeof(thing)
    if isinstance(thing, dict):
        found += sum(size_of(key, seen) + size_of(value, seen) for key, value in thing.items())
    elif isinstance(thing, list | tuple | set) or type(thing).__name__ == "deque":
        found += sum(size_of(item, seen) for item in thing)
    for cls in type(thing).__mro__:
        for name in getattr(cls, "__slots__", ()):
            found += size_of(getattr(thing, name, None), seen)
    if hasattr(thing, "__dict__"):
        found += size_of(vars(thing), seen)
    return found


def busy_day(detectors: SymbolDetectors, day: int) -> None:
    """A day in which everything comes once a minute."""
    for i, row in enumerate(minutes(1_440, seed=day)):
        close, volume = row[3:]
        at_ms = START_MS + (day * 1_440 + i) * MINUTE
        detectors.trades(orders(40, seed=i, gap_ms=1_000, start_ms=at_ms), ns(at_ms))
        detectors.liquidations([Liquidation(at_ms, close, volume, Side.BUY)], ns(at_ms))
        detectors.ticker(
            at_ms, TickerUpdate(open_interest=volume, funding_rate=volume * 1e-7, funding_interval_h=8.0), ns(at_ms)
        )
        levels = {close + j: volume for j in range(200)}
        detectors.book(at_ms, close, close + 1, levels, levels, ns(at_ms))
        detectors.minutes(at_ms, [row], ns(at_ms + MINUTE))


def test_state_does_not_grow_with_events() -> None:
    desk = Desk()
    detectors = warmed(desk)
    busy_day(detectors, 0)
    seen = {id(desk), id(desk.log), id(desk.findings), id(PARAMETERS)}
    small = size_of(detectors, set(seen))
    for day in range(1, 4):
        busy_day(detectors, day)
    assert size_of(detectors, set(seen)) < 1.1 * small < 200_000
    desk.findings.sweep(ns(START_MS + 10**10))
    assert len(desk.findings._open) <= 20


def test_a_symbol_that_left_is_forgotten_with_its_incidents() -> None:
    desk = Desk()
    for name in ("X", "XY"):
        desk.findings.found("whale_trade", Severity.INFO, name, ns(START_MS), symbol=name, side="Buy", details={},
                            quiet_ms=60_000)  # fmt: skip
        desk.findings.found("spread_blowout", Severity.WARNING, name, ns(START_MS), symbol=name, details={})
    desk.findings.forget("X", ns(START_MS + 1_000))
    assert [incident.symbol for incident in desk.log.open()] == ["XY", "XY"]
    assert desk.all()[0].resolved_ms == START_MS + 1_050


def test_sides_are_incidents_of_their_own_and_what_lasts_needs_no_sweep() -> None:
    desk = Desk()
    tell = desk.findings
    for side in ("Buy", "Sell", "Buy"):
        tell.found("book_wall", Severity.INFO, side, ns(START_MS), symbol="X", side=side, details={})
    assert len(desk.log.open()) == 2
    tell.sweep(ns(START_MS + 10**12))
    assert len(desk.log.open()) == 2
    tell.over("book_wall", ns(START_MS + 5), symbol="X", side="Buy")
    tell.over("book_wall", ns(START_MS + 5), symbol="X", side="Buy")
    assert (len(desk.log.open()), desk.log.resolved) == (1, 1)


def test_incidents_swept_late_were_over_in_time_and_in_order() -> None:
    desk = Desk()
    for i, quiet_ms in enumerate((3_000, 1_000, 2_000)):
        desk.findings.found(
            "liquidation", Severity.INFO, "", ns(START_MS), symbol=f"S{i}", details={}, quiet_ms=quiet_ms
        )
    desk.findings.sweep(ns(START_MS + 60_000))
    assert [i.resolved_ms for i in desk.all()] == [START_MS + 50 + quiet for quiet in (3_000, 1_000, 2_000)]


NUMBERS = st.sampled_from([0.0, nan, inf, -1.0, 1e-9, 1.0, 100.0, 1e18])


@given(st.lists(st.tuples(st.integers(0, 2**40), NUMBERS, NUMBERS, NUMBERS), max_size=30))
def test_no_minute_raises_or_makes_a_number_up(rows: list[tuple[int, float, float, float]]) -> None:
    """Prices that are none, minutes without volume, gaps, steps back."""
    desk = Desk()
    detectors = warmed(desk)
    for number, opened, close, volume in rows:
        at_ms = number * MINUTE
        detectors.minutes(at_ms, [minute(opened, close, volume)] * 2, ns(at_ms))
        detectors.forming(bar(volume, at_ms), ns(at_ms))
        detectors.trades([Trade(at_ms, close, volume, Side.BUY)], ns(at_ms))
    for sigma in (detectors._minutes.sigma, detectors._minutes.typical_turnover):
        assert sigma is None or 0.0 <= sigma < inf


def test_a_minute_without_trades_is_no_usual_minute() -> None:
    quiet = Minutes()
    for i in range(200):
        quiet.learn(START_MS + i * MINUTE, 100.0, 0.0 if i % 2 else 5.0)
    assert quiet.typical_turnover == pytest.approx(500.0)
    assert quiet.sigma == 0.0
