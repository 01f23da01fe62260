"""Asks every server that is configured whether it answers, each within seconds."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import aiohttp
import numpy as np

from virtuoso.config import Settings
from virtuoso.model.clock import Clock
from virtuoso.model.errors import StoreUnavailable, UsageError, VirtuosoError
from virtuoso.model.text.addresses import without_user
from virtuoso.model.text.failures import why_unreached
from virtuoso.storage.cache.tier import Tier
from virtuoso.wiring.channels import channel_plans
from virtuoso.wiring.folders import sqlite_file
from virtuoso.wiring.parts import exchange_for
from virtuoso.wiring.stores import database_for, tiers_for

_ANSWER_S: Final = 5.0
_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443}


@dataclass(frozen=True, slots=True)
class Servers:
    """Asks each server that a running Virtuoso talks to; a `VirtuosoError` has a line for each that is silent."""

    settings: Settings
    clock: Clock
    notes: list[str]
    measured: dict[str, float]

    def parts(self) -> list[tuple[str, tuple[str, ...], Callable[[], Awaitable[None]]]]:
        """Each of them: its name, the sections that it depends on, and what asks it."""
        return [
            ("database server", ("database",), self.database_server),
            ("cache", ("cache", "identity"), self.cache_tiers),
            ("InfluxDB", ("timeseries",), self.influxdb),
            ("exchange", ("exchange", "market_data", "websocket"), self.exchange_server),
            ("channel hosts", ("monitoring.alerts",), self.channels),
        ]

    async def database_server(self) -> None:
        """Ask a database that is a server; what it raises names its address."""
        if sqlite_file(self.settings) is not None:
            return
        database = database_for(self.settings, self.clock)
        try:
            await database.look()
        finally:
            await database.close()

    async def cache_tiers(self) -> None:
        """Ask Redis and Memcached, where configured, whether they answer."""
        keys = {"redis": "cache.redis_url", "memcached": f"cache.memcached = {self.settings.cache.memcached}"}
        _raise(await asyncio.gather(*(_silent(tier, keys[tier.name]) for tier in tiers_for(self.settings))))

    async def influxdb(self) -> None:
        """Raise `UsageError` where the configured address of the time series is not answered by an InfluxDB."""
        if self.settings.timeseries.store != "influx":
            return
        url = self.settings.timeseries.influx.url
        named = f"timeseries.influx.url = {without_user(url)}"
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_ANSWER_S)) as session,
                session.get(f"{url.rstrip('/')}/ping", allow_redirects=False) as answer,
            ):
                if answer.status not in {200, 204}:
                    raise UsageError(f"{named}: is no InfluxDB: /ping is answered by {answer.status}")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise UsageError(f"{named}: does not answer: {_why(error)}") from error

    async def exchange_server(self) -> None:
        """Ask the exchange for its time, and connect to its stream."""
        exchange = exchange_for(self.settings, self.clock, np.random.default_rng())
        try:
            async with asyncio.timeout(_ANSWER_S):
                self.measured["clock_offset_ms"] = await exchange.measure_clock()
        except TimeoutError:
            raise UsageError(
                f"exchange: {self.settings.exchange.address} does not answer within {_ANSWER_S:g} s"
            ) from None
        except UsageError:
            raise
        except VirtuosoError as error:
            raise UsageError(f"exchange: {self.settings.exchange.address} does not answer: {error}") from error
        finally:
            await exchange.close()
        if self.settings.exchange.ccxt_id is None and self.settings.market_data.mode == "stream":
            _raise([await _connected("exchange.stream_url", self.settings.exchange.stream_url)])

    async def channels(self) -> None:
        """Whether the hosts of the channels take a connection: nothing is sent, which `virtuoso alerts test` does."""
        alerts = self.settings.monitoring.alerts
        wanted = {plan.key: plan.url for plan in channel_plans(alerts).values() if plan.url is not None}
        if alerts.heartbeat.url is not None:
            wanted["monitoring.alerts.heartbeat.url"] = alerts.heartbeat.url.get_secret_value()
        known = {key: url for key, url in wanted.items() if urlsplit(url).scheme in _PORTS}
        untried = sorted(wanted.keys() - known.keys())
        self.notes.extend(f"{key}: not tried; `virtuoso alerts test` sends a message" for key in untried)
        _raise(await asyncio.gather(*(_connected(key, url) for key, url in known.items())))


async def _silent(tier: Tier, key: str) -> str | None:
    """Why a tier does not answer; `None` where it does."""
    try:
        async with asyncio.timeout(_ANSWER_S):
            await tier.index()
    except (StoreUnavailable, TimeoutError) as error:
        return f"{key}: {str(error) or 'does not answer'}"
    finally:
        await tier.close()
    return None


async def _connected(key: str, url: str) -> str | None:
    """Why the host of an address takes no connection; the rest of the address may be a secret."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    try:
        async with asyncio.timeout(_ANSWER_S):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError, UnicodeError) as error:
        return f"{key}: {host}:{port} takes no connection: {_why(error)}"
    writer.close()
    return None


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {_ANSWER_S:g} s"
    return why_unreached(error)


def _raise(said: Sequence[str | None]) -> None:
    if mistakes := [line for line in said if line is not None]:
        raise UsageError("\n".join(mistakes))
