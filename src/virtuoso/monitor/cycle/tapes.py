"""Makes the document of the last trades and liquidations of a symbol whose trades are watched."""

from itertools import islice
from typing import Final

from virtuoso.market.state import MarketState
from virtuoso.model.clock import iso
from virtuoso.model.documents import LiquidationItem, Tape, TradeItem
from virtuoso.model.documents.tapes import TAPE_LIQUIDATIONS, TAPE_TRADES
from virtuoso.model.market import Side
from virtuoso.model.quality import DataQuality
from virtuoso.monitor.cycle.cycle import Cycle

TAPES_S: Final = 1.0
"""Between two publications."""


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
