"""The parts that a record consists of: sections of text, tables of figures, plots, and gates."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from virtuoso.analysis.quality.figures import Figure

Cell: TypeAlias = "str | int | float | Figure | None"
_HOUR_MIN = 60


def horizon_text(minutes: int) -> str:
    """Write a horizon as people say it: `15 m`, `1 h`."""
    return f"{minutes} m" if minutes % _HOUR_MIN else f"{minutes // _HOUR_MIN} h"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its title, the digits of its numbers, and what they are multiplied by."""

    title: str
    digits: int = 3
    unit: float = 1.0


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under columns; of the first figure of each row n, n_eff and days are shown beside it."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def document(self) -> dict[str, Any]:
        """Give titles and rows as JSON has them; a figure has its interval and what is behind it."""
        return {
            "title": self.title,
            "columns": [column.title for column in self.columns],
            "rows": [[cell.document() if isinstance(cell, Figure) else cell for cell in row] for row in self.rows],
        }


@dataclass(frozen=True, slots=True)
class Plot:
    """A picture: the name of its file, what it shows, and its SVG."""

    name: str
    title: str
    svg: str


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with what stands under it."""

    title: str
    text: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    plots: tuple[Plot, ...] = ()

    def document(self) -> dict[str, Any]:
        """Give all but the plots, with plain keys."""
        return {"title": self.title, "text": list(self.text), "tables": [table.document() for table in self.tables]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What must hold on a set, and whether it did: `passed` is `None` where it could not be judged, for `why`."""

    name: str
    set: str
    wanted: str
    measured: Figure | float | None = None
    passed: bool | None = None
    why: str = ""

    def document(self) -> dict[str, Any]:
        """Give the gate as JSON has it; `passed` is `null` where it was not judged."""
        measured = self.measured.document() if isinstance(self.measured, Figure) else self.measured
        return {
            "name": self.name,
            "set": self.set,
            "wanted": self.wanted,
            "measured": measured,
            "passed": self.passed,
            "why": self.why,
        }


def gate(
    name: str,
    of: str,
    wanted: str,
    figure: Figure,
    holds: Callable[[float], bool],
    why: str = "",
    unknown: str = "nothing to judge",
) -> Gate:
    """Judge a figure of the set `of` by its value, with the remark `why`; without a value not at all, for `unknown`."""
    if figure.value is None:
        return Gate(name=name, set=of, wanted=wanted, why=unknown)
    return Gate(name=name, set=of, wanted=wanted, measured=figure, passed=holds(figure.value), why=why)


def at_least(name: str, of: str, figure: Figure, least: float, *, above_zero: bool = True) -> Gate:
    """Judge whether the value reaches `least` and, if wanted, the interval lies above 0."""
    wanted = f"≥ {least:+g}" + (", lower end > 0" if above_zero else "")
    return gate(name, of, wanted, figure, lambda value: value >= least and (figure.positive or not above_zero))


def near(name: str, of: str, figure: Figure, target: float, within: float, *, or_holds: bool = False) -> Gate:
    """Judge whether the value is within `within` of the target, or its interval holds it where that is enough."""
    wanted = f"{target:g} ± {within:g}" + (" or in the interval" if or_holds else "")
    return gate(
        name, of, wanted, figure, lambda value: abs(value - target) <= within or (or_holds and figure.holds(target))
    )


def unsure(rows: Sequence[tuple[str, Figure]], what: str) -> str:
    """Say in plain words which of the figures cannot be told from 0."""
    known = [(name, figure) for name, figure in rows if figure.value is not None]
    names = [name for name, figure in known if not figure.significant]
    if not known:
        return ""
    if not names:
        return f"Every {what} above differs significantly from 0."
    if len(names) == len(known):
        return f"No {what} above differs significantly from 0."
    return f"Not significant (the interval holds 0): {what} of {', '.join(names)}."
