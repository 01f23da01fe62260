"""A rule that somebody added while a monitor ran, as it is kept."""

import msgspec


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
