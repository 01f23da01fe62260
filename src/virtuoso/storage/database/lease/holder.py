"""Which process holds a lease, and the proof that it is gone (on the same machine only; otherwise time decides)."""

import os
import socket
from contextlib import suppress
from pathlib import Path

import msgspec

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_NAMESPACES = ("pid", "time")
_DEAD = {"Z", "X"}


class Process(msgspec.Struct, frozen=True):
    """A process as no other can be: `boot` and `namespaces` say where `pid` means something.

    `started` is in clock ticks since the boot. Text fields are empty where the system does not tell them.
    """

    boot: str
    namespaces: str
    pid: int
    started: str


def holder_name() -> str:
    """Host and process id, for people."""
    return f"{socket.gethostname()}:{os.getpid()}"


def this_process() -> Process:
    """Return the process that calls this."""
    pid = os.getpid()
    status = _status(pid)
    return Process(_boot(), _namespaces(), pid, "" if status is None else status[1])


def encode(process: Process) -> str:
    """Encode a process as the lease's row names it."""
    return msgspec.json.encode(process).decode()


def proved_dead(text: str | None) -> bool:
    """Whether this process is certainly gone; `False` when it lives, or lived where we cannot see it."""
    if text is None:
        return False
    try:
        process = msgspec.json.decode(text, type=Process)
    except msgspec.DecodeError:
        return False
    here = (_boot(), _namespaces())
    if not process.boot or not process.started or (process.boot, process.namespaces) != here:
        return False
    try:
        os.kill(process.pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass  # it is there, and not ours to signal
    status = _status(process.pid)  # may be hidden from us: then nothing is proved
    return status is not None and (status[0] in _DEAD or status[1] != process.started)


def _boot() -> str:
    with suppress(OSError):
        return _BOOT_ID.read_text("ascii").strip()
    return ""


def _namespaces() -> str:
    names = []
    for name in _NAMESPACES:
        with suppress(OSError):
            names.append(str(Path(f"/proc/self/ns/{name}").readlink()))
    return " ".join(names)


def _status(pid: int) -> tuple[str, str] | None:
    """State and start time, from behind the name, which may hold spaces and brackets."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return None
    return fields[0], fields[19]
