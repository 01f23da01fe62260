"""Settles what was said as it falls due, once a second."""

import asyncio
from collections.abc import Callable

from virtuoso.market.state import MarketState
from virtuoso.monitor.lived.record import LivedRecord
from virtuoso.monitor.lived.ways import ways_of

_PERIOD_S = 1.0


class LivedKeeping:
    """Goes on with what earlier runs said, then settles; used on the event loop.

    Args:
        lived: what is settled.
        market: whose bars settle it.
        exchange_ms: the exchange's time (epoch ms).
        watching: whether symbols are watched yet; before, nothing is settled.
    """

    def __init__(
        self, lived: LivedRecord, market: MarketState, exchange_ms: Callable[[], int], watching: Callable[[], bool]
    ) -> None:
        self._lived = lived
        self._ways = ways_of(market)
        self._exchange_ms = exchange_ms
        self._watching = watching

    async def run(self) -> None:
        """Settle what is due, until cancelled."""
        await self._lived.catch_up(self._exchange_ms())
        while True:
            if self._watching():
                self._lived.settle(self._exchange_ms(), self._ways)
            await asyncio.sleep(_PERIOD_S)
