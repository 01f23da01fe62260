"""What ccxt hands over that cannot be is unknown or refused, and spoils nothing else."""

import math
from collections import Counter
from typing import Any

import pytest
from msgspec import UNSET

from virtuoso.exchange.ccxt import conversion
from virtuoso.market.bounds.bar import implausible
from virtuoso.market.gate import FAR_LAST
from virtuoso.market.symbol import SymbolState
from virtuoso.model.errors import MalformedMessage
from virtuoso.model.instrument import Kind
from virtuoso.model.timeframe import Timeframe

NOW = 1_748_476_800_000
MARKET: dict[str, Any] = {"id": "ETHUSDT", "symbol": "ETH/USDT:USDT", "contract": True, "contractSize": 1.0}
TICKER: dict[str, Any] = {
    "last": 2_500.0, "bid": 2_499.0, "ask": 2_501.0, "bidVolume": 3.0, "askVolume": 4.0, "open": 2_400.0,
    "high": 2_600.0, "low": 2_300.0, "percentage": 4.1, "baseVolume": 10.0, "quoteVolume": 25_000.0, "markPrice": 2_500,
    "indexPrice": 2_500,
}  # fmt: skip
NONSENSE = [-3.1, 0, "0", float("nan"), float("inf"), "x", [], {}]


def ticker(rate: dict[str, Any] | None = None, **values: Any) -> Any:
    return conversion.ticker(MARKET, TICKER | values, rate or {}, None, NOW)


@pytest.mark.parametrize("value", NONSENSE)
def test_an_impossible_last_price_is_left_for_the_market_to_refuse(value: Any) -> None:
    state, now_ns = SymbolState("ETHUSDT", [Timeframe.M1], 100, 50), NOW * 1_000_000
    assert state.ticker(NOW, now_ns, ticker()) is None
    assert state.ticker(NOW, now_ns, ticker(last=value)) == FAR_LAST
    assert state.stats.values["last"] == 2_500.0
    assert ticker(last=None).last is None


@pytest.mark.parametrize("value", NONSENSE)
def test_any_other_impossible_price_is_unknown(value: Any) -> None:
    found = ticker(bid=value, ask=value, open=value, high=value, low=value, markPrice=value, indexPrice=value)
    prices = (found.bid, found.ask, found.previous_24h, found.high_24h, found.low_24h, found.mark, found.index)
    assert prices == (None,) * 7
    assert found.last == 2_500.0


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("-inf"), "x"])
def test_an_impossible_amount_is_unknown(value: Any) -> None:
    found = ticker(bidVolume=value, askVolume=value, baseVolume=value, quoteVolume=value)
    assert (found.bid_size, found.ask_size, found.volume_24h, found.turnover_24h) == (None,) * 4
    assert ticker(percentage=float("nan")).change_24h is None


@pytest.mark.parametrize(
    ("at", "known"),
    [
        (NOW + 3_600_000, NOW + 3_600_000), (0, None), (NOW * 1000, None), (NOW // 1000, None), (NOW - 1, None),
        (float("nan"), None), ("soon", None), (NOW + 400 * 86_400_000, None),
    ],
)  # fmt: skip
def test_a_settlement_is_a_time_soon(at: Any, known: int | None) -> None:
    assert ticker({"fundingTimestamp": at, "fundingRate": 1e-4}).next_funding_ms == known
    assert ticker({"fundingRate": float("inf")}).funding_rate is None
    assert ticker().next_funding_ms is UNSET


def test_a_bar_with_nonsense_is_there_for_the_market_to_refuse() -> None:
    page = [[NOW + k * 60_000, 10.0, 11.0, 9.0, 10.0, 5.0, 50.0] for k in range(4)]
    page[1][2], page[2][4] = None, "x"
    found = conversion.bars("any", 1.0, Timeframe.M1, page, NOW + 10**9)
    assert [implausible(bar) for bar in found] == [
        None, "high: not a positive number", "close: not a positive number", None,
    ]  # fmt: skip
    assert math.isnan(found[1].high)


@pytest.mark.parametrize(
    "change", [{"price": -1}, {"price": None}, {"amount": 0}, {"side": None}, {"timestamp": NOW * 1000}, {"price": "x"}]
)
def test_a_trade_that_cannot_be_spoils_no_other(change: dict[str, Any]) -> None:
    good = {"price": 10.0, "amount": 1.0, "side": "buy", "timestamp": NOW, "id": "1"}
    refused: Counter[str] = Counter()
    found = conversion.made([good | change, good], lambda item: conversion.trade(item, 1.0), refused)
    assert (len(found), refused) == (1, {"(whole item)": 1})
    with pytest.raises(MalformedMessage, match="no item of ccxt can be read"):
        conversion.made([good | change], lambda item: conversion.trade(item, 1.0), refused)
    assert conversion.made([], lambda item: conversion.trade(item, 1.0), refused) == []


def test_ratios_rates_and_books_that_cannot_be_are_refused() -> None:
    for ratio in (0, -1.0, None):
        with pytest.raises(MalformedMessage):
            conversion.account_ratio({"longShortRatio": ratio, "timestamp": NOW})
    with pytest.raises(MalformedMessage):
        conversion.funding_rate({"fundingRate": float("nan"), "timestamp": NOW})
    with pytest.raises(MalformedMessage):
        conversion.funding_rate({"fundingRate": 1e-4, "timestamp": NOW * 1000})
    with pytest.raises(MalformedMessage):
        conversion.levels([[0, 1.0]], 1.0)
    assert conversion.hours("-8h") is None
    assert conversion.hours("xh") is None


def test_a_dated_future_is_no_perpetual_and_a_launch_in_another_unit_is_unknown() -> None:
    market = MARKET | {
        "swap": False, "base": "ETH", "quote": "USDT", "settle": "USDT", "active": True, "created": NOW * 1000,
        "precision": {"price": 0.01, "amount": 0.001},
    }  # fmt: skip
    found = conversion.instrument("any", Kind.LINEAR, market, {"interval": "8h"}, 4)
    assert (found.perpetual, found.funding_interval_min, found.launch_ms) == (False, None, None)


@pytest.mark.parametrize(
    ("own", "name"),
    [("BTCUSDT", "BTCUSDT"), ("0", "BTC/USDC:USDC"), ("@107", "BTC/USDC:USDC"), ("PURR/USDC", "PURR/USDC")],
)
def test_a_market_whose_own_name_is_a_mere_number_goes_by_its_unified_one(own: str, name: str) -> None:
    assert conversion.name_of({"id": own, "symbol": "BTC/USDC:USDC"}) == name
