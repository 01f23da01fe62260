"""Strangers against the web of a running program: its memory stays below twice the idle, the monitor feels nothing."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.integration.test_web_process import web_of
from tests.support.exchange import Running
from tests.support.pace import Pace
from tests.support.program import Program, running_program, settings_for

HEAD = b"GET /api/alerts/recent HTTP/1.1\r\nHost: 127.0.0.1\r\n"
CLIENTS = 400
HOLD_S = 12.0


def rss_mb(process: int) -> float:
    """Resident memory of a process."""
    pages = Path(f"/proc/{process}/statm").read_text().split()[1]
    return int(pages) * 4096 / 1e6


@contextmanager
def watched(process: int) -> Iterator[list[float]]:
    """The memory (MB) seen meanwhile, a hundred times a second."""
    seen, over = [rss_mb(process)], threading.Event()

    def look() -> None:
        while not over.wait(0.01):
            seen.append(rss_mb(process))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield seen
    finally:
        over.set()
        looking.join()


class Crowd:
    """Strangers who each send what they send, and then hold on for twelve seconds of the program's time."""

    def __init__(self, clients: int, *parts: bytes) -> None:
        self._clients, self._parts = clients, parts

    async def attack(self, port: int, pace: Pace) -> None:
        self._busy, self._over = self._clients, asyncio.Event()
        crowd = asyncio.gather(*(self._one(port) for _ in range(self._clients)))
        while self._busy:
            await asyncio.sleep(0.01)
        end_s = pace.now_s() + HOLD_S
        while pace.now_s() < end_s:
            await asyncio.sleep(0.01)
        self._over.set()
        await crowd

    async def _one(self, port: int) -> None:
        writer = None
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            for part in self._parts:
                writer.write(part)
                async with asyncio.timeout(20):
                    await writer.drain()
        except (OSError, TimeoutError):
            return
        finally:
            self._busy -= 1
            if writer is not None:
                await self._over.wait()
                writer.transport.abort()


POST = HEAD.replace(b"GET /api/alerts/recent", b"POST /api/silences") + (
    b"Content-Type: application/json\r\nContent-Length: 60000\r\n\r\n"
)
UNWANTED = HEAD + b"Content-Length: 9999999999\r\n\r\n"
ATTACKS = {
    "heads without an end": Crowd(20, HEAD + b"x: ", *[b"a" * 1_000_000] * 100),
    "half heads": Crowd(CLIENTS, HEAD + b"x: " + b"a" * 15_000),
    "half bodies": Crowd(CLIENTS, POST + b'{"author":"' + b"a" * 50_000),
    "nothing": Crowd(CLIENTS),
    "requests without reading": Crowd(100, *[b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 10] * 5),
    "streams without reading": Crowd(CLIENTS, HEAD.replace(b"alerts/recent", b"stream") + b"\r\n"),
    "bodies that are not wanted": Crowd(20, UNWANTED, *[b"a" * 1_000_000] * 50),
}


@pytest.fixture(scope="module")
def program(shared_exchange: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    shared_exchange.clear()
    config = settings_for(shared_exchange, tmp_path_factory.mktemp("attacked"), "universe: {size: 4}\n")
    with running_program(config, pace=shared_exchange.pace) as running:
        for path in ("/openapi.json", "/api/alerts/recent", "/api/monitoring/status", "/api/symbols"):
            running.ask(path)  # what is made once, and kept, is no growth
        running.pace.sleep(3)
        yield running


@pytest.mark.slow
@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_costs_less_than_the_idle_memory_and_no_cycle(program: Program, name: str) -> None:
    port, web = int(program.url.rpartition(":")[2]), web_of(program)
    before = program.ask("/api/monitoring/status")["cycle"]
    idle = rss_mb(web)
    with watched(web) as seen, program.pace.flowing():
        asyncio.run(ATTACKS[name].attack(port, program.pace))
    assert max(seen) < 2 * idle, f"{idle:.0f} MB idle, {max(seen):.0f} MB at worst"
    assert web_of(program) == web, "it is the same process still"

    def cycle() -> dict[str, int]:
        found: dict[str, int] = program.ask("/api/monitoring/status")["cycle"]
        return found

    program.until("a cycle", lambda: cycle()["count"] > before["count"], 30)
    assert cycle()["failures"] == before["failures"]
