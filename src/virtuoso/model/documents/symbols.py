"""Documents of the watched symbols: their tickers, who is left out, and all that is known of one."""

import msgspec

from virtuoso.model.documents.regimes import RegimeItem
from virtuoso.model.documents.signals import SignalItem
from virtuoso.model.forecast import Forecast
from virtuoso.model.quality import DataQuality, DataSource
from virtuoso.model.signal import Counterfactual, Entry, FactorScore, TimeframeScore


class SymbolItem(msgspec.Struct, frozen=True, kw_only=True):
    """One watched symbol's ticker. What the exchange did not say, or not yet, is `null`."""

    symbol: str
    """The exchange's own name of the instrument, such as `BTCUSDT`."""
    name: str
    """Its unified name as in ccxt, such as `BTC/USDT:USDT`; the symbol where that is not known."""
    price: float | None
    """Price of the last trade, quote units; `null` before the first ticker."""
    change: float | None
    """Change of the price over the last 24 h as the exchange tells it, percent (1.5 is +1.5 %); `null` before the first
    ticker, and where the contract was multiplied or divided meanwhile."""
    bid: float | None
    """Best bid, quote units: the book's, or the ticker's while no book is valid; `null` while neither is known."""
    ask: float | None
    """Best ask, quote units: the book's, or the ticker's while no book is valid; `null` while neither is known."""
    spread_bp: float | None
    """Best ask less best bid over their mean, bp; `null` while either is unknown."""
    mark_price: float | None
    """The exchange's mark price, by which positions are liquidated, quote units; `null` where it has none, as on
    spot."""
    index_price: float | None
    """Price of the underlying over several spot markets, quote units; `null` where the exchange has none, as on
    spot."""
    turnover_24h: float | None
    """Value traded over the last 24 h, quote units; `null` before the first ticker."""
    open_interest: float | None
    """Open contracts as the exchange counts them (Bybit: both sides summed), base units; `null` where it has none, as
    on spot."""
    funding_rate: float | None
    """The funding rate due at `next_funding`, percent per `funding_interval_h`: positive is paid by longs to shorts.
    `null` where there is no funding, as on spot."""
    funding_interval_h: float | None = None
    """Time from one funding to the next, hours (8 for most); `null` where there is no funding, or it is not told."""
    next_funding: str | None
    """When funding is paid next, ISO 8601 in UTC; `null` where there is none."""
    long_account_ratio: float | None
    """Share of the accounts with a position that are net long, 0–1, of the latest 5 minutes that the exchange told;
    `null` before the first, and where it tells none."""
    updated_at: str | None
    """The exchange's time of the last ticker, ISO 8601 in UTC; `null` before the first."""
    tick_size: float | None = None
    """Step of its prices, quote units; `null` until the instrument is known."""
    quote: str | None = None
    """Currency that its prices are in, such as `USDT`; `null` until the instrument is known."""
    evidence_class: str
    """How it is watched: `detailed`, with order book and trades, or `plain` (past `universe.detailed`), without."""
    data_quality: DataQuality
    """How fresh it is: the worst of its feeds now."""
    data_source: DataSource | None
    """What the exchange behind it is; `null` until it has answered once."""
    reason: str | None = None
    """Why something of it is unknown, or its history began anew; `null` while nothing is."""


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """A symbol that is not watched, and why."""

    symbol: str
    """The exchange's own name of the instrument, such as `BTCUSDT`."""
    reason: str
    """Why it is not watched, in words."""


class SymbolList(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/symbols`: the universe, and every instrument left out."""

    symbols: tuple[SymbolItem, ...]
    """The watched symbols, in the order of the universe: by 24 h turnover when it was chosen."""
    left_out: tuple[LeftOut, ...]
    """Instruments of the exchange that are not watched, by name."""
    timestamp: str
    """When it was published, ISO 8601 in UTC; 1970 before the first publication."""


class SymbolDetail(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/symbols/{symbol}`: the ticker, the signal, its regime and the whole tree of reasons."""

    ticker: SymbolItem
    """Prices and what else the exchange says of it now."""
    signal: SignalItem
    """Its label and score, as in `/api/signals/top`."""
    regime: RegimeItem | None
    """Its regime, as in `/api/regime`; `null` before the first closed bar."""
    why: tuple[str, ...]
    """The reading in plain sentences; empty before the first closed bar."""
    factors: tuple[FactorScore, ...]
    """The factors with their components: where the score comes from. Empty before the first closed bar."""
    timeframes: tuple[TimeframeScore, ...]
    """Scores of each timeframe alone, shortest first; empty before the first closed bar."""
    alignment: float | None
    """How far the `timeframes` lean to one side, 0–1: 1 where all lean the same way, 0 where they cancel; it does not
    enter the score. `null` before the first closed bar, and where all are neutral."""
    counterfactual: Counterfactual | None
    """The nearest change of one component alone that would change the band; `null` without a band, and where no such
    change is within reach."""
    forecast: Forecast | None
    """How far, how likely, and by which fit; `null` before the first closed bar, where nothing is forecast, and
    where what it rests on is too old: `signal.reasons` say so then."""
    entry: Entry | None
    """What an entry at the last close would mean; `null` before the first closed bar."""
    input_hash: str | None
    """32 hex digits that name everything the score was computed from: equal hashes, equal inputs to the last bit.
    `null` before the first closed bar."""
    liquidations: int
    """How many liquidations of it were seen since it is watched; 1000 at most are remembered."""
    timestamp: str
    """When it was published, ISO 8601 in UTC."""
