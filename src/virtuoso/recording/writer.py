"""Takes records on the event loop and brings them to the disk in a thread."""

import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
import structlog

from virtuoso.model.clock import Clock, SystemClock
from virtuoso.recording.blocks import Packer
from virtuoso.recording.files import RecordingError, numbered, why
from virtuoso.recording.keeping import Keep
from virtuoso.recording.large import BLOCK_BYTES, Large
from virtuoso.recording.records import VERSION, Dropped, Header, Record, encode, held_bytes
from virtuoso.recording.segments import Segments

FLUSH_S = 0.5
"""Between two flushes; with the time a flush takes, at most a second is lost when the process is killed."""

_BUFFER_BYTES = 64 << 20
_TIDY_S = 10.0
"""Between two looks at what may not stay."""
COLUMNS_SHARE = 0.025
"""Of a core, which making columns may take."""

log = structlog.get_logger(__name__)


class _Gap:
    """Stands in the buffer where records are missing."""

    __slots__ = ("at_ns",)

    def __init__(self, at_ns: int) -> None:
        self.at_ns = at_ns


class RecordingWriter:
    """A recording being written. `put` and `close` belong to one thread (the event loop's).

    Args:
        path: the recording's name, with or without `.vrec.zst`. One that exists is continued in a new file.
        header: what every file begins with.
        rotate_bytes: a file that holds this much (compressed) is followed by another.
        rotate_s: and so is one of this age, once there is something to write.
        keep: what stays; the oldest files are removed, which the log says.
        on_failure: told once, as a rule in the writer's thread, that recording stopped and why; must not raise.
        clock: what `Dropped` is timed by.
        buffer_bytes: about what waits in memory at most; what comes then is dropped and counted.
        columns_share: of a core that making columns may take; beyond it blocks are packed as they are.

    Raises:
        RecordingError: it cannot be written there.
        ValueError: an argument is out of range.
    """

    def __init__(
        self,
        path: Path,
        header: Header,
        *,
        rotate_bytes: int,
        rotate_s: float,
        keep: Keep | None = None,
        on_failure: Callable[[str], None],
        clock: Clock | None = None,
        buffer_bytes: int = _BUFFER_BYTES,
        columns_share: float = COLUMNS_SHARE,
    ) -> None:
        if min(rotate_bytes, rotate_s, buffer_bytes) <= 0:
            raise ValueError("rotate_bytes, rotate_s and buffer_bytes must be positive")
        if header.version != VERSION:
            raise ValueError(f"header.version = {header.version}: this program writes {VERSION}")
        self._clock = clock or SystemClock()
        self._on_failure = on_failure
        # A counter has one thread that writes it, the deque's calls are atomic: no lock on the event loop's way.
        self._buffer: deque[Record | _Gap] = deque()
        self._limit = buffer_bytes
        self._put_bytes = 0
        self._taken_bytes = 0
        self._in_gap = False
        self._reported = 0
        self.dropped = 0
        """Records not taken so far: the buffer was full, recording had stopped or was closed."""
        self.failure: str | None = None
        """Why recording stopped, once it did; what was still in memory then is lost, and not in `dropped`."""
        self._packer = Packer()
        self._packer.add(encode(header))
        first = self._packer.block()
        self._large = Large(self._clock, columns_share)
        self._tidied_ns = self._clock.monotonic_ns()
        try:
            self._segments = Segments(
                path, first, rotate_bytes=rotate_bytes, rotate_s=rotate_s, keep=keep or Keep(), clock=self._clock
            )
        except OSError as error:
            hint = "choose a directory that can be written and has room"
            raise RecordingError(numbered(path, 1), f"cannot be written: {why(error)}; {hint}") from error
        self._written_before = 0
        self.removed = 0
        """Old files that were removed so far."""
        self.since_ns: int | None = None
        """The first moment that the files hold (epoch ns), as far as that is known."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="recording", daemon=True)
        self._thread.start()

    @property
    def path(self) -> Path:
        """The path of the file being written."""
        return self._segments.path

    def put(self, record: Record) -> None:
        """Take a record; never waits, never raises. Its bytes must be its own and its dicts must not change."""
        put_bytes = self._put_bytes + held_bytes(record)
        if put_bytes - self._taken_bytes > self._limit:
            self._drop()
            return
        self._put_bytes = put_bytes
        self._in_gap = False
        self._buffer.append(record)

    def wait_put(self, record: Record) -> None:
        """Take a record, after waiting for room; for those that are not on an event loop. Raises nothing."""
        while self._put_bytes - self._taken_bytes > self._limit // 2 > 0:
            self._stop.wait(FLUSH_S / 10)
        self.put(record)

    def _drop(self) -> None:
        self.dropped += 1
        if not self._in_gap and self._limit > 0:
            self._in_gap = True
            self._buffer.append(_Gap(self._clock.now_ns()))

    def close(self, timeout_s: float = 10.0) -> None:
        """Write what was taken and close the file; waits for at most `timeout_s`, so not on a busy event loop."""
        self._limit = -1
        self._stop.set()
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            self._fail(f"the disk did not take the last records within {timeout_s:g} s")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    @property
    def written(self) -> int:
        """Bytes that were written in all files of this run."""
        return self._written_before + self._segments.written

    def _run(self) -> None:
        try:
            self._look_back()
            while not self._stop.wait(FLUSH_S):
                self._flush()
            self._flush()
            self._settle()
            self._segments.finish()
        except OSError as error:
            self._abandon(why(error))
        except BaseException as error:
            self._abandon(repr(error))
            raise

    def _abandon(self, reason: str) -> None:
        self._limit = -1
        self._buffer.clear()
        self._segments.abandon()
        self._fail(reason)

    def _fail(self, reason: str) -> None:
        if self.failure is None:
            self.failure = f"{self.path}: {reason}; recording stopped"
            self._on_failure(self.failure)

    def _flush(self) -> None:
        """Bring to the disk what waits, and what is gathered once it is enough for a large block."""
        while self._buffer or self.dropped != self._reported:
            if self._segments.full:
                self._settle()
                self._written_before += self._segments.written
                self._segments.rotate()
            taken = self._taken()
            self._large.add(taken)
            if self._large.due:
                self._settle()
            elif taken:
                self._packer.add(b"".join(data for _, data in taken))
                self._segments.flush(self._packer.block())
        if self._large.due:
            self._settle()
        self._tidy()

    def _settle(self) -> None:
        if self._large.holds.records:
            self._segments.settle(*self._large.block())

    def _taken(self) -> list[tuple[Record, bytes]]:
        """What waits, at most as much as fills a block."""
        taken, size = list[tuple[Record, bytes]](), 0
        while self._buffer and size < BLOCK_BYTES:
            if (found := self._encoded(self._buffer.popleft())) is not None:
                taken.append(found)
                size += len(found[1])
        if not self._buffer and (found := self._encoded(_Gap(self._clock.now_ns()))) is not None:
            taken.append(found)
        return taken

    def _encoded(self, record: Record | _Gap) -> tuple[Record, bytes] | None:
        if isinstance(record, _Gap):
            missing = self.dropped - self._reported
            self._reported += missing
            return _with_bytes(Dropped(record.at_ns, missing, "the buffer was full")) if missing else None
        self._taken_bytes += held_bytes(record)
        try:
            return _with_bytes(record)
        except (TypeError, ValueError, OverflowError, msgspec.MsgspecError) as error:
            return _with_bytes(Dropped(self._clock.now_ns(), 1, f"{type(record).__name__}: {error}"))

    def _tidy(self) -> None:
        now_ns = self._clock.monotonic_ns()
        if now_ns - self._tidied_ns >= _TIDY_S * 1e9:
            self._tidied_ns = now_ns
            self._segments.tidy()
        if self._segments.removed:
            self._look_back()
        for path, reason in self._segments.removed:
            log.info("an old file of the recording was removed", path=str(path), reason=reason)
            self.removed += 1
        self._segments.removed.clear()

    def _look_back(self) -> None:
        """See what the oldest file begins with; one that cannot be read leaves it unknown, and recording goes on."""
        try:
            self.since_ns = self._segments.first_ns()
        except (OSError, RecordingError) as error:
            self.since_ns = None
            log.warning("the oldest file of the recording cannot be read", error=str(error))


def _with_bytes(record: Record) -> tuple[Record, bytes]:
    return record, encode(record)
