"""Addresses of servers as they are written: their schemes, hosts and ports are checked before anything is connected."""

from collections.abc import Callable
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

_PORTS = 65_535


def _of(*schemes: str) -> Callable[[str], str]:
    wanted = " or ".join(f"{scheme}://" for scheme in schemes)

    def check(url: str) -> str:
        try:
            parts = urlsplit(url)
            _ = parts.port  # a port that is no number, or too large, is found out here
        except ValueError:
            raise ValueError(f"must be {schemes[0]}://host:port, with a port up to {_PORTS}") from None
        if parts.scheme not in schemes or not parts.hostname or any(map(str.isspace, url)):
            raise ValueError(f"must begin with {wanted}, and a host")
        return url

    return check


def _host_and_port(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) <= _PORTS:
        raise ValueError(f"must be host:port, with a port from 1 to {_PORTS}")
    return text


HttpUrl = Annotated[str, Field(examples=["https://api.bybit.com"]), AfterValidator(_of("https", "http"))]
StreamUrl = Annotated[str, Field(examples=["wss://stream.bybit.com/v5/public"]), AfterValidator(_of("wss", "ws"))]
HostAndPort = Annotated[str, Field(pattern=r"^[^\s:]+:\d{1,5}$"), AfterValidator(_host_and_port)]
