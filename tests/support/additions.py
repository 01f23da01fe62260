"""Adds something to a copy of the sources, as docs/extending.md says, and lets a program find it there."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
Edits = Mapping[str, Sequence[tuple[str, str]] | str]
"""By file under `src/virtuoso`: the text of a new one, or what is replaced in one that is there, each by what."""


def before(anchor: str, line: str) -> tuple[str, str]:
    """The edit that puts a line before a text."""
    return anchor, f"{line}\n{anchor}"


def added(folder: Path, edits: Edits) -> Path:
    """Copy the sources into `folder`, make the edits, and return where the copy can be imported from."""
    source = folder / "src"
    shutil.copytree(ROOT / "src" / "virtuoso", source / "virtuoso", ignore=shutil.ignore_patterns("__pycache__"))
    for name, edit in edits.items():
        file = source / "virtuoso" / name
        if isinstance(edit, str):
            assert not file.exists(), name
            file.parent.mkdir(exist_ok=True)
            file.write_text(edit, "utf-8")
        else:
            text = file.read_text("utf-8")
            for before, after in edit:
                assert text.count(before) == 1, (name, before)
                text = text.replace(before, after)
            file.write_text(text, "utf-8")
    return source


def run(source: Path, program: str, *arguments: str) -> str:
    """Run a program that imports the copy; it must end well. Returns what it printed."""
    path = os.pathsep.join([str(source), str(ROOT)])
    command, environment = [sys.executable, "-c", program, *arguments], {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def told(page: str, heading: str) -> set[str]:
    """The files that the page names first in each point of the list under a heading."""
    section = page.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line[:1].isdigit()]
    return {line.split("`")[1] for line in lines}
