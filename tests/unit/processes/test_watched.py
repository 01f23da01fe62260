"""A process that hangs is told from one that is slow, killed, and started again, by `web --workers` and `keep.py`."""

import asyncio
import os
import resource
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.pace import REAL

from virtuoso.model.clock import ManualClock
from virtuoso.processes.web import watched, workers
from virtuoso.processes.web.watched import Watched

KEEP = Path(__file__).parents[3] / "deploy/keep.py"
CHILD = """
import os, signal, socket, sys
print("begun", os.getpid(), flush=True)
with open(sys.argv[1], "a") as lives:
    print(os.getpid(), file=lives, flush=True)
address = "\\0" + os.environ["NOTIFY_SOCKET"][1:]
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"WATCHDOG=1", address)
os.kill(os.getpid(), signal.SIGSTOP)  # it stands still, as under a debugger
"""
SECOND_NS = 1_000_000_000


def lives(file: Path) -> list[int]:
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


async def test_who_is_silent_for_too_long_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched, "_STEP_S", 0.0)
    clock = ManualClock(SECOND_NS)
    words = []
    with (
        Watched(15.0, clock, lambda: words.append(clock.monotonic_ns())) as child,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as plug,
    ):
        address = "\0" + child.environment["NOTIFY_SOCKET"].removeprefix("@")
        assert child.environment["WATCHDOG_USEC"] == "15000000"
        hanging = asyncio.create_task(child.hang())

        async def silent_for(seconds: int) -> bool:
            clock.advance(seconds * SECOND_NS)
            for _ in range(4):
                await asyncio.sleep(0)
            return hanging.done()

        assert not await silent_for(100), "it has just begun"
        assert words == []
        plug.sendto(b"READY=1", address)
        plug.sendto(b"WATCHDOG=1", address)
        assert not await silent_for(100), "what was said is heard before it is judged"
        assert len(words) == 1, "both words at once"
        assert not await silent_for(14)
        plug.sendto(b"WATCHDOG=1", address)
        assert not await silent_for(14)
        assert await silent_for(16)


async def test_a_supervisor_is_told_that_workers_are_ready_when_one_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched, "_STEP_S", 0.05)
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor,
        socket.create_server(("127.0.0.1", 0)) as sock,
    ):
        supervisor.bind(str(tmp_path / "notify"))
        supervisor.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        file = tmp_path / "lives"
        keeping = asyncio.create_task(workers.keep_workers(1, [sys.executable, "-c", CHILD, str(file)], sock.fileno()))
        async with asyncio.timeout(60):
            said = await asyncio.get_running_loop().sock_recv(supervisor, 100)
        assert said == b"READY=1"
        assert len(lives(file)) == 1, "the worker had spoken"
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
    assert all(gone(pid) for pid in lives(file))


async def test_a_worker_that_stands_still_is_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched, "_STEP_S", 0.05)
    monkeypatch.setattr(workers, "SILENT_S", 0.5)
    monkeypatch.setattr(workers, "_FIRST_WAIT_S", 0.0)
    file = tmp_path / "lives"
    with socket.create_server(("127.0.0.1", 0)) as sock:
        keeping = asyncio.create_task(workers.keep_workers(1, [sys.executable, "-c", CHILD, str(file)], sock.fileno()))
        async with asyncio.timeout(60):
            while len(lives(file)) < 2:
                await asyncio.sleep(0.02)
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
    assert all(gone(pid) for pid in lives(file))


def keep(*arguments: str, cwd: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-I", str(KEEP), *arguments], stderr=subprocess.PIPE, text=True, cwd=cwd
    )  # fmt: skip


def said(process: "subprocess.Popen[str]") -> str:
    assert process.stderr is not None
    return process.stderr.readline()


def test_the_recipe_kills_and_starts_again_what_stands_still(tmp_path: Path) -> None:
    file = tmp_path / "lives"
    with keep("--watchdog", "0.5", "child", "log", sys.executable, "-c", CHILD, str(file), cwd=tmp_path) as process:
        assert said(process) == "run-local: child was silent for 0.5 s and is killed\n"
        assert said(process) == "run-local: child ended (exit -9) and is started again\n"
        REAL.until("its second life", lambda: len(lives(file)) == 2, 60)
        process.terminate()
        os.kill(lives(file)[1], signal.SIGCONT)
        assert process.wait(60) == 0
    assert all(gone(pid) for pid in lives(file))
    assert (tmp_path / "log").read_text().startswith("begun ")


@pytest.mark.parametrize(
    ("watch", "code", "told"),
    [((), 1, "is started again"), (("--watchdog", "9"), 2, "run-local: child ended (exit 2): wrong\n")],
    ids=["a server", "ours"],
)
def test_wrong_use_of_what_is_watched_is_not_tried_again(
    tmp_path: Path, watch: tuple[str, ...], code: int, told: str
) -> None:
    ends = f"import sys; print('wrong', flush=True); sys.exit({code})"
    with keep(*watch, "child", "log", sys.executable, "-c", ends, cwd=tmp_path) as process:
        assert told in said(process)
        if watch:
            assert process.wait(60) == 1
        else:
            process.terminate()
            assert process.wait(60) == 0


def test_a_log_that_is_moved_away_ends_nothing(tmp_path: Path) -> None:
    writes = "import time; print('begun', flush=True); time.sleep(60)"
    with keep("child", "log", sys.executable, "-c", writes, cwd=tmp_path) as process:
        REAL.until("it has begun", lambda: (tmp_path / "log").exists() and (tmp_path / "log").stat().st_size, 60)
        (tmp_path / "log").rename(tmp_path / "moved")
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)
        process.terminate()
        assert process.wait(60) == 0


def test_a_large_log_is_put_aside_and_written_on(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"old" * 4_000_000)
    (tmp_path / "log.1").write_text("older")
    writes = "import time; print('new', flush=True); time.sleep(60)"
    with keep("child", "log", sys.executable, "-c", writes, cwd=tmp_path) as process:
        REAL.until("the log is put aside", lambda: (tmp_path / "log.2").exists() and log.stat().st_size < 100, 60)
        process.terminate()
        assert process.wait(60) == 0
    assert (tmp_path / "log.1").stat().st_size >= 12_000_000
    assert (tmp_path / "log.2").read_text() == "older"


def test_a_large_log_that_a_full_disk_has_no_room_for_costs_no_older_one(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"old" * 4_000_000)
    for n in (1, 2, 3):
        (tmp_path / f"log.{n}").write_text(f"older {n}")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))
    try:
        process = keep("--watchdog", "9", "child", "log", sys.executable, "-c", "raise SystemExit(2)", cwd=tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    with process:
        assert process.wait(60) == 1
    assert {path.name: path.read_text() for path in tmp_path.glob("log.*")} == {
        f"log.{n}": f"older {n}" for n in (1, 2, 3)
    }
