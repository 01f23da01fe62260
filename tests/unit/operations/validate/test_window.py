"""A window over a deployment that says late what it is: what it says then is asked for and kept."""

import asyncio
import os
import socket
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestServer

from virtuoso.model.clock import SystemClock
from virtuoso.operations.validate.folder import SampleWriter, read_samples
from virtuoso.operations.validate.samples import STATUS, SYMBOLS
from virtuoso.operations.validate.sampling.plan import Plan
from virtuoso.operations.validate.sampling.progress import Progress
from virtuoso.operations.validate.sampling.window import Window


class Deployment:
    """Answers 503 to the first request for its status and for its symbols; its exchange is itself."""

    def __init__(self) -> None:
        self.asked: set[str] = set()
        self.app = web.Application()
        self.app.router.add_get("/openapi.json", self._documented)
        self.app.router.add_get(STATUS, self._late)
        self.app.router.add_get(SYMBOLS, self._late)
        self.app.router.add_get("/v5/market/time", self._time)
        self.server = TestServer(self.app)

    async def _late(self, request: web.Request) -> web.Response:
        if request.path not in self.asked:
            self.asked.add(request.path)
            raise web.HTTPServiceUnavailable
        if request.path == SYMBOLS:
            return web.json_response({"symbols": []})
        exchange = {"name": "bybit", "category": "linear", "address": str(self.server.make_url(""))}
        cycle = {"interval_configured": 1.0}
        instance = f"{socket.gethostname()}:{os.getpid()}"
        return web.json_response({"instance": instance, "exchange": exchange, "cycle": cycle})

    async def _documented(self, _: web.Request) -> web.Response:
        return web.json_response({"paths": {}})

    async def _time(self, _: web.Request) -> web.Response:
        return web.json_response({"retCode": 0, "time": 1})


async def appears(path: Path) -> None:
    while not path.exists():
        await asyncio.sleep(0.01)


async def test_what_is_said_late_is_asked_for_and_the_log_goes_on_after_a_rotation(tmp_path: Path) -> None:
    deployment, path = Deployment(), tmp_path / "log"
    path.write_text("before\n")
    async with deployment.server as server:
        plan = Plan(url=str(server.make_url("")), shown="http://x", token=None, seconds=600.0, log=path)
        writer = SampleWriter(tmp_path / "samples")
        stop = asyncio.Event()
        window = asyncio.create_task(Window(plan, writer, SystemClock(), Progress(600.0)).run(stop))
        await appears(writer.folder / "log.txt")
        with path.open("a") as old:
            old.write("in the old one\n")
        path.rename(tmp_path / "log.1")
        path.write_text("in the new one\n")
        await appears(writer.folder / "exchange.jsonl")
        stop.set()
        run = await window
    found = read_samples(writer.folder)
    assert found.run == run
    assert run.here
    assert run.exchange is None, "it is asked"
    assert found.exchange[0].path == "/v5/market/time"
    assert found.log == ("in the old one", "in the new one")
    assert (run.log_lines, run.log_gaps, run.partial) == (2, (), True)
