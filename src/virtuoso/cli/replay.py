"""`virtuoso replay`: play a recording through the same code as live data."""

import asyncio
import json
import os
import time
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from virtuoso.cli.replay_serve import serve_recording
from virtuoso.cli.terminal.configuration import Config, NoConfig, files_of
from virtuoso.cli.terminal.progress import told
from virtuoso.cli.terminal.tables import facts, show
from virtuoso.cli.terminal.times import epoch_ms
from virtuoso.config import load
from virtuoso.model.clock import iso
from virtuoso.model.errors import UsageError
from virtuoso.operations import logs
from virtuoso.playback.replay import Replay
from virtuoso.processes.runtime import Runtime
from virtuoso.recording.reader import reading
from virtuoso.wiring.monitor import monitor_parts

app = typer.Typer(add_completion=False)


@app.command()
def replay(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="The recording.")],
    config: Config = None,
    no_config: NoConfig = False,
    speed: Annotated[
        float | None,
        typer.Option(
            min=0.01, max=1000, help="Recorded seconds per second (default: as fast as it goes; 1 with --serve)."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    serve: Annotated[
        bool, typer.Option("--serve", help="Serve it as the exchange that it was recorded from, to any client.")
    ] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of --serve; 0 takes a free one.")] = 8010,
    from_: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="Moment at which --serve begins: ISO 8601 or epoch ms.")
    ] = None,
    paused: Annotated[bool, typer.Option("--paused", help="Let the time of --serve stand still at first.")] = False,
) -> None:
    """Play a recording: same input, same documents, to the byte (SHA-256), whatever the speed."""
    if serve:
        from_ms = None if from_ is None else epoch_ms("--from", from_)
        serve_recording(ctx.ensure_object(Runtime), file, port=port, speed=speed or 1.0, from_ms=from_ms, paused=paused)
        return
    if from_ is not None or paused:
        raise UsageError("--from and --paused are for --serve: add it")
    logs.configure("warning", "auto")
    player = Replay(monitor_parts(load(files_of(config, no_config), os.environ)))
    with reading(file) as reader:
        records = told(reader, f"replaying {file}", lambda: reader.bytes_read / max(1, reader.bytes_total))
        began = time.perf_counter()
        asyncio.run(player.play(records, None if speed is None else _Pace(speed)))
    seconds = time.perf_counter() - began
    readings = [evaluation.reading(symbol) for symbol, evaluation in sorted(player.cycle.evaluations.items())]
    result = {
        "records": player.records,
        "frames": player.stream.frames,
        "until": iso(player.clock.now_ns() // 1_000_000),
        "cycles": player.cycle.count,
        "failures": player.cycle.failures,
        "symbols": len(readings),
        "seconds": round(seconds, 3),
        "speed": round(player.span_s / seconds, 1),
        "truncated": [msgspec.to_builtins(t, enc_hook=str) for t in reader.truncated],
        "sha256": player.digest,
    }
    if as_json:
        typer.echo(json.dumps(result))
        return
    show([facts({name: str(value) for name, value in result.items()})])


class _Pace:
    """No frame sooner after the first than `speed` allows."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._first: tuple[int, float] | None = None

    async def __call__(self, received_ns: int) -> None:
        self._first = self._first or (received_ns, time.perf_counter())
        ahead_s = (received_ns - self._first[0]) / 1e9 / self._speed - (time.perf_counter() - self._first[1])
        if ahead_s > 0:
            await asyncio.sleep(ahead_s)
