"""Rows waiting in memory, and batches of them ready to be sent."""

import zlib
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from virtuoso.storage.timeseries.influx.lines import LineEncoder
from virtuoso.storage.timeseries.schema import Measurement, Row

_LEVEL = 1
"""Of compression: level 6 takes six times as long for a tenth less."""
_PIECE = 500
"""Rows encoded in one go. Compressing what they make lets go of the interpreter, so the event loop never waits long."""

Chunk = tuple[Measurement, Sequence[Row]]


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines of line protocol, compressed for one request.

    Attributes:
        body: gzip.
        points: lines in it.
        lines: how many there are of each measurement.
        empty: rows that had no known field.
        unwritable: rows that line protocol cannot express.
    """

    body: bytes
    points: int
    lines: Mapping[str, int] = field(default_factory=dict)
    empty: int = 0
    unwritable: int = 0


def compress(lines: Sequence[bytes]) -> bytes:
    """Join the lines with newlines and compress them to a gzip body."""
    return zlib.compress(b"\n".join(lines), _LEVEL, 31)


class Packer:
    """Makes batches. Used from one thread at a time."""

    def __init__(self, market: str = "") -> None:
        self._market = market
        self._encoders: dict[str, LineEncoder] = {}

    def pack(self, chunks: Sequence[Chunk]) -> Batch:
        """All rows of `chunks`, in their order."""
        squeeze = zlib.compressobj(_LEVEL, zlib.DEFLATED, 31)
        parts: list[bytes] = []
        counts = Counter[str]()
        empty = unwritable = 0
        for measurement, rows in chunks:
            encoder = self._encoders.get(measurement.name)
            if encoder is None:
                encoder = self._encoders[measurement.name] = LineEncoder(measurement, self._market)
            for start in range(0, len(rows), _PIECE):
                lines: list[bytes] = []
                without, failed = encoder.encode(rows[start : start + _PIECE], lines)
                parts.append(squeeze.compress(b"".join([line + b"\n" for line in lines])))
                counts[measurement.name] += len(lines)
                empty += without
                unwritable += failed
        parts.append(squeeze.flush())
        return Batch(b"".join(parts), counts.total(), counts, empty, unwritable)


class Intake:
    """Rows in the order in which they came. Holds at most `max_rows`: the oldest give way.

    Attributes:
        rows: how many wait.
        end: how many ever came.
        dropped: how many gave way.
    """

    def __init__(self, max_rows: int) -> None:
        self._chunks: deque[Chunk] = deque()
        self._max_rows = max_rows
        self.rows = self.end = self.dropped = 0

    @property
    def start(self) -> int:
        """How many came before the oldest that waits."""
        return self.end - self.rows

    def put(self, measurement: Measurement, rows: Sequence[Row]) -> None:
        """Add rows, which must not be changed afterwards."""
        self._chunks.append((measurement, rows))
        self.rows += len(rows)
        self.end += len(rows)
        if self.rows > self._max_rows:
            excess = self.rows - self._max_rows
            self.take(excess)
            self.dropped += excess

    def take(self, most: int) -> list[Chunk]:
        """Remove the oldest rows, at most so many."""
        taken: list[Chunk] = []
        while self._chunks and most > 0:
            measurement, rows = self._chunks.popleft()
            if len(rows) > most:
                self._chunks.appendleft((measurement, rows[most:]))
                rows = rows[:most]
            taken.append((measurement, rows))
            most -= len(rows)
            self.rows -= len(rows)
        return taken
