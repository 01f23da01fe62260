"""Document of how good what was lived was."""

import msgspec


class LivedFigure(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One figure with its interval, and what stands behind it."""

    value: float | None
    """The figure, in the unit of what it is of; `null` while it is of fewer than 100 readings, or than 20 claims."""
    low: float | None
    """Lower bound of its 95 % interval, in the unit of the figure, by resampled blocks of days; `null` below two
    blocks."""
    high: float | None
    """Upper bound of its 95 % interval, in the unit of the figure; `null` below two blocks."""
    n: int
    """How many readings or claims it is of."""
    n_eff: float | None
    """How many independent ones would be as certain; `null` where it is no share, or below two blocks."""
    days: int
    """How many days (UTC) anything of the group was counted on."""


class ReliabilityBin(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Readings of about equal probability: a tenth wide."""

    claimed: float
    """The mean probability that was said, 0–1."""
    came: float
    """How often it came, 0–1."""
    n: int
    """How many there were: 100 at least."""


class ChanceQuality(msgspec.Struct, frozen=True, kw_only=True):
    """How good a probability was, against each symbol's own rate in the days before, which was known at the time."""

    skill: LivedFigure
    """1 less the mean squared error over that of the base: above 0 it says more."""
    log_skill: LivedFigure
    """The same of the logarithmic loss."""
    log_score: LivedFigure
    """Mean logarithmic loss, nats: less is better."""
    calibration_error: LivedFigure
    """Expected calibration error over ten bins of equal width, 0–1; noise alone makes it positive."""
    claimed: LivedFigure
    """Mean probability that was said, 0–1."""
    came: LivedFigure
    """How often it came, 0–1."""
    reliability: tuple[ReliabilityBin, ...]
    """By what was said, the least likely first; bins of fewer than 100 readings are left out."""


class BandQuality(msgspec.Struct, frozen=True, kw_only=True):
    """How often the return ended inside a band of the cone."""

    claimed: float
    """What share should have been inside, 0–1."""
    inside: LivedFigure
    """Share of returns inside, 0–1."""
    below: LivedFigure
    """Share below it, 0–1."""
    above: LivedFigure
    """Share above it, 0–1."""


class TailQuality(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the quantiles of the highest high and the lowest low were such."""

    tail: float
    """The probability of the quantile, 0–1: what both shares should be."""
    high: LivedFigure
    """Share of highest highs not above their quantile, 0–1: 1 less how often that level was touched."""
    low: LivedFigure
    """Share of lowest lows not above their quantile, 0–1: how often that level was touched."""


class ConeQuality(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the cone held what it claimed: shares of returns inside its bands and of levels touched, and its loss."""

    bands: tuple[BandQuality, ...]
    """The bands of 95, 80 and 50 %."""
    touched: tuple[TailQuality, ...]
    """By tail, ascending."""
    pinball_bp: LivedFigure
    """Mean pinball loss over the six quantiles of the return, bp: less is better."""
    pinball_skill: LivedFigure
    """1 less the loss of the 80 % band over that of the symbol's own last seven days; not beyond an hour."""


class SideResult(msgspec.Struct, frozen=True, kw_only=True):
    """What entries by one rule brought."""

    rule: str
    """`claims`, or a rule that knows nothing: `always_long`, `momentum` (the way of the last horizon), `reversal`,
    `random` (a side by lot)."""
    hit: LivedFigure
    """Share of entries beyond costs on their side, 0–1."""
    net_bp: LivedFigure
    """Mean result after costs, bp of the entry's log return; rivals pay the mean of both sides' cost."""
    net_twice_cost_bp: LivedFigure
    """The same at twice the cost."""


class SideQuality(msgspec.Struct, frozen=True, kw_only=True):
    """How good the claims of a side were, beside rules that know nothing."""

    made: SideResult
    """The claims (BUY and SELL), each once, at its own moment."""
    confidence: LivedFigure
    """Mean confidence of the claims, 0–1, for the horizon that they are for: beside `made.hit`."""
    rivals: tuple[SideResult, ...]
    """Rules that know nothing, at the moments of the claims."""
    hold_confidence: LivedFigure
    """Mean confidence of HOLD, 0–1; at the horizon of claims alone."""
    hold_right: LivedFigure
    """How often the better side would not have paid, 0–1."""
    lean_probability: LivedFigure
    """Mean probability of leans, 0–1; at the horizon of claims alone."""
    lean_right: LivedFigure
    """Of the leans that went beyond costs either way, the share on their side, 0–1."""


class HorizonQuality(msgspec.Struct, frozen=True, kw_only=True):
    """How good everything about one horizon was."""

    horizon_min: int
    """How far after the entry, the open of the minute after the close, in minutes."""
    readings: int
    """How many readings there were of which it is known what came."""
    unknown: int
    """How many of which it is not, as bars are missing or they were not watched any more."""
    large_move: ChanceQuality
    """P(large move); not beyond an hour."""
    beyond_costs: ChanceQuality
    """P(beyond costs), both sides together, each counted; not beyond an hour. The base is unknown on a first day."""
    cone: ConeQuality
    """The cone; not beyond 4 hours."""
    any_time: tuple[SideResult, ...]
    """Rules that know nothing, entered at every reading."""
    claims: SideQuality
    """Claims, HOLD and leans."""
    stop_first: LivedFigure
    """How often the stop of the entry was touched first, 0–1; not beyond 4 hours."""
    target_first: LivedFigure
    """How often the first target was, 0–1."""


class GroupRow(msgspec.Struct, frozen=True, kw_only=True):
    """The main figures of one group of statements."""

    by: str
    """What is grouped by: `symbol` (15m and 1h alone), `hour` of the close (UTC), `label` or `regime`."""
    name: str
    """Which of them; `unknown` where it was not known."""
    horizon_min: int
    """How far after the entry, minutes."""
    readings: int
    """How many readings there were of which it is known what came."""
    large_move_skill: LivedFigure
    """As in `large_move.skill`."""
    beyond_costs_skill: LivedFigure
    """As in `beyond_costs.skill`."""
    inside_80: LivedFigure
    """Share of returns inside the 80 % band, 0–1."""
    claim_hit: LivedFigure
    """Share of claims beyond costs on their side, 0–1."""
    claim_net_bp: LivedFigure
    """Mean result of claims after costs, bp."""


class SignalPerformance(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/signals/performance`: how good what this monitor said was, by what came of it.

    Readings are those of every quarter of an hour; what came of them is settled once, as it falls due.
    """

    timestamp: str
    """When it was made, ISO 8601 in UTC, every 15 minutes; 1970 before the first time."""
    origin: str
    """`lived`: said by this monitor while it ran. What was backtested stands in `forecast.horizons[].backtested` of
    each symbol and is nowhere in here."""
    since: str | None
    """The first day that is counted, ISO 8601 in UTC: of the last 30; `null` before there is any."""
    pending: int
    """How many closes and horizons are still to be settled."""
    horizons: tuple[HorizonQuality, ...]
    """By horizon, all symbols together."""
    groups: tuple[GroupRow, ...]
    """By symbol, hour, label and regime."""
    reason: str | None = None
    """Why there is nothing; `null` where there is something."""
