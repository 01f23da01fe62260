"""The house: files, functions and folders stay small, and every setting has a reader."""

import ast
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, create_model
from tests.support.settings_readers import CATALOGUED, Key, Readers, keys, sections

from virtuoso.config import Settings

SOURCE = Path(__file__).parents[2] / "src" / "virtuoso"
ROOMS = ("wiring", "processes", "cli")
"""Where settings are read."""


@pytest.fixture(scope="module")
def sources() -> dict[Path, str]:
    source = Path(__file__).parents[2] / "src" / "virtuoso"
    return {path: path.read_text("utf-8") for path in source.rglob("*.py")}


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


def readers(known: set[type[BaseModel]]) -> Readers:
    """What wiring, processes and commands read, and what those methods of sections read that they use."""
    trees = [ast.parse(path.read_text("utf-8")) for room in ROOMS for path in (SOURCE / room).rglob("*.py")]
    used = {node.attr for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    found = Readers(known, used)
    for tree in trees:
        found.look(tree)
    for path in (SOURCE / "config").rglob("*.py"):
        found.look(ast.parse(path.read_text("utf-8")))
    return found


def unread(wanted: set[Key], read: set[Key]) -> set[Key]:
    """Keys that nobody reads; a secret's `x_file` is read in place of `x` (`config.loading`)."""
    return {(section, name) for section, name in wanted if (section, name.removesuffix("_file")) not in read}


def test_every_setting_has_a_reader() -> None:
    assert unread(keys(Settings), readers(sections(Settings)).read) == set()


def test_a_setting_that_nobody_reads_is_caught() -> None:
    """In every section, those of dictionaries among them, and under a name that is read of other things."""
    planted: dict[type[BaseModel], type[BaseModel]] = {}
    for section in sections(Settings):
        more: Any = {_unused(section): (int, 1)}
        planted[section] = create_model(section.__name__, __base__=section, **more)
    read = readers(set(planted.values())).read
    wanted = {key for section in planted.values() for key in keys(section)}
    assert unread(wanted, read) == {(section.__name__, _unused(section)) for section in planted}


def test_a_section_that_is_not_handed_to_its_detector_is_caught(tmp_path: Path) -> None:
    text = (SOURCE / "wiring" / "detectors.py").read_text("utf-8")
    handing, forgetting = tmp_path / "handing.py", tmp_path / "forgetting.py"
    handing.write_text(text, "utf-8")
    forgetting.write_text(text.replace("alerts.sudden_move.model_dump()", "{}"), "utf-8")
    read = []
    for path in (handing, forgetting):
        found = Readers(sections(Settings))
        found.look(ast.parse(path.read_text("utf-8")))
        read.append(found.read)
    assert read[0] == CATALOGUED
    assert {section for section, _ in unread(read[0], read[1])} == {"SuddenMoveSettings"}


def _unused(section: type[BaseModel]) -> str:
    return next(name for name in ("name", "timeout", "threshold") if name not in section.model_fields)


def test_no_folder_is_a_drawer() -> None:
    """Fifteen modules at most, but for folders whose modules are all of one kind: a command or an indicator each."""
    of_one_kind = {"analysis/indicators", "cli"}
    folders = {path.parent for path in SOURCE.rglob("*.py")}
    many = {
        folder.relative_to(SOURCE).as_posix(): count
        for folder in folders
        if (count := len(list(folder.glob("*.py"))) - 1) > 15
    }
    assert {name: count for name, count in many.items() if name not in of_one_kind} == {}


KERNEL = "monitor/kernel.py"
RESEARCH = {"Engine", "Outlook"}
"""Research composes these itself: it has history, and no exchange."""
EMPTY = "virtuoso.monitor.lived.record.LivedRecord"
"""The monitor makes one that stores; the kernel makes one that stores nothing where it is given none."""


def made(text: str) -> set[str]:
    """The classes of our own that a source file makes something of, by their full names."""
    tree = ast.parse(text)
    ours = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("virtuoso.")
        for alias in node.names
    }
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            first, *more = ast.unparse(node.func).split(".")
            if first in ours and (more or [first])[-1][:1].isupper():
                found.add(".".join((ours[first], *more)))
    return found


def test_the_kernel_is_composed_in_one_place(sources: dict[Path, str]) -> None:
    """Whatever the kernel is made of is made nowhere else, in a command as little as in a replay."""
    files = {path.relative_to(SOURCE).as_posix(): made(text) for path, text in sources.items()}
    parts = files.pop(KERNEL) - {EMPTY}
    assert {part.rpartition(".")[2] for part in parts} >= {
        "MarketState", "Engine", "Watch", "Refresh", "Detection", "SlowData", "Cycle", "AlphaScanner", "Results",
    }  # fmt: skip
    again = {(file, part.rpartition(".")[2]) for file, found in files.items() for part in found & parts}
    assert {(file, part) for file, part in again if not (file.startswith("research/") and part in RESEARCH)} == set()


@pytest.mark.parametrize(
    "planted",
    [
        "from virtuoso.monitor.cycle.cycle import Cycle\nCycle(slow_s=1.0)",
        "from virtuoso.monitor.cycle.cycle import Cycle as Circle\nCircle(slow_s=1.0)",
        "from virtuoso.monitor.cycle import cycle\ncycle.Cycle(slow_s=1.0)",
    ],
)
def test_a_second_composition_is_caught(planted: str, sources: dict[Path, str]) -> None:
    assert made(planted) == {"virtuoso.monitor.cycle.cycle.Cycle"} <= made(sources[SOURCE / KERNEL])


def test_documents_go_into_the_cache_by_one_way(sources: dict[Path, str]) -> None:
    putting = {
        path.relative_to(SOURCE).as_posix()
        for path, text in sources.items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("cache.put")
    }
    assert putting == {"monitor/documents/publication.py"}
