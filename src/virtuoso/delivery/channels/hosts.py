"""To which hosts and addresses requests may go: a webhook must not become a way into the private network."""

import ipaddress
import socket

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_UNICAST = ipaddress.ip_network("2000::/3")
"""All that is given out of IPv6. What lies outside is of this machine, this site, or means something else: site-local
addresses (`fec0::/10`), IPv4-compatible ones (`::127.0.0.1`), a translator's own prefix (`64:ff9b:1::/48`)."""


class RefusedAddressError(OSError):
    """A host name resolves to addresses that may not be spoken to, and to no other."""


def is_public(text: str) -> bool:
    """Whether an address is one of the public network: not private, loopback, link-local, multicast or reserved.

    An IPv6 address that only stands for an IPv4 one is judged as that. Teredo is refused: it stands for two.
    """
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = _stands_for(address)
        if inner is not None:
            return is_public(str(inner))
        if address not in _UNICAST or address.teredo is not None:
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _stands_for(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour


class PublicResolver(AbstractResolver):
    """Resolves names to public addresses alone. The connection goes to the very address that was looked at.

    `localhost` is an exception: its name says what it is, so it may be this machine.
    """

    def __init__(self, inner: AbstractResolver | None = None) -> None:
        self._inner = inner or ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Raises `RefusedAddressError` when no address is left, `OSError` when the name is not known."""
        found = await self._inner.resolve(host, port, family=family)
        good = [one for one in found if is_public(one["host"]) or (host == "localhost" and _is_loopback(one["host"]))]
        if not good:
            raise RefusedAddressError(f"{host} is a name for private addresses")
        return good

    async def close(self) -> None:
        """Close the resolver that this one asks."""
        await self._inner.close()


def _is_loopback(text: str) -> bool:
    return ipaddress.ip_address(text.partition("%")[0]).is_loopback
