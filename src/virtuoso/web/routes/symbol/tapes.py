"""What was traded last of one symbol."""

import msgspec
from fastapi import APIRouter, Request, Response

from virtuoso.model import documents as docs
from virtuoso.model.catalogue import examples
from virtuoso.model.quality import DataQuality
from virtuoso.storage.cache.memory import MemoryCache
from virtuoso.web.openapi import answers, reference
from virtuoso.web.routes.documents import answer
from virtuoso.web.routes.symbols import Symbol, not_watched


def router(cache: MemoryCache) -> APIRouter:
    """The route of a symbol's tape, as it was published last."""
    routes = APIRouter()

    @routes.get(
        "/api/symbols/{symbol:path}/tape", summary="The last trades and liquidations, newest first",
        response_class=Response, responses=answers(reference(docs.Tape), examples.TAPE, 304, 404, 422),
    )  # fmt: skip
    async def tape(request: Request, symbol: Symbol) -> Response:
        document = cache.get(f"tape:{symbol}")
        if document is not None:
            return answer(request, document.body, document.etag.decode())
        if cache.get(f"symbol:{symbol}") is None:
            raise not_watched(symbol)
        return answer(request, msgspec.json.encode(_no_tape(symbol)))

    return routes


def _no_tape(symbol: str) -> docs.Tape:
    return docs.Tape(
        symbol=symbol, trades=(), liquidations=(), large_from=None, data_quality=DataQuality.UNAVAILABLE,
        data_source=None, reason="no trades of this symbol are watched (universe.detailed), or none were seen yet",
    )  # fmt: skip
