"""Bybit v5 REST answers as typed structs: only the fields used, each with a real sample.

Every answer is `{"retCode":0,"retMsg":"OK","result":{…},"retExtInfo":{},"time":1786310817601}`; lists are newest first
and numbers are strings.
"""

from typing import Any, Literal

import msgspec
from msgspec import field

from virtuoso.exchange.bybit.wire import Levels, Millis, Price, Size
from virtuoso.model.instrument import Instrument, InstrumentId, Kind

Items = list[Any]


class Envelope(msgspec.Struct, frozen=True):
    """What every answer has; `result` stays undecoded until `retCode` is known to be 0."""

    retCode: int
    retMsg: str = ""
    result: msgspec.Raw = msgspec.Raw(b"{}")
    time: int = 0


class ServerTime(msgspec.Struct, frozen=True):
    """`{"timeSecond":"1786310817","timeNano":"1786310817601629000"}`."""

    timeNano: int


class BarList(msgspec.Struct, frozen=True):
    """`{"list":[["1786310760000","65119.9","65119.9","65114.2","65114.3","1.576","102627.995"]]}`."""

    list: list[tuple[Millis, Price, Price, Price, Price, Size, Size]]


class TradeAnswer(msgspec.Struct, frozen=True):
    """`{"execId":"a9188a0a-…","symbol":"BTCUSDT","price":"65114.20","size":"0.004","side":"Sell","time":"178…"}`."""

    execId: str
    price: Price
    size: Size
    side: Literal["Buy", "Sell"]
    time: Millis


class TradeList(msgspec.Struct, frozen=True):
    """`{"category":"linear","list":[…]}`."""

    list: list[TradeAnswer]


class BookAnswer(msgspec.Struct, frozen=True):
    """`{"s":"BTCUSDT","b":[["65114.20","6.054"]],"a":[["65114.30","1.2"]],"ts":178…,"u":15076953,"seq":…,"cts":…}`."""

    b: Levels
    a: Levels
    ts: int
    u: int


class FundingAnswer(msgspec.Struct, frozen=True):
    """`{"symbol":"BTCUSDT","fundingRate":"0.0001","fundingRateTimestamp":"1786320000000"}`."""

    fundingRate: float
    fundingRateTimestamp: int


class FundingList(msgspec.Struct, frozen=True):
    """`{"category":"linear","list":[…]}`."""

    list: list[FundingAnswer]


class OpenInterestAnswer(msgspec.Struct, frozen=True):
    """`{"openInterest":"59891.732","timestamp":"1786310700000"}`; both sides summed."""

    openInterest: float
    timestamp: int


class OpenInterestList(msgspec.Struct, frozen=True):
    """`{"symbol":"BTCUSDT","category":"linear","list":[…],"nextPageCursor":"…"}`."""

    list: list[OpenInterestAnswer]


class RatioAnswer(msgspec.Struct, frozen=True):
    """`{"symbol":"BTCUSDT","buyRatio":"0.6105","sellRatio":"0.3895","timestamp":"1786310700000"}`."""

    buyRatio: float
    sellRatio: float
    timestamp: int


class RatioList(msgspec.Struct, frozen=True):
    """`{"list":[…],"nextPageCursor":"…"}`."""

    list: list[RatioAnswer]


class PriceFilter(msgspec.Struct, frozen=True):
    """`{"minPrice":"0.10","maxPrice":"1999999.80","tickSize":"0.10"}`."""

    tickSize: float


class LotFilter(msgspec.Struct, frozen=True):
    """Linear `{"qtyStep":"0.001",…}`, spot `{"basePrecision":"0.000001",…}`."""

    qtyStep: float | None = None
    basePrecision: float | None = None


class InstrumentAnswer(msgspec.Struct, frozen=True):
    """`{"symbol":"BTCUSDT","contractType":"LinearPerpetual","status":"Trading","baseCoin":"BTC",…}`."""

    symbol: str
    status: str
    baseCoin: str
    quoteCoin: str
    priceFilter: PriceFilter
    lotSizeFilter: LotFilter
    contractType: str = ""
    settleCoin: str = ""
    launchTime: int | None = None
    fundingInterval: int | None = None

    def instrument(self, kind: Kind) -> Instrument:
        """Translate the listing into an instrument of the model."""
        perpetual = self.contractType == "LinearPerpetual"
        unified = f"{self.baseCoin}/{self.quoteCoin}" + (f":{self.settleCoin}" if kind is Kind.LINEAR else "")
        return Instrument(
            id=InstrumentId("bybit", kind, self.symbol),
            unified=unified if perpetual or kind is Kind.SPOT else f"{unified}-{self.symbol.rpartition('-')[2]}",
            base=self.baseCoin,
            quote=self.quoteCoin,
            settle=self.settleCoin or self.quoteCoin,
            status=self.status,
            perpetual=perpetual,
            tick_size=self.priceFilter.tickSize,
            lot_size=self.lotSizeFilter.qtyStep or self.lotSizeFilter.basePrecision or 0.0,
            launch_ms=self.launchTime,
            funding_interval_min=self.fundingInterval if perpetual else None,
        )


class RawPage(msgspec.Struct, frozen=True):
    """A page whose items are decoded one by one, so that a bad one spoils no other."""

    items: Items = field(name="list")
    nextPageCursor: str = ""
