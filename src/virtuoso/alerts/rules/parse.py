"""Reads files of rules into a rule set, with every mistake in one go, each with its line."""

import re
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from typing import Final, TypeVar

from virtuoso.alerts.policy import Policy
from virtuoso.alerts.rules import expression, template
from virtuoso.alerts.rules.document import Page, Place
from virtuoso.alerts.rules.expression import Expression
from virtuoso.alerts.rules.fields import boolean, duration_ms, one_of, positive
from virtuoso.alerts.rules.mistakes import Mistake, Mistaken, RulesError
from virtuoso.alerts.rules.older_words import VERSION, older_words
from virtuoso.alerts.rules.possible import refuse_impossible, refuse_small_letters, refuse_unknown
from virtuoso.alerts.rules.rule import IDENTITY_LABELS, Rule, RuleSet
from virtuoso.alerts.rules.template import Template
from virtuoso.alerts.rules.values import Scope, Type
from virtuoso.model.alerts.added_rule import RULE_NAME
from virtuoso.model.alerts.incident import Severity
from virtuoso.model.catalogue.kinds import MARKET_KINDS, SYSTEM_KINDS
from virtuoso.model.errors import ConfigError

_T = TypeVar("_T")

KEYS: Final = (
    "name", "when", "for", "cooldown", "rearm", "value", "change", "escalate_after", "expire", "severity", "labels",
    "message", "channels", "enabled",
)  # fmt: skip
MAX_RULES: Final = 100
MAX_PARTS: Final = 2_000
"""Parts of all conditions together: what one symbol costs at most."""
MAX_MISTAKES: Final = 100
EXPIRE_MS: Final = 600_000
_USUAL: Final = Policy()
_NAME = re.compile(RULE_NAME)
_LABEL = re.compile(r"[a-z][a-z0-9_]{0,31}")
_TAKEN_LABELS = IDENTITY_LABELS | {"severity"}
_SCOPE = "scope"
"""The label that says whether an alert without a symbol is about the market or about the system."""
_MOST_LABELS, _LONGEST_LABEL = 10, 100


def parse(
    files: Iterable[tuple[str, str]],
    *,
    channels: Collection[str] | None = None,
    cooldown_ms: int = _USUAL.cooldown_ms,
    small_letters: bool = False,
) -> RuleSet:
    """Read files, each given as name and text.

    Args:
        files: what to read, in order.
        channels: the channels there are; `None`: not known here, and not checked.
        cooldown_ms: of rules that say nothing of it.
        small_letters: whether the exchange's names may have small letters.

    Raises:
        RulesError: one line for each mistake of all files.
    """
    mistakes: list[Mistake] = []
    notes: list[str] = []
    rules: dict[str, Rule] = {}
    for name, text in files:
        page = Page(name)
        top = page.root(text)
        fields = {} if top is None else top.fields(("version", "rules"))
        if top is not None and "rules" not in fields and not page.mistakes:
            top.mistake("must have a list `rules`")
        if "version" in fields:
            with fields["version"].noting():
                one_of(fields["version"].text(), [VERSION])
        for item in fields["rules"].items() if "rules" in fields else ():
            rule = _Reader(item, channels, cooldown_ms, small_letters=small_letters).rule()
            if rule is not None and rule.name in rules:
                item.mistake(f"there is a rule {rule.name!r} already, at {rules[rule.name].place}")
            elif rule is not None:
                rules[rule.name] = rule
                _bound(item, rules.values())
        mistakes += page.mistakes
        if "version" not in fields and (note := older_words(name, page.values)) is not None:
            notes.append(note)
    if mistakes:
        raise RulesError(sorted(mistakes, key=lambda mistake: (mistake.file, mistake.line))[:MAX_MISTAKES], notes)
    return RuleSet(tuple(rules.values()), tuple(notes))


def within_bounds(rules: Collection[Rule]) -> None:
    """Refuse rules that cannot hold together. Raises `ConfigError`: names that are double, too many, too large."""
    *others, last = rules
    if any(rule.name == last.name for rule in others):
        raise ConfigError(f"there is a rule {last.name!r} already")
    if (beyond := _beyond_bounds([rule.when for rule in rules])) is not None:
        raise ConfigError(beyond)


def crowded(conditions: Iterable[str]) -> str | None:
    """Say why rules of these conditions cannot be judged together; `None` where they can.

    A condition that this version cannot read is none here.
    """
    known = []
    for text in conditions:
        with suppress(Mistaken):
            known.append(expression.parse(text, Type.CONDITION))
    return _beyond_bounds(known)


def _beyond_bounds(conditions: Collection[Expression]) -> str | None:
    if len(conditions) > MAX_RULES:
        return f"more than {MAX_RULES} rules"
    if sum(each.nodes for each in conditions) > MAX_PARTS:
        return f"the conditions have more than {MAX_PARTS:,} parts together"
    return None


def _bound(item: Place, rules: Collection[Rule]) -> None:
    if len(rules) == MAX_RULES + 1:
        item.mistake(f"more than {MAX_RULES} rules")
    parts = [rule.when.nodes for rule in rules]
    if sum(parts) > MAX_PARTS >= sum(parts[:-1]):
        item.mistake(f"the conditions up to here have more than {MAX_PARTS:,} parts together")


