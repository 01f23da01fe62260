"""Which modules of each room other rooms import, by the syntax trees of the sources."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "virtuoso"


@cache
def imported() -> dict[str, set[str]]:
    """By room: its modules that others import, named from the room on; the room itself is left out."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in SOURCE.rglob("*.py"):
        room, *inner = path.relative_to(SOURCE).parts
        for parts in _imports(ast.parse(path.read_text("utf-8"))):
            if parts[0] != (room if inner else "") and (module := _module(parts)):
                found[parts[0]].add(module)
    return found


def _imports(tree: ast.Module) -> Iterator[list[str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("virtuoso."):
            for alias in node.names:
                yield [*node.module.split(".")[1:], alias.name]


def _module(parts: list[str]) -> str:
    """The module that is imported, or of which a name is."""
    while parts and not (SOURCE.joinpath(*parts).with_suffix(".py").exists() or SOURCE.joinpath(*parts).is_dir()):
        parts = parts[:-1]
    return ".".join(parts[1:])
