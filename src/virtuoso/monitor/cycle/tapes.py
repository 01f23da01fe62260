"""Publishes the last trades and liquidations of the symbols whose trades are watched."""

from itertools import islice
from typing import Final

import msgspec

from virtuoso.market.state import MarketState
from virtuoso.model.clock import iso
from virtuoso.model.documents import LiquidationItem, Tape, TradeItem
from virtuoso.model.documents.tapes import TAPE_LIQUIDATIONS, TAPE_TRADES
from virtuoso.model.market import Side
from virtuoso.model.quality import DataQuality
from virtuoso.monitor.cycle.cycle import Cycle
from virtuoso.monitor.documents.publication import Publication
from virtuoso.monitor.watching.watch import Watch

TAPES_S: Final = 1.0
"""Between two publications."""


class TapesPublisher:
    """Publishes the tapes, unchanged ones too: their age is told by when they were published."""

    def __init__(self, market: MarketState, cycle: Cycle, watch: Watch, publication: Publication) -> None:
        self._market = market
        self._cycle = cycle
        self._watch = watch
        self._publication = publication
        self._encoder = msgspec.json.Encoder()

    def publish(self) -> None:
        """Publish the tapes as they are now."""
        bodies = {}
        for symbol in self._watch.detailed:
            if symbol in self._market:
                body = self._watch.contained.attempt(symbol, "its tape", self._body, symbol)
                if body is not None:
                    bodies[f"tape:{symbol}"] = body
        self._publication.publish_all(bodies)

    def _body(self, symbol: str) -> bytes:
        return self._encoder.encode(tape_of(self._market, self._cycle, symbol))


def tape_of(market: MarketState, cycle: Cycle, symbol: str) -> Tape:
    """The tape of a watched symbol as it is now."""
    state, quality = market[symbol], cycle.qualities.get(symbol)
    return Tape(
        symbol=symbol,
        trades=tuple(
            TradeItem(time=iso(t.event_ms) or "", price=t.price, size=t.size, bought=t.side is Side.BUY)
            for t in islice(reversed(state.tape.recent), TAPE_TRADES)
        ),
        liquidations=tuple(
            LiquidationItem(time=iso(f.event_ms) or "", price=f.price, size=f.size, long=f.side is Side.BUY)
            for f in islice(reversed(state.forced), TAPE_LIQUIDATIONS)
        ),
        large_from=state.tape.large_from,
        data_quality=DataQuality.UNAVAILABLE if quality is None else quality.tape,
        data_source=cycle.source,
    )
