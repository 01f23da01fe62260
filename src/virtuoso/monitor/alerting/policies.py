"""Finds the policy of a kind of alert: a rule's own, a built-in one, or the default."""

from collections.abc import Mapping

from virtuoso.alerts.policy import Policy

_GONE = 1_000
"""Rules that are gone whose policies are known."""


class PolicyBook:
    """Implements `alerts.policy.Policies`; the policies of the user's rules may change while it is used."""

    def __init__(self, default: Policy, built_in: Mapping[str, Policy]) -> None:
        self._default = default
        self._built_in = built_in
        self._of_rules: Mapping[str, Policy] = {}

    def __call__(self, kind: str) -> Policy:
        """Return the policy of a kind."""
        return self._of_rules.get(kind) or self._built_in.get(kind, self._default)

    @property
    def longest_cooldown_ms(self) -> int:
        """The longest cooldown of any kind: how far back a restart must look."""
        all_of_them = (self._default, *self._built_in.values(), *self._of_rules.values())
        return max(policy.cooldown_ms for policy in all_of_them)

    def take(self, of_rules: Mapping[str, Policy]) -> None:
        """Let these policies of the user's rules hold, by name.

        Those of rules that are gone hold on: people may still have to be notified of what they found.
        """
        gone = {name: policy for name, policy in self._of_rules.items() if name not in of_rules}
        self._of_rules = dict([*gone.items()][-_GONE:]) | dict(of_rules)

    def change(self, default: Policy, built_in: Mapping[str, Policy]) -> None:
        """Let other policies of the built-in kinds hold."""
        self._default, self._built_in = default, built_in
