"""Bybit v5, public data of one category: implements `exchange.protocol.Exchange`."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import msgspec
import numpy as np
import structlog

from virtuoso.exchange.bybit import answers, paths, wire
from virtuoso.exchange.bybit.rest import MOST_LIST_BYTES, Rest
from virtuoso.exchange.bybit.stream import BybitStream
from virtuoso.exchange.ledger import Ledger
from virtuoso.exchange.limits import RateBudget
from virtuoso.exchange.offset import ClockOffset
from virtuoso.exchange.origin import Origin
from virtuoso.exchange.protocol import BudgetStatus, Stream, StreamEvent, Tap
from virtuoso.model.clock import Clock
from virtuoso.model.errors import NotOffered
from virtuoso.model.evidence import ALL, DERIVATIVES, Evidence
from virtuoso.model.instrument import Instrument, Kind
from virtuoso.model.market import (
    AccountRatio,
    Bar,
    BookSnapshot,
    FundingRate,
    OpenInterest,
    Side,
    TickerUpdate,
    Trade,
)
from virtuoso.model.quality import DataSource
from virtuoso.model.timeframe import Timeframe

_T = TypeVar("_T")
_R = TypeVar("_R")
log = structlog.get_logger(__name__)

_BUDGET, _BURST, _WINDOW_S = 400, 100, 5.0
"""In any 5 s at most 500 of the documented 600 requests per IP; the rest allows for those that travel slowly."""
_BARS_A_PAGE = 1_000
_MAX_PAGES = 50
_SLACK_MS = 2_000
_CLOCK_PROBES = 3
_INTERVALS = {
    Timeframe.M1: "1", Timeframe.M3: "3", Timeframe.M5: "5", Timeframe.M15: "15", Timeframe.M30: "30",
    Timeframe.H1: "60", Timeframe.H2: "120", Timeframe.H4: "240", Timeframe.H6: "360", Timeframe.H12: "720",
    Timeframe.D1: "D", Timeframe.W1: "W",
}  # fmt: skip


class Bybit:
    """Construct with plain values; nothing is sent before the first call.

    `rest_url` like `https://api.bybit.com`, `stream_url` like `wss://stream.bybit.com/v5/public` (the category is
    appended).
    """

    name = "bybit"

    def __init__(
        self,
        *,
        rest_url: str,
        stream_url: str,
        category: str = "linear",
        depth: int = 50,
        ping_interval_s: float = 30.0,
        ledger: Ledger | None = None,
        rest: Rest | None = None,
        offset: ClockOffset | None = None,
        tap: Tap | None = None,
        clock: Clock,
        rng: np.random.Generator,
    ) -> None:
        self._stream_url = stream_url.rstrip("/")
        self._category = category
        self._kind = Kind(category)
        self._depth = depth
        self._ping_interval_s = ping_interval_s
        self._clock = clock
        self._rng = rng
        self._tap = tap
        self._budget = RateBudget(clock, _BUDGET, _WINDOW_S, _BURST, ledger=ledger)
        self._origin = Origin(clock)
        self._rest = rest or Rest(
            url=rest_url, budget=self._budget, clock=clock, rng=rng, tap=tap,
            on_origin=partial(self._origin.announced, "REST"),
        )  # fmt: skip
        self._stream: BybitStream | None = None
        self._offset = offset or ClockOffset()

    @property
    def origin(self) -> DataSource | None:
        """What it announced itself as; an exchange that announces nothing is the real one."""
        return self._origin.source

    @property
    def origin_change(self) -> str | None:
        """What it announces now, if that is not what it was."""
        return self._origin.change

    @property
    def clock_offset_ms(self) -> float | None:
        """Exchange clock less local clock, ms."""
        return self._offset.ms

    @property
    def clock_doubt(self) -> str | None:
        """Why the last measurement of the clock was not believed."""
        return self._offset.doubt

    @property
    def budget(self) -> BudgetStatus:
        """How many requests may go out now, and until when the exchange refuses this address."""
        return self._budget.status

    @property
    def maintenance(self) -> str | None:
        """Why the exchange serves no API at present; `None` while it does."""
        return self._rest.maintenance

    @property
    def rest_down(self) -> str | None:
        """Why no request has been answered for a while; `None` while they are."""
        return self._rest.reach.down

    @property
    def missing(self) -> Counter[str]:
        """How often REST left a field empty, by its name."""
        return self._rest.missing

    @property
    def evidence(self) -> Evidence:
        """Everything, and of spot what no contract is needed for."""
        return ALL & ~DERIVATIVES if self._kind is Kind.SPOT else ALL

    async def measure_clock(self) -> float:
        """Measure the clock offset (ms): the probe of the shortest round trip, less half of it."""
        best: tuple[int, float] | None = None
        for _ in range(_CLOCK_PROBES):
            sent_ns, started_ns = self._clock.now_ns(), self._clock.monotonic_ns()
            answer, _ = await self._rest.get(paths.TIME, answers.ServerTime)
            trip_ns = self._clock.monotonic_ns() - started_ns
            offset_ms = (answer.timeNano - sent_ns - trip_ns / 2) / 1e6
            if best is None or trip_ns < best[0]:
                best = (trip_ns, offset_ms)
        if best is not None:
            streams_ms = None if self._stream is None else self._stream.told_offset_ms()
            at_s = self._clock.monotonic_ns() / 1e9
            self._offset.offer(best[1], best[0] / 1e6, at_s=at_s, streams_ms=streams_ms)
            if self._tap is not None:
                self._tap.clock_read(self._clock.now_ns(), self._offset.ms or 0.0)
        return self._offset.ms or 0.0

    async def instruments(self) -> list[Instrument]:
        """Read all instruments, every page; an item that cannot be read is logged and left out alone."""
        found: list[Instrument] = []
        cursors: list[str] = []
        for _ in range(_MAX_PAGES):
            page, _ = await self._rest.get(
                paths.INSTRUMENTS, answers.RawPage, most_bytes=MOST_LIST_BYTES,
                category=self._category, limit=1000, cursor=cursors[-1] if cursors else None,
            )  # fmt: skip
            found += self._items(page.items, answers.InstrumentAnswer, lambda item, _: item.instrument(self._kind))
            if not page.nextPageCursor:
                return found
            if page.nextPageCursor in cursors:
                log.warning("the list of instruments goes in a circle and is cut there", pages=len(cursors) + 1)
                break
            cursors.append(page.nextPageCursor)
        else:
            log.warning("the list of instruments has no end and is cut", pages=_MAX_PAGES)
        self._rest.missing["(end of the list of instruments)"] += 1
        return found

    async def tickers(self) -> dict[str, TickerUpdate]:
        """Ask for the tickers of all symbols in one request; the stream learns of them, too."""
        asked_ns = self._clock.now_ns()
        page, _ = await self._rest.get(
            paths.TICKERS, answers.RawPage, most_bytes=MOST_LIST_BYTES, category=self._category
        )
        named = self._items(page.items, wire.TickerItem, lambda item, symbol: (symbol, item))
        found: dict[str, TickerUpdate] = dict(named)
        if self._stream is not None:
            self._stream.listed(found, asked_ns)
        return found

    async def bars(self, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> list[Bar]:
        """Bars opening in [start_ms, end_ms], walked back a page at a time, oldest first.

        A bar is closed once the exchange's time of the answer has passed its end, and the measured clock has, too.
        """
        found: list[Bar] = []
        end = end_ms
        for _ in range(_MAX_PAGES):
            answer, now_ms = await self._rest.get(
                paths.BARS, answers.BarList, category=self._category, symbol=symbol,
                interval=_INTERVALS[timeframe], start=start_ms, end=end, limit=_BARS_A_PAGE,
            )  # fmt: skip
            if self._offset.ms is not None:
                now_ms = min(now_ms, int(self._clock.now_ns() / 1e6 + self._offset.ms) + _SLACK_MS)
            found += [Bar(*item, confirmed=item[0] + timeframe.ms <= now_ms) for item in answer.list]
            if len(answer.list) < _BARS_A_PAGE or found[-1].open_ms <= start_ms:
                break
            end = found[-1].open_ms - 1
        return found[::-1]

    async def trades(self, symbol: str, limit: int) -> list[Trade]:
        """The latest trades; at most 1000 (spot 60) are to be had."""
        most = 60 if self._kind is Kind.SPOT else 1000
        answer, _ = await self._rest.get(
            paths.TRADES, answers.TradeList, category=self._category, symbol=symbol, limit=min(limit, most)
        )
        return [Trade(item.time, item.price, item.size, Side(item.side), item.execId) for item in reversed(answer.list)]

    async def book(self, symbol: str, depth: int) -> BookSnapshot:
        """The best levels; at most 1000 (spot 200) are to be had."""
        most = 200 if self._kind is Kind.SPOT else 1000
        answer, _ = await self._rest.get(
            paths.BOOK, answers.BookAnswer, category=self._category, symbol=symbol, limit=min(depth, most)
        )
        return BookSnapshot(answer.ts, answer.u, answer.b, answer.a)

    async def account_ratio(self, symbol: str, limit: int) -> list[AccountRatio]:
        """The latest 5-minute account ratios (at most 500)."""
        self._contract("account ratio")
        answer, _ = await self._rest.get(
            paths.ACCOUNT_RATIO, answers.RatioList, category=self._category, symbol=symbol, period="5min",
            limit=min(limit, 500),
        )  # fmt: skip
        return [AccountRatio(item.timestamp, item.buyRatio, item.sellRatio) for item in reversed(answer.list)]

    async def funding_history(self, symbol: str, limit: int) -> list[FundingRate]:
        """The latest settled funding rates (at most 200)."""
        self._contract("funding history")
        answer, _ = await self._rest.get(
            paths.FUNDING, answers.FundingList, category=self._category, symbol=symbol,
            limit=min(limit, 200),
        )  # fmt: skip
        return [FundingRate(item.fundingRateTimestamp, item.fundingRate) for item in reversed(answer.list)]

    async def open_interest(self, symbol: str, limit: int) -> list[OpenInterest]:
        """The latest 5-minute open interest (at most 200)."""
        self._contract("open interest")
        answer, _ = await self._rest.get(
            paths.OPEN_INTEREST, answers.OpenInterestList, category=self._category, symbol=symbol,
            intervalTime="5min", limit=min(limit, 200),
        )  # fmt: skip
        return [OpenInterest(item.timestamp, item.openInterest) for item in reversed(answer.list)]

    def stream(
        self, on_event: Callable[[StreamEvent], None], on_taken: Callable[[int], None] = lambda _: None
    ) -> Stream:
        """Make the stream of this exchange, which calls `on_event` for its events; it does not run yet."""
        self._stream = BybitStream(
            url=self._stream_url,
            category=self._category,
            depth=self._depth,
            ping_interval_s=self._ping_interval_s,
            clock=self._clock,
            rng=self._rng,
            clock_offset_ms=lambda: self._offset.ms,
            on_event=on_event,
            on_origin=partial(self._origin.announced, "streams"),
            is_doubted=lambda: self._origin.change is not None,
            tap=self._tap,
            on_taken=on_taken,
        )
        return self._stream

    async def close(self) -> None:
        """Close the connections of the REST client; the stream is not touched."""
        await self._rest.close()

    def _contract(self, what: str) -> None:
        if self._kind is Kind.SPOT:
            raise NotOffered(f"spot has no {what}")

    def _items(self, items: answers.Items, kind: type[_T], make: Callable[[_T, str], _R]) -> list[_R]:
        """Convert items one by one, `""` as `None`: a bad one, or one without a readable symbol, spoils no other."""
        made = []
        for item in items:
            symbol = item.get("symbol") if isinstance(item, dict) else None
            if not isinstance(symbol, str) or not symbol:
                self._unreadable(symbol, "it has no symbol")
                continue
            known = {key: value for key, value in item.items() if value != ""}
            self._rest.missing.update(item.keys() - known.keys())
            try:
                made.append(make(msgspec.convert(known, kind, strict=False), symbol))
            except msgspec.ValidationError as error:
                self._unreadable(symbol, str(error))
        return made

    def _unreadable(self, symbol: object, reason: str) -> None:
        self._rest.missing["(whole item)"] += 1
        log.warning("an item of the answer cannot be read", symbol=symbol, error=reason)
