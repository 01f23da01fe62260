"""Looks at the exchange's lists of instruments and tickers, taken until they can be believed."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from typing import Final

from virtuoso.exchange.protocol import Exchange
from virtuoso.market.universe.listing import Listed, Listings
from virtuoso.model.errors import ExchangeUnavailable
from virtuoso.model.market import TickerUpdate

_AGAIN_S: Final = 2.0
"""Between polls at first lists that contradict each other."""


async def polls(
    exchange: Exchange, listings: Listings, watched: Collection[str] = (), refused: Collection[str] = ()
) -> AsyncIterator[tuple[Listed, Mapping[str, TickerUpdate]]]:
    """Yield each poll, with its tickers; the last one is believed.

    That is the first one, but at a start, where lists that contradict each other are asked for again a few times.

    Raises:
        ExchangeError: a list could not be read.
        ExchangeUnavailable: a list is empty, and none before it was not: that is no answer.
    """
    while True:
        instruments, tickers = await exchange.instruments(), await exchange.tickers()
        listed = listings.judge(instruments, tickers, watched, refused)
        yield listed, tickers
        for doubt in listed.doubts:
            if not doubt.known:
                raise ExchangeUnavailable(doubt.text)
        if listed.instruments:
            return
        await asyncio.sleep(_AGAIN_S)
