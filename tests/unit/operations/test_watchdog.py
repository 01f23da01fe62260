"""systemd's watchdog: told while cycles are completed, and by the process it watches alone."""

import os
import socket
from pathlib import Path

from virtuoso.operations.watchdog import Watchdog


def test_it_is_told_while_live_and_only_then(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.setblocking(False)
        live = [True]
        environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "90000000"}
        watchdog = Watchdog.wanted(environment, lambda: live[0])
        assert watchdog is not None
        watchdog.tell()
        assert listening.recv(100) == b"WATCHDOG=1"
        live[0] = False
        watchdog.tell()
        live[0] = True
        watchdog.tell()
        assert listening.recv(100) == b"WATCHDOG=1"
    watchdog.tell()  # nobody listens: no error


def test_it_is_not_wanted_without_systemd_or_for_another_process() -> None:
    environment = {"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "90000000"}
    assert Watchdog.wanted({}, lambda: True) is None
    assert Watchdog.wanted(environment | {"WATCHDOG_USEC": "0"}, lambda: True) is None
    assert Watchdog.wanted(environment | {"WATCHDOG_PID": "1"}, lambda: True) is None
    assert Watchdog.wanted(environment | {"WATCHDOG_PID": str(os.getpid())}, lambda: True) is not None
