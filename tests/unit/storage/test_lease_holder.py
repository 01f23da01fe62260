"""The proof that a holder's process is gone."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import msgspec
import pytest

from virtuoso.storage.database.lease import holder
from virtuoso.storage.database.lease.holder import Process, encode, proved_dead, this_process


@pytest.fixture
def other() -> Iterator[tuple[subprocess.Popen[str], str]]:
    code = "from virtuoso.storage.database.lease.holder import *; print(encode(this_process()), flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process, process.stdout.readline()
        process.kill()


def test_this_process_lives() -> None:
    me = this_process()
    assert me.boot
    assert me.started
    assert "pid:[" in me.namespaces
    assert not proved_dead(encode(me))


def test_another_lives_until_it_is_killed_reaped_or_not(other: tuple[subprocess.Popen[str], str]) -> None:
    process, text = other
    assert not proved_dead(text)
    process.send_signal(signal.SIGSTOP)
    assert not proved_dead(text), "a stopped process may go on"
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # dead, and still in the table
    assert proved_dead(text)
    process.wait()
    assert proved_dead(text)


def test_a_process_number_used_again_is_another_process() -> None:
    assert proved_dead(encode(msgspec.structs.replace(this_process(), started="1")))


@pytest.mark.parametrize("field", ["boot", "namespaces"])
def test_nothing_is_proved_of_another_machine_or_container(field: str) -> None:
    gone = msgspec.structs.replace(this_process(), started="1")
    assert not proved_dead(encode(msgspec.structs.replace(gone, **{field: "elsewhere"})))


@pytest.mark.parametrize("text", [None, "", "{}", "no JSON", encode(Process("", "", 1, "")), "[1]"])
def test_nothing_is_proved_of_what_cannot_be_read(text: str | None) -> None:
    assert not proved_dead(text)


def test_a_process_hidden_from_us_may_live(monkeypatch: pytest.MonkeyPatch) -> None:
    text = encode(msgspec.structs.replace(this_process(), started="1"))
    monkeypatch.setattr(holder, "_status", lambda pid: None)
    assert not proved_dead(text)
