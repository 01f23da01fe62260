"""One pass: finding the symbol that is meant, and what a single pass can tell."""

from math import isnan

import numpy as np
import pytest

from virtuoso.market.minutes import COLUMNS
from virtuoso.market.ring import known
from virtuoso.market.symbol import SymbolState
from virtuoso.model.errors import UsageError
from virtuoso.model.instrument import Instrument, InstrumentId, Kind
from virtuoso.model.market import TickerUpdate
from virtuoso.model.timeframe import Timeframe
from virtuoso.playback.one_pass import find, see

MINUTE = Timeframe.M1.ms
CLOSE = 1_700_000_040_000


def instrument(base: str, quote: str = "USDT") -> Instrument:
    return Instrument(
        id=InstrumentId("bybit", Kind.LINEAR, f"{base}{quote}"), unified=f"{base}/{quote}:{quote}", base=base,
        quote=quote, settle=quote, status="Trading", perpetual=True, tick_size=0.1, lot_size=0.001,
    )  # fmt: skip


LISTED = {i.symbol: i for i in map(instrument, ("BTC", "ETH", "LTC", "1000PEPE", "SOL"))}


@pytest.mark.parametrize("name", ["BTCUSDT", "btcusdt", "BTC/USDT:USDT", "btc/usdt:usdt"])
def test_a_symbol_is_found_by_either_name_in_any_case(name: str) -> None:
    assert find(name, LISTED).symbol == "BTCUSDT"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("BTCUSD", "did you mean BTCUSDT"), ("solu", r"did you mean SOLUSDT\?"), ("PEPEUSDT", "1000PEPEUSDT"),
        ("QQQ", "`virtuoso universe` lists its symbols"),
    ],
)  # fmt: skip
def test_an_unknown_symbol_names_those_that_look_like_it(name: str, hint: str) -> None:
    with pytest.raises(UsageError, match=hint):
        find(name, LISTED)


def test_one_look_at_the_book_stands_for_the_minute_that_closed_before_it() -> None:
    state = SymbolState("BTCUSDT", [Timeframe.M1], 100, 50)
    state.book_fetched(1, CLOSE + 20_000, 0, [(99.0, 3.0), (98.0, 1.0)], [(101.0, 1.0), (102.0, 3.0)])
    assert state.cut(CLOSE) is None, "without the look, nothing was seen of that minute"
    assert see(state, CLOSE + 20_500) == CLOSE + 20_000
    seen = state.cut(CLOSE)
    assert seen is not None
    assert (seen.bids[0], seen.asks[0]) == ((99.0, 3.0), (101.0, 1.0))
    assert seen.imbalance == 0.0
    assert seen.micro_deviation == 0.5
    assert seen.spread_bp == pytest.approx(200.0)
    unseen = (seen.order_flow, seen.absorbed_bid, seen.absorbed_ask, seen.resilience, seen.vanished)
    assert unseen == (None,) * 5, "a single pass cannot show these"


def test_a_minute_that_closes_after_the_look_is_cut_in_the_usual_way() -> None:
    state = SymbolState("BTCUSDT", [Timeframe.M1], 100, 50)
    state.book_fetched(1, CLOSE + 20_000, 0, [(99.0, 3.0)], [(101.0, 1.0)])
    see(state, CLOSE + 20_500)
    later = state.cut(CLOSE + MINUTE)
    assert later is not None
    assert later.close_ms == CLOSE + MINUTE


def test_a_book_that_could_not_be_had_is_not_seen() -> None:
    state = SymbolState("BTCUSDT", [Timeframe.M1], 100, 50)
    assert see(state, CLOSE + 20_500) is None
    assert state.minute is None


def test_the_ticker_just_seen_stands_for_the_minute_that_closed_before_it() -> None:
    state = SymbolState("BTCUSDT", [Timeframe.M1], 100, 50)
    state.ticker(CLOSE + 20_000, 0, TickerUpdate(open_interest=1_000.0, funding_rate=1e-4, mark=101.0, index=100.0))
    see(state, CLOSE + 20_500)
    noted = dict(zip(COLUMNS, state.minutes.noted(CLOSE // MINUTE - 1, 1)[0, 1:].tolist(), strict=True))
    assert (noted["open_interest"], noted["funding"], noted["basis"]) == (1_000.0, 1e-4, pytest.approx(0.01))
    assert isnan(noted["long_liquidated"]), "nobody listened"
    assert state.minutes.close_ms == CLOSE + MINUTE, "the minute after it goes on as usual"


def test_of_a_ticker_that_was_never_heard_nothing_is_noted() -> None:
    state = SymbolState("BTCUSDT", [Timeframe.M1], 100, 50)
    see(state, CLOSE + 20_500)
    number = CLOSE // MINUTE - 1
    assert not known(state.minutes.noted(number, 1), np.array([number])).any()
