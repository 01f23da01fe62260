"""Documents of rules that are added while a monitor runs."""

from typing import Annotated

import msgspec
from msgspec import Meta

from virtuoso.model.alerts.added_rule import RULE_NAME, AddedRule, LeftOut
from virtuoso.model.alerts.documents.texts import Person
from virtuoso.model.alerts.incident import Severity
from virtuoso.model.clock import iso
from virtuoso.model.text.patterns import whole

RuleName = Annotated[str, Meta(pattern=whole(RULE_NAME))]
Condition = Annotated[str, Meta(min_length=1, max_length=2_000)]


class NewRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule that is to be judged from now on, beside those of files."""

    name: RuleName
    """What it is called, and the kind of its incidents: 1–64 of a-z, 0-9, `-` and `_`."""
    when: Condition
    """The condition, in the words of rules: an incident fires where it begins to hold, and is resolved where it ends.
    2000 characters at most."""
    severity: Severity = Severity.WARNING
    """Severity of its incidents."""
    author: Person
    """Who adds it: a name, 100 characters at most."""


class AddedRuleItem(msgspec.Struct, frozen=True, kw_only=True):
    """A rule as it was added; within two seconds `/api/alerts/rules` lists it, in force or left out."""

    name: str
    """What it is called, and the kind of its incidents."""
    when: str
    """Under which condition it fires, as it was written."""
    severity: str
    """Severity of its incidents."""
    author: str
    """Who added it, by name."""
    created_at: str
    """When it was added, ISO 8601 in UTC."""


class LeftOutRule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that was added and is not judged, as others leave no room for it or it has a mistake by now."""

    rule: AddedRuleItem
    """The rule as it was added; `DELETE /api/alerts/rules/{name}` removes it."""
    reason: str
    """Why it is not judged."""


def left_out_of(left_out: LeftOut) -> LeftOutRule:
    """A rule that is left out, as it is published."""
    return LeftOutRule(rule=added_rule_of(left_out.rule), reason=left_out.reason)


def added_rule_of(rule: AddedRule) -> AddedRuleItem:
    """A rule as the API answers with it."""
    return AddedRuleItem(
        name=rule.name,
        when=rule.when,
        severity=rule.severity,
        author=rule.author,
        created_at=iso(rule.created_ms) or "",
    )
