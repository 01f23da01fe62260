"""What an expression may be: a short list of syntax, every name known, every comparison of things of one type."""

import ast
from dataclasses import dataclass
from typing import Final

from virtuoso.alerts.rules.mistakes import Mistaken, nearest
from virtuoso.alerts.rules.values import CATALOGUE, Type

ARGUMENTS: Final = {"abs": (1, 1), "min": (2, 10), "max": (2, 10), "round": (1, 2)}
"""The functions, and how many arguments each takes, at least and at most."""
_LARGEST = 1e18
_LONGEST_TEXT = 100
_MOST_LISTED = 100
_MOST_DIGITS = 10
_ORDER = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_EQUALITY = (ast.Eq, ast.NotEq)
_MEMBERSHIP = (ast.In, ast.NotIn)
_NAMES: Final = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Is: "is", ast.IsNot: "is not", ast.Pow: "**",
    ast.FloorDiv: "//", ast.MatMult: "@", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.LShift: "<<",
    ast.RShift: ">>", ast.Invert: "~",
}  # fmt: skip
_INSTEAD: Final = {
    ast.Pow: "write x * x", ast.FloorDiv: "write round(x / y)", ast.BitAnd: "write `and`", ast.BitOr: "write `or`",
    ast.Is: "write ==", ast.IsNot: "write !=",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """What a part of an expression is: its type, its text, and of a text what it can be (none: anything)."""

    type: Type
    text: str
    choices: tuple[str, ...] = ()


def check(node: ast.expr) -> Found:
    """What it is. The tree must be bounded: this walks it by recursion.

    Raises:
        Mistaken: something in it is not allowed, not known, or of the wrong type.
    """
    match node:
        case ast.Name():
            return _name(node.id)
        case ast.Constant():
            return _constant(node.value)
        case ast.BoolOp():
            for part in node.values:
                _want(part, Type.CONDITION, "`and` and `or` join conditions")
            return Found(Type.CONDITION, ast.unparse(node))
        case ast.UnaryOp(op=ast.Not()):
            _want(node.operand, Type.CONDITION, "`not` turns a condition round")
            return Found(Type.CONDITION, ast.unparse(node))
        case ast.UnaryOp(op=ast.USub() | ast.UAdd()):
            _want(node.operand, Type.NUMBER, "a sign stands before a number")
            return Found(Type.NUMBER, ast.unparse(node))
        case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div() | ast.Mod()):
            _want(node.left, Type.NUMBER, "arithmetic is for numbers")
            _want(node.right, Type.NUMBER, "arithmetic is for numbers")
            return Found(Type.NUMBER, ast.unparse(node))
        case ast.BinOp() | ast.UnaryOp():
            raise Mistaken(_no_operator(node.op))
        case ast.Compare():
            return _compare(node)
        case ast.Call():
            return _call(node)
        case ast.Attribute():
            raise Mistaken(_attribute(node))
        case _:
            raise Mistaken(f"{_shown(node)}: not allowed; there are values, numbers, texts, comparisons, and/or/not, "
                           f"+ - * / %, and {', '.join(ARGUMENTS)}")  # fmt: skip


def _name(name: str) -> Found:
    value = CATALOGUE.get(name)
    if value is None:
        if name in ARGUMENTS:
            raise Mistaken(f"{name} is a function: write {name}(…)")
        raise Mistaken(f"unknown value {name!r}{nearest(name, CATALOGUE)}")
    return Found(value.type, name, value.choices)


def _constant(value: object) -> Found:
    if isinstance(value, bool) or value is None or value is ...:
        raise Mistaken(f"{value}: not allowed; a condition compares values, as in score > 70")
    if isinstance(value, int | float):
        if not abs(value) <= _LARGEST:
            raise Mistaken(f"a number beyond ±{_LARGEST:g}")
        return Found(Type.NUMBER, repr(value))
    if isinstance(value, str):
        if len(value) > _LONGEST_TEXT:
            raise Mistaken(f"a text of {len(value)} characters; at most {_LONGEST_TEXT}")
        return Found(Type.TEXT, repr(value))
    raise Mistaken(f"{str(value)[:20]}: neither a number nor a text")


def _want(node: ast.expr, wanted: Type, why: str) -> Found:
    found = check(node)
    if found.type is not wanted:
        raise Mistaken(f"{_cut(found.text)} is a {found.type}; {why}")
    return found


