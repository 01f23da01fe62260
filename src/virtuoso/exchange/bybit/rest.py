"""The asked half's transport: GET an endpoint within the budget, judge the answer, decode its result."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import TypeVar

import aiohttp
import msgspec
import numpy as np

from virtuoso.exchange.bybit.answers import Envelope
from virtuoso.exchange.bybit.wire import decode_empty
from virtuoso.exchange.limits import RateBudget
from virtuoso.exchange.protocol import Tap
from virtuoso.exchange.supervise import Backoff
from virtuoso.model.clock import Clock
from virtuoso.model.errors import ExchangeRejected, ExchangeUnavailable, RateLimited

_T = TypeVar("_T")

SOURCE_HEADER = "X-Virtuoso-Source"
_TIMEOUT = aiohttp.ClientTimeout(total=10, connect=5)
_TRIES = 3
_BAN_S = 600.0
"""Bybit lifts an IP's ban after ten minutes without a request."""
_MAX_RETRY_AFTER_S = 60.0
_AT_ONCE = 64
_BUSY = frozenset({10006, 10429})
_TROUBLE = frozenset({10000, 10016})


class Rest:
    """Sends requests; waiting and retries are bounded, and after a 403 nothing goes out for ten minutes."""

    def __init__(
        self,
        *,
        url: str,
        budget: RateBudget,
        clock: Clock,
        rng: np.random.Generator,
        on_origin: Callable[[str | None], None],
        tap: Tap | None = None,
    ) -> None:
        self._url = url.rstrip("/")
        self._budget = budget
        self._clock = clock
        self._rng = rng
        self._on_origin = on_origin
        self._tap = tap
        self.missing: Counter[str] = Counter()
        self.maintenance: str | None = None
        """What the exchange said when it last served no API; `None` once it answers again."""
        self._session: aiohttp.ClientSession | None = None
        self._at_once = asyncio.Semaphore(_AT_ONCE)
        self._decode = msgspec.json.Decoder(Envelope, strict=False).decode

    async def get(self, path: str, result: type[_T], **parameters: str | int | None) -> tuple[_T, int]:
        """GET `path`; returns the decoded result and the exchange time of the answer (epoch ms).

        Raises:
            ExchangeUnavailable: refused, timed out, 5xx or not JSON, after three tries.
            ExchangeRejected: a retCode that says the request is wrong.
            RateLimited: the exchange or the budget says wait.
            MalformedMessage: the result is not what the wire rules promise.
        """
        query = {key: str(value) for key, value in parameters.items() if value is not None}
        backoff = Backoff(self._rng)
        for last_try in (False,) * (_TRIES - 1) + (True,):
            await self._budget.acquire(path)
            try:
                async with self._at_once:
                    self._budget.heed()
                    body, reset_at = await self._send(path, query)
                return self._judge(path, body, reset_at, result)
            except ExchangeUnavailable:
                if last_try:
                    raise
            await asyncio.sleep(backoff.next_s())
        raise AssertionError("unreachable: the last try returns or raises")

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _send(self, path: str, query: dict[str, str]) -> tuple[bytes, str | None]:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=_TIMEOUT)
        sent_ns = self._clock.now_ns()
        try:
            async with self._session.get(self._url + path, params=query, allow_redirects=False) as answer:
                body = await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ExchangeUnavailable(f"GET {path}: {str(error) or type(error).__name__}") from error
        if self._tap is not None:
            self._tap.answer(path, query, answer.status, body, sent_ns, self._clock.now_ns())
        reset_at = answer.headers.get("X-Bapi-Limit-Reset-Timestamp")
        if answer.status == 403:
            self._budget.silence(_BAN_S, banned=True)
            raise RateLimited(f"GET {path}: HTTP 403, access too frequent or blocked; silent for 10 min", _BAN_S)
        if answer.status == 429:
            raise self._limited(path, reset_at)
        if answer.status == 503:
            self.maintenance = f"HTTP 503 on {path}"
        if answer.status != 200:
            raise ExchangeUnavailable(f"GET {path}: HTTP {answer.status}")
        self._on_origin(answer.headers.get(SOURCE_HEADER))
        return body, reset_at

    def _judge(self, path: str, body: bytes, reset_at: str | None, result: type[_T]) -> tuple[_T, int]:
        try:
            envelope = self._decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            if body.lstrip()[:1] == b"<":
                self.maintenance = f"a web page in place of {path}"
            raise ExchangeUnavailable(f"GET {path}: not an API answer: {body[:60]!r}") from error
        self.maintenance = None
        if envelope.retCode in _BUSY:
            raise self._limited(path, reset_at)
        if envelope.retCode in _TROUBLE:
            raise ExchangeUnavailable(f"GET {path}: {envelope.retCode} {envelope.retMsg}")
        if envelope.retCode != 0:
            raise ExchangeRejected(f"GET {path}: {envelope.retCode} {envelope.retMsg}", envelope.retCode)
        raw = bytes(envelope.result)
        try:
            return msgspec.json.decode(raw, type=result, strict=False), envelope.time
        except msgspec.ValidationError:
            return decode_empty(raw, result, self.missing), envelope.time

    def _limited(self, path: str, reset_at: str | None) -> RateLimited:
        """Too many visits: be silent until the moment the headers name (at least a second, at most a minute)."""
        now_ms = self._clock.now_ns() / 1e6
        named_s = (float(reset_at) - now_ms) / 1000 if reset_at and reset_at.isdigit() else 1.0
        wait_s = min(_MAX_RETRY_AFTER_S, max(1.0, named_s))
        self._budget.silence(wait_s)
        return RateLimited(f"GET {path}: too many visits; silent for {wait_s:.1f} s", wait_s)
