"""`/api/stream`: whole small documents as server-sent events, latest wins."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from operator import attrgetter
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request, Response
from starlette.types import Receive, Scope, Send

from virtuoso.model.catalogue.documents import OF_A_SYMBOL, STREAMED
from virtuoso.model.clock import Clock, iso
from virtuoso.storage.cache.memory import Document, MemoryCache
from virtuoso.web.access import Access
from virtuoso.web.openapi import answers

Followed = Annotated[
    str | None,
    Query(
        description="The exchange's own name of a symbol: its document, book, tape and depth (the last ten to twenty "
        "seconds) are streamed too, as `symbol`, `book`, `tape` and `depth`, while it is watched.",
        min_length=1,
        max_length=40,
    ),
]
CLIENTS = 2_000
"""As many may stream from one process; the next is answered 503."""
_HEARTBEAT_S = 10.0
_OPENING = b"retry: 2000\n\n"
_HEARTBEAT = b": still here\n\n"


def router(cache: MemoryCache, clock: Clock, access: Access) -> APIRouter:
    """Make the route `/api/stream`; clients that follow the same share one set of encoded events."""
    routes = APIRouter()
    channels = Channels(cache)
    documented = answers({"type": "string"}, "", 422)
    documented[200] = {
        "description": f"Events named {', '.join(STREAMED)}; data is the document, id its version. The first is "
        "`clock`: the time here, ISO 8601 in UTC as a JSON text, for whoever tells ages by another clock.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }

    @routes.get("/api/stream", summary="Documents as they are published", response_class=Response, responses=documented)
    async def stream(request: Request, symbol: Followed = None) -> EventStream:
        if channels.clients >= CLIENTS:
            raise HTTPException(503, f"{CLIENTS} clients are streaming already; poll the documents instead")
        return EventStream(channels, symbol, clock, access.left_s(dict(request.headers.raw), clock.now_ns() / 1e9))

    return routes


@dataclass(frozen=True, slots=True)
class _Event:
    change: int
    document: Document
    encoded: bytes


class Events:
    """What is streamed, encoded once a version for all clients.

    Changes are counted. A client knows the count up to which it was told, so it costs no queue: when it can take
    more, it gets the latest of whatever changed since. The cache tells one subscriber, however many clients there are.
    """

    def __init__(self, cache: MemoryCache, names: dict[str, str]) -> None:
        """Follow the documents that are the keys of `names`; its values are what their events are called."""
        self._cache = cache
        self._names = names
        self._held: dict[str, _Event] = {}
        self._changed = asyncio.Event()
        self._following: asyncio.Task[None] | None = None
        self._woken_s = 0.0
        self._shared = (0, 0, b"")  # from change, to change, the events between
        self.changes = 0
        self.clients = 0

    @contextmanager
    def joined(self) -> Iterator[None]:
        """A client takes part within the block."""
        self.clients += 1
        if self._following is None or self._following.done():
            self._woken_s = asyncio.get_running_loop().time()
            self._following = asyncio.create_task(self._follow(), name="stream events")
        try:
            self._take_up()
            yield
        finally:
            self.clients -= 1
            if self.clients == 0:
                self._following.cancel()
                self._following = None

    def since(self, change: int) -> bytes:
        """The latest of all documents that changed after this one and have not expired."""
        known, up_to, shared = self._shared
        if (known, up_to) != (change, self.changes) or change == 0:  # a newcomer's may have expired by now
            fresh = sorted((e for e in self._held.values() if e.change > change), key=attrgetter("change"))
            shared = b"".join(e.encoded for e in fresh if self._cache.get(e.document.name) is not None)
            self._shared = change, self.changes, shared
        return shared

    async def wait(self, change: int) -> None:
        """Wait until there is a later change than this one, or time for a heartbeat.

        Whatever keeps the cache from being followed is raised to every client.
        """
        if self.changes == change:
            await self._changed.wait()
        if self._following is not None and self._following.done():
            self._following.result()

    async def _follow(self) -> None:
        loop = asyncio.get_running_loop()
        with self._cache.subscribe() as subscription:
            try:
                while True:
                    try:
                        async with asyncio.timeout_at(self._woken_s + _HEARTBEAT_S):
                            changed = await subscription.take()
                    except TimeoutError:
                        self._wake(loop.time())
                        continue
                    if not self._names.keys().isdisjoint(changed):
                        self._take_up()
            finally:
                self._wake(loop.time())

    def _take_up(self) -> None:
        """Encode the documents that changed since the last call and, if there are any, wake the clients."""
        before = self.changes
        for name, called in self._names.items():
            document, held = self._cache.get(name), self._held.get(name)
            if document is not None and (held is None or held.document is not document):
                self.changes += 1
                self._held[name] = _Event(self.changes, document, _encoded(document, called))
        if self.changes > before:
            self._wake(asyncio.get_running_loop().time())

    def _wake(self, now_s: float) -> None:
        self._woken_s = now_s
        self._changed.set()
        self._changed = asyncio.Event()


class Channels:
    """The events of everything that is streamed, and for each symbol that somebody follows those with its own."""

    def __init__(self, cache: MemoryCache) -> None:
        self._cache = cache
        self._followed: dict[str | None, Events] = {}

    @property
    def clients(self) -> int:
        """How many clients follow anything."""
        return sum(events.clients for events in self._followed.values())

    @contextmanager
    def joined(self, symbol: str | None) -> Iterator[Events]:
        """The events for a client that takes part within the block."""
        events = self._followed.get(symbol)
        if events is None:
            own = {} if symbol is None else {f"{kind}:{symbol}": kind for kind in OF_A_SYMBOL}
            events = self._followed[symbol] = Events(self._cache, {name: name for name in STREAMED} | own)
        try:
            with events.joined():
                yield events
        finally:
            if events.clients == 0:
                del self._followed[symbol]


class EventStream(Response):
    """One client's answer: first what there is, then what changes, until it leaves or its session is over."""

    media_type = "text/event-stream"

    def __init__(self, channels: Channels, symbol: str | None, clock: Clock, left_s: float | None) -> None:
        """`left_s`: how long the session of the client lasts (s); `None` = it needs none."""
        self._channels = channels
        self._symbol = symbol
        self._clock = clock
        self._left_s = left_s
        self._begun = False
        self.status_code = 200
        self.background = None
        self.raw_headers = [
            (b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"private, no-cache"),
            (b"x-accel-buffering", b"no"),
        ]  # fmt: skip

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Write until the client is gone: its leaving ends a write that it does not take, too."""
        gone = False
        with suppress(asyncio.CancelledError):  # the server stops
            gone = await self._until_gone(receive, send)
        if self._begun and not gone:  # an orderly end, after which the client comes again
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _until_gone(self, receive: Receive, send: Send) -> bool:
        """Write until the client leaves; `False` where its session was over sooner."""
        with self._channels.joined(self._symbol) as events:
            writing = asyncio.create_task(self._write(events, send), name="stream client")
            leaving = asyncio.create_task(_gone(receive), name="stream client leaves")
            both = {writing, leaving}
            try:
                done, _ = await asyncio.wait(both, timeout=self._left_s, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in both:
                    task.cancel()
                await asyncio.wait(both)
        for task in done:
            task.result()
        return bool(done)

    async def _write(self, events: Events, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        self._begun = True
        now = iso(self._clock.now_ns() // 1_000_000)
        body, told = _OPENING + f'event: clock\ndata: "{now}"\n\n'.encode() + events.since(0), events.changes
        while True:
            await send({"type": "http.response.body", "body": body, "more_body": True})
            await events.wait(told)
            body, told = events.since(told) or _HEARTBEAT, events.changes


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _encoded(document: Document, called: str) -> bytes:
    name, version = called.encode(), str(document.version).encode()
    return b"event: %b\nid: %b\ndata: %b\n\n" % (name, version, document.body)
