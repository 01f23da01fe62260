"""The stages in their order, and what goes on between two looks: who waits, for what, until when."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from virtuoso.alerts.incidents import IncidentLog
from virtuoso.alerts.path import first_notice, lengthened, told_step
from virtuoso.alerts.policy import Policies
from virtuoso.alerts.stages import notices
from virtuoso.alerts.stages.budget import Budget, BudgetSettings, budget, exempt, is_budgeted
from virtuoso.alerts.stages.cooldown import cooldown, cooled_ms
from virtuoso.alerts.stages.dedup import dedup
from virtuoso.alerts.stages.digests import Digests, digested
from virtuoso.alerts.stages.group import Groups, group
from virtuoso.alerts.stages.inhibit import inhibit
from virtuoso.alerts.stages.resolutions import Resolutions
from virtuoso.alerts.stages.route import channels_of, route
from virtuoso.alerts.stages.silence import matcher_of, silence
from virtuoso.alerts.stages.stage_state import (
    Cooling,
    Group,
    Route,
    Split,
    StageState,
    Withheld,
    by_weight,
    is_ending,
    key_of,
)
from virtuoso.alerts.stages.suppressed import Suppressed
from virtuoso.alerts.timers import Timers, earliest
from virtuoso.model.alerts.incident import Incident, Severity, Silence, Step, Told
from virtuoso.model.alerts.notice import Delivery, Notice, delivery_id
from virtuoso.model.catalogue.kinds import OUTAGES

_MOST_IDENTITIES = 100_000
_BEFORE_GROUP = (
    ("inhibit", inhibit), ("silence", silence), ("dedup", dedup), ("cooldown", cooldown), ("budget", budget),
)  # fmt: skip
_STAGES = (*(stage for stage, _ in _BEFORE_GROUP), "group", "route")
_TTL_MS = (3_600_000, 21_600_000, 86_400_000)
_Steps = tuple[Step, ...]


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
    """Decides what is told of the incidents of a log. All times are epoch milliseconds.

    What `step` returns belongs into one transaction with `log.take_changed()` of the same moment: incidents and
    deliveries are kept together or not at all. Of more than 100,000 identities
    it forgets when the first were told.
    """

    def __init__(
        self,
        settings: PipelineSettings,
        routes: Sequence[Route],
        *,
        policies: Policies,
        context: notices.Contexts = notices.no_context,
    ) -> None:
        self._context = context
        self._cooling: dict[str, Cooling] = {}
        self.budget: Budget | None = None
        self._groups = Groups(settings.group_wait_ms, settings.group_interval_ms, self._quiet_ms)
        self._state = StageState(
            policies, quiet_ms=self._quiet_ms, cooling=self._cooling, groups=self._groups.by_key
        )  # fmt: skip
        self._digests = Digests(())
        self._delivered: list[tuple[Incident, bool]] = []
        self._held, self._resolutions, self._cooled = Suppressed(), Resolutions(), Timers()
        self._silences: tuple[Silence, ...] = ()
        self._silenced_until_ms: int | None = None
        self._next_ms: int | None = None
        self._counts = {stage: {"passed": 0, "withheld": 0} for stage in _STAGES}
        self.configure(settings, routes)

    def configure(self, settings: PipelineSettings, routes: Sequence[Route]) -> None:
        """Replace the settings and routes; they apply from the next step on."""
        self._ttl_ms = settings.ttl_ms
        self._groups.wait_ms, self._groups.interval_ms = settings.group_wait_ms, settings.group_interval_ms
        self._state.routes = tuple(routes)
        self._allow(settings.budget)

    def _allow(self, settings: BudgetSettings | None) -> None:
        """Another budget goes on with what the one before counted; without one, who waits is told at once."""
        before, worths = (None, {}) if self.budget is None else (self.budget.state, self.budget.worths)
        self.budget = self._state.budget = None if settings is None else Budget(settings)
        if self.budget is not None and before is not None:
            self.budget.resume(before)
            self.budget.worths = worths
        self._digests.minutes = () if settings is None else settings.digest_min

    def _quiet_ms(self, kind: str) -> int:
        """After what silence the next of a group is a message of its own."""
        interval_ms = self._groups.interval_ms
        return interval_ms if self.budget is None or not is_budgeted(kind) else max(
            interval_ms, self.budget.settings.storm_ms
        )  # fmt: skip

    def resume(self, incidents: Sequence[Incident], now_ms: int) -> None:
        """Go on from an earlier run: those open, those held, and those told within the longest cooldown.

        Oldest first, as `IncidentLog.resume` returned them. Nothing is told again; what was held is looked at anew in
        the next step, and so is what still holds and nobody heard of, or not how bad it is by now.
        """
        told = [incident for incident in incidents if incident.told is not None]
        for incident in sorted(told, key=_cooled_from_ms):
            self._cool((incident,), _cooled_from_ms(incident))
        waiting = []
        for incident in incidents:
            if incident.kind in OUTAGES:
                self._note_outage(incident)
            if incident.held == "budget":
                self._digests.wait(incident, _withheld_ms(incident))
                self._cool((incident,), _withheld_ms(incident))
            elif incident.held == "group" and not is_ending(incident):
                waiting.append(incident)
                if incident.told is None:
                    self._cool((incident,), now_ms)
            elif incident.held != "group" and (incident.held or self._is_news(incident, now_ms)):
                self._held.put("resumed", "", incident)
        self._groups.resume(waiting, [each for each in told if each.told and not each.told.digest], now_ms)
        self._resolutions.resume(told)
        self._next_ms = now_ms

    def step(self, log: IncidentLog, now_ms: int, silences: Sequence[Silence]) -> tuple[Delivery, ...]:
        """Look at what changed and at what is due; what is to be sent now."""
        log.tick(now_ms)
        self._delivered = self._delivered[-_MOST_IDENTITIES:]
        self._state.identities = log.identities
        fresh = self._fresh(log)  # first: what changed is not woken as it was before
        events: Sequence[Incident] = [*fresh, *self._unsilenced(silences, now_ms), *self._woken(now_ms)]
        events, steps = self._through(events, log, now_ms)
        ending = [each for each in events if is_ending(each)]
        deliveries: list[Delivery] = []
        split = group([each for each in events if not is_ending(each)] if ending else events, self._state, now_ms)
        self._count("group", split)
        leading = (*steps, Step(now_ms, "group", passed=True, reason="passed: at once"))
        for incident in split.passed:
            self._groups.lead(incident, now_ms)
            deliveries += self._tell((incident,), None, leading, log, now_ms)
        self._groups.follow(self._withhold("group", split.withheld, steps, log, now_ms), now_ms)
        for known, members in self._groups.due(now_ms):
            self._counts["group"]["passed"] += len(members)
            folded = Step(now_ms, "group", passed=True, reason=f"folded: {len(members)} after {known.leader.id}")
            deliveries += self._tell(members, known, (folded,), log, now_ms)
        deliveries += self._tell_digest(log, now_ms)
        # After what is told now: a message that is kept current may tell of more than had ended.
        for notice in self._end(ending, steps, log, now_ms):
            deliveries += self._tell_end(notice, log, now_ms)
        held_until_ms = self._silenced_until_ms if self._held.keys("silence") else None
        self._next_ms = earliest(
            log.next_ms, self._groups.next_ms, self._cooled.next_ms, held_until_ms, self._digests.next_ms
        )  # fmt: skip
        return tuple(deliveries)

    def take_delivered(self) -> list[tuple[Incident, bool]]:
        """Those of which was decided for the first time that people hear of them, and whether that interrupted."""
        delivered, self._delivered = self._delivered, []
        return delivered

    @property
    def next_ms(self) -> int | None:
        """When it must be stepped again at the latest, unless the log calls `on_change` before."""
        return self._next_ms

    @property
    def counters(self) -> Mapping[str, Mapping[str, int]]:
        """By stage, how many incidents `passed` and how many were `withheld`."""
        return self._counts

    def _fresh(self, log: IncidentLog) -> list[Incident]:
        """What changed, to be judged from the first stage on, whatever held it."""
        fresh = []
        for incident in log.unsettled():
            if incident.kind in OUTAGES:
                self._note_outage(incident)
            if incident.id in self._held.where:
                self._held.leave(incident.id)
            self._groups.refresh(incident)
            if incident.id in self._digests.waiting:
                if not incident.acknowledged and incident.severity is not Severity.CRITICAL:
                    self._digests.update(incident)  # it is told in the digest, as it is by then
                    log.replace(incident)
                    continue
                self._digests.leave(incident.id)
            if incident.id in self._groups.waits:
                if incident.resolved_ms is not None and incident.told is None and not incident.acknowledged:
                    self._groups.update(incident)  # it is over, and told all the same
                    log.replace(incident)
                    continue
                self._groups.leave(incident.id)
            fresh.append(incident)
        return fresh

    def _is_news(self, incident: Incident, now_ms: int) -> bool:
        """Whether it should have been told, whatever the earlier run came to decide before it ended."""
        lost = incident.resolved_ms is not None and incident.told is None
        return not lost and bool(dedup((incident,), self._state, now_ms).passed)

    def _woken(self, now_ms: int) -> list[Incident]:
        """Those whose outage or cooldown is over, and those held in an earlier run."""
        woken = [*self._held.release("resumed", "")]
        for exchange in self._held.keys("inhibit"):
            if not self._state.outages.get(exchange):
                woken += self._held.release("inhibit", exchange)
        for identity in self._cooled.pop(now_ms):
            woken += self._held.release("cooldown", identity)
        return woken

    def _unsilenced(self, silences: Sequence[Silence], now_ms: int) -> Sequence[Incident]:
        """Which silences are in force; those held if these are others than before."""
        force = tuple(each for each in silences if each.starts_ms <= now_ms < each.ends_ms)
        if force == self._silences:
            return ()
        self._silences = force
        self._silenced_until_ms = earliest(*(each.ends_ms for each in force))
        self._state.silences = tuple(map(matcher_of, force))
        return tuple(self._held.release("silence", ""))

    def _through(self, events: Sequence[Incident], log: IncidentLog, now_ms: int) -> tuple[Sequence[Incident], _Steps]:
        """The stages before the group: who passed, and the steps that they have in common."""
        steps: _Steps = ()
        if self.budget is not None:
            self.budget.roll(now_ms)
        for stage, judge in _BEFORE_GROUP:
            split = judge(events, self._state, now_ms)
            self._count(stage, split)
            if stage == "budget":
                self._note(split, now_ms)
            if stage == "cooldown":
                self._cool([each for each in split.passed if each.told is None], now_ms)
            for incident in self._withhold(stage, split.withheld, steps, log, now_ms):
                if incident.held is not None:
                    self._hold(stage, incident)
            events, steps = split.passed, (*steps, Step(now_ms, stage, passed=True, reason="passed"))
        return events, steps

    def _withhold(
        self, stage: str, withheld: Iterable[Withheld], steps: _Steps, log: IncidentLog, now_ms: int
    ) -> list[Incident]:
        """What a stage decided about them is written into them; as they are now."""
        ways: dict[str, _Steps] = {}
        decided = []
        for each in withheld:
            incident, by = each.incident, stage if each.held else None
            way = ways.get(each.reason)
            if way is None:
                way = ways[each.reason] = (*steps, Step(now_ms, stage, passed=False, reason=each.reason))
            path = lengthened(incident.path, way)
            if path is not incident.path or by != incident.held:
                incident = replace(incident, path=path, held=by)
            decided.append(incident)
        log.replace(*decided)
        return decided

    def _note(self, split: Split, now_ms: int) -> None:
        """Count what would have interrupted, whether it does or not."""
        if self.budget is None:
            return
        for incident in (*split.passed, *(each.incident for each in split.withheld)):
            if not is_ending(incident) and not exempt(incident, self._state.policies):
                self.budget.note(incident, now_ms)

    def _hold(self, stage: str, incident: Incident) -> None:
        key = ""
        if stage == "budget":
            self._digests.wait(incident, _withheld_ms(incident))
            self._delivered.append((incident, False))
            return
        if stage == "inhibit":
            key = incident.labels.get("exchange", "")
        elif stage == "cooldown":
            key = incident.identity
            until_ms = cooled_ms(incident, self._cooling[key], self._state)
            if until_ms is not None:
                self._cooled.set(key, until_ms)
        self._held.put(stage, key, incident)

    def _note_outage(self, incident: Incident) -> None:
        of = self._state.outages.setdefault(incident.labels.get("exchange", ""), {})
        if incident.resolved_ms is None:
            of[incident.id] = incident
        else:
            of.pop(incident.id, None)

    def _cool(self, incidents: Iterable[Incident], at_ms: int) -> None:
        cooling, identities = self._cooling, self._state.identities
        for incident in incidents:
            identity = identities.get(incident.id) or incident.identity
            cooling[identity] = Cooling(at_ms, incident.severity, incident.id)
        while len(cooling) > _MOST_IDENTITIES:
            del cooling[next(iter(cooling))]

    def _tell(
        self, members: Sequence[Incident], after: Group | None, steps: _Steps, log: IncidentLog, now_ms: int
    ) -> list[Delivery]:
        """Of one, or of those who follow the leader of a group, in one notice, or in that which is kept current."""
        split = route(members, self._state, now_ms)
        self._count("route", split)
        if split.withheld:
            self._warm(self._withhold("route", split.withheld, steps, log, now_ms))
            return []
        exempted = [each for each in members if exempt(each, self._state.policies)]
        kept = None if after is None or exempted else after.notice
        if after is not None and kept is not None:
            self._groups.add(after, members)
            everyone = sorted(after.told.values(), key=by_weight)
            notice = notices.folded(after.leader, everyone, now_ms, self._context, kept)
        elif after is None or len(members) == 1:
            notice = notices.alert(members[0], now_ms, self._context)
        else:
            notice = notices.folded(after.leader, members, now_ms, self._context)
        channels = channels_of(members, self._state)
        steps = (*steps, told_step(now_ms, "route", kept or notice.id, channels))
        decided = []
        for each in members:
            over = each.resolved_ms is not None
            told = Told(at_ms=now_ms, severity=each.severity, value=each.value, resolved=over)
            decided.append(replace(each, held=None, told=told, path=lengthened(each.path, steps)))
        log.replace(*decided)
        self._cool(members, now_ms)
        self._delivered += [(each, kept is None) for each in members if each.told is None]
        news = [
            now for before, now in zip(members, decided, strict=True) if before.told is None or before.told.digest
        ]  # fmt: skip
        self._resolutions.expect(kept or notice.id, news)
        if self.budget is not None and kept is None and len(exempted) < len(members):
            self.budget.spend()
            if not exempted:
                self._groups.keep_current(key_of(members[0]), notice.id, decided)
        return self._deliveries(notice, channels, now_ms)

    def _tell_digest(self, log: IncidentLog, now_ms: int) -> list[Delivery]:
        """Where it is time: each channel hears in one message of those who wait and that it takes."""
        taking: list[tuple[Incident, tuple[str, ...]]] = []
        for incident in self._digests.due(now_ms):
            split = route((incident,), self._state, now_ms)
            self._count("route", split)
            self._withhold("route", split.withheld, (), log, now_ms)
            if split.passed:
                taking.append((incident, channels_of((incident,), self._state)))
        made, decided = digested(taking, now_ms)
        log.replace(*decided)
        return [each for channel, notice in made.items() for each in self._deliveries(notice, (channel,), now_ms)]

    def _warm(self, incidents: Iterable[Incident]) -> None:
        """Nobody was told of them after all."""
        for incident in incidents:
            identity = incident.identity
            cooling = self._cooling.get(identity)
            if incident.told is None and cooling is not None and cooling.incident == incident.id:
                del self._cooling[identity]

    def _end(self, ending: Sequence[Incident], steps: _Steps, log: IncidentLog, now_ms: int) -> list[str]:
        """What was told is over; the notices of which nothing holds any more."""
        touched: dict[str, list[Incident]] = {}
        for incident in ending:
            passed = replace(incident, held="group", path=lengthened(incident.path, steps))
            touched.setdefault(self._resolutions.over(passed), []).append(incident)
        over = []
        for notice, members in touched.items():
            left = self._resolutions.holding(notice)
            if not left:
                over.append(notice)
                continue
            why = f"grouped: {left} of notice {notice} still hold"
            waiting = [Withheld(incident, why, held=True) for incident in members]
            for incident in self._withhold("group", waiting, steps, log, now_ms):
                self._resolutions.over(incident)
            self._counts["group"]["withheld"] += len(members)
        return over

    def _tell_end(self, notice_id: str, log: IncidentLog, now_ms: int) -> list[Delivery]:
        """All incidents of a notice are over."""
        members = self._resolutions.take(notice_id)
        self._counts["group"]["passed"] += len(members)
        split = route(members, self._state, now_ms)
        self._count("route", split)
        passed = Step(now_ms, "group", passed=True, reason=f"passed: all of notice {notice_id} are over")
        deliveries: list[Delivery] = []
        if split.passed:
            amends = first_notice(members[0].path)
            notice = notices.over(members, amends, now_ms, self._context)
            channels = channels_of(members, self._state)
            last = told_step(now_ms, "route", notice.id, channels)
            deliveries = self._deliveries(notice, channels, now_ms)
        else:
            last = Step(now_ms, "route", passed=False, reason=split.withheld[0].reason)
        for each in members:
            told = None if each.told is None else replace(each.told, resolved=True)
            log.replace(replace(each, held=None, told=told, path=lengthened(each.path, (passed, last))))
        return deliveries

    def _deliveries(self, notice: Notice, channels: Sequence[str], now_ms: int) -> list[Delivery]:
        expires_ms = now_ms + self._ttl_ms[notice.severity]
        return [
            Delivery(
                id=delivery_id(notice.id, channel), channel=channel, notice=notice, created_ms=now_ms,
                expires_ms=expires_ms,
            )
            for channel in channels
        ]  # fmt: skip

    def _count(self, stage: str, split: Split) -> None:
        counts = self._counts[stage]
        counts["passed"] += len(split.passed)
        counts["withheld"] += len(split.withheld)


def _withheld_ms(incident: Incident) -> int:
    """When the budget withheld it."""
    return next((step.at_ms for step in reversed(incident.path) if step.stage == "budget"), incident.fired_ms)


def _cooled_from_ms(incident: Incident) -> int:
    """When its cooldown began: what was told in a digest was withheld before."""
    told = incident.told
    return 0 if told is None else _withheld_ms(incident) if told.digest else told.at_ms
