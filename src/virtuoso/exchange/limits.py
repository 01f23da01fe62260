"""One REST budget for everything that leaves this IP."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import structlog

from virtuoso.exchange.ledger import Ledger
from virtuoso.exchange.protocol import BudgetStatus
from virtuoso.model.clock import Clock
from virtuoso.model.errors import RateLimited

log = structlog.get_logger(__name__)

_MAX_WAIT_S = 10.0
_SAY_FROM_S, _SAY_EVERY_S = 0.25, 10.0
_DIGITS = re.compile(r"[0-9]{1,18}(\.[0-9]{1,9})?")


def header_number(value: str | None) -> float | None:
    """The number ≥ 0 that a header holds; `None` where there is none, or what stands there is none of use."""
    return float(value) if value is not None and _DIGITS.fullmatch(value.strip()) else None


class RateBudget:
    """A token bucket: `capacity` requests per `window_s`, refilled evenly, at most `burst` at once.

    Over any window no more than `burst + capacity` go out: that sum must stay below what the exchange allows.
    Waiting happens outside any lock.

    Each caller reserves its token at once, going into debt if there is none, and then waits out the debt: so
    callers queue in order, no one holds anything while asleep, and the wait is known beforehand.
    """

    def __init__(
        self,
        clock: Clock,
        capacity: int,
        window_s: float,
        burst: int,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        ledger: Ledger | None = None,
    ) -> None:
        self._clock = clock
        self._capacity = capacity
        self._window_s = window_s
        self._sleep = sleep
        self._ledger = ledger
        self._burst = burst
        self._tokens = float(burst)
        self._filled_s = clock.monotonic_ns() / 1e9
        self._silent_until_s = 0.0
        self._said_s = -_SAY_EVERY_S
        self._banned_until_ms: int | None = None
        self._requests = 0
        self._waits = 0

    async def acquire(self, endpoint: str) -> None:
        """Take one request out of the budget, waiting for it if need be.

        Raises:
            RateLimited: requests are silenced, or the wait would be longer than 10 s. Nothing was taken.
        """
        with self._account() as now_s:
            self._refuse_if_silent(now_s)
            wait_s = max(0.0, (1 - self._tokens) * self._window_s / self._capacity)
            if wait_s > _MAX_WAIT_S:
                raise RateLimited(f"the REST budget is spent: {endpoint} would wait {wait_s:.1f} s", wait_s)
            self._tokens -= 1
        self._requests += 1
        if wait_s > 0:
            self._waits += 1
            if wait_s >= _SAY_FROM_S and now_s - self._said_s >= _SAY_EVERY_S:
                self._said_s = now_s
                log.warning("approaching rate limit, waiting", endpoint=endpoint, wait_s=round(wait_s, 2))
            await self._sleep(wait_s)

    def heed(self) -> None:
        """Ask once more just before sending: what waited its turn may have been overtaken by a ban.

        Raises:
            RateLimited: requests are silenced.
        """
        with self._account() as now_s:
            self._refuse_if_silent(now_s)

    def silence(self, seconds: float, *, banned: bool = False) -> None:
        """Let nothing out for a while: the exchange said no, or even banned this address."""
        with self._account() as now_s:
            self._silent_until_s = max(self._silent_until_s, now_s + seconds)
            if banned:
                self._banned_until_ms = self._clock.now_ns() // 1_000_000 + int(seconds * 1000)

    @property
    def status(self) -> BudgetStatus:
        """The state of the budget now: tokens left, requests, waits, and until when the exchange bans us."""
        with self._account() as now_s:
            pass
        return BudgetStatus(
            capacity=self._capacity,
            burst=self._burst,
            available=max(0.0, self._tokens),
            window_s=self._window_s,
            requests=self._requests,
            waits=self._waits,
            banned_until_ms=self._banned_until_ms if now_s < self._silent_until_s else None,
        )

    def _refuse_if_silent(self, now_s: float) -> None:
        left_s = self._silent_until_s - now_s
        if left_s > 0:
            raise RateLimited(f"REST is silenced for another {left_s:.0f} s after a rate-limit answer", left_s)

    @contextmanager
    def _account(self) -> Iterator[float]:
        """The account as of now (monotonic s), shared with other processes if there is a ledger."""
        now_s = self._clock.monotonic_ns() / 1e9
        if self._ledger is None:
            self._refill(now_s)
            yield now_s
            return
        with self._ledger as ledger:
            row = ledger.read()
            if row is not None and row[1] <= now_s:  # else the machine was started anew, and with it the clock
                self._tokens, self._filled_s, self._silent_until_s, banned_ms = row
                self._banned_until_ms = int(banned_ms) or None
            self._refill(now_s)
            try:
                yield now_s
            finally:
                ledger.write(self._tokens, self._filled_s, self._silent_until_s, self._banned_until_ms or 0)

    def _refill(self, now_s: float) -> None:
        gained = (now_s - self._filled_s) * self._capacity / self._window_s
        self._tokens = min(float(self._burst), self._tokens + gained)
        self._filled_s = now_s
