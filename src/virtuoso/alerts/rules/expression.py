"""Conditions and measures over published values: parsed once, evaluated often, by a whitelist upon `simpleeval`.

Three-valued after Kleene: a value that is not known makes unknown what depends on it. `False and unknown` is false,
`True or unknown` is true. So does arithmetic without a finite result: a division by zero, an overflow.
"""

import ast
import math
import operator
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from simpleeval import SimpleEval  # type: ignore[import-untyped]

from virtuoso.alerts.rules.check import check
from virtuoso.alerts.rules.mistakes import Mistaken
from virtuoso.alerts.rules.values import CATALOGUE, Known, Scope, Type

MAX_LENGTH: Final = 1_000
MAX_NODES: Final = 100
MAX_DEPTH: Final = 20
"""There are no loops: an evaluation visits each node at most once."""
_ASSIGNED: Final = re.compile(r"(?<![=<>!])=(?!=)")


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression. `text` is canonical, so that spacing does not count; `names` in order of appearance."""

    text: str
    names: tuple[str, ...]
    nodes: int
    tree: ast.expr = field(compare=False, repr=False)

    @property
    def scopes(self) -> frozenset[Scope]:
        """The scopes (symbol, market, system) of the values that the expression names."""
        return frozenset(CATALOGUE[name].scope for name in self.names)


def parse(text: str, wanted: Type) -> Expression:
    """Read an expression that must be of one type.

    Raises:
        Mistaken: it is no expression, too large, uses what is not allowed, or is of another type.
    """
    if len(text) > MAX_LENGTH:
        raise Mistaken(f"{len(text)} characters; at most {MAX_LENGTH:,}")
    if "#" in text:
        raise Mistaken("'#' is not allowed: a comment stands outside the expression")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what Python would only warn of is a mistake here
            tree = ast.parse(" ".join(text.split()), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        hint = "; equal is written ==" if _ASSIGNED.search(text) else ""
        raise Mistaken(f"cannot be read: {getattr(error, 'msg', None) or 'nested too deeply'}{hint}") from None
    nodes = _size(tree)
    found = check(tree)
    if found.type is not wanted:
        example = "a condition, as in score > 70" if wanted is Type.CONDITION else "a number, as in abs(score - 50)"
        raise Mistaken(f"is a {found.type}; it must be {example}")
    names = dict.fromkeys(node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id in CATALOGUE)
    return Expression(ast.unparse(tree), tuple(names), nodes, _Lists().visit(tree))


def _size(tree: ast.expr) -> int:
    """How many parts it has; refused beyond the limits, without recursion."""
    waiting: list[tuple[ast.AST, int]] = [(tree, 1)]
    count = 0
    while waiting:
        node, depth = waiting.pop()
        count += isinstance(node, ast.expr)
        if depth > MAX_DEPTH:
            raise Mistaken(f"nested more than {MAX_DEPTH} deep")
        if count > MAX_NODES:
            raise Mistaken(f"more than {MAX_NODES} parts")
        waiting += [(child, depth + 1) for child in ast.iter_child_nodes(node)]
    return count


class _Lists(ast.NodeTransformer):
    """A list of texts is one constant."""

    def visit_Tuple(self, node: ast.Tuple) -> ast.Constant:
        texts: Any = tuple(text.value for text in node.elts if isinstance(text, ast.Constant))
        return ast.Constant(texts)

    def visit_List(self, node: ast.List) -> ast.Constant:
        return self.visit_Tuple(ast.Tuple(node.elts, node.ctx))


def _finite(function: Callable[..., Any]) -> Callable[..., Any]:
    """Unknown of anything unknown, and where there is no finite result."""

    def apply(*arguments: Any) -> Any:
        if None in arguments:
            return None
        try:
            found = function(*arguments)
            return found if math.isfinite(found) else None
        except (ZeroDivisionError, OverflowError):
            return None

    return apply


_OPERATORS: Final[dict[type[ast.AST], Callable[..., Any]]] = {
    ast.Add: _finite(operator.add),
    ast.Sub: _finite(operator.sub),
    ast.Mult: _finite(operator.mul),
    ast.Div: _finite(operator.truediv),
    ast.Mod: _finite(operator.mod),
    ast.USub: _finite(operator.neg),
    ast.UAdd: _finite(operator.pos),
    ast.Not: lambda known: None if known is None else not known,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.In: lambda left, right: left in right,
    ast.NotIn: lambda left, right: left not in right,
}
_FUNCTIONS: Final = {"abs": _finite(abs), "min": _finite(min), "max": _finite(max), "round": _finite(round)}


class Calculator(SimpleEval):  # type: ignore[misc]
    """`simpleeval` reduced to what `check` lets pass, and made three-valued."""

    def __init__(self) -> None:
        super().__init__(operators=_OPERATORS, functions=_FUNCTIONS, names={})
        self.nodes = {
            ast.Constant: self._eval_constant,
            ast.Name: self._eval_name,
            ast.UnaryOp: self._eval_unaryop,
            ast.BinOp: self._eval_binop,
            ast.BoolOp: self._eval_boolop,
            ast.Compare: self._eval_compare,
            ast.Call: self._eval_call,
        }

    def of(self, expression: Expression, values: Mapping[str, Known]) -> Any:
        """What it is of these values, `None` for unknown; a name that is not among them is unknown."""
        self.names = values
        return self.eval(expression.text, expression.tree)

    def _eval(self, node: ast.expr) -> Any:
        return self.nodes[type(node)](node)

    def _eval_constant(self, node: ast.Constant) -> Any:
        return node.value

    def _eval_name(self, node: ast.Name) -> Known:
        return self.names.get(node.id)

    def _eval_boolop(self, node: ast.BoolOp) -> bool | None:
        decisive = isinstance(node.op, ast.Or)
        found: bool | None = not decisive
        for part in node.values:
            known = self._eval(part)
            if known is None:
                found = None
            elif known == decisive:
                return decisive
        return found

    def _eval_compare(self, node: ast.Compare) -> bool | None:
        evaluate = self._eval
        left = evaluate(node.left)
        found: bool | None = True
        for comparison, comparator in zip(node.ops, node.comparators):  # noqa: B905 - as many by construction
            right = evaluate(comparator)
            if left is None or right is None:
                found = None
            elif not _OPERATORS[type(comparison)](left, right):
                return False
            left = right
        return found
