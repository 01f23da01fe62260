"""A rule that somebody added while a monitor ran, as it is kept."""

from dataclasses import dataclass
from typing import Final

import msgspec

RULE_NAME: Final = "[a-z0-9_-]{1,64}"
"""All of a rule's name, wherever it stands."""


class AddedRule(msgspec.Struct, frozen=True):
    """What was asked for; it is parsed by whoever judges by it.

    Attributes:
        name: of the rule, and so the kind of its incidents.
        when: the condition, in the words of rules.
        severity: of its incidents.
        author: who added it.
        created_ms: when (epoch ms).
    """

    name: str
    when: str
    severity: str
    author: str
    created_ms: int

    @property
    def text(self) -> str:
        """The same as a file of rules: JSON, which is YAML."""
        rule = {"name": self.name, "when": self.when, "severity": self.severity}
        return msgspec.json.encode({"version": 2, "rules": [rule]}).decode()

    @property
    def place(self) -> str:
        """Where it stands, for people."""
        return f"added by {self.author}"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An added rule that is not judged, and why."""

    rule: AddedRule
    reason: str
