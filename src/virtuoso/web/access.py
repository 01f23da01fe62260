"""Who may ask: hosts that are ours, origins that are ours, and the token; wrong tokens are slowed down and counted."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hmac import compare_digest
from typing import Final

from virtuoso.web.headers import host_of

Refusal = tuple[int, str, str]
"""Status, title, detail."""

_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_ONCE = frozenset({b"host", b"authorization"})
_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.25, 4.0
_ADDRESSES: Final = 1_000
_DELAYED: Final = 256
OPEN_PATHS = frozenset({"/health/live"})
"""Asked without a token: by whoever looks whether the process answers. They tell nothing else."""


@dataclass(slots=True)
class Wrong:
    """How many wrong tokens were given to this process since its start, and by whom last."""

    count: int = 0
    client: str = ""


class Delays:
    """How long a client waits that gave a wrong token: twice as long each time, for the last 1,000 addresses.

    So many as 256 wait at once; more are not answered later, but at once and with 429.
    """

    def __init__(self) -> None:
        self._failures: OrderedDict[str, int] = OrderedDict()
        self._waiting = 0

    async def wait(self, address: str) -> bool:
        """Wait after a failure; `False` when there is no room to."""
        failures = self._failures.pop(address, 0)
        self._failures[address] = failures + 1
        if len(self._failures) > _ADDRESSES:
            self._failures.popitem(last=False)
        if self._waiting >= _DELAYED:
            return False
        self._waiting += 1
        try:
            await asyncio.sleep(min(_LONGEST_DELAY_S, _FIRST_DELAY_S * 2.0 ** min(failures, 10)))
        finally:
            self._waiting -= 1
        return True

    def forget(self, address: str) -> None:
        """Forget the wrong tokens of an address, because it gave the right one."""
        self._failures.pop(address, None)


class Access:
    """Judges requests. `token` is required when given."""

    def __init__(self, allowed_hosts: Iterable[str], token: str | None) -> None:
        self._hosts = frozenset(host.lower().encode() for host in allowed_hosts)
        self._known_hosts: set[bytes] = set()
        self._token = None if token is None else token.encode()
        self._delays = Delays()
        self.wrong = Wrong()

    def known(self, host: bytes) -> bool:
        """Whether a plain reading request to this host needs no look."""
        return self._token is None and host in self._known_hosts

    def refusal(self, method: str, headers: Sequence[tuple[bytes, bytes]]) -> Refusal | None:
        """Why a request is not served, but for its token: no host or several, not ours, another site that writes."""
        given = dict(headers)
        if len(given) < len(headers):
            names = [name for name, _ in headers if name in _ONCE]
            if len(names) > len(set(names)):
                return 400, "Bad Request", "Host and Authorization may be given once"
        host = given.get(b"host", b"")
        if host not in self._known_hosts:
            name = host_of(host)
            if name is None:
                return 400, "Bad Request", "the Host header must be a name, or a name and a port"
            if name.lower() not in self._hosts:
                return 421, "Misdirected Request", "this host name is not in web.allowed_hosts"
            if len(self._known_hosts) < 100:  # ports make many spellings: keep a few
                self._known_hosts.add(host)
        origin = given.get(b"origin")
        if method not in _READING and origin is not None and origin.partition(b"://")[2] != host:
            return 403, "Forbidden", "requests that change something must come from this site"
        return None

    async def stranger(self, path: str, given: bytes | None, address: str) -> Refusal | None:
        """Why a request is not served for its token; after a while, when a wrong one was given."""
        if self._token is None or path in OPEN_PATHS:
            return None
        if given is None:
            return 401, "Unauthorized", "a bearer token is required"
        scheme, _, token = given.partition(b" ")
        if compare_digest(token.strip(), self._token) and scheme.lower() == b"bearer":
            self._delays.forget(address)
            return None
        self.wrong.count += 1
        self.wrong.client = address
        if not await self._delays.wait(address):
            return 429, "Too Many Requests", "too many wrong tokens are being given; try again later"
        return 401, "Unauthorized", "this is not the token"
