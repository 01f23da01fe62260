"""Any exchange ccxt knows, public data of one category, polled: the asked half of `exchange.protocol.Exchange`."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np
import structlog

from virtuoso.exchange.ccxt import conversion
from virtuoso.exchange.ccxt.transport import Transport
from virtuoso.exchange.offset import ClockOffset
from virtuoso.exchange.protocol import BudgetStatus, Stream, StreamEvent
from virtuoso.model.clock import Clock
from virtuoso.model.errors import ExchangeRejected, MalformedMessage, NotOffered
from virtuoso.model.evidence import DERIVATIVES, Evidence
from virtuoso.model.instrument import Instrument, Kind
from virtuoso.model.market import (
    AccountRatio,
    Bar,
    BookSnapshot,
    FundingRate,
    OpenInterest,
    TickerUpdate,
    Trade,
)
from virtuoso.model.quality import DataSource
from virtuoso.model.timeframe import Timeframe

_Timed = TypeVar("_Timed", AccountRatio, FundingRate, OpenInterest)
log = structlog.get_logger(__name__)

_CLOCK_PROBES = 3
_MAX_PAGES = 50
_EMPTY_PAGES = 2
"""Two in a row: the instrument is younger than that."""
_BARS_A_PAGE = 200
_TURNOVER: dict[str, tuple[int | str, ...]] = {
    "bybit": (6,), "binance": (7,), "binanceusdm": (7,), "okx": (7,), "bitget": (6,), "gate": (1, "sum"),
    "kucoin": (6,), "kucoinfutures": (6,), "htx": ("trade_turnover",),
}  # fmt: skip
"""Where an exchange's own bar carries its quote volume, as far as is known; a wrong or missing one is noticed."""
_MOST = {"trades": 500, "ratios": 100, "funding": 100, "interest": 200}
_MOST_AT = {"bybit": {"trades": 1000, "ratios": 500, "funding": 200}, "binanceusdm": {"trades": 1000, "ratios": 500}}
"""Rows asked for in one request: some exchanges refuse more."""
_DEPTHS: dict[str, tuple[int, ...]] = {
    "binance": (5, 10, 20, 50, 100, 500, 1000, 5000), "binanceusdm": (5, 10, 20, 50, 100, 500, 1000),
    "kucoin": (20, 100), "kucoinfutures": (20, 100),
}  # fmt: skip
"""Where a book's depth is refused unless it is one of these."""
_EVIDENCE = {
    Evidence.SIDES | Evidence.TRADES: ("fetchTrades",),
    Evidence.BOOK: ("fetchOrderBook",),
    Evidence.OPEN_INTEREST: ("fetchOpenInterests",),
    Evidence.FUNDING: ("fetchFundingRates", "fetchFundingRateHistory"),
    Evidence.ACCOUNT_RATIO: ("fetchLongShortRatioHistory",),
    Evidence.BASIS: ("fetchFundingRates",),
}
"""What must be offered for each kind of evidence."""
_FIELDS = (
    "last", "bid", "ask", "bidVolume", "askVolume", "open", "high", "low", "percentage", "baseVolume", "quoteVolume",
)  # fmt: skip


