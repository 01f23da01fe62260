"""Makes the parts of a monitor from settings: plain values that can be compared."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from virtuoso.config import Settings
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
    fixed: Mapping[str, str] = field(repr=False)


def monitor_parts(settings: Settings, *, notify: bool = True) -> MonitorParts:
    """Make the parts of a monitor as configured; without `notify` nobody is notified, nor told that all is well.

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
        fixed=fixed_keys(settings),
    )
