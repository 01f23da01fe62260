"""A symbol as it stands, copied from the market state for publication."""

from virtuoso.market.state import MarketState, Qualities
from virtuoso.market.symbol import SymbolState
from virtuoso.model.clock import iso
from virtuoso.model.documents import SymbolRow
from virtuoso.model.instrument import Instrument
from virtuoso.model.quality import DataQuality, DataSource


def symbol_row(
    symbol: str,
    market: MarketState,
    instrument: Instrument | None,
    quality: Qualities | None,
    source: DataSource | None,
) -> SymbolRow:
    """A symbol's ticker as published."""
    state = market[symbol]
    values = state.stats.values
    bid, ask = touch(state)
    change = values["change_24h"]
    rate = values["funding_rate"]
    last_ratio = state.ratios[-1].long if state.ratios else None
    return SymbolRow(
        symbol=symbol,
        name=instrument.unified if instrument else symbol,
        price=values["last"],
        change=None if change is None else round(change * 100, 4),
        bid=bid,
        ask=ask,
        spread_bp=None if bid is None or ask is None else round((ask - bid) / (0.5 * (ask + bid)) * 1e4, 4),
        mark_price=values["mark"],
        index_price=values["index"],
        turnover_24h=values["turnover_24h"],
        open_interest=values["open_interest"],
        funding_rate=None if rate is None else round(rate * 100, 6),
        next_funding=iso(values["next_funding_ms"]),
        long_account_ratio=last_ratio,
        updated_at=iso(state.stats.event_ms),
        data_quality=DataQuality.UNAVAILABLE if quality is None else quality.joined,
        data_source=source,
    )


def touch(state: SymbolState) -> tuple[float | None, float | None]:
    """Best bid and ask: the book's, or the ticker's while the book is not valid."""
    if state.book.valid:
        return state.book.bid_price, state.book.ask_price
    return state.stats.values["bid"], state.stats.values["ask"]
