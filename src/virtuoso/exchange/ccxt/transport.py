"""ccxt's client, watched: constructed, asked, counted, kept silent when told to, its failures put into our words."""

import importlib
import math
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from difflib import get_close_matches
from functools import partial
from typing import Any

import aiohttp
import msgspec
import numpy as np

from virtuoso.exchange.bodies import bounded_response, not_an_answer
from virtuoso.exchange.ccxt.conversion import UNPARSABLE, column
from virtuoso.exchange.limits import header_number
from virtuoso.exchange.origin import Origin
from virtuoso.exchange.protocol import BudgetStatus
from virtuoso.exchange.reach import Reach
from virtuoso.model.clock import Clock
from virtuoso.model.errors import (
    ConfigError,
    ExchangeError,
    ExchangeRejected,
    ExchangeUnavailable,
    MalformedMessage,
    NotOffered,
    RateLimited,
)
from virtuoso.model.installed.extras import need
from virtuoso.model.instrument import Kind
from virtuoso.model.text.failures import why_unreached

SOURCE_HEADER = "x-virtuoso-source"
_TRIES = 3
_RETRY_MS = 500
_BAN_S = 600.0
"""What follows a 403 or 418 that names no time: as on Bybit, which lifts a ban after ten minutes without a request."""
_LIMITED_S = 10.0
_MOST_SILENT_S = 3600.0
_MOST_QUEUED_S = 60.0
_BANNED, _BUSY, _SERVES_NOTHING, _GOOD = frozenset({403, 418}), 429, 503, 200
MOST_BYTES = 32 << 20
"""The largest answer that is taken: some exchanges list all their markets in one of more than 10 MB."""


class Trip(msgspec.Struct):
    """When a request left (wall clock, ns) and how long it took (ns); waiting for ccxt's throttle is not part of it."""

    sent_ns: int = 0
    took_ns: int = 0


_trip: ContextVar[Trip | None] = ContextVar("trip", default=None)
_announced: ContextVar[list[str | None] | None] = ContextVar("announced", default=None)
"""What the answers to the call under way announce the exchange as."""


