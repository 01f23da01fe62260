"""Examines everything that a running Virtuoso depends on: each line says how it is, and what mends it."""

import asyncio
from typing import Final

import msgspec

from virtuoso.config import Settings
from virtuoso.config.loading import Reading
from virtuoso.model.clock import Clock
from virtuoso.model.documents import Health
from virtuoso.model.text.token_hash import is_hash
from virtuoso.processes.checking.check import answer_of, is_virtuoso, looked_at, own_address
from virtuoso.processes.checking.exposure import secrets, stores
from virtuoso.processes.checking.finding import Finding, bad, good, warn
from virtuoso.processes.checking.machine import machine

_SKEW_MS: Final = 1_000.0
_WELL: Final = {
    "folders": ("can be written", "give them to the user that runs Virtuoso (chown), or name another data_dir"),
    "time series": ("what they need is installed", "install what the line names"),
    "database": ("is of this version, or is made at the start", "see the line; `virtuoso restore` puts a backup back"),
    "adapter": ("there is one for the exchange, and its budget suffices", "name another exchange or interval"),
    "rules": ("have no mistakes", "`virtuoso rules check` shows each with its place"),
    "channels": ("can be made as configured", "see `virtuoso config check` and docs/channels.md"),
    "traces": ("what sends them is installed, where they are", "install what the line names"),
    "port": ("web.port can be had", "end what has it (ss -ltnp names it), or name another web.port"),
    "database server": ("answers, where there is one", "start it, and see whether database.url is right"),
    "cache": ("every shared tier answers", "start it; until then the web of other processes serves nothing new"),
    "InfluxDB": ("answers, where it is used", "start it; points wait in the spool until then"),
    "exchange": ("answers, and its stream takes connections", "see whether this machine reaches it: proxy, firewall"),
    "channel hosts": ("take connections", "see whether this machine reaches them; `virtuoso alerts test` tries all"),
}  # fmt: skip
"""What is said of each part that is well, and what mends it otherwise."""
_FORBIDDEN: Final = {
    "does not serve the region": "run from where it serves, or name its address for your region: exchange.rest_url",
    "too frequent": "wait ten minutes; see what else asks the exchange from this address",
}  # fmt: skip


async def examine(reading: Reading, clock: Clock, *, connect: bool) -> list[Finding]:
    """Look at configuration, machine and files, and with `connect` at everything that is to answer.

    Parts of which the configuration is wrong are left out: what they would say follows from that.
    """
    found = [bad("configuration", line, "mend the key that the line names") for line in reading.mistakes]
    if (settings := reading.settings) is None:
        return found
    if not found:
        found.append(good("configuration", "has no mistakes"))
    found += machine(settings)
    found += secrets(settings, reading.layers)
    notes: list[str] = []
    measured: dict[str, float] = {}
    parts = await looked_at(reading, settings, clock, notes, connect=connect, measured=measured)
    for name, mistakes in parts.items():
        found += _of_part(name, mistakes)
    if connect:
        found += _of_clock(measured)
        found += await stores(settings)
    found += await asyncio.to_thread(_running, settings)
    return found + [warn("note", note, "nothing, if that is meant") for note in notes]


def _of_part(name: str, mistakes: list[str]) -> list[Finding]:
    well, mend = _WELL[name]
    if not mistakes:
        return [good(name, well)]
    return [bad(name, line, next((m for text, m in _FORBIDDEN.items() if text in line), mend)) for line in mistakes]


def _of_clock(measured: dict[str, float]) -> list[Finding]:
    """Of the exchange's clock against this machine's: live data is judged by the measured difference."""
    if (offset_ms := measured.get("clock_offset_ms")) is None:
        return []
    said = f"the exchange is {abs(offset_ms):.0f} ms {'ahead' if offset_ms > 0 else 'behind'}"
    if abs(offset_ms) <= _SKEW_MS:
        return [good("clock", said)]
    return [warn("clock", said, "let this machine keep time: timedatectl set-ntp true")]


def _running(settings: Settings) -> list[Finding]:
    """What a Virtuoso that runs already says of itself."""
    host, port = settings.web.host, settings.web.port
    if not is_virtuoso(host, port):  # the token is for nobody else
        return []
    given = (each.get_secret_value() for each in (settings.web.read_token, settings.web.token) if each is not None)
    token = next((text for text in given if not is_hash(text)), None)
    bearing = {} if token is None else {"Authorization": f"Bearer {token}"}
    url = f"{own_address(host, port)}/health"
    body = answer_of(url, bearing) or b""
    try:
        health = msgspec.json.decode(body, type=Health)
    except msgspec.DecodeError:
        return []
    if health.status == "healthy":
        return [good("running", f"{url}: healthy")]
    said = "; ".join(health.reasons) or health.status
    return [bad("running", f"{url}: {health.status}: {said}", "see /api/monitoring/status, and docs/stores.md")]
