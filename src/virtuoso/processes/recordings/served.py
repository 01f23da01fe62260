"""A recording in the plain values that the embedded exchange serves it from."""

from bisect import bisect_right
from collections.abc import Iterator
from math import inf
from pathlib import Path

from virtuoso.exchange.bybit import paths
from virtuoso.model.errors import UsageError
from virtuoso.recording.files import to_read
from virtuoso.recording.reader import read, summary_of
from virtuoso.recording.records import Answer, ClockRead, Closed, Dropped, Frame, Header, Record, at_ns
from virtuoso.recording.summary import joined
from virtuoso.simulator.replayed.told import Answered, Framed, Lost, Recorded, Told

_MS = 1_000_000
_GOOD = 200


class ServedRecording:
    """One recording, by the exchange's clock: what is told of it is read from it each time anew."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offsets: list[tuple[int, float]] = []
        """Where the exchange's clock less ours changed (our epoch ns), as far as it was read."""

    def recorded(self) -> Recorded:
        """Read what the exchange must know of the recording to serve it.

        Raises:
            RecordingError: it cannot be read.
            UsageError: it holds no frame with a topic.
        """
        holds = joined(summary_of(file) for file in to_read(self._path))
        if not holds.topics:
            raise UsageError(f"{self._path}: the recording holds no frame, so there is nothing to serve")
        category, first_ms = "linear", None
        for record in read(self._path):
            if isinstance(record, Header):
                category = record.category
            elif (told := self._told(record)) is not None and isinstance(told, Framed):
                first_ms = told.at_ms
                break
        last_ms = int(holds.last_ns / _MS + self._offset_ms(holds.last_ns))
        return Recorded(category, first_ms or last_ms, last_ms, frozenset(holds.topics), self.tape)

    def tape(self, from_ms: int | None) -> Iterator[Told]:
        """What it tells, from an exchange time on that it was read to before."""
        from_ns = None if from_ms is None else int((from_ms - self._offset_at(from_ms)) * _MS)
        for record in read(self._path, from_ns):
            if (told := self._told(record)) is not None:
                yield told

    def _told(self, record: Record) -> Told | None:
        now_ns = at_ns(record)
        match record:
            case ClockRead():
                if not self._offsets or now_ns > self._offsets[-1][0]:
                    self._offsets.append((now_ns, record.offset_ms))
                return None
            case Frame():
                return Framed(self._ms(now_ns), record.connection, record.payload)
            case Answer():
                good = record.status == _GOOD and record.path != paths.TIME
                return Answered(self._ms(now_ns), record.path, record.query, record.body) if good else None
            case Closed():
                return Lost(self._ms(now_ns), record.connection)
            case Dropped():
                return Lost(self._ms(now_ns), None)
            case _:
                return None

    def _ms(self, now_ns: int) -> int:
        return int(now_ns / _MS + self._offset_ms(now_ns))

    def _offset_ms(self, now_ns: int) -> float:
        """The offset that was believed at a time of ours; before the first, that one."""
        if not self._offsets:
            return 0.0
        return self._offsets[max(0, bisect_right(self._offsets, (now_ns, inf)) - 1)][1]

    def _offset_at(self, exchange_ms: int) -> float:
        return next((ms for at, ms in reversed(self._offsets) if at / _MS + ms <= exchange_ms), self._offset_ms(0))
