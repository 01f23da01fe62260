"""`virtuoso exchange`: serve the embedded exchange."""

import asyncio
import signal
from datetime import UTC, datetime
from typing import Annotated

import typer

from virtuoso.model.clock import SystemClock, iso
from virtuoso.model.errors import UsageError
from virtuoso.simulator.server import EmbeddedExchange
from virtuoso.simulator.sources import NAMES, open_source

app = typer.Typer(add_completion=False)


@app.command()
def exchange(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8010,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    speed: Annotated[float, typer.Option(min=0.01, max=1000, help="Exchange seconds per second.")] = 1.0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of what is synthesised.")] = 1,
    start: Annotated[str | None, typer.Option(help="Exchange time to start at: ISO 8601 or epoch ms; now.")] = None,
    source: Annotated[str, typer.Option(help=f"Market: {' | '.join(NAMES)}.")] = "recording",
    faults: Annotated[bool, typer.Option("--faults", help="Add POST /control/faults, which orders faults.")] = False,
) -> None:
    """Serve Bybit v5 public REST and WebSocket from a bundled market."""
    if source not in NAMES:
        raise UsageError(f"--source {source}: there is no such market; choose {' or '.join(NAMES)}")
    clock = SystemClock()
    start_ms = clock.now_ns() // 1_000_000 if start is None else _time(start)
    server = EmbeddedExchange(
        open_source(source, seed, start_ms), clock=clock, host=host, port=port, speed=speed, start_ms=start_ms,
        control=faults,
    )  # fmt: skip
    asyncio.run(_serve(server, source, start_ms))


async def _serve(server: EmbeddedExchange, source: str, start_ms: int) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with server:
        typer.echo(f"exchange: {source} from {iso(start_ms)} · REST {server.rest_url} · streams {server.stream_url}")
        stopped = asyncio.create_task(stop.wait())
        failed = asyncio.create_task(server.wait())
        await asyncio.wait({stopped, failed}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if failed.done():
            failed.result()
        failed.cancel()


def _time(text: str) -> int:
    """Epoch ms of a time given as ISO 8601 or epoch ms."""
    if text.isdigit():
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--start {text}: must be ISO 8601, such as 2026-08-09T21:26:57Z, or epoch ms") from error
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
