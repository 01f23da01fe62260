"""`virtuoso exchange`: serve the embedded exchange."""

import asyncio
import signal
from pathlib import Path
from typing import Annotated

import typer

from virtuoso.cli.terminal.times import epoch_ms
from virtuoso.model.clock import iso
from virtuoso.model.errors import UsageError
from virtuoso.processes.runtime import Runtime
from virtuoso.simulator.model_market.listing import MOST
from virtuoso.simulator.scenario import read_scenario
from virtuoso.simulator.server import EmbeddedExchange
from virtuoso.simulator.sources import MODEL_UNIVERSE, NAMES, caveat, moment, open_source

app = typer.Typer(add_completion=False)


@app.command()
def exchange(
    ctx: typer.Context,
    capture: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Raw capture that --source capture plays.")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8010,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    speed: Annotated[float, typer.Option(min=0.01, max=1000, help="Exchange seconds per second.")] = 1.0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of what is synthesised.")] = 1,
    start: Annotated[
        str | None, typer.Option(help="Exchange time to start at: ISO 8601 or epoch ms (default: now).")
    ] = None,
    source: Annotated[str, typer.Option(help=f"Market: {' | '.join(NAMES)}.")] = "history",
    universe: Annotated[
        int | None, typer.Option(help=f"Symbols of --source model, 1 to {MOST} (default: {MODEL_UNIVERSE}).")
    ] = None,
    faults: Annotated[bool, typer.Option("--faults", help="Add POST /control/faults, which orders faults.")] = False,
    scenario: Annotated[Path | None, typer.Option(help="File of faults and their times, in YAML.")] = None,
) -> None:
    """Serve Bybit v5 public REST and WebSocket from a bundled market, or from a capture of the real one."""
    if source not in NAMES:
        raise UsageError(f"--source {source}: there is no such market; choose {' or '.join(NAMES)}")
    if source == "capture" and capture is None:
        raise UsageError("--source capture: name the file to play, such as virtuoso exchange --source capture FILE")
    if source != "capture" and capture is not None:
        raise UsageError(f"{capture}: the market {source} plays no file; add --source capture")
    if universe is not None and source != "model":
        raise UsageError(f"--universe {universe}: the market {source} has its own symbols; add --source model")
    if universe is not None and not 1 <= universe <= MOST:
        raise UsageError(f"--universe {universe}: must be 1 to {MOST}")
    runtime = ctx.ensure_object(Runtime)
    clock = runtime.clock()
    start_ms = clock.now_ns() // 1_000_000 if start is None else epoch_ms("--start", start)
    market = open_source(source, seed, start_ms, universe or MODEL_UNIVERSE, capture)
    server = EmbeddedExchange(
        market,
        clock=clock, host=host, port=port, speed=speed, control=faults,
        start_ms=None if start is None else start_ms,  # opening the market took a second
        scenario=() if scenario is None else read_scenario(scenario),
    )  # fmt: skip
    begins = ", ".join(filter(None, (f"{source} from {iso(start_ms)}", moment(market))))
    runtime.run(_serve(server, begins, caveat(market)))


async def _serve(server: EmbeddedExchange, begins: str, warning: str | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with server:
        typer.echo(f"exchange: {begins} · REST {server.rest_url} · streams {server.stream_url}")
        if warning is not None:
            typer.echo(f"exchange: {warning}")
        stopped = asyncio.create_task(stop.wait())
        failed = asyncio.create_task(server.wait())
        await asyncio.wait({stopped, failed}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if failed.done():
            failed.result()
        failed.cancel()
