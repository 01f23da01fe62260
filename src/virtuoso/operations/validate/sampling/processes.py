"""The processes of a deployment on this machine: the monitor that names itself, its children, the web, the stores."""

import socket
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import psutil

from virtuoso.model.clock import Clock, iso
from virtuoso.operations.validate.samples import Machine, Processes, ProcessItem

STORES: Final = {
    "redis-server": "redis", "valkey-server": "redis", "memcached": "memcached", "influxd": "influx",
    "postgres": "database",
}  # fmt: skip
"""What the status calls the store of a server, by the server's name."""
MODULES: Final = {
    "virtuoso.processes.web.child": "web", "virtuoso.processes.web.worker": "web",
    "virtuoso.processes.child_exchange": "exchange",
}  # fmt: skip
"""Role of a process that the program starts, by its module."""


class ProcessTable:
    """Sees the processes again and again; what one uses of a processor is known from its second time on."""

    def __init__(self, clock: Clock, port: int | None) -> None:
        self._clock = clock
        self._port = port
        self._known: dict[int, psutil.Process] = {}

    def seen(self, status: Any) -> Processes | None:
        """The processes now; `None` where the deployment's monitor does not run on this machine.

        Args:
            status: the document of the monitor, which names its machine, its process and its stores.
        """
        pid = monitor_pid(status)
        if pid is None:
            return None
        stores = status.get("stores") or {}
        found = [
            self._item(process, role)
            for process, role in _once([*_family(pid, "monitor"), *_servers(self._port), *_stores(stores)])
        ]
        items = tuple(item for item in found if item is not None)
        self._known = {item.pid: self._known[item.pid] for item in items}
        machine = Machine(
            processors=psutil.cpu_count() or 1, load=round(psutil.getloadavg()[0], 2),
            memory_pct=psutil.virtual_memory().percent,
        )  # fmt: skip
        return Processes(at=iso(self._clock.now_ns() / 1e6) or "", processes=items, machine=machine)

    def _item(self, process: psutil.Process, role: str) -> ProcessItem | None:
        before = self._known.get(process.pid)
        known = self._known[process.pid] = before if before is not None and before == process else process
        try:
            uptime_s = self._clock.now_ns() / 1e9 - known.create_time()
            cpu, memory = known.cpu_percent(), known.memory_info().rss
            return ProcessItem(
                pid=process.pid, name=_name(known), role=role, uptime_s=round(max(0.0, uptime_s), 1),
                cpu_pct=cpu if known is before else None, memory_mb=round(memory / 1e6, 1),
                memory_pct=round(100 * memory / psutil.virtual_memory().total, 2), listens=_listens(known),
                unit=_unit(known.pid),
            )  # fmt: skip
        except (psutil.Error, OSError):
            return None


def monitor_pid(status: Any) -> int | None:
    """The monitor's process on this machine, as its status names it; `None` where it is on another."""
    host, _, pid = str(status.get("instance", "") if isinstance(status, dict) else "").rpartition(":")
    return int(pid) if host == socket.gethostname() and pid.isdigit() and psutil.pid_exists(int(pid)) else None


def _family(pid: int, role: str) -> Iterator[tuple[psutil.Process, str]]:
    try:
        parent = psutil.Process(pid)
        yield parent, role
        for child in parent.children(recursive=True):
            yield child, MODULES.get(_name(child), "helper")
    except psutil.Error:
        return


def _servers(port: int | None) -> Iterator[tuple[psutil.Process, str]]:
    """Whoever takes connections on the port that is asked."""
    try:
        connections = psutil.net_connections("inet") if port else []
    except (psutil.Error, OSError):
        return
    owners = {
        one.pid for one in connections if one.status == psutil.CONN_LISTEN and getattr(one.laddr, "port", None) == port
    }
    for pid in sorted(pid for pid in owners if pid):
        yield from _family(pid, "web")


def _stores(stores: Any) -> Iterator[tuple[psutil.Process, str]]:
    """The servers of stores on this machine that the deployment says it uses."""
    for process in psutil.process_iter(["name"]):
        store = STORES.get(process.info["name"] or "")
        if store is not None and store in stores:
            yield process, store


def _once(found: Iterable[tuple[psutil.Process, str]]) -> Iterator[tuple[psutil.Process, str]]:
    known: set[int] = set()
    for process, role in found:
        if process.pid not in known:
            known.add(process.pid)
            yield process, role


def _name(process: psutil.Process) -> str:
    """What it is called: its module where it is one of the program's, and never its arguments."""
    try:
        return next((word for word in process.cmdline() if word.startswith("virtuoso.processes.")), process.name())
    except psutil.Error:
        return "unknown"


def _unit(pid: int) -> str | None:
    """The systemd service of a process, by its control group."""
    try:
        path = Path(f"/proc/{pid}/cgroup").read_text("ascii")
    except (OSError, UnicodeDecodeError):
        return None
    names = [name for name in path.split("/") if name.strip().endswith(".service")]
    return names[-1].strip() if names else None


def _listens(process: psutil.Process) -> tuple[str, ...] | None:
    """Where it takes connections; `None` where that is another user's to know."""
    try:
        found = process.net_connections("inet")
    except (psutil.Error, OSError):
        return None
    return tuple(sorted({f"{one.laddr.ip}:{one.laddr.port}" for one in found if one.status == psutil.CONN_LISTEN}))
