"""The front of the web: guards every request, and answers published documents without any framework.

A path that names a document is one dictionary look-up, and its answer two messages that were made when the document
was first asked for. Everything else goes to the application behind.
"""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

import msgspec

from virtuoso.model.clock import Clock
from virtuoso.model.documents import Problem
from virtuoso.storage.cache.memory import Document, MemoryCache
from virtuoso.web.access import Access
from virtuoso.web.headers import NOSNIFF, SECURITY, Headers

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_JSON = (b"content-type", b"application/json")
_PRIVATE = (b"cache-control", b"private, no-cache")
"""For no cache but the browser's own: to others an answer to a cookie is like any other."""
_NOTHING: Message = {"type": "http.response.body", "body": b""}
_ASKING = frozenset({"GET", "HEAD"})


class Front:
    """ASGI: `documents` maps exact paths to names in the cache; `access` says who may ask."""

    def __init__(
        self, app: App, cache: MemoryCache, documents: Mapping[str, str], access: Access, clock: Clock
    ) -> None:
        self._app = app
        self._cache = cache
        kept = [_PRIVATE] if access.required else []
        self._published = {path: _Published(name, kept) for path, name in documents.items()}
        self._access = access
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Guard a request, then answer it with a published document or pass it on to the application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method, path = scope["method"], scope["path"]
        headers = dict(scope["headers"])
        if len(headers) < len(scope["headers"]) or method != "GET" or not self._access.known(headers.get(b"host", b"")):
            refusal = self._access.refusal(method, scope["headers"])
            if refusal is None:
                client = scope.get("client")
                address = client[0] if client else ""
                now_s = self._clock.now_ns() / 1e9
                refusal = await self._access.stranger(method, path, headers, address, now_s)
            if refusal is not None:
                await _problem(send, path, *refusal)
                return
        published = self._published.get(path)
        if published is not None and method in _ASKING and not scope["query_string"]:
            document = self._cache.get(published.name)
            if document is not None:  # this is the hot path: no call that can be spared
                if document is not published.document:
                    published.take(document)
                known = headers.get(b"if-none-match")
                if known is not None and document.etag in known:
                    await send(published.unchanged)
                    await send(_NOTHING)
                    return
                await send(published.start)
                await send(published.body)
                return
        if method == "HEAD":
            await self._app({**scope, "method": "GET"}, receive, _guarded(_without_body(send)))
            return
        await self._app(scope, receive, _guarded(send))


class _Published:
    """A document's answers, made once a version."""

    __slots__ = ("_also", "body", "document", "name", "start", "unchanged")

    def __init__(self, name: str, also: Headers) -> None:
        self.name = name
        self._also = also
        self.document: Document | None = None
        self.start: Message = {}
        self.body: Message = {}
        self.unchanged: Message = {}

    def take(self, document: Document) -> None:
        """Few headers, for each costs: with an ETag and no date, nothing is fresh without asking."""
        length, etag = (b"content-length", str(len(document.body)).encode()), (b"etag", document.etag)
        self.document = document
        shown: Headers = [_JSON, length, etag, NOSNIFF, *self._also]
        self.start = {"type": "http.response.start", "status": 200, "headers": shown}
        self.body = {"type": "http.response.body", "body": document.body}
        self.unchanged = {"type": "http.response.start", "status": 304, "headers": [etag, NOSNIFF, *self._also]}


def _guarded(send: Send) -> Send:
    """Add the headers that pages need."""

    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *SECURITY]
        await send(message)

    return guarded


def _without_body(send: Send) -> Send:
    """The head of an answer, and its end: what would follow goes nowhere, so that a stream ends, too."""
    begun = False

    async def headed(message: Message) -> None:
        nonlocal begun
        if not begun:
            begun = True
            await send(message)
            await send(_NOTHING)

    return headed


async def _problem(send: Send, path: str, status: int, title: str, detail: str) -> None:
    body = msgspec.json.encode(Problem(type="about:blank", title=title, status=status, detail=detail, instance=path))
    headers = [
        (b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode()), *SECURITY,
    ]  # fmt: skip
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
