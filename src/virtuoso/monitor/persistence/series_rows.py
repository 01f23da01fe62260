"""Rows for the time series, from what a cycle found."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from virtuoso.model import documents as docs
from virtuoso.model.catalogue.factors import FACTORS
from virtuoso.model.feed_kind import FeedKind
from virtuoso.model.quality import DataQuality
from virtuoso.model.signal import Reading
from virtuoso.storage.database.records import SignalRecord
from virtuoso.storage.timeseries.schema import Row, Value

_STALE = (DataQuality.STALE, DataQuality.UNAVAILABLE)


def factor_rows(readings: Iterable[Reading]) -> list[Row]:
    """Make the rows of the measurement `factors`, one for each reading."""
    rows: list[Row] = []
    for reading in readings:
        scores = {factor.name: factor.score for factor in reading.factors}
        values: tuple[Value, ...] = (
            reading.symbol, reading.band and reading.band.value, reading.score,
            reading.score_percentile, reading.agreement, reading.coverage, reading.consensus,
            reading.disagreement, *(scores.get(name) for name in FACTORS),
        )  # fmt: skip
        rows.append((reading.close_ms, *values))
    return rows


def signal_rows(signals: Iterable[SignalRecord]) -> list[Row]:
    """`signals`, a row a change of label."""
    return [
        (
            s.close_ms, s.symbol, s.label and s.label.value, s.before and s.before.value, s.id, s.score, s.agreement,
            s.price,
        )
        for s in signals
    ]  # fmt: skip


def market_row(close_ms: int, overview: docs.MarketOverview) -> Row:
    """Make the row of the measurement `market` at a close."""
    breadth = overview.breadth
    return (
        close_ms, overview.regime, breadth.advancing, breadth.declining, breadth.neutral, overview.trend_strength,
        overview.volatility, overview.avg_volatility, overview.btc_dominance, overview.total_volume,
        overview.momentum_score, overview.btc_price, overview.eth_price, overview.avg_market_change,
    )  # fmt: skip


def cycle_row(ended_ms: int, *, ok: bool, symbols: int, stages: Mapping[str, float]) -> Row:
    """`cycles`: durations of the stages of one pass, ms."""
    names = ("total", "refresh", "analyse", "decide", "publish")
    values: tuple[Value, ...] = (ok, symbols, *(stages.get(name) for name in names))
    return (ended_ms, *values)


def feed_rows_of(now_ms: int, feeds: Sequence[docs.FeedItem]) -> list[Row]:
    """`feeds`: those of one kind together."""
    kinds: dict[FeedKind, list[docs.FeedItem]] = defaultdict(list)
    for feed in feeds:
        kinds[feed.kind].append(feed)
    rows: list[Row] = []
    for kind, members in sorted(kinds.items()):
        ages = [feed.age_ms for feed in members if feed.age_ms is not None]
        lags = [feed.lag_ms for feed in members if feed.lag_ms is not None]
        rows.append(
            (
                now_ms, kind.value, len(members), sum(f.connected for f in members),
                sum(f.data_quality in _STALE for f in members), sum(f.mute for f in members),
                sum(f.messages for f in members), sum(f.resyncs for f in members),
                float(max(ages)) if ages else None, median(lags) if lags else None,
            )
        )  # fmt: skip
    return rows
