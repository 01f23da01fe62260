"""Processes of a deployment on this machine: what each is, and what only their user may see of them."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec

import psutil
import pytest

from virtuoso.model.clock import SystemClock
from virtuoso.operations.validate.samples import ProcessItem
from virtuoso.operations.validate.sampling.processes import MODULES, ProcessTable

_PARENT = """
import socket, subprocess, sys
listening = socket.create_server(("127.0.0.1", 0))
subprocess.Popen([sys.executable, "-c", "input()", "virtuoso.processes.web.child"])
print("begun", flush=True)
input()
"""


@pytest.fixture
def monitor() -> Iterator[int]:
    """A process that takes connections, with a child as a monitor has one."""
    process = subprocess.Popen(
        [sys.executable, "-c", _PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdin
    assert process.stdout
    process.stdout.readline()
    yield process.pid
    process.stdin.close()  # the child reads of the same pipe
    process.wait()
    process.stdout.close()


def seen(pid: int) -> dict[str, ProcessItem]:
    found = ProcessTable(SystemClock(), None).seen({"instance": f"{socket.gethostname()}:{pid}", "stores": {}})
    assert found
    return {item.role: item for item in found.processes}


def test_what_the_program_starts_has_a_role(monitor: int) -> None:
    found = seen(monitor)
    assert found.keys() == {"monitor", "web"}
    assert found["web"].name == "virtuoso.processes.web.child"
    assert (found["monitor"].listens or ("",))[0].startswith("127.0.0.1:")
    assert found["web"].listens == ()


@pytest.mark.parametrize("module", MODULES)
def test_the_modules_of_processes_are_there(module: str) -> None:
    assert find_spec(module)


def test_where_another_users_process_listens_is_not_known(monitor: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(process: psutil.Process, _kind: str) -> None:
        raise psutil.AccessDenied(process.pid)

    monkeypatch.setattr(psutil.Process, "net_connections", denied)
    assert seen(monitor)["monitor"].listens is None
