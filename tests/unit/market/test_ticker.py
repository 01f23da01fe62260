"""The merged ticker: what a delta leaves out stays, what it empties is unknown."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from virtuoso.market.ticker import Ticker
from virtuoso.model.market import TickerUpdate

FIELDS = TickerUpdate.__struct_fields__
UPDATES = st.fixed_dictionaries({}, optional={name: st.one_of(st.none(), st.floats(0, 1e6)) for name in FIELDS}).map(
    lambda values: TickerUpdate(**values)
)


PAIRS = {"bid": "ask", "ask": "bid", "low_24h": "high_24h", "high_24h": "low_24h"}


@given(st.lists(UPDATES, max_size=10))
def test_deltas_merge_field_by_field(updates: list[TickerUpdate]) -> None:
    ticker = Ticker()
    for at, update in enumerate(updates):
        ticker.update(at, at * 1_000_000, update)
    for name in set(FIELDS) - PAIRS.keys():
        said = [value for update in updates if (value := getattr(update, name)) is not UNSET]
        assert ticker.values[name] == (said[-1] if said else None)
    assert ticker.event_ms == (len(updates) - 1 if updates else None)
    assert ticker.received_ns == ((len(updates) - 1) * 1_000_000 if updates else None)


def test_open_interest_keeps_the_last_value_of_each_minute_in_which_it_changed() -> None:
    ticker = Ticker()
    for event_ms, value in [(0, 5.0), (30_000, 6.0), (60_000, 6.0), (120_000, 7.0), (180_000, None), (240_000, 8.0)]:
        ticker.update(event_ms, 0, TickerUpdate(open_interest=value))
    ticker.update(300_000, 0, TickerUpdate(last=1.0))
    assert list(ticker.open_interest_history) == [(30_000, 6.0), (120_000, 7.0), (240_000, 8.0)]


def test_funding_is_remembered_and_bounded() -> None:
    ticker = Ticker()
    for k in range(2_000):
        ticker.update(k * 60_000, 0, TickerUpdate(funding_rate=k * 1e-6))
    assert len(ticker.funding_history) == 1_440
    assert ticker.funding_history[-1] == (1_999 * 60_000, 1_999e-6)


def test_what_a_stream_left_empty_is_filled_and_nothing_else() -> None:
    ticker = Ticker()
    ticker.update(1, 2, TickerUpdate(last=10.0, mark=None))
    ticker.fill(TickerUpdate(last=9.0, mark=9.5))
    assert (ticker.values["last"], ticker.values["mark"], ticker.values["index"]) == (10.0, 9.5, None)


@given(st.lists(UPDATES, max_size=10))
def test_no_bid_is_above_the_ask_and_no_low_above_the_high(updates: list[TickerUpdate]) -> None:
    ticker = Ticker()
    for at, update in enumerate(updates):
        before = dict(ticker.values)
        believed = ticker.update(at, at * 1_000_000, update)
        for low, high in (("bid", "ask"), ("low_24h", "high_24h")):
            said = [getattr(update, name) for name in (low, high)]
            one, other = (
                before[name] if value is UNSET else value for name, value in zip((low, high), said, strict=True)
            )
            wrong = one is not None and other is not None and one > other
            held = (ticker.values[low], ticker.values[high])
            assert held == ((None, None) if wrong else (one, other))
            assert not wrong or (getattr(believed, low), getattr(believed, high)) == (None, None)


def test_what_is_filled_in_does_not_contradict_what_is_known() -> None:
    ticker = Ticker()
    ticker.update(1, 2, TickerUpdate(bid=10.0, ask=None))
    ticker.fill(TickerUpdate(ask=9.0))
    assert (ticker.values["bid"], ticker.values["ask"]) == (None, None)
