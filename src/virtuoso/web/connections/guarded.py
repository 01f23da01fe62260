"""Connections of uvicorn with bounds: what a stranger sends costs little, before anything of it is looked at.

The bounds hold on the bytes as they come, because httptools gathers a header until it is complete, however long.
"""

import asyncio
from collections.abc import Collection
from http import HTTPStatus
from typing import Any, cast

import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from virtuoso.web.connections.limits import Crowd

log = structlog.get_logger(__name__)

_LOOK_S, _TELL_S = 1.0, 60.0
_UNKNOWN = "unknown"
_TOO_LARGE_HEAD = (431, "the request line and headers are too large or too many")
_TOO_LARGE_BODY = (413, "the body is too large")
_TOO_MUCH = (503, "too much is being sent by too many clients; try again")


class _RefusedError(Exception):
    """What is being sent breaks a bound; raised through the parser, which ends there."""


class GuardedProtocol(HttpToolsProtocol):
    """One connection. `crowd` is set on a subclass by the server, for uvicorn makes its protocols itself."""

    crowd: Crowd

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._limits = self.crowd.limits
        self._address = _UNKNOWN
        self._entered = False
        self._refusal: tuple[int, str] | None = None
        self._in_head = False
        self._size = 0
        self._gathered = 0
        self._body_size = 0
        self._fed = False
        self._unfinished = 0
        self._complete = True
        self._overdue = False
        self.owing_since_s: float | None = None
        """Since when the client has owed the rest of a request (loop time); `None` while it is being answered."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Let it in, or answer 503 where there are too many."""
        peer = transport.get_extra_info("peername")
        self._address = peer[0] if isinstance(peer, tuple) else _UNKNOWN
        self._entered = self.crowd.enter(self._address)
        if not self._entered:
            self.transport = transport
            self._end(503, "too many connections; try again later")
            return
        super().connection_made(transport)
        self.owing_since_s = self.loop.time()

    def connection_lost(self, exc: Exception | None) -> None:
        """Take the closed connection and its unfinished bytes out of the counts."""
        if self._entered:
            self._entered = False
            self._counted(0)
            self.crowd.leave(self._address)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came, unless it breaks a bound."""
        if self._is_refused():
            return
        began, self._fed = not self._in_head, False
        super().data_received(data)
        if self._is_refused():
            return
        if self._in_head:
            self._gather(len(data), began=began)
        elif self._complete:
            self._counted(0)
        else:  # what follows a body in chunks are headers too, and the parser gathers them alike
            self._gathered = 0 if self._fed else self._gathered + len(data)
            self._counted(len(self.cycle.body) + self._gathered)
        if self._gathered > self._limits.head_bytes:
            self._end(*_TOO_LARGE_HEAD)
        elif self.crowd.unfinished > self._limits.unfinished_bytes:
            self._end(*_TOO_MUCH)

    def on_message_begin(self) -> None:
        """Start counting the size of a new request from zero."""
        super().on_message_begin()
        self._in_head, self._size, self._gathered, self._body_size = True, 0, 0, 0

    def on_url(self, url: bytes) -> None:
        """Take a part of the request line."""
        self._count_head(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a complete header; a request with too many, or too large ones, is refused."""
        self._count_head(len(name) + len(value) + 4)
        if len(self.headers) >= self._limits.headers:
            self._refuse(*_TOO_LARGE_HEAD)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin to answer the request, while its body may still come."""
        if len(self.pipeline) >= self._limits.pipelined:
            self._refuse(429, "too many requests without waiting for an answer")
        self._in_head, self._gathered, self._complete = False, 0, False
        super().on_headers_complete()
        self.owing_since_s = self.loop.time()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body, which may be more than is wanted."""
        self._fed = True
        self._body_size += len(body)
        if self._body_size > self._limits.body_bytes:
            self._refuse(*_TOO_LARGE_BODY)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note that the client has sent all of a request."""
        super().on_message_complete()
        self._complete = True
        self.owing_since_s = self.loop.time() if self.cycle.response_complete else None

    def on_response_complete(self) -> None:
        """Let the next request come: all of an answer was handed over."""
        super().on_response_complete()
        if self._complete and not self.pipeline:
            self.owing_since_s = self.loop.time()

    def end_if_owing(self, now_s: float) -> None:
        """End a connection whose client takes too long over a request."""
        if self.owing_since_s is None:
            return
        allowed_s = self._limits.head_s if self._complete else self._limits.body_s
        if now_s - self.owing_since_s < allowed_s:
            self._overdue = False
        elif not self._overdue:
            self._overdue = True  # if we stood still ourselves, what is there already is read before the next look
        else:
            self._end(408, "the request took too long to come")

    def send_400_response(self, msg: str) -> None:
        """Answer a request at which the parser stopped, by itself or for a bound."""
        self._end(*(self._refusal or (400, msg)))

    def _is_refused(self) -> bool:
        return self._refusal is not None

    def _gather(self, size: int, *, began: bool) -> None:
        """Count a head that is not complete: the parser holds what it has not told of.

        Where it began in the bytes that came is not known, so those count for what all clients hold, and the next ones
        for its size too.
        """
        self._gathered += 0 if began else size
        self._counted(size if began else self._unfinished + size)

    def _count_head(self, size: int) -> None:
        self._size += size
        if self._size > self._limits.head_bytes:
            self._refuse(*_TOO_LARGE_HEAD)

    def _counted(self, unfinished: int) -> None:
        self.crowd.unfinished += unfinished - self._unfinished
        self._unfinished = unfinished

    def _refuse(self, status: int, detail: str) -> None:
        self._refusal = status, detail
        raise _RefusedError(detail)

    def _end(self, status: int, detail: str) -> None:
        """Say why, unless an answer is under way, and close; the rest of what comes is not looked at."""
        self._refusal = status, detail
        self.owing_since_s = None
        self._counted(0)
        self.crowd.refused[str(status)] += 1
        cycle: RequestResponseCycle | None = cast("Any", self.cycle)  # `None` before the first request
        if cycle is None or cycle.response_complete or not (cycle.response_started or self.pipeline):
            self.transport.write(_answer(status, detail))
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True  # what the application still says goes nowhere
            cycle.message_event.set()
        self.transport.close()


def _answer(status: int, detail: str) -> bytes:
    phrase = HTTPStatus(status).phrase
    body = b'{"type":"about:blank","title":"%b","status":%d,"detail":"%b"}' % (phrase.encode(), status, detail.encode())
    head = f"HTTP/1.1 {status} {phrase}\r\ncontent-type: application/problem+json\r\ncontent-length: {len(body)}\r\n"
    return head.encode() + b"x-content-type-options: nosniff\r\nconnection: close\r\n\r\n" + body


async def end_slow(connections: Collection[object], crowd: Crowd) -> None:
    """Look at the connections of a server each second until cancelled; and say, now and then, what was refused."""
    loop = asyncio.get_running_loop()
    told, told_s = dict(crowd.refused), -_TELL_S
    while True:
        await asyncio.sleep(_LOOK_S)
        now_s = loop.time()
        for connection in tuple(connections):
            if isinstance(connection, GuardedProtocol):
                connection.end_if_owing(now_s)
        if now_s - told_s >= _TELL_S and crowd.refused != told:
            log.warning("requests were refused", connected=crowd.connected, so_far=dict(crowd.refused))
            told, told_s = dict(crowd.refused), now_s
