"""Signals: claims that begin or end, each kept once, none without its beginning.

A first BUY or SELL is one like any other, from no label (`None`) or HOLD; HOLD and unknown alone are none. An end
says what it ended by: HOLD, the other side, or `None` where the label became unknown, its
symbol was not scored for as long, or is watched no longer.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from virtuoso.analysis.bands import BRIDGE_BARS
from virtuoso.analysis.readings.evaluation import Evaluation
from virtuoso.model.quality import DataQuality, DataSource
from virtuoso.model.signal import Label, Reading
from virtuoso.storage.database.queries import LastLabel
from virtuoso.storage.database.records import SignalRecord, record_id

_SIDES = (Label.BUY, Label.SELL)
_SPARE = 1_000


class SignalLog:
    """The label recorded last of each symbol, and the close up to which it was judged."""

    def __init__(self, exchange: str, bar_ms: int = 60_000) -> None:
        self._exchange = exchange
        self._bar_ms = bar_ms
        self._recorded: dict[str, Label | None] = {}
        self._judged_ms: dict[str, int] = {}
        self._since_ms: int | None = None

    def observe(
        self, evaluation: Evaluation, symbols: Sequence[str], source: DataSource | None
    ) -> tuple[SignalRecord, ...]:
        """The changes that an evaluation of `symbols` brings; a close is judged once."""
        found = []
        for symbol in symbols:
            if evaluation.close_ms <= self._judged_ms.get(symbol, 0):
                continue
            label, before = evaluation.signal(symbol), self._recorded.get(symbol)
            anew = label in _SIDES and evaluation.claimed_ms(symbol) == evaluation.close_ms
            self._recorded[symbol], self._judged_ms[symbol] = label, evaluation.close_ms
            if anew or (label is not before and (label in _SIDES or before in _SIDES)):
                found.append(self._record(evaluation.reading(symbol), label, before, source))
        return tuple(found)

    def standing(self, evaluation: Evaluation, symbol: str) -> str | None:
        """The id of the BUY or SELL that stands for a symbol; `None` where none does."""
        label, begun_ms = evaluation.signal(symbol), evaluation.claimed_ms(symbol)
        if label not in _SIDES or begun_ms is None:
            return None
        return record_id(self._exchange, symbol, begun_ms, label)

    def lapsed(self, close_ms: int, source: DataSource | None) -> tuple[SignalRecord, ...]:
        """The ends of those that were not scored for longer than is bridged, at the close `close_ms`.

        What was missed before the first call, while nobody watched, does not count.
        """
        self._since_ms = close_ms if self._since_ms is None else self._since_ms
        since_ms, bridge_ms = self._since_ms, BRIDGE_BARS * self._bar_ms
        late = [s for s, at_ms in self._judged_ms.items() if close_ms - max(at_ms, since_ms) > bridge_ms]
        return tuple(self._ends(late, source))

    def retain(self, symbols: Collection[str], source: DataSource | None) -> tuple[SignalRecord, ...]:
        """Forget what is watched no longer: it ends, and would begin anew."""
        gone = [symbol for symbol in self._recorded if symbol not in symbols]
        found = tuple(self._ends(gone, source))
        for symbol in gone:
            del self._recorded[symbol]
        if (
            len(self._judged_ms) > 2 * len(symbols) + _SPARE
        ):  # else a symbol that comes back at once is not judged twice
            self._judged_ms = {symbol: self._judged_ms[symbol] for symbol in self._recorded}
        return found

    def _ends(self, symbols: Iterable[str], source: DataSource | None) -> Iterable[SignalRecord]:
        """At the close after the one judged last; unknown since."""
        for symbol in symbols:
            before = self._recorded.get(symbol)
            if before not in _SIDES or symbol not in self._judged_ms:
                continue
            self._recorded[symbol] = None
            self._judged_ms[symbol] += self._bar_ms
            yield SignalRecord(
                exchange=self._exchange, symbol=symbol, close_ms=self._judged_ms[symbol], label=None, before=before,
                score=None, agreement=None, price=None, data_quality=DataQuality.UNAVAILABLE, data_source=source,
            )  # fmt: skip

    def _record(
        self, reading: Reading, label: Label | None, before: Label | None, source: DataSource | None
    ) -> SignalRecord:
        return SignalRecord(
            exchange=self._exchange,
            symbol=reading.symbol,
            close_ms=reading.close_ms,
            label=label,
            before=before,
            score=reading.score,
            agreement=reading.agreement,
            confidence=None if reading.claim is None else reading.claim.confidence,
            expires_ms=None if reading.claim is None else reading.close_ms + 60_000 * reading.claim.horizon_min,
            price=reading.entry.price,
            data_quality=reading.quality,
            data_source=source,
            why=msgspec.json.encode(reading).decode(),
        )

    def recorded(self) -> dict[str, Label | None]:
        """Return the label recorded last of each symbol, from which a restart continues."""
        return dict(self._recorded)

    def resume(self, recorded: Mapping[str, Label | None], close_ms: int, history: Mapping[str, LastLabel]) -> None:
        """Go on from what an earlier run recorded up to `close_ms`, as far as the history of signals bears it out.

        What is later in the history holds; a side whose beginning is not in it (of programs that did not record first
        labels) begins now.
        """
        self._judged_ms.update(dict.fromkeys(recorded, close_ms))
        for symbol, label in recorded.items():
            begun = symbol in history and history[symbol].label is label
            self._recorded[symbol] = label if label not in _SIDES or begun else None
        for symbol, last in history.items():
            if last.close_ms > close_ms:
                self._recorded[symbol], self._judged_ms[symbol] = last
