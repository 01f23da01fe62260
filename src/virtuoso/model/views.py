"""Questions that published documents do not answer: asked on demand, with the state that can answer passed in."""

from typing import Protocol

from virtuoso.model.documents import Bars, Book
from virtuoso.model.timeframe import Timeframe


class SymbolViews(Protocol):
    """Bars and books of the watched symbols; `None` for a symbol that is not watched."""

    def timeframes(self) -> tuple[Timeframe, ...]:
        """The timeframes for which bars are kept."""
        ...

    def bars(self, symbol: str, timeframe: Timeframe, limit: int) -> Bars | None:
        """The latest closed bars, oldest first."""
        ...

    def book(self, symbol: str, depth: int) -> Book | None:
        """The best levels of the book as it is now."""
        ...
