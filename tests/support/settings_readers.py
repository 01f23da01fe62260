"""Finds which keys of the configuration the program reads, by the syntax trees of its sources and the types of names.

A name is known to be of a section where it is annotated so, or assigned from another one; `for … in` the values or
items of a dictionary of sections gives a name the type of those. A method or property of a section reads what it reads.

A section that is shown or copied whole is not read by that. But a function that returns the parameters of the catalogue
and takes a section whole reads those keys of it, and of what is in it, that the catalogue has: no others.
"""

import ast
from collections.abc import Collection, Iterable, Iterator
from dataclasses import fields
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from virtuoso.model.catalogue.detectors import DETECTORS, FastParameters

Key = tuple[str, str]
"""The section's class, and the field."""
_WHOLE = {"model_dump", "model_dump_json", "model_copy"}
CATALOGUED: frozenset[Key] = frozenset(
    (each.__name__.replace("Parameters", "Settings"), key.name) for each in DETECTORS.values() for key in fields(each)
)
"""Keys that are made of the catalogue."""


def sections(model: type[BaseModel]) -> set[type[BaseModel]]:
    """The section and all sections in it, through options and dictionaries."""
    found, waiting = set(), [model]
    while waiting:
        section = waiting.pop()
        if section not in found:
            found.add(section)
            waiting += [each for field in section.model_fields.values() for each in _models(field.annotation)]
    return found


def keys(model: type[BaseModel]) -> set[Key]:
    """All leaves."""
    return {
        (section.__name__, name)
        for section in sections(model)
        for name, field in section.model_fields.items()
        if not list(_models(field.annotation))
    }


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) is not None:
        for argument in get_args(annotation):
            yield from _models(argument)


class Readers:
    """Collects what is read.

    Args:
        known: the sections.
        used: names of methods and properties that somebody uses: those of sections read nothing for anybody else.
    """

    def __init__(self, known: Iterable[type[BaseModel]], used: Collection[str] = ()) -> None:
        self._used = used
        self._known = {section.__name__: section for section in known}
        self.read: set[Key] = set()
        self._makes_parameters = False

    def look(self, tree: ast.Module) -> None:
        """Read the syntax tree of one source file."""
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not _validates(node):
                self._function(node, {})
            elif isinstance(node, ast.ClassDef) and node.name in self._known:
                for method in node.body:
                    if isinstance(method, ast.FunctionDef) and method.name in self._used:
                        self._function(method, {"self": self._known[node.name]})

    def _function(self, function: ast.FunctionDef | ast.AsyncFunctionDef, names: dict[str, Any]) -> None:
        names = dict(names)
        self._makes_parameters = ast.unparse(function.returns or ast.Constant(None)) == FastParameters.__name__
        for argument in (*function.args.args, *function.args.kwonlyargs):
            if argument.annotation is not None and (section := self._annotated(argument.annotation)) is not None:
                names[argument.arg] = section
        for _ in range(2):  # what is assigned further down may be used in a function further up
            for node in ast.walk(function):
                self._bind(node, names)
        for node in ast.walk(function):
            if isinstance(node, ast.Attribute):
                self._type(node, names)

    def _annotated(self, node: ast.expr) -> Any:
        text = ast.unparse(node).strip("'\"").removesuffix(" | None")
        inner = text.removeprefix("dict[str, ").removesuffix("]")
        return _Of(self._known[inner]) if inner != text and inner in self._known else self._known.get(text)

    def _bind(self, node: ast.AST, names: dict[str, Any]) -> None:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                self._assign(target, node.value, names)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            if (section := self._annotated(node.annotation)) is not None:
                names[node.target.id] = section
        elif isinstance(node, ast.NamedExpr):
            self._assign(node.target, node.value, names)
        elif isinstance(node, ast.For | ast.comprehension):
            self._iterate(node.target, node.iter, names)

    def _assign(self, target: ast.expr, value: ast.expr, names: dict[str, Any]) -> None:
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            for one, other in zip(target.elts, value.elts, strict=False):
                self._assign(one, other, names)
        elif isinstance(target, ast.Name):
            value = value.value if isinstance(value, ast.Await) else value
            if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "load":
                names[target.id] = self._known.get("Settings")
            elif isinstance(value, ast.Attribute | ast.Name) and (found := self._type(value, names)) is not None:
                names[target.id] = found

    def _iterate(self, target: ast.expr, source: ast.expr, names: dict[str, Any]) -> None:
        """`for each in section.field.values()`, `for name, each in section.field.items()`, `for each in (one, …)`."""
        if isinstance(source, ast.Tuple) and isinstance(target, ast.Name):
            if source.elts and (found := self._type(source.elts[0], names)) is not None:
                names[target.id] = found
            return
        if not (isinstance(source, ast.Call) and isinstance(source.func, ast.Attribute)):
            return
        last = target.elts[-1] if isinstance(target, ast.Tuple) else target
        found = self._type(source.func.value, names)
        if isinstance(last, ast.Name) and source.func.attr in {"values", "items"} and isinstance(found, _Of):
            names[last.id] = found.section

    def _type(self, node: ast.expr, names: dict[str, Any]) -> Any:
        """The section that an expression is, or a dictionary of them; notes what is read on the way."""
        if isinstance(node, ast.Name):
            return names.get(node.id)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "load":
            return self._known.get("Settings")
        if not isinstance(node, ast.Attribute):
            return None
        of = self._type(node.value, names)
        if of is None or isinstance(of, _Of):
            return None
        if node.attr in _WHOLE:
            if self._makes_parameters and node.attr == "model_dump":
                self.read |= keys(of) & CATALOGUED
            return None  # else shown or copied whole: that reads no key
        field = of.model_fields.get(node.attr)
        if field is None:
            return None
        inner = list(_models(field.annotation))
        if not inner:
            self.read.add((of.__name__, node.attr))
            return None
        return inner[0] if field.annotation in inner or get_origin(field.annotation) is not dict else _Of(inner[0])


class _Of:
    """A dictionary of sections."""

    def __init__(self, section: type[BaseModel]) -> None:
        self.section = section


def _validates(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether it only checks what was given."""
    return any("validator" in ast.unparse(decorator) for decorator in function.decorator_list)
