"""The published document of the alpha scanner."""

import msgspec

from virtuoso.model.quality import DataSource


class AlphaEstimate(msgspec.Struct, frozen=True, kw_only=True):
    """A window's regression on the benchmark: `alpha` in log-% per day, errors are standard errors, 95 % limits."""

    bars: int
    alpha: float | None
    alpha_se: float | None
    beta: float | None
    beta_se: float | None
    correlation: float | None
    correlation_low: float | None
    correlation_high: float | None


class AlphaTest(msgspec.Struct, frozen=True, kw_only=True):
    """One pattern tested: `effect` is recent less long, or the recent alpha; found when `q` is within the rate."""

    pattern: str
    effect: float | None
    direction: str | None
    p: float | None
    q: float | None
    found: bool


class AlphaRow(msgspec.Struct, frozen=True, kw_only=True):
    """One symbol on one timeframe; without tests there is a reason."""

    symbol: str
    timeframe: str
    long: AlphaEstimate
    recent: AlphaEstimate
    tests: tuple[AlphaTest, ...]
    reason: str | None


class AlphaTier(msgspec.Struct, frozen=True, kw_only=True):
    """One timeframe's latest scan: window lengths in returns; `last_close` is the end of the newest bar in it."""

    timeframe: str
    interval_min: int
    long_bars: int
    recent_bars: int
    benchmark: str | None
    scanned_at: str | None
    last_close: str | None
    symbols: int
    tested: int
    reason: str | None


class AlphaDocument(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/alpha`: rows by their least q-value; all `tests` of all tiers are one family for the q-values."""

    timestamp: str
    data_source: DataSource | None
    benchmark: str | None
    false_discovery_rate: float | None
    tests: int
    found: int
    tiers: tuple[AlphaTier, ...]
    rows: tuple[AlphaRow, ...]
    reason: str | None
