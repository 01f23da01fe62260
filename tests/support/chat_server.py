"""A chat host that speaks Discord's webhook API strictly, with real connections, and fails as it is told to.

`with chat_server() as chat` and `async with chat_server() as chat` are the same: it runs in a thread of its own, so it
serves tests of coroutines and of processes alike.
"""

import asyncio
import itertools
import json
import threading
import time
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import BodyPartReader, web

from tests.support.chat_rules import refusal
from tests.support.servers import free_port

TOKEN = "canary-webhook-token-8c1f"
WEBHOOK = 1234567890123456789
_START_S = 15.0


@dataclass(frozen=True, kw_only=True)
class Fault:
    """How requests are answered instead: `times` of them (`None` = from now on).

    Attributes:
        status: this status, with Discord's body for it, or `body` where one is given.
        retry_after: for 429, seconds (as float in the body, rounded up in the header).
        headers: of the answer.
        hang: no answer until the server ends.
        drop: the connection is closed after the request was read.
        saved: the message is kept all the same (with `hang`, `drop` or a status): it was sent, and nobody was told.
    """

    status: int = 500
    retry_after: float | None = None
    body: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    hang: bool = False
    drop: bool = False
    saved: bool = False
    times: int | None = 1


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request as it came: `at` in monotonic seconds; `status` `None` = it got no answer."""

    at: float
    method: str
    path: str
    token: str
    query: dict[str, str]
    payload: dict[str, Any]
    files: dict[str, bytes]
    message: str | None
    headers: dict[str, str]
    status: int | None = None


@dataclass(kw_only=True)
class Message:
    """One message as it stands now; `history` are the payloads it was made of, the first one first."""

    id: str
    token: str
    at: float
    payload: dict[str, Any]
    attachments: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)

    @property
    def embed(self) -> dict[str, Any]:
        """Its first embed."""
        found: dict[str, Any] = self.payload["embeds"][0]
        return found

    @property
    def files(self) -> dict[str, bytes]:
        """Name → bytes of what is attached."""
        return dict(self.attachments.values())


class Chat:
    """The server. Lists may be read from any thread while it runs.

    Attributes:
        messages: those kept, oldest first.
        requests: all that came, oldest first, refused ones too.
        tokens: those it knows; others get 401 with code 50027.
        rate: (requests, seconds) for each webhook, told in headers and enforced; `None` = no limit and no headers.
    """

    def __init__(self, *, tokens: tuple[str, ...] = (TOKEN,), rate: tuple[int, float] | None = None) -> None:
        self.tokens, self.rate = set(tokens), rate
        self.port = free_port()
        self.messages: list[Message] = []
        self.requests: list[Request] = []
        self._faults: deque[Fault] = deque()
        self._ids = itertools.count(1100000000000000001)
        self._times: dict[str, deque[float]] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="chat-server", daemon=True)
        self._runner: web.AppRunner | None = None

    @property
    def api_url(self) -> str:
        """What stands for https://discord.com/api/v10."""
        return f"http://127.0.0.1:{self.port}/api/v10"

    def url(self, token: str = TOKEN, webhook: int = WEBHOOK) -> str:
        """A webhook's address as people copy it; the token is known from now on."""
        self.tokens.add(token)
        return f"http://127.0.0.1:{self.port}/api/webhooks/{webhook}/{token}"

    def script(self, *faults: Fault) -> None:
        """From now on answer so, one fault after the other; then as usual. None given: as usual at once."""
        self._faults = deque(faults)

    def down(self) -> None:
        """Close the port: connections are refused, open ones broken."""
        self._call(self._stop())

    def up(self) -> None:
        """Listen again on the same port, with all that was kept."""
        self._call(self._start())

    def __enter__(self) -> Self:
        self._thread.start()
        self.up()
        return self

    def __exit__(self, *exc: object) -> None:
        self.down()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_START_S)
        self._loop.close()

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(self, *exc: object) -> None:
        await asyncio.to_thread(self.__exit__)  # clients of the caller's loop may have to see their connections end

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(_START_S)

    async def _start(self) -> None:
        app = web.Application(client_max_size=30 << 20)
        for version in ("/api/v10", "/api"):
            app.router.add_post(version + "/webhooks/{webhook}/{token}", self._execute)
            app.router.add_patch(version + "/webhooks/{webhook}/{token}/messages/{message}", self._edit)
        self._runner = web.AppRunner(app, shutdown_timeout=0.05, handler_cancellation=True, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True).start()

    async def _stop(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _execute(self, request: web.Request) -> web.StreamResponse:
        return await self._answer(request, None)

    async def _edit(self, request: web.Request) -> web.StreamResponse:
        return await self._answer(request, request.match_info["message"])

    async def _answer(self, request: web.Request, message: str | None) -> web.StreamResponse:
        arrived = time.monotonic()
        token = request.match_info["token"]
        payload, files, malformed = await _read(request)
        fault = self._next_fault()
        if fault is not None and not fault.saved:
            status, answer = fault.status, None
        else:
            status, answer = malformed or self._keep(token, message, payload, files, arrived, request.query)
        silent = fault is not None and (fault.hang or fault.drop)
        if fault is not None:
            status = fault.status
        self.requests.append(
            Request(
                at=arrived, method=request.method, path=request.path, token=token, query=dict(request.query),
                payload=payload, files=files, message=message, headers=dict(request.headers),
                status=None if silent else status,
            )
        )  # fmt: skip
        if fault is not None:
            return await _fail(request, fault)
        headers = self._rate_headers(token)
        if status == 429 and answer is not None:
            headers["Retry-After"] = str(int(answer["retry_after"]) + 1)
        if answer is None:
            return web.Response(status=status, headers=headers)
        # Discord says application/json and nothing more; discord.py compares the whole header
        return web.Response(
            status=status, body=json.dumps(answer).encode(), headers={**headers, "Content-Type": "application/json"}
        )

    def _next_fault(self) -> Fault | None:
        if not self._faults:
            return None
        fault = self._faults[0]
        if fault.times is not None:
            self._faults.popleft()
            if fault.times > 1:
                self._faults.appendleft(Fault(**{**fault.__dict__, "times": fault.times - 1}))
        return fault

    def _keep(
        self, token: str, message: str | None, payload: dict[str, Any], files: dict[str, bytes], at: float, query: Any
    ) -> tuple[int, dict[str, Any] | None]:
        """Do as Discord does; status and body of the answer."""
        if token not in self.tokens:
            return 401, {"message": "Invalid Webhook Token", "code": 50027}
        wait_s = self._spend(token, at)
        if wait_s is not None:
            return 429, {"message": "You are being rate limited.", "retry_after": wait_s, "global": False}
        kept = next((one for one in self.messages if one.id == message and one.token == token), None)
        if message is not None and kept is None:
            return 404, {"message": "Unknown Message", "code": 10008}
        names = {name for name, _ in kept.attachments.values()} if kept else set()
        refused = refusal(payload, files, names, new=kept is None)
        loud = kept is not None or query.get("wait") in {"1", "true", "True"}
        if refused is not None:  # without wait, a message that is not saved returns no error
            return (400, refused) if loud else (204, None)
        if kept is None:
            kept = Message(id=str(next(self._ids)), token=token, at=at, payload={})
            self.messages.append(kept)
        self._apply(kept, payload, files)
        return (200, _document(kept)) if loud else (204, None)

    def _apply(self, kept: Message, payload: dict[str, Any], files: dict[str, bytes]) -> None:
        """What the payload does not mention stays; an attachment that is not listed goes, if any are listed."""
        kept.history.append(payload)
        kept.payload = {**kept.payload, **{name: value for name, value in payload.items() if name != "attachments"}}
        if "attachments" in payload:
            listed = {str(one["id"]) for one in payload["attachments"] or ()}
            kept.attachments = {key: value for key, value in kept.attachments.items() if key in listed}
            names = {str(one["id"]): one.get("filename") for one in payload["attachments"] or ()}
        else:
            names = {}
        for part, content in files.items():
            index = part.removeprefix("files[").removesuffix("]")
            kept.attachments[str(next(self._ids))] = (names.get(index) or part, content)

    def _spend(self, token: str, at: float) -> float | None:
        """`None` if one more request is within the rate, else seconds until one is."""
        if self.rate is None:
            return None
        times = self._times.setdefault(token, deque())
        while times and times[0] <= at - self.rate[1]:
            times.popleft()
        if len(times) >= self.rate[0]:
            return round(times[0] + self.rate[1] - at, 3)
        times.append(at)
        return None

    def _rate_headers(self, token: str) -> dict[str, str]:
        if self.rate is None:
            return {}
        times = self._times.get(token, deque())
        reset_s = max(0.0, times[0] + self.rate[1] - time.monotonic()) if times else 0.0
        return {
            "X-RateLimit-Limit": str(self.rate[0]),
            "X-RateLimit-Remaining": str(max(0, self.rate[0] - len(times))),
            "X-RateLimit-Reset-After": f"{reset_s:.3f}",
            "X-RateLimit-Bucket": "chat-server",
        }


def chat_server(*, tokens: tuple[str, ...] = (TOKEN,), rate: tuple[int, float] | None = None) -> Chat:
    """A server to be entered with `with` or `async with`; see `Chat`."""
    return Chat(tokens=tokens, rate=rate)


async def _read(request: web.Request) -> tuple[dict[str, Any], dict[str, bytes], tuple[int, dict[str, Any]] | None]:
    """The payload, the files, and the answer if it is no message at all."""
    files: dict[str, bytes] = {}
    text = b""
    if request.content_type == "multipart/form-data":
        async for part in await request.multipart():
            assert isinstance(part, BodyPartReader)
            content = bytes(await part.read())
            if part.name == "payload_json":
                text = content
            else:
                files[part.name or ""] = content
    else:
        text = await request.read()
    try:
        payload = json.loads(text)
        json.dumps(payload, ensure_ascii=False).encode()  # lone surrogates are no text
    except ValueError:
        return {}, files, (400, {"message": "The request body contains invalid JSON.", "code": 50109})
    return payload, files, None


async def _fail(request: web.Request, fault: Fault) -> web.StreamResponse:
    if fault.hang:
        await asyncio.Event().wait()
    if fault.drop:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()
    headers = {"Content-Type": "application/json", **fault.headers}
    codes = {401: 50027, 403: 50013, 404: 10015}
    words = {401: "Invalid Webhook Token", 404: "Unknown Webhook", 429: "You are being rate limited."}
    body: dict[str, Any] = {"message": words.get(fault.status, "scripted"), "code": codes.get(fault.status, 0)}
    if fault.retry_after is not None:
        body = {"message": words[429], "retry_after": fault.retry_after, "global": False}
        headers.setdefault("Retry-After", str(int(-(-fault.retry_after // 1))))
    text = json.dumps(body) if fault.body is None else fault.body
    return web.Response(status=fault.status, body=text.encode(), headers=headers)


def _document(kept: Message) -> dict[str, Any]:
    """The message as Discord gives it back."""
    return {
        "id": kept.id, "type": 0, "channel_id": "1000000000000000001", "webhook_id": str(WEBHOOK),
        "content": kept.payload.get("content") or "", "embeds": kept.payload.get("embeds") or [],
        "attachments": [
            {"id": key, "filename": name, "size": len(content), "url": f"https://cdn.invalid/{key}/{name}",
             "proxy_url": f"https://media.invalid/{key}/{name}"}
            for key, (name, content) in kept.attachments.items()
        ],
        "author": {"id": str(WEBHOOK), "username": "virtuoso", "avatar": None, "discriminator": "0000", "bot": True},
        "mentions": [], "mention_roles": [], "mention_everyone": False, "pinned": False, "tts": False,
        "timestamp": "2026-01-01T00:00:00.000000+00:00", "edited_timestamp": None, "flags": 0, "components": [],
    }  # fmt: skip
