"""What is kept of a cycle: bars and scores in the time series, signals and state in the database."""

from collections.abc import Mapping
from dataclasses import dataclass

from virtuoso.analysis.checkpoint import Checkpoint
from virtuoso.analysis.engine import Engine
from virtuoso.analysis.forecast.training import TrainingSet
from virtuoso.analysis.percentile import PastDay
from virtuoso.analysis.readings.evaluation import Evaluation
from virtuoso.market.panel import Cut
from virtuoso.model import documents as docs
from virtuoso.model.quality import DataSource
from virtuoso.monitor.lived.record import LivedRecord
from virtuoso.monitor.persistence.arrays import CLAIMS, FIT, SAMPLES, written
from virtuoso.monitor.persistence.bar_archive import BarArchive
from virtuoso.monitor.persistence.committer import Committer, RestartState
from virtuoso.monitor.persistence.series_rows import cycle_row, factor_rows, feed_rows_of, market_row, signal_rows
from virtuoso.monitor.persistence.signal_log import SignalLog
from virtuoso.monitor.regimes import RegimesCheckpoint, RegimeState
from virtuoso.storage.database.records import SignalRecord
from virtuoso.storage.timeseries.protocol import TimeSeries
from virtuoso.storage.timeseries.schema import CYCLES, FACTORS, FEEDS, MARKET, SIGNALS, Row

_FEEDS_MS = 60_000


@dataclass(frozen=True, slots=True)
class Found:
    """What an evaluation amounts to, made on the worker."""

    evaluation: Evaluation
    signals: tuple[SignalRecord, ...]
    checkpoints: Mapping[str, Checkpoint]
    past: tuple[PastDay, ...]
    factors: list[Row]
    training: TrainingSet | None
    kept: Mapping[str, str]


class Results:
    """Used on the event loop, but for `found`, which runs where the engine does."""

    def __init__(
        self, archive: BarArchive, committer: Committer, series: TimeSeries | None, exchange: str, lived: LivedRecord
    ) -> None:
        self._archive = archive
        self._committer = committer
        self._series = series
        self._lived = lived
        self.signals = SignalLog(exchange)
        self._pending: list[SignalRecord] = []
        self._checkpoints: Mapping[str, Checkpoint] = {}
        self._past: dict[int, PastDay] = {}
        self._kept_ms = 0
        self._feeds_ms = 0
        self._outlook: dict[str, str] = {}
        self._kept_fit: str | None = None

    def found(self, evaluation: Evaluation, cut: Cut, engine: Engine, source: DataSource | None) -> Found:
        """On the worker, right after the step."""
        checkpoints = engine.checkpoints()
        changes = self.signals.observe(evaluation, cut.symbols, source) + self.signals.retain(checkpoints, source)
        self._lived.observe(evaluation, cut.symbols)
        rows = factor_rows(evaluation.reading(symbol) for symbol in cut.symbols) if self._series is not None else []
        past = engine.changed_past() if self._committer.keeps else ()
        training, kept = self._of_outlook(engine)
        return Found(evaluation, changes, checkpoints, past, rows, training, kept)

    def _of_outlook(self, engine: Engine) -> tuple[TrainingSet | None, Mapping[str, str]]:
        """What a refit is due to, and what a restart goes on from; samples once a day, as they are many."""
        outlook = engine.outlook
        if outlook is None:
            return None, {}
        training = outlook.take_training()
        if not self._committer.keeps:
            return training, {}
        kept = {CLAIMS: written(outlook.counted())}
        if training is not None:
            kept[SAMPLES] = written(outlook.samples())
        if outlook.fit is not None and outlook.fit.version != self._kept_fit:
            self._kept_fit = outlook.fit.version
            kept[FIT] = written(outlook.fit.arrays())
        return training, kept

    def evaluated(self, cut: Cut, found: Found) -> None:
        """Bars, scores and changes of label are kept."""
        symbols = dict(zip(cut.rows.tolist(), cut.symbols, strict=True))
        for blocks in cut.bars.values():
            self._archive.closed(blocks, symbols)
        self._pending += found.signals
        self._lived.evaluated()
        self._outlook.update(found.kept)
        self._checkpoints = found.checkpoints
        self._past.update((day.day, day) for day in found.past)
        self._kept_ms = 0
        if self._series is not None:
            self._series.write(FACTORS, found.factors)
            self._series.write(SIGNALS, signal_rows(found.signals))

    def lapsed(self, close_ms: int, source: DataSource | None) -> tuple[SignalRecord, ...]:
        """The ends of labels whose symbols were not scored for too long, at the close `close_ms`; they are kept."""
        ended = self.signals.lapsed(close_ms, source)
        self._pending += ended
        if ended and self._series is not None:
            self._series.write(SIGNALS, signal_rows(ended))
        return ended

    def published(
        self, close_ms: int, state: RegimeState, regimes: RegimesCheckpoint, overview: docs.MarketOverview
    ) -> None:
        """Once a close, after its documents are out, commit its state and keep the market as a whole."""
        if close_ms <= self._kept_ms or not self._checkpoints:
            return
        self._kept_ms = close_ms
        kept = RestartState(
            close_ms=close_ms, checkpoints=dict(self._checkpoints), recorded=self.signals.recorded(), regimes=regimes
        )
        self._committer.close(kept, tuple(self._pending), state.new, tuple(self._past.values()), self._outlook)
        self._outlook = {}
        self._pending.clear()
        self._past.clear()
        if self._series is not None:
            self._series.write(MARKET, [market_row(close_ms, overview)])

    def cycled(self, ended_ms: int, *, ok: bool, symbols: int, stages: Mapping[str, float]) -> None:
        """Write one row about a pass that has ended to the time series, if there is one."""
        if self._series is not None:
            self._series.write(CYCLES, [cycle_row(ended_ms, ok=ok, symbols=symbols, stages=stages)])

    def observed(self, now_ms: int, feeds: tuple[docs.FeedItem, ...]) -> None:
        """How the feeds are: kept once a minute."""
        if self._series is not None and now_ms // _FEEDS_MS > self._feeds_ms // _FEEDS_MS:
            self._feeds_ms = now_ms
            self._series.write(FEEDS, feed_rows_of(now_ms, feeds))
