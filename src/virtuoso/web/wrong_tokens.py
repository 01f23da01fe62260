"""Tells the monitor, by the database, of wrong tokens that this process was given; and the log, now and then."""

import asyncio
import os
import socket

import structlog

from virtuoso.model.clock import Clock
from virtuoso.model.errors import StoreUnavailable
from virtuoso.storage.database.records import WrongTokens
from virtuoso.storage.database.store import Database
from virtuoso.web.access import Wrong

log = structlog.get_logger(__name__)

_LOOK_S = 2.0
_QUIET_MS = 600_000
"""Wrong tokens so long after the last one are counted anew."""


async def tell_wrong_tokens(wrong: Wrong, database: Database, identity: str, clock: Clock) -> None:
    """Look every two seconds whether there are new ones, for ever: so a flood of them costs one row."""
    process = f"{socket.gethostname()}:{os.getpid()}"
    told, from_count, last_ms = wrong.count, wrong.count, 0
    while True:
        await asyncio.sleep(_LOOK_S)
        count = wrong.count
        if count == told:
            continue
        now_ms = clock.now_ns() // 1_000_000
        if now_ms - last_ms > _QUIET_MS:
            from_count = told
        log.warning("wrong tokens were given", new=count - told, so_far=count, last_client=wrong.client)
        told, last_ms = count, now_ms
        try:
            await database.note_wrong_tokens(identity, process, WrongTokens(count - from_count, wrong.client, now_ms))
        except StoreUnavailable as error:
            log.warning("wrong tokens could not be reported to the monitor", error=str(error))
