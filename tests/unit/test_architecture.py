"""The house: every room stands in the import contracts, files and functions stay small, every setting has a reader."""

import ast
import configparser
import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from virtuoso.config import Settings

COMPOSITION = {"monitor", "research", "web", "cli", "model"}


@pytest.fixture(scope="module")
def sources() -> dict[Path, str]:
    source = Path(__file__).parents[2] / "src" / "virtuoso"
    return {path: path.read_text("utf-8") for path in source.rglob("*.py")}


def test_every_room_stands_in_the_contracts(root: Path) -> None:
    rooms = {path.parent.name for path in (root / "src" / "virtuoso").glob("*/__init__.py")}
    contracts = configparser.ConfigParser()
    contracts.read(root / ".importlinter")
    bound = {
        module.removeprefix("virtuoso.")
        for section in contracts.sections()
        for key in ("source_modules", "modules")
        for module in contracts.get(section, key, fallback="").split()
    }
    assert rooms - {"cli"} <= bound, f"no contract binds {sorted(rooms - {'cli'} - bound)}"
    forbidden_to_rooms = contracts.get("importlinter:contract:low", "source_modules").split()
    assert {f"virtuoso.{room}" for room in rooms - COMPOSITION} == set(forbidden_to_rooms)


def test_files_and_functions_are_small(sources: dict[Path, str]) -> None:
    long = []
    for path, text in sources.items():
        if text.count("\n") > 500:
            long.append(f"{path.name}: {text.count(chr(10))} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno
                if lines > 70:
                    long.append(f"{path.name}:{node.lineno} {node.name}: {lines} lines")
    assert long == []


def leaves(model: type[BaseModel], path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = []
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found += leaves(field.annotation, (*path, name))
        else:
            found.append((*path, name))
    return found


def test_every_setting_has_a_reader(sources: dict[Path, str]) -> None:
    outside = "\n".join(text for path, text in sources.items() if path.parent.name != "config")
    inside = next(text for path, text in sources.items() if path.name == "settings.py")
    unread = []
    for path in leaves(Settings):
        name = path[-1]
        if name.endswith("_file"):  # it is read in place of the secret that it holds, see `loading`
            name = name.removesuffix("_file")
        # Timeframes and factors are read through a method of their section.
        through_method = path[:2] in {("analysis", "timeframes"), ("analysis", "factors")}
        text = inside + "".join(t for p, t in sources.items() if p.name == "loading.py") if through_method else outside
        if not re.search(rf"\.{name}\b", text):
            unread.append(".".join(path))
    assert unread == []
