"""The published document of the alpha scanner."""

import msgspec

from virtuoso.model.quality import DataSource


class AlphaEstimate(msgspec.Struct, frozen=True, kw_only=True):
    """Regression of a symbol's log returns on the benchmark's over a window; `null` where that determines none."""

    bars: int
    """How many returns of the window were used: those that both have."""
    alpha: float | None
    """What the symbol gained beyond beta times the benchmark, log-% per day (percent as a logarithm)."""
    alpha_se: float | None
    """Standard error of `alpha`, log-% per day."""
    beta: float | None
    """Ratio in which the symbol moves with the benchmark: 1 moves as it does."""
    beta_se: float | None
    """Standard error of `beta`, the same ratio."""
    correlation: float | None
    """Correlation of the returns with the benchmark's, −1 to 1."""
    correlation_low: float | None
    """Lower 95 % limit of the correlation, −1 to 1."""
    correlation_high: float | None
    """Upper 95 % limit of the correlation, −1 to 1."""


class AlphaTest(msgspec.Struct, frozen=True, kw_only=True):
    """One pattern tested on one symbol and timeframe."""

    pattern: str
    """What is tested: `correlation_breakdown` (the recent correlation is below the long one), `beta_expansion` (the
    recent beta is further from 0) or `alpha_breakout` (the recent alpha is not 0)."""
    effect: float | None
    """Its size by `pattern`: recent less long correlation (−2 to 2), recent less long beta (a ratio), or the recent
    alpha (log-% per day). Never `null` so far: what cannot be tested is left out."""
    direction: str | None
    """`up` where the effect is above 0, `down` where it is below; `null` where it is 0."""
    p: float | None
    """Probability of such an effect by chance alone, 0–1. Never `null` so far."""
    q: float | None
    """The same corrected for how many tests were made (Benjamini–Hochberg), 0–1. Never `null` so far."""
    found: bool
    """Whether the pattern counts as found: `q` is at most `false_discovery_rate`."""


class AlphaItem(msgspec.Struct, frozen=True, kw_only=True):
    """What the scan found for one symbol on one timeframe."""

    symbol: str
    """The exchange's own name of the instrument, such as `BTCUSDT`."""
    timeframe: str
    """Length of the bars whose closes were compared, such as `5m`."""
    long: AlphaEstimate
    """The long window, which ends where the recent one begins."""
    recent: AlphaEstimate
    """The recent window, up to the newest bar."""
    tests: tuple[AlphaTest, ...]
    """The patterns tested; empty with a `reason` where none could be."""
    reason: str | None
    """Why it was not tested; `null` where it was."""


class AlphaTier(msgspec.Struct, frozen=True, kw_only=True):
    """The latest scan of one timeframe."""

    timeframe: str
    """Length of the bars whose closes are compared, such as `5m`."""
    interval_min: int
    """Time between two scans, minutes."""
    long_bars: int
    """How many returns the long window has."""
    recent_bars: int
    """How many returns the recent window has, which follows the long one."""
    benchmark: str | None
    """The symbol that the scan compared with; `null` before the first scan."""
    scanned_at: str | None
    """When it was scanned, ISO 8601 in UTC; `null` before the first scan."""
    last_close: str | None
    """Close of the newest bar in it, ISO 8601 in UTC; `null` before the first scan."""
    symbols: int
    """How many symbols were scanned."""
    tested: int
    """How many of them had bars enough to be tested."""
    reason: str | None
    """Why it was not scanned yet; `null` once it was."""


class AlphaDocument(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/alpha`: alpha, beta and correlation of each symbol against BTC, and which changes are more than chance."""

    timestamp: str
    """When it was published, ISO 8601 in UTC; 1970 before the first publication."""
    data_source: DataSource | None
    """What the exchange behind it is; `null` until it has answered once."""
    benchmark: str | None
    """The symbol that all are compared with now; `null` where no BTC contract is watched."""
    false_discovery_rate: float | None
    """Share of the found patterns that may be chance, 0–1, as configured; `null` before the first publication."""
    tests: int
    """How many tests were made, all tiers together: one family for the q-values."""
    found: int
    """How many patterns were found in them."""
    tiers: tuple[AlphaTier, ...]
    """The scanned timeframes, each with its latest scan."""
    rows: tuple[AlphaItem, ...]
    """One for each symbol and timeframe, those with the least q-value first."""
    reason: str | None
    """Why there is nothing to scan against, or nothing published; `null` otherwise."""
