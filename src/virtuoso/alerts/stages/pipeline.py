"""Runs the stages in their order, and keeps what waits between two steps: for what, and until when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from virtuoso.alerts.incidents import IncidentLog
from virtuoso.alerts.policy import Policies
from virtuoso.alerts.stages import notices
from virtuoso.alerts.stages.budget import Budget, BudgetSettings, budget, exempt, is_budgeted
from virtuoso.alerts.stages.cooldown import Cooldowns, cooldown, cooled_ms
from virtuoso.alerts.stages.dedup import dedup
from virtuoso.alerts.stages.digests import Digests
from virtuoso.alerts.stages.group import Groups, group
from virtuoso.alerts.stages.inhibit import inhibit
from virtuoso.alerts.stages.notifier import Notifier
from virtuoso.alerts.stages.silence import matcher_of, silence
from virtuoso.alerts.stages.stage_state import Decisions, Route, Split, StageState, Steps, is_ending
from virtuoso.alerts.stages.suppressed import Suppressed
from virtuoso.alerts.timers import Timers, earliest
from virtuoso.model.alerts.incident import Incident, Severity, Silence, Step
from virtuoso.model.alerts.notice import Delivery
from virtuoso.model.catalogue.kinds import OUTAGES
from virtuoso.model.timeframe import DAY_MS

_MOST_DELIVERED = 100_000
"""Between two calls of `take_delivered`; of more, the first are forgotten."""
_BEFORE_GROUP = (
    ("inhibit", inhibit), ("silence", silence), ("dedup", dedup), ("cooldown", cooldown), ("budget", budget),
)  # fmt: skip
_STAGES = (*(stage for stage, _ in _BEFORE_GROUP), "group", "route")
_TTL_MS = (3_600_000, 21_600_000, DAY_MS)


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineSettings:
    """Durations in milliseconds: of groups, and how long a notice is worth sending.

    `budget` says how often people may be interrupted; `None` = as often as something comes.
    """

    group_wait_ms: int = 5_000
    group_interval_ms: int = 60_000
    budget: BudgetSettings | None = None
    ttl_ms: Mapping[Severity, int] = field(default_factory=lambda: dict(zip(Severity, _TTL_MS, strict=True)))


class Pipeline:
    """Decides of which incidents of a log people are notified. All times are epoch milliseconds.

    What `step` returns belongs into one transaction with `log.take_changed()` of the same moment: incidents and
    deliveries are stored together or not at all.
    """

    def __init__(
        self,
        settings: PipelineSettings,
        routes: Sequence[Route],
        *,
        policies: Policies,
        context: notices.Contexts = notices.no_context,
    ) -> None:
        self.budget: Budget | None = None
        self._decisions, self._digests = Decisions(_STAGES), Digests(())
        self._groups = Groups(settings.group_wait_ms, settings.group_interval_ms, self._quiet_ms)
        self._state = StageState(policies, quiet_ms=self._quiet_ms, groups=self._groups.by_key)
        self._cooldowns = Cooldowns(self._state.identity)
        self._state.cooling = self._cooldowns.by_identity
        self._notifier = Notifier(
            self._state, self._decisions, self._groups, self._digests, self._cooldowns, context=context,
            ttl_ms=settings.ttl_ms,
        )  # fmt: skip
        self._suppressed, self._cooled = Suppressed(), Timers()
        self._silences: tuple[Silence, ...] = ()
        self._silenced_until_ms: int | None = None
        self._next_ms: int | None = None
        self.configure(settings, routes)

    def configure(self, settings: PipelineSettings, routes: Sequence[Route]) -> None:
        """Replace the settings and routes; they apply from the next step on."""
        self._notifier.ttl_ms = settings.ttl_ms
        self._groups.wait_ms, self._groups.interval_ms = settings.group_wait_ms, settings.group_interval_ms
        self._state.routes = tuple(routes)
        self._allow(settings.budget)

    def _allow(self, settings: BudgetSettings | None) -> None:
        """Replace the budget; it goes on with what the one before counted. Without one, what waits is sent at once."""
        before, worths = (None, {}) if self.budget is None else (self.budget.state, self.budget.worths)
        self.budget = self._state.budget = None if settings is None else Budget(settings)
        if self.budget is not None and before is not None:
            self.budget.resume(before)
            self.budget.worths = worths
        self._digests.minutes = () if settings is None else settings.digest_min

    def _quiet_ms(self, kind: str) -> int:
        """Return after how long without a notice of its group (ms) the next one is a message of its own."""
        interval_ms = self._groups.interval_ms
        return interval_ms if self.budget is None or not is_budgeted(kind) else max(
            interval_ms, self.budget.settings.storm_ms
        )  # fmt: skip

    def resume(self, incidents: Sequence[Incident], now_ms: int) -> None:
        """Go on from an earlier run: with the incidents open, suppressed, or notified within the longest cooldown.

        Oldest first, as `IncidentLog.resume` returned them. Nobody is notified twice; what was suppressed is judged
        anew in the next step, and so is what still holds without a notification, or got worse since.
        """
        notified = [incident for incident in incidents if incident.notified is not None]
        for incident in sorted(notified, key=_cooled_from_ms):
            self._cooldowns.begin((incident,), _cooled_from_ms(incident))
        waiting = []
        for incident in incidents:
            if incident.kind in OUTAGES:
                self._note_outage(incident)
            if incident.suppressed_by == "budget":
                self._digests.wait(incident, _withheld_ms(incident))
                self._cooldowns.begin((incident,), _withheld_ms(incident))
            elif incident.suppressed_by == "group" and not is_ending(incident):
                waiting.append(incident)
                if incident.notified is None:
                    self._cooldowns.begin((incident,), now_ms)
            elif incident.suppressed_by != "group" and (incident.suppressed_by or self._is_news(incident, now_ms)):
                self._suppressed.put("resumed", "", incident)
        self._groups.resume(waiting, [each for each in notified if each.notified and not each.notified.digest], now_ms)
        self._notifier.resume(notified)
        self._next_ms = now_ms

    def step(self, log: IncidentLog, now_ms: int, silences: Sequence[Silence]) -> tuple[Delivery, ...]:
        """Judge what changed and what is due; returns what is to be sent now."""
        log.tick(now_ms)
        self._notifier.delivered = self._notifier.delivered[-_MOST_DELIVERED:]
        self._state.identities = log.identities
        fresh = self._fresh(log)  # first: what changed is not woken as it was before
        events: Sequence[Incident] = [*fresh, *self._unsilenced(silences, now_ms), *self._woken(now_ms)]
        events, steps = self._through(events, log, now_ms)
        ending = [each for each in events if is_ending(each)]
        deliveries: list[Delivery] = []
        split = group([each for each in events if not is_ending(each)] if ending else events, self._state, now_ms)
        self._decisions.count("group", split)
        leading = (*steps, Step(now_ms, "group", passed=True, reason="passed: at once"))
        for incident in split.passed:
            self._groups.lead(incident, now_ms)
            deliveries += self._notifier.notify((incident,), None, leading, log, now_ms)
        self._groups.follow(self._decisions.withhold("group", split.withheld, steps, log, now_ms), now_ms)
        for known, members in self._groups.due(now_ms):
            self._decisions.counts["group"]["passed"] += len(members)
            folded = Step(now_ms, "group", passed=True, reason=f"folded: {len(members)} after {known.leader.id}")
            deliveries += self._notifier.notify(members, known, (folded,), log, now_ms)
        deliveries += self._notifier.notify_digest(log, now_ms)
        # After the notices of now: a message that is kept current may hold more than had ended.
        deliveries += self._notifier.notify_ends(ending, steps, log, now_ms)
        silenced_until_ms = self._silenced_until_ms if self._suppressed.keys("silence") else None
        self._next_ms = earliest(
            log.next_ms, self._groups.next_ms, self._cooled.next_ms, silenced_until_ms, self._digests.next_ms
        )  # fmt: skip
        return tuple(deliveries)

    def take_delivered(self) -> list[tuple[Incident, bool]]:
        """Take out the incidents that people are notified of for the first time, and whether that interrupted them."""
        delivered, self._notifier.delivered = self._notifier.delivered, []
        return delivered

    @property
    def next_ms(self) -> int | None:
        """When `step` must be called again at the latest (epoch ms), unless the log calls `on_change` before."""
        return self._next_ms

    @property
    def counters(self) -> Mapping[str, Mapping[str, int]]:
        """How many incidents `passed` and how many were `withheld`, by stage."""
        return self._decisions.counts

    def _fresh(self, log: IncidentLog) -> list[Incident]:
        """Take what changed, to be judged from the first stage on, whatever suppressed it."""
        fresh = []
        for incident in log.unsettled():
            if incident.kind in OUTAGES:
                self._note_outage(incident)
            if incident.id in self._suppressed.where:
                self._suppressed.leave(incident.id)
            self._groups.refresh(incident)
            if incident.id in self._digests.waiting:
                if not incident.acknowledged and incident.severity is not Severity.CRITICAL:
                    self._digests.update(incident)  # it stands in the digest as it is by then
                    log.replace(incident)
                    continue
                self._digests.leave(incident.id)
            if incident.id in self._groups.waits:
                if incident.resolved_ms is not None and incident.notified is None and not incident.acknowledged:
                    self._groups.update(incident)  # it is over, and people are notified all the same
                    log.replace(incident)
                    continue
                self._groups.leave(incident.id)
            fresh.append(incident)
        return fresh

    def _is_news(self, incident: Incident, now_ms: int) -> bool:
        """Say whether people should be notified of it, whatever the earlier run came to decide before it ended."""
        lost = incident.resolved_ms is not None and incident.notified is None
        return not lost and bool(dedup((incident,), self._state, now_ms).passed)

    def _woken(self, now_ms: int) -> list[Incident]:
        """Release those whose outage or cooldown is over, and those suppressed in an earlier run."""
        woken = [*self._suppressed.release("resumed", "")]
        for exchange in self._suppressed.keys("inhibit"):
            if not self._state.outages.get(exchange):
                woken += self._suppressed.release("inhibit", exchange)
        for identity in self._cooled.pop(now_ms):
            woken += self._suppressed.release("cooldown", identity)
        return woken

    def _unsilenced(self, silences: Sequence[Silence], now_ms: int) -> Sequence[Incident]:
        """Note which silences are in force; if others than before, release what silences suppressed."""
        force = tuple(each for each in silences if each.starts_ms <= now_ms < each.ends_ms)
        if force == self._silences:
            return ()
        self._silences = force
        self._silenced_until_ms = earliest(*(each.ends_ms for each in force))
        self._state.silences = tuple(map(matcher_of, force))
        return tuple(self._suppressed.release("silence", ""))

    def _through(self, events: Sequence[Incident], log: IncidentLog, now_ms: int) -> tuple[Sequence[Incident], Steps]:
        """Run the stages before the group; returns what passed, and the steps that all of it has in common."""
        steps: Steps = ()
        if self.budget is not None:
            self.budget.roll(now_ms)
        for stage, judge in _BEFORE_GROUP:
            split = judge(events, self._state, now_ms)
            self._decisions.count(stage, split)
            if stage == "budget":
                self._note(split, now_ms)
            if stage == "cooldown":
                beginning = [each for each in split.passed if each.notified is None]
                self._cooldowns.begin(beginning, now_ms)
            for incident in self._decisions.withhold(stage, split.withheld, steps, log, now_ms):
                if incident.suppressed_by is not None:
                    self._suppress(stage, incident)
            events, steps = split.passed, (*steps, Step(now_ms, stage, passed=True, reason="passed"))
        return events, steps

    def _note(self, split: Split, now_ms: int) -> None:
        """Count what would have interrupted, whether it does or not."""
        if self.budget is None:
            return
        for incident in (*split.passed, *(each.incident for each in split.withheld)):
            if not is_ending(incident) and not exempt(incident, self._state.policies):
                self.budget.note(incident, now_ms)

    def _suppress(self, stage: str, incident: Incident) -> None:
        key = ""
        if stage == "budget":
            self._digests.wait(incident, _withheld_ms(incident))
            self._notifier.delivered.append((incident, False))
            return
        if stage == "inhibit":
            key = incident.labels.get("exchange", "")
        elif stage == "cooldown":
            key = self._state.identity(incident)
            until_ms = cooled_ms(incident, self._cooldowns.by_identity[key], self._state)
            if until_ms is not None:
                self._cooled.set(key, until_ms)
        self._suppressed.put(stage, key, incident)

    def _note_outage(self, incident: Incident) -> None:
        of = self._state.outages.setdefault(incident.labels.get("exchange", ""), {})
        if incident.resolved_ms is None:
            of[incident.id] = incident
        else:
            of.pop(incident.id, None)


def _withheld_ms(incident: Incident) -> int:
    """Return when the budget withheld it (epoch ms)."""
    return next((step.at_ms for step in reversed(incident.path) if step.stage == "budget"), incident.fired_ms)


def _cooled_from_ms(incident: Incident) -> int:
    """Return when its cooldown began (epoch ms): for what stands in a digest, when the budget withheld it."""
    notified = incident.notified
    return 0 if notified is None else _withheld_ms(incident) if notified.digest else notified.at_ms
