"""Composes the alerts of a monitor: incidents, stages, rules; and, where a database keeps them, outbox and channels."""

import asyncio
from collections.abc import Callable
from typing import Protocol

import numpy as np
import structlog

from virtuoso.alerts.incidents import IncidentLog
from virtuoso.alerts.rules.rule import RuleSet
from virtuoso.alerts.stages.pipeline import Pipeline
from virtuoso.delivery.channels.protocol import Channel, Illustrating
from virtuoso.delivery.chart import Charts, Picture
from virtuoso.delivery.outbox.outbox import Outbox
from virtuoso.delivery.outbox.protocol import OutboxStore
from virtuoso.model.alerts.added_rule import AddedRule
from virtuoso.model.alerts.incident import Incident
from virtuoso.model.alerts.notice import Context, Notice
from virtuoso.model.clock import Clock
from virtuoso.monitor.alerting.alerting import Alerting
from virtuoso.monitor.alerting.policies import PolicyBook
from virtuoso.wiring.alerting import AlertingParts
from virtuoso.wiring.channels import make_channels

log = structlog.get_logger(__name__)


class ContextSource(Protocol):
    """Knows the symbol of an alert, once there is a market to ask."""

    def of(self, incident: Incident) -> Context | None:
        """Return what is known of the incident's symbol now; `None` when it is about none, or not watched."""
        ...

    def picture(self, notice: Notice) -> Picture | None:
        """Give the latest minutes of the notice's symbol to draw; `None` when it has none."""
        ...


class AlertRoot:
    """Holds the alerts of one monitor; `context` is set as soon as there is a market to ask.

    `store` is where messages wait until they are sent: without it nobody is notified. `wake` is called when an incident
    has changed.

    Raises:
        ConfigError: a channel or a file of rules is wrong.
    """

    def __init__(
        self, parts: AlertingParts, clock: Clock, exchange: str, wake: Callable[[], None], store: OutboxStore | None,
        on_sent: Callable[[float], None] = lambda _: None,
    ) -> None:  # fmt: skip
        self.parts = parts
        self.policies = PolicyBook(parts.default, parts.policies)
        self.incidents = IncidentLog(parts.most_incidents, exchange=exchange, policies=self.policies, on_change=wake)
        self.context: ContextSource | None = None
        pipeline = Pipeline(parts.pipeline, parts.routes, policies=self.policies, context=self._context_of)
        rules = self._written = parts.rules.read()
        self._added: tuple[AddedRule, ...] = ()
        self.policies.take(rules.policies)
        self.alerting = Alerting(
            self.incidents, pipeline, clock, self.policies, parts.public_url, rules, parts.conditions
        )
        self.charts: Charts | None = None
        self.outbox: Outbox | None = None
        self._clock, self._store, self._on_sent = clock, store, on_sent
        self._replaced, self._delivering = asyncio.Event(), False
        self._left: list[Outbox] = []
        if store is not None:
            self.outbox = self._outbox_for(make_channels(parts.channels, clock), store)

    def _outbox_for(self, channels: dict[str, Channel], store: OutboxStore) -> Outbox:
        parts = self.parts
        if (
            parts.charts
            and self.charts is None
            and any(isinstance(channel, Illustrating) for channel in channels.values())
        ):
            self.charts = Charts()
        return Outbox(
            channels,
            store,
            self._clock,
            np.random.default_rng(),
            digest_above=parts.digest_above,
            fallbacks=dict(parts.fallbacks),
            charts=dict.fromkeys(channels, self._chart) if parts.charts and self.charts is not None else {},
            on_sent=self._on_sent,
        )

    async def apply(self, parts: AlertingParts, rules: RuleSet) -> None:
        """Go on by other policies, routes, rules and channels; what is in the outbox stays there.

        Raises:
            ConfigError: a channel is wrong; nothing was changed.
        """
        outbox = self.outbox
        sent_otherwise = outbox is not None and _of_outbox(parts) != _of_outbox(self.parts)
        made = make_channels(parts.channels, self._clock) if sent_otherwise else {}
        self.parts = parts
        self.policies.change(parts.default, parts.policies)
        self._written = rules
        self._judge()
        self.alerting.public_url = parts.public_url
        self.alerting.conditions = parts.conditions
        self.alerting.pipeline.configure(parts.pipeline, parts.routes)
        if outbox is not None and sent_otherwise and self._store is not None:
            self._left.append(outbox)
            self.outbox = self._outbox_for(made, self._store)
            self._replaced.set()
            if not self._delivering:
                await self._close_left()

    def take_added(self, added: tuple[AddedRule, ...]) -> None:
        """Judge by rules that people added too, from the next judgement on; one that cannot hold is left out."""
        if added != self._added:
            self._added = added
            self._judge()

    def _judge(self) -> None:
        rules = self.parts.rules.with_added(self._written, self._added)
        for each in rules.left_out:
            log.warning("an added rule is left out", rule=each.rule.name, place=each.rule.place, reason=each.reason)
        self.alerting.reload(rules)

    async def deliver(self) -> None:
        """Send what is in the outbox until cancelled, through the channels as they are."""
        self._delivering = True
        try:
            while self.outbox is not None:
                self._replaced.clear()
                await self._deliver_by(self.outbox)
                await self._close_left()  # what was in flight is recorded now
        finally:
            self._delivering = False

    async def _deliver_by(self, outbox: Outbox) -> None:
        """Let an outbox run until it is replaced."""
        sending = asyncio.create_task(outbox.run(), name="outbox")
        replaced = asyncio.create_task(self._replaced.wait(), name="channels replaced")
        try:
            await asyncio.wait({sending, replaced}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
        finally:
            for task in (sending, replaced):
                task.cancel()
            await asyncio.gather(sending, replaced, return_exceptions=True)

    async def _close_left(self) -> None:
        """Close the channels of outboxes that were replaced."""
        while self._left:
            await self._left.pop().close()

    async def close(self) -> None:
        """Close the outbox with its channels, and the process that draws charts."""
        await self._close_left()
        if self.outbox is not None:
            await self.outbox.close()
        if self.charts is not None:
            await self.charts.close()

    def _context_of(self, incident: Incident) -> Context | None:
        return None if self.context is None else self.context.of(incident)

    async def _chart(self, notice: Notice) -> bytes | None:
        if self.charts is None or self.context is None:
            return None
        picture = self.context.picture(notice)
        return None if picture is None else await self.charts.draw(picture)


def _of_outbox(parts: AlertingParts) -> tuple[object, ...]:
    """Pick the settings that make a new outbox necessary when they change."""
    return parts.channels, parts.fallbacks, parts.digest_above, parts.charts
