"""Documents of the market as a whole: the overview, and the dashboard for a page's first sight."""

import msgspec

from virtuoso.model.alerts.documents import Alert
from virtuoso.model.documents.signals import SignalItem
from virtuoso.model.forecast import MarketForecast, MarketPassed
from virtuoso.model.quality import DataQuality, DataSource


class Breadth(msgspec.Struct, frozen=True, kw_only=True):
    """How many symbols rose, fell or did neither over 24 h."""

    advancing: int
    """How many symbols rose by 0.1 % or more over 24 h."""
    declining: int
    """How many symbols fell by 0.1 % or more over 24 h."""
    neutral: int
    """How many symbols moved by less than 0.1 % over 24 h."""
    total: int
    """How many symbols have a 24 h change: the sum of the three."""


class MarketOverview(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/market/overview`: the market at a glance, over all watched symbols.

    The regime's timeframe is the analysed one nearest to 30m. A figure that is `null` has its reason in `reasons`.
    """

    status: str
    """Whether symbols have been scored: `active`, or `starting` before the first closed bar."""
    timestamp: str
    """When it was published, ISO 8601 in UTC; 1970 before the first publication."""
    regime: str | None
    """What kind of market it is: `BULLISH`, `BEARISH`, `NEUTRAL` (a range) or `VOLATILE`, the symbols weighted by
    turnover; `null` until closed bars suffice."""
    trend_strength: float | None
    """Strength of the trends, whichever way, 0–100: ADX-14 on the regime's timeframe, mean weighted by turnover; 25 and
    more is called a trend. `null` until closed bars suffice."""
    volatility: float | None
    """Yang–Zhang volatility of the last 48 bars of the regime's timeframe (a day of 30m), % a day, mean weighted by
    turnover; `null` until closed bars suffice."""
    avg_volatility: float | None
    """The same over 336 bars (a week of 30m), % a day; `null` until it is known of symbols with half the turnover."""
    btc_dominance: float | None
    """BTC's share of the universe's 24 h turnover, percent (0–100); not of market capitalisation. `null` where BTC is
    not watched or has no turnover."""
    total_volume: float | None
    """24 h turnover of all watched symbols, quote units; `null` before the first ticker."""
    market_sentiment: str | None
    """`BULLISH`, `BEARISH` or `NEUTRAL`, by equal parts of net breadth over 24 h and momentum; `null` without
    either."""
    momentum_score: float | None
    """Drift of the last 48 bars of the regime's timeframe in its own volatility, 0–100, 50 none, above it up; mean
    weighted by turnover. `null` until closed bars suffice."""
    btc_price: float | None
    """Price of the last trade of BTC's perpetual or spot pair, quote units; `null` where none is watched or priced."""
    eth_price: float | None
    """Price of the last trade of ETH's perpetual or spot pair, quote units; `null` where none is watched or priced."""
    avg_market_change: float | None
    """Plain mean of the symbols' 24 h changes, percent; `null` before the first ticker."""
    above_ema50_pct: float | None
    """Share of the symbols whose last close on the regime's timeframe is above their EMA-50, percent (0–100); `null`
    until 246 bars are closed."""
    new_highs_24h: int | None
    """How many symbols made their high of the last 24 h within the last hour; `null` while no such extremes are
    known."""
    new_lows_24h: int | None
    """How many symbols made their low of the last 24 h within the last hour; `null` while no such extremes are
    known."""
    dispersion: float | None
    """How far the symbols' 24 h changes lie apart: standard deviation, percent points; `null` with fewer than two."""
    dispersion_robust: float | None
    """The same from their median deviation (× 1.4826), which a few outliers do not move, percent points; `null` with
    fewer than two."""
    avg_correlation_btc: float | None
    """Mean correlation of the other symbols with BTC, −1 to 1, of the last 48 log returns on the regime's timeframe;
    `null` until 49 bars are closed of BTC and another."""
    forecast: MarketForecast | None
    """How far the market may go, and how likely many symbols leave their bands at once; `null` before the first closed
    bar, and where what it rests on is too old. `reasons` say too why something in it is `null`."""
    passed: tuple[MarketPassed, ...]
    """What came of the forecasts that ended at the last close, by horizon; one is missing until it has been a horizon
    since the start, and `reasons` say so then. Empty where `forecast` is held back."""
    breadth: Breadth
    """How many symbols rose, fell or did neither over 24 h."""
    data_quality: DataQuality
    """How fresh it is: the worst of all watched symbols."""
    data_source: DataSource | None
    """What the exchange behind it is; `null` until it has answered once."""
    reasons: dict[str, str]
    """Why a figure is `null`, by the name of its field; `all` before the first publication."""


class Mover(msgspec.Struct, frozen=True, kw_only=True):
    """A symbol that moved much over 24 h, either way."""

    symbol: str
    """The exchange's own name of the instrument, such as `BTCUSDT`."""
    change: float
    """Change of the price over the last 24 h as the exchange tells it, percent."""
    price: float
    """Price of the last trade, quote units."""


class DashboardMarket(msgspec.Struct, frozen=True, kw_only=True):
    """Regime and data quality of the market, and the price of BTC, for the dashboard document."""

    market_regime: str | None
    """The market's regime in title case: `Bullish`, `Bearish`, `Neutral` or `Volatile`; `null` until closed bars
    suffice."""
    btc_price: float | None
    """Price of the last trade of BTC's perpetual or spot pair, quote units; `null` where none is watched or priced."""
    btc_change: float | None
    """Its change over the last 24 h, percent; `null` where none is watched, or before its first ticker."""
    data_quality: DataQuality
    """How fresh it is: the worst of all watched symbols."""


class SystemStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How the monitor is, in one word."""

    status: str
    """`online` while all is healthy (see `/health`), `starting` before that, `degraded` when something is wrong."""
    last_update: str
    """When the document was published, ISO 8601 in UTC; 1970 before the first publication."""
    data_source: DataSource | None
    """What the exchange behind it is; `null` until it has answered once."""


class Dashboard(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/dashboard/data`: what a page needs at first sight."""

    market_overview: DashboardMarket
    """Regime, BTC's price and its change."""
    top_movers: tuple[Mover, ...]
    """Ten symbols at most by the size of their 24 h change, either way, the largest first."""
    alerts: tuple[Alert, ...]
    """The ten latest incidents at most, newest first."""
    system_status: SystemStatus
    """How the monitor is, in a word."""
    signals: tuple[SignalItem, ...]
    """Ten signals at most, the strongest first, as in `/api/signals/top`."""
