"""Bars, book and scores of one symbol, asked on demand."""

from enum import StrEnum
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, HTTPException, Path, Query, Request, Response

from virtuoso.model import documents as docs
from virtuoso.model.catalogue import examples
from virtuoso.model.documents.prices import BOOK_LEVELS
from virtuoso.model.timeframe import Timeframe
from virtuoso.model.views import SymbolViews
from virtuoso.storage.cache.memory import MemoryCache
from virtuoso.web.openapi import answers, reference
from virtuoso.web.parameters import Until, milliseconds
from virtuoso.web.routes.documents import answer

BarLimit = Annotated[int, Query(ge=1, le=1500, description="How many bars at most, the latest, 1 to 1500.")]
Depth = Annotated[int, Query(ge=1, le=BOOK_LEVELS, description=f"How many levels a side at most, 1 to {BOOK_LEVELS}.")]
Symbol = Annotated[
    str,
    Path(description="The exchange's own name of a watched symbol, such as `BTCUSDT`.", min_length=1, max_length=40),
]


def router(views: SymbolViews, cache: MemoryCache) -> APIRouter:
    """Make the routes of one symbol: its bars, book and scores, and its document."""
    routes = APIRouter()
    # The document offers, and validation takes, just the timeframes that are kept.
    names = [(timeframe.name, str(timeframe)) for timeframe in views.timeframes()]
    kept: Any = StrEnum("KeptTimeframe", names)  # type: ignore[misc]  # its members are known at run time
    kept.__doc__ = Timeframe.__doc__
    shortest = next(iter(kept))

    @routes.get(
        "/api/symbols/{symbol:path}/bars", summary="Closed bars, oldest first", response_class=Response,
        responses=answers(reference(docs.Bars), examples.BARS, 404, 422),
    )  # fmt: skip
    async def bars(
        request: Request,
        symbol: Symbol,
        timeframe: Annotated[kept, Query(description="Length of a bar: one of those that are kept.")] = shortest,
        limit: BarLimit = 200,
        until: Until = None,
    ) -> Response:
        found = await views.bars(symbol, Timeframe(str(timeframe)), limit, milliseconds("until", until))
        if found is None:
            raise not_watched(symbol)
        return answer(request, msgspec.json.encode(found))

    @routes.get(
        "/api/symbols/{symbol:path}/book", summary="The best levels of the book", response_class=Response,
        responses=answers(reference(docs.Book), examples.BOOK, 404, 422),
    )  # fmt: skip
    async def book(request: Request, symbol: Symbol, depth: Depth = 20) -> Response:
        found = await views.book(symbol, depth)
        if found is None:
            raise not_watched(symbol)
        return answer(request, msgspec.json.encode(found))

    @routes.get(
        "/api/symbols/{symbol:path}/scores", summary="Readings as they were, oldest first", response_class=Response,
        responses=answers(reference(docs.ScoreHistory), examples.SCORES, 404, 422),
    )  # fmt: skip
    async def scores(request: Request, symbol: Symbol, limit: BarLimit = 200) -> Response:
        found = await views.scores(symbol, limit)
        if found is None:
            raise not_watched(symbol)
        return answer(request, msgspec.json.encode(found))

    @routes.get(  # the last one: a name may hold a slash
        "/api/symbols/{symbol:path}", summary="One symbol: ticker, signal, regime, and the whole tree of reasons",
        response_class=Response, responses=answers(reference(docs.SymbolDetail), examples.SYMBOL, 304, 404, 422),
    )  # fmt: skip
    async def symbol_detail(request: Request, symbol: Symbol) -> Response:
        document = cache.get(f"symbol:{symbol}")
        if document is None:
            raise not_watched(symbol)
        return answer(request, document.body, document.etag.decode())

    return routes


def not_watched(symbol: str) -> HTTPException:
    """The problem of an unknown symbol."""
    return HTTPException(404, f"{symbol} is not watched; /api/symbols lists what is, and why others are not")
