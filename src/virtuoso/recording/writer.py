"""Takes records on the event loop and brings them to the disk in a thread."""

import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from virtuoso.model.clock import Clock, SystemClock
from virtuoso.recording.blocks import Packer
from virtuoso.recording.files import RecordingError, numbered, why
from virtuoso.recording.records import VERSION, Dropped, Header, Record, encode, held_bytes
from virtuoso.recording.segments import Segments

FLUSH_S = 0.5
"""Between two flushes; with the time a flush takes, at most a second is lost when the process is killed."""

_BLOCK_BYTES = 4 << 20
_PIECE_BYTES = 1 << 16
_BUFFER_BYTES = 64 << 20


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
        keep: how many files stay; the oldest are removed. `None` removes none.
        on_failure: told once, as a rule in the writer's thread, that recording stopped and why; must not raise.
        clock: what `Dropped` is timed by.
        buffer_bytes: about what waits in memory at most; what comes then is dropped and counted.

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
        keep: int | None,
        on_failure: Callable[[str], None],
        clock: Clock | None = None,
        buffer_bytes: int = _BUFFER_BYTES,
    ) -> None:
        if min(rotate_bytes, rotate_s, buffer_bytes, 1 if keep is None else keep) <= 0:
            raise ValueError("rotate_bytes, rotate_s, buffer_bytes and keep must be positive")
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
        try:
            self._segments = Segments(
                path, first, rotate_bytes=rotate_bytes, rotate_s=rotate_s, keep=keep, clock=self._clock
            )
        except OSError as error:
            hint = "choose a directory that can be written and has room"
            raise RecordingError(numbered(path, 1), f"cannot be written: {why(error)}; {hint}") from error
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

    def _run(self) -> None:
        try:
            while not self._stop.wait(FLUSH_S):
                self._flush()
            self._flush()
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
        while self._buffer or self.dropped != self._reported:
            piece = bytearray()
            while self._buffer and self._packer.raw < _BLOCK_BYTES:
                piece += self._encoded(self._buffer.popleft())
                if len(piece) >= _PIECE_BYTES:
                    self._packer.add(piece)
                    piece = bytearray()
            if not self._buffer:
                piece += self._encoded(_Gap(self._clock.now_ns()))
            self._packer.add(piece)
            if self._packer.raw:
                self._segments.write(self._packer.block())

    def _encoded(self, record: Record | _Gap) -> bytes:
        if isinstance(record, _Gap):
            missing = self.dropped - self._reported
            self._reported += missing
            return encode(Dropped(record.at_ns, missing, "the buffer was full")) if missing else b""
        self._taken_bytes += held_bytes(record)
        try:
            return encode(record)
        except (TypeError, ValueError, OverflowError, msgspec.MsgspecError) as error:
            return encode(Dropped(self._clock.now_ns(), 1, f"{type(record).__name__}: {error}"))
