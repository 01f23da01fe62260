"""Bybit v5 payloads as typed structs: only the fields used, each with a real sample.

Numbers come as strings and may be `""`, which means unknown: the typed decoders refuse it, and `decode` then takes a
slower path that turns it into `None`. Samples recorded on 2026-08-09 (bmoscon/cryptofeed).
"""

import re
from collections import Counter
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType, field

from virtuoso.model.errors import MalformedMessage
from virtuoso.model.market import Bar, Liquidation, Side, TickerUpdate, Trade

_T = TypeVar("_T")

_MOST = 1e18
# Bounds cost some ns a number and keep out what JSON numbers in strings let in: "nan", "inf", "-1".
Price = Annotated[float, Meta(gt=0, le=_MOST)]
Size = Annotated[float, Meta(ge=0, le=_MOST)]
Millis = Annotated[int, Meta(ge=0, le=1 << 53)]
_Amount = Size | None | UnsetType
_Quote = Price | None | UnsetType
_Signed = Annotated[float, Meta(ge=-_MOST, le=_MOST)] | None | UnsetType
Levels = list[tuple[Price, Size]]


class BookData(msgspec.Struct, frozen=True, gc=False):
    """`{"s":"BTCUSDT","b":[["65095.30","0.005"],["65093.10","0"]],"a":[["65116.60","0"]],"u":15076953,"seq":…}`."""

    b: Levels
    a: Levels
    u: Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
    s: str | None = None


class BookMessage(msgspec.Struct, frozen=True, gc=False):
    """`{"topic":"orderbook.200.BTCUSDT","type":"delta","ts":1786310818130,"data":{…},"cts":1786310818129}`."""

    type: str
    ts: Millis
    data: BookData


class TradeItem(Trade, frozen=True, gc=False):
    """`{"T":1786310819680,"s":"BTCUSDT","S":"Sell","v":"0.004","p":"65114.20","L":"MinusTick","i":"a9188a0a-…"}`."""

    event_ms: Millis = field(name="T")
    price: Price = field(name="p")
    size: Size = field(name="v")
    side: Side = field(name="S")
    id: str = field(name="i")
    symbol: str | None = field(default=None, name="s")


class TradeMessage(msgspec.Struct, frozen=True, gc=False):
    """`{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1786310819681,"data":[…]}`."""

    ts: Millis
    data: list[TradeItem]


class BarItem(Bar, frozen=True, gc=False):
    """`{"start":1786310760000,"end":1786310819999,"interval":"1","open":"65119.9",…,"confirm":false}`."""

    open_ms: Millis = field(name="start")
    open: Price
    high: Price
    low: Price
    close: Price
    volume: Size
    turnover: Size
    confirmed: bool = field(name="confirm")
    interval: str | None = None


class BarMessage(msgspec.Struct, frozen=True, gc=False):
    """`{"topic":"kline.1.BTCUSDT","data":[…],"ts":1786310818440,"type":"snapshot"}`."""

    ts: Millis
    data: list[BarItem]


class TickerItem(TickerUpdate, frozen=True, kw_only=True, gc=False):
    """`{"symbol":"BTCUSDT","price24hPcnt":"0.001624","lastPrice":"65114.30",…,"fundingRate":"0.0001"}`.

    A delta holds only what changed: `{"symbol":"BTCUSDT","bid1Price":"65114.20","bid1Size":"6.054"}`.
    """

    last: _Quote = field(default=UNSET, name="lastPrice")
    mark: _Quote = field(default=UNSET, name="markPrice")
    index: _Amount = field(default=UNSET, name="indexPrice")
    bid: _Amount = field(default=UNSET, name="bid1Price")
    bid_size: _Amount = field(default=UNSET, name="bid1Size")
    ask: _Amount = field(default=UNSET, name="ask1Price")
    ask_size: _Amount = field(default=UNSET, name="ask1Size")
    previous_24h: _Amount = field(default=UNSET, name="prevPrice24h")
    change_24h: _Signed = field(default=UNSET, name="price24hPcnt")
    high_24h: _Amount = field(default=UNSET, name="highPrice24h")
    low_24h: _Amount = field(default=UNSET, name="lowPrice24h")
    volume_24h: _Amount = field(default=UNSET, name="volume24h")
    turnover_24h: _Amount = field(default=UNSET, name="turnover24h")
    open_interest: _Amount = field(default=UNSET, name="openInterest")
    open_interest_value: _Amount = field(default=UNSET, name="openInterestValue")
    funding_rate: _Signed = field(default=UNSET, name="fundingRate")
    next_funding_ms: _Amount = field(default=UNSET, name="nextFundingTime")
    funding_interval_h: _Amount = field(default=UNSET, name="fundingIntervalHour")


