"""The asked half's transport: GET an endpoint within the budget, judge the answer, decode its result."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TypeVar

import aiohttp
import msgspec
import numpy as np

from virtuoso.exchange.bodies import ENCODINGS, not_an_answer, read_bounded
from virtuoso.exchange.bybit.answers import Envelope
from virtuoso.exchange.bybit.wire import decode_empty
from virtuoso.exchange.limits import RateBudget, header_number
from virtuoso.exchange.protocol import Tap
from virtuoso.exchange.reach import Reach
from virtuoso.exchange.supervise import Backoff
from virtuoso.model.clock import Clock
from virtuoso.model.errors import ExchangeRejected, ExchangeUnavailable, MalformedMessage, RateLimited
from virtuoso.model.text.failures import why_unreached

_T = TypeVar("_T")

SOURCE_HEADER = "X-Virtuoso-Source"
_TOTAL_S, _CONNECT_S = 10.0, 5.0
_TRIES = 3
MOST_BYTES, MOST_LIST_BYTES = 2 << 20, 8 << 20
"""The largest answer that is taken, and the largest list of a whole category: 1,000 bars have .1 MB, the lists 1 MB."""
_BAN_S = 600.0
"""Bybit lifts an IP's ban after ten minutes without a request."""
_MAX_RETRY_AFTER_S = 60.0
_AT_ONCE = 64
_SAID_CHARS = 200
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
        timeout_s: float = _TOTAL_S,
        reach: Reach | None = None,
    ) -> None:
        self._url = url.rstrip("/")
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, connect=min(timeout_s, _CONNECT_S))
        self.reach = reach or Reach(clock, rng)
        self._budget = budget
        self._clock = clock
        self._rng = rng
        self._on_origin = on_origin
        self._tap = tap
        self.missing: Counter[str] = Counter()
        self.maintenance: str | None = None
        """What the exchange said when it last served no API; `None` once it, or something else, answers again."""
        self._session: aiohttp.ClientSession | None = None
        self._at_once = asyncio.Semaphore(_AT_ONCE)
        self._decode = msgspec.json.Decoder(Envelope, strict=False).decode

    async def get(
        self, path: str, result: type[_T], *, most_bytes: int = MOST_BYTES, **parameters: str | int | None
    ) -> tuple[_T, int]:
        """GET `path`; returns the decoded result and the exchange time of the answer (epoch ms).

        Raises:
            ExchangeUnavailable: refused, timed out, 5xx, not JSON or too large, after three tries; or not asked at
                all, because nothing is answered at present.
            ExchangeRejected: a retCode that says the request is wrong.
            RateLimited: the exchange or the budget says wait.
            MalformedMessage: the result is not what the wire rules promise.
        """
        query = {key: str(value) for key, value in parameters.items() if value is not None}
        backoff = Backoff(self._rng)
        for last_try in (False,) * (_TRIES - 1) + (True,):
            self.reach.admit(f"GET {path}")
            await self._budget.acquire(path)
            try:
                async with self._at_once:
                    self._budget.heed()
                    body, headers = await self._send(path, query, most_bytes)
                return self._judge(path, body, headers, result)
            except ExchangeUnavailable as error:
                self.reach.failed(error)
                if last_try or self.reach.failing:
                    raise
            except MalformedMessage as error:  # asked again it would be the same, but it is no good answer either
                self.reach.failed(error)
                raise
            await asyncio.sleep(backoff.next_s())
        raise AssertionError("unreachable: the last try returns or raises")

    async def close(self) -> None:
        """Close the HTTP session; a later request opens another."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _send(self, path: str, query: dict[str, str], most_bytes: int) -> tuple[bytes, Mapping[str, str]]:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=self._timeout, auto_decompress=False, headers={"Accept-Encoding": ENCODINGS}
            )
        sent_ns = self._clock.now_ns()
        try:
            async with self._session.get(self._url + path, params=query, allow_redirects=False) as answer:
                body = await read_bounded(answer, most_bytes)
        except ExchangeUnavailable as error:
            raise ExchangeUnavailable(f"GET {path}: {error}") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ExchangeUnavailable(f"GET {path}: {why_unreached(error)}") from error
        if self._tap is not None:
            self._tap.answer(path, query, answer.status, body, sent_ns, self._clock.now_ns())
        if answer.status == 403:
            self._budget.silence(_BAN_S, banned=True)
            self.reach.answered()
            raise RateLimited(f"GET {path}: HTTP 403, {_why_forbidden(body)}; silent for 10 min", _BAN_S)
        if answer.status == 429:
            raise self._limited(path, answer.headers)
        if answer.status == 503:
            self.maintenance = f"HTTP 503 on {path}"
        if answer.status != 200:
            raise ExchangeUnavailable(f"GET {path}: HTTP {answer.status}")
        return body, answer.headers

    def _judge(self, path: str, body: bytes, headers: Mapping[str, str], result: type[_T]) -> tuple[_T, int]:
        """The result of an answer that is the exchange's; only such a one tells what the exchange is."""
        try:
            envelope = self._decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            self.maintenance = None  # who answers 200 and no API is not the exchange: a captive portal, a proxy
            raise ExchangeUnavailable(f"GET {path}: {not_an_answer(body)}") from error
        self.maintenance = None
        if envelope.retCode in _BUSY:
            raise self._limited(path, headers)
        if envelope.retCode in _TROUBLE:
            raise ExchangeUnavailable(f"GET {path}: {envelope.retCode} {envelope.retMsg[:_SAID_CHARS]}")
        if envelope.retCode != 0:
            self.reach.answered()
            said = f"GET {path}: {envelope.retCode} {envelope.retMsg[:_SAID_CHARS]}"
            raise ExchangeRejected(said, envelope.retCode)
        raw = bytes(envelope.result)
        try:
            found = msgspec.json.decode(raw, type=result, strict=False)
        except msgspec.ValidationError:
            found = decode_empty(raw, result, self.missing)
        self.reach.answered()
        self._on_origin(headers.get(SOURCE_HEADER))
        return found, envelope.time

    def _limited(self, path: str, headers: Mapping[str, str]) -> RateLimited:
        """Too many visits: be silent until the moment the headers name (at least a second, at most a minute)."""
        reset_ms = header_number(headers.get("X-Bapi-Limit-Reset-Timestamp"))
        named_s = 1.0 if reset_ms is None else (reset_ms - self._clock.now_ns() / 1e6) / 1000
        wait_s = min(_MAX_RETRY_AFTER_S, max(1.0, named_s))
        self._budget.silence(wait_s)
        self.reach.answered()
        return RateLimited(f"GET {path}: too many visits; silent for {wait_s:.1f} s", wait_s)


def _why_forbidden(body: bytes) -> str:
    """What a 403 means, as far as its text tells: the one in front names the country, the exchange the frequency."""
    said = body[:4_096].lower()
    if b"country" in said or b"region" in said:
        return "the exchange does not serve the region that this comes from"
    if b"too frequent" in said:
        return "access too frequent"
    return "access too frequent, or from a region that the exchange does not serve"
