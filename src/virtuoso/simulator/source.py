"""What a market behind the embedded exchange is: a source of frames and of the answers to REST questions.

Sources are deterministic: they are asked for everything up to an exchange time and have no clock of their own.
Items and frames have the wire's own form (string numbers, native names). Times are epoch milliseconds.
"""

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple, Protocol

from virtuoso.model.quality import DataSource

Item = dict[str, Any]


class Push(NamedTuple):
    """One frame: `payload` is the whole JSON message of `topic`, due at `at_ms` of exchange time."""

    at_ms: int
    category: str
    topic: str
    payload: bytes


class Source(Protocol):
    """One market. Items come oldest first; the server orders, pages and limits them."""

    origin: DataSource
    """How the exchange announces itself: replay or synthetic."""

    def advance(self, to_ms: int, wanted: Collection[tuple[str, str]]) -> Iterable[Push]:
        """All frames of the `(category, topic)` pairs in `wanted` due after the last call and up to `to_ms`, in order.

        What a topic carries does not depend on what else is wanted.
        """
        ...

    def due_ms(self) -> int:
        """The exchange time before which none of what was wanted last has anything to say.

        It may be told too early, which costs an `advance` that gives nothing, but never too late.
        """
        ...

    def restarts_at(self) -> int | None:
        """Exchange time at which every socket closes and the source starts over, if it does."""
        ...

    def knows(self, category: str, topic: str) -> bool:
        """Whether a subscription to `topic` is accepted (it may be silent)."""
        ...

    def snapshot(self, category: str, topic: str) -> bytes | None:
        """The frame a new subscriber gets first, as of the last `advance`; `None` if there is none."""
        ...

    def instruments(self, category: str) -> list[Item]:
        """Return the items of `/v5/market/instruments-info`."""
        ...

    def tickers(self, category: str) -> list[Item]:
        """Return the items of `/v5/market/tickers` as of the last `advance`."""
        ...

    def klines(
        self, category: str, symbol: str, interval: str, price: str, start_ms: int, end_ms: int
    ) -> list[list[str]]:
        """Bars opening in [start_ms, end_ms], the forming one included. `price`: trade | mark | index | premium."""
        ...

    def orderbook(self, category: str, symbol: str, depth: int) -> Item | None:
        """`/v5/market/orderbook` result as of the last `advance`."""
        ...

    def trades(self, category: str, symbol: str, limit: int) -> list[Item]:
        """The latest `limit` trades as of the last `advance`."""
        ...

    def open_interest(self, category: str, symbol: str, interval: str, start_ms: int, end_ms: int) -> list[Item]:
        """Return the items of `/v5/market/open-interest` with timestamps in [start_ms, end_ms]."""
        ...

    def funding(self, category: str, symbol: str, start_ms: int, end_ms: int) -> list[Item]:
        """Return the items of `/v5/market/funding/history` with timestamps in [start_ms, end_ms]."""
        ...

    def account_ratio(self, category: str, symbol: str, period: str, start_ms: int, end_ms: int) -> list[Item]:
        """Return the items of `/v5/market/account-ratio` with timestamps in [start_ms, end_ms]."""
        ...
