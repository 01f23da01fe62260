"""`/api/stream`: whole small documents as server-sent events, latest wins."""

import asyncio
from collections.abc import AsyncIterator

from fastapi import APIRouter, HTTPException
from fastapi.responses import StreamingResponse

from virtuoso.storage.cache.memory import MemoryCache
from virtuoso.web.openapi import answers

STREAMED = ("dashboard", "overview", "signals", "alerts", "regime", "status", "ticks")
_CLIENTS = 100
_HEARTBEAT_S = 10.0


def router(cache: MemoryCache) -> APIRouter:
    """The route."""
    routes = APIRouter()
    documented = answers({"type": "string"}, "", 503)
    documented[200] = {
        "description": f"Events named {', '.join(STREAMED)}; data is the document, id its version.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }

    @routes.get(
        "/api/stream", summary="Documents as they are published", response_class=StreamingResponse,
        responses=documented,
    )  # fmt: skip
    async def stream() -> StreamingResponse:
        if cache.subscribers >= _CLIENTS:
            raise HTTPException(503, f"{_CLIENTS} clients are streaming already; poll the documents instead")
        return StreamingResponse(
            _events(cache), media_type="text/event-stream",
            headers={"cache-control": "no-cache", "x-accel-buffering": "no"},
        )  # fmt: skip

    return routes


async def _events(cache: MemoryCache) -> AsyncIterator[bytes]:
    """First what there is, then what changes; a slow client gets the latest of each and never a backlog."""
    with cache.subscribe() as subscription:
        yield b"retry: 2000\n\n"
        for name in STREAMED:
            yield _event(cache, name)
        while True:
            try:
                async with asyncio.timeout(_HEARTBEAT_S):
                    names = await subscription.take()
            except TimeoutError:
                yield b": still here\n\n"
                continue
            for name in names:
                if name in STREAMED:
                    yield _event(cache, name)


def _event(cache: MemoryCache, name: str) -> bytes:
    document = cache.get(name)
    if document is None:
        return b""
    return b"event: %b\nid: %b\ndata: %b\n\n" % (name.encode(), str(document.version).encode(), document.body)
