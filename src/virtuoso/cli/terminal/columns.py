"""Columns of the board of `virtuoso top`, and which of them fit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import JustifyMethod
from rich.text import Text

from virtuoso.cli.terminal import drawing
from virtuoso.model.documents import SignalRow

GAP = 1
_SIDE = 4
_BARS_RANK, _NUMBERS_RANK = 9, 4


@dataclass(frozen=True, slots=True)
class Column:
    """One column of `width` characters: those of the highest `rank` give way first, those of rank 0 never."""

    title: str
    width: int
    rank: int
    cell: Callable[[SignalRow], Text]
    justify: JustifyMethod = "left"
    narrow: "Column | None" = None
    """What it becomes before it goes."""


def factor_column(name: str) -> Column:
    """A factor as a bar, or where there is little room as a number in [−100, 100] under its initials."""

    def value(row: SignalRow) -> float | None:
        return drawing.of_score(row.factors.get(name))

    def numbered(row: SignalRow) -> Text:
        found = value(row)
        return drawing.points(None if found is None else 100 * found, 0)

    narrow = Column(drawing.initials(name), 4, _NUMBERS_RANK, numbered, "right")
    title, width = name.replace("_", "\n"), 2 * _SIDE + 1
    return Column(title, width, _BARS_RANK, lambda row: drawing.drawn(value(row), _SIDE), narrow=narrow)


def fitted(columns: Sequence[Column], width: int) -> list[Column]:
    """The columns that fit into `width` characters, in their order."""
    kept = list(columns)
    while sum(column.width + GAP for column in kept) - GAP > width:
        first = max(column.rank for column in kept)
        if first == 0:
            break
        kept = [fit for c in kept if (fit := c.narrow if c.rank == first else c) is not None]
    return kept
