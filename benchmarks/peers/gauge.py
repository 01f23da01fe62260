"""What every driver shares, whatever its environment: reading the workload, the go signal, CPU time, the report.

Standard library only. A driver measures the CPU time of its own process (`time.process_time`: all threads, user and
system) and prints one JSON object.
"""

import asyncio
import gc
import json
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

Message = dict[str, Any]
DEADLINE_S = 120.0


def expected(folder: Path) -> Message:
    """The state that every receiver must end in."""
    state: Message = json.loads((folder / "expected.json").read_text())
    return state


def instruments(folder: Path) -> Message:
    """Bybit's recorded answer about the instruments of the workload."""
    answer: Message = json.loads((folder / "instruments.json").read_text())
    return answer


def frames(folder: Path) -> list[bytes]:
    """All frames, in order."""
    return (folder / "frames.jsonl").read_bytes().splitlines()


async def measure_stream(control: int, done: Callable[[], bool]) -> float:
    """CPU seconds of this process from the go signal until `done`; all topics must be subscribed by other tasks.

    Raises:
        TimeoutError: the sender never became ready, or `done` never came true.
    """
    async with asyncio.timeout(DEADLINE_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", control)
        await reader.readline()
        gc.collect()
        begin = time.process_time()
        writer.write(b"go\n")
        while not done():
            await asyncio.sleep(0.005)
        cpu_s = time.process_time() - begin
        writer.close()
        return cpu_s


def measure_parse(feed: Callable[[], None]) -> float:
    """CPU seconds of `feed`, which handles all frames."""
    gc.collect()
    begin = time.process_time()
    feed()
    return time.process_time() - begin


def report(*, cpu_s: float, symbols: Message, packages: tuple[str, ...], messages: int | None = None) -> None:
    """Print the result: CPU seconds, the final state by symbol, the versions used, the messages if they are counted."""
    answer: Message = {"cpu_s": cpu_s, "symbols": symbols}
    if messages is not None:
        answer["messages"] = messages
    answer["versions"] = {"python": sys.version.split()[0], **{name: version(name) for name in packages}}
    print(json.dumps(answer))
