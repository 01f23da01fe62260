"""Rules as they are used: parsed, checked, frozen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from virtuoso.alerts.policy import Policy
from virtuoso.alerts.rules.expression import Expression
from virtuoso.alerts.rules.template import Template
from virtuoso.alerts.rules.values import Scope
from virtuoso.model.alerts.added_rule import LeftOut
from virtuoso.model.alerts.incident import Severity

IDENTITY_LABELS: Final = frozenset({"kind", "exchange", "symbol", "side", "part"})
"""What every incident is identified by; a rule's own labels have other names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule; `name` is the kind of its incidents.

    Attributes:
        value: what a material change is measured by; `None`: nothing is.
        expire_ms: after so long without knowing whether the condition holds, its incident expires.
        message: `None`: the rule's name, with the values that the condition names.
        place: `FILE:LINE`, or who added it.
        added: whether it was added while the monitor ran, and can be removed so.
    """

    name: str
    when: Expression
    value: Expression | None
    policy: Policy
    severity: Severity
    expire_ms: int
    labels: Mapping[str, str]
    message: Template | None
    place: str
    added: bool = False

    @property
    def per_symbol(self) -> bool:
        """Whether it is judged for each symbol, or once."""
        return Scope.SYMBOL in self.when.scopes

    @property
    def meaning(self) -> tuple[str, str | None, tuple[tuple[str, str], ...]]:
        """What its incidents are about: where this changes, the old ones are over."""
        return self.when.text, self.value.text if self.value else None, tuple(sorted(self.labels.items()))


@dataclass(frozen=True)
class RuleSet:
    """Rules of distinct names, in the order of the files.

    Attributes:
        notes: what whoever checks the files should know of them; a line each.
        left_out: rules that were added and cannot be judged beside the others.
    """

    rules: tuple[Rule, ...] = ()
    notes: tuple[str, ...] = field(default=(), compare=False)
    left_out: tuple[LeftOut, ...] = ()

    @cached_property
    def by_name(self) -> Mapping[str, Rule]:
        """Look rules up by their names."""
        return {rule.name: rule for rule in self.rules}

    @property
    def policies(self) -> dict[str, Policy]:
        """What becomes of the incidents of each."""
        return {rule.name: rule.policy for rule in self.rules}
