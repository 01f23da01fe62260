"""An event loop whose time passes only while nobody has anything to do: minutes of waiting cost milliseconds.

Whenever no callback is ready and no socket has anything to read, the loop's time jumps to the next timer. A machine
that is busy makes such a world slower, never later: nothing in it can be missed by load. Clients and servers of one
loop meet in socket pairs, by which what was sent is there to be read as soon as it is sent; over loopback it may be on
its way for a moment, and time would jump over it.
"""

import asyncio
import selectors
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any

EPOCH_MS = 1_790_000_000_000
"""When virtual time begins: 2026-09-21T13:46:40Z."""


class _Jumping:
    """A selector that moves the loop's time on instead of waiting."""

    def __init__(self, loop: "VirtualLoop") -> None:
        self._loop = loop
        self._inner = selectors.DefaultSelector()

    def select(self, timeout: float | None = None) -> Any:
        ready = self._inner.select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            return self._inner.select(0.05)
        self._loop.at_s += timeout
        return []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class _Paired(socket.socket):
    """One end of a pair: clients set options of TCP on it, which mean nothing here."""

    __slots__ = ()

    def setsockopt(self, level: int, *option: Any) -> None:
        if level != socket.IPPROTO_TCP:
            super().setsockopt(level, *option)

    def getsockopt(self, level: int, *option: Any) -> Any:
        return 0 if level == socket.IPPROTO_TCP else super().getsockopt(level, *option)

    @classmethod
    def replacing(cls, sock: socket.socket) -> socket.socket:
        """A socket that was made for TCP becomes, in place, one end of a pair; the other end."""
        near, far = socket.socketpair()
        sock.close()
        sock.__class__ = cls
        sock.__init__(fileno=near.detach())  # type: ignore[misc]
        for end in (sock, far):
            end.setblocking(False)
        return far


class VirtualLoop(asyncio.SelectorEventLoop):
    """Work for executors is done at once, on the loop: its time stands still meanwhile."""

    def __init__(self) -> None:
        self.at_s = 0.0
        self._served: dict[int, tuple[Callable[[], asyncio.BaseProtocol], asyncio.Server]] = {}
        super().__init__(_Jumping(self))

    def time(self) -> float:
        return self.at_s

    async def create_server(self, protocol_factory: Any, *args: Any, **options: Any) -> asyncio.Server:
        """Listen; the port is real, so that nobody else has it, but whoever connects here does not come by it."""
        server = await super().create_server(protocol_factory, *args, **options)
        for sock in server.sockets:
            self._served[sock.getsockname()[1]] = protocol_factory, server
        return server

    async def sock_connect(self, sock: socket.socket, address: Any) -> None:
        """Connect; with a server of this loop by a pair, whose one end takes the place of the socket."""
        protocol_factory, server = self._served.get(address[1], (None, None))
        if protocol_factory is None or server is None or not server.is_serving():
            return await super().sock_connect(sock, address)
        far, protocol = _Paired.replacing(sock), protocol_factory()
        self._make_socket_transport(far, protocol, extra={"peername": ("127.0.0.1", 0)}, server=server)
        return None

    def run_in_executor(self, executor: Executor | None, func: Callable[..., Any], *args: Any) -> Any:
        return self.create_task(_at_once(func, *args))


async def _at_once(func: Callable[..., Any], *args: Any) -> Any:
    return func(*args)


class VirtualClock:
    """Implements `model.clock.Clock` by the time of a virtual loop; `skew_ms` is what the wall clock is off by."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self.skew_ms = 0

    def now_ns(self) -> int:
        return (EPOCH_MS + self.skew_ms) * 1_000_000 + int(self._loop.at_s * 1e9)

    def monotonic_ns(self) -> int:
        return 10**12 + int(self._loop.at_s * 1e9)

    def awake_ns(self) -> int:
        return self.monotonic_ns()


@contextmanager
def virtual_loop() -> Iterator[VirtualLoop]:
    """A loop that is the current one until the block ends, then closed with everything that runs on it."""
    loop = VirtualLoop()
    try:
        yield loop
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(_ended(asyncio.all_tasks(loop)))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


async def _ended(tasks: set[asyncio.Task[Any]]) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)
