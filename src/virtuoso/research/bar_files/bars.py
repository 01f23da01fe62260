"""1m bars from files, as blocks in the order of time, in memory bounded by a block.

All rows are read once: checked, indexed and sorted into spans on the disk (`spill`); then the spans come back as
blocks. So files may be in any order, by symbol, by time or by chance, and every mistake is known before the first
block is given out.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np

from virtuoso.market.panel import BarBlock, Floats
from virtuoso.model.errors import UsageError
from virtuoso.model.timeframe import Timeframe
from virtuoso.research.bar_files.formats.files import open_all
from virtuoso.research.bar_files.hints import NUMBERS, OPTIONAL, Hints
from virtuoso.research.bar_files.index import Index, length
from virtuoso.research.bar_files.part import Source
from virtuoso.research.bar_files.problems import DataError, Problems
from virtuoso.research.bar_files.report import Report
from virtuoso.research.bar_files.rows import Symbols, checked
from virtuoso.research.bar_files.spill import Records, Spill
from virtuoso.research.seams import Seam, SeamFinder

BLOCK_MINUTES = 240
_MINUTE = Timeframe.M1
_NO_HINTS = Hints()
_ONE_MINUTE = "bars of 1m are needed, of which longer ones are made: take the file of 1m, or one of trades"


class Bars:
    """Bars that were read and found good, or freed of what was not.

    Attributes:
        symbols: in alphabetical order; the columns of every block.
        first_ms: open time of the first bar (epoch ms).
        last_ms: open time of the last bar (epoch ms).
        read: good bars.
        missing: minutes without a bar between a symbol's own first and last one, of all symbols.
        taker_sides: whether the taker-buy volume of any bar is known.
        skipped: bad rows that were left out.
        problems: the first ten of them, with file and line.
        seams: where a contract became another one, in the blocks that were given out so far.
    """

    def __init__(self, spill: Spill, known: Symbols, index: Index, repeated: int, problems: Problems) -> None:
        spans = {name: index.span(code) for code, name in enumerate(known.names) if index.span(code).count}
        self.symbols = tuple(sorted(spans))
        self.first_ms = min(span.first for span in spans.values()) * _MINUTE.ms
        self.last_ms = max(span.last for span in spans.values()) * _MINUTE.ms
        self.read = sum(span.count for span in spans.values()) - repeated
        self.missing = sum(span.last - span.first + 1 for span in spans.values()) - self.read
        self.taker_sides = index.taker_sides
        self.skipped = problems.count
        self.problems = problems.listed()
        self.seams: list[Seam] = []
        self._spill = spill
        columns = {name: column for column, name in enumerate(self.symbols)}
        self._column = np.array([columns.get(name, -1) for name in known.names])

    @property
    def minutes(self) -> int:
        """Minutes from the first bar to the last, those of all blocks together."""
        return (self.last_ms - self.first_ms) // _MINUTE.ms + 1

    def blocks(self) -> Iterator[BarBlock]:
        """All minutes in order; a minute without a bar is `nan` in every array.

        Blocks begin at multiples of their length since the epoch; the first and the last are cut to the period. Their
        arrays are [t, n] and read-only, `rows` is 0 … n − 1. When a block comes, its seams are in `seams`.
        """
        finder, blocks = SeamFinder(self.symbols), self._read_back()
        self.seams.clear()
        block = next(blocks, None)
        while block is not None:
            following = next(blocks, None)
            self.seams += finder.find(block, following)
            yield block
            block = following

    def _read_back(self) -> Iterator[BarBlock]:
        first, last = self.first_ms // _MINUTE.ms, self.last_ms // _MINUTE.ms
        minutes = self._spill.minutes
        for span in range(first // minutes, last // minutes + 1):
            begin = span * minutes
            inside = slice(max(0, first - begin), min(minutes, last + 1 - begin))
            yield self._block(begin, self._spill.read(span), inside)

    def _block(self, begin: int, records: Records, inside: slice) -> BarBlock:
        shape = (self._spill.minutes, len(self.symbols))
        place = records["minute"].astype(np.int64) * shape[1] + self._column[records["symbol"]]
        arrays: dict[str, Floats] = {}
        for name in NUMBERS:
            values = np.full(shape, np.nan)
            if name in self._spill.fields:
                values.reshape(-1)[place] = records[name]
            arrays["buy_volume" if name == "taker_buy_volume" else name] = values[inside]
        arrays["turnover"] = _turnover(arrays)
        for array in arrays.values():
            array.flags.writeable = False
        return BarBlock(
            timeframe=_MINUTE,
            rows=np.arange(shape[1]),
            open_ms=(begin + np.arange(shape[0])[inside]) * _MINUTE.ms,
            open=arrays["open"],
            high=arrays["high"],
            low=arrays["low"],
            close=arrays["close"],
            volume=arrays["volume"],
            turnover=arrays["turnover"],
            buy_volume=arrays["buy_volume"],
        )


def _turnover(arrays: dict[str, Floats]) -> Floats:
    """Turnover where it is known, else volume × (high + low + 2·close)/4, quote units."""
    typical = (arrays["high"] + arrays["low"] + 2 * arrays["close"]) / 4
    return np.where(np.isnan(arrays["turnover"]), arrays["volume"] * typical, arrays["turnover"])


@contextmanager
def read_bars(
    data: Path | Sequence[Path],
    *,
    hints: Hints = _NO_HINTS,
    skip_bad: bool = False,
    minutes: int = BLOCK_MINUTES,
    scratch: Path | None = None,
    progress: Callable[[float], None] = lambda _: None,
    recognised: Callable[[str], None] = lambda _: None,
) -> Iterator[Bars]:
    """Read files of 1m bars or of trades; the blocks are there while the context is open.

    Args:
        data: files, folders of files, or patterns that match files. Their layouts are told by `layouts.table`.
        hints: what the files do not say of themselves.
        skip_bad: leave bad rows out, so that they become missing minutes; of a minute that is there twice the first
            row stays.
        minutes: length of a block.
        scratch: where temporary files are put, up to 68 bytes a bar; the system's place for them when `None`.
        progress: told the share that was read, in [0, 1].
        recognised: told what the files were taken for, a line for each group of them.

    Raises:
        DataError: a file cannot be read, lacks a column, or holds bars of another length.
        UsageError: rows are bad: the first ten with file and line, and how many there are.
    """
    sources = open_all([data] if isinstance(data, Path) else data, hints)
    fields = [key for key in NUMBERS if key not in OPTIONAL or any(key in source.names for source in sources)]
    known, index, problems = Symbols(), Index(), Problems()
    report = Report(known)
    with Spill(scratch, minutes, fields) as spill:
        _read(sources, known, index, spill, problems, report, progress)
        _refuse_other_lengths(None, known, index.wrong_interval(all_good=not problems.count))
        for line in report.lines():
            recognised(line)
        repeated = 0 if index.ordered else _drop_repeated(spill, known, problems)
        if problems.count and not skip_bad:
            raise problems.error()
        if not spill.spans():
            none = f"{sources[0].path}: none of the {problems.count:,} rows is good"
            raise UsageError("\n".join((*problems.listed(), none)))
        yield Bars(spill, known, index, repeated, problems)


def _read(
    sources: list[Source],
    known: Symbols,
    index: Index,
    spill: Spill,
    problems: Problems,
    report: Report,
    progress: Callable[[float], None],
) -> None:
    """Check, index and spill all rows of all files."""
    done, total = 0, sum(source.bytes for source in sources)
    base = 0
    for source in sources:
        problems.open(source.path, source.unit, base)
        end, own = 0, Index()
        for part in source.parts():
            rows, timed = checked(source, part, base, known, problems)
            index.time(timed)
            own.time(timed)
            index.add(rows)
            spill.add(rows)
            report.add(rows.symbol)
            end = part.end
            progress((done + source.share() * source.bytes) / total)
        _refuse_other_lengths(source.path, known, own.wrong_interval(all_good=False))
        report.close(source)
        base += end
        done += source.bytes


def _refuse_other_lengths(path: Path | None, known: Symbols, wrong: tuple[int, int] | None) -> None:
    """Raise `DataError` for bars of another length, of the symbol's first file when it is of no single one."""
    if wrong is not None:
        symbol, seconds = wrong
        bars = f"{known.names[symbol]} has bars of {length(seconds)}"
        raise DataError(path or known.files[symbol], f"{bars}; {_ONE_MINUTE}")


def _drop_repeated(spill: Spill, known: Symbols, problems: Problems) -> int:
    """Tell every row whose minute and symbol were there before, and drop it; answers how many there were."""
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
