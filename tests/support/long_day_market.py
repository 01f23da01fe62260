"""A made-up exchange without a network for `long_day`: its symbols are listed and delisted, its events made once."""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache

import numpy as np

from virtuoso.exchange.protocol import BudgetStatus, PollStatus, Stream, StreamEvent
from virtuoso.market.panel import Floats
from virtuoso.model.clock import Clock
from virtuoso.model.errors import NotOffered
from virtuoso.model.evidence import ALL
from virtuoso.model.feed import FeedStatus, SymbolSink
from virtuoso.model.feed_kind import POLLED, FeedKind
from virtuoso.model.instrument import Instrument, InstrumentId, Kind
from virtuoso.model.market import (
    AccountRatio,
    Bar,
    BookSnapshot,
    FundingRate,
    Levels,
    OpenInterest,
    Side,
    TickerUpdate,
    Trade,
)
from virtuoso.model.quality import DataSource
from virtuoso.model.timeframe import Timeframe

MINUTE = 60_000
PHASES = 60
"""Events repeat after so many steps of five seconds; what carries a time is made anew each step."""
STEPS = 12
LEVELS = 50


def prices(number: int, minutes: Floats) -> Floats:
    """Price of a symbol at the given minutes: waves of its own around its base."""
    return np.asarray(base(number) * (
        1
        + 0.010 * np.sin(2 * np.pi * minutes / 97 + number)
        + 0.020 * np.sin(2 * np.pi * minutes / 480 + 2.4 * number)
        + 0.004 * np.sin(2 * np.pi * minutes / 13 + 0.7 * number)
    ))  # fmt: skip


def base(number: int) -> float:
    """What a symbol's price is around."""
    return float(10.0 ** (number % 7 - 2)) * (1 + number % 11)


