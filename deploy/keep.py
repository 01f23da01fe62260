"""Keep one server running: `keep.py [--watchdog SECONDS] NAME LOG COMMAND…`, used by `run-local.sh`.

It starts the command, and again a second after it ended; ten short lives in a row, or exit code 2 (wrong use) of a
command that is watched, end it. A watched command finds a notify socket in its environment, as systemd's `WatchdogSec=`
gives it; when it was silent for so long, as a process is that hangs or stands still, it is killed, and whatever it
started too. The log is rotated at 10 MB; three older ones are kept.
"""
# ruff: noqa: S603, T201, TID251

import argparse
import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event
from types import FrameType

_SHORT_S, _MOST_SHORT = 10.0, 10
_STEP_S = 0.2
_START_S = 180.0
"""How long a watched command may be silent when it has just begun."""
_STOP_S = 15.0
_LARGEST, _OLDER = 10_000_000, 3
_WRONG_USE = 2


class Server:
    """One command, started again and again. `watchdog_s` is 0 where nothing is asked of it."""

    def __init__(self, name: str, log: Path, command: Sequence[str], watchdog_s: float) -> None:
        self._name, self._log, self._command, self._watchdog_s = name, log, command, watchdog_s
        self._told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._told.bind(f"\0virtuoso-keep-{os.getpid()}")
        self._told.settimeout(_STEP_S)
        self.stop = Event()

    def run(self) -> int:
        """Until told to stop (0), or until it is not worth another try (1)."""
        short = 0
        while True:
            began_s = time.monotonic()
            code = self._live()
            if self.stop.is_set():
                return 0
            short = short + 1 if time.monotonic() - began_s < _SHORT_S else 0
            if short >= _MOST_SHORT or (self._watchdog_s and code == _WRONG_USE):
                self._say(f"ended (exit {code}): {self._last_line()}")
                return 1
            self._say(f"ended (exit {code}) and is started again")
            if self.stop.wait(1):
                return 0

    def _live(self) -> int:
        """One life of the command; its exit code."""
        with self._log.open("ab") as log:
            child = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._environment(),
                start_new_session=True,
            )  # fmt: skip
        silent_until_s = time.monotonic() + _START_S
        try:
            while child.poll() is None and not self.stop.is_set():
                self._rotate()
                if self._was_told():
                    silent_until_s = time.monotonic() + self._watchdog_s
                elif self._watchdog_s and time.monotonic() > silent_until_s:
                    self._say(f"was silent for {self._watchdog_s:g} s and is killed")
                    break
            else:
                self._stop(child)
        finally:  # however this ends, nothing runs on that nobody watches
            _signal_all(child, signal.SIGKILL)
            code = child.wait()
        return code

    def _environment(self) -> dict[str, str]:
        if not self._watchdog_s:
            return dict(os.environ)
        address = f"@virtuoso-keep-{os.getpid()}"
        return {**os.environ, "NOTIFY_SOCKET": address, "WATCHDOG_USEC": str(int(self._watchdog_s * 1e6))}

    def _was_told(self) -> bool:
        """Wait a moment for a word; whether one came."""
        try:
            return bool(self._told.recv(4_096))
        except TimeoutError:
            return False

    def _stop(self, child: "subprocess.Popen[bytes]") -> None:
        """End what still runs: politely; what is left after 15 s is killed."""
        if child.poll() is None:
            child.terminate()
            try:
                child.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                self._say(f"does not end within {_STOP_S:g} s and is killed")

    def _rotate(self) -> None:
        """Copy a large log and empty it: who writes to its end goes on from its beginning.

        Older ones make way once there is a copy: on a full disk each try would cost one.
        """
        with suppress(OSError):  # the log was moved away, or the disk is full: the server goes on
            if self._log.stat().st_size < _LARGEST:
                return
            copy, *older = (self._log.with_name(f"{self._log.name}.{n}") for n in range(_OLDER + 1))
            try:
                shutil.copyfile(self._log, copy)
            except OSError:
                copy.unlink(missing_ok=True)
                raise
            for there, further in reversed(list(itertools.pairwise([copy, *older]))):
                with suppress(FileNotFoundError):
                    there.replace(further)
            os.truncate(self._log, 0)

    def _last_line(self) -> str:
        lines = self._log.read_bytes()[-10_000:].decode("utf-8", "replace").splitlines()
        return lines[-1] if lines else "it said nothing"

    def _say(self, text: str) -> None:
        print(f"run-local: {self._name} {text}", file=sys.stderr, flush=True)


def _signal_all(child: "subprocess.Popen[bytes]", number: int) -> None:
    """Signal the command and what it started."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, number)


def main() -> int:
    """Keep a server running until SIGTERM."""
    parser = argparse.ArgumentParser(description="Keep one server running.")
    parser.add_argument("--watchdog", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("name")
    parser.add_argument("log", type=Path)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    given = parser.parse_args()
    server = Server(given.name, given.log, given.command, given.watchdog)

    def stop(_: int, __: FrameType | None) -> None:
        server.stop.set()

    signal.signal(signal.SIGTERM, stop)
    for number in (signal.SIGINT, signal.SIGHUP):  # the terminal tells every process of the script
        signal.signal(number, signal.SIG_IGN)
    return server.run()


if __name__ == "__main__":
    sys.exit(main())
