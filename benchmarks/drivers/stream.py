"""Ours, from the socket: the production stream and sinks.

python -m benchmarks.drivers.stream FOLDER PORT CONTROL
"""

import asyncio
import sys
from contextlib import suppress
from pathlib import Path

import uvloop

from benchmarks.drivers import ours
from benchmarks.peers import gauge


async def main(folder: Path, port: int, control: int) -> None:
    """Connect, subscribe, measure."""
    expected = gauge.expected(folder)
    exchange, stream, market = ours.make(port)
    last = {symbol: state["update_id"] for symbol, state in expected["symbols"].items()}
    books = {symbol: market[symbol].book for symbol in last}
    task = asyncio.create_task(stream.run())

    def done() -> bool:
        if task.done():
            task.result()
        return all(books[symbol].update_id == update_id for symbol, update_id in last.items())

    cpu_s = await gauge.measure_stream(control, done)
    gauge.report(
        cpu_s=cpu_s, messages=ours.messages(stream), symbols=ours.states(market),
        packages=("picows", "msgspec", "uvloop"),
    )  # fmt: skip
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await exchange.close()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