@lru_cache(64)
def _bars(number: int, timeframe: Timeframe, start_ms: int, end_ms: int) -> tuple[Bar, ...]:
    """A symbol's bars that open in a span; monitors that begin at the same time ask for the same ones."""
    times = range(-(-start_ms // timeframe.ms) * timeframe.ms, end_ms + 1, timeframe.ms)
    around = prices(number, np.array([*times, times.stop]) / MINUTE).tolist()
    return tuple(
        Bar(
            open_ms, a, max(a, b) * 1.0005, min(a, b) * 0.9995, b, 20.0 * timeframe.minutes,
            20.0 * timeframe.minutes * a, open_ms + timeframe.ms <= end_ms,
        )
        for open_ms, a, b in zip(times, around, around[1:], strict=False)
    )  # fmt: skip


class Events:
    """One symbol's events of `PHASES` steps."""

    def __init__(self, number: int) -> None:
        rng = np.random.default_rng(number)
        self.number = number
        price, tick = base(number), base(number) * 1e-4
        self.sizes: list[float] = rng.lognormal(0, 1, PHASES).tolist()
        self.sides = [Side.BUY if buys else Side.SELL for buys in rng.random(PHASES) < 0.5]
        self.volumes = [sum(self.sizes[k : k + STEPS]) for k in range(0, PHASES, STEPS)]
        self.bids: Levels = [(price - j * tick, 1.0) for j in range(LEVELS)]
        self.asks: Levels = [(price + (j + 1) * tick, 1.0) for j in range(LEVELS)]
        self.deltas = [(self._changed(self.bids, k), self._changed(self.asks, k)) for k in range(PHASES)]
        self.tickers = [
            TickerUpdate(
                last=price, mark=price, index=price * 0.9999, bid=price, ask=price + tick, change_24h=0.01,
                turnover_24h=1e9 / (1 + number), open_interest=1e6 + k // STEPS,
                funding_rate=1e-4 + 1e-6 * (k // STEPS), funding_interval_h=8.0,
            )
            for k in range(PHASES)
        ]  # fmt: skip

    @staticmethod
    def _changed(side: Levels, k: int) -> Levels:
        """The best level goes and comes back; another gets a new size."""
        best, other = side[0][0], side[1 + k % (LEVELS - 1)][0]
        return [(best, float(k % 2)), (other, 1.0 + k / PHASES)]


class MadeUpExchange:
    """Implements `exchange.protocol.Exchange`; answers at once."""

    name = "made-up"
    origin = DataSource.SYNTHETIC
    clock_offset_ms = 0.0
    clock_doubt = maintenance = rest_down = origin_change = None
    evidence = ALL
    missing: Mapping[str, int] = {}
    budget = BudgetStatus(capacity=500, burst=500, available=500.0, window_s=5.0, requests=0, waits=0)

    def __init__(self, clock: Clock, symbols: int) -> None:
        self._clock = clock
        self._made = 0
        self.listed: dict[str, Events] = {}
        for _ in range(symbols):
            self.list_one()

    def list_one(self) -> None:
        """List a symbol that never was before."""
        symbol = ("BTCUSDT", "ETHUSDT")[self._made] if self._made < 2 else f"N{self._made:05}USDT"
        self.listed[symbol] = Events(self._made)
        self._made += 1

    def delist_oldest(self) -> None:
        """Delist the symbol that is listed the longest, but for the first two."""
        del self.listed[list(self.listed)[2]]

    async def measure_clock(self) -> float:
        return 0.0

    async def instruments(self) -> list[Instrument]:
        return [
            Instrument(
                id=InstrumentId(self.name, Kind.LINEAR, symbol), unified=f"{symbol[:-4]}/USDT:USDT", base=symbol[:-4],
                quote="USDT", settle="USDT", status="Trading", perpetual=True, tick_size=1e-6, lot_size=1e-3,
                launch_ms=0, funding_interval_min=480,
            )
            for symbol in self.listed
        ]  # fmt: skip

    async def tickers(self) -> dict[str, TickerUpdate]:
        return {symbol: events.tickers[0] for symbol, events in self.listed.items()}

    async def bars(self, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> list[Bar]:
        return list(_bars(self.listed[symbol].number, timeframe, start_ms, end_ms))

    async def trades(self, symbol: str, limit: int) -> list[Trade]:
        return []

    async def book(self, symbol: str, depth: int) -> BookSnapshot:
        raise NotOffered("books are streamed")

    async def account_ratio(self, symbol: str, limit: int) -> list[AccountRatio]:
        return []

    async def funding_history(self, symbol: str, limit: int) -> list[FundingRate]:
        return []

    async def open_interest(self, symbol: str, limit: int) -> list[OpenInterest]:
        return []

    def stream(
        self, on_event: Callable[[StreamEvent], None], on_taken: Callable[[int], None] = lambda _: None
    ) -> Stream:
        return MadeUpStream(self._clock)

    async def close(self) -> None:
        """Nothing is open."""


class MadeUpStream:
    """Implements `exchange.protocol.Stream`: all topics are alive, always. Events come from whoever plays them."""

    unknown_frames = 0
    missing: Mapping[str, int] = {}

    def __init__(self, clock: Clock) -> None:
        self.rounds = PollStatus()
        self._clock = clock
        self._feeds: list[FeedStatus] = []

    def watch(self, sinks: Mapping[str, SymbolSink], detailed: Collection[str] | None = None) -> None:
        self._feeds = [
            FeedStatus(kind=kind, topic=f"{kind}.{symbol}", symbol=symbol, connected=True, acked=True, lag_ms=20.0)
            for symbol in sinks
            for kind in POLLED
        ]

    def agreed_offset_ms(self) -> float | None:
        """Nobody tells the time."""
        return None

    async def run(self) -> None:
        """Nothing comes by itself."""

    def feeds(self, kind: FeedKind | None = None) -> Sequence[FeedStatus]:
        now_ns = self._clock.now_ns()
        for feed in self._feeds:
            feed.alive_ns = feed.received_ns = now_ns
            feed.event_ms = now_ns // 1_000_000
        return [feed for feed in self._feeds if kind in (None, feed.kind)]
