"""What was flushed, gathered to large blocks: by columns while that is cheap, packed as it is where frames are many."""

import time
from collections.abc import Iterable

from virtuoso.model.clock import Clock
from virtuoso.recording.blocks import COLUMNS, Packer, block
from virtuoso.recording.columns import Columns
from virtuoso.recording.records import Record
from virtuoso.recording.summary import Summary

BLOCK_BYTES = 4 << 20
"""Records of a block, unpacked."""
_BLOCK_S = 30.0
_NS = 1_000_000_000
_PLAIN_S = 600.0
"""How long blocks are packed as they are after columns took too long."""
_NEVER = -(1 << 62)


class Large:
    """The block that is being gathered. All calls belong to one thread.

    Args:
        clock: for the age of the block.
        share: of a core that columns may take. When a block took more of the time that it spans, those of the next
            ten minutes have none.
    """

    def __init__(self, clock: Clock, share: float) -> None:
        self._clock, self._share = clock, share
        self._plain_until_ns = _NEVER
        self._begin()

    def _begin(self) -> None:
        self.holds = Summary()
        self._began_ns: int | None = None
        self._worked_s = 0.0
        self._columns: Columns | None = None
        self._packer: Packer | None = None

    @property
    def due(self) -> bool:
        """Whether the block is large or old enough to be written. One without columns always is: nothing is gained."""
        if self._began_ns is None or self._packer is not None:
            return self._packer is not None
        if self.holds.raw >= BLOCK_BYTES or (self._columns is not None and self._columns.crowded):
            return True
        return self._clock.monotonic_ns() - self._began_ns >= _BLOCK_S * _NS

    def add(self, records: Iterable[tuple[Record, bytes]]) -> None:
        """Take records with their encoded bytes into the large block."""
        if self._began_ns is None:
            self._began_ns = self._clock.monotonic_ns()
            if self._began_ns >= self._plain_until_ns:
                self._columns = Columns()
                self.holds = self._columns.holds
            else:
                self._packer = Packer()
        began_s = time.thread_time()
        if self._columns is not None:
            for record, data in records:
                self._columns.add(record, data)
        elif self._packer is not None:
            for record, data in records:
                self.holds.add(record, len(data))
                self._packer.add(data)
        self._worked_s += time.thread_time() - began_s

    def block(self) -> tuple[bytes, Summary]:
        """The block and what it holds; the next one begins."""
        holds, began_s = self.holds, time.thread_time()
        if self._columns is not None:
            made = block(COLUMNS, self._columns.pack(), holds.raw)
            self._worked_s += time.thread_time() - began_s
            now_ns = self._clock.monotonic_ns()
            if self._worked_s * _NS > self._share * (now_ns - (self._began_ns or now_ns)):
                self._plain_until_ns = now_ns + int(_PLAIN_S * _NS)
        else:
            made = (self._packer or Packer()).block()
        self._begin()
        return made, holds
