"""Finds everything that a start would refuse, all at once and without starting; and, if wanted, who does not answer."""

import asyncio
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from itertools import starmap
from types import MappingProxyType

import numpy as np

from virtuoso.config import Settings
from virtuoso.config.loading import Reading
from virtuoso.exchange.polling import pollable
from virtuoso.model.clock import Clock
from virtuoso.model.errors import UsageError, VirtuosoError
from virtuoso.model.text.duration import written
from virtuoso.processes.checking.reach import Servers
from virtuoso.web.connections.listening import listen
from virtuoso.wiring.channels import channel_plans, make_channels
from virtuoso.wiring.folders import check_folders, sqlite_file
from virtuoso.wiring.monitor import traces_to
from virtuoso.wiring.parts import exchange_for, kernel_parts
from virtuoso.wiring.rule_files import rule_files
from virtuoso.wiring.stores import database_for, series_for

_LIMIT_S = 10.0
"""For each part; what it asks for has shorter limits of its own."""
_ALIVE_S = 2.0
_BODY = 1 << 16


@dataclass(frozen=True, slots=True)
class Found:
    """What is wrong, a line each, and what is only to be known."""

    mistakes: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


async def check(reading: Reading, clock: Clock, *, connect: bool) -> Found:
    """Check what files and environment say, and whether a start could go by it.

    A part of which the configuration itself is wrong is not looked at: what it would say follows from that.
    """
    found = Found(list(reading.mistakes))
    if (settings := reading.settings) is None:
        return found
    for mistakes in (await looked_at(reading, settings, clock, found.notes, connect=connect)).values():
        found.mistakes.extend(line for line in mistakes if line not in found.mistakes)
    return found


async def looked_at(
    reading: Reading, settings: Settings, clock: Clock, notes: list[str], *, connect: bool,
    measured: dict[str, float] | None = None,
) -> dict[str, list[str]]:  # fmt: skip
    """The mistakes of each part that could be looked at, by its name.

    What is only to be known goes into `notes`, the exchange's clock less this one into `measured` (`clock_offset_ms`).
    """
    parts = _Start(settings, clock, notes).parts()
    if connect:
        parts += Servers(settings, clock, notes, {} if measured is None else measured).parts()
    whole = {
        name: part for name, sections, part in parts if all(reading.holds(*section.split(".")) for section in sections)
    }
    return dict(zip(whole, await asyncio.gather(*starmap(_mistakes, whole.items())), strict=True))


Part = Callable[[], Awaitable[None]]
"""Looks at one part; raises a `VirtuosoError` with a line for each mistake."""


async def _mistakes(name: str, part: Part) -> list[str]:
    try:
        async with asyncio.timeout(_LIMIT_S):
            await part()
    except VirtuosoError as error:
        return str(error).splitlines()
    except TimeoutError:
        return [f"{name}: could not be checked within {written(_LIMIT_S)}"]
    return []


@dataclass(frozen=True, slots=True)
class _Start:
    """Looks at each part of a start, by the functions that a start calls."""

    settings: Settings
    clock: Clock
    notes: list[str]

    def parts(self) -> list[tuple[str, tuple[str, ...], Part]]:
        """Each part: its name, the sections that it depends on, and what looks at it."""
        return [
            ("folders", ("data_dir", "database", "timeseries", "exchange"), self.folders),
            ("time series", ("data_dir", "timeseries", "exchange"), self.time_series),
            ("database", ("data_dir", "database"), self.database),
            ("adapter", ("exchange", "market_data", "monitoring.interval", "websocket"), self.exchange),
            ("rules", ("monitoring.alerts",), self.rules),
            ("channels", ("monitoring.alerts",), self.channels),
            ("traces", ("monitoring.traces",), self.traces),
            ("port", ("web",), self.listening),
        ]

    async def folders(self) -> None:
        """See whether what is kept can be written."""
        check_folders(self.settings)

    async def time_series(self) -> None:
        """See whether what its archive needs is installed."""
        if (series := series_for(self.settings, self.clock)) is not None:
            await series.close()

    async def database(self) -> None:
        """Look at a file that is there, and for the driver of a server, which is asked with those to be connected."""
        file = sqlite_file(self.settings)
        if file is not None and not file.exists():
            return
        database = database_for(self.settings, self.clock)
        try:
            if file is not None:
                await database.look()
        finally:
            await database.close()

    async def exchange(self) -> None:
        """See whether there is an adapter, and whether its budget suffices where it is polled."""
        exchange = exchange_for(self.settings, self.clock, np.random.default_rng())
        try:
            if kernel_parts(self.settings).polled:
                pollable(exchange.budget, self.settings.monitoring.interval)
        finally:
            await exchange.close()

    async def rules(self) -> None:
        """Read the user's rules as a start would; raises what is wrong with them."""
        rule_files(self.settings).read()

    async def channels(self) -> None:
        """Make the channels as a start would, and close them; raises what is wrong with them."""
        for channel in make_channels(channel_plans(self.settings.monitoring.alerts), self.clock).values():
            await channel.close()

    async def traces(self) -> None:
        """See whether what sends them is installed."""
        traces_to(self.settings)

    async def listening(self) -> None:
        """Take the port; where Virtuoso itself has it all is well: one checks what a reload is to read."""
        host, port = self.settings.web.host, self.settings.web.port
        try:
            listen(host, port).close()
        except UsageError:
            if not await asyncio.to_thread(is_virtuoso, host, port):
                raise
            self.notes.append(f"web.port = {port}: a running Virtuoso listens there; a second one could not start")


def is_virtuoso(host: str, port: int) -> bool:
    """Whether a Virtuoso listens there: one that has completed no cycle yet says `stalled`, with a 503."""
    body = answer_of(f"{own_address(host, port)}/health/live") or b""
    return b'"alive"' in body or b'"stalled"' in body


def answer_of(url: str, headers: Mapping[str, str] = MappingProxyType({})) -> bytes | None:
    """The body of an answer, whatever its status, of 64 KiB at most; `None` where nobody answers by HTTP in time."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=dict(headers)), timeout=_ALIVE_S) as answer:  # noqa: S310 - http
            return bytes(answer.read(_BODY))
    except urllib.error.HTTPError as error:
        with error:
            return bytes(error.read(_BODY))
    except (OSError, ValueError, HTTPException):
        return None


def own_address(host: str, port: int) -> str:
    """Where this machine reaches what listens on a host of its own, which may be all of them."""
    there = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 - compared, not listened on
    return f"http://{there}:{port}"