def _compare(node: ast.Compare) -> Found:
    sides = [node.left, *node.comparators]
    for operator, left, right in zip(node.ops, sides, sides[1:], strict=False):
        if isinstance(operator, _MEMBERSHIP):
            _member(left, right)
        elif isinstance(operator, _ORDER + _EQUALITY):
            _pair(operator, left, right)
        else:
            raise Mistaken(_no_operator(operator))
    return Found(Type.CONDITION, ast.unparse(node))


def _pair(operator: ast.cmpop, left: ast.expr, right: ast.expr) -> None:
    one, other = check(left), check(right)
    if Type.CONDITION in (one.type, other.type):
        condition = one if one.type is Type.CONDITION else other
        raise Mistaken(f"{_cut(condition.text)} is a condition and cannot be compared; join conditions by and, or, not")
    if one.type is not other.type:
        raise Mistaken(f"{_cut(one.text)} is a {one.type}, {_cut(other.text)} a {other.type}: they cannot be compared")
    if one.type is Type.TEXT:
        if isinstance(operator, _ORDER):
            raise Mistaken(f"{_cut(one.text)} is a text: {_NAMES[type(operator)]} orders numbers; texts are == or !=")
        _possible(one, right)
        _possible(other, left)


def _possible(value: Found, text: ast.expr) -> None:
    """A text that a value is compared with must be one that it can be."""
    if isinstance(text, ast.Constant) and value.choices and text.value not in value.choices:
        raise Mistaken(f"{value.text} is never {text.value!r}{nearest(str(text.value), value.choices)}")


def _member(left: ast.expr, right: ast.expr) -> None:
    """`signal in ("BUY", "SELL")`, or a part of a text: `"BTC" in symbol`."""
    value = _want(left, Type.TEXT, "`in` is for texts")
    if not isinstance(right, ast.Tuple | ast.List):
        if isinstance(left, ast.Constant) and isinstance(right, ast.Name):
            _want(right, Type.TEXT, "`in` looks into a text")
            return
        raise Mistaken('write what `in` looks into as a list, with a comma: signal in ("BUY", "SELL")')
    if len(right.elts) > _MOST_LISTED:
        raise Mistaken(f"a list of {len(right.elts)}; at most {_MOST_LISTED}")
    for text in right.elts:
        if not isinstance(text, ast.Constant) or _constant(text.value).type is not Type.TEXT:
            raise Mistaken(f"{_shown(text)}: a list holds texts")
        _possible(value, text)


def _call(node: ast.Call) -> Found:
    if not isinstance(node.func, ast.Name):
        raise Mistaken(_attribute(node.func) if isinstance(node.func, ast.Attribute) else f"{_shown(node)}: no call")
    name = node.func.id
    if name not in ARGUMENTS:
        raise Mistaken(f"unknown function {name!r}{nearest(name, ARGUMENTS)}")
    least, most = ARGUMENTS[name]
    if node.keywords or not least <= len(node.args) <= most:
        raise Mistaken(f"{name} takes {least if least == most else f'{least} to {most}'} numbers")
    for argument in node.args:
        _want(argument, Type.NUMBER, f"{name} takes numbers")
    if name == "round" and len(node.args) == 2:
        digits = node.args[1]
        if not (isinstance(digits, ast.Constant) and type(digits.value) is int and digits.value <= _MOST_DIGITS):
            raise Mistaken(f"round(x, digits) takes a whole number of digits, 0 to {_MOST_DIGITS}")
    return Found(Type.NUMBER, ast.unparse(node))


def _attribute(node: ast.Attribute) -> str:
    if isinstance(node.value, ast.Name) and (joined := f"{node.value.id}_{node.attr}") in CATALOGUE:
        return f"{node.value.id}.{node.attr}: a name has no dot; did you mean {joined!r}?"
    return f"{_shown(node)}: nothing inside a value can be reached; a name has no dot"


def _no_operator(operator: ast.AST) -> str:
    instead = _INSTEAD.get(type(operator))
    return f"{_NAMES.get(type(operator), type(operator).__name__)} is not allowed{'; ' + instead if instead else ''}"


def _shown(node: ast.AST) -> str:
    return _cut(ast.unparse(node))


def _cut(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "…"
