"""Copies the state of a symbol from the market, for publication."""

from virtuoso.market.state import MarketState, Qualities
from virtuoso.market.symbol import SymbolState
from virtuoso.model.clock import iso
from virtuoso.model.documents import SymbolItem
from virtuoso.model.evidence import class_of
from virtuoso.model.instrument import Instrument
from virtuoso.model.quality import DataQuality, DataSource
from virtuoso.model.units import unit_jump


def symbol_item(
    symbol: str,
    market: MarketState,
    instrument: Instrument | None,
    quality: Qualities | None,
    source: DataSource | None,
    reason: str | None = None,
) -> SymbolItem:
    """Make the item of a symbol; `reason` is what is known to be wrong with it."""
    state = market[symbol]
    values = state.stats.values
    bid, ask = touch(state)
    change = values["change_24h"]
    rate = values["funding_rate"]
    last_ratio = state.ratios[-1].long if state.ratios else None
    return SymbolItem(
        symbol=symbol,
        name=instrument.unified if instrument else symbol,
        price=values["last"],
        change=None if change is None or _across(state, change) else round(change * 100, 4),
        bid=bid,
        ask=ask,
        spread_bp=None if bid is None or ask is None else round((ask - bid) / (0.5 * (ask + bid)) * 1e4, 4),
        mark_price=values["mark"],
        index_price=values["index"],
        turnover_24h=values["turnover_24h"],
        open_interest=values["open_interest"],
        funding_rate=None if rate is None else round(rate * 100, 6),
        funding_interval_h=values["funding_interval_h"],
        next_funding=iso(values["next_funding_ms"]),
        long_account_ratio=last_ratio,
        updated_at=iso(state.stats.event_ms),
        tick_size=state.denomination.tick_size,
        quote=state.denomination.quote,
        evidence_class=class_of(detailed=quality is not None and quality.detailed),
        data_quality=DataQuality.UNAVAILABLE if quality is None else quality.joined,
        data_source=source,
        reason=reason,
    )


def _across(state: SymbolState, change: float) -> bool:
    """Say whether a change over a day (fraction) is one of unit: its first price is of the contract as it was."""
    return state.history.seam is not None and unit_jump(1.0, 1.0 + change) != 0


def unknown_item(
    symbol: str, name: str, source: DataSource | None, reason: str, quality: Qualities | None
) -> SymbolItem:
    """Make the item of a symbol of which nothing can be said, with the reason."""
    return SymbolItem(
        symbol=symbol, name=name, price=None, change=None, bid=None, ask=None, spread_bp=None, mark_price=None,
        index_price=None, turnover_24h=None, open_interest=None, funding_rate=None, next_funding=None,
        long_account_ratio=None, updated_at=None,
        evidence_class=class_of(detailed=quality is not None and quality.detailed),
        data_quality=DataQuality.UNAVAILABLE, data_source=source, reason=reason,
    )  # fmt: skip


def touch(state: SymbolState) -> tuple[float | None, float | None]:
    """Return the best bid and ask: the book's, or the ticker's while the book is not valid."""
    if state.book.valid:
        return state.book.bid_price, state.book.ask_price
    bid, ask = state.stats.values["bid"], state.stats.values["ask"]
    return (None, None) if bid is not None and ask is not None and bid >= ask else (bid, ask)
