"""Signals: changes of label, found by comparing each evaluation with what was recorded last."""

from collections.abc import Collection, Mapping, Sequence

import msgspec

from virtuoso.analysis.evaluation import Evaluation
from virtuoso.model.quality import DataSource
from virtuoso.model.signal import Label, Reading
from virtuoso.storage.database.records import SignalRecord


class SignalLog:
    """The label recorded last of each symbol. A symbol's first label is where it begins, not a change."""

    def __init__(self, exchange: str) -> None:
        self._exchange = exchange
        self._recorded: dict[str, Label] = {}

    def observe(
        self, evaluation: Evaluation, symbols: Sequence[str], source: DataSource | None
    ) -> tuple[SignalRecord, ...]:
        """The changes that an evaluation of `symbols` brings."""
        found = []
        for symbol in symbols:
            label = evaluation.signal(symbol)
            before = self._recorded.get(symbol)
            self._recorded[symbol] = label
            if before is not None and before is not label:
                found.append(self._record(evaluation.reading(symbol), before, source))
        return tuple(found)

    def _record(self, reading: Reading, before: Label, source: DataSource | None) -> SignalRecord:
        return SignalRecord(
            exchange=self._exchange,
            symbol=reading.symbol,
            close_ms=reading.close_ms,
            label=reading.signal,
            before=before,
            score=reading.score,
            confidence=reading.confidence,
            price=reading.entry.price,
            data_quality=reading.quality,
            data_source=source,
            why=msgspec.json.encode(reading).decode(),
        )

    def recorded(self) -> dict[str, Label]:
        """For a restart."""
        return dict(self._recorded)

    def resume(self, recorded: Mapping[str, Label]) -> None:
        """Go on from what an earlier run recorded."""
        self._recorded.update(recorded)

    def retain(self, symbols: Collection[str]) -> None:
        """Forget what is no longer watched: it would begin anew."""
        self._recorded = {symbol: label for symbol, label in self._recorded.items() if symbol in symbols}
