"""Write Virtuoso's OpenAPI document to standard output: what the dashboard's types are made from.

Usage: python -m tools.openapi > dashboard/openapi.json
"""

import json
import sys

from virtuoso.model import documents as docs
from virtuoso.model.clock import ManualClock
from virtuoso.model.timeframe import Timeframe
from virtuoso.operations.health import HealthState
from virtuoso.storage.cache.memory import MemoryCache
from virtuoso.web.access import Access
from virtuoso.web.app import application


class _NoViews:
    """History of no symbol: the document says what routes answer, and none is asked here."""

    def timeframes(self) -> tuple[Timeframe, ...]:
        return tuple(Timeframe)

    async def bars(self, symbol: str, timeframe: Timeframe, limit: int) -> docs.Bars | None:
        return None

    async def book(self, symbol: str, depth: int) -> docs.Book | None:
        return None

    async def scores(self, symbol: str, limit: int) -> docs.ScoreHistory | None:
        return None


def main() -> None:
    clock = ManualClock()
    board = HealthState(clock, 10.0, "embedded")
    app = application(MemoryCache(clock), board, _NoViews(), None, "nobody", clock, Access((), None))
    json.dump(app.openapi(), sys.stdout)


if __name__ == "__main__":
    main()
