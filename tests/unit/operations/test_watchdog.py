"""The supervisor's notify socket: told while cycles are completed, and by the process it watches alone."""

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from virtuoso.operations.watchdog import Watchdog

WATCHED = {"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "90000000"}


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.setblocking(False)
        yield sock


def of(listening: socket.socket, live: list[bool], **more: str) -> Watchdog:
    watchdog = Watchdog.wanted({"NOTIFY_SOCKET": listening.getsockname(), **more}, lambda: live[0])
    assert watchdog is not None
    return watchdog


def heard(listening: socket.socket) -> list[bytes]:
    said = []
    with suppress(BlockingIOError):
        while True:
            said.append(listening.recv(100))
    return said


def test_it_is_told_while_live_and_only_then(listening: socket.socket) -> None:
    live = [True]
    watchdog = of(listening, live, WATCHDOG_USEC="90000000")
    watchdog.tell()
    assert heard(listening) == [b"WATCHDOG=1"]
    live[0] = False
    watchdog.tell()
    assert heard(listening) == []
    live[0] = True
    watchdog.tell()
    assert heard(listening) == [b"WATCHDOG=1"]
    listening.close()
    watchdog.tell()  # nobody listens: no error


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"WATCHDOG_USEC": "90000000"}, [b"READY=1", b"WATCHDOG=1"]),
        ({}, [b"READY=1"]),
        ({"WATCHDOG_USEC": "0"}, [b"READY=1"]),
        ({"WATCHDOG_USEC": "90000000", "WATCHDOG_PID": "1"}, [b"READY=1"]),
        ({"WATCHDOG_USEC": "90000000", "WATCHDOG_PID": str(os.getpid())}, [b"READY=1", b"WATCHDOG=1"]),
    ],
)
async def test_it_says_first_that_it_is_ready(
    listening: socket.socket, asked: dict[str, str], said: list[bytes]
) -> None:
    telling = asyncio.create_task(of(listening, [True], **asked).run())
    await asyncio.sleep(0)
    assert heard(listening) == said
    assert not telling.done()
    telling.cancel()


def test_it_is_not_wanted_without_a_supervisor_and_not_of_what_this_process_starts() -> None:
    environment = {**WATCHED, "WATCHDOG_PID": str(os.getpid()), "PATH": "/bin"}
    assert Watchdog.wanted(environment, lambda: True) is not None
    assert environment == {"PATH": "/bin"}
    assert Watchdog.wanted(environment, lambda: True) is None
