"""Questions that published documents do not answer: asked on demand, of whoever can answer, passed in."""

from collections.abc import Sequence
from typing import Protocol

from virtuoso.model.documents import Bars, Book, Depth, MonitoringHistory, ScoreHistory, SymbolSeries
from virtuoso.model.timeframe import Timeframe


class SymbolViews(Protocol):
    """Bars, books and scores of the watched symbols; `None` for a symbol that is not watched."""

    def timeframes(self) -> tuple[Timeframe, ...]:
        """The timeframes for which bars are kept."""
        ...

    async def bars(self, symbol: str, timeframe: Timeframe, limit: int, until_ms: int | None = None) -> Bars | None:
        """The latest closed bars, oldest first; those that began before `until_ms` (epoch ms, the exchange's clock)."""
        ...

    async def book(self, symbol: str, depth: int) -> Book | None:
        """The best levels of the book as it was last seen."""
        ...

    async def series(self, symbol: str, names: Sequence[str], limit: int) -> SymbolSeries | None:
        """The values of the latest minutes of each of `names`, oldest first."""
        ...

    async def scores(self, symbol: str, limit: int) -> ScoreHistory | None:
        """The latest readings, oldest first."""
        ...


class DepthViews(Protocol):
    """What books held, second by second."""

    async def depth(self, symbol: str, seconds: int, until_ms: int | None = None) -> Depth | None:
        """The last seconds before `until_ms` (epoch ms, the exchange's clock; now where none is given).

        `None` for a symbol that is not watched.
        """
        ...


class MonitorViews(Protocol):
    """Reads how the monitor has been in the past hours."""

    async def passes(self, hours: int) -> MonitoringHistory:
        """How long the passes of the last hours took."""
        ...
