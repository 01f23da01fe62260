"""Strangers against the web of a running program: its memory stays below twice the idle, the monitor feels nothing."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.integration.test_web_process import web_of
from tests.support.exchange import running_exchange
from tests.support.program import Program, running_program, settings_for

HEAD = b"GET /api/alerts/recent HTTP/1.1\r\nHost: 127.0.0.1\r\n"
CLIENTS = 400


def rss_mb(process: int) -> float:
    """Resident memory of a process."""
    pages = Path(f"/proc/{process}/statm").read_text().split()[1]
    return int(pages) * 4096 / 1e6


@contextmanager
def watched(process: int) -> Iterator[list[float]]:
    """The memory (MB) seen meanwhile, ten times a second."""
    seen, over = [rss_mb(process)], threading.Event()

    def look() -> None:
        while not over.wait(0.1):
            seen.append(rss_mb(process))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield seen
    finally:
        over.set()
        looking.join()


async def _sending(port: int, *parts: bytes, read: bool = False) -> None:
    """One client, until it is dropped or has sent all."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            for part in parts:
                writer.write(part)
                async with asyncio.timeout(20):
                    await writer.drain()
            if read:
                async with asyncio.timeout(20):
                    while await reader.read(65_536):
                        pass
            else:
                await asyncio.sleep(12)
        finally:
            writer.transport.abort()
    except (OSError, TimeoutError):
        return


def _all(make: Callable[[int], Awaitable[None]], clients: int = CLIENTS) -> Callable[[int], Awaitable[None]]:
    async def attack(port: int) -> None:
        await asyncio.gather(*(make(port) for _ in range(clients)))

    return attack


POST = HEAD.replace(b"GET /api/alerts/recent", b"POST /api/silences") + (
    b"Content-Type: application/json\r\nContent-Length: 60000\r\n\r\n"
)
UNWANTED = HEAD + b"Content-Length: 9999999999\r\n\r\n"
ATTACKS: dict[str, Callable[[int], Awaitable[None]]] = {
    "heads without an end": _all(lambda port: _sending(port, HEAD + b"x: ", *[b"a" * 1_000_000] * 100), 20),
    "half heads": _all(lambda port: _sending(port, HEAD + b"x: " + b"a" * 15_000)),
    "half bodies": _all(lambda port: _sending(port, POST + b'{"author":"' + b"a" * 50_000)),
    "nothing": _all(_sending),
    "requests without reading": _all(
        lambda port: _sending(port, *[b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 10] * 5), 100
    ),
    "streams without reading": _all(lambda port: _sending(port, HEAD.replace(b"alerts/recent", b"stream") + b"\r\n")),
    "bodies that are not wanted": _all(lambda port: _sending(port, UNWANTED, *[b"a" * 1_000_000] * 50), 20),
}  # fmt: skip


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    folder = tmp_path_factory.mktemp("attacked")
    with running_exchange() as exchange, running_program(settings_for(exchange, folder)) as running:
        for path in ("/openapi.json", "/api/alerts/recent", "/api/monitoring/status", "/api/symbols"):
            running.ask(path)  # what is made once, and kept, is no growth
        time.sleep(3)
        yield running


@pytest.mark.slow
@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_costs_less_than_the_idle_memory_and_no_cycle(program: Program, name: str) -> None:
    port, web = int(program.url.rpartition(":")[2]), web_of(program)
    before = program.ask("/api/monitoring/status")["cycle"]
    idle = rss_mb(web)
    with watched(web) as seen:
        asyncio.run(ATTACKS[name](port))
    assert max(seen) < 2 * idle, f"{idle:.0f} MB idle, {max(seen):.0f} MB at worst"
    assert web_of(program) == web, "it is the same process still"

    def cycle() -> dict[str, int]:
        found: dict[str, int] = program.ask("/api/monitoring/status")["cycle"]
        return found

    program.until("a cycle", lambda: cycle()["count"] > before["count"], 30)
    assert cycle()["failures"] == before["failures"]
