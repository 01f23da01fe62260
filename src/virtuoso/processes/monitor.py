"""Builds the monitor of a process from its settings."""

import numpy as np

from virtuoso.config import Settings
from virtuoso.exchange.polling import pollable
from virtuoso.model.clock import Clock
from virtuoso.monitor.app import Monitor
from virtuoso.operations.health import HealthState
from virtuoso.recording.recorder import Recorder
from virtuoso.storage.cache.memory import MemoryCache
from virtuoso.storage.stores import Stores
from virtuoso.wiring.monitor import monitor_parts
from virtuoso.wiring.parts import exchange_for


def monitor_for(
    settings: Settings, clock: Clock, cache: MemoryCache, mode: str = "embedded", *, stores: Stores | None = None,
    tap: Recorder | None = None,
) -> Monitor:  # fmt: skip
    """Build a monitor as configured; without stores nothing is kept and nobody is told.

    `mode` is what its health calls the process; `tap` is given everything that goes over the wire.

    Raises:
        UsageError: the configured exchange cannot be recorded, or not be polled so often.
        ConfigError: a channel or a file of rules is wrong.
    """
    parts = monitor_parts(settings, notify=stores is not None)
    exchange = exchange_for(settings, clock, np.random.default_rng(), tap)
    if parts.kernel.polled:
        pollable(exchange.budget, parts.kernel.interval_s)
    board = HealthState(clock, parts.kernel.interval_s, mode)
    if tap is None:
        return Monitor(parts, exchange, clock, cache, board, stores)
    return Monitor(
        parts, exchange, clock, cache, board, stores, fit_put_off=tap.fit_put_off, say=tap.said, recording=tap.status
    )