class _Reader:
    """Reads one rule; notes what is wrong and goes on with the rest."""

    def __init__(
        self, place: Place, channels: Collection[str] | None, cooldown_ms: int, *, small_letters: bool
    ) -> None:
        self._place = place
        self._known_channels = channels
        self._cooldown_ms = cooldown_ms
        self._small_letters = small_letters
        self._fields = place.fields(KEYS)

    def rule(self) -> Rule | None:
        """Read a rule; `None` where it has a mistake."""
        before = len(self._place.page.mistakes)
        name = self._read("name", None, self._name)
        when = self._read("when", None, self._condition)
        for key, found in (("name", name), ("when", when)):
            if found is None and key not in self._fields and self._fields:
                self._place.mistake(f"needs `{key}`")
        if when is not None and not when.names:
            self._fields["when"].mistake("names no value: it would hold always, or never")
        value = self._measure(when)
        message = self._message(when)
        severity = self._read("severity", Severity.WARNING, lambda f: Severity(one_of(f.text(), list(Severity))))
        policy = Policy(
            enabled=self._read("enabled", _USUAL.enabled, lambda field: boolean(field.text())),
            severity=severity,
            hold_ms=self._duration("for", 0),
            cooldown_ms=self._duration("cooldown", self._cooldown_ms),
            rearm_ms=self._duration("rearm", 0),
            change=self._read("change", None, lambda field: positive(field.text())),
            escalate_after_ms=self._read("escalate_after", None, _some_time),
            channels=self._channels(),
        )
        if policy.change is not None and value is None and "value" not in self._fields:
            self._fields["change"].mistake("needs `value`: an expression that the change is measured by")
        expire_ms, labels = self._duration("expire", EXPIRE_MS), self._labels()
        if when is not None and Scope.SYMBOL not in when.scopes:  # else nothing would say whom it is about
            labels.setdefault(_SCOPE, str(Scope.MARKET if Scope.MARKET in when.scopes else Scope.SYSTEM))
        if name is None or when is None or len(self._place.page.mistakes) > before:
            return None
        return Rule(
            name=name, when=when, value=value, policy=policy, severity=severity, expire_ms=expire_ms, labels=labels,
            message=message, place=f"{self._place.page.name}:{self._place.line}",
        )  # fmt: skip

    def _read(self, key: str, default: _T, reading: Callable[[Place], _T]) -> _T:
        field = self._fields.get(key)
        if field is not None:
            with field.noting():
                return reading(field)
        return default

    def _condition(self, field: Place) -> Expression:
        found = expression.parse(field.text(), Type.CONDITION)
        field.page.values.update(found.names)
        if not self._small_letters:
            refuse_small_letters(found.tree)
        if found.names:
            refuse_impossible(found.tree)
        return found

    def _duration(self, key: str, default_ms: int) -> int:
        return self._read(key, default_ms, lambda field: duration_ms(field.text()))

    def _name(self, field: Place) -> str:
        name = field.text()
        if not _NAME.fullmatch(name):
            raise Mistaken(f"{name[:80]!r}: a name has 1 to 64 of a-z, 0-9, - and _")
        if name in MARKET_KINDS + SYSTEM_KINDS:
            raise Mistaken(f"{name!r} is a built-in kind; choose another name")
        return name

    def _measure(self, when: Expression | None) -> Expression | None:
        def read(field: Place) -> Expression:
            found = expression.parse(field.text(), Type.NUMBER)
            field.page.values.update(found.names)
            if when is not None and not found.scopes <= _scopes(when):
                raise Mistaken("names a value of a symbol, and `when` names none")
            refuse_unknown(found.tree)
            return found

        return self._read("value", None, read)

    def _message(self, when: Expression | None) -> Template | None:
        scopes = frozenset(Scope) if when is None else _scopes(when)

        def read(field: Place) -> Template:
            found = template.parse(field.text(), scopes)
            field.page.values.update(name for _, name, _ in found.parts if name is not None)
            return found

        return self._read("message", None, read)

    def _channels(self) -> tuple[str, ...] | None:
        field = self._fields.get("channels")
        if field is None:
            return None
        names = []
        for item in field.items():
            with item.noting():
                name = item.text()
                names.append(name if self._known_channels is None else one_of(name, self._known_channels))
        return tuple(dict.fromkeys(names))

    def _labels(self) -> dict[str, str]:
        field = self._fields.get("labels")
        if field is None:
            return {}
        found = {}
        for key, item in field.fields().items():
            with item.noting():
                if not _LABEL.fullmatch(key) or key in _TAKEN_LABELS:
                    taken = ", ".join(sorted(_TAKEN_LABELS))
                    raise Mistaken(f"a label is a word of a-z, 0-9 and _, other than {taken}")
                found[key] = item.text()
                if key == _SCOPE:
                    one_of(found[key], list(Scope))
                if len(found[key]) > _LONGEST_LABEL:
                    raise Mistaken(f"{len(found[key])} characters; at most {_LONGEST_LABEL}")
        if len(found) > _MOST_LABELS:
            field.mistake(f"{len(found)} labels; at most {_MOST_LABELS}")
        return found


def _some_time(field: Place) -> int:
    found = duration_ms(field.text())
    if not found:
        raise Mistaken("must be longer than 0")
    return found


def _scopes(when: Expression) -> frozenset[Scope]:
    """Whose values the other fields may name: the market's and the system's, and a symbol's if there is one."""
    return when.scopes | {Scope.MARKET, Scope.SYSTEM}
