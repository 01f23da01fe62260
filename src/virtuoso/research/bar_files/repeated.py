"""Drops bars that are there twice: the first row stays."""

from functools import partial

import numpy as np

from virtuoso.research.bar_files.problems import Problems
from virtuoso.research.bar_files.rows import Symbols
from virtuoso.research.bar_files.spill import Records, Spill


def drop_repeated(spill: Spill, known: Symbols, problems: Problems) -> int:
    """Report and drop every row whose minute and symbol were there before; returns how many there were."""
    count = 0
    for span in spill.spans():
        records = spill.read(span)
        key = records["minute"].astype(np.int64) << 16 | records["symbol"]
        _, first, group = np.unique(key, return_index=True, return_inverse=True)
        if first.size == records.size:
            continue
        again = np.ones(records.size, np.bool_)
        again[first] = False
        problems.add(
            records["origin"][again], partial(_repeated, records[again], records[first[group[again]]], known, problems)
        )
        spill.replace(span, records[~again])
        count += int(again.sum())
    return count


def _repeated(later: Records, earlier: Records, known: Symbols, problems: Problems, i: int) -> str:
    path, place = problems.place(int(earlier["origin"][i]))
    return f"{known.names[later['symbol'][i]]} has this minute already ({path.name}, {place})"
