"""Repeats a call to the database until it succeeds."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from virtuoso.model.errors import StoreUnavailable

log = structlog.get_logger(__name__)

T = TypeVar("T")
_FIRST_S, _CAP_S = 0.1, 2.0


async def retry(call: Callable[[], Awaitable[T]]) -> T:
    """Its answer, however long that takes. Waits 0.1 s to 2 s between attempts; cancel it to give up."""
    wait_s = _FIRST_S
    while True:
        try:
            return await call()
        except StoreUnavailable as error:
            log.debug("the outbox waits for the database", error=str(error))
        await asyncio.sleep(wait_s)
        wait_s = min(_CAP_S, wait_s * 2)
