"""Routes that answer a published document, whole or sliced."""

from collections.abc import Callable
from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response

from virtuoso.model import documents as docs
from virtuoso.model.catalogue import examples
from virtuoso.model.catalogue.documents import DOCUMENTS, empty_body
from virtuoso.storage.cache.memory import MemoryCache
from virtuoso.web.openapi import answers, reference
from virtuoso.web.parameters import Limit

WHOLE = {document.path: document for document in DOCUMENTS.values() if document.path is not None}
"""Path → document that is answered there as it was published."""

HOT = {path: document.name for path, document in WHOLE.items()} | {
    "/api/signals/top": "signals:top",
    "/api/alerts/recent": "alerts",
}
"""Paths that the front answers by itself."""


def router(cache: MemoryCache) -> APIRouter:
    """Make the routes of the published documents."""
    routes = APIRouter()

    @routes.get(
        "/api/signals/top", summary="Signals, the strongest first: label, score, agreement, reasons",
        response_class=Response,
        responses=answers(reference(docs.TopSignals), examples.SIGNALS, 304, 422),
    )  # fmt: skip
    async def top_signals(request: Request, limit: Limit = 10) -> Response:
        top = msgspec.json.decode(body_of(cache, "signals"), type=docs.TopSignals)
        return answer(request, msgspec.json.encode(msgspec.structs.replace(top, signals=top.signals[:limit])))

    for path, document in WHOLE.items():
        routes.add_api_route(
            path, whole(cache, document.name), methods=["GET"], summary=document.summary, name=document.name,
            responses=answers(reference(document.schema), document.example, 304), response_class=Response,
        )  # fmt: skip

    return routes


def whole(cache: MemoryCache, name: str) -> Callable[[Request], Any]:
    """The route of a document that is answered as it was published."""

    async def published(request: Request) -> Response:
        document = cache.get(name)
        return answer(request, body_of(cache, name), None if document is None else document.etag.decode())

    return published


def body_of(cache: MemoryCache, name: str) -> bytes:
    """The bytes of a document; before the first publication, one that says so."""
    document = cache.get(name)
    return empty_body(name) if document is None else document.body


def answer(request: Request, body: bytes, etag: str | None = None) -> Response:
    """JSON bytes, or 304 when the client has them."""
    headers = {"cache-control": "private, no-cache"} | ({} if etag is None else {"etag": etag})
    if etag is not None and etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")
