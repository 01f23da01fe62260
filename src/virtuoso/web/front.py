"""The front of the web: guards every request, and answers published documents without any framework.

A path that names a document is one dictionary look-up, and its answer two messages that were made when the document
was first asked for. Everything else goes to the application behind.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any

import msgspec

from virtuoso.model.documents import Problem
from virtuoso.storage.cache.memory import Document, MemoryCache
from virtuoso.web.headers import SECURITY, Headers, header, host_of

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_JSON = (b"content-type", b"application/json")
_NO_STORE = (b"cache-control", b"no-cache")
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
        self._documents = dict(documents)
        self._hosts = frozenset(host.lower().encode() for host in allowed_hosts)
        self._known_hosts: set[bytes] = set()
        self._bearer = None if token is None else b"Bearer " + token
        self._made: dict[str, tuple[Document, Message, Message]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = scope["headers"]
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await _problem(send, scope["path"], *refusal)
            return
        name = self._documents.get(scope["path"])
        if name is not None and scope["method"] == "GET" and not scope["query_string"]:
            document = self._cache.get(name)
            if document is not None:
                await self._answer(document, headers, send)
                return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *SECURITY]
            await send(message)

        await self._app(scope, receive, guarded)

    async def _answer(self, document: Document, headers: Headers, send: Send) -> None:
        made = self._made.get(document.name)
        if made is None or made[0] is not document:
            start: Message = {
                "type": "http.response.start",
                "status": 200,
                "headers": [
                    _JSON, (b"content-length", str(len(document.body)).encode()), (b"etag", document.etag), _NO_STORE,
                    *SECURITY,
                ],
            }  # fmt: skip
            made = self._made[document.name] = document, start, {"type": "http.response.body", "body": document.body}
        known = header(headers, b"if-none-match")
        if known is not None and document.etag in known:
            not_modified = [(b"etag", document.etag), _NO_STORE, *SECURITY]
            await send({"type": "http.response.start", "status": 304, "headers": not_modified})
            await send({"type": "http.response.body", "body": b""})
            return
        await send(made[1])
        await send(made[2])

    def _refusal(self, scope: Scope, headers: Headers) -> tuple[int, str, str] | None:
        """Why this request is not served: a host that is not ours, another origin that writes, no token."""
        host = header(headers, b"host") or b""
        if host not in self._known_hosts:
            if host_of(host).lower() not in self._hosts:
                return 421, "Misdirected Request", "this host name is not in web.allowed_hosts"
            if len(self._known_hosts) < 100:  # ports make many spellings: keep a few
                self._known_hosts.add(host)
        if scope["method"] not in _READING:
            origin = header(headers, b"origin")
            if origin is not None and origin.partition(b"://")[2] != host:
                return 403, "Forbidden", "requests that change something must come from this site"
        if self._bearer is not None and header(headers, b"authorization") != self._bearer:
            return 401, "Unauthorized", "a bearer token is required"
        return None


async def _problem(send: Send, path: str, status: int, title: str, detail: str) -> None:
    body = msgspec.json.encode(Problem(type="about:blank", title=title, status=status, detail=detail, instance=path))
    headers = [
        (b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode()), *SECURITY,
    ]  # fmt: skip
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
