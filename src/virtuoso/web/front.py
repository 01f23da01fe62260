"""The front of the web: guards every request, and answers published documents without any framework.

A path that names a document is one dictionary look-up, and its answer two messages that were made when the document
was first asked for. Everything else goes to the application behind.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from hmac import compare_digest
from typing import Any

import msgspec

from virtuoso.model.documents import Problem
from virtuoso.storage.cache.memory import Document, MemoryCache
from virtuoso.web.headers import NOSNIFF, SECURITY, host_of

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_JSON = (b"content-type", b"application/json")
_NOTHING: Message = {"type": "http.response.body", "body": b""}
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


class Front:
    """ASGI: `documents` maps exact paths to names in the cache. `token` (bytes) is required when given."""

    def __init__(
        self,
        app: App,
        cache: MemoryCache,
        documents: Mapping[str, str],
        allowed_hosts: Iterable[str],
        token: bytes | None,
    ) -> None:
        self._app = app
        self._cache = cache
        self._published = {path: _Published(name) for path, name in documents.items()}
        self._hosts = frozenset(host.lower().encode() for host in allowed_hosts)
        self._known_hosts: set[bytes] = set()
        self._bearer = None if token is None else b"Bearer " + token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method, path = scope["method"], scope["path"]
        headers = dict(scope["headers"])
        host = headers.get(b"host", b"")
        if host not in self._known_hosts or self._bearer is not None or method != "GET":
            refusal = self._refusal(method, host, headers)
            if refusal is not None:
                await _problem(send, path, *refusal)
                return
        published = self._published.get(path)
        if published is not None and method == "GET" and not scope["query_string"]:
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
        await self._app(scope, receive, _guarded(send))

    def _refusal(self, method: str, host: bytes, headers: Mapping[bytes, bytes]) -> tuple[int, str, str] | None:
        """Why a request is not served: a host that is not ours, another origin that writes, no token."""
        if host not in self._known_hosts:
            if host_of(host).lower() not in self._hosts:
                return 421, "Misdirected Request", "this host name is not in web.allowed_hosts"
            if len(self._known_hosts) < 100:  # ports make many spellings: keep a few
                self._known_hosts.add(host)
        origin = headers.get(b"origin")
        if method not in _READING and origin is not None and origin.partition(b"://")[2] != host:
            return 403, "Forbidden", "requests that change something must come from this site"
        if self._bearer is not None and not compare_digest(headers.get(b"authorization", b""), self._bearer):
            return 401, "Unauthorized", "a bearer token is required"
        return None


class _Published:
    """A document's answers, made once a version."""

    __slots__ = ("body", "document", "name", "start", "unchanged")

    def __init__(self, name: str) -> None:
        self.name = name
        self.document: Document | None = None
        self.start: Message = {}
        self.body: Message = {}
        self.unchanged: Message = {}

    def take(self, document: Document) -> None:
        """Few headers, for each costs: with an ETag and no date, nothing is fresh without asking."""
        length, etag = (b"content-length", str(len(document.body)).encode()), (b"etag", document.etag)
        self.document = document
        self.start = {"type": "http.response.start", "status": 200, "headers": [_JSON, length, etag, NOSNIFF]}
        self.body = {"type": "http.response.body", "body": document.body}
        self.unchanged = {"type": "http.response.start", "status": 304, "headers": [etag, NOSNIFF]}


def _guarded(send: Send) -> Send:
    """Add the headers that pages need."""

    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *SECURITY]
        await send(message)

    return guarded


async def _problem(send: Send, path: str, status: int, title: str, detail: str) -> None:
    body = msgspec.json.encode(Problem(type="about:blank", title=title, status=status, detail=detail, instance=path))
    headers = [
        (b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode()), *SECURITY,
    ]  # fmt: skip
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
