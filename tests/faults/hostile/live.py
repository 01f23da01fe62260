"""`virtuoso up` before `virtuoso exchange`, with the proxy between them: processes and sockets as they are."""

import asyncio
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import psutil
from tests.faults.hostile.odd import Edit
from tests.faults.hostile.proxy import Proxy
from tests.faults.hostile.seen import Seen
from tests.support.exchange import Running, running_exchange
from tests.support.program import Program, running_program

_LINES = 60
"""Of the log that a failure shows."""


class LiveSubject:
    """Implements `case.Subject` by what the program serves over HTTP."""

    tolerated = frozenset({"live", "delayed"})

    def __init__(
        self, proxy: Proxy, call: Callable[[Callable[[], None]], None], exchange: Running, program: Program, log: Path
    ) -> None:
        self.proxy, self.program = proxy, program
        self._log = log
        self._call, self._exchange = call, exchange
        self._process = psutil.Process(program.process.pid)

    def now_s(self) -> float:
        return self.program.pace.now_s()

    def edit(self, edit: Edit) -> None:
        """From now on the exchange is odd in this way."""
        self.proxy.edit = edit

    def cut(self) -> None:
        """Cut every stream."""
        self._call(self.proxy.cut)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.program.pace.sleep(seconds)
        assert self.program.process.poll() is None, f"the program ended: {self.program.process.returncode}"

    def logged(self) -> str:
        """The last that it logged."""
        return "\n".join(self._log.read_text().splitlines()[-_LINES:])

    def memory(self) -> int:
        """Resident bytes of the program and its children."""
        return sum(p.memory_info().rss for p in [self._process, *self._process.children(recursive=True)])

    def seen(self) -> Seen:
        """What is served now."""
        ask = self.program.ask
        symbols, signals = ask("/api/symbols")["symbols"], ask("/api/signals/top?limit=50")["signals"]
        return Seen(
            at_s=self.now_s(),
            symbols={row["symbol"]: row for row in symbols},
            signals={row["symbol"]: row for row in signals},
            overview=ask("/api/market/overview"),
            status=ask("/api/monitoring/status"),
            health=ask("/health"),
            alerts=tuple(ask("/api/alerts/recent")),
        )

    def bars(self, symbol: str, since_s: float) -> tuple[dict[int, Any], dict[int, Any]]:
        """Closed minutes: as the API serves them, and of the exchange's own list."""
        count = int(self.now_s() - since_s) // 60 + 1
        served = self.program.ask(f"/api/symbols/{symbol}/bars?limit={count}")["bars"]
        held = {
            int(_epoch_ms(bar["open_time"])): tuple(bar[name] for name in ("open", "high", "low", "close", "volume"))
            for bar in served
        }
        query = f"/v5/market/kline?category=linear&symbol={symbol}&interval=1&limit=200"
        rows = _get(self._exchange.rest_url + query)["result"]["list"]
        own = {int(row[0]): tuple(map(float, row[1:6])) for row in rows[1:]}
        return held, own


def _epoch_ms(text: str) -> float:
    return datetime.fromisoformat(text).timestamp() * 1_000


def _get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return msgspec.json.decode(answer.read())


async def _ended(proxy: Proxy) -> None:
    """Stop it with every answer that it still sends, and let the sockets close."""
    await proxy.stop()
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0.2)


@contextmanager
def running_proxy(exchange: Running) -> Iterator[tuple[Proxy, Callable[[Callable[[], None]], None]]]:
    """The proxy on a loop of its own, in a thread; and how to have something done there."""
    pace = exchange.pace
    loop = pace.loop()
    thread = threading.Thread(target=loop.run_forever, name="proxy")
    thread.start()
    proxy = Proxy(exchange.rest_url, pace.now_s)
    try:
        asyncio.run_coroutine_threadsafe(proxy.start(), loop).result(10)
        yield proxy, loop.call_soon_threadsafe
    finally:
        with pace.flowing():
            asyncio.run_coroutine_threadsafe(_ended(proxy), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@contextmanager
def living_program(folder: Path, speed: float | None = None) -> Iterator[LiveSubject]:
    """A program from its first signals on, until the block ends: in real time, or up to so many times as fast."""
    with running_exchange("--faults", speed=speed) as exchange, running_proxy(exchange) as (proxy, call):
        path = folder / "virtuoso.yaml"
        path.write_text(
            f"exchange:\n  rest_url: http://127.0.0.1:{proxy.port}\n"
            f"  stream_url: ws://127.0.0.1:{proxy.port}/v5/public\n  budget_dir: {folder / 'budget'}\n"
            f"web: {{port: 0}}\nmonitoring: {{interval: 1}}\nuniverse: {{size: 8, refresh_interval: 10}}\n"
            f"data_dir: {folder / 'data'}\n"
        )
        with running_program(path, pace=exchange.pace, cold=True) as program:
            yield LiveSubject(proxy, call, exchange, program, folder / "program.log")
