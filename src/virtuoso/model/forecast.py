"""What is said of what may follow a close: how far, how likely, and which way where that was earned."""

import msgspec

from virtuoso.model.backtested import BacktestedForecast, BacktestedSet
from virtuoso.model.text.duration import written


class Claim(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a BUY or SELL claims, as it was made; nothing of it changes until it ends."""

    made_at: str
    """Close at which it was made, ISO 8601 in UTC."""
    price: float
    """Price at that close, quote units."""
    horizon_min: int
    """How long it is for, minutes."""
    confidence: float
    """Probability, 0–1, that the return over that time goes beyond costs on its side, as forecast when it was made."""
    expires_at: str
    """When it ends at the latest, ISO 8601 in UTC. It ends at once when its probability falls to one half, or when what
    it rests on goes stale."""


class Lean(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Which way it leans, served only where claims of this kind were right more often than wrong, beyond chance."""

    side: str
    """`up` or `down`."""
    probability: float
    """Probability, 0–1, of that side, if the return goes beyond costs at all."""
    horizon_min: int
    """How far ahead, minutes."""
    pays: bool
    """Whether following it has paid: the lower bound of its mean net result is above 0."""
    net_bp: float
    """Mean net result per entry so far, bp, each day weighing the same."""


class WhatFollowed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What followed past readings like this one, of all symbols: the same tenth of their scores and the same regime.

    Differences from the base are shrunk by how well they are known: where they may be chance, both are the same.
    """

    rose: float
    """Share, 0–1, of them after which the price had risen; where it stayed, half of one."""
    rose_base: float
    """The same of all readings, 0–1."""
    move: float | None
    """Their mean return, for this symbol's forecast volatility, percent; `null` where that is unknown."""
    move_base: float | None
    """The same of all readings, percent; `null` where the volatility is unknown."""
    size: float | None
    """Their mean absolute return, for this symbol's forecast volatility, percent; `null` where that is unknown."""
    size_base: float | None
    """The same of all readings, percent; `null` where the volatility is unknown."""
    days: int
    """How many days such readings were on, twenty at least."""
    readings: int
    """How many there were; those of one day overlap."""
    source: str
    """`own`: counted here; `shipped`: of other months, until twenty days are counted here."""
    until: str
    """The last close of which an outcome is in it, ISO 8601 in UTC."""


class HorizonForecast(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is forecast for one horizon; `null` where it is not forecast that far, or not known yet."""

    horizon_min: int
    """How far ahead, minutes; the entry is the next bar's open."""
    volatility: float | None
    """Median forecast of the volatility of the return over the horizon, percent; `null` while unknown."""
    cone: tuple[float, ...] | None
    """Quantiles of the closing return, percent, at the tails .025, .1, .25, .75, .9, .975; `null` while unknown."""
    high: tuple[float, ...] | None
    """Quantiles of the highest high's return, percent, at the same tails: a level is touched with 1 − its tail; `null`
    while unknown."""
    low: tuple[float, ...] | None
    """Quantiles of the lowest low's return, percent, at the same tails: a level is touched with its tail; `null` while
    unknown."""
    large_move: float | None
    """Probability, 0–1, of a return larger than `large_move_threshold`, either way; `null` beyond 1h, while unknown."""
    large_move_base: float | None
    """How often that was so of this symbol in the last seven days, counted, 0–1: a fifth, or less where many are alike;
    `null` beyond 1h, and while unknown."""
    large_move_threshold: float | None
    """What counts as large: the 80 % quantile of the symbol's own absolute returns of the last seven days, rounded up
    by 4 % at most, percent; `null` beyond 1h, and while unknown."""
    last_move: float | None
    """The return over the horizon that ended at this close, percent: what has just been, not what is forecast; `null`
    while bars of it are missing."""
    last_move_as_large: float | None
    """How often the symbol moved as far within such a time, or farther, in the last seven days, 0–1: 0.025 is one in
    forty. Times that overlap are counted, every 5 minutes. `null` beyond 1h, and while unknown."""
    funding_bp: float
    """Funding that a long pays and a short receives within the horizon, bp; 0 where no settlement is known to lie
    inside."""
    beyond_up: float | None
    """Probability, 0–1, of a return above the cost of a long; `null` beyond 1h, and while unknown."""
    beyond_down: float | None
    """Probability, 0–1, of a return below minus the cost of a short; `null` beyond 1h, and while unknown."""
    uncalibrated: str | None
    """What of it did not hold by what came of late, and is withdrawn until it does; quantiles of a cone that is
    withdrawn are widened. `null` while all of it holds."""
    backtested: tuple[BacktestedForecast, ...]
    """How good such forecasts were on each of `backtested_on`: measured on recorded months, not in this run."""
    followed: WhatFollowed | None
    """What followed readings like this; `null` where it has no percentile or regime, or such were on under 20 days."""


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """What is forecast of one symbol at a close, and by what."""

    version: str | None
    """Name of the fit, a hash of its content; `null` before there is one."""
    fit_until: str | None
    """The last time that anything in the fit was seen, ISO 8601 in UTC; `null` before there is one."""
    fit_days: int | None
    """How many days the fit has samples of; `null` before there is one."""
    cost_bp: float | None
    """What a round trip costs, bp: two taker fees, the spread, and walking the book where one is watched; a
    horizon's `funding_bp` comes to it for a long, and off it for a short. `null` where it is not known."""
    beta: float | None
    """Ratio of the symbol's log return to the market's that goes with it, over 15m, as of the last days (half-life
    three); `null` before a day of them."""
    horizons: tuple[HorizonForecast, ...]
    """Each horizon, the nearest first."""
    backtested_on: tuple[BacktestedSet, ...]
    """The recorded months that `backtested` was measured on, before this version was shipped; nothing of what is lived
    here is in it."""
    reason: str | None = None
    """Why something is `null`; `null` where nothing is."""


class ManyOutside(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How likely many symbols end outside their bands at once."""

    at_least: int
    """How many symbols: 1, and an eighth, a quarter and half of `symbols`, rounded up; each count once."""
    probability: float
    """Probability, 0–1, that so many or more of them end the horizon outside their own 95 % bands."""


class MarketHorizonForecast(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is forecast of the market for one horizon."""

    horizon_min: int
    """How far ahead, minutes."""
    cone: tuple[float, ...] | None
    """Quantiles of the market's return (the mean of its symbols' log returns), percent, at the tails .025, .1, .25,
    .75, .9, .975; `null` while unknown."""
    outside: tuple[ManyOutside, ...] | None
    """How likely many symbols leave their bands at once, as often as they did of late; `null` while unknown."""
    symbols: int | None
    """How many symbols have such a band; `null` where `outside` is."""


class MarketForecast(msgspec.Struct, frozen=True, kw_only=True):
    """What is forecast of the market as a whole, all symbols alike."""

    close: str
    """The close at which it was made, ISO 8601 in UTC."""
    horizons: tuple[MarketHorizonForecast, ...]
    """Each horizon, the nearest first."""


class MarketPassed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What came of the forecasts of the market that were made one horizon ago, by the symbols that still have both."""

    horizon_min: int
    """How long it was for, minutes."""
    made_at: str
    """The close at which it was forecast, ISO 8601 in UTC."""
    volatility: float
    """Volatility of the return over the horizon as it was, percent: geometric mean over the symbols."""
    volatility_forecast: float
    """The same as it was forecast: what it is as likely above as below, percent."""
    above: float
    """Share of the symbols that were livelier than forecast, 0–1: about a half is what forecasts aim at."""
    symbols: int
    """How many symbols it is of."""
    change: float | None
    """The market's return over it, percent: the mean of the symbols' log returns; `null` while fewer than half are
    known."""
    cone: tuple[float, ...] | None
    """What was forecast of that return: its quantiles at the tails .025, .1, .25, .75, .9, .975, percent; `null` where
    none was."""
    within: int | None
    """The narrowest band that holds the return: 50, 80 or 95 percent, and 100 where none does; `null` without a
    cone."""


class ClaimCellItem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One kind of claim, with what became of its entries: counted over all symbols, by the days that are over.

    All that were ever tried are listed; together they err with probability .05 at most.
    """

    side: str
    """`up` or `down`."""
    horizon_min: int
    """How long an entry lasts, minutes; entries of a symbol do not overlap."""
    rule: str
    """When it is entered: `likely`, when it is likelier than not to go beyond costs on this side; `favoured`, when
    this side is likelier to than the other, by .02 or more."""
    entries: int
    """How many entries have ended."""
    days: int
    """How many days had one."""
    net_bp: float | None
    """Mean net result per entry, bp, each day weighing the same; `null` before the first day."""
    net_twice_cost_bp: float | None
    """The same at twice the cost, bp; `null` before the first day."""
    net_lower_bp: float | None
    """Lower bound of the mean net result, bp, valid at any time and for all cells together; `null` with too few
    days."""
    hit: float | None
    """Share of the entries that paid, 0–1; `null` before the first day."""
    claimed: float | None
    """Mean probability of that as forecast before, 0–1; `null` before the first day."""
    right: float | None
    """Of the entries that went beyond costs, the share that did on this side, 0–1; `null` where none did."""
    pays: bool
    """Whether it is earned: 20 days and 100 entries at least, lower bound and the mean of the last 20 days above 0."""
    directed: bool
    """Whether its side is right more often than the other, beyond chance, paying or not."""


def horizon_text(minutes: int) -> str:
    """A horizon as it is written, such as `15m` or `1h`."""
    return written(60.0 * minutes)
