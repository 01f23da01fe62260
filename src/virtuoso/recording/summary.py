"""What a stretch of records holds, in figures that add up."""

import re
from collections.abc import Iterable
from typing import Self

import msgspec

from virtuoso.recording.records import Frame, Header, Record, at_ns

_TOPIC = re.compile(rb'\{"topic":"([^"]{1,100})"')


def topic_of(payload: bytes) -> str | None:
    """The topic that a frame names first; `None` where it names none."""
    found = _TOPIC.match(payload)
    return found[1].decode("utf-8", "replace") if found else None


class Summary(msgspec.Struct, array_like=True):
    """Counts, times and topics of some records.

    Attributes:
        records: how many; `frames` of them are frames of streams.
        first_ns: the time of the first, epoch ns; `last_ns` of the last. 0 where there is none but a header.
        raw: bytes of them unpacked.
        topics: what the frames are about.
    """

    records: int = 0
    frames: int = 0
    first_ns: int = 0
    last_ns: int = 0
    raw: int = 0
    topics: set[str] = msgspec.field(default_factory=set)

    def add(self, record: Record, size: int) -> None:
        """Count a record of so many bytes."""
        self.records += 1
        self.raw += size
        if isinstance(record, Header):
            return
        now_ns = at_ns(record)
        self.first_ns = min(self.first_ns or now_ns, now_ns)
        self.last_ns = max(self.last_ns, now_ns)
        if isinstance(record, Frame):
            self.frames += 1
            if (topic := topic_of(record.payload)) is not None:
                self.topics.add(topic)

    def join(self, other: Self) -> None:
        """Count what another one counted, too."""
        self.records += other.records
        self.frames += other.frames
        self.raw += other.raw
        self.topics |= other.topics
        if other.last_ns:
            self.first_ns = min(self.first_ns or other.first_ns, other.first_ns)
            self.last_ns = max(self.last_ns, other.last_ns)

    @property
    def symbols(self) -> list[str]:
        """The symbols that the topics name."""
        return sorted({topic.rpartition(".")[2] for topic in self.topics if "." in topic})


def joined(summaries: Iterable[Summary]) -> Summary:
    """What several stretches hold together."""
    found = Summary()
    for each in summaries:
        found.join(each)
    return found
