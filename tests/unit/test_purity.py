"""The pure rooms draw no numbers, but for the intervals that are shown, by one generator of a constant seed."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "virtuoso"
PURE = ("market", "analysis", "alerts")
RANDOM = {"random", "secrets"}
EXCEPTED = "analysis/quality/blocks.py"
"""Decision 16 says why."""


def draws(text: str) -> Iterator[str]:
    """What a source file takes of a module of random numbers, as it is written there."""
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Attribute(attr="random") | ast.Call(func=ast.Attribute(attr="default_rng")):
                yield ast.unparse(node)
            case ast.Import(names) | ast.ImportFrom(names=names):
                module = getattr(node, "module", None) or ""
                if RANDOM & {*module.split("."), *(alias.name.rpartition(".")[2] for alias in names)}:
                    yield ast.unparse(node)


def test_the_pure_rooms_draw_by_one_constant_seed_alone() -> None:
    found = {
        path.relative_to(SOURCE).as_posix(): sorted(set(draws(path.read_text("utf-8"))))
        for room in PURE
        for path in (SOURCE / room).rglob("*.py")
    }
    assert {name: drawn for name, drawn in found.items() if drawn} == {
        EXCEPTED: ["np.random", "np.random.default_rng(_SEED)"]
    }
    tree = ast.parse((SOURCE / EXCEPTED).read_text("utf-8"))
    seeds = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == "_SEED"]
    assert sum(isinstance(node.ctx, ast.Store) for node in seeds) == 1


@pytest.mark.parametrize(
    "planted",
    [
        "import numpy as np\nnp.random.normal()",
        "from numpy.random import default_rng\ndefault_rng()",
        "from numpy import random",
        "import random",
        "import secrets",
    ],
)
def test_a_draw_is_caught(planted: str) -> None:
    assert list(draws(planted))
