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
from virtuoso.model.signal import Statement
from virtuoso.model.timeframe import Timeframe
from virtuoso.monitor.lived.record import LivedRecord
from virtuoso.monitor.persistence.arrays import FIT, RECENT, SAMPLES, written
from virtuoso.monitor.persistence.bar_archive import BarArchive
from virtuoso.monitor.persistence.committer import Committer
from virtuoso.monitor.persistence.recalled import RestartState
from virtuoso.monitor.persistence.series_rows import cycle_row, factor_rows, feed_rows_of, market_row, signal_rows
from virtuoso.monitor.persistence.signal_log import SignalLog
from virtuoso.monitor.regimes import RegimesCheckpoint, RegimeState
from virtuoso.storage.database.records import SignalRecord
from virtuoso.storage.timeseries.protocol import TimeSeries
from virtuoso.storage.timeseries.schema import CYCLES, FACTORS, FEEDS, MARKET, SIGNALS, Row

_FEEDS_MS = 60_000
_OUTLOOK_MS = 15 * Timeframe.M1.ms
"""What forecasts have learnt is kept so often: that much a restart learns anew, from bars."""


@dataclass(frozen=True, slots=True)
class Found:
    """What an evaluation amounts to, made on the worker."""

    evaluation: Evaluation
    signals: tuple[SignalRecord, ...]
    checkpoints: Mapping[str, Checkpoint]
    past: tuple[PastDay, ...]
    factors: list[Row]
    training: TrainingSet | None
    statements: tuple[Statement, ...] = ()


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
        self._kept: RestartState | None = None
        self._outlook_ms = 0
        self._samples_ms = self._settled = 0
        self._kept_fit: str | None = None

    def found(self, evaluation: Evaluation, cut: Cut, engine: Engine, source: DataSource | None) -> Found:
        """On the worker, right after the step."""
        checkpoints = engine.checkpoints()
        changes = self.signals.observe(evaluation, cut.symbols, source) + self.signals.retain(checkpoints, source)
        self._lived.observe(evaluation, cut.symbols)
        rows = factor_rows(evaluation.reading(symbol) for symbol in cut.symbols) if self._series is not None else []
        past = engine.changed_past() if self._committer.keeps else ()
        training = None if engine.outlook is None else engine.outlook.take_training()
        return Found(evaluation, changes, checkpoints, past, rows, training)

    def keeps_outlook(self, close_ms: int, engine: Engine) -> bool:
        """Whether what forecasts have learnt is to be kept at a close: four times an hour, and where a fit is new."""
        outlook = engine.outlook
        if outlook is None or not self._committer.keeps or not self._kept_ms < close_ms:
            return False
        due = close_ms // _OUTLOOK_MS > self._outlook_ms // _OUTLOOK_MS
        return due or (outlook.fit is not None and outlook.fit.version != self._kept_fit)

    def outlook(self, close_ms: int, engine: Engine) -> Mapping[str, str]:
        """On the worker: what forecasts have learnt by a close, as it is kept; samples once a day, as they are many."""
        outlook = engine.outlook
        if outlook is None or not self._committer.keeps:
            return {}
        kept = {}
        self._outlook_ms = close_ms
        if close_ms // Timeframe.D1.ms > self._samples_ms // Timeframe.D1.ms:
            self._samples_ms, self._settled = close_ms, outlook.settled
            kept[SAMPLES] = written(outlook.samples())
        kept[RECENT] = written(outlook.recent(self._settled))
        if outlook.fit is not None and outlook.fit.version != self._kept_fit:
            self._kept_fit = outlook.fit.version
            kept[FIT] = kept[f"{FIT} {self._kept_fit}"] = written(outlook.fit.arrays())  # every version stays
        return kept

    def evaluated(self, cut: Cut, found: Found) -> None:
        """Bars, scores and changes of label are kept."""
        symbols = dict(zip(cut.rows.tolist(), cut.symbols, strict=True))
        for blocks in cut.bars.values():
            self._archive.closed(blocks, symbols)
        self._pending += found.signals
        self._lived.evaluated()
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
        self, close_ms: int, state: RegimeState, regimes: RegimesCheckpoint, overview: docs.MarketOverview,
        outlook: Mapping[str, str],
    ) -> None:  # fmt: skip
        """Once a close, after its documents are out, commit its state and keep the market as a whole.

        `outlook` is what is kept of forecasts with it, if that is due.
        """
        if close_ms <= self._kept_ms or not self._checkpoints:
            return
        self._kept_ms = close_ms
        kept = self._kept = RestartState(
            close_ms=close_ms, checkpoints=dict(self._checkpoints), recorded=self.signals.recorded(), regimes=regimes
        )
        self._committer.close(kept, tuple(self._pending), state.new, tuple(self._past.values()), outlook)
        self._pending.clear()
        self._past.clear()
        if self._series is not None:
            self._series.write(MARKET, [market_row(close_ms, overview)])

    def ending(self, outlook: Mapping[str, str]) -> None:
        """Keep what forecasts have learnt, at the end of the program."""
        if self._kept is not None and outlook:
            self._committer.close(self._kept, (), (), outlook=outlook)

    def cycled(self, ended_ms: int, *, ok: bool, symbols: int, stages: Mapping[str, float]) -> None:
        """Write one row about a pass that has ended to the time series, if there is one."""
        if self._series is not None:
            self._series.write(CYCLES, [cycle_row(ended_ms, ok=ok, symbols=symbols, stages=stages)])

    def observed(self, now_ms: int, feeds: tuple[docs.FeedItem, ...]) -> None:
        """How the feeds are: kept once a minute."""
        if self._series is not None and now_ms // _FEEDS_MS > self._feeds_ms // _FEEDS_MS:
            self._feeds_ms = now_ms
            self._series.write(FEEDS, feed_rows_of(now_ms, feeds))
