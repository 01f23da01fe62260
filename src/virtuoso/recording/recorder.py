"""What goes over the wire, written to a recording."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from virtuoso.model.clock import Clock, iso
from virtuoso.model.documents import RecordingStatus
from virtuoso.model.signal import Statement
from virtuoso.recording.keeping import Keep
from virtuoso.recording.records import VERSION, Answer, ClockRead, Closed, FitPutOff, Frame, Header, Opened, Said, Sent
from virtuoso.recording.writer import RecordingWriter

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Recording:
    """Where to record, and when to begin the next file.

    Attributes:
        path: the recording's name; its files are numbered.
        rotate_bytes: of a file, compressed, after which another begins.
        rotate_s: seconds after which another begins.
        keep: what of it stays.
    """

    path: Path
    rotate_bytes: int
    rotate_s: float
    keep: Keep


class Recorder:
    """Implements `exchange.protocol.Tap`; a recording that fails is said once, and the program goes on.

    `settings` tells of the program and its configuration, without secrets: a replay by others says other things.
    """

    def __init__(
        self, recording: Recording, exchange: str, category: str, clock: Clock, settings: Mapping[str, str]
    ) -> None:
        header = Header(VERSION, exchange, category, clock.now_ns(), dict(settings))
        self._clock, self._recording = clock, recording
        self._loop = asyncio.get_running_loop()
        self.failure: str | None = None
        self.failed = asyncio.Event()
        self.records = 0
        self._writer = RecordingWriter(
            recording.path, header, rotate_bytes=recording.rotate_bytes, rotate_s=recording.rotate_s,
            keep=recording.keep, on_failure=self._on_failure, clock=clock,
        )  # fmt: skip
        self._put = self._writer.put

    @property
    def dropped(self) -> int:
        """Records that could not be kept."""
        return self._writer.dropped

    @property
    def written(self) -> int:
        """Bytes that this run wrote, files that are gone included."""
        return self._writer.written

    @property
    def removed(self) -> int:
        """How many old files were removed to stay within the limits."""
        return self._writer.removed

    @property
    def path(self) -> Path:
        """The path of the file being written."""
        return self._writer.path

    def status(self) -> RecordingStatus:
        """Tell how large the recording is, and whether it goes on."""
        since_ns = self._writer.since_ns
        return RecordingStatus(
            name=str(self._recording.path), since=iso(None if since_ns is None else since_ns // 1_000_000),
            path=str(self.path), bytes=self.written, frames=self.records, dropped=self.dropped, removed=self.removed,
            failure=self.failure,
        )  # fmt: skip

    def frame(self, connection: int, received_ns: int, payload: bytes) -> None:
        """Record a frame that was received, and count it."""
        self.records += 1
        self._put(Frame(received_ns, connection, payload))

    def sent(self, connection: int, sent_ns: int, payload: bytes) -> None:
        """Record a frame that this program sent."""
        self._put(Sent(sent_ns, connection, payload))

    def opened(self, connection: int, at_ns: int, url: str) -> None:
        """Record that a stream was opened."""
        self._put(Opened(at_ns, connection, url))

    def closed(self, connection: int, at_ns: int, reason: str) -> None:
        """Record that a stream was closed, and why."""
        self._put(Closed(at_ns, connection, reason))

    def answer(
        self, path: str, query: dict[str, str], status: int, body: bytes, sent_ns: int, received_ns: int
    ) -> None:
        """Record a REST request and its answer."""
        self._put(Answer(received_ns, sent_ns, path, query, status, body))

    def clock_read(self, at_ns: int, offset_ms: float) -> None:
        """Record a measurement of the exchange's clock."""
        self._put(ClockRead(at_ns, offset_ms))

    def fit_put_off(self, known_ms: int, from_ms: int) -> None:
        """Record that a fit was late, and holds from the close `from_ms` on (epoch ms)."""
        self._put(FitPutOff(self._clock.now_ns(), known_ms, from_ms))

    def said(self, close_ms: int, statements: tuple[Statement, ...]) -> None:
        """Record what was said of symbols at a close (epoch ms)."""
        self._put(Said(self._clock.now_ns(), close_ms, statements))

    async def close(self) -> None:
        """Write what is still in memory and close the file, in a thread."""
        await asyncio.to_thread(self._writer.close)

    def _on_failure(self, reason: str) -> None:
        self._loop.call_soon_threadsafe(self._fail, reason)

    def _fail(self, reason: str) -> None:
        log.error("the recording stopped", reason=reason)
        self.failure = reason
        self.failed.set()
