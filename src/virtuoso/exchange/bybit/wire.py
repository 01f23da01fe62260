"""Bybit v5 payloads as typed structs: only the fields used, each with a real sample.

Numbers come as strings and may be `""`, which means unknown: the typed decoders refuse it, and `decode` then takes a
slower path that turns it into `None`. Samples recorded on 2026-08-09 (bmoscon/cryptofeed).
"""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, field

from virtuoso.model.errors import MalformedMessage
from virtuoso.model.market import Bar, Levels, Liquidation, Side, TickerUpdate, Trade, Update

_T = TypeVar("_T")


class BookData(msgspec.Struct, frozen=True, gc=False):
    """`{"s":"BTCUSDT","b":[["65095.30","0.005"],["65093.10","0"]],"a":[["65116.60","0"]],"u":15076953,"seq":…}`."""

    b: Levels
    a: Levels
    u: int


class BookMessage(msgspec.Struct, frozen=True, gc=False):
    """`{"topic":"orderbook.200.BTCUSDT","type":"delta","ts":1786310818130,"data":{…},"cts":1786310818129}`."""

    type: str
    ts: int
    data: BookData


class TradeRow(Trade, frozen=True, gc=False):
    """`{"T":1786310819680,"s":"BTCUSDT","S":"Sell","v":"0.004","p":"65114.20","L":"MinusTick","i":"a9188a0a-…"}`."""

    event_ms: int = field(name="T")
    price: float = field(name="p")
    size: float = field(name="v")
    side: Side = field(name="S")
    id: str = field(name="i")


class TradeMessage(msgspec.Struct, frozen=True, gc=False):
    """`{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1786310819681,"data":[…]}`."""

    ts: int
    data: list[TradeRow]


class BarRow(Bar, frozen=True, gc=False):
    """`{"start":1786310760000,"end":1786310819999,"interval":"1","open":"65119.9",…,"confirm":false}`."""

    open_ms: int = field(name="start")
    open: float
    high: float
    low: float
    close: float
    volume: float
    turnover: float
    confirmed: bool = field(name="confirm")


class BarMessage(msgspec.Struct, frozen=True, gc=False):
    """`{"topic":"kline.1.BTCUSDT","data":[…],"ts":1786310818440,"type":"snapshot"}`."""

    ts: int
    data: list[BarRow]


class TickerRow(TickerUpdate, frozen=True, kw_only=True, gc=False):
    """`{"symbol":"BTCUSDT","price24hPcnt":"0.001624","lastPrice":"65114.30",…,"fundingRate":"0.0001"}`.

    A delta holds only what changed: `{"symbol":"BTCUSDT","bid1Price":"65114.20","bid1Size":"6.054"}`.
    """

    last: Update = field(default=UNSET, name="lastPrice")
    mark: Update = field(default=UNSET, name="markPrice")
    index: Update = field(default=UNSET, name="indexPrice")
    bid: Update = field(default=UNSET, name="bid1Price")
    bid_size: Update = field(default=UNSET, name="bid1Size")
    ask: Update = field(default=UNSET, name="ask1Price")
    ask_size: Update = field(default=UNSET, name="ask1Size")
    previous_24h: Update = field(default=UNSET, name="prevPrice24h")
    change_24h: Update = field(default=UNSET, name="price24hPcnt")
    high_24h: Update = field(default=UNSET, name="highPrice24h")
    low_24h: Update = field(default=UNSET, name="lowPrice24h")
    volume_24h: Update = field(default=UNSET, name="volume24h")
    turnover_24h: Update = field(default=UNSET, name="turnover24h")
    open_interest: Update = field(default=UNSET, name="openInterest")
    open_interest_value: Update = field(default=UNSET, name="openInterestValue")
    funding_rate: Update = field(default=UNSET, name="fundingRate")
    next_funding_ms: Update = field(default=UNSET, name="nextFundingTime")
    funding_interval_h: Update = field(default=UNSET, name="fundingIntervalHour")


class TickerMessage(msgspec.Struct, frozen=True, gc=False):
    """`{"topic":"tickers.BTCUSDT","type":"delta","data":{…},"cs":753843907770,"ts":1786310817883}`."""

    ts: int
    data: TickerRow


class LiquidationRow(Liquidation, frozen=True, gc=False):
    """`{"T":…,"s":"ROSEUSDT","S":"Sell","v":"20000","p":"0.04499"}`; `S` is the side of the *position*."""

    event_ms: int = field(name="T")
    price: float = field(name="p")
    size: float = field(name="v")
    side: Side = field(name="S")


class LiquidationMessage(msgspec.Struct, frozen=True, gc=False):
    """`{"topic":"allLiquidation.ROSEUSDT","type":"snapshot","ts":…,"data":[…]}`; every 500 ms, a list."""

    ts: int
    data: list[LiquidationRow]


class Reply(msgspec.Struct, frozen=True):
    """`{"success":true,"ret_msg":"","conn_id":"…","req_id":"","op":"subscribe"}`.

    Our embedded exchange adds `virtuoso_source` to announce what it is.
    """

    op: str
    success: bool = False
    ret_msg: str = ""
    req_id: Any = None
    virtuoso_source: str | None = None


class Topic(msgspec.Struct, frozen=True):
    """The topic of a frame in which it does not come first (spot klines begin with `type`); `None` in a reply."""

    topic: str | None = None


def decoder(message: type[_T]) -> Callable[[bytes], _T]:
    """The fast decoder of a message type; it raises `msgspec.ValidationError` on `""` for a number."""
    return msgspec.json.Decoder(message, strict=False).decode


def decode_empty(frame: bytes, message: type[_T]) -> _T:
    """Decode a frame that the fast decoder refused, taking `""` as `None` and numbers of any form.

    Raises:
        MalformedMessage: it is not JSON, or still not what the wire rules promise.
    """
    try:
        return msgspec.convert(_without_empty(msgspec.json.decode(frame)), message, strict=False)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise MalformedMessage(f"{message.__name__}: {error}") from error


def _without_empty(value: Any) -> Any:
    """`""` as `None` in objects; the names and ids in arrays stay."""
    if isinstance(value, dict):
        return {key: None if item == "" else _without_empty(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_empty(item) for item in value]
    return value
