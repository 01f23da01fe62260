"""What alerts do beside the cycle: hear what people say, look at the machine, read rules anew, tell how they are."""

import asyncio

import msgspec
import structlog

from virtuoso.alerts.conditions import ChannelCondition, observe_channels, observe_wrong_tokens
from virtuoso.alerts.host import HostLimits, HostState, observe_crashes, observe_host
from virtuoso.config.alerts import AlertSettings
from virtuoso.model import documents as docs
from virtuoso.model.clock import Clock
from virtuoso.model.errors import StoreUnavailable, UsageError
from virtuoso.monitor.alert_documents import pipeline_document, rules_document
from virtuoso.monitor.alert_parts import AlertParts
from virtuoso.monitor.rule_values import system_values
from virtuoso.monitor.stores import LeasedBooks
from virtuoso.operations.host import Host
from virtuoso.operations.metrics import Durations
from virtuoso.storage.cache.memory import MemoryCache, Version

log = structlog.get_logger(__name__)

_INPUTS_S, _HOST_S = 1.0, 5.0
_HOUR_MS = 3_600_000
_TTL_S = 3_600.0


class AlertDesk:
    """Used on the event loop of the monitor."""

    def __init__(
        self,
        *,
        parts: AlertParts,
        books: LeasedBooks,
        settings: AlertSettings,
        host: Host,
        lag: Durations,
        cache: MemoryCache,
        clock: Clock,
        epoch: int,
    ) -> None:
        self._parts = parts
        self._alerting = parts.alerting
        self._books = books
        self._settings = settings
        self._host = host
        self._lag = lag
        self._cache = cache
        self._clock = clock
        self._epoch = epoch
        self._sequence = 0
        self._usage: dict[str, float | None] = {}
        self._restarts: int | None = None

    async def listen(self) -> None:
        """Silences and acknowledgements, once a second; and the documents, for ever."""
        while True:
            try:
                said = await self._books.alert_inputs(self._now_ms())
            except StoreUnavailable as error:
                log.debug("silences could not be read", error=str(error))
            else:
                wrong = said.wrong_tokens
                observe_wrong_tokens(self._alerting.incidents, wrong.count, wrong.client, self._now_ms())
                self._alerting.told(said.silences, {of: each.by for of, each in said.acknowledged.items()})
            self._publish()
            await asyncio.sleep(_INPUTS_S)

    async def look(self) -> None:
        """At the machine, and at how often this monitor crashed, for ever."""
        alerts, incidents = self._settings, self._alerting.incidents
        limits = HostLimits(
            cpu_pct=alerts.cpu_alerts.threshold,
            memory_pct=alerts.memory_alerts.threshold,
            disk_pct=alerts.disk_alerts.threshold,
            loop_lag_ms=alerts.loop_lag_alerts.threshold,
        )
        while True:
            usage, lag = await self._host.measure(), self._lag.times()
            if usage is not None:
                self._usage = {
                    "cpu_pct": usage.cpu_pct, "memory_pct": usage.memory_pct, "disk_pct": usage.disk_pct,
                }  # fmt: skip
                state = HostState(**self._usage, loop_lag_ms=None if lag is None else lag.p95)
                observe_host(incidents, state, limits, self._now_ms())
            await self._count_crashes()
            await asyncio.sleep(_HOST_S)

    async def _count_crashes(self) -> None:
        restarts, now_ms = self._settings.restart_alerts, self._now_ms()
        try:
            crashes = await self._books.crashes(now_ms - round(restarts.within * 1000))
            self._restarts = await self._books.crashes(now_ms - _HOUR_MS)
        except StoreUnavailable as error:
            log.debug("earlier runs could not be counted", error=str(error))
            return
        observe_crashes(self._alerting.incidents, crashes, restarts.count, restarts.within, now_ms)

    def system(self, status: docs.MonitoringStatus) -> None:
        """Let the user's rules know how the system is."""
        self._alerting.system(system_values(status, self._usage, self._restarts))

    def reload(self) -> None:
        """Read the files of rules anew; with a mistake in them the rules in force stay, and the mistake is told."""
        try:
            rules = self._parts.read_rules()
        except UsageError as error:
            log.warning("the rules have mistakes; those in force stay", mistakes=str(error).splitlines())
            return
        self._alerting.reload(rules)
        log.info("rules reloaded", rules=len(rules.rules))

    def _publish(self) -> None:
        self._sequence += 1
        outbox = self._parts.outbox
        channels = () if outbox is None else outbox.statuses()
        observed = (ChannelCondition(each.name, each.state, each.since_ms, each.error) for each in channels)
        observe_channels(self._alerting.incidents, observed, self._now_ms())
        version, now_ms = Version(self._epoch, self._sequence), self._now_ms()
        documents = {
            "alerts:rules": rules_document(self._alerting, now_ms),
            "alerts:pipeline": pipeline_document(self._alerting, channels, now_ms),
        }
        for name, document in documents.items():
            self._cache.put(name, msgspec.json.encode(document), version, _TTL_S)

    def _now_ms(self) -> int:
        return self._clock.now_ns() // 1_000_000
