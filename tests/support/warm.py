"""Processes of the program that begin warm: forked from one that has loaded it, which saves seconds of each start.

What begins so is a process like any other: a child of the test's, with its own descriptors, arguments, environment,
signals and exit code. What it starts in turn begins warm too. Whatever is more than `python -m MODULE`, or has an
environment that an interpreter reads only as it starts (a preloaded library, a hash seed), begins cold, by
`subprocess`; so does the installed command `virtuoso`.
"""

import asyncio
import atexit
import ctypes
import fcntl
import gc
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from asyncio.subprocess import Process, SubprocessStreamProtocol
from asyncio.unix_events import ThreadedChildWatcher, _UnixSubprocessTransport  # type: ignore[attr-defined]
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from inspect import signature
from io import TextIOWrapper
from itertools import pairwise
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

import virtuoso.cli
import virtuoso.processes
from tests.support.scaled import python_of
from virtuoso.operations.build import build
from virtuoso.simulator.sources import open_source

_PR_SET_CHILD_SUBREAPER = 36
_MOST_BYTES = 1 << 20
_ROOT = Path(__file__).parents[2]
_SCALED = list(python_of(Path("time"))[:-1])
_ARGUMENTS = list(signature(subprocess.Popen._execute_child).parameters)[1:]  # type: ignore[attr-defined]
_PLAIN = {"preexec_fn": None, "shell": False, "umask": -1, "process_group": -1, "executable": None}
_STARTING = {"up", "demo", "web"}
"""Commands that start other processes."""
_TOLD_TO_ALL = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_MOST_FDS = 16
_STREAM_BYTES = 1 << 16
_LATER = ("alembic.command", "alembic.config", "numpy.ma")
"""What a start loads where it is used."""
_READ_AT_START = ("PYTHON", "LD_", "LANG", "LC_", "MALLOC", "OPENBLAS", "OMP_")


class Popen(subprocess.Popen[Any]):
    """`subprocess.Popen`, warm where that makes no difference."""

    def _execute_child(self, *arguments: Any) -> None:
        given = dict(zip(_ARGUMENTS, arguments, strict=True))
        command, environment = given["args"], given["env"]
        if not _is_plain(given) or (what := _what(command, environment)) is None:
            super()._execute_child(*arguments)  # type: ignore[misc]
            return
        given_fds = (given["p2cread"], given["c2pwrite"], given["errwrite"])
        fds = {number: number if fd == -1 else fd for number, fd in enumerate(given_fds)}
        fds |= {fd: fd for fd in given["pass_fds"]}
        what |= {"cwd": os.fspath(given["cwd"] or Path.cwd()), "env": dict(environment or os.environ)}
        what |= {"session": given["start_new_session"], "fds": list(fds)}
        self.pid = _server().start(what, list(fds.values()))
        self._child_created = True
        self._close_pipe_fds(*[given[name] for name in _ARGUMENTS if name.startswith(("p2c", "c2p", "err"))])  # type: ignore[attr-defined]


def run(command: Sequence[str], *, timeout: float, **options: Any) -> "subprocess.CompletedProcess[str]":
    """`subprocess.run` of a command line of the program: its code and what it said."""
    with Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    ) as process:
        try:
            out, err = process.communicate(timeout=timeout)
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def _is_plain(given: Mapping[str, Any]) -> bool:
    return all(given[name] == value for name, value in _PLAIN.items() if name in given)


def _what(command: Any, environment: Mapping[str, str] | None) -> dict[str, Any] | None:
    """The module or file that a command line runs, and its `argv`; `None` where it has to be started anew."""
    if isinstance(command, str | bytes) or not _starts_alike(os.environ if environment is None else environment):
        return None
    words = [os.fsdecode(word) for word in command]
    if words[:3] == _SCALED:
        return {"file": words[2], "argv": words[2:]}
    if words[:2] == [sys.executable, "-m"] and words[2:3] and words[2].startswith(("virtuoso.", "tests.")):
        return {"module": words[2], "argv": words[2:]}
    return None


def _starts_alike(environment: Mapping[str, str]) -> bool:
    """Whether an interpreter would start with these as it did here; unbuffered output is taken over."""
    names = {n for n in (*environment, *os.environ) if n.startswith(_READ_AT_START) and n != "PYTHONUNBUFFERED"}
    return all(environment.get(name) == os.environ.get(name) for name in names)


class _Server:
    """The process that forks; it lives as long as this one."""

    def __init__(self, ours: socket.socket, ended: Callable[[], object]) -> None:
        self._socket, self._ended = ours, ended

    @classmethod
    def begin(cls) -> "_Server":
        """A new one, which loads the program."""
        _adopt()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-m", __spec__.name, str(theirs.fileno())], pass_fds=(theirs.fileno(),),
                cwd=_ROOT, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        return cls(ours, lambda: process.wait(10))

    def start(self, what: dict[str, Any], fds: Sequence[int]) -> int:
        """The pid of a new child."""
        socket.send_fds(self._socket, [json.dumps(what).encode()], fds)
        answer = self._socket.recv(32)
        assert answer, "the process that starts others has ended"
        return int(answer)

    def end(self) -> None:
        self._socket.close()
        self._ended()


_servers: dict[int, _Server] = {}
_watcher = ThreadedChildWatcher()


def _server() -> _Server:
    """This process's own."""
    if os.getpid() not in _servers:
        _use(_Server.begin())
    return _servers[os.getpid()]


