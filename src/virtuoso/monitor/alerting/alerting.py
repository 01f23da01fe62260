"""Joins the alerts of a monitor: findings become incidents, the stages decide, the user's rules are judged."""

from collections.abc import Mapping, Sequence

import msgspec
import structlog
from msgspec.structs import replace

from virtuoso.alerts.changes import observe_gap, observe_regime, observe_signal
from virtuoso.alerts.incidents import IncidentLog
from virtuoso.alerts.limits import GAP_MS, STOP_GAP_MS
from virtuoso.alerts.outcomes.equal import EqualState
from virtuoso.alerts.policy import Policy, default_policy
from virtuoso.alerts.rules.evaluator import Evaluator, Finding, RuleState, enter
from virtuoso.alerts.rules.rule import RuleSet
from virtuoso.alerts.rules.values import Known
from virtuoso.alerts.stages.budget import BudgetState
from virtuoso.alerts.stages.pipeline import Pipeline, PipelineSettings
from virtuoso.analysis.regimes.dwell import Transition
from virtuoso.market.state import MarketState
from virtuoso.model import documents as docs
from virtuoso.model.alerts.incident import Incident, Silence
from virtuoso.model.alerts.notice import Delivery
from virtuoso.model.alerts.outcome import Outcome
from virtuoso.model.clock import Clock
from virtuoso.model.text.numbers import PLAIN
from virtuoso.monitor.alerting.outcomes import AlertOutcomes
from virtuoso.monitor.alerting.policies import PolicyBook
from virtuoso.monitor.alerting.rule_values import market_values, symbol_values
from virtuoso.monitor.containment import Contained, each
from virtuoso.storage.database.records import SignalRecord

log = structlog.get_logger(__name__)

_VALUES, _RULES = "its values for rules", "its rules"


class _Stored(msgspec.Struct, frozen=True):
    """What a restart goes on from: the budget of interruptions, and how often minutes left their bands."""

    budget: BudgetState | None = None
    equal: EqualState | None = None


def without_notifications(incidents: IncidentLog, clock: Clock) -> "Alerting":
    """Make the alerting of one pass: incidents are found, nobody is notified, and there are no rules of the user."""
    return Alerting(incidents, Pipeline(PipelineSettings(), (), policies=default_policy), clock)


