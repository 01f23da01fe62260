"""What is said at base closes of how far, how likely, and which way: arrays over symbols, `nan` for unknown."""

from collections.abc import Mapping
from dataclasses import dataclass

from virtuoso.analysis.forecast.cones.market import MarketForecasts
from virtuoso.analysis.forecast.outcomes import Outcomes
from virtuoso.market.panel import Floats, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecasts:
    """Forecasts of n symbols at t base closes (live t = 1); each mapping is by horizon in minutes, of arrays [t, n].

    Returns are log returns from the entry, the next base bar's open, to the close at the horizon. `cone`, `high` and
    `low` are quantiles [6, t, n] at `horizons.TAILS`. What is `nan` is unknown: features are not ready, a price is
    missing, no fit exists yet, or for quantiles too few outcomes.
    """

    version: str | None
    """The fit that these come from (a hash of its content), `None` before there is one."""
    close_ms: Ints
    """The base closes [t], epoch ms."""
    rows: Ints
    """The symbols' rows [n]."""
    volatility: Mapping[int, Floats]
    """Volatility of the return over the horizon: that which realised volatility is as likely above as below."""
    variance: Mapping[int, Floats]
    """Expected realised variance over the horizon, more than `volatility` squared, as calm hides the rare storm."""
    large_move: Mapping[int, Floats]
    """P(|return| > `large_move_threshold`)."""
    large_move_base: Mapping[int, Floats]
    """The symbol's own rate of that over the last seven days, counted: one fifth, or less where moves are alike."""
    large_move_threshold: Mapping[int, Floats]
    """What 80 % of the symbol's own |returns| over the last seven days did not exceed (`quantiles.WeekOfMoves`)."""
    beyond_up: Mapping[int, Floats]
    """P(return > the cost of a long)."""
    beyond_down: Mapping[int, Floats]
    """P(−return > the cost of a short)."""
    cost_bp: Floats
    """Cost of a round trip [t, n] without funding, basis points."""
    outcomes: Outcomes
    """What is known at each close of the close a horizon before [3, t, n]."""
    realised: Floats
    """Log realised volatility over the horizon that ends at each close [3, t, n]."""
    cone: Mapping[int, Floats]
    """Quantiles of the closing return."""
    high: Mapping[int, Floats]
    """Quantiles of the highest high's return: each level is touched before the horizon with 1 − its tail."""
    low: Mapping[int, Floats]
    """Quantiles of the lowest low's return."""
    market: MarketForecasts | None
    """The market's, `None` for symbols whose bars came late."""
