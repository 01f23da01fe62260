"""What every exchange adapter offers, whatever its wire."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

import msgspec

from virtuoso.model.evidence import Evidence
from virtuoso.model.feed import FeedStatus, SymbolSink
from virtuoso.model.feed_kind import FeedKind
from virtuoso.model.instrument import Instrument
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
from virtuoso.model.signal import Statement
from virtuoso.model.timeframe import Timeframe


class StreamEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A change in the weather: `kind` is connected | disconnected | mute | mute_topic | resync | topic_rejected.

    `connected` means that data came, not only that subscriptions were acknowledged. Its `gap_from_ms` is the receive
    time (epoch ms) of the last frame before the outage; `None` on the first connection. What the tape and the bars
    missed since then must be fetched before anything is computed.
    """

    kind: str
    reason: str
    connection: int
    symbols: tuple[str, ...] = ()
    gap_from_ms: int | None = None


class BudgetStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The REST budget of this IP: `capacity` requests per `window_s`, of which `available` of `burst` can go at once.

    `banned_until_ms` while the exchange refuses this address (epoch ms).
    """

    capacity: int
    burst: int
    available: float
    window_s: float
    requests: int
    waits: int
    banned_until_ms: int | None = None


class Tap(Protocol):
    """Told of everything that goes over the wire, and what else a replay cannot know, on the event loop.

    It must be quick and may not raise.
    """

    def frame(self, connection: int, received_ns: int, payload: bytes) -> None:
        """Take a frame that was received on a connection, at `received_ns` (epoch ns)."""
        ...

    def sent(self, connection: int, sent_ns: int, payload: bytes) -> None:
        """Take a frame that was sent on a connection, at `sent_ns` (epoch ns)."""
        ...

    def opened(self, connection: int, at_ns: int, url: str) -> None:
        """Note that the stream `connection` was opened to `url`."""
        ...

    def closed(self, connection: int, at_ns: int, reason: str) -> None:
        """Note that the stream `connection` was closed, for `reason`."""
        ...

    def answer(
        self, path: str, query: dict[str, str], status: int, body: bytes, sent_ns: int, received_ns: int
    ) -> None:
        """Take the `status` and `body` that a REST request was answered with."""
        ...

    def clock_read(self, at_ns: int, offset_ms: float) -> None:
        """Take a measurement of the exchange's clock."""
        ...

    def fit_put_off(self, known_ms: int, from_ms: int) -> None:
        """Note that the fit to what was known at a close holds from another close on than was stated (epoch ms)."""
        ...

    def said(self, close_ms: int, statements: tuple[Statement, ...]) -> None:
        """Note what is said of symbols at a close (epoch ms)."""
        ...


class PollStatus(msgspec.Struct, kw_only=True):
    """The last round of polling: symbols asked for, those with a failure, and how long it took."""

    rounds: int = 0
    symbols: int = 0
    failed: int = 0
    seconds: float | None = None


class Stream(Protocol):
    """The pushed half of an exchange: supervised connections that feed sinks."""

    def watch(self, sinks: Mapping[str, SymbolSink], detailed: Collection[str] | None = None) -> None:
        """Set the whole set of symbols wanted; the difference is subscribed and unsubscribed.

        Those not in `detailed` (`None` = all are) have tickers and 1m bars alone, no book, trades or liquidations.
        """
        ...

    async def run(self) -> None:
        """Connect, supervise and reconnect until cancelled."""
        ...

    def feeds(self, kind: FeedKind | None = None) -> Sequence[FeedStatus]:
        """Return the state of every topic of the stream, or of those of one kind: a state is dear to make."""
        ...

    def agreed_offset_ms(self) -> float | None:
        """Exchange clock less local clock, ms, as most topics told it in the last seconds; `None`: nobody did."""
        ...

    @property
    def unknown_frames(self) -> int:
        """Frames that no topic took and that are no reply."""
        ...

    @property
    def missing(self) -> Mapping[str, int]:
        """How often frames left a field empty, by its name on the wire."""
        ...


class Exchange(Protocol):
    """The asked half of an exchange. Every call may raise an `ExchangeError`; lists come oldest first."""

    name: str

    @property
    def origin(self) -> DataSource | None:
        """What this exchange is, from what it announced; `None` until it has answered once."""
        ...

    @property
    def origin_change(self) -> str | None:
        """What it announces now, if that is not what it was; `None` as long as it is."""
        ...

    @property
    def clock_offset_ms(self) -> float | None:
        """Exchange clock less local clock, ms; `None` until measured."""
        ...

    @property
    def clock_doubt(self) -> str | None:
        """Why the last measurement of the clock was not believed; `None` when it was."""
        ...

    @property
    def budget(self) -> BudgetStatus:
        """How many requests may go out now, and until when the exchange refuses this address."""
        ...

    @property
    def maintenance(self) -> str | None:
        """Why the exchange serves no API at present; `None` while it does."""
        ...

    @property
    def rest_down(self) -> str | None:
        """Why no request has had a good answer for a while; `None` while they have."""
        ...

    @property
    def missing(self) -> Mapping[str, int]:
        """How often answers left a field empty, by its name."""
        ...

    @property
    def evidence(self) -> Evidence:
        """What it has at all, streamed and in detail; never changes."""
        ...

    async def measure_clock(self) -> float:
        """Measure and keep the clock offset (ms), correcting for half the round trip."""
        ...

    async def instruments(self) -> list[Instrument]:
        """All instruments of the configured category, every page."""
        ...

    async def tickers(self) -> dict[str, TickerUpdate]:
        """All tickers of the category in one call, by symbol."""
        ...

    async def bars(self, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> list[Bar]:
        """Bars opening in [start_ms, end_ms], every page; the forming bar, if among them, is not `confirmed`."""
        ...

    async def trades(self, symbol: str, limit: int) -> list[Trade]:
        """The latest trades, at most `limit`."""
        ...

    async def book(self, symbol: str, depth: int) -> BookSnapshot:
        """The book's best `depth` levels a side."""
        ...

    async def account_ratio(self, symbol: str, limit: int) -> list[AccountRatio]:
        """The latest 5-minute account ratios."""
        ...

    async def funding_history(self, symbol: str, limit: int) -> list[FundingRate]:
        """The latest settled funding rates."""
        ...

    async def open_interest(self, symbol: str, limit: int) -> list[OpenInterest]:
        """The latest 5-minute open interest."""
        ...

    def stream(self, on_event: Callable[[StreamEvent], None], on_taken: Callable[[int], None] = ...) -> Stream:
        """The pushed half, which reports changes in the weather to `on_event` on the event loop.

        `on_taken` is told of some frames how long they took from their receipt until the state had them (ns).
        """
        ...

    async def close(self) -> None:
        """Close the connections to the exchange."""
        ...
