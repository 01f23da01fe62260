"""A command on a terminal of its own: what it shows, read as text."""

import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fcntl import ioctl

from tests.support import warm

_ESCAPES = re.compile(rb"\x1b\[[0-9;?]*[a-zA-Z]")


class Terminal:
    """A running command and the terminal that it writes to."""

    def __init__(self, process: subprocess.Popen[bytes], end: int) -> None:
        self.process = process
        self._end = end
        self._seen = b""

    @property
    def text(self) -> str:
        """Everything shown so far, without the escapes."""
        while select.select([self._end], [], [], 0)[0]:
            try:
                read = os.read(self._end, 65_536)
            except OSError:  # Linux: the other end is closed
                break
            if not read:
                break
            self._seen += read
        return _ESCAPES.sub(b"", self._seen).decode("utf-8", "replace")

    def until(self, *texts: str, seconds: float, after: int = 0) -> None:
        """Wait until all of `texts` were shown, past the first `after` characters."""
        began = time.monotonic()
        while not all(text in self.text[after:] for text in texts):
            assert time.monotonic() - began < seconds, f"not shown within {seconds} s: {texts}\n{self.text[-3000:]}"
            assert self.process.poll() is None, f"it ended ({self.process.returncode})\n{self.text[-3000:]}"
            time.sleep(0.05)

    def interrupted(self) -> int:
        """Exit code after Ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        began = time.monotonic()
        while self.process.poll() is None:
            _ = self.text  # a full terminal would hold it up
            assert time.monotonic() - began < 5, "Ctrl-C did not end it"
            time.sleep(0.02)
        return self.process.returncode


@contextmanager
def on_terminal(arguments: Sequence[str], width: int = 120, height: int = 40) -> Iterator[Terminal]:
    """The command on a terminal of that size, killed at the end of the block if it still runs."""
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES", "NO_COLOR"}}
    process = warm.Popen(
        list(arguments), stdin=theirs, stdout=theirs, stderr=theirs, env={**environment, "TERM": "xterm-256color"},
        start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    try:
        yield Terminal(process, ours)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        os.close(ours)