class Alerting:
    """Joins incidents, stages and rules. Used on the event loop, but for `judge`, which runs where documents are built.

    `public_url` is what links in messages begin with; without it there are none. `conditions` says by built-in kind
    what makes an incident of it.
    """

    def __init__(
        self,
        incidents: IncidentLog,
        pipeline: Pipeline,
        clock: Clock,
        policies: PolicyBook | None = None,
        public_url: str | None = None,
        rules: RuleSet | None = None,
        conditions: Mapping[str, str] | None = None,
    ) -> None:
        self.incidents = incidents
        self.pipeline = pipeline
        self._policies = policies
        self.public_url = public_url
        self.conditions = conditions or {}
        self._evaluator = Evaluator(rules or RuleSet())
        self._clock = clock
        self._silences: tuple[Silence, ...] = ()
        self._system: Mapping[str, Known] = {}
        self.outcomes = AlertOutcomes()

    @property
    def rules(self) -> RuleSet:
        """The user's rules that are in force."""
        return self._evaluator.rules

    def policy(self, kind: str) -> Policy:
        """Return the policy that applies to incidents of a kind."""
        return default_policy(kind) if self._policies is None else self._policies(kind)

    def reload(self, rules: RuleSet) -> None:
        """Judge by other rules from the next judgement on."""
        if self._policies is not None:
            self._policies.take(rules.policies)
        self._evaluator.reload(rules)

    def decide(self) -> tuple[Delivery, ...]:
        """Run the stages once and return the deliveries to send now, with links if there is a `public_url`."""
        now_ms = self._now_ms()
        budget = self.pipeline.budget
        if budget is not None:
            budget.worths = self.outcomes.worths(now_ms)
        deliveries = self.pipeline.step(self.incidents, now_ms, self._silences)
        self.outcomes.look(self.pipeline.take_delivered(), now_ms)
        return deliveries if self.public_url is None else tuple(map(self._linked, deliveries))

    def _linked(self, delivery: Delivery) -> Delivery:
        """Add the address where its incident stands in full, and that of the signal that it is of."""
        notice = delivery.notice
        address = (self.public_url or "").rstrip("/")
        link = f"{address}/alerts/{notice.lines[0].id}" if notice.lines else address
        incident = self.incidents.get(notice.lines[0].id) if notice.lines else None
        signal_id = None if incident is None else incident.signal_id
        signal = None if signal_id is None else f"{address}/signals/{signal_id}"
        return replace(delivery, notice=replace(notice, link=link, signal_link=signal))

    def state_text(self) -> str | None:
        """Return what a restart goes on from beside incidents and outcomes, as JSON; `None` where there is nothing."""
        budget = None if self.pipeline.budget is None else self.pipeline.budget.state
        state = _Stored(budget, self.outcomes.state(self._now_ms()))
        return None if state == _Stored() else msgspec.json.encode(state).decode()

    def _recall(self, stored: str | None, outcomes: Sequence[Outcome]) -> None:
        state = _Stored()
        try:
            state = state if stored is None else msgspec.json.decode(stored, type=_Stored)
        except msgspec.MsgspecError as error:
            log.warning("the stored state of alerting is of another version; its budget begins anew", error=str(error))
        if self.pipeline.budget is not None and state.budget is not None:
            self.pipeline.budget.resume(state.budget)
        self.outcomes.resume(outcomes, state.equal)

    def resume(
        self,
        incidents: Sequence[Incident],
        watched_ms: int | None,
        *,
        was_stopped: bool = False,
        stored: str | None = None,
        outcomes: Sequence[Outcome] = (),
    ) -> None:
        """Go on from what earlier runs stored, oldest first; `stored` is the last `state_text`.

        `watched_ms` is when the last of them was seen to watch, and `was_stopped` whether it was ended on purpose.
        """
        now_ms = self._now_ms()
        self._recall(stored, outcomes)
        resumed = self.incidents.resume(incidents)
        self.pipeline.resume(resumed, now_ms)
        self._evaluator.resume(resumed)
        if watched_ms is not None and now_ms - watched_ms >= (STOP_GAP_MS if was_stopped else GAP_MS):
            observe_gap(self.incidents, watched_ms, now_ms, now_ms)

    def frozen(self, since_ms: int, until_ms: int) -> None:
        """Note that the process stood still, or the machine slept."""
        observe_gap(self.incidents, since_ms, until_ms, self._now_ms())

    def take_inputs(self, silences: tuple[Silence, ...], acknowledged: Mapping[str, str]) -> None:
        """Take what people said: silences in force or to come, and by incident who acknowledged it."""
        self._silences = silences
        for identity, by in acknowledged.items():
            self.incidents.acknowledge(identity, by, self._now_ms())

    def signals(self, changes: Sequence[SignalRecord], market: MarketState) -> None:
        """Turn changes of labels into incidents; the market knows what prices are counted in."""
        now_ms = self._now_ms()
        for change in changes:
            observe_signal(
                self.incidents, change.symbol, change.before, change.label, now_ms,
                score=change.score, agreement=change.agreement, price=change.price,
                denomination=market[change.symbol].denomination if change.symbol in market else PLAIN,
                signal_id=change.id,
            )  # fmt: skip

    def regimes(self, transitions: Sequence[Transition]) -> None:
        """Make an incident of a change of the market's regime; those of symbols make none."""
        for change in transitions:
            if change.symbol is None:
                observe_regime(self.incidents, str(change.before), str(change.after), self._now_ms())

    def system(self, values: Mapping[str, Known]) -> None:
        """Take the values of the system, for the next judgement."""
        self._system = values

    def judge(
        self, details: Sequence[docs.SymbolDetail], overview: docs.MarketOverview, now_ms: int, contained: Contained
    ) -> list[Finding]:
        """Judge the user's rules against what is being published; a symbol that raises is unknown to them."""
        judged = {detail.ticker.symbol: detail for detail in details} if self.rules.rules else {}
        known = each(contained, _VALUES, judged, lambda symbol: symbol_values(judged[symbol]))
        symbols = {symbol: known.get(symbol, {}) for symbol in judged}
        findings = self._evaluator.step(now_ms, symbols, market_values(overview), self._system)
        for symbol in judged:
            if (fault := self._evaluator.faults.get(symbol)) is None:
                contained.clear(symbol, _RULES)
            else:
                contained.note(symbol, _RULES, fault)
        return findings

    def found(self, findings: Sequence[Finding]) -> None:
        """Make incidents of what `judge` found; a rule that is gone since then begins none."""
        known = {rule.name for rule in self.rules.rules}
        enter(
            [each for each in findings if each.kind in known or each.state is not RuleState.HOLDS], self.incidents,
            self._now_ms(),
        )  # fmt: skip

    def _now_ms(self) -> int:
        return self._clock.now_ns() // 1_000_000
