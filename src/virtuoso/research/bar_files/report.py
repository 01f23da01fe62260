"""Says what files were taken for, in a line for each file or group of files that are alike."""

from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from virtuoso.model.timeframe import Timeframe
from virtuoso.research.bar_files.part import Source
from virtuoso.research.bar_files.rows import Symbols

_SHOWN_SYMBOLS = 3


@dataclass(slots=True)
class _File:
    """One file; `codes` of the symbols of its good rows."""

    path: Path
    kind: str
    note: str
    bars: int
    codes: set[int] = field(default_factory=set)


class Report:
    """Gathers what each file turned out to be."""

    def __init__(self, known: Symbols) -> None:
        self._known = known
        self._files: list[_File] = []
        self._codes: set[int] = set()
        self._bars = 0

    def add(self, codes: NDArray[np.uint16]) -> None:
        """Take the symbols [m] of good rows of the file that is being read."""
        self._bars += codes.size
        self._codes.update(np.unique(codes).tolist())

    def close(self, source: Source) -> None:
        """Note that a file was read to its end."""
        recognised = source.recognised
        kind = ", ".join(filter(None, (recognised.layout.title, source.times.written, source.form)))
        zone, said = source.times.zone_used, recognised.layout.note
        note = (
            ""
            if zone is None
            else f" (its times name no zone and were taken as {zone}{f'; {said}: --zone' if said else ''})"
        )
        self._files.append(_File(source.path, kind, note, self._bars, self._codes))
        self._codes, self._bars = set(), 0

    def lines(self, interval: Timeframe) -> tuple[str, ...]:
        """Write a line for each run of files that are alike, in the order in which they were read."""
        return tuple(
            self._line(list(files), interval) for _, files in groupby(self._files, lambda file: (file.kind, file.note))
        )

    def _line(self, files: list[_File], interval: Timeframe) -> str:
        names = sorted(self._known.names[code] for code in set().union(*(file.codes for file in files)))
        symbols = ", ".join(names) if len(names) <= _SHOWN_SYMBOLS else f"{len(names):,} symbols"
        more = f" and {len(files) - 1:,} more" if len(files) > 1 else ""
        bars = sum(file.bars for file in files)
        what = f"{symbols}, {interval}, {bars:,} {'bar' if bars == 1 else 'bars'}" if names else "no good row"
        return f"{files[0].path.name}{more}: {files[0].kind} → {what}{files[0].note}"
