"""Reads what people say to alerts, and checks the machine."""

import asyncio

import structlog

from virtuoso.alerts.conditions import observe_wrong_tokens
from virtuoso.alerts.host import HostState, observe_crashes, observe_host
from virtuoso.model import documents as docs
from virtuoso.model.clock import Clock
from virtuoso.model.errors import StoreUnavailable
from virtuoso.monitor.alerting.root import AlertRoot
from virtuoso.monitor.alerting.rule_values import system_values
from virtuoso.operations.host import Host
from virtuoso.operations.metrics import Durations
from virtuoso.storage.database.leased_store import LeasedStore

log = structlog.get_logger(__name__)

_INPUTS_S, _HOST_S = 1.0, 5.0
_HOUR_MS = 3_600_000


class AlertService:
    """Reads inputs of people and checks the machine, by two tasks on the event loop of the monitor."""

    def __init__(
        self,
        *,
        root: AlertRoot,
        store: LeasedStore,
        host: Host,
        lag: Durations,
        clock: Clock,
    ) -> None:
        self._root = root
        self._alerting = root.alerting
        self._store = store
        self._host = host
        self._lag = lag
        self._clock = clock
        self._usage: dict[str, float | None] = {}
        self._restarts: int | None = None

    async def listen(self) -> None:
        """Read silences, acknowledgements and added rules once a second, until cancelled."""
        while True:
            try:
                said = await self._store.alert_inputs(self._now_ms())
            except StoreUnavailable as error:
                log.debug("silences could not be read", error=str(error))
            else:
                wrong = said.wrong_tokens
                observe_wrong_tokens(self._alerting.incidents, wrong.count, wrong.client, self._now_ms())
                self._root.take_added(said.rules)
                self._alerting.take_inputs(said.silences, {of: each.by for of, each in said.acknowledged.items()})
            await asyncio.sleep(_INPUTS_S)

    async def check(self) -> None:
        """Check the machine, and how often this monitor crashed, until cancelled."""
        incidents = self._alerting.incidents
        while True:
            usage, lag = await self._host.measure(), self._lag.times()
            if usage is not None:
                self._usage = {
                    "cpu_pct": usage.cpu_pct, "memory_pct": usage.memory_pct, "disk_pct": usage.disk_pct,
                }  # fmt: skip
                state = HostState(**self._usage, loop_lag_ms=None if lag is None else lag.p95)
                observe_host(incidents, state, self._root.parts.limits, self._now_ms())
            await self._count_crashes()
            await asyncio.sleep(_HOST_S)

    async def _count_crashes(self) -> None:
        parts, now_ms = self._root.parts, self._now_ms()
        try:
            crashes = await self._store.crashes(now_ms - round(parts.crashes_within_s * 1000))
            self._restarts = await self._store.crashes(now_ms - _HOUR_MS)
        except StoreUnavailable as error:
            log.debug("earlier runs could not be counted", error=str(error))
            return
        observe_crashes(self._alerting.incidents, crashes, parts.crashes, parts.crashes_within_s, now_ms)

    def system(self, status: docs.MonitoringStatus) -> None:
        """Let the user's rules know how the system is."""
        self._alerting.system(system_values(status, self._usage, self._restarts))

    def _now_ms(self) -> int:
        return self._clock.now_ns() // 1_000_000
