"""The REST budget's account in a file, so that all processes of this machine spend one budget."""

import fcntl
import hashlib
import os
import struct
import tempfile
from pathlib import Path
from types import TracebackType

_ROW = struct.Struct("<4d")
_TRIES = 200


class Ledger:
    """Tokens, when they were counted, and until when requests are silenced, by a clock that all processes share.

    The lock is held for microseconds and never while waiting; a process that was stopped inside it does not hang the
    others: they go on by what they last read.
    """

    def __init__(self, host: str, folder: Path | None = None) -> None:
        base = folder or Path(tempfile.gettempdir()) / f"virtuoso-{os.getuid()}"
        base.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = base / f"budget-{hashlib.blake2s(host.encode(), digest_size=8).hexdigest()}"
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        self.contended = 0

    def __enter__(self) -> "Ledger":
        for _ in range(_TRIES):
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            return self
        self.contended += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        fcntl.flock(self._file, fcntl.LOCK_UN)

    def read(self) -> tuple[float, float, float, float] | None:
        """Tokens, counted at (s), silent until (s), banned until (epoch ms; 0 = not); `None` in a new file."""
        row = os.pread(self._file, _ROW.size, 0)
        return _ROW.unpack(row) if len(row) == _ROW.size else None

    def write(self, tokens: float, counted_s: float, silent_until_s: float, banned_until_ms: float) -> None:
        """Write the account to the file; the values are those that `read` returns."""
        os.pwrite(self._file, _ROW.pack(tokens, counted_s, silent_until_s, banned_until_ms), 0)

    def close(self) -> None:
        """Close the file of the account; the other processes of this address go on with it."""
        os.close(self._file)
