"""Processes of the program that begin warm: forked from one that has loaded it, which saves seconds of each start.

They are processes of their own like any other, with their own arguments, environment, folder and streams. Only what
the interpreter decides before it loads anything (the hash seed, preloaded libraries, what `/proc` tells of the command
line) is the first one's: whatever depends on that begins cold, by `subprocess`.
"""

import atexit
import gc
import importlib
import json
import os
import runpy
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

_MODULES = (
    "alerts", "analyze", "backtest", "config", "exchange", "export", "monitor", "record", "replay", "rules", "top",
    "universe", "up", "web",
)  # fmt: skip
_MOST_BYTES = 1 << 18
_COLD = frozenset({"LD_PRELOAD", "PYTHONHASHSEED"})
_TICK_S = 0.005


class Popen(subprocess.Popen[Any]):
    """`subprocess.Popen` of a command line that runs a module: by `tests.support.program.command`, or `python -m`."""

    def _execute_child(self, args: Any, *rest: Any) -> None:
        (_, _, close_fds, pass_fds, cwd, env, _, _, shell, p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite,
         _, _, _, _, _, session, _) = rest  # fmt: skip
        assert (close_fds, pass_fds, shell) == (True, (), False), "nothing else is needed so far"
        streams = [own if own >= 0 else ours for own, ours in zip((p2cread, c2pwrite, errwrite), range(3), strict=True)]
        environment = dict(os.environ if env is None else env)
        self._nursery = None if _COLD & environment.keys() else _nursery()
        if self._nursery is None:
            super()._execute_child(args, *rest)  # type: ignore[misc]
            return
        order = {"argv": list(args), "env": environment, "cwd": str(cwd or Path.cwd()), "session": session}
        self.pid = self._nursery.ask(order, streams)
        self._child_created = True
        self._close_pipe_fds(p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite)  # type: ignore[attr-defined]

    def _internal_poll(self, *_: Any, **__: Any) -> int | None:
        if self.returncode is None:
            pid, status = self._try_wait(os.WNOHANG)
            if pid == self.pid:
                self._handle_exitstatus(status)  # type: ignore[attr-defined]
        return self.returncode

    def _try_wait(self, wait_flags: int) -> tuple[int, int]:
        if self._nursery is None:
            found: tuple[int, int] = super()._try_wait(wait_flags)  # type: ignore[misc]
            return found
        while (status := self._nursery.ask({"wait": self.pid})) is None:
            if wait_flags & os.WNOHANG:
                return 0, 0
            time.sleep(_TICK_S)
        return self.pid, status


def run(command: list[str], *, timeout: float, **options: Any) -> "subprocess.CompletedProcess[str]":
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


class _Nursery:
    """The warm process, asked over a socket."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket, self._lock = ours, threading.Lock()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __spec__.name, str(theirs.fileno())],
                pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        atexit.register(self._end)

    def ask(self, order: dict[str, Any], streams: list[int] | None = None) -> Any:
        with self._lock:
            socket.send_fds(self._socket, [json.dumps(order).encode()], streams or [])
            return json.loads(self._socket.recv(_MOST_BYTES))

    def _end(self) -> None:
        self._socket.close()
        self._process.wait(10)


_begun: list[_Nursery] = []


def _nursery() -> _Nursery:
    """This process's one."""
    if not _begun:
        _begun.append(_Nursery())
    return _begun[0]


def _serve(orders: socket.socket) -> list[str] | None:
    """Answer until the asker is gone (`None`); in a process that was forked, its command line."""
    ended: dict[int, int] = {}
    while True:
        raw, streams, *_ = socket.recv_fds(orders, _MOST_BYTES, 3)
        if not raw:
            return None
        order = json.loads(raw)
        if "wait" in order:
            if order["wait"] not in ended:
                pid, status = os.waitpid(order["wait"], os.WNOHANG)
                if pid:
                    ended[pid] = status
            orders.send(json.dumps(ended.get(order["wait"])).encode())
            continue
        pid = os.fork()
        if pid:
            ended.pop(pid, None)
            for stream in streams:
                os.close(stream)
            orders.send(json.dumps(pid).encode())
            continue
        orders.close()
        _become(order, streams)
        argv: list[str] = order["argv"]
        return argv


def _become(order: dict[str, Any], streams: list[int]) -> None:
    """Take on what a process that is begun by `exec` would have."""
    if order["session"]:
        os.setsid()
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["env"])
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    for stream in streams:
        if stream > 2:
            os.close(stream)
    through = bool(order["env"].get("PYTHONUNBUFFERED"))
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - these stay open
    sys.stdout = open(1, "w", closefd=False, buffering=1 if os.isatty(1) else -1)  # noqa: SIM115
    sys.stderr = open(2, "w", closefd=False, buffering=1, errors="backslashreplace")  # noqa: SIM115
    if through:
        sys.stdout.reconfigure(write_through=True)
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr  # type: ignore[misc]


def _main() -> None:
    for name in _MODULES:
        importlib.import_module(f"virtuoso.cli.{name}")
    scaled = importlib.import_module("tests.support.scaled")
    gc.freeze()
    argv = _serve(socket.socket(fileno=int(sys.argv[1])))
    if argv is None:
        return
    if argv[1] == "-m":
        sys.argv = argv[2:]
        runpy.run_module(argv[2], run_name="__main__", alter_sys=True)
    else:
        assert argv[2] == scaled.__file__
        sys.argv = argv[2:]
        scaled.main()


if __name__ == "__main__":
    _main()
