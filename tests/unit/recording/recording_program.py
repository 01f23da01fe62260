"""A process that records, for the tests to kill and to starve: `endless NAME` or `limited NAME BYTES`."""

import os
import resource
import sys
import time
from pathlib import Path

from virtuoso.recording.files import RecordingError
from virtuoso.recording.records import VERSION, Frame, Header
from virtuoso.recording.writer import RecordingWriter


def writer_at(name: str) -> RecordingWriter:
    return RecordingWriter(
        Path(name),
        Header(VERSION, "bybit", "linear", time.time_ns(), {}),
        rotate_bytes=1 << 30,
        rotate_s=3600,
        on_failure=lambda reason: print("failed", reason, flush=True),
    )


def endless(name: str) -> None:
    """Frames numbered by their connection, about 2,000 a second, until killed: so much that large blocks are made.

    When the last one was put stands in the file `NAME.put`, whatever becomes of this process.
    """
    writer = writer_at(name)
    told = os.open(f"{name}.put", os.O_CREAT | os.O_WRONLY)
    print("started", flush=True)
    number = 0
    while True:
        for _ in range(10):
            put_ns = time.time_ns()
            writer.put(Frame(put_ns, number, os.urandom(3_000)))
            os.pwrite(told, put_ns.to_bytes(8), 0)
            number += 1
        time.sleep(0.005)


def limited(name: str, most: int) -> None:
    """No file may grow beyond `most` bytes; puts go on after that, and are timed."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
    try:
        writer = writer_at(name)
    except RecordingError as error:
        print("refused", error, flush=True)
        return
    slowest = 0.0
    end = time.monotonic() + 3
    while time.monotonic() < end:
        record = Frame(time.time_ns(), 0, os.urandom(300))
        before = time.perf_counter()
        writer.put(record)
        slowest = max(slowest, time.perf_counter() - before)
        time.sleep(0.01)
    print("slowest put", slowest, flush=True)
    writer.close()
    print("closed, dropped:", writer.dropped > 0, flush=True)


if __name__ == "__main__":
    endless(sys.argv[2]) if sys.argv[1] == "endless" else limited(sys.argv[2], int(sys.argv[3]))
