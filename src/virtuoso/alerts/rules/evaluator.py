"""Judges rules by the values of a moment: which hold, which are over, which are no longer known."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from virtuoso.alerts.incidents import IncidentLog
from virtuoso.alerts.rules.expression import Calculator
from virtuoso.alerts.rules.fields import LONGEST_MS
from virtuoso.alerts.rules.rule import IDENTITY_LABELS, Rule, RuleSet
from virtuoso.alerts.rules.template import cut, shown
from virtuoso.alerts.rules.values import Known
from virtuoso.model.alerts.incident import Details, Incident, Severity

Values = Mapping[str, Known]
_WHEN, _MEASURE = "when", "measure"
"""Details that say what an incident was about, so that a later run can tell whether its rule still means the same."""


class RuleState(StrEnum):
    """What became of a rule's condition for one symbol, the market or the system."""

    HOLDS = "holds"
    OVER = "over"
    EXPIRED = "expired"
    """It was unknown for too long, or its rule or symbol is gone."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of one rule and symbol; all but the identity is empty unless it `HOLDS`."""

    state: RuleState
    kind: str
    symbol: str | None
    labels: Mapping[str, str]
    severity: Severity = Severity.WARNING
    message: str = ""
    value: float | None = None
    details: Details | None = None


@dataclass(slots=True)
class _Active:
    """A condition that held when it was known last: since when, and since when that is no longer known (epoch ms)."""

    labels: Mapping[str, str]
    since_ms: int
    unknown_ms: int | None = None


