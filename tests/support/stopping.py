"""Stops a process for a while (SIGSTOP), and waits until it stands still: the signal reaches its threads one by one."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

_PATIENCE_S = 20.0
_STILL = frozenset("TtZX")
"""Stopped, or ended: one that has ended is not collected while its parent is stopped."""


def stop(pid: int) -> None:
    """Stop a process; when this returns, none of its threads runs, or begins to hold a lock."""
    os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    while any(state not in _STILL for state in _states(pid)):
        assert time.monotonic() - began < _PATIENCE_S, f"process {pid} does not stop"
        time.sleep(0.002)


def _states(pid: int) -> list[str]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # that thread has just ended
            found.append((task / "stat").read_text().rpartition(")")[2].split()[0])
    return found
