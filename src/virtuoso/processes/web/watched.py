"""A child process that is watched: it says now and then that it is live, as it would to systemd, or it hangs."""

import asyncio
import os
import socket
from collections.abc import Callable
from itertools import count
from types import TracebackType
from typing import Final, Self

from virtuoso.model.clock import Clock, SystemClock

SILENT_S: Final = 15.0
"""Whoever says nothing for so long hangs."""
_START_S: Final = 120.0
"""How long a child may be silent when it has just begun."""
_STEP_S: Final = 1.0
_NUMBERS = count()


class Watched:
    """A notify socket for one child, open within a `with` block; `environment` tells the child of it.

    It goes by the machine's `clock`, whatever the loop's time: what a child does takes as long as it takes. `heard` is
    called when the child has said something.
    """

    def __init__(
        self, silent_s: float = SILENT_S, clock: Clock | None = None, heard: Callable[[], None] = lambda: None
    ) -> None:
        self._on_word = heard
        self._clock = clock or SystemClock()
        self._silent_s = silent_s
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._address = f"virtuoso-watched-{os.getpid()}-{next(_NUMBERS)}"

    def __enter__(self) -> Self:
        self._socket.bind(f"\0{self._address}")
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._socket.close()

    @property
    def environment(self) -> dict[str, str]:
        """Where the child is to say that it is live, and how often at least."""
        return {"NOTIFY_SOCKET": f"@{self._address}", "WATCHDOG_USEC": str(int(self._silent_s * 1e6))}

    async def hang(self) -> None:
        """Wait until the child has been silent for too long."""
        until_s = self._now_s() + _START_S
        while True:
            await asyncio.sleep(_STEP_S)
            if self._heard():
                self._on_word()
                until_s = self._now_s() + self._silent_s
            elif self._now_s() > until_s:
                return

    def _now_s(self) -> float:
        return self._clock.monotonic_ns() / 1e9

    def _heard(self) -> bool:
        """Whether something was said since the last time; all of it is taken."""
        heard = False
        while True:
            try:
                self._socket.recv(4_096)
            except BlockingIOError:
                return heard
            heard = True