class Evaluator:
    """Judges a rule set; remembers only which conditions held, and since when it is unknown whether they still do."""

    def __init__(self, rules: RuleSet) -> None:
        self._rules = self._wanted = rules
        self._calculator = Calculator()
        self._active: dict[tuple[str, str | None], _Active] = {}
        self._gone: list[Finding] = []
        self.faults: dict[str, Exception] = {}
        """What the last step raised at a symbol's values, by symbol."""

    @property
    def rules(self) -> RuleSet:
        """The rules in force, from the next step on at the latest."""
        return self._wanted

    def resume(self, incidents: Iterable[Incident]) -> None:
        """Take over the open incidents of an earlier run; what is not a rule's is left alone.

        Those whose rule is gone or means something else expire with the next step.
        """
        if self._wanted is not self._rules:
            self._change_rules()
        for incident in incidents:
            if incident.resolved_ms is None and _WHEN in incident.details:
                rule, own = self._rules.by_name.get(incident.kind), _own_labels(incident)
                meaning = (incident.details[_WHEN], incident.details.get(_MEASURE), tuple(sorted(own.items())))
                active = _Active(own, incident.fired_ms - LONGEST_MS)  # it held for as long as it had to
                self._keep(incident.kind, incident.symbol, active, rule is not None and rule.meaning == meaning)

    def reload(self, rules: RuleSet) -> None:
        """Judge by other rules from the next step on; may be called while a step runs in another thread.

        What is open of those that stay the same goes on undisturbed. What is open of those that are gone, disabled, or
        mean something else expires with that step.
        """
        self._wanted = rules

    def _change_rules(self) -> None:
        before, self._rules = self._rules.by_name, self._wanted
        active, self._active = self._active, {}
        for (name, symbol), known in active.items():
            rule = self._rules.by_name.get(name)
            self._keep(name, symbol, known, rule is not None and rule.meaning == before[name].meaning)

    def _keep(self, name: str, symbol: str | None, active: _Active, same: bool) -> None:
        if same and self._rules.by_name[name].policy.enabled:
            self._active[name, symbol] = active
        else:
            self._gone.append(Finding(state=RuleState.EXPIRED, kind=name, symbol=symbol, labels=active.labels))

    def step(self, now_ms: int, symbols: Mapping[str, Values], market: Values, system: Values) -> list[Finding]:
        """Judge all rules once against the values of this moment.

        Args:
            now_ms: epoch ms, never going back.
            symbols: the values of each watched symbol. While there are none, nothing is known of any.
            market: those of the market.
            system: those of the system.

        A symbol whose values a rule raises at is unknown to that rule (`faults`); the others are judged all the same.

        Returns:
            One finding for each condition that holds, and one when it does so no longer, or nobody can tell any more.
        """
        if self._wanted is not self._rules:
            self._change_rules()
        shared = {**market, **system}
        merged = {symbol: {**shared, **values} for symbol, values in symbols.items()}
        findings, self._gone = self._gone, []
        self.faults = {}
        for rule in self._rules.rules:
            if not rule.policy.enabled:
                continue
            for symbol, values in merged.items() if rule.per_symbol else ((None, shared),):
                try:
                    findings += self._judge(rule, symbol, values, now_ms)
                except Exception as error:
                    if symbol is None:
                        raise
                    self.faults[symbol] = error
                    findings += self._ended(rule, symbol, now_ms, unknown=True)
        findings += self._absent(symbols, now_ms)
        return findings

    def _judge(self, rule: Rule, symbol: str | None, values: Values, now_ms: int) -> Iterable[Finding]:
        """Judge one rule by one symbol's values, or by those of market and system; it raises before it changes."""
        holds = self._calculator.of(rule.when, values)
        if not holds:
            return self._ended(rule, symbol, now_ms, unknown=holds is None)
        found = self._found(rule, symbol, values)
        self._active.setdefault((rule.name, symbol), _Active(rule.labels, now_ms)).unknown_ms = None
        return (found,)

    def _found(self, rule: Rule, symbol: str | None, values: Values) -> Finding:
        details: Details = {name: values.get(name) for name in rule.when.names}
        details[_WHEN] = rule.when.text
        value = None
        if rule.value is not None:
            value = self._calculator.of(rule.value, values)
            details[_MEASURE] = rule.value.text
        message = _plain(rule, symbol, values) if rule.message is None else rule.message.render(values)
        return Finding(
            state=RuleState.HOLDS, kind=rule.name, symbol=symbol, labels=rule.labels, severity=rule.severity,
            message=message, value=value, details=details,
        )  # fmt: skip

    def _ended(self, rule: Rule, symbol: str | None, now_ms: int, *, unknown: bool) -> Iterator[Finding]:
        """Note that a condition is false or unknown: what is open goes on, and what is not yet open starts over."""
        active, state = self._active.get((rule.name, symbol)), RuleState.OVER
        if active is None:
            return
        if unknown and now_ms - active.since_ms >= rule.policy.hold_ms:
            if active.unknown_ms is None:
                active.unknown_ms = now_ms
            if now_ms - active.unknown_ms < rule.expire_ms:
                return
            state = RuleState.EXPIRED
        del self._active[rule.name, symbol]
        yield Finding(state=state, kind=rule.name, symbol=symbol, labels=active.labels)

    def _absent(self, symbols: Mapping[str, Values], now_ms: int) -> Iterator[Finding]:
        """Forget what is known of symbols that are not among those of this step."""
        for name, symbol in [of for of in self._active if of[1] is not None and of[1] not in symbols]:
            if symbols:
                active = self._active.pop((name, symbol))
                yield Finding(state=RuleState.EXPIRED, kind=name, symbol=symbol, labels=active.labels)
            else:
                yield from self._ended(self._rules.by_name[name], symbol, now_ms, unknown=True)


def enter(findings: Iterable[Finding], log: IncidentLog, now_ms: int) -> None:
    """Put findings into the log of incidents."""
    for found in findings:
        match found.state:
            case RuleState.HOLDS:
                log.fire(
                    found.kind, found.severity, found.message, now_ms, symbol=found.symbol, labels=found.labels,
                    value=found.value, details=found.details,
                )  # fmt: skip
            case RuleState.OVER:
                log.resolve(found.kind, now_ms, symbol=found.symbol, labels=found.labels)
            case RuleState.EXPIRED:
                log.expire(found.kind, now_ms, symbol=found.symbol, labels=found.labels)


def _plain(rule: Rule, symbol: str | None, values: Values) -> str:
    """Return the name of the rule and the values that its condition names."""
    named = ", ".join(f"{name} {shown(name, values)}" for name in rule.when.names if name != "symbol")
    return cut(f"{symbol + ': ' if symbol else ''}{rule.name}{': ' + named if named else ''}")


def _own_labels(incident: Incident) -> dict[str, str]:
    return {name: text for name, text in incident.labels.items() if name not in IDENTITY_LABELS}
