"""Collects what is wrong with files of bars, with file and line.

Every row read has one number, its *origin*: rows of all files counted on from file to file, so that an origin names
both the file and the line, and their order is the order in which someone would look them up.
"""

from bisect import bisect_left, insort
from collections.abc import Callable
from pathlib import Path

from virtuoso.market.panel import Ints
from virtuoso.model.errors import UsageError

SHOWN = 10
"""Problems that are listed; the others are counted."""


class DataError(UsageError):
    """A file of bars cannot be read; the message names file, line, what is wrong and what would be right."""

    def __init__(self, path: Path, message: str, place: str | None = None) -> None:
        super().__init__(f"{path}{'' if place is None else f' ({place})'}: {message}")


class Problems:
    """Counts bad rows, and keeps the first `SHOWN` of them by file and line.

    Attributes:
        count: bad rows so far.
    """

    def __init__(self) -> None:
        self.count = 0
        self._first: list[tuple[int, str]] = []
        self._files: list[tuple[Path, str]] = []
        self._bases: list[int] = []

    def open(self, path: Path, unit: str, base: int) -> None:
        """The origins above `base` are of `path` from now on, counted in `unit` ("line", "row") from 1."""
        self._files.append((path, unit))
        self._bases.append(base)

    def add(self, origins: Ints, describe: Callable[[int], str]) -> None:
        """Each of `origins` [k] is a bad row; `describe(i)` says what is wrong with the i-th."""
        self.count += origins.size
        for i in origins.argsort(kind="stable")[:SHOWN].tolist():
            origin = int(origins[i])
            if len(self._first) == SHOWN and origin > self._first[-1][0]:
                return
            insort(self._first, (origin, describe(i)))
            del self._first[SHOWN:]

    def place(self, origin: int) -> tuple[Path, str]:
        """Return the file and "line 7" or "row 7" of an origin."""
        i = bisect_left(self._bases, origin) - 1
        path, unit = self._files[i]
        return path, f"{unit} {origin - self._bases[i]:,}"

    def listed(self) -> tuple[str, ...]:
        """Write the first problems, a line each."""
        return tuple(f"{path} ({place}): {text}" for path, place, text in self._told())

    def error(self) -> UsageError:
        """Return one error that lists the bad rows and says how many there are and what can be done."""
        shown = len(self._first)
        rest = "" if self.count == shown else f", of which the first {shown} are listed"
        rows = "1 bad row" if self.count == 1 else f"{self.count:,} bad rows"
        advice = f"{rows}{rest}; correct the data, or leave bad rows out as missing minutes with --skip-bad"
        return UsageError("\n".join((*self.listed(), advice)))

    def _told(self) -> list[tuple[Path, str, str]]:
        return [(*self.place(origin), text) for origin, text in self._first]
