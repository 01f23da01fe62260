"""Looks for what strangers could reach: secrets that others may read, stores that are open to the network."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import psutil
from pydantic import SecretStr

from virtuoso.config import Settings
from virtuoso.config.channels import is_loopback
from virtuoso.config.keys import leaves
from virtuoso.config.layers import Layers
from virtuoso.model.text.token_hash import is_hash
from virtuoso.processes.checking.finding import Finding, bad, good, warn
from virtuoso.processes.checking.machine import who_may_read
from virtuoso.wiring.session_secret import session_file

_ANSWER_S: Final = 2.0
_ASKED: Final = {"redis": (b"PING\r\n", b"+PONG"), "memcached": (b"version\r\n", b"VERSION")}
"""What each is asked, and how it begins where it answers without a password."""
_PORTS: Final = {"redis": 6379, "memcached": 11211}


def secrets(settings: Settings, layers: Layers) -> list[Finding]:
    """Look at every file that holds a secret, by itself or as a value of the configuration."""
    found = []
    for file, key in sorted(_holding(settings, layers)):
        try:
            readers = who_may_read(file)
        except OSError as error:
            found.append(bad("secrets", f"{file} ({key}): {error.strerror}", "name a file that is there"))
            continue
        said = f"{file} ({key})"
        if readers == "everybody":
            found.append(bad("secrets", f"everybody may read {said}", f"chmod 600 {file}"))
        elif readers is not None:
            found.append(warn("secrets", f"{readers} may read {said}", f"chmod 600 {file}, unless that is meant"))
    return found or [good("secrets", "no file that holds one can be read by others")]


def _holding(settings: Settings, layers: Layers) -> set[tuple[Path, str]]:
    """The files that hold secrets, and the first key for which each does."""
    found: dict[Path, str] = {}
    with suppress(PermissionError):  # what may not be entered is not read either
        if (signing := session_file(settings)).exists():
            found[signing] = "web.token"
    for path, value in leaves(settings):
        key = ".".join(path)
        if isinstance(value, Path) and path[-1].endswith("_file"):
            found.setdefault(value, key)
        elif isinstance(value, SecretStr) and value.get_secret_value():
            origin = layers.origin(path)
            if origin is None or " (${" in origin:  # a default, or a variable that the file only names
                continue
            file = Path(origin.rpartition(":")[0])
            if origin.rpartition(":")[2].isdigit() and file.is_file() and _is_secret(value.get_secret_value()):
                found.setdefault(file, key)
    return set(found.items())


def _is_secret(text: str) -> bool:
    """Whether there is something to hide: the hash of a token, the address of a store without a password are none."""
    if is_hash(text):
        return False
    return "://" not in text or urlsplit(text).password is not None or urlsplit(text).scheme in {"http", "https"}


async def stores(settings: Settings) -> list[Finding]:
    """Ask Redis and Memcached from outside, as a stranger would, whether they answer without a password."""
    found = []
    for name, host, port in _configured(settings):
        outside = _own_addresses() if is_loopback(host) else [host]
        open_at = [where for where in outside if await _answers(where, port, *_ASKED[name])]
        if not open_at:
            found.append(good(name, f"{host}:{port} is not open to strangers"))
            continue
        said = f"whoever reaches {open_at[0]}:{port} may write what the web serves: no password is asked for"
        if is_loopback(host):
            found.append(bad(name, said, f"bind {name} to 127.0.0.1, or to a network that only Virtuoso reaches"))
        else:  # whose network that is cannot be seen from here
            found.append(warn(name, said, "see that only Virtuoso's own network reaches it"))
    return found


def _configured(settings: Settings) -> Iterator[tuple[str, str, int]]:
    """Name, host and port of each store of the cache that is used."""
    if "redis" in settings.cache.tiers:
        parts = urlsplit(settings.cache.redis_url.get_secret_value())
        yield "redis", parts.hostname or "127.0.0.1", parts.port or _PORTS["redis"]
    if "memcached" in settings.cache.tiers:
        host, _, port = settings.cache.memcached.rpartition(":")
        yield "memcached", host.strip("[]"), int(port)


def _own_addresses() -> list[str]:
    """The addresses by which others reach this machine."""
    return [
        address.address
        for addresses in psutil.net_if_addrs().values()
        for address in addresses
        if address.family == socket.AF_INET and not address.address.startswith("127.")
    ]


async def _answers(host: str, port: int, asked: bytes, begins: bytes) -> bool:
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(_ANSWER_S):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(asked)
                return (await reader.readline()).startswith(begins)
            finally:
                writer.close()
    return False