class TickerData(TickerItem, frozen=True, kw_only=True, gc=False):
    """An item of a frame, with the symbol that it is of."""

    symbol: str | None = None


class TickerMessage(msgspec.Struct, frozen=True, gc=False):
    """`{"topic":"tickers.BTCUSDT","type":"delta","data":{…},"cs":753843907770,"ts":1786310817883}`."""

    ts: Millis
    data: TickerData
    type: str = "delta"


class LiquidationItem(Liquidation, frozen=True, gc=False):
    """`{"T":…,"s":"ROSEUSDT","S":"Sell","v":"20000","p":"0.04499"}`; `S` is the side of the *position*."""

    event_ms: Millis = field(name="T")
    price: Price = field(name="p")
    size: Size = field(name="v")
    side: Side = field(name="S")
    symbol: str | None = field(default=None, name="s")


class LiquidationMessage(msgspec.Struct, frozen=True, gc=False):
    """`{"topic":"allLiquidation.ROSEUSDT","type":"snapshot","ts":…,"data":[…]}`; every 500 ms, a list."""

    ts: Millis
    data: list[LiquidationItem]


class Reply(msgspec.Struct, frozen=True):
    """`{"success":true,"ret_msg":"","conn_id":"…","req_id":"","op":"subscribe"}`.

    Our embedded exchange adds `virtuoso_source` to announce what it is.
    """

    op: str = ""
    success: bool = False
    ret_msg: Any = ""
    req_id: Any = None
    virtuoso_source: str | None = None


class Topic(msgspec.Struct, frozen=True):
    """The topic of a frame in which it does not come first (spot klines begin with `type`); `None` in a reply."""

    topic: str | None = None


def decoder(message: type[_T]) -> Callable[[bytes], _T]:
    """The fast decoder of a message type; it raises `msgspec.ValidationError` on `""` for a number."""
    return msgspec.json.Decoder(message, strict=False).decode


def decode_empty(frame: bytes, message: type[_T], missing: Counter[str]) -> _T:
    """Decode a frame that the fast decoder refused, taking `""` as `None` and numbers of any form.

    `missing` counts the fields that were empty, by name.

    Raises:
        MalformedMessage: it is not JSON, or still not what the wire rules promise.
    """
    try:
        return msgspec.convert(_without_empty(msgspec.json.decode(frame), missing), message, strict=False)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedMessage(f"{message.__name__}: {error}") from error


def refusal_of(error: MalformedMessage) -> str:
    """Why a frame cannot be read, as "field: reason"; the fields are those of these structs, so there are few."""
    cause = error.__cause__
    if not isinstance(cause, msgspec.ValidationError):
        return "frame: not JSON"
    said, _, path = str(cause).partition(" - at `$")
    if found := re.search(r"missing required field `(\w+)`", said):
        return f"{found[1]}: missing"
    names = re.findall(r"[a-zA-Z]\w*", path)
    return f"{names[-1] if names else 'frame'}: not as documented"


def _without_empty(value: Any, missing: Counter[str]) -> Any:
    """`""` as `None` in objects; the names and ids in arrays stay."""
    if isinstance(value, dict):
        missing.update(key for key, item in value.items() if item == "")
        return {key: None if item == "" else _without_empty(item, missing) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_empty(item, missing) for item in value]
    return value