class Transport:
    """Constructs ccxt's `name` and asks it; `turnover` names where its raw bars carry their quote volume.

    `urls` puts other addresses in place of `urls["api"]`, by ccxt's group (`public`, `fapiPublic`, …) or `*` for all.

    Raises:
        UsageError: ccxt is not installed.
        ConfigError: ccxt has no such exchange, or the exchange no such group of addresses.
    """

    def __init__(
        self,
        name: str,
        kind: Kind,
        clock: Clock,
        urls: Mapping[str, str],
        turnover: Sequence[int | str],
        rng: np.random.Generator,
    ) -> None:
        self.name = name
        self.origin = Origin(clock)
        self.reach = Reach(clock, rng)
        self.maintenance: str | None = None
        self.missing: Counter[str] = Counter()
        self._clock = clock
        self._closed = False
        self._ccxt = _ccxt(name)
        self.client = _client(self._ccxt, name, kind)
        _redirect(self.client, urls)
        self.budget = CcxtBudget(clock, self.client)
        self._hook(turnover)

    async def ask(self, method: str, *arguments: Any) -> Any:
        """Call ccxt's `method`, again if the exchange is unavailable, three times in all.

        Raises:
            ExchangeUnavailable: not reached, not serving, or not JSON.
            ExchangeRejected: the request is wrong, to ccxt or to the exchange; `code` is always −1.
            RateLimited: the exchange or the budget says wait.
            NotOffered: ccxt says that it does not support this.
            MalformedMessage: ccxt cannot make sense of the answer.
        """
        for left in reversed(range(_TRIES)):
            self.reach.admit(f"{self.name} {method}")
            try:
                return await self._call(method, *arguments)
            except ExchangeUnavailable as error:
                self.reach.failed(error)
                if not left or self.reach.failing:
                    raise
            except (ExchangeRejected, NotOffered, RateLimited):
                self.reach.answered()
                raise
            await self.client.sleep(_RETRY_MS * (_TRIES - left))
        raise AssertionError("unreachable: the last try returns or raises")

    async def _call(self, method: str, *arguments: Any) -> Any:
        """Once. Only an answer with something in it tells what the exchange is."""
        heard: list[str | None] = []
        token = _announced.set(heard)
        try:
            answer = await getattr(self.client, method)(*arguments)
        except self._ccxt.BaseError as error:
            raise self._translated(method, error) from error
        except (aiohttp.ClientError, OSError) as error:
            raise ExchangeUnavailable(f"{self.name} {method}: {why_unreached(error)}") from error
        except UNPARSABLE as error:
            raise MalformedMessage(f"{self.name} {method}: {type(error).__name__} {error}") from error
        finally:
            _announced.reset(token)
        if answer:
            self.reach.answered()
            for source in heard:
                self.origin.announced("REST", source)
        return answer

    async def ask_timed(self, method: str) -> tuple[Any, Trip]:
        """The same for a method of one request: its answer, and its trip."""
        trip = Trip()
        token = _trip.set(trip)
        try:
            return await self.ask(method), trip
        finally:
            _trip.reset(token)

    async def close(self) -> None:
        """Close the connections for good: no request is made any more."""
        self._closed = True
        await self.client.close()

    def _translated(self, method: str, error: Exception) -> ExchangeError:
        ccxt = self._ccxt
        cause = error.__cause__
        unreached = isinstance(cause, aiohttp.ClientError | TimeoutError)
        text = why_unreached(cause) if cause and unreached else str(error).removeprefix(f"{self.name} ")[:300]
        said = f"{self.name} {method}: {text or type(error).__name__}"
        if isinstance(error, ccxt.NotSupported):
            return NotOffered(said)
        if isinstance(error, ccxt.RateLimitExceeded | ccxt.DDoSProtection):
            return self.budget.limited(said, _LIMITED_S)
        if isinstance(error, ccxt.OnMaintenance):
            self.maintenance = said
        if isinstance(error, ccxt.BadResponse):
            return MalformedMessage(said)
        if isinstance(error, ccxt.OperationFailed) or unreached:
            return ExchangeUnavailable(said)
        return ExchangeRejected(said, -1)

    def _hook(self, turnover: Sequence[int | str]) -> None:
        """Stand between ccxt and the wire: count and time requests, judge answers, keep a bar's turnover."""
        client, budget = self.client, self.budget
        fetch, judge, parse = client.fetch, client.handle_errors, client.parse_ohlcv

        async def sent(*arguments: Any) -> Any:
            if self._closed:  # what ccxt still had in flight would open its connections anew
                raise ExchangeUnavailable(f"{self.name}: the adapter is closed")
            budget.requests += 1
            trip = _trip.get()
            sent_ns, began_ns = self._clock.now_ns(), self._clock.monotonic_ns()
            answer = await fetch(*arguments)
            if trip is not None:
                trip.sent_ns, trip.took_ns = sent_ns, self._clock.monotonic_ns() - began_ns
            return answer

        def judged(code: int, reason: str, url: str, method: str, headers: Any, body: str, *more: Any) -> Any:
            lower = {name.lower(): value for name, value in headers.items()}
            self._judge(code, f"{self.name} {method} {url}", lower, body, more[0])
            found = judge(code, reason, url, method, headers, body, *more)
            if code == _GOOD and (heard := _announced.get()) is not None:
                heard.append(lower.get(SOURCE_HEADER))
            return found

        client.fetch, client.handle_errors = sent, judged
        client.parse_ohlcv = lambda item, market=None: [*parse(item, market), column(item, turnover)]
        client.throttle = budget.throttled(client.throttle)
        client.open = partial(_open, client, client.open)

    def _judge(self, code: int, asked: str, headers: Mapping[str, str], body: str, answer: Any) -> None:
        """What ccxt does not: limits by status whatever the body says, pages in place of answers, the origin."""
        if code in _BANNED or code == _BUSY:
            wait_s = _retry_after_s(headers.get("retry-after"), _BAN_S if code in _BANNED else _LIMITED_S)
            raise self.budget.limited(f"{asked}: HTTP {code}", wait_s)
        if code == _SERVES_NOTHING:
            self.maintenance = f"HTTP {code} on {asked}"
        if code != _GOOD:
            return
        self.maintenance = None  # also where a captive portal answers: that is not the exchange
        if answer is None:
            raise ExchangeUnavailable(f"{asked}: {not_an_answer(body)}")


