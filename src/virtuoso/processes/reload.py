"""Reads the configuration anew for a running monitor; with a mistake in it, the one in force stays."""

from collections.abc import Awaitable, Callable

import structlog

from virtuoso.config import Settings
from virtuoso.config.keys import secret_texts
from virtuoso.model.errors import UsageError
from virtuoso.monitor.app import Monitor
from virtuoso.operations import streams
from virtuoso.wiring.monitor import monitor_parts

log = structlog.get_logger(__name__)


def reloading(monitor: Monitor, read: Callable[[], Settings]) -> Callable[[], Awaitable[None]]:
    """Make what is to be called to let `monitor` go on by the settings that `read` gives then."""

    async def reload() -> None:
        try:
            settings = read()
            streams.hide(secret_texts(settings))
            await monitor.reload(monitor_parts(settings, notify=monitor.stores is not None))
        except UsageError as error:
            log.warning("the configuration has mistakes; the one in force stays", mistakes=str(error).splitlines())
        except Exception:  # whatever a file or a channel of the user's raises: what runs goes on
            log.exception("the configuration could not be reloaded")

    return reload
