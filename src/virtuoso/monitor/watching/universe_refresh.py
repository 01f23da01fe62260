"""Looks at the exchange's lists again and again, and watches what they now say is to be watched."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress

import structlog

from virtuoso.model.errors import ExchangeError
from virtuoso.monitor.watching.watch import Watch

log = structlog.get_logger(__name__)

_CALM_S = 5.0
_MISSING_S = 20.0


class UniverseRefresh:
    """Looks every `interval_s` seconds, and soon after something was seen that the lists must explain."""

    def __init__(self, watch: Watch, adopted: Callable[[], Awaitable[None]], interval_s: float) -> None:
        self._watch = watch
        self._adopted = adopted
        self._interval_s = interval_s
        self._refused: set[str] = set()
        self._wanted = asyncio.Event()

    def poll_soon(self, refused: Collection[str] = ()) -> None:
        """Look within seconds: topics of the symbols `refused` were refused, or an instrument may have changed."""
        self._refused.update(refused)
        self._wanted.set()

    def every(self, interval_s: float) -> None:
        """Look every so many seconds, and once soon."""
        self._interval_s = interval_s
        self.poll_soon()

    async def run(self) -> None:
        """Run until cancelled: ask for the lists every `interval_s` seconds, or sooner on demand, and adopt them."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._due_s()):
                    await self._wanted.wait()
                await asyncio.sleep(_CALM_S)  # a delisting rejects several topics
            self._wanted.clear()
            refused, self._refused = self._refused, set()
            try:
                universe = await self._watch.choose(refused)
            except ExchangeError as error:
                log.warning("the exchange's lists could not be read", error=str(error))
                continue
            await self._watch.adopt(universe)
            await self._adopted()

    def _due_s(self) -> float:
        """Seconds until the next look: fewer while it is to be found out whether a symbol is gone."""
        listed = self._watch.listed
        return min(self._interval_s, _MISSING_S) if listed.missing and not listed.doubts else self._interval_s
