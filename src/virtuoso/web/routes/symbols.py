"""Bars, book and scores of one symbol, asked on demand."""

from enum import StrEnum
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request, Response

from virtuoso.model import documents as docs
from virtuoso.model.catalogue import examples
from virtuoso.model.timeframe import Timeframe
from virtuoso.model.views import SymbolViews
from virtuoso.web.openapi import answers, reference
from virtuoso.web.routes.documents import Symbol, answer, not_watched

BarLimit = Annotated[int, Query(ge=1, le=1500, description="How many at most.")]
Depth = Annotated[int, Query(ge=1, le=200, description="Levels a side.")]


def router(views: SymbolViews) -> APIRouter:
    """Make the routes of one symbol's bars, book and scores."""
    routes = APIRouter()
    # The document offers, and validation takes, just the timeframes that are kept.
    names = [(timeframe.name, str(timeframe)) for timeframe in views.timeframes()]
    kept: Any = StrEnum("KeptTimeframe", names)  # type: ignore[misc]  # its members are known at run time
    shortest = next(iter(kept))

    @routes.get(
        "/api/symbols/{symbol:path}/bars", summary="Closed bars, oldest first", response_class=Response,
        responses=answers(reference(docs.Bars), examples.BARS, 404, 422),
    )  # fmt: skip
    async def bars(
        request: Request,
        symbol: Symbol,
        timeframe: kept = shortest,
        limit: BarLimit = 200,
    ) -> Response:
        found = await views.bars(symbol, Timeframe(str(timeframe)), limit)
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

    return routes
