"""Tables on a terminal and in a pipe: the columns that fit, each wide enough to be read; in a pipe all, and in full."""

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Generic, TypeVar

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.text import Text

Row = TypeVar("Row")

Cells = tuple[str | Text, ...]
"""A row whose cells are known already."""

_UNLIMITED = 1_000_000
"""Characters of a line in a pipe: more than any table has, and within what rich can count."""
_EMPTY_RANK = 1_000


@dataclass(frozen=True)  # no slots: `Column[X](…)` cannot be called with them (CPython 3.11)
class Column(Generic[Row]):
    """One column; how it gives way where not all fit.

    Attributes:
        title: above it; of several lines where it holds a line feed.
        cell: what it shows of a row; plain text is stripped of control characters, and never read as markup.
        rank: those of the highest give way first, those of 0 never.
        right: whether it ends at one edge, as numbers do.
        least: of a text, the characters (2 or more) to which it may be wrapped; `None`: it is never wrapped.
        width: its width whatever it holds, for what is drawn again and again; `None`: as wide as its widest cell.
        narrow: what it becomes before it goes.
        centred: whether its title stands above its middle.
    """

    title: str
    cell: Callable[[Row], str | Text]
    rank: int = 0
    right: bool = False
    least: int | None = None
    width: int | None = None
    narrow: "Column[Row] | None" = None
    centred: bool = False


class Table(Generic[Row]):
    """Rows under columns, drawn to the width there is; `titled` is whether the titles stand above them.

    Where even those that never give way do not fit, lines are longer than the width: nothing is cut.
    """

    def __init__(
        self, columns: Iterable[Column[Row]], rows: Iterable[Row], *, gap: int = 2, titled: bool = True
    ) -> None:
        self.rows = tuple(rows)
        self._columns = tuple(columns)
        self._gap = gap
        self._titled = titled

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterable[Text]:
        """Draw it to the width of the console, a line of text a line."""
        drawn = self._fitted(options.max_width)
        widths = _widths(drawn, options.max_width - self._gap * (len(drawn) - 1))
        if self._titled:
            height = max((each.column.title.count("\n") for each in drawn), default=0)
            titles = [each.title(width, height) for each, width in zip(drawn, widths, strict=True)]
            yield from self._lines(titles, widths)
        for number in range(len(self.rows)):
            cells = [each.cell(console, number, width) for each, width in zip(drawn, widths, strict=True)]
            yield from self._lines(cells, widths)

    def titles(self, width: int) -> list[str]:
        """The titles of the columns that are shown at a width."""
        return [each.column.title for each in self._fitted(width)]

    def _fitted(self, width: int) -> list["_Drawn[Row]"]:
        """The columns that fit into `width` characters, in their order."""
        kept = [_Drawn(column, self.rows) for column in self._columns]
        while sum(each.least + self._gap for each in kept) - self._gap > width:
            first = max((each.rank for each in kept), default=0)
            if first == 0:
                break
            kept = [fit for each in kept if (fit := each if each.rank < first else each.narrowed(self.rows))]
        return kept

    def _lines(self, cells: Sequence[Sequence[Text]], widths: Sequence[int]) -> Iterable[Text]:
        """One row of the table: each cell is a block of lines of its column's width."""
        for number in range(max(map(len, cells), default=0)):
            blocks = (
                cell[number] if number < len(cell) else Text(" " * width)
                for cell, width in zip(cells, widths, strict=True)
            )
            line = Text(" " * self._gap, no_wrap=True, overflow="ignore").join(blocks)
            line.rstrip()
            yield line


class _Drawn(Generic[Row]):
    """A column with its cells, and the room that it takes."""

    def __init__(self, column: Column[Row], rows: Sequence[Row]) -> None:
        self.column = column
        self._cells = [_text(column.cell(row)) for row in rows]
        lines = [*column.title.split("\n"), *(line for cell in self._cells for line in cell.plain.split("\n"))]
        self.natural = max(map(cell_len, lines)) if column.width is None else column.width
        title = max(map(cell_len, column.title.split("\n")))
        self.least = self.natural if column.least is None else min(self.natural, max(column.least, title))
        says_nothing = column.width is None and bool(rows) and not any(cell.plain for cell in self._cells)
        self.rank = _EMPTY_RANK if column.rank and says_nothing else column.rank

    def narrowed(self, rows: Sequence[Row]) -> "_Drawn[Row] | None":
        """What becomes of it where there is too little room."""
        narrow = None if self.rank == _EMPTY_RANK else self.column.narrow
        return None if narrow is None else _Drawn(narrow, rows)

    def title(self, width: int, height: int) -> list[Text]:
        """The lines of its title, the last of which stands under `height` others."""
        missing = height - self.column.title.count("\n")
        lines = [Text(line, "dim") for line in ("\n" * missing + self.column.title).split("\n")]
        for line in lines:
            line.align("center" if self.column.centred else "right" if self.column.right else "left", width)
        return lines

    def cell(self, console: Console, row: int, width: int) -> list[Text]:
        """The lines of a cell, each `width` characters wide."""
        wrapped = self._cells[row].wrap(console, width, overflow="fold") if self.least < self.natural else None
        lines = list(self._cells[row].split("\n") if wrapped is None else wrapped)
        for line in lines:
            line.rstrip()
            line.pad_left(width - line.cell_len) if self.column.right else line.pad_right(width - line.cell_len)
        return lines


def _widths(columns: Sequence[_Drawn[Row]], room: int) -> list[int]:
    """The width of each: those that may be wrapped share what the others leave, none wider than it needs."""
    widths = [each.least for each in columns]
    spare = room - sum(widths)
    while spare > 0 and (short := [n for n, each in enumerate(columns) if widths[n] < each.natural]):
        share = max(1, spare // len(short))
        for n in short:
            more = min(share, columns[n].natural - widths[n], spare)
            widths[n] += more
            spare -= more
    return widths


def at(title: str, place: int, rank: int = 0, *, right: bool = False, least: int | None = None) -> Column[Cells]:
    """A column of rows that are tuples: what stands at `place` of each."""
    return Column(title, itemgetter(place), rank, right=right, least=least)


def plain(text: str) -> str:
    """What a terminal shows as it is."""
    return "".join(letter if letter.isprintable() else "�" for letter in text)


def _text(cell: str | Text) -> Text:
    return cell if isinstance(cell, Text) else Text(plain(cell))


def facts(values: Mapping[str, str | Text]) -> Table[Cells]:
    """A line a fact: its name, and what it is."""
    rows = [(Text(plain(name), "dim"), value) for name, value in values.items()]
    return Table([at("", 0), at("", 1, least=20)], rows, titled=False)


def terminal() -> Console:
    """Standard output: as wide as `COLUMNS` says, or as its terminal is; in a pipe, no line is ever wrapped or cut."""
    limited = sys.stdout.isatty() or os.environ.get("COLUMNS", "").strip("0").isdecimal()
    return Console(highlight=False) if limited else Console(width=_UNLIMITED, height=25, highlight=False)


def show(parts: Iterable[RenderableType]) -> None:
    """Print each part on standard output; texts are printed as they are, not as markup."""
    console = terminal()
    for part in parts:
        console.print(part, crop=False, markup=False)
