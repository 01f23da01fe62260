"""What is kept of each minute of one symbol beside its bar."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request, Response
from pydantic import StringConstraints

from virtuoso.model import documents as docs
from virtuoso.model.catalogue import examples
from virtuoso.model.views import SymbolViews
from virtuoso.web.openapi import answers, reference
from virtuoso.web.routes.documents import answer
from virtuoso.web.routes.symbols import BarLimit, Symbol, not_watched

_NAMES = f"What is asked for, as often as is wanted: {', '.join(docs.SERIES)}."
SeriesName = Annotated[str, StringConstraints(pattern=f"^({'|'.join(docs.SERIES)})$")]


def router(views: SymbolViews) -> APIRouter:
    """The route of a symbol's series, asked of the stores."""
    routes = APIRouter()

    @routes.get(
        "/api/symbols/{symbol:path}/series", summary="Values of each minute beside its bar, oldest first",
        response_class=Response, responses=answers(reference(docs.SymbolSeries), examples.SERIES, 404, 422),
    )  # fmt: skip
    async def series(
        request: Request,
        symbol: Symbol,
        name: Annotated[list[SeriesName], Query(description=_NAMES, min_length=1)],
        limit: BarLimit = 240,
    ) -> Response:
        found = await views.series(symbol, list(dict.fromkeys(name)), limit)
        if found is None:
            raise not_watched(symbol)
        return answer(request, msgspec.json.encode(found))

    return routes
