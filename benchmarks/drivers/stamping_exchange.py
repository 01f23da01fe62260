"""The embedded exchange over its model market, frames one by one at their own times, each stamped as it goes out.

The exchange's symbols are out of step with each other, to less than a millisecond. The product's own pump sends what
came up within 5 ms at once; here the loop never sleeps (it has a core of its own), so that the receiver's latency is
measured and not the pump's.

python -m benchmarks.drivers.stamping_exchange PORT SYMBOLS
"""

import asyncio
import sys
import time
from collections import deque
from typing import Any
from zlib import crc32

from aiohttp import WSMsgType, web

from benchmarks.drivers.stamps import stamped
from virtuoso.model.clock import SystemClock
from virtuoso.simulator.server import EmbeddedExchange
from virtuoso.simulator.source import Push
from virtuoso.simulator.sources import open_source


class StampingResponse(web.WebSocketResponse):
    """Stamps what has a topic: replies are left as they are."""

    async def send_frame(self, message: bytes, opcode: WSMsgType, compress: int | None = None) -> None:
        """One frame, stamped."""
        await super().send_frame(stamped(message) if message.startswith(b'{"topic"') else message, opcode, compress)


class PunctualExchange(EmbeddedExchange):
    """Each frame at its own microsecond: the model's millisecond, and a phase of the topic within it."""

    async def _run(self) -> None:
        waiting: deque[tuple[float, Push]] = deque()
        behind_ms = self._clock.now_ms()
        while True:
            await asyncio.sleep(0)
            now_ms, now_s = self._clock.now_ms(), time.monotonic()
            if now_ms > behind_ms:
                behind_ms = now_ms
                pushes = self._source.advance(now_ms, list(self._subscriptions))
                waiting.extend(sorted(((now_s + crc32(push.topic.encode()) % 1000 / 1e6, push) for push in pushes),
                                      key=lambda due: due[0]))  # fmt: skip
            while waiting and waiting[0][0] <= now_s:
                push = waiting.popleft()[1]
                for session in tuple(self._subscriptions.get((push.category, push.topic), ())):
                    session.push(push.payload)


async def main(port: int, symbols: int) -> None:
    """Serve until killed."""
    clock = SystemClock()
    patched: Any = web
    patched.WebSocketResponse = StampingResponse
    source = open_source("model", 1, clock.now_ns() // 1_000_000, symbols)
    async with PunctualExchange(source, clock=clock, port=port):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
