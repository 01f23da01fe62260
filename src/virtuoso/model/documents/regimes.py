"""Documents of regimes: what kind of market it is, of all and of each symbol, and when that changed."""

import msgspec


class RegimeItem(msgspec.Struct, frozen=True, kw_only=True):
    """The regime of one symbol, from the bars of the analysed timeframe nearest to 30m."""

    symbol: str
    """The exchange's own name of the instrument, such as `BTCUSDT`."""
    regime: str | None
    """The regime that is held: `BULLISH`, `BEARISH`, `NEUTRAL` (a range) or `VOLATILE`. Not always the likeliest: it is
    left only for one that clearly leads. `null` until bars suffice."""
    since: str | None
    """Close at which it was entered, ISO 8601 in UTC; `null` while there is none."""
    probabilities: dict[str, float] | None
    """Probability of each regime, 0–1, sum 1; `null` until bars suffice."""
    trend_strength: float | None
    """Strength of the trend, whichever way, 0–100: ADX-14; `null` until bars suffice."""
    momentum: float | None
    """Drift of the last 48 bars in its own volatility, 0–100, 50 none, above it up; `null` until bars suffice."""
    volatility: float | None
    """Yang–Zhang volatility of the last 48 bars (a day of 30m), % a day; `null` until bars suffice."""
    avg_volatility: float | None
    """The same over 336 bars (a week of 30m), % a day; `null` until there are so many."""
    reason: str | None
    """Why there is no regime; `null` where there is one."""


class RegimeTransition(msgspec.Struct, frozen=True, kw_only=True):
    """A change of regime at a base close."""

    symbol: str | None
    """The symbol that changed; `null` for the market as a whole."""
    before: str = msgspec.field(name="from")
    """The regime until then: `BULLISH`, `BEARISH`, `NEUTRAL` or `VOLATILE`."""
    after: str = msgspec.field(name="to")
    """The regime from then on: `BULLISH`, `BEARISH`, `NEUTRAL` or `VOLATILE`."""
    at: str
    """Close of the 1m bar at which it changed, ISO 8601 in UTC."""


class RegimeDocument(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/regime`: the market's regime and each symbol's, and the latest transitions."""

    timestamp: str
    """When it was published, ISO 8601 in UTC; 1970 before the first publication."""
    market: str | None
    """Regime of the market, the symbols weighted by turnover: `BULLISH`, `BEARISH`, `NEUTRAL` or `VOLATILE`; `null`
    until closed bars suffice."""
    since: str | None
    """Close at which the market's regime was entered, ISO 8601 in UTC; `null` while there is none."""
    probabilities: dict[str, float] | None
    """Probability of each regime of the market, 0–1, sum 1; `null` until closed bars suffice."""
    reason: str | None
    """Why the market has no regime; `null` where it has one."""
    symbols: tuple[RegimeItem, ...]
    """The regime of each scored symbol, in the order of the universe."""
    transitions: tuple[RegimeTransition, ...]
    """The latest changes of regime, newest first; 200 at most."""
