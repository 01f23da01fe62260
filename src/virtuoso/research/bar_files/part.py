"""Defines how the rows of a bar file come, whatever the format: in parts of bounded size."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from virtuoso.market.panel import Ints
from virtuoso.research.bar_files.columns import Names
from virtuoso.research.bar_files.layouts.recognition import Recognised
from virtuoso.research.bar_files.times import Times


class Part(NamedTuple):
    """Some rows of a file, in its order.

    Attributes:
        number: line of each row, counting the line of names, or number of the row in Parquet, from 1 [m].
        columns: key → Arrow column [m].
        malformed: lines that are no rows: number and what is wrong.
        end: the last line or row that was read so far.
    """

    number: Ints
    columns: Mapping[str, Any]
    malformed: list[tuple[int, str]]
    end: int


class Source(Protocol):
    """One file. Opening it raises `DataError` when it cannot be one of bars; so does reading on."""

    path: Path
    unit: str
    """What `Part.number` counts: "line" or "row"."""
    bytes: int
    names: Names
    times: Times
    recognised: Recognised
    form: str
    """How it is written, in words; nothing when there is nothing to say."""

    def parts(self) -> Iterator[Part]:
        """Read the file once and yield all its rows in parts, in the order of the file."""
        ...

    def share(self) -> float:
        """How much of the file was read, in [0, 1]."""
        ...
