"""Holds how the process is that runs a kernel, as its status tells it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from virtuoso.monitor.schedule import FixedRate
from virtuoso.operations.metrics import Durations


@dataclass(slots=True)
class Vitals:
    """Written by whoever runs a kernel, read by the status.

    Attributes:
        schedule: of the passes.
        tasks: how each task is, by name.
        state: what the process does, in words.
        largest_polled: so many symbols can be polled at the configured interval; `None` where data is streamed.
        lag: how late the event loop is.
        needs_restart: keys of the configuration that were changed and reloaded, and that only a restart applies.
    """

    schedule: FixedRate
    tasks: Mapping[str, str] = field(default_factory=dict)
    state: str = "starting"
    largest_polled: int | None = None
    lag: Durations = field(default_factory=Durations)
    needs_restart: tuple[str, ...] = ()
