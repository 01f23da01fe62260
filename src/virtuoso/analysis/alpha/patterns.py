"""Alpha scan: one timeframe's recent window against the long one before it, and which differences are real."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from virtuoso.analysis.alpha.estimates import WINDOWS, Estimate, Windows, estimate, history
from virtuoso.analysis.alpha.multiple_testing import benjamini_hochberg, student_tail
from virtuoso.market.panel import Floats
from virtuoso.model.timeframe import Timeframe

MIN_SHARE = 0.75
"""Share of a window's bars that a symbol must have to be tested."""
RELEASE = 10.0
"""A pattern found at a rate holds until its q-value exceeds this times the rate, so that it does not flicker."""


class Pattern(StrEnum):
    """What is tested of each symbol and timeframe."""

    CORRELATION_BREAKDOWN = "correlation_breakdown"
    """The recent correlation is below the long one (one-sided); effect: their difference."""
    BETA_EXPANSION = "beta_expansion"
    """The recent beta is further from 0 than the long one, on its side (one-sided); effect: their difference."""
    ALPHA_BREAKOUT = "alpha_breakout"
    """The recent alpha is not 0 (two-sided); effect: it, in log-% per day."""


PATTERNS = tuple(Pattern)
"""In the order of the rows of `TierScan.p` and `.effect`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TierScan:
    """One scan of one timeframe: `p` and `effect` are [pattern, symbol], `nan` where not tested, `reasons` say why."""

    timeframe: Timeframe
    symbols: tuple[str, ...]
    long: Estimate
    recent: Estimate
    p: Floats
    effect: Floats
    reasons: tuple[str | None, ...]


def scan(timeframe: Timeframe, symbols: Sequence[str], closes: Floats, benchmark: Floats) -> TierScan:
    """Test all symbols: `closes` [t, n] and the benchmark's [t], t = `history(timeframe)`, oldest first, `nan` missing.

    Raises:
        ValueError: the timeframe has no windows, or t is another number.
    """
    windows = WINDOWS.get(timeframe)
    if windows is None or not len(closes) == len(benchmark) == history(timeframe):
        raise ValueError(f"{timeframe}: {len(closes)} and {len(benchmark)} closes; a scan reads {history(timeframe)}")
    returns, reference = _returns(closes), _returns(benchmark)
    long = estimate(returns[: windows.long], reference[: windows.long], timeframe)
    recent = estimate(returns[windows.long :], reference[windows.long :], timeframe)
    enough = (long.count >= MIN_SHARE * windows.long) & (recent.count >= MIN_SHARE * windows.recent)
    p, effect = _tests(long, recent)
    p[:, ~(enough & np.isfinite(p).all(axis=0))] = np.nan
    tested = np.isfinite(p[0])
    reasons: list[str | None] = [None] * len(symbols)
    for i in np.flatnonzero(~tested).tolist():
        reasons[i] = _reason(i, windows, returns, reference, bool(enough[i]))
    return TierScan(
        timeframe=timeframe,
        symbols=tuple(symbols),
        long=long,
        recent=recent,
        p=p,
        effect=np.where(tested, effect, np.nan),
        reasons=tuple(reasons),
    )


def q_values(scans: Sequence[TierScan]) -> list[Floats]:
    """The q-values of each scan, shaped as its `p`: all tests of all scans are one family."""
    if not scans:
        return []
    q = benjamini_hochberg(np.concatenate([scan.p.ravel() for scan in scans]))
    ends = np.cumsum([scan.p.size for scan in scans])[:-1]
    return [part.reshape(scan.p.shape) for part, scan in zip(np.split(q, ends), scans, strict=True)]


def _returns(closes: Floats) -> Floats:
    """Log returns; in row order, because numpy adds up a column of another layout in another order."""
    rows = np.ascontiguousarray(closes)
    return np.diff(np.log(np.where(rows > 0.0, rows, np.nan)), axis=0)


def _tests(long: Estimate, recent: Estimate) -> tuple[Floats, Floats]:
    """p-values and effects [3, n], in the order of `PATTERNS`.

    Two windows share no bar, so errors add in squares; degrees of freedom by Welch (1947) and Satterthwaite (1946).
    """
    with np.errstate(all="ignore"):
        z_se, z_df = _welch(long.z_se, long.count - 2.0, recent.z_se, recent.count - 2.0)
        beta_se, beta_df = _welch(long.beta_se, long.beta_df, recent.beta_se, recent.beta_df)
        outward = np.sign(long.beta) * (recent.beta - long.beta)
        tails = student_tail(
            np.stack([(long.z - recent.z) / z_se, outward / beta_se, np.abs(recent.alpha / recent.alpha_se)]),
            np.stack([z_df, beta_df, recent.count - 2.0]),
        )
    effect = np.stack([recent.correlation - long.correlation, recent.beta - long.beta, recent.alpha])
    return tails * np.array([[1.0], [1.0], [2.0]]), effect


def _welch(a: Floats, a_df: Floats, b: Floats, b_df: Floats) -> tuple[Floats, Floats]:
    """Standard error of a difference, and its degrees of freedom."""
    a2, b2 = a * a, b * b
    return np.sqrt(a2 + b2), (a2 + b2) ** 2 / (a2 * a2 / a_df + b2 * b2 / b_df)


def _reason(i: int, windows: Windows, returns: Floats, reference: Floats, enough: bool) -> str:
    """Say why symbol `i` was not tested: which returns it lacks."""
    used = np.isfinite(returns[:, i]) & np.isfinite(reference)
    if not enough:
        long, recent = int(used[: windows.long].sum()), int(used[windows.long :].sum())
        return (
            f"has {long} of {windows.long} returns before the last {windows.recent} and {recent} of those; "
            f"{MIN_SHARE:.0%} of each are needed"
        )
    for part, name in ((slice(None, windows.long), "long"), (slice(windows.long, None), "recent")):
        for values, whose in ((reference, "the benchmark's price"), (returns[:, i], "the price")):
            if np.count_nonzero(values[part][used[part]]) < 2:
                return f"{whose} hardly moved in the {name} window"
    return "moves so exactly with the benchmark, or in so few bars, that no error can be told"