def _use(server: _Server) -> None:
    _servers[os.getpid()] = server
    atexit.register(server.end)


def _adopt() -> None:
    """Whom a child of this process leaves behind is its own child from now on."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _hand_down() -> socket.socket | None:
    """Give this process, which is new and will start others, a server of its own; in that one, returns its socket."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if pid := os.fork():
        theirs.close()
        _adopt()
        _use(_Server(ours, lambda: os.waitpid(pid, 0)))
        subprocess.Popen = Popen  # type: ignore[misc] - for asyncio, too
        asyncio.create_subprocess_exec = _create_subprocess_exec
        return None
    ours.close()
    for number in _TOLD_TO_ALL:
        signal.signal(number, signal.SIG_IGN)  # it ends with the process that it works for
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(nowhere, number)
    return theirs


async def _create_subprocess_exec(
    *command: Any, stdin: Any = None, stdout: Any = None, stderr: Any = None, **options: Any
) -> Process:
    """As asyncio's own loop starts a process, by `subprocess`, on whatever loop: uvloop's starts them by itself."""
    loop = asyncio.get_running_loop()
    protocol, begun = SubprocessStreamProtocol(limit=_STREAM_BYTES, loop=loop), loop.create_future()
    transport = _UnixSubprocessTransport(
        loop, protocol, command, False, stdin, stdout, stderr, 0, waiter=begun, **options
    )
    _watcher.add_child_handler(transport.get_pid(), _ended, loop, transport)
    await begun
    return Process(transport, protocol, loop)


def _ended(pid: int, code: int, loop: asyncio.AbstractEventLoop, transport: Any) -> None:
    """Comes from the thread that waits for the process."""
    loop.call_soon_threadsafe(transport._process_exited, code)


def _serve(ours: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Fork for whoever asks; returns in the new process, with what it is to run and its descriptors."""
    while True:
        message, fds, _, _ = socket.recv_fds(ours, _MOST_BYTES, _MOST_FDS)
        if not message:
            os._exit(0)
        reading, writing = os.pipe()
        waiting, going = os.pipe()
        if (middle := os.fork()) == 0:
            if pid := os.fork():
                os.write(writing, str(pid).encode())
                os._exit(0)
            os.close(going)
            os.read(waiting, 1)  # it may ask to end with its parent, which must not be the one between
            return json.loads(message), fds
        os.waitpid(middle, 0)  # only now the new process is the asker's child
        os.write(going, b".")
        ours.send(os.read(reading, 32))
        for fd in (reading, writing, waiting, going, *fds):
            os.close(fd)


def _become(what: dict[str, Any], fds: list[int]) -> None:
    """Take over all that a new process is given."""
    for number in _TOLD_TO_ALL:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    beyond = 1 + max(*fds, *what["fds"])
    aside = [fcntl.fcntl(fd, fcntl.F_DUPFD, beyond) for fd in fds]
    for number, fd in zip(what["fds"], aside, strict=True):
        os.dup2(fd, number)
    wanted = sorted({2, *what["fds"]})
    for below, above in pairwise([*wanted, min(1 << 16, os.sysconf("SC_OPEN_MAX"))]):
        if above > below + 1:
            os.closerange(below + 1, above)
    if what["session"]:
        os.setsid()
    os.chdir(what["cwd"])
    os.environ.clear()
    os.environ.update(what["env"])
    time.tzset()
    unbuffered = bool(os.environ.get("PYTHONUNBUFFERED"))
    sys.stdin = open(0, encoding=sys.stdin.encoding, closefd=False)  # noqa: SIM115
    sys.stdout = _output(1, sys.stdout, unbuffered=unbuffered)
    sys.stderr = _output(2, sys.stderr, unbuffered=unbuffered)
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr
    sys.argv[:] = what["argv"]
    sys.path[0] = what["cwd"] if "module" in what else sys.path[0]


def _output(fd: int, like: Any, *, unbuffered: bool) -> TextIOWrapper:
    raw = open(fd, "wb", closefd=False)  # noqa: SIM115
    lines = raw.isatty() or fd == 2
    return TextIOWrapper(raw, like.encoding, like.errors, line_buffering=lines, write_through=unbuffered)


def _load() -> None:
    """All that the program's commands load, before anything is forked; nothing of it starts a thread of Python's."""
    for room in (virtuoso.cli, virtuoso.processes):
        for module in walk_packages(room.__path__, f"{room.__name__}."):
            if not module.name.endswith("__main__"):
                import_module(module.name)
    for name in _LATER:
        import_module(name)
    build()
    open_source("history", 1, 0)  # its trades are made once
    assert threading.active_count() == 1


def _run(what: dict[str, Any]) -> int:
    """As an interpreter runs its main module; returns the exit code."""
    try:
        if "module" in what:
            runpy.run_module(what["module"], run_name="__main__", alter_sys=True)
        else:
            runpy.run_path(what["file"], run_name="__main__")
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    except Exception:  # noqa: BLE001 - whatever the module did not catch
        traceback.print_exc()
        return 1
    return 0


def main() -> None:
    ours = socket.socket(fileno=int(sys.argv[1]))
    _load()
    gc.freeze()
    serving: socket.socket | None = ours
    while serving is not None:
        what, fds = _serve(serving)
        _become(what, fds)
        serving = _hand_down() if _STARTING.intersection(what["argv"]) else None
    code = _run(what)
    # What is left of an interpreter's end; to take all modules apart would cost what the fork has saved.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
