"""The supervisor's watchdog: systemd is told that we are alive while cycles are completed, and restarts us when not."""

import asyncio
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import closing

import structlog

log = structlog.get_logger(__name__)

_SHARE = 3
"""Told so often in the time that is allowed."""


class Watchdog:
    """Tells the socket that systemd names (`WatchdogSec=`), as long as `live()` is true.

    It runs on the event loop on purpose: a loop that hangs tells nothing either.
    """

    def __init__(self, address: str, period_s: float, live: Callable[[], bool]) -> None:
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._period_s = period_s
        self._live = live
        self._failed = False

    @classmethod
    def wanted(cls, environment: Mapping[str, str], live: Callable[[], bool]) -> "Watchdog | None":
        """The one that the environment asks for, if it does, and of this process."""
        address, allowed_us = environment.get("NOTIFY_SOCKET", ""), environment.get("WATCHDOG_USEC", "")
        if not address or not allowed_us.isdigit() or int(allowed_us) == 0:
            return None
        if environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
            return None
        return cls(address, int(allowed_us) / 1e6 / _SHARE, live)

    async def run(self) -> None:
        """Run until cancelled: every `period_s` seconds, tell the supervisor that the program is live, if it is."""
        while True:
            self.tell()
            await asyncio.sleep(self._period_s)

    def tell(self) -> None:
        """Once, if all is well; a socket that is not there is said once."""
        if not self._live():
            log.warning("systemd is not notified: no cycle was completed")
            return
        try:
            with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)) as plug:
                plug.sendto(b"WATCHDOG=1", self._address)
        except OSError as error:
            if not self._failed:
                log.warning("systemd cannot be notified", error=str(error))
            self._failed = True
        else:
            self._failed = False
