"""What the code says of a field or a value, the text below it, as its description in the OpenAPI document.

The interpreter drops those texts: they are read from the source, once, when the document is asked for first.
"""

import ast
import inspect
import sys
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from functools import cache
from itertools import pairwise
from typing import Any, Final, get_args, get_type_hints

import msgspec

_PROGRAM: Final = __name__.partition(".")[0]


def describe(schemas: dict[str, Any], kinds: Iterable[object]) -> None:
    """Give descriptions to the `schemas` (by name) of structs and enumerations in `kinds`, and of all within them."""
    for kind in reached(kinds):
        schema, texts = schemas.get(kind.__name__, {}), _texts_of(kind)
        if issubclass(kind, msgspec.Struct):
            for field in msgspec.structs.fields(kind):
                if field.name in texts:
                    schema["properties"][field.encode_name]["description"] = texts[field.name]
        elif issubclass(kind, Enum) and texts:
            values = (f"- `{kind[name].value}`: {text}" for name, text in texts.items())
            schema["description"] = "\n".join((inspect.getdoc(kind) or "", "", *values))


def reached(kinds: Iterable[object]) -> set[type]:
    """Find the structs and enumerations among types and annotations, and those that their fields are made of."""
    found: set[type] = set()
    ahead = list(kinds)
    while ahead:
        kind = ahead.pop()
        ahead += get_args(kind)
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct | Enum) and kind not in found:
            found.add(kind)
            ahead += get_type_hints(kind).values() if issubclass(kind, msgspec.Struct) else ()
    return found


def _texts_of(kind: type) -> dict[str, str]:
    """The text below each attribute of a class, those of its bases included."""
    texts: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if base.__module__.partition(".")[0] == _PROGRAM:
            texts |= _texts_in(base.__module__).get(base.__name__, {})
    return texts


@cache
def _texts_in(module: str) -> dict[str, dict[str, str]]:
    """By class and attribute, the texts in the source of a module that is loaded."""
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {node.name: dict(_below(node.body)) for node in tree.body if isinstance(node, ast.ClassDef)}


def _below(body: Sequence[ast.stmt]) -> Iterator[tuple[str, str]]:
    for statements in pairwise(body):
        match statements:
            case (
                ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                yield name, " ".join(text.split())
