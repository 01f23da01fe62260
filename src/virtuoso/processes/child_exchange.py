"""The embedded exchange as the demo's child: says its address and what it plays, and ends when its input does."""

import asyncio
import signal
import sys

from virtuoso.model.clock import Clock
from virtuoso.processes.runtime import Runtime
from virtuoso.simulator.server import EmbeddedExchange
from virtuoso.simulator.sources import moment, open_source


async def _run(clock: Clock, seed: int, start_ms: int) -> None:
    market = open_source("history", seed, start_ms)
    played = moment(market)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin.fileno(), stop.set)  # readable at its end: the parent is gone
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's; it stops us when it is done
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    async with EmbeddedExchange(market, clock=clock, start_ms=start_ms) as exchange:
        # The parent reads both lines.
        print(exchange.rest_url.removeprefix("http://"), played, sep="\n", flush=True)  # noqa: T201
        await stop.wait()


def main(runtime: Runtime) -> None:
    """`SEED START_MS`: what is synthesised goes by the one, and exchange time begins at the other (epoch ms)."""
    runtime.run(_run(runtime.clock(), int(sys.argv[1]), int(sys.argv[2])))
