"""Parts of a recording, written to another one or to JSON lines."""

from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from virtuoso.model.errors import UsageError, VirtuosoError
from virtuoso.recording.files import files_of
from virtuoso.recording.reader import read
from virtuoso.recording.records import VERSION, Answer, ClockRead, Closed, Dropped, Frame, Header, Record, Sent, at_ns
from virtuoso.recording.summary import topic_of
from virtuoso.recording.writer import RecordingWriter
from virtuoso.simulator.replayed.topics import Topics

_BUFFER_BYTES = 1 << 30
_WAIT_S = 3_600.0
_LINES = ".jsonl"

Telling = Callable[[Iterable[Record], str, Callable[[], float]], Iterator[Record]]


def export_to(
    recording: Path, out: Path, from_ns: int | None, to_ns: int | None, symbols: frozenset[str] | None, told: Telling
) -> dict[str, Any]:
    """Write the records of [from_ns, to_ns) about some symbols; what was written, and where.

    A recording that begins later holds what its start needs: the clock, the answers so far and a snapshot of each
    book and ticker as it then stood. `told` passes records on, and tells how far the reader is.

    Raises:
        UsageError: there is something of that name already.
    """
    reader = read(recording, from_ns if out.suffix == _LINES else None)
    records = told(reader, f"reading {recording}", lambda: reader.bytes_read / max(1, reader.bytes_total))
    if out.suffix == _LINES:
        return {"out": str(out), "records": _lines(_within(records, from_ns, to_ns, symbols), out)}
    if files_of(out):
        raise UsageError(f"{out}: there is a recording of that name; choose another, or remove it")
    begun = _from(records, from_ns) if from_ns is not None else records
    return {"out": str(out), "records": _recorded(_within(begun, None, to_ns, symbols), out)}


def _within(
    records: Iterator[Record], from_ns: int | None, to_ns: int | None, symbols: frozenset[str] | None
) -> Iterator[Record]:
    for record in records:
        if isinstance(record, Header):
            yield record
            continue
        now_ns = at_ns(record)
        if to_ns is not None and now_ns >= to_ns:
            return
        if (from_ns is None or now_ns >= from_ns) and (symbols is None or _is_about(record, symbols)):
            yield record


def _is_about(record: Record, symbols: frozenset[str]) -> bool:
    if isinstance(record, Frame):
        topic = topic_of(record.payload)
        return topic is None or topic.rpartition(".")[2] in symbols
    if isinstance(record, Answer):
        return record.query.get("symbol") in {None, *symbols}
    return True


class _Known:
    """What a recording has told up to a time."""

    def __init__(self) -> None:
        self._topics = Topics()
        self._answers: dict[tuple[str, ...], Answer] = {}
        self._clock: ClockRead | None = None

    def take(self, record: Record) -> None:
        match record:
            case Frame():
                self._topics.take(record.payload, record.connection)
            case Answer():
                names = ("symbol", "interval", "cursor", "end")
                self._answers[(record.path, *(record.query.get(name, "") for name in names))] = record
            case ClockRead():
                self._clock = record
            case Closed():
                self._topics.forget(record.connection)
            case Dropped():
                self._topics.forget(None)  # deltas may be missing: a book that was held would be wrong
            case _:
                pass

    def records(self, at_ns: int) -> Iterator[Record]:
        """The clock, the answers, and a snapshot of each book and ticker as it stands."""
        if self._clock is not None:
            yield self._clock
        yield from self._answers.values()
        for topic, connection in self._topics.carriers.items():
            if (snapshot := self._topics.snapshot(topic)) is not None:
                yield Frame(at_ns, connection, snapshot)


def _from(records: Iterator[Record], from_ns: int) -> Iterator[Record]:
    """The header, what was known at a time, and the records from then on."""
    known: _Known | None = _Known()
    for number, record in enumerate(records):
        if known is None or (number == 0 and isinstance(record, Header)):
            yield record
        elif not isinstance(record, Header) and at_ns(record) >= from_ns:
            yield from known.records(from_ns)
            known = None
            yield record
        else:
            known.take(record)


def _recorded(records: Iterator[Record], out: Path) -> int:
    failures = list[str]()
    writer: RecordingWriter | None = None
    count = 0
    try:
        for record in records:
            if writer is None:
                if not isinstance(record, Header):
                    raise VirtuosoError("the recording does not begin with a header")
                header = Header(VERSION, record.exchange, record.category, record.started_ns, record.settings)
                writer = RecordingWriter(
                    out, header, rotate_bytes=1 << 40, rotate_s=1e9, on_failure=failures.append,
                    buffer_bytes=_BUFFER_BYTES, columns_share=1.0,
                )  # fmt: skip
            elif not isinstance(record, Header):
                writer.wait_put(record)
            count += 1
    finally:
        if writer is not None:
            writer.close(_WAIT_S)
    if failures:
        raise VirtuosoError(failures[0])
    return count


def _lines(records: Iterator[Record], out: Path) -> int:
    count = 0
    try:
        with out.open("xb") as file:
            for record in records:
                file.write(msgspec.json.encode(_row(record)) + b"\n")
                count += 1
    except FileExistsError as error:
        raise UsageError(f"{out}: there is a file of that name; choose another, or remove it") from error
    except OSError as error:
        raise UsageError(f"{out}: cannot be written: {error.strerror}") from error
    return count


def _row(record: Record) -> dict[str, Any]:
    """A record as JSON: what came over the wire as text, in base64 where it is none."""
    fields = {name: value for name, value in msgspec.structs.asdict(record).items() if not isinstance(value, bytes)}
    row = {"kind": type(record).__name__.lower(), **fields}
    data = record.payload if isinstance(record, Frame | Sent) else record.body if isinstance(record, Answer) else None
    if data is not None:
        try:
            row["text"] = data.decode()
        except UnicodeDecodeError:
            row["base64"] = b64encode(data).decode()
    return row
