"""Two rule sets judged beside each other: which alerts would appear, vanish, or move in time, and what they send."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from virtuoso.alerts.incidents import IncidentLog
from virtuoso.alerts.policy import Policy
from virtuoso.alerts.rules.evaluator import Evaluator, Values, enter
from virtuoso.alerts.rules.rule import Rule, RuleSet
from virtuoso.alerts.rules.values import CATALOGUE, Scope
from virtuoso.alerts.stages.pipeline import Pipeline, PipelineSettings
from virtuoso.alerts.stages.stage_state import Route
from virtuoso.model.alerts.incident import Incident
from virtuoso.monitor.alerting.rule_values import RECORDED

_USUAL = Policy()


@dataclass(frozen=True, slots=True)
class Alert:
    """An incident of one rule set: the rule, the symbol if it has one, when it fired (epoch ms), and its text."""

    rule: str
    symbol: str | None
    fired_ms: int
    message: str


@dataclass(frozen=True, slots=True)
class Difference:
    """What changes from the old rules to the new ones.

    Attributes:
        moved: the same rule and symbol at another time, old and new.
        same: how many come at the same time.
        messages: by channel, how many before and after.
        unjudged: rules that name values which a recording does not hold.
    """

    appear: tuple[Alert, ...]
    vanish: tuple[Alert, ...]
    moved: tuple[tuple[Alert, Alert], ...]
    same: int
    messages: dict[str, tuple[int, int]]
    unjudged: tuple[str, ...]


class Judged:
    """One rule set, the incidents it makes, and how many messages they make on each channel."""

    def __init__(self, rules: RuleSet, exchange: str, routes: Sequence[Route], settings: PipelineSettings) -> None:
        policies = rules.policies
        self.rules = rules
        self.channels = tuple(route.channel for route in routes)
        self._incidents: dict[str, Incident] = {}
        self.messages: Counter[str] = Counter()
        self._interval_ms = settings.group_interval_ms
        self._evaluator = Evaluator(rules)
        self._log = IncidentLog(1, exchange=exchange, policies=lambda kind: policies.get(kind, _USUAL))
        self._pipeline = Pipeline(settings, routes, policies=lambda kind: policies.get(kind, _USUAL))
        self._now_ms = 0

    def step(self, now_ms: int, symbols: Mapping[str, Values], market: Values, system: Values) -> None:
        """Evaluate the rules for one cycle at `now_ms` and count the messages that follow from them."""
        self._pass_time(now_ms)
        enter(self._evaluator.step(now_ms, symbols, market, system), self._log, now_ms)
        self._tell(now_ms)
        self._now_ms = now_ms

    def finish(self) -> None:
        """Let those that wait for their group be told."""
        self._pass_time(self._now_ms + self._interval_ms)

    def alerts(self) -> list[Alert]:
        """Return the incidents that the rules made so far, as alerts."""
        return [Alert(each.kind, each.symbol, each.fired_ms, each.message) for each in self._incidents.values()]

    def _pass_time(self, until_ms: int) -> None:
        """What is due between two cycles happens when it is due."""
        while self._now_ms and (due_ms := self._due_ms()) is not None and due_ms < until_ms:
            self._now_ms = max(due_ms, self._now_ms + 1)
            self._tell(self._now_ms)

    def _due_ms(self) -> int | None:
        return min((due for due in (self._log.next_ms, self._pipeline.next_ms) if due is not None), default=None)

    def _tell(self, now_ms: int) -> None:
        self.messages.update(delivery.channel for delivery in self._pipeline.step(self._log, now_ms, ()))
        self._incidents.update((incident.id, incident) for incident in self._log.take_changed())


def compared(old: Judged, new: Judged) -> Difference:
    """What judging both on the same recording, now played, showed."""
    for judged in (old, new):
        judged.finish()
    before, after = old.alerts(), new.alerts()
    appear, vanish, moved = differing(before, after)
    rules = (*old.rules.rules, *new.rules.rules)
    return Difference(
        appear=tuple(appear),
        vanish=tuple(vanish),
        moved=tuple(moved),
        same=len(before) - len(vanish) - len(moved),
        messages={channel: (old.messages[channel], new.messages[channel]) for channel in old.channels},
        unjudged=tuple(sorted({rule.name for rule in rules if unrecorded(rule)})),
    )


def unrecorded(rule: Rule) -> tuple[str, ...]:
    """The values that the condition of a rule names and a recording does not hold."""
    names = rule.when.names
    return tuple(name for name in names if CATALOGUE[name].scope is Scope.SYSTEM and name not in RECORDED)


def differing(old: Iterable[Alert], new: Iterable[Alert]) -> tuple[list[Alert], list[Alert], list[tuple[Alert, Alert]]]:
    """Appearing, vanishing, and moved ones, by time. Those of a rule and symbol that differ are paired in order."""
    before, after = _by_identity(old), _by_identity(new)
    appear, vanish, moved = [], [], []
    for identity in before.keys() | after.keys():
        gone, come = before[identity], after[identity]
        kept = gone.keys() & come.keys()
        left, right = (sorted(each.keys() - kept) for each in (gone, come))
        pairs = min(len(left), len(right))
        moved += [(gone[a], come[b]) for a, b in zip(left, right, strict=False)]
        vanish += [gone[at] for at in left[pairs:]]
        appear += [come[at] for at in right[pairs:]]
    return sorted(appear, key=_order), sorted(vanish, key=_order), sorted(moved, key=lambda pair: _order(pair[1]))


def _by_identity(alerts: Iterable[Alert]) -> defaultdict[tuple[str, str | None], dict[int, Alert]]:
    found: defaultdict[tuple[str, str | None], dict[int, Alert]] = defaultdict(dict)
    for alert in alerts:
        found[alert.rule, alert.symbol][alert.fired_ms] = alert
    return found


def _order(alert: Alert) -> tuple[int, str, str]:
    return alert.fired_ms, alert.rule, alert.symbol or ""
