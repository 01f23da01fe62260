"""`virtuoso replay --serve`: give a recording back as the exchange that it was recorded of."""

import asyncio
import os
import signal
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from virtuoso.model.clock import iso
from virtuoso.processes.recordings.served import ServedRecording
from virtuoso.processes.runtime import Runtime
from virtuoso.simulator.replayed.server import ReplayServer
from virtuoso.simulator.replayed.source import ReplayedSource

_KEYS = "space pauses, + and - change the speed, , and . go a minute back and on, q stops"
_STEP_MS = 60_000
_READ_BYTES = 64


def serve_recording(
    runtime: Runtime, path: Path, *, port: int, speed: float, from_ms: int | None, paused: bool
) -> None:
    """Serve a recording as an exchange until SIGINT or SIGTERM.

    Raises:
        UsageError: the recording cannot be served, or the port cannot be had.
    """
    source = ReplayedSource(ServedRecording(path).recorded())
    runtime.run(_serve(source, runtime, port, speed, from_ms, paused=paused))


async def _serve(
    source: ReplayedSource, runtime: Runtime, port: int, speed: float, from_ms: int | None, *, paused: bool
) -> None:
    server = ReplayServer(source, clock=runtime.clock(), port=port, speed=speed, from_ms=from_ms, paused=paused)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with server:
        state = server.state
        span = f"{iso(state['first_ms'])} to {iso(state['last_ms'])}"
        at = f"at {iso(state['now_ms'])}, {'paused' if paused else f'{speed:g} times as fast'}"
        typer.echo(f"replay: {span}, {at} · REST {server.rest_url} · streams {server.stream_url}")
        with _keys(server, stop):
            stopped, failed = asyncio.create_task(stop.wait()), asyncio.create_task(server.wait())
            await asyncio.wait({stopped, failed}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if failed.done():
            failed.result()
        failed.cancel()


@contextmanager
def _keys(server: ReplayServer, stop: asyncio.Event) -> Iterator[None]:
    """Let keys of a terminal move the replay; elsewhere there are none."""
    if not sys.stdin.isatty():
        yield
        return
    loop, descriptor = asyncio.get_running_loop(), sys.stdin.fileno()
    before, seeking = termios.tcgetattr(descriptor), set[asyncio.Task[None]]()
    typer.echo(f"replay: {_KEYS}")

    def read() -> None:
        for key in os.read(descriptor, _READ_BYTES).decode("ascii", "ignore"):
            act(server, key, stop, seeking)

    tty.setcbreak(descriptor)
    loop.add_reader(descriptor, read)
    try:
        yield
    finally:
        loop.remove_reader(descriptor)
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
        for task in seeking:
            task.cancel()


def act(server: ReplayServer, key: str, stop: asyncio.Event, seeking: set[asyncio.Task[None]]) -> None:
    """Do what a key is for, and say where the replay is then; `seeking` holds the seek that is under way."""
    state = server.state
    match key:
        case " ":
            server.pause(on=not state["paused"])
        case "+" | "-":
            server.set_speed(state["speed"] * (2 if key == "+" else 0.5))
        case "," | "." if not seeking:
            to_ms = state["now_ms"] + (_STEP_MS if key == "." else -_STEP_MS)
            task = asyncio.create_task(server.seek(to_ms), name="seek")
            seeking.add(task)
            task.add_done_callback(seeking.discard)
        case "q":
            stop.set()
        case _:
            return
    state = server.state
    how = "paused" if state["paused"] else f"{state['speed']:g} times as fast"
    typer.echo(f"replay: {state['now']}, {how}")