class CcxtBudget:
    """ccxt's throttle, watched: `rateLimit` ms a request of cost 1; what requests cost is known once some were sent."""

    def __init__(self, clock: Clock, client: Any) -> None:
        self._clock = clock
        self._client = client
        self._spent: deque[tuple[float, float]] = deque(maxlen=4096)
        self._silent_until_s = 0.0
        self._queued = 0.0
        self._cost, self._throttled, self._waits = 0.0, 0, 0
        self.requests = 0

    def throttled(self, throttle: Callable[[float | None], Any]) -> Callable[..., Any]:
        """`throttle`, in which a request waits its turn, with a bound on the wait and with silence."""

        async def waited(cost: float | None = None) -> None:
            left_s = self._silent_until_s - self._now_s()
            if left_s > 0:
                raise RateLimited(f"{self._client.id} is silenced for another {left_s:.0f} s", left_s)
            cost = 1.0 if cost is None else float(cost)
            wait_s = self._queued * self._client.rateLimit / 1000
            if wait_s > _MOST_QUEUED_S:
                raise RateLimited(f"the budget of {self._client.id} is spent: {wait_s:.0f} s are queued", wait_s)
            self._waits += self._queued > 0
            self._queued += cost
            try:
                await throttle(cost)
            finally:
                self._queued -= cost
            left_s = self._silent_until_s - self._now_s()
            if left_s > 0:  # it was silenced while this one waited
                raise RateLimited(f"{self._client.id} is silenced for another {left_s:.0f} s", left_s)
            self._spent.append((self._now_s(), cost))
            self._cost, self._throttled = self._cost + cost, self._throttled + 1

        return waited

    def limited(self, said: str, wait_s: float) -> RateLimited:
        """Be silent for `wait_s`; returns the error that says so."""
        self._silent_until_s = max(self._silent_until_s, self._now_s() + wait_s)
        return RateLimited(f"{said}; silent for {wait_s:.0f} s", wait_s)

    @property
    def status(self) -> BudgetStatus:
        """What is left, in requests of the mean cost so far (1 before the first)."""
        now_s = self._now_s()
        cost = self._cost / self._throttled if self._cost else 1.0
        each_s = max(cost * self._client.rateLimit / 1000, 1e-6)
        window_s = max(1.0, each_s)
        spent = math.fsum(cost for at_s, cost in self._spent if at_s > now_s - window_s) + self._queued
        left_s = self._silent_until_s - now_s
        capacity = max(1, int(window_s / each_s + 1e-9))
        return BudgetStatus(
            capacity=capacity,
            burst=capacity,
            available=min(float(capacity), max(0.0, capacity - spent / cost)),
            window_s=window_s,
            requests=self.requests,
            waits=self._waits,
            banned_until_ms=int(self._clock.now_ns() / 1e6 + 1000 * left_s) if left_s > 0 else None,
        )

    def _now_s(self) -> float:
        return self._clock.monotonic_ns() / 1e9


def _ccxt(name: str) -> Any:
    need("ccxt", f"exchange.name = {name}")
    return importlib.import_module("ccxt.async_support")


def _client(ccxt: Any, name: str, kind: Kind) -> Any:
    if name not in ccxt.exchanges:
        near = get_close_matches(name, ccxt.exchanges, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ConfigError(f"exchange.name = {name}: ccxt knows no exchange of this name{hint}")
    spot = kind is Kind.SPOT
    options = {"defaultType": "spot"} if spot else {"defaultType": "swap", "defaultSubType": "linear"}
    client = getattr(ccxt, name)({"enableRateLimit": True, "options": options})
    markets = client.options.get("fetchMarkets")
    if isinstance(markets, dict) and isinstance(markets.get("types"), list):  # ask for no market that is not wanted
        wanted = {"spot"} if spot else {"linear", "swap", "future", "contract"}
        markets["types"] = [of for of in markets["types"] if of in wanted] or markets["types"]
    return client


def _open(client: Any, opened: Callable[[], None]) -> None:
    """What ccxt's own `open` does, with bounds on what an answer may hold."""
    client.own_session = False
    opened()
    client.own_session = True
    if client.session is None:
        client.tcp_connector = aiohttp.TCPConnector(ssl=client.ssl_context, enable_cleanup_closed=True)
        client.session = aiohttp.ClientSession(
            connector=client.tcp_connector, trust_env=client.aiohttp_trust_env, auto_decompress=False,
            response_class=bounded_response(MOST_BYTES),
        )  # fmt: skip


def _redirect(client: Any, urls: Mapping[str, str]) -> None:
    if not urls:
        return
    known = client.urls["api"] if isinstance(client.urls["api"], dict) else {}
    unknown = urls.keys() - known.keys() - {"*"}
    if unknown:
        raise ConfigError(f"{client.id} has no addresses {sorted(unknown)}; right would be * or {sorted(known)}")
    everywhere = dict.fromkeys(known, urls["*"]) if "*" in urls else known
    client.urls["api"] = {**everywhere, **{group: url for group, url in urls.items() if group != "*"}}


def _retry_after_s(header: str | None, otherwise_s: float) -> float:
    named_s = header_number(header)
    return otherwise_s if named_s is None else min(_MOST_SILENT_S, max(1.0, named_s))
