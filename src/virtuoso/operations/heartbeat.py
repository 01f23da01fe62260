"""A dead man's switch: an address that is asked while cycles succeed, and raises the alarm elsewhere when it is not."""

import asyncio
import os
from collections.abc import Callable
from typing import Final

import aiohttp
import structlog

log = structlog.get_logger(__name__)

_ANSWER_S: Final = 10.0


class Heartbeat:
    """Asks `url` every `interval_s` seconds while `healthy()` is true. The address is a secret: it is never told.

    Attributes:
        counts: requests `sent` (accepted) and `failed`, and times `withheld` because cycles do not succeed.
    """

    def __init__(self, url: str, interval_s: float, healthy: Callable[[], bool]) -> None:
        self._url = url
        self._interval_s = interval_s
        self._healthy = healthy
        self._failing: str | None = None
        self.counts = {"sent": 0, "failed": 0, "withheld": 0}

    async def run(self) -> None:
        """Call the address until cancelled; a failure is told once, and so is its end."""
        while True:
            await self.beat()
            await asyncio.sleep(self._interval_s)

    async def beat(self) -> None:
        """Ask once, if all is well; at most 10 s."""
        if not self._healthy():
            self.counts["withheld"] += 1
            return
        reason = await self._asked()
        self.counts["sent" if reason is None else "failed"] += 1
        if reason is not None and self._failing is None:
            log.warning("the heartbeat (alerts.heartbeat.url) is not accepted", reason=reason)
        elif reason is None and self._failing is not None:
            log.info("the heartbeat is accepted again")
        self._failing = reason

    async def _asked(self) -> str | None:
        """Why it was not accepted, without the words of the client, which may hold the address."""
        timeout = aiohttp.ClientTimeout(total=_ANSWER_S)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(self._url, allow_redirects=False) as answer,
            ):
                return None if 200 <= answer.status < 300 else f"status {answer.status}"
        except TimeoutError:
            return f"no answer within {_ANSWER_S:g} s"
        except aiohttp.ClientOSError as error:
            number = error.errno or 0  # negative: of the name service
            return os.strerror(number).lower() if number > 0 else type(error).__name__
        except (aiohttp.ClientError, ValueError) as error:
            return type(error).__name__
