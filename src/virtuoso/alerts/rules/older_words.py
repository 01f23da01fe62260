"""Names in rules whose meaning changed since rules like them were written."""

from collections.abc import Mapping
from typing import Final

from virtuoso.alerts.rules.rule import Rule, RuleSet

_CHANGED: Final[Mapping[str, str]] = {
    "confidence": "is now the probability that the signal turns out right; what it was is agreement",
}


def older_words(rules: RuleSet) -> tuple[str, ...]:
    """A line for each rule and each name in it that older rules used in another sense."""
    return tuple(
        f"{rule.place}: {rule.name}: warning: {name} {meaning}"
        for rule in rules.rules
        for name, meaning in _CHANGED.items()
        if _names(rule, name)
    )


def _names(rule: Rule, name: str) -> bool:
    """Whether its condition, its value or its message names it."""
    expressions = (rule.when, *(() if rule.value is None else (rule.value,)))
    told = rule.message is not None and name in (named for _, named, _ in rule.message.parts)
    return told or any(name in expression.names for expression in expressions)
