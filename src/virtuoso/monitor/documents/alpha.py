"""Builds the document `alpha` from the latest scan of each timeframe."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from virtuoso.analysis.alpha.estimates import WINDOWS, Estimate
from virtuoso.analysis.alpha.patterns import PATTERNS, RELEASE, Pattern, TierScan, q_values
from virtuoso.market.panel import Floats
from virtuoso.model.alpha_documents import AlphaDocument, AlphaEstimate, AlphaItem, AlphaTest, AlphaTier
from virtuoso.model.clock import iso
from virtuoso.model.quality import DataSource
from virtuoso.model.timeframe import Timeframe

NO_BENCHMARK = "no BTC contract is watched, and so there is nothing to measure alpha and beta against"
_WAITING = "not scanned yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """A scan, when it was made (epoch ms), the close of its newest bar, and its benchmark."""

    scan: TierScan
    at_ms: int
    close_ms: int
    benchmark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A pattern that is found, or was and has not ceased; the windows' values are the pattern's own measure."""

    pattern: Pattern
    symbol: str
    timeframe: Timeframe
    benchmark: str
    long: float
    recent: float
    p: float
    q: float
    found: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What the document holds besides the scans."""

    now_ms: int
    source: DataSource | None
    benchmark: str | None
    rate: float
    intervals: Mapping[Timeframe, int]
    watched: Collection[str]


def alpha_document(scanned: Mapping[Timeframe, Scanned], context: Context) -> tuple[AlphaDocument, list[Holding]]:
    """Build the document, and list the patterns that hold; symbols that are no longer watched are left out."""
    q = dict(zip(scanned, q_values([each.scan for each in scanned.values()]), strict=True))
    items: list[tuple[float, AlphaItem]] = []
    holding: list[Holding] = []
    for timeframe, each in scanned.items():
        items += [item for item in _items(each.scan, q[timeframe], context.rate) if item[1].symbol in context.watched]
        holding += [found for found in _holding(each, q[timeframe], context.rate) if found.symbol in context.watched]
    items.sort(key=lambda each: (each[0], each[1].symbol, Timeframe(each[1].timeframe).ms))
    return AlphaDocument(
        timestamp=iso(context.now_ms) or "",
        data_source=context.source,
        benchmark=context.benchmark,
        false_discovery_rate=context.rate,
        tests=sum(int(np.isfinite(each.scan.p).sum()) for each in scanned.values()),
        found=sum(test.found for _, item in items for test in item.tests),
        tiers=tuple(_tier(timeframe, scanned.get(timeframe), context) for timeframe in context.intervals),
        rows=tuple(item for _, item in items),
        reason=NO_BENCHMARK if context.benchmark is None else None,
    ), holding


def _tier(timeframe: Timeframe, scanned: Scanned | None, context: Context) -> AlphaTier:
    windows = WINDOWS[timeframe]
    return AlphaTier(
        timeframe=timeframe,
        interval_min=context.intervals[timeframe],
        long_bars=windows.long,
        recent_bars=windows.recent,
        benchmark=None if scanned is None else scanned.benchmark,
        scanned_at=None if scanned is None else iso(scanned.at_ms),
        last_close=None if scanned is None else iso(scanned.close_ms),
        symbols=0 if scanned is None else len(scanned.scan.symbols),
        tested=0 if scanned is None else int(np.isfinite(scanned.scan.p[0]).sum()),
        reason=None if scanned is not None else NO_BENCHMARK if context.benchmark is None else _WAITING,
    )


def _items(scan: TierScan, q: Floats, rate: float) -> list[tuple[float, AlphaItem]]:
    """Pair the item of each symbol with its least q-value, infinite for one that was not tested."""
    least = np.where(np.isfinite(q), q, np.inf).min(axis=0, initial=np.inf).tolist()
    long, recent = _estimates(scan.long), _estimates(scan.recent)
    p, qs, effects = scan.p.T.tolist(), q.T.tolist(), np.round(scan.effect.T, 4).tolist()
    return [
        (
            least[i],
            AlphaItem(
                symbol=symbol,
                timeframe=scan.timeframe,
                long=long[i],
                recent=recent[i],
                tests=_tests(p[i], qs[i], effects[i], rate) if reason is None else (),
                reason=reason,
            ),
        )
        for i, (symbol, reason) in enumerate(zip(scan.symbols, scan.reasons, strict=True))
    ]


def _tests(p: Sequence[float], q: Sequence[float], effects: Sequence[float], rate: float) -> tuple[AlphaTest, ...]:
    return tuple(
        AlphaTest(
            pattern=pattern,
            effect=effects[k],
            direction="up" if effects[k] > 0 else "down" if effects[k] < 0 else None,
            p=p[k],
            q=q[k],
            found=q[k] <= rate,
        )
        for k, pattern in enumerate(PATTERNS)
    )


def _estimates(estimate: Estimate) -> list[AlphaEstimate]:
    low, high = estimate.correlation_interval()
    columns = [
        _known(values)
        for values in (
            estimate.alpha, estimate.alpha_se, estimate.beta, estimate.beta_se, estimate.correlation, low, high,
        )
    ]  # fmt: skip
    return [
        AlphaEstimate(
            bars=bars, alpha=alpha, alpha_se=alpha_se, beta=beta, beta_se=beta_se, correlation=correlation,
            correlation_low=lower, correlation_high=upper,
        )
        for bars, alpha, alpha_se, beta, beta_se, correlation, lower, upper in zip(
            estimate.count.astype(np.int64).tolist(), *columns, strict=True
        )
    ]  # fmt: skip


def _known(values: Floats) -> list[float | None]:
    """Round to four decimals; `None` for `nan`."""
    rounded = np.round(values, 4).tolist()
    return [value if known else None for value, known in zip(rounded, np.isfinite(values).tolist(), strict=True)]


def _holding(each: Scanned, q: Floats, rate: float) -> list[Holding]:
    scan = each.scan
    measured = {
        Pattern.CORRELATION_BREAKDOWN: (scan.long.correlation, scan.recent.correlation),
        Pattern.BETA_EXPANSION: (scan.long.beta, scan.recent.beta),
        Pattern.ALPHA_BREAKOUT: (scan.long.alpha, scan.recent.alpha),
    }
    found = []
    for k, i in np.argwhere(q <= RELEASE * rate).tolist():
        long, recent = measured[PATTERNS[k]]
        found.append(
            Holding(
                pattern=PATTERNS[k],
                symbol=scan.symbols[i],
                timeframe=scan.timeframe,
                benchmark=each.benchmark,
                long=float(long[i]),
                recent=float(recent[i]),
                p=float(scan.p[k, i]),
                q=float(q[k, i]),
                found=bool(q[k, i] <= rate),
            )
        )
    return found
