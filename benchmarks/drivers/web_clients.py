"""Clients of `/api/stream`, each a connection: how long after its publication each document reaches each of them.

`python -m benchmarks.drivers.web_clients PORT CLIENTS SECONDS DEAF`: `DEAF` more clients never read. Prints one line of
JSON: the delays in ms, the events and versions that were missed or came late, and after how long the deaf were dropped.
"""

import asyncio
import json
import re
import socket
import sys
import time
from typing import Any

import uvloop

from benchmarks.drivers.stamps import Spread

REQUEST = b"GET /api/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
EVENT = re.compile(rb'\nid: 1-(\d+)\ndata: [^\n]*,"sent":(\d+)}\n')
BATCH = 100
GIVEN_UP_S = 60.0


class Client(asyncio.Protocol):
    """One that reads."""

    def __init__(self, measured: "Measured") -> None:
        self._measured = measured
        self._rest = b""
        self.versions: list[int] = []
        self.lost = False

    def connection_made(self, transport: Any) -> None:
        """Ask."""
        transport.write(REQUEST)

    def data_received(self, data: bytes) -> None:
        """Note the events that are whole."""
        now_ns = time.monotonic_ns()
        self._rest += data
        end = 0
        for found in EVENT.finditer(self._rest):
            self.versions.append(int(found[1]))
            if self._measured.on and len(self.versions) > 1:  # the first was published before it came
                self._measured.delays_ms.add((now_ns - int(found[2])) / 1e6)
            end = found.end()
        self._rest = self._rest[end:]

    def connection_lost(self, _error: Exception | None) -> None:
        """Note it."""
        self.lost = True


class Measured:
    """Of all clients."""

    def __init__(self) -> None:
        self.on = False
        self.delays_ms = Spread()


async def deaf(port: int) -> float | None:
    """Never reads; seconds until it was dropped, `None` if it was not within a minute."""
    sock = socket.create_connection(("127.0.0.1", port))
    sock.sendall(REQUEST)
    began = time.monotonic()
    while time.monotonic() - began < GIVEN_UP_S:
        if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            sock.close()
            return time.monotonic() - began
        await asyncio.sleep(0.1)
    sock.close()
    return None


async def run(port: int, clients: int, seconds: float, deaf_clients: int) -> dict[str, Any]:
    """All of them together."""
    loop = asyncio.get_running_loop()
    measured = Measured()
    everyone: list[Client] = []
    for _ in range(0, clients, BATCH):
        made = [loop.create_connection(lambda: Client(measured), "127.0.0.1", port) for _ in range(BATCH)]
        everyone += [protocol for _, protocol in await asyncio.gather(*made)]
    await asyncio.sleep(2.0)
    unheard = [asyncio.create_task(deaf(port)) for _ in range(deaf_clients)]
    measured.on = True
    await asyncio.sleep(seconds)
    measured.on = False
    gaps = sum(
        1 for client in everyone for a, b in zip(client.versions, client.versions[1:], strict=False) if b != a + 1
    )
    return {
        "delays_ms": measured.delays_ms.summary(),
        "gaps": gaps,
        "lost": sum(client.lost for client in everyone),
        "dropped_s": await asyncio.gather(*unheard),
    }


if __name__ == "__main__":
    print(json.dumps(uvloop.run(run(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])))))