class CcxtExchange:
    """One category of ccxt's exchange `name` (`okx`, `binanceusdm`, …); nothing is sent before the first call.

    Symbols are the exchange's own names, or ccxt's where these are mere numbers. `urls` puts other addresses in place
    of ccxt's `urls["api"]`, by its group (`public`, `fapiPublic`, …) or for every group by `*`.

    Raises:
        UsageError: ccxt is not installed.
        ConfigError: ccxt has no such exchange, or the exchange no such group of addresses.
    """

    def __init__(
        self,
        *,
        name: str,
        category: str = "linear",
        clock: Clock,
        urls: Mapping[str, str] | None = None,
        rng: np.random.Generator | None = None,
    ) -> None:
        self.name = name
        self._kind = Kind(category)
        self._clock = clock
        self._transport = Transport(
            name, self._kind, clock, urls or {}, _TURNOVER.get(name, ()), rng or np.random.default_rng()
        )
        self._client = self._transport.client
        self._ask = self._transport.ask
        self._markets: dict[str, Any] = {}
        self._offset = ClockOffset()
        self._uncertain_ms: float | None = None

    @property
    def origin(self) -> DataSource | None:
        """What it announced itself as; an exchange that announces nothing is the real one."""
        return self._transport.origin.source

    @property
    def origin_change(self) -> str | None:
        """What it announces now, if that is not what it was."""
        return self._transport.origin.change

    @property
    def rest_down(self) -> str | None:
        """Why no request has been answered for a while; `None` while they are."""
        return self._transport.reach.down

    @property
    def clock_offset_ms(self) -> float | None:
        """Exchange clock less local clock, ms; stays `None` where the exchange does not tell its time."""
        return self._offset.ms

    @property
    def clock_doubt(self) -> str | None:
        """Why the last measurement of the clock was not believed."""
        return self._offset.doubt

    @property
    def budget(self) -> BudgetStatus:
        """How many requests ccxt's throttle lets out now, and until when the exchange refuses this address."""
        return self._transport.budget.status

    @property
    def maintenance(self) -> str | None:
        """Why the exchange serves no API at present; `None` while it does."""
        return self._transport.maintenance

    @property
    def missing(self) -> Mapping[str, int]:
        """How often ccxt left a field of a ticker empty, by its name, and how many whole items could not be read."""
        return self._transport.missing

    @property
    def evidence(self) -> Evidence:
        """What ccxt says that the exchange has; mark and index price come with the tickers or not at all."""
        found = Evidence.BARS
        for kinds, methods in _EVIDENCE.items():
            if all(map(self._offers, methods)):
                found |= kinds
        return found & ~DERIVATIVES if self._kind is Kind.SPOT else found

    async def measure_clock(self) -> float:
        """Measure the clock offset (ms): the probe of the shortest trip, less half of it; 0.0 if it tells no time."""
        self._uncertain_ms = self._uncertain_ms or 0.0
        if not self._offers("fetchTime"):
            log.warning("the exchange does not tell its time; bars are closed by the local clock", exchange=self.name)
            return 0.0
        best: tuple[int, float] | None = None
        for _ in range(_CLOCK_PROBES):
            answer, trip = await self._transport.ask_timed("fetch_time")
            time_ms = conversion.number(answer, "the exchange's time")
            if best is None or trip.took_ns < best[0]:
                best = (trip.took_ns, time_ms - (trip.sent_ns + trip.took_ns / 2) / 1e6)
        if best is not None:
            self._uncertain_ms = best[0] / 2e6
            self._offset.offer(best[1], at_s=self._clock.monotonic_ns() / 1e9)
        return self._offset.ms or 0.0

    async def instruments(self) -> list[Instrument]:
        """All instruments of the category; one whose terms ccxt does not know is logged and left out alone.

        Raises:
            NotOffered: there is none.
        """
        await self._load(reload=True)
        if not self._markets:
            raise NotOffered(f"{self.name} offers no {self._kind} markets through ccxt")
        rates = await self._for_all("fetchFundingRates", "fetchFundingIntervals")
        mode = self._client.precisionMode

        def make(market: Any) -> Instrument:
            return conversion.instrument(self.name, self._kind, market, rates.get(market["symbol"]) or {}, mode)

        return list(self._each("instrument", self._markets, make).values())

    async def tickers(self) -> dict[str, TickerUpdate]:
        """All tickers in one call, completed by one call each for funding and open interest where that is offered."""
        self._require("fetchTickers", "tickers")
        await self._load()
        found = await self._ask("fetch_tickers")
        rates = await self._for_all("fetchFundingRates")
        interest = await self._for_all("fetchOpenInterests")
        now_ms = self._now_ms()

        def make(market: Any) -> TickerUpdate:
            name = market["symbol"]
            self._transport.missing.update(field for field in _FIELDS if found[name].get(field) is None)
            return conversion.ticker(market, found[name], rates.get(name), interest.get(name), now_ms)

        return self._each("ticker", {s: m for s, m in self._markets.items() if m["symbol"] in found}, make)

    async def bars(self, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> list[Bar]:
        """Bars opening in [start_ms, end_ms], walked back a page at a time, oldest first; volume in base units.

        A bar is closed once the exchange's time *before* it was asked for, less what that may be off by, has passed its
        end. Turnover is `nan` where the exchange does not give it. Some exchanges have no bar for a time without
        trades.

        Raises:
            NotOffered: no such timeframe, or volumes whose unit cannot be told.
        """
        self._require("fetchOHLCV", "bars")
        if timeframe.value not in (self._client.timeframes or {}):
            raise NotOffered(f"{self.name} offers no {timeframe} bars through ccxt")
        market = await self._market(symbol)
        if self._uncertain_ms is None:
            await self.measure_clock()
        most = self._client.feature_value(market["symbol"], "fetchOHLCV", "limit") or _BARS_A_PAGE
        first = timeframe.floor(start_ms + timeframe.ms - 1)
        last = timeframe.floor(min(end_ms, int(self._now_ms()) + timeframe.ms))
        found: list[Bar] = []
        empty = 0
        for _ in range(_MAX_PAGES):
            if last < first or empty == _EMPTY_PAGES:
                break
            since = max(first, last - (most - 1) * timeframe.ms)
            page = await self._page(market, timeframe, since, last)
            found[:0] = page
            empty = 0 if page else empty + 1
            last = since - timeframe.ms
        return found

    async def _page(self, market: Any, timeframe: Timeframe, since: int, last: int) -> list[Bar]:
        now_ms = self._now_ms() - (self._uncertain_ms or 0.0)
        count = (last - since) // timeframe.ms + 1
        answer = await self._ask("fetch_ohlcv", market["symbol"], timeframe.value, since, count)
        wanted = [item for item in answer if since <= (conversion.positive(item[0]) or 0) <= last]
        return conversion.bars(self.name, conversion.contract_size(market), timeframe, wanted, now_ms)

    async def trades(self, symbol: str, limit: int) -> list[Trade]:
        """The latest trades; how many are to be had is up to the exchange."""
        self._require("fetchTrades", "trades")
        market = await self._market(symbol)
        answer = await self._ask("fetch_trades", market["symbol"], None, self._most("trades", limit))
        size = conversion.contract_size(market)
        return conversion.made(answer[-limit:], lambda item: conversion.trade(item, size), self._transport.missing)

    async def book(self, symbol: str, depth: int) -> BookSnapshot:
        """The best levels. Where ccxt gives neither, `update_id` is 0 and `event_ms` the exchange's time of receipt."""
        self._require("fetchOrderBook", "book")
        market = await self._market(symbol)
        allowed = _DEPTHS.get(self.name)
        asked = depth if allowed is None else next((d for d in allowed if d >= depth), allowed[-1])
        answer = await self._ask("fetch_order_book", market["symbol"], asked)
        size = conversion.contract_size(market)
        bids, asks = (conversion.levels(answer[side][:depth], size) for side in ("bids", "asks"))
        at_ms = int(self._now_ms()) if answer.get("timestamp") is None else conversion.event_ms(answer)
        return BookSnapshot(at_ms, int(answer.get("nonce") or 0), bids, asks)

    async def account_ratio(self, symbol: str, limit: int) -> list[AccountRatio]:
        """The latest 5-minute account ratios, as shares made from ccxt's long/short ratio."""
        market = await self._contract("fetchLongShortRatioHistory", "account ratio", symbol)
        period = (self._client.options.get("intervals") or {}).get("5m", "5m")  # ccxt's bybit passes it on as it is
        most = self._most("ratios", limit)
        answer = await self._ask("fetch_long_short_ratio_history", market["symbol"], period, None, most)
        return _latest(conversion.made(answer, conversion.account_ratio, self._transport.missing), limit)

    async def funding_history(self, symbol: str, limit: int) -> list[FundingRate]:
        """The latest settled funding rates."""
        market = await self._contract("fetchFundingRateHistory", "funding history", symbol)
        most = self._most("funding", limit)
        answer = await self._ask("fetch_funding_rate_history", market["symbol"], None, most)
        return _latest(conversion.made(answer, conversion.funding_rate, self._transport.missing), limit)

    async def open_interest(self, symbol: str, limit: int) -> list[OpenInterest]:
        """The latest 5-minute open interest, base units; whether both sides are summed is up to the exchange.

        Raises:
            NotOffered: none, or not in coins.
        """
        market = await self._contract("fetchOpenInterestHistory", "open interest history", symbol)
        most = self._most("interest", limit)
        answer = await self._ask("fetch_open_interest_history", market["symbol"], "5m", None, most)
        size = conversion.contract_size(market)
        price = None
        if size != 1 and any(item["openInterestAmount"] for item in answer):
            price = (await self._ask("fetch_ticker", market["symbol"]))["last"]

        def make(item: Any) -> OpenInterest:
            return conversion.open_interest(self.name, item, price, size)

        return _latest(conversion.made(answer, make, self._transport.missing), limit)

    def stream(
        self, on_event: Callable[[StreamEvent], None], on_taken: Callable[[int], None] = lambda _: None
    ) -> Stream:
        """Refuse: exchanges through ccxt are polled.

        Raises:
            NotOffered: always.
        """
        raise NotOffered("ccxt exchanges are polled")

    async def close(self) -> None:
        """Close the connections to the exchange."""
        await self._transport.close()

    def _offers(self, method: str) -> bool:
        """Whether ccxt says so; what it would emulate from other calls is not offered."""
        return self._client.has.get(method) is True

    def _require(self, method: str, what: str) -> None:
        if not self._offers(method):
            raise NotOffered(f"{self.name} offers no {what} through ccxt")

    async def _contract(self, method: str, what: str, symbol: str) -> Any:
        if self._kind is Kind.SPOT:
            raise NotOffered(f"spot has no {what}")
        self._require(method, what)
        return await self._market(symbol)

    async def _for_all(self, *methods: str) -> dict[str, Any]:
        """The answer of the first of `methods` that is offered, by unified symbol; empty for spot and for none.

        It completes something else: an answer that ccxt or the exchange cannot give is missing, and spoils nothing.
        """
        calls = {
            "fetchFundingRates": "fetch_funding_rates",
            "fetchFundingIntervals": "fetch_funding_intervals",
            "fetchOpenInterests": "fetch_open_interests",
        }
        offered = [] if self._kind is Kind.SPOT else [method for method in methods if self._offers(method)]
        if not offered:
            return {}
        try:
            return dict(await self._ask(calls[offered[0]]))
        except (ExchangeRejected, MalformedMessage, NotOffered) as error:
            self._transport.missing[offered[0]] += 1
            log.warning("the list of the exchange could not be completed", method=offered[0], error=str(error))
            return {}

    def _each(self, what: str, markets: Mapping[str, Any], make: Callable[[Any], Any]) -> dict[str, Any]:
        """Make something of each market: one that cannot be read spoils no other."""
        found = {}
        for symbol, market in markets.items():
            try:
                found[symbol] = make(market)
            except (MalformedMessage, *conversion.UNPARSABLE) as error:
                self._transport.missing["(whole item)"] += 1
                log.warning("an item of the answer cannot be read", what=what, symbol=symbol, error=str(error))
        return found

    def _most(self, what: str, limit: int) -> int:
        return min(limit, (_MOST | _MOST_AT.get(self.name, {}))[what])

    def _now_ms(self) -> float:
        return self._clock.now_ns() / 1e6 + (self._offset.ms or 0.0)

    async def _load(self, *, reload: bool = False) -> None:
        if self._markets and not reload:
            return
        markets = await self._ask("load_markets", reload)
        of_kind = "spot" if self._kind is Kind.SPOT else "linear"
        self._markets = {conversion.name_of(m): m for m in markets.values() if m[of_kind] and not m.get("option")}

    async def _market(self, symbol: str) -> Any:
        await self._load()
        if symbol not in self._markets:
            raise ExchangeRejected(f"{self.name} lists no {self._kind} {symbol}", -1)
        return self._markets[symbol]


def _latest(found: list[_Timed], limit: int) -> list[_Timed]:
    """Return the latest items, oldest first."""
    return sorted(found, key=lambda item: item.event_ms)[-limit:]
