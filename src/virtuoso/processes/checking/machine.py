"""Looks at the machine that Virtuoso runs on: interpreter, processors, memory, disk, open files."""

import platform
import resource
import shutil
from pathlib import Path
from typing import Final

import psutil

from virtuoso.config import Settings
from virtuoso.model.text.bytes import size_text
from virtuoso.model.text.numbers import counted
from virtuoso.operations.build import build
from virtuoso.processes.checking.finding import Finding, bad, good, warn
from virtuoso.web.connections.limits import KEPT_FILES
from virtuoso.wiring.folders import nearest

_MEMORY_BYTES: Final = 512_000_000
"""Monitor and web of fifteen symbols take half of this."""
_DISK_BYTES: Final = 2_000_000_000
_FILES: Final = 1_024


def machine(settings: Settings) -> list[Finding]:
    """Look at what the machine offers to what the settings want."""
    return [_program(), _memory(settings), _disk(settings), _files(settings)]


def _program() -> Finding:
    python = platform.python_version()
    said = f"virtuoso {build()}, Python {python}, {platform.system()} {platform.machine()}"
    processors = f"{counted(psutil.cpu_count() or 1, 'processor')}"
    return good("program", f"{said}, {processors}")


def _memory(settings: Settings) -> Finding:
    memory = psutil.virtual_memory()
    said = f"{size_text(memory.available)} of {size_text(memory.total)} available"
    threshold = settings.monitoring.alerts.memory_alerts.threshold
    if memory.available < _MEMORY_BYTES:
        return bad("memory", said, f"leave {size_text(_MEMORY_BYTES)} free at least, or watch fewer symbols")
    if memory.percent >= threshold:
        return warn("memory", said, f"an alert comes from {threshold:g} % in use on; see what else runs")
    return good("memory", said)


def _disk(settings: Settings) -> Finding:
    try:
        disk = shutil.disk_usage(nearest(settings.data_dir))
    except OSError as error:
        return bad(
            "disk",
            f"data_dir = {settings.data_dir}: {(error.strerror or str(error)).lower()}",
            "name a data_dir on a disk that answers",
        )
    used_pct = 100 * (1 - disk.free / disk.total)
    said = f"{size_text(disk.free)} of {size_text(disk.total)} free where data_dir is"
    if disk.free < _DISK_BYTES:
        return bad("disk", said, f"leave {size_text(_DISK_BYTES)} free at least, or name another data_dir")
    threshold = settings.monitoring.alerts.disk_alerts.threshold
    if used_pct >= threshold:
        return warn("disk", said, f"an alert comes from {threshold:g} % in use on; make room")
    return good("disk", said)


def _files(settings: Settings) -> Finding:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = float("inf") if hard == resource.RLIM_INFINITY else hard
    wanted = settings.web.connections + KEPT_FILES
    said = f"as many as {'are wanted' if most == float('inf') else f'{hard:,}'} may be open"
    if most < _FILES:
        return bad("open files", said, f"raise the limit to {wanted:,}: ulimit -n, LimitNOFILE=")
    if most < wanted:
        fewer = f"{settings.web.connections:,} connections of the web want {wanted:,}"
        return warn("open files", f"{said}; {fewer}", "raise the limit (ulimit -n, LimitNOFILE=), or web.connections")
    return good("open files", said)


def who_may_read(path: Path) -> str | None:
    """Who else than its owner may read a file: `everybody`, `its group`, `None` for nobody."""
    mode = path.stat().st_mode
    return "everybody" if mode & 0o004 else "its group" if mode & 0o040 else None
