"""What one client, one address, and all clients together may take of a process."""

import resource
from collections import Counter
from dataclasses import dataclass

KEPT_FILES = 256
"""Descriptors for everything but connections: stores, logs, libraries."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds that one web process sets to its clients.

    Attributes:
        connections: at once; the next one is answered 503 and closed.
        per_address: of them, from one address.
        head_bytes: of a request's line and headers.
        headers: how many a request may have.
        head_s: until a request's head is complete, from the connection or the answer before.
        body_bytes: of a request's body, wanted or not.
        body_s: until it is complete.
        pipelined: requests that wait behind one that is being answered.
        unfinished_bytes: of all heads and bodies that have not come to their end.
    """

    connections: int = 4_096
    per_address: int = 2_048
    head_bytes: int = 16_384
    headers: int = 100
    head_s: float = 10.0
    body_bytes: int = 1 << 20
    body_s: float = 20.0
    pipelined: int = 16
    unfinished_bytes: int = 16 << 20


def connections_for(wanted: int) -> int:
    """How many connections there may be: as many as are wanted, or as files can be opened.

    The process's own limit is raised as far as the system allows and as is needed.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + KEPT_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return wanted if soft == resource.RLIM_INFINITY else max(1, min(wanted, soft - KEPT_FILES))


class Crowd:
    """Who is connected to this process, and how much of what they send is unfinished."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.connected = 0
        self.unfinished = 0
        self.refused = Counter[str]()
        self._by_address = Counter[str]()

    def enter(self, address: str) -> bool:
        """Whether one more connection from this address is let in; it has to `leave` then."""
        if self.connected >= self.limits.connections or self._by_address[address] >= self.limits.per_address:
            self.refused["connections"] += 1
            return False
        self.connected += 1
        self._by_address[address] += 1
        return True

    def leave(self, address: str) -> None:
        """Count one connection less from this address."""
        self.connected -= 1
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]
