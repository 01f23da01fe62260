"""Makes the notifications of what passed the stages, and writes into the incidents that people are notified."""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from virtuoso.alerts.incidents import IncidentLog
from virtuoso.alerts.path import first_notice, lengthened, notified_step
from virtuoso.alerts.stages import notices
from virtuoso.alerts.stages.budget import exempt
from virtuoso.alerts.stages.cooldown import Cooldowns
from virtuoso.alerts.stages.digests import Digests, digested
from virtuoso.alerts.stages.group import Groups
from virtuoso.alerts.stages.resolutions import Resolutions
from virtuoso.alerts.stages.route import channels_of, route
from virtuoso.alerts.stages.stage_state import Decisions, Group, StageState, Steps, Withheld, by_weight, key_of
from virtuoso.model.alerts.incident import Incident, Notified, Severity, Step
from virtuoso.model.alerts.notice import Delivery, Notice, delivery_id


class Notifier:
    """Runs the last stage, route, and makes deliveries of what passes. All times are epoch milliseconds.

    Attributes:
        ttl_ms: how long a notification is worth sending.
        delivered: of which was decided for the first time that people hear of them, and whether that interrupted.
    """

    def __init__(
        self,
        state: StageState,
        decisions: Decisions,
        groups: Groups,
        digests: Digests,
        cooldowns: Cooldowns,
        *,
        context: notices.Contexts,
        ttl_ms: Mapping[Severity, int],
    ) -> None:
        self._state = state
        self._decisions = decisions
        self._groups = groups
        self._digests = digests
        self._cooldowns = cooldowns
        self._context = context
        self._resolutions = Resolutions()
        self.ttl_ms = ttl_ms
        self.delivered: list[tuple[Incident, bool]] = []

    def resume(self, notified: Sequence[Incident]) -> None:
        """Go on from an earlier run, with the incidents that people were notified of."""
        self._resolutions.resume(notified)

    def notify(
        self, members: Sequence[Incident], after: Group | None, steps: Steps, log: IncidentLog, now_ms: int
    ) -> list[Delivery]:
        """Notify of one, or of those that follow the leader of a group: in a new notice, or in the one kept current."""
        split = route(members, self._state, now_ms)
        self._decisions.count("route", split)
        if split.withheld:
            self._cooldowns.cancel(self._decisions.withhold("route", split.withheld, steps, log, now_ms))
            return []
        exempted = [each for each in members if exempt(each, self._state.policies)]
        kept = None if after is None or exempted else after.notice
        if after is not None and kept is not None:
            self._groups.add(after, members)
            everyone = sorted(after.notified.values(), key=by_weight)
            notice = notices.folded(after.leader, everyone, now_ms, self._context, kept)
        elif after is None or len(members) == 1:
            notice = notices.alert(members[0], now_ms, self._context)
        else:
            notice = notices.folded(after.leader, members, now_ms, self._context)
        channels = channels_of(members, self._state)
        steps = (*steps, notified_step(now_ms, "route", kept or notice.id, channels))
        decided = []
        for each in members:
            over = each.resolved_ms is not None
            notified = Notified(at_ms=now_ms, severity=each.severity, value=each.value, resolved=over)
            decided.append(replace(each, suppressed_by=None, notified=notified, path=lengthened(each.path, steps)))
        log.replace(*decided)
        self._cooldowns.begin(members, now_ms)
        self.delivered += [(each, kept is None) for each in members if each.notified is None]
        news = [
            now
            for before, now in zip(members, decided, strict=True)
            if before.notified is None or before.notified.digest
        ]
        self._resolutions.expect(kept or notice.id, news)
        if self._state.budget is not None and kept is None and len(exempted) < len(members):
            self._state.budget.spend()
            if not exempted:
                self._groups.keep_current(key_of(members[0]), notice.id, decided)
        return self._deliveries(notice, channels, now_ms)

    def notify_digest(self, log: IncidentLog, now_ms: int) -> list[Delivery]:
        """Send each channel the digest of what it takes, where it is time for one."""
        taking: list[tuple[Incident, tuple[str, ...]]] = []
        for incident in self._digests.due(now_ms):
            split = route((incident,), self._state, now_ms)
            self._decisions.count("route", split)
            self._decisions.withhold("route", split.withheld, (), log, now_ms)
            if split.passed:
                taking.append((incident, channels_of((incident,), self._state)))
        made, decided = digested(taking, now_ms)
        log.replace(*decided)
        return [each for channel, notice in made.items() for each in self._deliveries(notice, (channel,), now_ms)]

    def notify_ends(self, ending: Sequence[Incident], steps: Steps, log: IncidentLog, now_ms: int) -> list[Delivery]:
        """Notify of what is over, once all incidents of its notice are."""
        over = self._end(ending, steps, log, now_ms)
        return [delivery for notice in over for delivery in self._notify_end(notice, log, now_ms)]

    def _end(self, ending: Sequence[Incident], steps: Steps, log: IncidentLog, now_ms: int) -> list[str]:
        """Note which notified incidents are over; returns the notices of which nothing holds any more."""
        touched: dict[str, list[Incident]] = {}
        for incident in ending:
            passed = replace(incident, suppressed_by="group", path=lengthened(incident.path, steps))
            touched.setdefault(self._resolutions.over(passed), []).append(incident)
        over = []
        for notice, members in touched.items():
            left = self._resolutions.holding(notice)
            if not left:
                over.append(notice)
                continue
            why = f"grouped: {left} of notice {notice} still hold"
            waiting = [Withheld(incident, why, for_now=True) for incident in members]
            for incident in self._decisions.withhold("group", waiting, steps, log, now_ms):
                self._resolutions.over(incident)
            self._decisions.counts["group"]["withheld"] += len(members)
        return over

    def _notify_end(self, notice_id: str, log: IncidentLog, now_ms: int) -> list[Delivery]:
        """Notify that all incidents of a notice are over."""
        members = self._resolutions.take(notice_id)
        self._decisions.counts["group"]["passed"] += len(members)
        split = route(members, self._state, now_ms)
        self._decisions.count("route", split)
        passed = Step(now_ms, "group", passed=True, reason=f"passed: all of notice {notice_id} are over")
        deliveries: list[Delivery] = []
        if split.passed:
            amends = first_notice(members[0].path)
            notice = notices.over(members, amends, now_ms, self._context)
            channels = channels_of(members, self._state)
            last = notified_step(now_ms, "route", notice.id, channels)
            deliveries = self._deliveries(notice, channels, now_ms)
        else:
            last = Step(now_ms, "route", passed=False, reason=split.withheld[0].reason)
        for each in members:
            notified = None if each.notified is None else replace(each.notified, resolved=True)
            log.replace(
                replace(each, suppressed_by=None, notified=notified, path=lengthened(each.path, (passed, last)))
            )
        return deliveries

    def _deliveries(self, notice: Notice, channels: Sequence[str], now_ms: int) -> list[Delivery]:
        expires_ms = now_ms + self.ttl_ms[notice.severity]
        return [
            Delivery(
                id=delivery_id(notice.id, channel), channel=channel, notice=notice, created_ms=now_ms,
                expires_ms=expires_ms,
            )
            for channel in channels
        ]  # fmt: skip
