"""What the book of one symbol held, second by second."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request, Response

from virtuoso.model import documents as docs
from virtuoso.model.catalogue import examples
from virtuoso.model.documents.depth import DEPTH_MOST_S
from virtuoso.model.views import DepthViews
from virtuoso.storage.cache.memory import MemoryCache
from virtuoso.web.openapi import answers, reference
from virtuoso.web.parameters import Until, milliseconds
from virtuoso.web.routes.documents import answer
from virtuoso.web.routes.symbols import Symbol, not_watched

Seconds = Annotated[
    int,
    Query(
        ge=1, le=DEPTH_MOST_S,
        description=f"How many seconds before `until`, 1 to {DEPTH_MOST_S}; the block with the first comes whole.",
    ),
]  # fmt: skip


def router(views: DepthViews | None, cache: MemoryCache) -> APIRouter:
    """The route of a symbol's depth; without `views` nothing is kept, and it says so."""
    routes = APIRouter()

    @routes.get(
        "/api/symbols/{symbol:path}/depth", summary="Where orders rested, second by second, oldest first",
        response_class=Response, responses=answers(reference(docs.Depth), examples.DEPTH, 404, 422),
    )  # fmt: skip
    async def depth(request: Request, symbol: Symbol, seconds: Seconds = 600, until: Until = None) -> Response:
        until_ms = milliseconds("until", until)
        if views is not None:
            found = await views.depth(symbol, seconds, until_ms)
        elif cache.get(f"symbol:{symbol}") is None:
            found = None
        else:
            found = docs.Depth(symbol=symbol, blocks=(), reason="no history of depth is kept here")
        if found is None:
            raise not_watched(symbol)
        return answer(request, msgspec.json.encode(found))

    return routes
