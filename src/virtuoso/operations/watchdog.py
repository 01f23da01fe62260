"""The supervisor's notify socket: told when the program is ready, and then while it is live, or it is restarted."""

import asyncio
import os
import socket
from collections.abc import Callable, MutableMapping
from contextlib import closing

import structlog

log = structlog.get_logger(__name__)

_SHARE = 3
"""Told so often in the time that is allowed."""


class Watchdog:
    """Tells the socket that a supervisor names (systemd: `Type=notify`, `WatchdogSec=`), while `live()` is true.

    It runs on the event loop on purpose: a loop that hangs tells nothing either. `period_s` is `None` where the
    supervisor asks only whether the program is ready.
    """

    def __init__(self, address: str, period_s: float | None, live: Callable[[], bool]) -> None:
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._period_s = period_s
        self._live = live
        self._failed = False

    @classmethod
    def wanted(cls, environment: MutableMapping[str, str], live: Callable[[], bool]) -> "Watchdog | None":
        """Make the one that the environment asks for, if it does; what this process starts is not asked for it too."""
        address, allowed_us = environment.pop("NOTIFY_SOCKET", ""), environment.pop("WATCHDOG_USEC", "")
        ours = environment.pop("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        if not address:
            return None
        watched = ours and allowed_us.isdigit() and int(allowed_us) > 0
        return cls(address, int(allowed_us) / 1e6 / _SHARE if watched else None, live)

    async def run(self) -> None:
        """Tell the supervisor that the program is ready, and then every `period_s` seconds that it is live."""
        self._send(b"READY=1")
        while self._period_s is not None:
            self.tell()
            await asyncio.sleep(self._period_s)
        await asyncio.Event().wait()  # until cancelled

    def tell(self) -> None:
        """Say once that the program is live, if it is."""
        if self._live():
            self._send(b"WATCHDOG=1")
        else:
            log.warning("the supervisor is not told that this is live: no cycle was completed")

    def _send(self, said: bytes) -> None:
        """A socket that is not there is said once."""
        try:
            with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)) as plug:
                plug.sendto(said, self._address)
        except OSError as error:
            if not self._failed:
                log.warning("the supervisor cannot be told", error=str(error))
            self._failed = True
        else:
            self._failed = False
