"""Which sets the record is made of, and what each must show."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from virtuoso.model.timeframe import Timeframe


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSpec:
    """A named set: patterns of its files within a folder, its base bar, and the least values that it must show.

    `gates` are by what is measured, a value each horizon in ascending order.
    """

    name: str
    title: str
    files: tuple[str, ...]
    base: Timeframe = Timeframe.M1
    gates: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def found(self, directory: Path) -> list[Path]:
        """The files of the set, `[]` where a pattern matches none."""
        found = [sorted(directory.glob(pattern)) for pattern in self.files]
        return [path for paths in found for path in paths] if all(found) else []


def shipped_sets() -> tuple[SetSpec, ...]:
    """The sets of the table that is shipped."""
    text = files("virtuoso.research.track_record").joinpath("sets.toml").read_text("utf-8")
    return tuple(
        SetSpec(
            name=row["name"],
            title=row["title"],
            files=tuple(row["files"]),
            base=Timeframe(row.get("base", "1m")),
            gates={name: tuple(least) for name, least in row.get("gates", {}).items()},
        )
        for row in tomllib.loads(text)["set"]
    )
