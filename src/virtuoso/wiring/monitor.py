"""Makes the parts of a monitor from settings: plain values that can be compared."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from virtuoso.config import Settings
from virtuoso.model.installed.extras import need
from virtuoso.wiring.alerting import AlertingParts, alerting_parts
from virtuoso.wiring.parts import KernelParts, kernel_parts
from virtuoso.wiring.restart import fixed_keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """Where, and how often (seconds), an outside service is told that all is well."""

    url: str = field(repr=False)
    interval_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorParts:
    """All the plain parts that a monitor is built from.

    Attributes:
        identity: of which one monitor runs at a time.
        address: of the exchange, as people are told it.
        universe_size: as configured, which may be a word.
        cleanup_interval_s: between removals of expired documents.
        traces: address that takes passes as traces; `None`: nobody does.
        fixed: fingerprints of the keys that only a restart applies.
    """

    kernel: KernelParts
    alerting: AlertingParts
    identity: str
    address: str
    category: str
    universe_size: int | str
    cache_tiers: tuple[str, ...]
    cleanup_interval_s: float
    data_dir: Path
    heartbeat: Heartbeat | None
    traces: str | None = field(repr=False)
    fixed: Mapping[str, str] = field(repr=False)


def monitor_parts(settings: Settings, *, notify: bool = True) -> MonitorParts:
    """Make the parts of a monitor as configured; without `notify` nobody is notified, or told of what it does.

    A heartbeat of one that cannot notify would hide that the one that can is gone.
    """
    heartbeat = settings.monitoring.alerts.heartbeat
    url = heartbeat.url if notify else None
    return MonitorParts(
        kernel=kernel_parts(settings),
        alerting=alerting_parts(settings, notify=notify),
        identity=settings.identity,
        address=settings.exchange.address,
        category=settings.exchange.category,
        universe_size=settings.universe.model_dump()["size"],
        cache_tiers=tuple(settings.cache.tiers),
        cleanup_interval_s=settings.cache.cleanup_interval,
        data_dir=settings.data_dir,
        heartbeat=None if url is None else Heartbeat(url=url.get_secret_value(), interval_s=heartbeat.interval),
        traces=traces_to(settings) if notify else None,
        fixed=fixed_keys(settings),
    )


def traces_to(settings: Settings) -> str | None:
    """Return where traces are sent, if anywhere; raises `UsageError` where what sends them is not installed."""
    endpoint = settings.monitoring.traces.endpoint
    if endpoint is not None:
        need("traces", "monitoring.traces.endpoint")
    return endpoint
