"""Finds conditions that can never be true, from the range of each value that they name.

Interval arithmetic after Moore (*Interval Analysis*, 1966): what an expression can be follows from the bounds of its
values, each of which may be anything within its own. What two values have to do with each other is not known here: a
condition that passes may be impossible all the same; one that does not pass is.
"""

import ast
from collections.abc import Iterator, Mapping
from math import inf, isfinite, nextafter
from typing import Any

from virtuoso.alerts.rules.interval import Interval, Never, arithmetic
from virtuoso.alerts.rules.mistakes import Mistaken
from virtuoso.alerts.rules.values import CATALOGUE, Type

_Ranges = Mapping[str, Interval]
_Texts = Mapping[str, frozenset[str]]
_FLIPPED: Mapping[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Gt: ast.Lt, ast.GtE: ast.LtE, ast.Eq: ast.Eq, ast.NotEq: ast.NotEq,
}  # fmt: skip
_NEGATED: Mapping[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE, ast.LtE: ast.Gt, ast.Gt: ast.LtE, ast.GtE: ast.Lt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip


def refuse_impossible(tree: ast.expr) -> None:
    """Refuse a checked condition that no values can make true.

    Raises:
        Mistaken: it cannot be; the message names the part, and the bound that makes it impossible.
    """
    ranges = {name: Interval(value.low, value.high) for name, value in CATALOGUE.items() if value.type is Type.NUMBER}
    texts = {name: frozenset(value.choices) for name, value in CATALOGUE.items() if value.choices}
    if (why := _why_never(tree, True, ranges, texts)) is not None:  # noqa: FBT003 - the truth that is wanted
        raise Mistaken(why)


def refuse_small_letters(tree: ast.expr) -> None:
    """Refuse a checked condition that compares a name of capital letters with one that has small ones.

    Raises:
        Mistaken: it does; the message says how it would be written.
    """
    for node in ast.walk(tree):
        if not isinstance(node, ast.Compare):
            continue
        for _, *sides in _pairs(node):
            values = [side.id for side in sides if isinstance(side, ast.Name) and CATALOGUE[side.id].capitals]
            texts = frozenset[str]().union(*(_choices(side, {}) or () for side in sides))
            for text in sorted(each for each in texts if values and each != each.upper()):
                raise Mistaken(
                    f"{values[0]} is never {text!r}: it has no small letters; did you mean {text.upper()!r}?"
                )


def refuse_unknown(tree: ast.expr) -> None:
    """Refuse a checked number that has no result whatever the values are, such as a division by zero."""
    try:
        _interval(tree, {name: Interval(value.low, value.high) for name, value in CATALOGUE.items()})
    except Never as never:
        raise Mistaken(str(never)) from None


def _why_never(node: ast.expr, wanted: bool, ranges: _Ranges, texts: _Texts) -> str | None:
    """Why a condition is never `wanted`; `None` where it may be."""
    return _why_not_all(list(_joined(node, wanted)), ranges, texts)


def _why_not(node: ast.expr, wanted: bool, ranges: _Ranges, texts: _Texts) -> str | None:
    """Why one of `_joined` parts is never `wanted`: none of several ways is open, or what it compares is never so."""
    if isinstance(node, ast.BoolOp):
        reasons = [_why_never(part, wanted, ranges, texts) for part in node.values]
        found = [reason for reason in reasons if reason is not None]
        return "; ".join(dict.fromkeys(found)) if len(found) == len(reasons) else None
    if not isinstance(node, ast.Compare):
        return None
    reasons = [_why_no_pair(*pair, wanted, ranges, texts) for pair in _pairs(node)]
    found = [reason for reason in reasons if reason is not None]
    # Each of a chain must hold for it to be true; one that fails makes it false.
    return found[0] if found and (wanted or len(found) == len(reasons)) else None


def _joined(node: ast.expr, wanted: bool) -> Iterator[tuple[ast.expr, bool]]:
    """The parts that must all be as they are wanted, with what each must be, through brackets and `not`."""
    match node:
        case ast.UnaryOp(op=ast.Not()):
            yield from _joined(node.operand, not wanted)
        case ast.BoolOp() if isinstance(node.op, ast.And) == wanted:
            for part in node.values:
                yield from _joined(part, wanted)
        case _:
            yield node, wanted


def _why_not_all(parts: list[tuple[ast.expr, bool]], ranges: _Ranges, texts: _Texts) -> str | None:
    """Why these are never all as wanted: one never is, or two of them leave a value nothing that it could be."""
    for part, wanted in parts:
        if (why := _why_not(part, wanted, ranges, texts)) is not None:
            return why
    ranges, texts, by = dict(ranges), dict(texts), dict[str, list[str]]()
    for part, wanted in parts:
        for name, left in _bounds(part, wanted, texts):
            said = by.setdefault(name, [])
            said.append(ast.unparse(part) if wanted else f"not {ast.unparse(part)}")
            if isinstance(left, Interval):
                ranges[name] = within = ranges[name].within(left)
                empty = within.low > within.high
            else:
                texts[name] = texts.get(name, left) & left
                empty = not texts[name]
            if empty:
                return f"{' and '.join(dict.fromkeys(said))}: no {name} is all of that"
    for part, wanted in parts:
        if (why := _why_not(part, wanted, ranges, texts)) is not None:
            return why
    return None


def _bounds(node: ast.expr, wanted: bool, texts: _Texts) -> Iterator[tuple[str, Interval | frozenset[str]]]:
    """What a comparison of a value with a constant leaves for that value, where it is as wanted."""
    if not isinstance(node, ast.Compare) or not (wanted or len(node.ops) == 1):
        return
    for operator, left, right in _pairs(node):
        kind = type(operator) if wanted else _NEGATED[type(operator)]
        if isinstance(left, ast.Constant) and isinstance(right, ast.Name) and kind in _FLIPPED:
            left, right, kind = right, left, _FLIPPED[kind]
        if not (isinstance(left, ast.Name) and isinstance(right, ast.Constant)):
            continue
        if isinstance(right.value, int | float):
            if (bound := _bound(kind, float(right.value))) is not None:
                yield left.id, bound
        elif (listed := _choices(right, texts)) is not None and kind in (ast.Eq, ast.In):
            yield left.id, listed
        elif listed is not None and left.id in texts:
            yield left.id, texts[left.id] - listed


def _bound(kind: type[ast.cmpop], number: float) -> Interval | None:
    if kind is ast.Lt:
        return Interval(-inf, nextafter(number, -inf))
    if kind is ast.LtE:
        return Interval(-inf, number)
    if kind is ast.Gt:
        return Interval(nextafter(number, inf), inf)
    if kind is ast.GtE:
        return Interval(number, inf)
    return Interval(number, number) if kind is ast.Eq else None


def _pairs(node: ast.Compare) -> Iterator[tuple[ast.cmpop, ast.expr, ast.expr]]:
    sides = [node.left, *node.comparators]
    yield from zip(node.ops, sides, sides[1:], strict=False)


def _why_no_pair(
    operator: ast.cmpop, left: ast.expr, right: ast.expr, wanted: bool, ranges: _Ranges, texts: _Texts
) -> str | None:
    """Why one comparison is never as wanted."""
    told = f"{ast.unparse(ast.Compare(left, [operator], [right]))} is never {str(wanted).lower()}"
    kind = type(operator) if wanted else _NEGATED[type(operator)]
    if (one := _choices(left, texts)) is not None or _is_text(left):
        other = _choices(right, texts)
        if one is None or other is None or not one or not other:
            return None
        if kind in (ast.Eq, ast.In) and not one & other:
            return f"{told}: {_said_texts(left, one, right, other)}"
        if (kind is ast.NotEq and one == other and len(one) == 1) or (kind is ast.NotIn and one <= other):
            return f"{told}: {_said_texts(left, one, right, other)}"
        return None
    try:
        low, high = _interval(left, ranges), _interval(right, ranges)
    except Never as never:
        return str(never)
    if _possible(kind, low, high):
        return None
    sides = [_said(side, found, ranges) for side, found in ((left, low), (right, high)) if _names(side)]
    return f"{told}: {' and '.join(sides)}" if sides else told


def _possible(kind: type[ast.cmpop], left: Interval, right: Interval) -> bool:
    if kind is ast.Lt:
        return left.low < right.high
    if kind is ast.LtE:
        return left.low <= right.high
    if kind is ast.Gt:
        return left.high > right.low
    if kind is ast.GtE:
        return left.high >= right.low
    if kind is ast.Eq:
        return left.low <= right.high and right.low <= left.high
    return not left.low == left.high == right.low == right.high


def _interval(node: ast.expr, ranges: _Ranges) -> Interval:
    """What a number can be; raises `Never` where it has no result whatever its values are."""
    match node:
        case ast.Constant(value=int() | float() as number):
            return Interval(float(number), float(number))
        case ast.Name():
            return ranges[node.id]
        case ast.UnaryOp():
            inner = _interval(node.operand, ranges)
            return Interval(-inner.high, -inner.low) if isinstance(node.op, ast.USub) else inner
        case ast.BinOp():
            sides = [_interval(node.left, ranges), _interval(node.right, ranges)]
            return arithmetic(type(node.op).__name__, sides, ast.unparse(node))
        case ast.Call(func=ast.Name(id=name)):
            return arithmetic(name, [_interval(argument, ranges) for argument in node.args], ast.unparse(node))
        case _:
            return Interval()


def _choices(node: ast.expr, texts: _Texts) -> frozenset[str] | None:
    """All texts that a side can be; `None` for a number, or where it can be any."""
    if isinstance(node, ast.Name):
        return texts.get(node.id)
    value: Any = node.value if isinstance(node, ast.Constant) else None
    if isinstance(value, str):
        return frozenset((value,))
    return frozenset(map(str, value)) if isinstance(value, tuple) else None


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and CATALOGUE[node.id].type is Type.TEXT


def _names(node: ast.expr) -> list[str]:
    found = (each.id for each in ast.walk(node) if isinstance(each, ast.Name) and each.id in CATALOGUE)
    return list(dict.fromkeys(found))


def _said(side: ast.expr, found: Interval, ranges: _Ranges) -> str:
    """What a side can be, and from what of its values that follows."""
    text = f"{ast.unparse(side)} is {found}"
    if isinstance(side, ast.Name):
        return text
    inner = (f"{name} is {ranges[name]}" for name in _names(side) if isfinite(ranges[name].low + ranges[name].high))
    return f"{text}{''.join(f', as {each}' for each in inner)}"


def _said_texts(left: ast.expr, one: frozenset[str], right: ast.expr, other: frozenset[str]) -> str:
    sides = [(side, found) for side, found in ((left, one), (right, other)) if isinstance(side, ast.Name)]
    return " and ".join(f"{ast.unparse(side)} is {' or '.join(sorted(found))}" for side, found in sides)
