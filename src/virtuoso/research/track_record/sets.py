"""Reads which sets the record is made of, and what each must show."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from virtuoso.model.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSpec:
    """A named set: patterns of its files within a folder, and the least values that it must show.

    `gates` are by what is measured, a value each horizon in ascending order.
    """

    name: str
    title: str
    files: tuple[str, ...]
    gates: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def found(self, directory: Path) -> list[Path]:
        """Find the files of the set, `[]` where a pattern matches none."""
        found = [sorted(directory.glob(pattern)) for pattern in self.files]
        return [path for paths in found for path in paths] if all(found) else []


GATES: Final = ("large_move_skill", "beyond_skill", "volatility_r2")
"""What a set may be held to."""


def shipped_sets() -> tuple[SetSpec, ...]:
    """Read the sets of the table that is shipped."""
    return parsed(files("virtuoso.research.track_record").joinpath("sets.toml").read_text("utf-8"), "sets.toml")


def read_sets(path: Path) -> tuple[SetSpec, ...]:
    """Read a user's own table of sets; raises `UsageError` where it cannot be read or has an unknown key."""
    try:
        return parsed(path.read_text("utf-8"), str(path))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from error


def parsed(text: str, name: str) -> tuple[SetSpec, ...]:
    """Read the sets in the text of a table; raises `UsageError`, beginning with `name`."""
    try:
        rows = tomllib.loads(text).get("set", [])
        found = tuple(_spec(row) for row in rows)
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        said = f"a set has no {error}" if isinstance(error, KeyError) else str(error)
        raise UsageError(f"{name}: {said}") from error
    if not found:
        raise UsageError(f"{name}: has no [[set]]")
    return found


def _spec(row: Mapping[str, Any]) -> SetSpec:
    if unknown := sorted(set(row) - {"name", "title", "files", "gates"}):
        raise ValueError(f"{unknown[0]}: unknown key of a set")
    gates = {name: tuple(map(float, least)) for name, least in row.get("gates", {}).items()}
    if unknown := sorted(set(gates) - set(GATES)):
        raise ValueError(f"{unknown[0]}: unknown gate; there are {', '.join(GATES)}")
    return SetSpec(name=row["name"], title=row["title"], files=tuple(row["files"]), gates=gates)
