"""Counts how often the conditions of rules were true, and finds the parts of the others that never held."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from virtuoso.alerts.rules.evaluator import Values
from virtuoso.alerts.rules.expression import Calculator, Expression
from virtuoso.alerts.rules.rule import Rule, RuleSet

_MOST_TEXTS = 100


@dataclass(slots=True)
class Seen:
    """What one side of a comparison was: the least and greatest number, or the texts; neither where it was unknown."""

    text: str
    low: float | None = None
    high: float | None = None
    texts: set[str] = field(default_factory=set)

    def take(self, value: object) -> None:
        """Take one value in; unknown ones are left out, and so are texts beyond the first hundred."""
        if isinstance(value, str):
            if len(self.texts) < _MOST_TEXTS:
                self.texts.add(str(value))
        elif isinstance(value, int | float):
            self.low = value if self.low is None else min(self.low, value)
            self.high = value if self.high is None else max(self.high, value)


@dataclass(frozen=True, slots=True)
class Never:
    """A part of a condition that was never as the condition needs it.

    `wanted` is false where the condition needs the part to be false (after `not`), and it never was. Where `apart`,
    each part of it was as needed at times, but never all at once. `sides` are what the part compares.
    """

    text: str
    wanted: bool
    apart: bool
    sides: tuple[Seen, ...]


@dataclass(frozen=True, slots=True)
class Observation:
    """How often the condition of a rule was judged, how often it was true and how often unknown.

    `longest_ms` is the longest time for which it was true of one symbol without a break; `never` says why it was never
    true, and is empty where it was.
    """

    rule: Rule
    judged: int
    held: int
    unknown: int
    longest_ms: int
    never: tuple[Never, ...]


class Observed:
    """Watches all rules of a set, those that are disabled too."""

    def __init__(self, rules: RuleSet) -> None:
        self._calculator = Calculator()
        self._rules = [_Watched(rule) for rule in rules.rules]

    def step(self, now_ms: int, symbols: Mapping[str, Values], market: Values, system: Values) -> None:
        """Judge all rules once by the values of a moment (epoch ms), as `Evaluator.step` does."""
        shared = {**market, **system}
        merged = {symbol: {**shared, **values} for symbol, values in symbols.items()}
        for watched in self._rules:
            if watched.rule.per_symbol:
                for symbol, values in merged.items():
                    watched.judge(self._calculator, symbol, values, now_ms)
            else:
                watched.judge(self._calculator, None, shared, now_ms)

    def observations(self) -> tuple[Observation, ...]:
        """Return what was observed of each rule, in their order."""
        return tuple(watched.observation() for watched in self._rules)


class _Condition:
    """A condition or a part of one: how often it was true, false and unknown (`None`), and what its sides were."""

    def __init__(self, node: ast.expr) -> None:
        self.text = ast.unparse(node)
        self.counts: dict[bool | None, int] = {True: 0, False: 0, None: 0}
        self._node = node
        self._whole = _expression(node)
        self.parts: tuple[_Condition, ...] = ()
        self._sides: tuple[tuple[Expression, Seen], ...] = ()
        match node:
            case ast.BoolOp():
                self.parts = tuple(map(_Condition, node.values))
                joins = " and " if isinstance(node.op, ast.And) else " or "
                self.text = joins.join(f"({p.text})" if isinstance(p._node, ast.BoolOp) else p.text for p in self.parts)
            case ast.UnaryOp(op=ast.Not()):
                self.parts = (_Condition(node.operand),)
            case ast.Compare():
                sides = [side for side in (node.left, *node.comparators) if _names_a_value(side)]
                self._sides = tuple((_expression(side), Seen(ast.unparse(side))) for side in sides)

    def see(self, calculator: Calculator, values: Values) -> bool | None:
        """Take in one moment; says what it was then."""
        found = self._see(calculator, values)
        self.counts[found] += 1
        return found

    def _see(self, calculator: Calculator, values: Values) -> bool | None:
        if not self.parts:
            for side, seen in self._sides:
                seen.take(calculator.of(side, values))
            known: bool | None = calculator.of(self._whole, values)
            return known
        found = [part.see(calculator, values) for part in self.parts]
        if isinstance(self._node, ast.UnaryOp):
            return None if found[0] is None else not found[0]
        decisive = isinstance(self._node, ast.BoolOp) and isinstance(self._node.op, ast.Or)
        return decisive if decisive in found else None if None in found else not decisive

    def never(self, wanted: bool) -> Iterator[Never]:
        """Find the parts that were never as `wanted`."""
        if isinstance(self._node, ast.UnaryOp):
            yield from self.parts[0].never(not wanted)
            return
        # What makes `and` true is all of its parts, and what makes `or` false: one that never was is the reason.
        lacking = [part for part in self.parts if not part.counts[wanted]]
        if lacking:
            for part in lacking:
                yield from part.never(wanted)
        else:
            yield Never(self.text, wanted, bool(self.parts), tuple(seen for _, seen in self._sides))


class _Watched:
    """One rule, and since when its condition holds of each symbol (`None`: of the market)."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self._condition = _Condition(rule.when.tree)
        self._since_ms: dict[str | None, int] = {}
        self._longest_ms = 0

    def judge(self, calculator: Calculator, symbol: str | None, values: Values, now_ms: int) -> None:
        if self._condition.see(calculator, values):
            since_ms = self._since_ms.setdefault(symbol, now_ms)
            self._longest_ms = max(self._longest_ms, now_ms - since_ms)
        else:
            self._since_ms.pop(symbol, None)

    def observation(self) -> Observation:
        counts = self._condition.counts
        return Observation(
            rule=self.rule,
            judged=sum(counts.values()),
            held=counts[True],
            unknown=counts[None],
            longest_ms=self._longest_ms,
            never=() if counts[True] else tuple(self._condition.never(wanted=True)),
        )


def _expression(node: ast.expr) -> Expression:
    """A part of an expression that was checked as a whole."""
    return Expression(ast.unparse(node), (), 0, node)


def _names_a_value(node: ast.expr) -> bool:
    return any(isinstance(part, ast.Name) for part in ast.walk(node))
